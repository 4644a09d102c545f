"""E-values: evidence that is at most 1 on average under its null hypothesis, so that it multiplies and averages.

An e-value of 20 is as strong as a p-value of 0.05, at whatever time it was looked at. Infinity refutes outright.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from probandum.stats.multiplicity import benjamini_hochberg, holm


def e_to_p(e: float) -> float:
    """The p-value 1 / e, at most 1 (Markov's inequality); for a process, give its largest e-value so far.

    >>> e_to_p(20.0), e_to_p(0.5)
    (0.05, 1.0)
    """
    _refuse_e_values([e])
    return 1.0 if e <= 1 else 1 / e


def e_product(es: Sequence[float]) -> float:
    """The e-value of independent evidence for one hypothesis, such as of runs with fresh items.

    Give each run's e-value at its end: largest values so far are no e-values to multiply. 0 where any is 0.

    >>> round(e_product([4.0, 5.0]), 9)
    20.0
    """
    _refuse_e_values(es)
    if 0 in es:
        return 0.0
    logarithm = math.fsum(math.log(e) for e in es)
    return math.exp(logarithm) if logarithm < 709 else math.inf


def e_mean(es: Sequence[float]) -> float:
    """The e-value against "every one of these null hypotheses holds", under any dependence.

    >>> e_mean([60.0, 0.0, 0.0])
    20.0
    """
    _refuse_e_values(es)
    return math.fsum(es) / len(es) if math.inf not in es else math.inf


def e_holm(es: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values of 1 / e, in the order given: the family-wise error under any dependence.

    >>> e_holm([400.0, 20.0])
    [0.005, 0.05]
    """
    return holm([e_to_p(e) for e in es])


def e_benjamini_hochberg(es: Sequence[float]) -> list[float]:
    """The levels at which e-BH rejects each hypothesis, in the order given (Wang and Ramdas 2022).

    At level alpha it rejects the k hypotheses of largest e-value, k being the most with e >= K / (k alpha) for
    each of them: Benjamini and Hochberg's rule on 1 / e. With e-values the false discovery rate holds under any
    dependence. It asks for e-values at the stopping time; largest values so far only serve Holm.

    >>> e_benjamini_hochberg([100.0, 30.0, 1.0])
    [0.03, 0.05, 1.0]
    """
    return benjamini_hochberg([e_to_p(e) for e in es])


def _refuse_e_values(es: Sequence[float]) -> None:
    if not es:
        raise ValueError("es is empty; expected at least 1 e-value")
    for e in es:
        if not e >= 0:
            raise ValueError(f"es holds {e}; expected e-values of at least 0")
