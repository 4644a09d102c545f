"""Texts written side by side: each is what it would be alone, whoever leaves and enters beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.targets.generating import Decoding, Draft
from probandum.targets.tries import Tokens
from tiny_models import save_llama

for package in ("torch", "transformers"):
    pytest.importorskip(package)

import torch  # noqa: E402  after the check that it is installed

from probandum.targets.hugging import transformers  # noqa: E402
from probandum.targets.prompting import Unanswerable  # noqa: E402
from probandum.targets.writing import write  # noqa: E402

STOPS = frozenset(range(1, 25))  # many, so that texts end early and at different places


def model_of(folder: Path, **config: Any) -> Any:
    """A tiny causal model."""
    made = transformers().AutoModelForCausalLM.from_pretrained(save_llama(folder, **config), dtype=torch.float32)
    return made.eval().requires_grad_(False)


def drafts(count: int, *, longest: int = 30, same: int | None = None, temperature: float = 0.0) -> list[Draft]:
    """Random beginnings of several lengths with several numbers of tokens to write."""
    draw = np.random.default_rng(3)
    made = []
    for number in range(count):
        length = same or int(draw.integers(1, longest))
        made.append(
            Draft(
                context=tuple(draw.integers(30, 320, size=length).tolist()),
                decoding=Decoding(max_new_tokens=int(draw.integers(1, 25)), min_new_tokens=0, temperature=temperature),
                rng=np.random.default_rng(number),
                name=f"text {number}",
            )
        )
    return made


def counted(model: Any) -> list[tuple[int, int]]:
    """The shapes of what the model reads, filled in as it does."""
    shapes: list[tuple[int, int]] = []

    def note(module: Any, arguments: Any, keywords: dict[str, Any]) -> None:
        shapes.append(tuple(keywords["input_ids"].shape))

    model.register_forward_pre_hook(note, with_kwargs=True)
    return shapes


def by_hand(model: Any, draft: Draft) -> Tokens:
    """Greedy decoding of one draft from plain passes over all of it."""
    tokens = list(draft.context)
    written: list[int] = []
    while len(written) < draft.decoding.max_new_tokens:
        with torch.inference_mode():
            written.append(int(model(input_ids=torch.tensor([tokens])).logits[0, -1].argmax()))
        tokens.append(written[-1])
        if written[-1] in STOPS:
            break
    return tuple(written)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Llama, whose cache can be joined."""
    return model_of(tmp_path_factory.mktemp("llama"))


@pytest.mark.parametrize("batch_tokens", [0, 60, 200, 10_000])
def test_texts_are_those_of_plain_passes(model: Any, batch_tokens: int) -> None:
    """Whatever the batches: alone, some entering as others leave, or all at once."""
    asked = drafts(24)

    written = write(model, asked, stops=STOPS, batch_tokens=batch_tokens, padded=True)

    assert [by_hand(model, draft) for draft in asked] == written
    assert 4 < len({len(tokens) for tokens in written if not isinstance(tokens, Unanswerable)})


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Mistral", {"sliding_window": 8}),
        ("Qwen2", {}),
        ("Mamba", {"hidden_size": 32, "state_size": 4, "num_hidden_layers": 1}),
    ],
)
def test_models_whose_cache_is_another_write_the_same(tmp_path: Path, kind: str, config: dict[str, Any]) -> None:
    """Rows of equal lengths, begun together; who ends leaves where the cache allows it."""
    other = model_of(tmp_path, kind=kind, **config)
    asked = [*drafts(6, same=9), *drafts(6, same=12)]

    written = write(other, asked, stops=STOPS, batch_tokens=10_000, padded=False)

    assert [by_hand(other, draft) for draft in asked] == written


def test_who_has_ended_leaves_and_who_waits_enters(model: Any) -> None:
    """No row is read beyond its end, and the batch is filled again before it has run empty."""
    asked = [
        Draft(context=draft.context, decoding=Decoding(max_new_tokens=most), rng=draft.rng, name=draft.name)
        for draft, most in zip(drafts(6, same=4), (2, 9, 9, 9, 2, 2), strict=True)
    ]
    shapes = counted(model)

    write(model, asked, stops=frozenset(), batch_tokens=45, padded=True)

    steps = [rows for rows, width in shapes if width == 1]
    read = [rows for rows, width in shapes if width == 4]
    assert sum(draft.decoding.max_new_tokens - 1 for draft in asked) == sum(steps)
    assert [3, 1, 2] == read
    assert max(steps) <= 3


def test_samples_do_not_depend_on_the_batch(model: Any) -> None:
    """Each text has random numbers of its own."""
    alone = write(model, drafts(12, temperature=1.0), stops=STOPS, batch_tokens=0, padded=True)
    beside = write(model, drafts(12, temperature=1.0), stops=STOPS, batch_tokens=150, padded=True)

    assert alone == beside


def test_a_text_without_numbers_leaves_the_others_alone(tmp_path: Path) -> None:
    """It is an error in its own place."""
    spoiled = model_of(tmp_path)
    with torch.no_grad():
        spoiled.get_input_embeddings().weight[29] = float("nan")
    asked = drafts(8)
    bad = Draft(context=(40, 29, 50), decoding=asked[0].decoding, rng=asked[0].rng, name="bad")
    whole: Sequence[Draft] = [*asked[:3], bad, *asked[3:]]

    written = write(spoiled, whole, stops=STOPS, batch_tokens=150, padded=True)

    assert "bad: the model's numbers are not finite" == str(written[3])
    assert [by_hand(spoiled, draft) for draft in asked] == [*written[:3], *written[4:]]


def test_nothing_asked_is_nothing_written(model: Any) -> None:
    """Without a pass."""
    assert [] == write(model, [], stops=STOPS, batch_tokens=100, padded=True)
