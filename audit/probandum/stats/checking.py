"""What every interval asks of its arguments: finite, in range, and named in the error where not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]


def refuse_trials(name: str, n: float) -> None:
    """ValueError unless ``n`` is a whole number of at least 1."""
    if not math.isfinite(n) or n != int(n) or n < 1:
        raise ValueError(f"{name} is {n}; expected a whole number of at least 1")


def refuse_count(name: str, x: float, at_most: float = math.inf, of: str = "n") -> None:
    """ValueError unless ``x`` is a whole number from 0 to ``at_most``, which the message calls ``of``."""
    if not math.isfinite(x) or x != int(x) or x < 0:
        raise ValueError(f"{name} is {x}; expected a whole number of at least 0")
    if x > at_most:
        raise ValueError(f"{name} is {x}; expected at most {of}, which is {at_most}")


def refuse_share(name: str, value: float) -> None:
    """ValueError unless ``value`` lies strictly between 0 and 1 (levels and error rates)."""
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; expected a share strictly between 0 and 1")


def refuse_number(name: str, value: Any) -> None:
    """ValueError unless ``value`` is a finite number."""
    if value is None or not math.isfinite(value):
        raise ValueError(f"{name} is {value}; expected a finite number")


def refuse_probabilities(name: str, values: Iterable[float]) -> None:
    """ValueError unless every value is a probability, ends included."""
    for value in values:
        if not 0 <= value <= 1:
            raise ValueError(f"{name} holds {value}; expected probabilities from 0 to 1")


def finite_array(name: str, values: ArrayLike, *, dimensions: int = 1, at_least: int = 2) -> Reals:
    """``values`` as floats; ValueError unless finite, of so many dimensions, each of a length ``at_least``."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dimensions:
        raise ValueError(f"{name} has {array.ndim} dimensions; expected {dimensions}")
    if min(array.shape) < at_least:
        raise ValueError(f"{name} has shape {array.shape}; expected at least {at_least} along each dimension")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers")
    return array
