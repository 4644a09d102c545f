"""Limits held against what probes declare: a limit that could never be judged, or only wrongly, is found at once.

Nothing is asked for it. What only a run can tell (which groups there are, which facets) is not looked at here; a
limit that meets no quantity in the end is one of the gate's causes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from probandum.errors import PlanError, did_you_mean
from probandum.finding import Limit, MetricName, parse_metric
from probandum.plan import Plan
from probandum.plan_checks import Problem
from probandum.plan_file import LimitLine
from probandum.probe import ProbeResult, ProbeSpec, known_probes
from probandum.units import difference_of, range_in_words, range_of

_COORDINATES = ("attribute", "group", "reference")
#: No more attributes are crossed with each other.
_MOST_CROSSED = 3
#: What adding decimals may leave: 0.8 + 0.2 is an edge of 1.
_ROUNDING = 1e-12


def specs_of(results: Iterable[ProbeResult]) -> dict[str, ProbeSpec]:
    """What the probes behind ``results`` declare, with what else their options made them measure, in any unit."""
    known = known_probes()
    return {
        result.probe: _with_measured(known[result.probe], result)
        for result in results
        if result.status == "measured" and result.probe in known
    }


def _with_measured(spec: ProbeSpec, result: ProbeResult) -> ProbeSpec:
    metrics = {**{measure.metric: "quantity" for measure in result.measures}, **spec.metrics}
    facets = dict.fromkeys([*spec.facets, *(facet for measure in result.measures for facet in measure.facets)])
    attributes = spec.attributes
    if isinstance(attributes, tuple):
        compared = [measure.groups.attribute for measure in result.measures if measure.groups is not None]
        attributes = tuple(dict.fromkeys([*attributes, *compared]))
    return replace(spec, metrics=metrics, facets=tuple(facets), attributes=attributes)


def refuse_limits(plan: Plan, specs: Mapping[str, ProbeSpec]) -> None:
    """PlanError for every limit of ``plan`` that makes no sense; see ``limit_problems``."""
    if problems := limit_problems(plan, specs):
        raise PlanError(problems)


def limit_problems(plan: Plan, specs: Mapping[str, ProbeSpec]) -> list[str]:
    """What is wrong with the limits, one line each with its place, in the order of the file.

    ``specs``: what the suites' probes declare. A suite without one is unknown, or its options are wrong: that is
    said at the suite, and its limits are left alone.
    """
    found: list[Problem] = []
    for index, (line, limit) in enumerate(zip(plan.file.limits, plan.limits, strict=True)):
        found += [((index, *place), text) for place, text in _alone(plan, line, limit, specs)]
        found += [((index, "metric"), text) for text in _rivals(plan, index)]
    return [plan.yaml.problem(("limits", *place), text) for place, text in found]


def _alone(plan: Plan, line: LimitLine, limit: Limit, specs: Mapping[str, ProbeSpec]) -> Iterator[Problem]:
    """What is wrong with one limit, whatever the others."""
    name = parse_metric(line.metric)
    spec = specs.get(name.probe)
    if name.probe not in plan.suites:
        hint = did_you_mean(name.probe, specs) or f"; add {name.probe} under suites"
        yield ("metric",), f"no suite measures {line.metric!r}{hint}"
    if spec is None:
        return
    if name.metric not in spec.metrics:
        hint = f"{did_you_mean(name.metric, spec.metrics)}; known: {', '.join(sorted(spec.metrics))}"
        yield ("metric",), f"{name.probe} measures no {name.metric!r}{hint}"
    elif name.change and not spec.follows(name.metric):
        others = f"; of these it can: {', '.join(sorted(spec.followed))}" if spec.followed else ""
        text = f"{name.probe} keeps nothing that {name.metric!r} is made of, so that no change of it can be judged"
        yield ("metric",), f"{text}{others}"
    elif spec.shows(name.metric) and not name.change:
        others = f"; judged: {', '.join(sorted(spec.judged))}" if spec.judged else ""
        text = f"{name.probe} shows {name.metric!r} and never judges it, so that no limit holds for it{others}"
        if spec.follows(name.metric):
            text += f"; of it a change can be judged: {line.metric}/change, with gate.baseline"
        yield ("metric",), text
    else:
        yield from _out_of_range(line, limit, _unit(name, spec))
    yield from _nowhere(plan, line, spec)


def _unit(name: MetricName, spec: ProbeSpec) -> str:
    unit = spec.metrics[name.metric]
    return difference_of(unit) if name.change else unit


def _out_of_range(line: LimitLine, limit: Limit, unit: str) -> Iterator[Problem]:
    """Edges that no quantity of the unit can reach: such a limit is met, or broken, by any system."""
    if limit.direction == "band" and unit == "ratio" and "around" not in line.model_fields_set:
        yield ("band",), "a band lies around 0, and equal rates have the ratio 1; add around: 1"
        return
    low, high = range_of(unit)
    beyond = [
        f"{edge:g}" for edge in limit.edges() if edge is not None and not low - _ROUNDING <= edge <= high + _ROUNDING
    ]
    if beyond:
        reaches = f"the limit reaches {' and '.join(beyond)}"
        yield (limit.direction,), f"expected a {unit}, {range_in_words(unit)}; {reaches}"


def _nowhere(plan: Plan, line: LimitLine, spec: ProbeSpec) -> Iterator[Problem]:
    """Coordinates that no finding of the probe has."""
    known = [*_COORDINATES, *(facet for facet in spec.facets if facet not in _COORDINATES)]
    known += ["baseline"] if parse_metric(line.metric).change else []
    for key in line.groups:
        if key not in known:
            hint = f"{did_you_mean(key, known)}; known: {', '.join(known)}"
            yield ("groups", key), f"no finding of {spec.id} has the coordinate {key!r}{hint}"
    attribute = line.groups.get("attribute")
    if attribute is None or spec.attributes is None or "attribute" in spec.facets:
        return
    names = list(plan.groups) if spec.attributes == "plan" else list(spec.attributes)
    crossed = _crossings(names) if spec.attributes == "plan" else names
    if str(attribute) not in crossed:
        turned = [each for each in crossed if sorted(each.split("*")) == sorted(str(attribute).split("*"))]
        hint = f", did you mean {turned[0]!r}?" if turned else did_you_mean(str(attribute), crossed)
        hint += f"; known: {', '.join(names) or 'none'}"
        hint += f", and crossed such as {'*'.join(names[:2])}" if len(crossed) > len(names) else ""
        yield ("groups", "attribute"), f"{spec.id} compares no groups of {str(attribute)!r}{hint}"


def _crossings(names: list[str]) -> list[str]:
    """The attributes, and their crossings as findings name them.

    >>> _crossings(["sex", "age"])
    ['sex', 'age', 'sex*age']
    """
    sizes = range(1, _MOST_CROSSED + 1)
    return ["*".join(chosen) for size in sizes for chosen in itertools.combinations(names, size)]


def _rivals(plan: Plan, index: int) -> Iterator[str]:
    """Earlier limits that could claim the same quantity: as narrow, and told apart by no coordinate."""
    line = plan.file.limits[index]
    for place, other in enumerate(plan.file.limits[:index]):
        shared = line.groups.keys() & other.groups.keys()
        apart = any(str(line.groups[key]) != str(other.groups[key]) for key in shared)
        if other.metric == line.metric and len(other.groups) == len(line.groups) and not apart:
            lines = [plan.yaml.mark(("limits", each)).line for each in (place, index)]
            yield f"the limits in lines {lines[0]} and {lines[1]} could claim one quantity; narrow one with groups:"
