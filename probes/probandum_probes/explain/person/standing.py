"""Which factors of one explanation stand still when it is computed again, and in what order they then stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum.evidence import Floats
from probandum.reasons import AGREEMENT, LEVEL, MEDIUM, MOST_NAMED, MOST_NOISE, STRONG, Band, Factor, Spread, Told
from probandum.subject import Bools
from probandum_probes.explain.quality.comparing import NEGLIGIBLE, TOP, cleaned


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one feature stands over runs.

    ``weight``: mean and 95 % t interval over runs. ``agreement``: the share of runs with the sign of the mean. The
    others are as :class:`probandum.reasons.Factor` has them.
    """

    weight: Spread
    agreement: float
    kept: bool
    place: int
    bands: tuple[Band, Band]
    idle: bool


def spread(values: Floats) -> Spread:
    """The mean of one value a run with its 95 % t interval; no width where nothing varies, or there is one run.

    >>> spread(np.array([1.0, 2.0, 3.0])).low.__round__(4)  # 2 - 4.3027 / sqrt(3)
    -0.4841
    """
    mean, half = float(values.mean()), float(half_widths(values[:, None])[0])
    return Spread(value=mean, low=mean - half, high=mean + half)


def half_widths(runs: Floats) -> Floats:
    """Half the 95 % t interval of each column's mean, shape (columns,); ``runs``: shape (runs, columns)."""
    from scipy.special import stdtrit

    count = len(runs)
    if count < 2:
        return np.zeros(runs.shape[1])
    still = np.ptp(runs, axis=0) == 0
    quantile = float(stdtrit(count - 1, (1 + LEVEL) / 2))
    return np.where(still, 0.0, quantile * runs.std(axis=0, ddof=1) / np.sqrt(count))


def standings(runs: Floats) -> list[Standing]:
    """How each feature stands; ``runs``: attributions, shape (runs, features).

    The sign of a feature is stable where the t interval of its attribution excludes 0 and 95 % of runs agree. Two
    features differ in size where the paired t interval of the difference of their sizes excludes 0. A place holds
    features that do not all differ from the rest of it: every feature before it differs from every one in it and
    behind it. Kept is a place of which all signs are stable, since a feature that cannot be told apart from one that
    may point either way has no rank.

    >>> found = standings(np.array([[3.0, -1.0, 0.1, 0.0], [3.2, -1.1, -0.1, 0.0], [3.1, -0.9, 0.05, 0.0]]))
    >>> [(each.kept, each.place, each.bands[0]) for each in found[:2]], [each.kept for each in found[2:]]
    ([(True, 1, 'strong'), (True, 2, 'medium')], [False, False])
    >>> found[3].idle
    True
    >>> [each.place for each in standings(np.array([[1.0, 1.0 - 1e-15, 0.5]]))]
    [1, 1, 2]
    """
    mean, half = runs.mean(axis=0), half_widths(runs)
    agreement = (np.sign(runs) == np.sign(mean)).mean(axis=0)
    steady = (np.abs(mean) - half > NEGLIGIBLE) & (agreement >= AGREEMENT)
    idle = np.abs(runs).max(axis=0) <= NEGLIGIBLE
    sizes = np.abs(runs)
    order = np.argsort(-sizes.mean(axis=0), kind="stable")
    places = _places(sizes[:, order])
    kept = np.zeros(len(order), dtype=bool)
    number = np.zeros(len(order), dtype=np.int64)
    for place in np.unique(places):
        members = order[places == place]
        if steady[members].all():
            kept[members], number[members] = True, number.max() + 1
    strongest = sizes[:, order[0]]
    return [
        Standing(
            weight=Spread(value=float(value), low=float(value - width), high=float(value + width)),
            agreement=float(share),
            kept=bool(kept[at]),
            place=int(number[at]),
            bands=_bands(sizes[:, at], strongest),
            idle=bool(idle[at]),
        )
        for at, (value, width, share) in enumerate(zip(mean, half, agreement, strict=True))
    ]


def noise(runs: Floats) -> float:
    """rho = mean_j sd_j / mean_j abs(phi_j) of the five features that are strongest by mean, of the mean over runs.

    sd_j is the standard error of that mean; 0 where there is one run, or nothing to rank.

    >>> noise(np.array([[1.0, 0.0], [3.0, 0.0]]))  # standard errors 1 and 0, sizes 2 and 0
    0.5
    """
    mean = np.abs(runs.mean(axis=0))
    top = np.argsort(-mean, kind="stable")[:TOP]
    if len(runs) < 2 or mean[top].mean() <= NEGLIGIBLE:
        return 0.0
    errors = np.where(np.ptp(runs, axis=0) == 0, 0.0, runs.std(axis=0, ddof=1) / np.sqrt(len(runs)))
    return float(errors[top].mean() / mean[top].mean())


def factors_of(told: Sequence[Told], runs: Floats) -> tuple[tuple[Factor, ...], Spread]:
    """Every feature with how it stands, the kept ones in their order first, and what all that is not named adds.

    Nothing is kept where the noise of the strongest is too large for any ranking. What rounding leaves of 0 is 0, of
    single features and of their sum, so that nothing is given a direction that has none.

    >>> told = [Told(name=name, value="1") for name in "abc"]
    >>> factors, rest = factors_of(told, np.array([[1.0, -3e-17, 1e-15]]))
    >>> [each.idle for each in factors], factors[1].weight.value, rest.value
    ([False, True, True], 0.0, 0.0)
    """
    runs = cleaned(runs)
    found = standings(runs)
    if noise(runs) > MOST_NOISE:
        found = [replace(each, kept=False, place=0) for each in found]
    order = sorted(range(len(told)), key=lambda at: (not found[at].kept, found[at].place, -abs(found[at].weight.value)))
    made, unnamed = [], []
    before = [sum(0 < other.place < each.place for other in found) for each in found]
    for at in order:
        each = found[at]
        tells = before[at] < MOST_NAMED and each.bands[1] != "weak"
        named = each.kept and (tells or bool(told[at].attributes))
        if not named:
            unnamed.append(at)
        made.append(
            Factor(
                told=told[at],
                weight=each.weight,
                agreement=each.agreement,
                kept=each.kept,
                place=each.place,
                bands=each.bands,
                named=named,
                idle=each.idle,
            )
        )
    return tuple(made), spread(cleaned(runs[:, unnamed].sum(axis=1)))


def _places(sizes: Floats) -> np.ndarray:
    """A number for the place of each feature; ``sizes``, shape (runs, features), stand in falling order of their means.

    A new place begins where all before it are larger than all from it on, by more than rounding makes of equal ones.
    """
    width = sizes.shape[1]
    larger: Bools = np.ones((width, width), dtype=bool)
    for before in range(width - 1):
        apart = sizes[:, before, None] - sizes[:, before + 1 :]
        larger[before, before + 1 :] = apart.mean(axis=0) - half_widths(apart) > NEGLIGIBLE
    begins = [cut == 0 or bool(larger[:cut, cut:].all()) for cut in range(width)]
    return np.cumsum(begins)


def _bands(sizes: Floats, strongest: Floats) -> tuple[Band, Band]:
    """The weakest and the strongest band that the spread of a feature's size beside the strongest one's allows."""

    def band(sign: int) -> Band:
        strong, medium = (
            float(apart.mean()) + sign * float(half_widths(apart[:, None])[0]) >= 0
            for apart in (sizes - STRONG * strongest, sizes - MEDIUM * strongest)
        )
        return "strong" if strong else "medium" if medium else "weak"

    return band(-1), band(1)
