"""Attributions on tiny real models: gradients against differences, completeness, attention, and how they are kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from plugged import command, installed
from probandum import codec
from probandum.cache import AnswerCache
from probandum.errors import RecordError
from probandum.evidence import ATTRIBUTED, Capability, Floats, PerToken, Request, Response
from probandum.packing import checked
from probandum.rehearsing import Counting
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import TEMPLATE, save_bert, save_llama

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

from probandum.targets import gradients  # noqa: E402
from probandum.targets.attending import rollout  # noqa: E402

TEXTS = ("The loan is granted.", "Emily, Jamal and Greg apply for it.", "No")
OPTIONS = ((" yes", " Yes", " certainly not"), (" no",))
Ask = Callable[..., Request]


def made(folder: Path, context: dict[str, Any] | None = None, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread unless told otherwise."""
    there = TargetContext(**{"folder": folder, "device": "cpu", "threads": 1, **(context or {})})
    return make_target("transformers", there, {"path": str(folder), **options})


def of_classes(*texts: str, method: str, **parameters: Any) -> Request:
    """Attributions to a class."""
    return Request(kind=Capability.ATTRIBUTE, inputs=texts, parameters={"method": method, **parameters})


def of_options(*texts: str, method: str, **parameters: Any) -> Request:
    """Attributions to an option behind a scripted start of the answer."""
    asked = of_classes(*texts, method=method, **parameters)
    return dataclasses.replace(asked, options=OPTIONS, prefix="My answer is")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny text classifier."""
    return made(save_bert(tmp_path_factory.mktemp("bert")))


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny causal model with a chat template."""
    return made(save_llama(tmp_path_factory.mktemp("llama"), template=TEMPLATE))


@pytest.fixture(params=["classifier", "causal"])
def both(request: pytest.FixtureRequest) -> tuple[Any, Ask]:
    """Either model, and how it is asked."""
    target = request.getfixturevalue(request.param)
    return target, of_classes if request.param == "classifier" else of_options


@pytest.fixture(params=["classifier", "causal"])
def exact(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Ask]:
    """Either kind of model in float64 throughout, so that differences of neighbouring points mean something."""
    classes = request.param == "classifier"
    target = made(save_bert(tmp_path) if classes else save_llama(tmp_path, kind="GPTNeoX"))
    target._model.double()
    return target, of_classes if classes else of_options


def log_odds_of(target: Any, ask: Ask, text: str, which: int) -> float:
    """What is explained, from the answers that the model gives otherwise."""
    if Capability.CLASSIFY in target.capabilities:
        values = np.log(target.answer([Request(kind=Capability.CLASSIFY, inputs=(text,))])[0].values[0])
    else:
        asked = Request(kind=Capability.CHOOSE, inputs=(text,), options=OPTIONS, prefix="My answer is")
        values = target.answer([asked])[0].values[0]
    others = np.delete(values, which)
    return float(values[which] - np.logaddexp.reduce(others))


@pytest.mark.parametrize("method", ["gradient-x-input", "integrated-gradients"])
def test_the_score_is_the_log_odds_of_the_answer(both: tuple[Any, Ask], method: str) -> None:
    """Of the most probable class or option of each text, or of the one that is named."""
    target, ask = both
    name = {"class": "rude"} if ask is of_classes else {"option": 1}

    best, named = target.answer([ask(*TEXTS, method=method), ask(*TEXTS, method=method, **name)])

    assert ATTRIBUTED[method] == best.labels == named.labels
    assert (best.values[:, 1] >= 0).all()
    assert [1.0] * len(TEXTS) == named.values[:, 0].tolist()
    for answer in (best, named):
        for text, row in zip(TEXTS, answer.values, strict=True):
            assert log_odds_of(target, ask, text, int(row[0])) == pytest.approx(row[1], abs=2e-4)


def test_gradients_are_those_of_finite_differences(exact: tuple[Any, Ask]) -> None:
    """x times df/dx of each token, from f at two points beside the embeddings, token by token."""
    target, ask = exact
    part = target._parts[Capability.ATTRIBUTE]
    request = ask(TEXTS[1], method="gradient-x-input")
    (passage,) = part._explained.passages(request)
    embedded = gradients.embeddings(target._model, passage.tokens)

    (answer,) = target.answer([request])

    step, expected = 1e-5, []
    for place in passage.places:
        points = torch.stack([embedded, embedded])
        points[0, place] *= 1 - step
        points[1, place] *= 1 + step
        with torch.no_grad():
            low, high = gradients.log_odds_at(
                part._explained.scores(passage, points), int(answer.values[0, 0])
            ).tolist()
        expected.append((high - low) / (2 * step))
    np.testing.assert_allclose(answer.per_token[0].values, expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("baseline", ["zero", "pad", "mask"])
def test_integrated_gradients_add_up_to_what_the_text_changes(classifier: Any, baseline: str) -> None:
    """Over all tokens they are f of the text less f of the baseline, within a thousandth; the rest is given."""
    (answer,) = classifier.answer([of_classes(*TEXTS, method="integrated-gradients", baseline=baseline, steps=100)])

    for row, each in zip(answer.values, answer.per_token, strict=True):
        _, score, base, residual = row
        assert sum(each.values) + base - score == pytest.approx(residual, abs=1e-9)
        assert abs(residual) < 1e-3 * abs(score - base)


def test_the_base_is_the_answer_to_the_baseline(classifier: Any) -> None:
    """The text's own tokens stand behind the mask, and special ones stay."""
    tokens = classifier._tokenizer(TEXTS[0])["input_ids"]
    hidden = [tokens[0], *[classifier._tokenizer.mask_token_id] * (len(tokens) - 2), tokens[-1]]
    with torch.inference_mode():
        scores = torch.log_softmax(classifier._model(torch.tensor([hidden])).logits[0].double(), dim=-1).numpy()

    (answer,) = classifier.answer([of_classes(TEXTS[0], method="integrated-gradients", baseline="mask")])

    which = int(answer.values[0, 0])
    assert scores[which] - scores[1 - which] == pytest.approx(answer.values[0, 2], abs=1e-4)


def test_more_steps_leave_less(causal: Any) -> None:
    """Where the way to the baseline is crooked, the residual shows it, and falls with the points that are taken."""
    left = [
        np.abs(
            causal.answer([of_options("No", method="integrated-gradients", baseline="eos", steps=steps)])[0].values[
                :, 3
            ]
        )
        for steps in (5, 400)
    ]

    assert left[1].max() < 1e-3 < left[0].max()


def test_the_mean_over_points_is_exact_for_what_bends_little() -> None:
    """Of a product of two embeddings, by hand: f = 2 x y from (0, 0) to (3, 4) gives each half of 24."""
    embedded = torch.tensor([[3.0], [4.0]], dtype=torch.float64)

    def scores(given: Any) -> Any:
        return (2 * given[:, 0] * given[:, 1]).reshape(-1, 1)

    found = gradients.integrated_gradients(scores, embedded, torch.zeros(2, 1), 0, steps=2, at_once=1)

    np.testing.assert_allclose(found, [12.0, 12.0], rtol=1e-12)
    np.testing.assert_allclose(gradients.gradient_times_input(scores, embedded, 0), [24.0, 24.0])


def test_tokens_carry_their_places_in_the_text(both: tuple[Any, Ask]) -> None:
    """Each token says which characters it covers; the text's are all covered, and no other token has a number."""
    target, ask = both
    texts = ("The loan is granted.", "An é, and 猫.")

    (answer,) = target.answer([ask(*texts, method="gradient-x-input")])

    for text, each in zip(texts, answer.per_token, strict=True):
        assert (
            "".join(text[start:end] for start, end in dict.fromkeys(zip(each.starts, each.ends, strict=True))) == text
        )
        assert target._tokenizer.convert_ids_to_tokens(
            target._tokenizer(text, add_special_tokens=False)["input_ids"]
        ) == list(each.tokens)


def test_a_template_stands_around_the_text_and_has_no_numbers(causal: Any) -> None:
    """A system message before it moves no place; blanks that a template takes away are refused."""
    told = made(causal._checkpoint.folder, system="Be brief.")
    trimmed = made(causal._checkpoint.folder)
    trimmed._tokenizer.chat_template = TEMPLATE.replace("message['content']", "message['content'] | trim")

    for target in (causal, told, trimmed):
        (answer,) = target.answer([of_options("Granted?", method="gradient-x-input")])
        assert (0, 8) == (answer.per_token[0].starts[0], answer.per_token[0].ends[-1])
    (bad,) = trimmed.answer([of_options(" Granted? ", method="gradient-x-input")])
    assert "input 1: the chat template changes the text; take blanks from its ends" == bad.error


def test_a_continuation_is_explained_as_an_option_is(causal: Any) -> None:
    """Alone it has no others: its score is its log-likelihood."""
    request = Request(
        kind=Capability.ATTRIBUTE,
        inputs=("The loan is",),
        continuations=(" granted.",),
        parameters={"method": "gradient-x-input", "chat_template": False},
    )
    asked = dataclasses.replace(request, kind=Capability.SCORE, parameters={"chat_template": False})

    (answer,) = causal.answer([request])

    assert causal.answer([asked])[0].values[0] == pytest.approx(answer.values[0, 1], abs=1e-4)


def attentions(target: Any, tokens: list[int]) -> Floats:
    """The mean over heads of every layer, asked of a model that was loaded to keep it."""
    eager = type(target._model).from_pretrained(target._checkpoint.folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        found = eager(torch.tensor([tokens]), output_attentions=True).attentions
    return np.stack([layer[0].double().mean(dim=0).numpy() for layer in found])


@pytest.mark.parametrize("method", ["attention-last-layer", "attention-rollout"])
def test_attention_is_read_where_the_answer_is_made(both: tuple[Any, Ask], method: str) -> None:
    """At the first token of a classifier that reads both ways, at the last one of a causal model."""
    target, ask = both
    (passage,) = target._parts[Capability.ATTRIBUTE]._explained.passages(ask(TEXTS[1], method=method))
    layers = attentions(target, list(passage.tokens))
    before = target.answer([ask(*TEXTS, method="gradient-x-input")])[0].digest

    (answer,) = target.answer([ask(TEXTS[1], method=method)])

    whole = layers[-1] if method == "attention-last-layer" else rollout(layers)
    row = whole[-1 if ask is of_options else 0]
    np.testing.assert_allclose(answer.per_token[0].values, row[passage.places], atol=1e-6)
    assert ("attended",) == answer.labels
    assert sum(answer.per_token[0].values) == pytest.approx(answer.values[0, 0])
    assert 0 < answer.values[0, 0] < 1 == pytest.approx(row.sum())
    assert "sdpa" == target._model.config._attn_implementation
    assert before == target.answer([ask(*TEXTS, method="gradient-x-input")])[0].digest


@pytest.mark.parametrize("method", ATTRIBUTED)
def test_what_else_is_asked_moves_nothing(both: tuple[Any, Ask], method: str) -> None:
    """Each text is computed alone: its numbers are the same to the bit in any block and any pack."""
    target, ask = both
    parameters = {"steps": 8} if method == "integrated-gradients" else {}

    together, doubled = target.answer(
        [ask(*TEXTS, method=method, **parameters), ask(*TEXTS[::-1], method=method, **parameters)]
    )
    alone = [target.answer([ask(text, method=method, **parameters)])[0] for text in TEXTS]

    assert together.per_token == doubled.per_token[::-1] == tuple(each.per_token[0] for each in alone)
    assert together.values.tobytes() == np.concatenate([each.values for each in alone]).tobytes()


def test_tokens_are_counted_as_often_as_they_are_read(both: tuple[Any, Ask]) -> None:
    """Beforehand and in the answer, and as many as go through the model."""
    target, ask = both
    requests = [
        ask(TEXTS[0], method=method, **({"steps": 3} if "integrated" in method else {})) for method in ATTRIBUTED
    ]
    read: list[int] = []

    def count(module: Any, arguments: Any, inputs: Any) -> None:
        given = inputs.get("inputs_embeds")
        read.append(
            arguments[0].numel()
            if arguments and arguments[0] is not None
            else given.shape[0] * given.shape[1]
            if given is not None
            else inputs["input_ids"].numel()
        )

    hook = target._model.base_model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        for request, expected in zip(requests, target.tokens(requests), strict=True):
            read.clear()
            (answer,) = target.answer([request])
            assert expected == answer.input_tokens == sum(read)
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, "parameter method: None, expected gradient-x-input, integrated-gradients, attention-rollout"),
        ({"method": "gradients"}, "parameter method: 'gradients'"),
        ({"method": "gradient-x-input", "steps": 5}, "parameter steps: not known to gradient-x-input"),
        ({"method": "attention-rollout", "class": "rude"}, "parameter class: not known to attention-rollout"),
        ({"method": "integrated-gradients", "steps": 0}, "parameter steps: 0, expected a whole number from 1"),
        ({"method": "integrated-gradients", "baseline": "one"}, "parameter baseline: 'one', expected zero, pad"),
        ({"method": "integrated-gradients", "baseline": "eos"}, "the tokenizer has no eos token; zero needs none"),
        ({"method": "gradient-x-input", "class": "kind"}, "parameter class: 'kind' is no class; known: mild, rude"),
        ({"method": "gradient-x-input", "option": 1}, "parameter option: not known"),
    ],
)
def test_what_cannot_be_asked_of_classes_is_an_error(
    classifier: Any, parameters: dict[str, Any], expected: str
) -> None:
    """In one line that names the parameter and what is known; its neighbour is answered."""
    bad, good = classifier.answer(
        [
            Request(kind=Capability.ATTRIBUTE, inputs=("Well?",), parameters=parameters),
            of_classes("Well?", method="gradient-x-input"),
        ]
    )

    assert expected in str(bad.error)
    assert good.error is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"options": ()}, "names no options"),
        ({"parameters": {"method": "gradient-x-input", "option": 2}}, "parameter option: 2, expected a whole number"),
        ({"parameters": {"method": "gradient-x-input", "class": "rude"}}, "parameter class: not known"),
        ({"inputs": ("granted " * 300,)}, "the model takes 256"),
        ({"inputs": ("",)}, "the text has no tokens"),
    ],
)
def test_what_cannot_be_asked_of_options_is_an_error(causal: Any, change: dict[str, Any], expected: str) -> None:
    """The same of a causal model."""
    (bad,) = causal.answer([dataclasses.replace(of_options("Well?", method="gradient-x-input"), **change)])

    assert expected in str(bad.error)


def test_not_a_number_is_an_error_that_names_its_text(tmp_path: Path) -> None:
    """A weight that is NaN spoils the block of the text that reaches it, and no other."""
    target = made(save_bert(tmp_path))
    (token,) = target._tokenizer.encode("Z", add_special_tokens=False)
    with torch.no_grad():
        target._model.get_input_embeddings().weight[token] = float("nan")
    asked = dataclasses.replace(of_classes("A", "Z", method="gradient-x-input"), keys=("a", "z"))

    bad, good = target.answer([asked, of_classes("A", method="gradient-x-input")])

    assert "z: the model's numbers are not finite" == bad.error
    assert good.error is None


def test_a_model_that_takes_no_embeddings_says_why_it_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The capability is left out with its reason, which is found out when it is loaded."""
    folder = save_bert(tmp_path)
    from transformers import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    def deaf(self: Any, input_ids: Any = None, **more: Any) -> Any:
        more.pop("inputs_embeds", None)
        return forward(self, input_ids=torch.tensor([[5, 6, 7]]) if input_ids is None else input_ids, **more)

    monkeypatch.setattr(BertForSequenceClassification, "forward", deaf)
    target = made(folder)

    assert {Capability.CLASSIFY, Capability.RANDOMISE} == target.capabilities
    assert "it does not take embeddings in place of tokens" == target.why_not[Capability.ATTRIBUTE]
    (answer,) = target.answer([of_classes("a", method="gradient-x-input")])
    assert "cannot answer attribute" in str(answer.error)


def test_a_model_without_attention_has_none_to_read(tmp_path: Path) -> None:
    """Gradients it has."""
    target = made(save_llama(tmp_path, kind="Mamba"))

    looked, moved = target.answer([of_options("Well?", method=m) for m in ("attention-rollout", "gradient-x-input")])

    assert "no attention of every layer" in str(looked.error)
    assert moved.error is None


def test_memory_that_holds_fewer_points_is_said(classifier: Any) -> None:
    """Batches are halved until a pass over points of the line fits; the numbers move by their rounding."""
    target = made(classifier._checkpoint.folder)
    request = of_classes(TEXTS[1], method="integrated-gradients", steps=64)

    def look(module: Any, arguments: Any, inputs: Any) -> None:
        given = inputs.get("inputs_embeds")
        if given is not None and given.shape[0] * given.shape[1] > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = target._model.register_forward_pre_hook(look, with_kwargs=True)
    try:
        (answer,) = target.answer([request])
    finally:
        hook.remove()

    assert 64 == target.smaller_batches
    expected = classifier.answer([request])[0]
    np.testing.assert_allclose(answer.values, expected.values, atol=1e-4)
    np.testing.assert_allclose(answer.per_token[0].values, expected.per_token[0].values, atol=1e-4)


SAID = PerToken(tokens=("a", "Ġb"), starts=(0, 1), ends=(1, 3), values=(0.1, -2.5))


def test_numbers_of_tokens_survive_the_journal_and_the_cache(tmp_path: Path) -> None:
    """They are part of the digest, and come back as they were; what does not line up is damage."""
    answer = Response(outputs=np.array([[0.0, 1.5]]), per_token=(SAID,), labels=ATTRIBUTED["gradient-x-input"])
    kept = AnswerCache({"sha256": "a"}, path=tmp_path / "answers.sqlite", notice=lambda text: None)
    kept.put("pack", [answer])
    found = kept.get("pack")
    other = dataclasses.replace(answer, per_token=(dataclasses.replace(SAID, values=(0.1, 2.5)),))

    assert found is not None
    for back in (codec.decode(Response, codec.encode(answer)), found.responses[0]):
        assert (SAID,) == back.per_token
        assert answer.digest == back.digest != other.digest
    with pytest.raises(RecordError, match="tokens, starts, ends and values differ in length"):
        codec.decode(Response, codec.encode(answer).replace(b"[0.1,-2.5]", b"[0.1]"))


@pytest.mark.parametrize(
    ("per_token", "expected"),
    [
        ((), "numbers for the tokens of 0 texts, expected 1"),
        ((SAID, SAID), "numbers for the tokens of 2 texts, expected 1"),
        ((dataclasses.replace(SAID, values=(0.1, float("nan"))),), "input 1: the system answered numbers for tokens"),
    ],
)
def test_an_answer_that_does_not_fit_its_texts_is_an_error(per_token: tuple[PerToken, ...], expected: str) -> None:
    """None at all, too many, and what is not finite."""
    request = of_classes("a b", method="gradient-x-input")

    assert checked(request, Response(outputs=np.ones((1, 2)), per_token=(SAID,))).error is None
    assert expected in str(checked(request, Response(outputs=np.ones((1, 2)), per_token=per_token)).error)
    texts = Request(kind=Capability.CLASSIFY, inputs=("a b",))
    assert "expected 0" in str(checked(texts, Response(outputs=np.ones((1, 2)), per_token=(SAID,))).error)


@pytest.mark.parametrize("method", ATTRIBUTED)
def test_a_dry_run_invents_numbers_of_the_same_form(classifier: Any, method: str) -> None:
    """Its words stand for tokens, so that a probe plans as it will ask."""
    request = of_classes(*TEXTS, method=method)
    (answer,) = Counting(classifier, world=1, known={}).answer([request])

    assert checked(request, answer).error is None
    assert (ATTRIBUTED[method], (len(TEXTS), len(ATTRIBUTED[method]))) == (answer.labels, answer.values.shape)
    assert ["The", "loan", "is", "granted."] == list(answer.per_token[0].tokens)
    assert classifier.tokens([request])[0] == answer.input_tokens


PROBE = '''\
"""A probe that sums what the tokens of one text did."""

from collections.abc import Iterator

from probandum import Estimate
from probandum.controls import Examined
from probandum.evidence import Capability, Request
from probandum.probe import Ask, Measure, probe


@probe("bias.sum", version=1, requirements=["ai-act:annex-iv:3"], needs=Capability.ATTRIBUTE, metrics={"sum": "nats"})
class Sum:
    """What all tokens did together."""

    controls = (
        Examined(name="more", kind="positive", function=lambda probe, ask: (True, "more")),
        Examined(name="same", kind="negative", function=lambda probe, ask: (True, "as much")),
    )

    def measure(self, ask: Ask) -> Iterator[Measure]:
        parameters = {"method": "gradient-x-input"}
        (answer,) = ask([Request(kind=Capability.ATTRIBUTE, inputs=("a b",), parameters=parameters)])
        value = sum(answer.per_token[0].values)
        yield Measure(
            metric="sum",
            estimate=Estimate(value=value, low=value, high=value, n=1, unit="nats", method="exact", draws=(value,)),
            mode="disclosure",
        )
'''
PLAN = """\
version: 1
system: {{name: Classifier, version: "1"}}
target: {{{target}}}
suites: {{bias.sum: {{}}}}
energy: {{codecarbon: false, meter: none}}
"""


@pytest.mark.slow
def test_a_record_of_attributions_verifies_and_replays(tmp_path: Path) -> None:
    """The whole way: asked, recorded, sealed, verified, and answered again without the model."""
    installed(tmp_path, PROBE, name="sum")
    save_bert(tmp_path / "model")
    for name, target in (
        ("first", "type: transformers, path: model, device: cpu"),
        ("again", "type: replay, record: run/first"),
    ):
        (tmp_path / f"{name}.yaml").write_text(PLAN.format(target=target), "utf-8")
        code, _, stderr = command(tmp_path, "audit", f"{name}.yaml", "--out", f"run/{name}")
        assert code == 3, stderr  # a disclosure judges nothing
        code, _, stderr = command(tmp_path, "verify", f"run/{name}")
        assert code == 0, stderr
    findings = [(tmp_path / "run" / name / "findings.json").read_bytes() for name in ("first", "again")]
    assert findings[0] == findings[1]
    assert 1 == len(msgspec.json.decode(findings[0]))
