"""Which suites fit a system, and the default limits on what they measure, with what n a PASS would take.

The defaults are data (``templates/_plan/defaults.yaml``): no probe is known here by name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum import stats
from probandum.declaring import Declared
from probandum.errors import ProbandumError
from probandum.evidence import Capability
from probandum.finding import Direction, Limit
from probandum.foreseeing import beyond_expectation
from probandum.interrogating import Interview
from probandum.matching import make_groupings
from probandum.probe import Probe, ProbeSpec, known_probes, make_probe
from probandum.profiling import Profile
from probandum.resources import shipped
from probandum.subject import as_text
from probandum.yaml_source import read_yaml

_DIRECTIONS: tuple[Direction, ...] = ("at_least", "at_most", "band")
#: How many times the rows, where neither of two groups is the reference and both ratios must pass.
_BOTH_WAYS = 1.4
#: What is taken where nobody knows the rate beforehand.
_UNKNOWN = 0.5
#: On a difference of rates a PASS must also lie within this part of the larger rate.
_PART = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A probe that can ask this system, with its options as it has them by default.

    ``why_not``: what the plan lacks for it; None where it can be run.
    """

    id: str
    summary: str
    options: Mapping[str, Any]
    why_not: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """One default limit: ``keys`` as a plan writes them, and in words whether the rows suffice for a PASS.

    ``lacks``: what it takes beside the system, in words; such a limit is drafted as a comment.
    """

    keys: Mapping[str, Any]
    direction: str
    remark: str = ""
    lacks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What an audit of a system may measure and judge. ``fewest``: rows of a group below which nothing is judged."""

    suites: tuple[Suite, ...]
    limits: tuple[Default, ...]
    documents: tuple[str, ...]
    fewest: int


def suggest(found: Interview, *, documents: Collection[str]) -> Suggestion:
    """The suites that fit the system, and their default limits; ``documents``: those that can be written."""
    defaults = read_yaml(shipped("templates") / "_plan" / "defaults.yaml").values
    had = _had(found)
    suites = tuple(_suites(found, {id: line["else"] for id, line in defaults["suites"].items() if not _has(line, had)}))
    probes = {suite.id: make_probe(suite.id, {}) for suite in suites if suite.why_not is None}
    fitting = [line for line in defaults["limits"] if _fits(line, probes, had)]
    return Suggestion(
        suites=suites,
        limits=tuple(_default(line, probes, found) for line in fitting),
        documents=tuple(name for name in defaults["documents"] if name in documents),
        fewest=max((line["fewest"] for line in fitting if "fewest" in line), default=0),
    )


def _suites(found: Interview, lacking: Mapping[str, str]) -> Iterator[Suite]:
    """A recording answers for its own rows alone, so that only what compares their groups can ask it.

    ``lacking``: what a suite needs of the declarations and does not have, in words.
    """
    for id, spec in known_probes().items():
        if spec.needs & found.capabilities and (not found.recorded or spec.attributes == "plan"):
            yield Suite(
                id=id, summary=spec.summary, options=_options(spec), why_not=_lacks(spec, found) or lacking.get(id)
            )


def _lacks(spec: ProbeSpec, found: Interview) -> str | None:
    if spec.attributes == "plan" and found.declared is None and spec.needs & found.capabilities <= {Capability.PREDICT}:
        return "it compares groups of rows, and there are none"
    try:
        make_probe(spec.id, {})
    except ProbandumError as error:
        return error.message
    return None


def _options(spec: ProbeSpec) -> dict[str, Any]:
    """The plain defaults of a probe's options: written out, so that none is applied in silence."""
    parameters = inspect.signature(spec.cls).parameters.values()
    return {each.name: each.default for each in parameters if isinstance(each.default, bool | int | float | str)}


def _had(found: Interview) -> frozenset[str]:
    """What system and rows have of that which suites and limits may need, by the words of the defaults."""
    declared = found.declared
    labelled = declared is not None and declared.label is not None
    had = {
        "label": labelled,
        "score": labelled and (not found.recorded or "score" in found.options),
        "probability": labelled and not found.recorded,
        "crossing": declared is not None and len(declared.groups) > 1,
        "texts": Capability.CLASSIFY in found.capabilities,
        "writes": Capability.GENERATE in found.capabilities,
    }
    return frozenset(name for name, there in had.items() if there)


def _fits(line: Mapping[str, Any], probes: Mapping[str, Probe], had: Collection[str]) -> bool:
    """Whether a default limit can be judged here: its probe runs, and what it rests on is declared."""
    return line["metric"].partition("/")[0] in probes and _has(line, had)


def _has(line: Mapping[str, Any], had: Collection[str]) -> bool:
    """Whether there is what a line of the defaults needs: nothing, one thing, or any of a list."""
    needs = line.get("needs")
    return needs is None or any(each in had for each in ([needs] if isinstance(needs, str) else needs))


def _default(line: Mapping[str, Any], probes: Mapping[str, Probe], found: Interview) -> Default:
    keys = {key: value for key, value in line.items() if key not in ("needs", "counts", "fewest", "else")}
    direction: Direction = next(key for key in _DIRECTIONS if key in keys)
    narrowed = keys.get("groups", {})
    limit = Limit(metric=keys["metric"], direction=direction, threshold=float(keys[direction]), groups=narrowed)
    remark = next((f"cannot PASS: {why}" for _, why in beyond_expectation([limit], probes)), "")
    if found.profile is not None and found.declared is not None and "counts" in line:
        remark = _remark(line, direction, limit, found.profile, found.declared)
    return Default(keys=keys, direction=direction, remark=remark, lacks=line.get("else", ""))


def _remark(line: Mapping[str, Any], direction: str, limit: Limit, profile: Profile, declared: Declared) -> str:
    """Whether the two smallest groups suffice for a PASS, were the groups alike."""
    counted, what = _countable(line["counts"], profile, declared)
    sizes = [_two_smallest(profile, name, each.spec, counted) for name, each in declared.groups.items()]
    if not sizes:
        return ""
    smallest, other = min(sizes)
    rate = _rate(profile, declared) if line["counts"] == "rows" else None
    share = _UNKNOWN if rate is None else rate
    if not 0 < share < 1:
        return "" if rate is None else "every decision is the same: nothing can be told apart"
    if direction == "band":
        needed = stats.n_for_equivalence(share, min(limit.threshold, _PART * share))
        method = "newcombe"
    else:
        needed = math.ceil(_BOTH_WAYS * rows_for_ratio(share, limit.threshold))
        method = "koopman"
    known = f"were the rate {share:g}" if rate is None else f"at the rate {share:.2g}"
    takes = f"a PASS takes {needed:,} {what} a group, {known}; here {smallest:,}"
    if smallest < line.get("fewest", 1):
        return f"{takes}: no verdict below {line['fewest']}"
    low, high = limit.edges()
    even = ((round(share * smallest), smallest), (round(share * other), other))
    possible = stats.can_pass(method, low=low, high=high, counts=even)
    return takes + ("" if smallest >= needed else ": may be too few" if possible else ": too few")


def rows_for_ratio(rate: float, least: float) -> int:
    """Rows in each of two groups to PASS ``ratio >= least`` with a power of 80 %, when both have the rate.

    ``2 (1 - p) / p ((z_.95 + z_.80) / ln least)^2``, the error of the logarithm of a ratio.

    >>> rows_for_ratio(0.5, 0.8), rows_for_ratio(0.3, 0.8)
    (249, 580)
    """
    reach = stats.minimum_detectable_effect(0.5, 1, 0.5, 1, sides=1) / math.sqrt(0.5)
    return math.ceil(2 * (1 - rate) / rate * (reach / math.log(least)) ** 2)


def _countable(counts: str, profile: Profile, declared: Declared) -> tuple[np.ndarray, str]:
    """Which rows count towards a rate, and what they are called."""
    every = np.ones(len(profile), dtype=bool)
    label, positive = declared.label, declared.positive
    if counts == "rows" or label is None or positive is None or not positive.decided:
        return every, "rows"
    are = as_text(profile.table[label.value]) == positive.value
    return (are, "positives") if counts == "positives" else (~are, "negatives")


def _two_smallest(profile: Profile, name: str, spec: Mapping[str, Any], counted: np.ndarray) -> tuple[int, int]:
    grouping = make_groupings({name: spec}, profile.table)[name]
    sizes = sorted(np.bincount(grouping.codes[counted], minlength=len(grouping.names)).tolist())
    return int(sizes[0]), int(sizes[1])


def _rate(profile: Profile, declared: Declared) -> float | None:
    """The share of favourable decisions over all rows; None where it is not recorded or not declared."""
    decision, favourable = declared.decision, declared.favourable
    if decision is None or not decision.decided or not favourable.decided:
        return None
    if isinstance(decision.value, Mapping) and "number" in decision.value:
        return None
    if isinstance(decision.value, Mapping):
        high = np.asarray(profile.table[decision.value["column"]], dtype=np.float64) >= decision.value["at_least"]
        return float(np.mean(high if favourable.value == "1" else ~high))
    return float(np.mean(as_text(profile.table[decision.value]) == favourable.value))
