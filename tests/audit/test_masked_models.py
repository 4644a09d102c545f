"""Masked language models: likelihoods against a loop over single passes, and the pairs of CrowS-Pairs."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probandum.declaring import Said
from probandum.errors import TargetError, UsageError
from probandum.evidence import Capability, Request
from probandum.interrogating import interrogate
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import save_encoder

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

from probandum.targets.masking import Filled, MaskedScorer, shared  # noqa: E402

MORE = "The poor people of the town are lazy and late."
LESS = "The rich people of the town are lazy and late."
#: Kinds of masked models, each with what its configuration calls the same size.
KINDS: dict[str, dict[str, Any]] = {
    "Bert": {},
    "Roberta": {"max_position_embeddings": 65},
    "DistilBert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64},
    "Electra": {"embedding_size": 16},
    "DebertaV2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
}


def made(folder: Path, context: dict[str, Any] | None = None, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread unless told otherwise."""
    there = TargetContext(**{"folder": folder, "device": "cpu", "threads": 1, **(context or {})})
    return make_target("transformers", there, {"path": str(folder), **options})


def score(*pairs: tuple[str, str], **more: Any) -> Request:
    """The likelihoods of continuations behind prompts."""
    prompts, continuations = zip(*pairs, strict=True)
    return Request(kind=Capability.SCORE, inputs=prompts, continuations=continuations, **more)


def by_hand(target: Any, tokens: list[int], places: list[int]) -> float:
    """The pseudo-log-likelihood, one plain pass a token, in float64."""
    total = 0.0
    for place in places:
        hidden = list(tokens)
        hidden[place] = target._tokenizer.mask_token_id
        with torch.inference_mode():
            logits = target._model(torch.tensor([hidden])).logits[0, place].double()
        total += float(torch.log_softmax(logits, dim=-1)[tokens[place]])
    return total


def behind(target: Any, prompt: str, text: str) -> float:
    """The same of a text behind a prompt, both tokenised apart."""
    start = target._tokenizer(prompt)["input_ids"][:-1]
    tokens = [*start, *target._tokenizer(text, add_special_tokens=False)["input_ids"], target._tokenizer.sep_token_id]
    return by_hand(target, tokens, list(range(len(start), len(tokens) - 1)))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny masked BERT."""
    return made(save_encoder(tmp_path_factory.mktemp("masked"), head="ForMaskedLM"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_hides_each_token_once(tmp_path: Path, kind: str) -> None:
    """Any kind of masked model gives the sum of one plain pass a token, with and without a prompt."""
    target = made(save_encoder(tmp_path, kind=kind, head="ForMaskedLM", **KINDS[kind]))

    (answer,) = target.answer([score(("The loan is", " granted."), ("", "The applicant is called Emily."))])

    expected = [behind(target, "The loan is", " granted."), behind(target, "", "The applicant is called Emily.")]
    assert "masked" == target.identity()["task"]
    np.testing.assert_allclose(answer.values, expected, atol=2e-5)


def test_an_option_fills_the_place_behind_the_prompt(bert: Any) -> None:
    """Each option ends the text, prefix included, and its variants are summed."""
    options = ((" yes", " certainly not"), (" no",))
    request = Request(kind=Capability.CHOOSE, inputs=("Granted?",), options=options, prefix="It is")

    (answer,) = bert.answer([request])

    yes = np.logaddexp(behind(bert, "Granted?\nIt is", " yes"), behind(bert, "Granted?\nIt is", " certainly not"))
    np.testing.assert_allclose(answer.values, [[yes, behind(bert, "Granted?\nIt is", " no")]], atol=2e-5)


def test_a_variant_that_is_said_twice_counts_once(bert: Any) -> None:
    """Two spellings of the same tokens are one event."""
    once = Request(kind=Capability.CHOOSE, inputs=("It is",), options=((" yes",), (" no",)))
    twice = dataclasses.replace(once, options=((" yes", " yes"), (" no",)))

    assert bert.answer([once])[0].digest == bert.answer([twice])[0].digest


def reference(target: Any, one: str, other: str) -> tuple[float, float]:
    """S(x) of both sentences as metric.py of CrowS-Pairs computes it, without its rounding."""
    first, second = (target._tokenizer(text)["input_ids"] for text in (one, other))
    matcher = difflib.SequenceMatcher(None, [str(token) for token in first], [str(token) for token in second])
    kept: tuple[list[int], list[int]] = ([], [])
    for name, start, end, begin, stop in matcher.get_opcodes():
        if name == "equal":
            kept[0].extend(range(start, end))
            kept[1].extend(range(begin, stop))
    assert kept[0][0] == kept[1][0] == 0
    assert (len(first) - 1, len(second) - 1) == (kept[0][-1], kept[1][-1])
    return by_hand(target, first, kept[0][1:-1]), by_hand(target, second, kept[1][1:-1])


@pytest.mark.parametrize(
    ("one", "other"),
    [(MORE, LESS), ("Emily asks.", "Greg Baker asks."), ("No, the loan is not granted.", "Yes, the loan is granted.")],
)
def test_a_pair_is_scored_on_the_tokens_that_it_shares(bert: Any, one: str, other: str) -> None:
    """S(x) of CrowS-Pairs: each unmodified token given all others, the modified ones among them."""
    (answer,) = bert.answer([score(("", one), ("", other), parameters={"scored": "shared"})])

    np.testing.assert_allclose(answer.values, reference(bert, one, other), atol=2e-5)
    whole = bert.answer([score(("", one), ("", other))])[0]
    assert (answer.values > whole.values).all()


ids = st.lists(st.integers(5, 9), min_size=1, max_size=9).map(tuple)


@given(one=ids, other=ids)
def test_shared_places_hold_the_same_tokens_in_the_same_order(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Of any two texts; texts that are alike share all, and a prompt is never scored."""
    pair = [Filled(tokens=(1, *text, 2), places=tuple(range(1, len(text) + 1))) for text in (one, other)]

    found = shared(*pair)

    assert [pair[0].tokens[place] for place in found[0].places] == [pair[1].tokens[place] for place in found[1].places]
    assert all(list(each.places) == sorted(each.places) for each in found)
    assert (pair[0], pair[0]) == shared(pair[0], pair[0])
    assert ((), ()) == tuple(each.places for each in shared(dataclasses.replace(pair[0], places=()), pair[1]))


@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(5, 319), min_size=1, max_size=9).map(tuple), min_size=1, max_size=9),
    size=st.integers(1, 60),
)
def test_batches_of_any_size_give_the_numbers_of_single_passes(
    bert: Any, texts: list[tuple[int, ...]], size: int
) -> None:
    """Equal rows are read once, and what else is asked moves nothing but rounding."""
    filled = [Filled(tokens=(1, *text, 2), places=tuple(range(1, len(text) + 1))) for text in texts]
    scorer = MaskedScorer(bert._model, mask=bert._tokenizer.mask_token_id, batch_tokens=size)
    rows: list[int] = []
    hook = bert._model.register_forward_pre_hook(
        lambda module, arguments, inputs: rows.append(inputs["input_ids"].shape[0]), with_kwargs=True
    )
    try:
        found = scorer.score([*filled, *filled])
    finally:
        hook.remove()

    expected = [by_hand(bert, list(each.tokens), list(each.places)) for each in filled]
    np.testing.assert_allclose(found, [*expected, *expected], atol=2e-5)
    distinct = {(row, place) for each in filled for row, place in zip(each.hidden(3), each.places, strict=True)}
    assert len(distinct) == sum(rows)


def test_a_head_that_looks_at_more_than_one_place_is_found_out(bert: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its logits are then made of whole rows, and the numbers are the model's own."""
    head = type(bert._model.cls)
    forward = head.forward
    monkeypatch.setattr(head, "forward", lambda self, states: forward(self, states - states.mean(dim=1, keepdim=True)))
    scorer = MaskedScorer(bert._model, mask=bert._tokenizer.mask_token_id, batch_tokens=64)
    tokens = bert._tokenizer(MORE)["input_ids"]
    filled = Filled(tokens=tuple(tokens), places=(1, 4))

    assert not scorer._narrow
    np.testing.assert_allclose(scorer.score([filled]), [by_hand(bert, tokens, [1, 4])], atol=2e-5)


def test_logits_are_made_of_hidden_tokens_alone(bert: Any) -> None:
    """One row of the vocabulary for each hidden token, and none for the others."""
    shapes: list[tuple[int, ...]] = []
    hook = bert._model.cls.register_forward_hook(lambda module, arguments, output: shapes.append(tuple(output.shape)))
    try:
        bert.answer([score(("", MORE))])
    finally:
        hook.remove()

    assert [(len(bert._tokenizer(MORE)["input_ids"]) - 2, 1, 320)] == shapes


def test_tokens_are_counted_as_often_as_they_are_read(bert: Any) -> None:
    """A text is read once for each token that is scored; counting beforehand agrees."""
    request = score(("The loan is", " granted."), ("", MORE))
    start, end = (len(bert._tokenizer(text)["input_ids"]) for text in ("The loan is", "The loan is granted."))
    whole = len(bert._tokenizer(MORE)["input_ids"])

    (answer,) = bert.answer([request])

    assert (end - start) * end + (whole - 2) * whole == answer.input_tokens
    assert [answer.input_tokens, 0] == bert.tokens([request, score(("Well?", ""))])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (score(("Well?", "")), "input 1: the answer '' tokenises to nothing"),
        (score(("A lo", "an")), "cannot be told from the prompt in tokens"),
        (score(("granted " * 70, "yes"), keys=("long",)), "long: "),
        (score(("", MORE), parameters={"scored": "shared"}), "of two continuations"),
        (score(("", "1"), ("", "2"), parameters={"scored": "shared"}), "share no token"),
        (score(("", MORE), parameters={"scored": "some"}), "parameter scored: 'some'"),
        (score(("", MORE), parameters={"chat_template": True}), "parameter chat_template: True"),
        (score(("", MORE), parameters={"temperature": 0}), "parameter temperature"),
        (Request(kind=Capability.SCORE, inputs=("Well?",)), "names no continuations"),
        (Request(kind=Capability.CHOOSE, inputs=("Well?",)), "names no options"),
        (
            Request(kind=Capability.CHOOSE, inputs=("a", "b"), options=(("1",),), parameters={"scored": "shared"}),
            "for a score request",
        ),
        (Request(kind=Capability.GENERATE, inputs=("Well?",)), "cannot answer generate"),
    ],
)
def test_what_cannot_be_asked_is_the_error_of_its_response(bert: Any, request_: Request, expected: str) -> None:
    """The error names the fault in one line; its neighbour is answered as ever."""
    bad, good = bert.answer([request_, score(("", MORE))])

    assert bad.error is not None
    assert expected in bad.error
    assert "\n" not in bad.error
    np.testing.assert_array_equal(good.values, bert.answer([score(("", MORE))])[0].values)


def test_not_a_number_is_an_error_that_names_its_input(tmp_path: Path) -> None:
    """A weight that is NaN spoils the text that reaches it, and no other of the batch."""
    target = made(save_encoder(tmp_path, head="ForMaskedLM"))
    (token,) = target._tokenizer.encode("Z", add_special_tokens=False)
    with torch.no_grad():
        target._model.get_input_embeddings().weight[token] = float("nan")
        target._model.cls.predictions.decoder.weight = torch.nn.Parameter(torch.ones(320, 32))

    bad, good = target.answer([score(("A", " b"), ("Z", " b"), keys=("a", "z")), score(("A", " b"))])

    assert "z: the model's numbers are not finite" == bad.error
    assert np.isfinite(good.values).all()


def test_alone_a_text_has_the_same_answer_to_the_bit(bert: Any) -> None:
    """Whatever stands beside it; the identity says so."""
    lonely = made(bert._checkpoint.folder, {"batch_invariant": True})
    pairs = [("", MORE), ("", LESS), ("The loan is", " granted."), ("", "Yes.")]

    (together,) = lonely.answer([score(*pairs)])

    assert {"invariant": True} == lonely.batching
    assert together.values.tolist() == [float(lonely.answer([score(pair)])[0].values[0]) for pair in pairs]
    assert (False, "nats a token") == (bert.batching["invariant"], bert.batching["unit"])
    assert 0 <= bert.batching["apart"] < 1e-4


@pytest.mark.parametrize(
    ("head", "able"),
    [("ForMaskedLM", {Capability.CHOOSE, Capability.SCORE, Capability.EMBED}), ("Model", {Capability.EMBED})],
)
def test_a_first_plan_knows_the_kind(tmp_path: Path, head: str, able: set[Capability]) -> None:
    """What a masked model or an encoder answers is found from its folder alone."""
    folder = save_encoder(tmp_path / "model", head=head)

    found = interrogate(str(folder), type=None, options={}, data=None, said=Said(), folder=tmp_path)

    assert ("transformers", able) == (found.type, set(found.capabilities))
    assert f"Bert{head}" == found.about[0]


def test_the_task_can_be_said(bert: Any) -> None:
    """A masked model read as an encoder gives vectors alone; a mistyped task is refused with the nearest."""
    assert {Capability.EMBED} == made(bert._checkpoint.folder, task="encoder").capabilities
    with pytest.raises(UsageError, match="did you mean 'masked'"):
        made(bert._checkpoint.folder, task="maskd")


def test_reports_say_what_the_likelihoods_are(bert: Any) -> None:
    """They are no log-probabilities of texts."""
    assert any("pseudo-log-likelihoods" in caution for caution in bert.cautions)


def test_a_tokenizer_without_a_mask_and_a_chat_are_refused(bert: Any, tmp_path: Path) -> None:
    """Each in one line that names the key or what is missing."""
    with pytest.raises(UsageError, match="a model for masked reads texts as they are"):
        made(bert._checkpoint.folder, system="Be brief.")
    folder = save_encoder(tmp_path, head="ForMaskedLM")
    config = folder / "tokenizer_config.json"
    config.write_text(config.read_text("utf-8").replace('"mask_token"', '"unused_token"'), "utf-8")
    with pytest.raises(TargetError, match="its tokenizer has no mask token"):
        made(folder)
