"""Models on a CUDA device: the numbers of the CPU within stated tolerances, identical bits from pack to pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.asking import Asker
from probandum.errors import TargetError
from probandum.evidence import ATTRIBUTED, Capability, Floats, Request, Response
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import TEMPLATE, save_bert, save_encoder, save_llama

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
load_builtin()

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]

#: Nats by which a continuation, of down to -50 nats, may differ from float32 on the CPU: some twice what rounding does.
NATS = {"float32": 1e-4, "float16": 0.1, "bfloat16": 0.8}
#: The same for the probability of a class.
SHARES = {"float32": 1e-6, "float16": 6e-3, "bfloat16": 5e-2}
DTYPES = tuple(NATS)
STORY = "A bank reviews an application for a loan. The applicant pays on time. The applicant is called"
NAMES = ("Emily", "Jamal", "Aisha", "Greg Baker", "Lakisha Washington")


def made(folder: Path, device: str, **options: Any) -> Any:
    """The target over a model folder on one device."""
    context = TargetContext(folder=folder, device=device, threads=1, batch_tokens=options.pop("batch_tokens", 8192))
    return make_target("transformers", context, {"path": str(folder), **options})


def options_of(names: tuple[str, ...] = NAMES) -> list[Request]:
    """Yes or no after a long beginning in common."""
    return [
        Request(
            kind=Capability.CHOOSE,
            inputs=(f"{STORY} {name}. Should it be granted?",),
            keys=(f"loan/{name}",),
            options=((" yes", " Yes"), (" no", " No", " certainly not")),
            prefix="My answer is",
        )
        for name in names
    ]


def likelihoods() -> list[Request]:
    """Continuations of several lengths."""
    return [
        Request(
            kind=Capability.SCORE, inputs=(f"{STORY} {name}.",) * 2, continuations=(" No.", " The loan is granted.")
        )
        for name in NAMES
    ]


def texts(**parameters: Any) -> list[Request]:
    """Three texts of different lengths to go on from."""
    inputs = ("The loan is", f"{STORY} Emily.", "No")
    return [Request(kind=Capability.GENERATE, inputs=inputs, parameters={"max_new_tokens": 12, **parameters})]


def values(answers: list[Response]) -> Floats:
    """All numbers of a round in one row."""
    assert [None] * len(answers) == [answer.error for answer in answers]
    return np.concatenate([answer.values.ravel() for answer in answers])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny causal model with a chat template."""
    return save_llama(tmp_path_factory.mktemp("llama"), template=TEMPLATE)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny text classifier."""
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Eight mebibytes beyond what torch holds now."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 8 * 2**20) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.parametrize("dtype", DTYPES)
def test_options_and_likelihoods_are_those_of_the_cpu(folder: Path, dtype: str) -> None:
    """Prefixes are shared in every precision, and the numbers are float32's on the CPU within its rounding."""
    here, there = made(folder, "cpu"), made(folder, "cuda", dtype=dtype)

    assert there._scorer.shares_prefixes
    for requests in (options_of(), likelihoods()):
        np.testing.assert_allclose(values(there.answer(requests)), values(here.answer(requests)), atol=NATS[dtype])


def test_float32_text_is_that_of_the_cpu(folder: Path) -> None:
    """Greedy and sampled texts are the same, token by token, padded batches included."""
    here, there = made(folder, "cpu"), made(folder, "cuda", dtype="float32")

    for requests in (texts(), texts(temperature=0.8, top_p=0.9, seed=3), texts(min_new_tokens=12)):
        assert [answer.texts for answer in here.answer(requests)] == [a.texts for a in there.answer(requests)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_classes_are_those_of_the_cpu(bert: Path, dtype: str) -> None:
    """Class probabilities within the precision's rounding."""
    here, there = made(bert, "cpu"), made(bert, "cuda", dtype=dtype)
    requests = [Request(kind=Capability.CLASSIFY, inputs=tuple(f"The applicant is {name}." for name in NAMES))]

    np.testing.assert_allclose(values(there.answer(requests)), values(here.answer(requests)), atol=SHARES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_pack_answered_twice_is_the_same_to_the_bit(folder: Path, bert: Path, dtype: str) -> None:
    """By one target twice, and by another over the same files: what resuming and caching rest on."""
    first, second = made(folder, "cuda", dtype=dtype), made(folder, "cuda", dtype=dtype)
    classifier = made(bert, "cuda", dtype=dtype)
    packs = (options_of(), likelihoods(), texts(temperature=1.0))
    rude = [Request(kind=Capability.CLASSIFY, inputs=NAMES)]

    for pack in packs:
        expected = [answer.digest for answer in first.answer(pack)]
        assert expected == [answer.digest for answer in first.answer(pack)]
        assert expected == [answer.digest for answer in second.answer(pack)]
    assert classifier.answer(rude)[0].digest == classifier.answer(rude)[0].digest


def attributed(method: str, **more: Any) -> Request:
    """What the tokens of two texts did."""
    parameters: dict[str, str | int] = {"method": method}
    if method == "integrated-gradients":
        parameters["steps"] = 20
    return Request(kind=Capability.ATTRIBUTE, inputs=(f"{STORY} Emily.", "No"), parameters=parameters, **more)


def test_masked_likelihoods_and_vectors_are_those_of_the_cpu(tmp_path: Path) -> None:
    """In float32 within its rounding; twice the same to the bit."""
    masked, bare = save_encoder(tmp_path / "masked", head="ForMaskedLM"), save_encoder(tmp_path / "bare")
    pair = Request(
        kind=Capability.SCORE,
        inputs=("", ""),
        continuations=(f"{STORY} Emily.", f"{STORY} Jamal."),
        parameters={"scored": "shared"},
    )
    for path, request in ((masked, pair), (bare, Request(kind=Capability.EMBED, inputs=NAMES))):
        here, there = made(path, "cpu"), made(path, "cuda", dtype="float32")
        found = there.answer([request])
        np.testing.assert_allclose(values(found), values(here.answer([request])), atol=1e-3)
        assert found[0].digest == there.answer([request])[0].digest


@pytest.mark.parametrize("method", ATTRIBUTED)
def test_attributions_are_those_of_the_cpu_and_the_same_twice(folder: Path, bert: Path, method: str) -> None:
    """Gradients are added up in one order: kernels that do not are not used for them."""
    options = {"options": ((" yes", " Yes"), (" no",)), "prefix": "My answer is"}
    for path, request in ((bert, attributed(method)), (folder, attributed(method, **options))):
        here, there = made(path, "cpu"), made(path, "cuda", dtype="float32")
        (expected,), (found,), (again,) = here.answer([request]), there.answer([request]), there.answer([request])
        assert found.error is None
        assert found.digest == again.digest
        if method == "integrated-gradients" and path == folder:
            continue  # the way to a baseline of zero is crooked there, and its points move by more than rounding
        for one, other in zip(expected.per_token, found.per_token, strict=True):
            np.testing.assert_allclose(other.values, one.values, atol=1e-3)


def test_auto_takes_the_gpu_in_bfloat16_and_names_the_card(folder: Path) -> None:
    """The record says where the numbers come from, and that they are not float32's."""
    target = made(folder, "auto")
    identity = target.identity()

    assert ("cuda", "bfloat16") == (identity["device"], identity["dtype"])
    assert torch.cuda.get_device_name(0) == identity["gpu"]
    assert any("ran in bfloat16" in caution for caution in target.cautions)


def test_float32_means_float32(folder: Path) -> None:
    """A process in which float32 matrices were multiplied in ten bits does so no more."""
    torch.set_float32_matmul_precision("high")
    there = made(folder, "cuda", dtype="float32")

    assert "highest" == torch.get_float32_matmul_precision()
    np.testing.assert_allclose(
        values(there.answer(options_of())), values(made(folder, "cpu").answer(options_of())), atol=NATS["float32"]
    )


def test_a_second_gpu_that_is_not_there_is_one_line(folder: Path) -> None:
    """No other device answers in its place."""
    absent = f"cuda:{torch.cuda.device_count()}"

    with pytest.raises(TargetError, match=f"there is no {absent} here"):
        made(folder, absent)


def test_a_pack_that_does_not_fit_is_answered_in_smaller_batches(folder: Path, request: pytest.FixtureRequest) -> None:
    """What was begun is let go of, batches are halved until they fit, and the numbers are the same within rounding."""
    large = made(folder, "cuda", dtype="float32")
    many = options_of(tuple(f"{name} {number}" for number in range(40) for name in NAMES))
    expected = values(large.answer(many))
    request.getfixturevalue("little_memory")

    found = values(large.answer(many))

    assert large.smaller_batches is not None
    assert f"in the end they had at most {large.smaller_batches:,} tokens" in large.cautions[-1]
    np.testing.assert_allclose(found, expected, atol=NATS["float32"])


def test_a_classifiers_pack_that_does_not_fit_is_answered_in_smaller_batches(
    bert: Path, request: pytest.FixtureRequest
) -> None:
    """All blocks of the pack in batches of one size, and none of them as an error."""
    classifier = made(bert, "cuda", batch_tokens=10**6)
    blocks = [Request(kind=Capability.CLASSIFY, inputs=tuple(f"{i} {k} times" for k in range(3000))) for i in (1, 2)]
    request.getfixturevalue("little_memory")

    found = classifier.answer(blocks)

    assert [None, None] == [answer.error for answer in found]
    assert classifier.smaller_batches is not None


def test_weights_that_do_not_fit_are_one_line(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The error says which weights, and what to do."""
    folder = save_llama(tmp_path, hidden_size=512, intermediate_size=2048)
    request.getfixturevalue("little_memory")

    with pytest.raises(TargetError, match="too little memory for the float32 weights of") as caught:
        made(folder, "cuda", dtype="float32")

    assert "use dtype: bfloat16" in caught.value.lines()[0]


def test_a_gpu_resumes_to_the_bit(folder: Path) -> None:
    """Rounds through the runner, packed there, give the same digests in a second run."""
    digests = [
        [answer.digest for answer in Asker(made(folder, "cuda"), seed=1).answer("bias.a", options_of())]
        for _ in range(2)
    ]

    assert digests[0] == digests[1]
