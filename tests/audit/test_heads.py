"""From hidden states to log-probabilities: a slice of the vocabulary at a time gives what the whole gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from probandum.targets import heads  # noqa: E402
from probandum.targets.heads import log_probabilities  # noqa: E402

WORDS, SIZE, ROWS = 5000, 16, 40


@pytest.fixture
def rows() -> Any:
    """Hidden states far enough apart that a wrong word shows."""
    return torch.from_numpy(np.random.default_rng(0).normal(size=(ROWS, SIZE))).float()


def made(*, bias: bool) -> Any:
    """A head of more words than one slice holds."""
    torch.manual_seed(1)
    return torch.nn.Linear(SIZE, WORDS, bias=bias)


def asked() -> tuple[Any, Any]:
    """Two words of every row: from the first slice, the last one, both sides of the seam, and anywhere."""
    words = np.random.default_rng(2).integers(0, WORDS, size=2 * ROWS)
    words[:4] = [0, 4095, 4096, WORDS - 1]
    return np.repeat(np.arange(ROWS), 2), words


def by_hand(head: Any, rows: Any, which: Any, words: Any) -> Any:
    """In float64, over the whole vocabulary."""
    logits = rows.double() @ head.weight.double().T + (0 if head.bias is None else head.bias.double())
    return torch.log_softmax(logits, dim=-1).detach().numpy()[which, words]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("size", [1024, 7])
def test_slices_give_what_the_whole_vocabulary_gives(
    rows: Any, bias: bool, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the rounding of float32, also where a part of the rows is asked about at a time."""
    monkeypatch.setitem(heads._SLICE, "cpu", (size, 4096))
    head, (which, words) = made(bias=bias), asked()

    with torch.inference_mode():
        found = log_probabilities(head, rows, which, words).numpy()

    np.testing.assert_allclose(found, by_hand(head, rows, which, words), atol=1e-5)


def test_logits_that_a_model_made_whole_are_taken_as_they_are(rows: Any) -> None:
    """Where no head stands for itself."""
    head, (which, words) = made(bias=True), asked()

    with torch.inference_mode():
        found = log_probabilities(None, head(rows), which, words).numpy()

    np.testing.assert_allclose(found, by_hand(head, rows, which, words), atol=1e-5)


def _scaled(head: Any, given: Any, logits: Any) -> Any:
    return 2 * logits


def test_a_head_that_is_more_than_its_matrix_is_asked_itself(rows: Any) -> None:
    """A hook, a forward of its own and a class of its own all take part in what comes out."""
    which, words = asked()
    hooked, own = made(bias=False), made(bias=False)
    hooked.register_forward_hook(_scaled)
    own.forward = lambda given: 2 * torch.nn.functional.linear(given, own.weight)

    class Scaled(torch.nn.Linear):  # type: ignore[name-defined,misc]
        def forward(self, given: Any) -> Any:
            return 2 * super().forward(given)

    of_its_own = Scaled(SIZE, WORDS, bias=False)
    of_its_own.load_state_dict(own.state_dict())
    for head in (hooked, own, of_its_own):
        with torch.inference_mode():
            found = log_probabilities(head, rows, which, words).numpy()
        np.testing.assert_allclose(found, by_hand(head, 2 * rows, which, words), atol=1e-5)
