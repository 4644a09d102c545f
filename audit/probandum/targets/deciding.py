"""Decisions of a server that gives scores or classes of rows in place of probabilities, as a log has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from probandum.errors import UsageError
from probandum.evidence import Floats
from probandum.matching import occurring, positive_among
from probandum.subject import Decision, as_text
from probandum.target import TargetContext
from probandum.targets.misfit import Misfit

#: What an output says of a row: class probabilities, a number that the plan's threshold decides on, or a class.
Kind = Literal["probability", "score", "label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """Which class is favourable, which is detected; ``threshold`` None: the model says the class itself."""

    classes: tuple[str, ...]
    favourable: str
    positive: str
    threshold: float | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of :meth:`decisions`."""
        return ("favourable", "detected", *(() if self.threshold is None else ("score",)))

    def decisions(self, values: npt.NDArray[Any]) -> Floats:
        """One row of 0 or 1 a value, with the score behind it where there is one; Misfit names what is neither.

        >>> loan = Deciding(classes=("0", "1"), favourable="0", positive="1", threshold=0.5)
        >>> loan.decisions(np.array([0.25, 0.5])).tolist()
        [[1.0, 0.0, 0.25], [0.0, 1.0, 0.5]]
        """
        if self.threshold is None:
            said = as_text(values)
            if (strange := ~np.isin(said, self.classes)).any():
                row = int(np.argmax(strange))
                raise Misfit(row, f"the class {str(said[row])!r} is not among target.labels")
            return np.column_stack([said == self.favourable, said == self.positive]).astype(np.float64)
        scores = np.asarray(values, dtype=np.float64)
        if not (finite := np.isfinite(scores)).all():
            raise Misfit(int(np.argmin(finite)), "a score that is no finite number")
        detected = scores >= self.threshold
        favourable = detected if self.favourable == self.positive else ~detected
        return np.column_stack([favourable, detected, scores]).astype(np.float64)


def deciding(kind: Kind, classes: Sequence[str], context: TargetContext, *, where: str) -> Deciding | None:
    """How an output of this kind becomes decisions; None where it holds probabilities. ``where``: the plan says so.

    UsageError where the plan's decision does not fit: a score needs a threshold, and a class leaves no room for one.
    """
    if kind == "probability":
        return None
    if context.favourable is None:
        raise UsageError(f"{where} needs a decision", remedy="add decision: {favourable: ...}")
    if kind == "score" and context.threshold is None:
        raise UsageError(
            f"{where} needs decision.threshold", remedy="at or above it the decision is the positive value"
        )
    if kind == "label" and context.threshold is not None:
        raise UsageError(f"{where} leaves no room for decision.threshold", remedy="the model has decided already")
    decision = Decision(favourable=context.favourable, positive=context.positive, assumed=context.assumed)
    return Deciding(
        classes=tuple(classes),
        favourable=occurring("decision.favourable", decision.favourable, classes, "target.labels"),
        positive=positive_among("data.positive", decision, classes, "target.labels"),
        threshold=context.threshold,
    )
