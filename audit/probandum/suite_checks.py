"""Checking suites: what is wrong with the options of a probe, by themselves and beside the rest of the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.keywords import Facts, fitting, wrong_beside, wrong_keywords, wrong_values
from probandum.plan import Plan
from probandum.plan_checks import Problem as Located
from probandum.probe import ProbeSpec, known_probes
from probandum.target import known_targets


def suite_problems(plan: Plan, spec: ProbeSpec, facts: Facts) -> Iterator[Located]:
    """Everything wrong with the options of one suite, as far as annotations and the rest of the plan say, by place."""
    options = plan.suites[spec.id] or {}
    for each in (*wrong_keywords(spec.cls, options), *wrong_values(spec.cls, options)):
        place = () if each.key is None else each.place
        yield place, "; ".join(filter(None, [each.text, each.remedy]))
    if (ignored := _ignored(plan, spec, facts)) is not None:
        yield (), ignored
    for each in wrong_beside(spec.cls, fitting(spec.cls, options), facts):
        if each.key is not None or facts.answers is None or spec.needs & facts.answers:
            yield each.place, each.text


def _ignored(plan: Plan, spec: ProbeSpec, facts: Facts) -> str | None:
    """What the plan declares of its rows that a probe of rows does not take into account, so that it gets none."""
    if facts.answers is None or spec.needs & facts.answers != {Capability.PREDICT}:
        return None
    declared = {"weight": plan.weight, "cluster": plan.cluster}
    ignored = [f"{key} {name!r}" for key, name in declared.items() if name is not None and key not in spec.honours]
    if not ignored:
        return None
    what = f"the plan declares the {' and '.join(ignored)} of the rows, which {spec.id} does not take into account"
    return f"{what}; leave the suite out, or audit rows of equal weight, one a person, in a plan of their own"


def refused_at(error: UsageError, suite: str, options: Mapping[str, Any]) -> Located:
    """What the constructor of a probe refuses, at the option that its message begins with."""
    text = "; ".join(filter(None, [error.message, error.remedy])).removeprefix(f"suites.{suite}.")
    text = text.removeprefix(f"suites.{suite}: ")
    key, colon, rest = text.partition(": ")
    steps: list[str | int] = []
    inside: Any = options
    for step in key.split("."):
        found = int(step) if isinstance(inside, list | tuple) and step.isdigit() else step
        there = found in inside if isinstance(inside, Mapping) else isinstance(found, int) and found < len(inside)
        if not colon or not there:
            return (), text
        steps.append(found)
        inside = inside[found]
    return tuple(steps), rest


def never_asked(plan: Plan) -> Iterator[str]:
    """The suites that the plan's target cannot answer whatever it loads, one line each: nothing is asked for them."""
    target = known_targets().get(plan.target_type)
    answers = None if target is None else target.answers_only(fitting(target, plan.target_options, skip=1))
    if answers is None:
        return
    for name, spec in known_probes().items():
        if name in plan.suites and not spec.needs & answers:
            needed, given = (" or ".join(sorted(kinds)) for kinds in (spec.needs, answers - {Capability.ATTRIBUTE}))
            place = plan.located(*plan.suite_place(name))
            yield f"{place}: not applicable: it needs {needed}, and target {plan.target_type} answers {given}"
