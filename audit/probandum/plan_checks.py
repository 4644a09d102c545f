"""Checking a plan: what each of its keys alone allows, and what together, or today, cannot be so."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from probandum.errors import UsageError, meant_or_known
from probandum.finding import parse_metric
from probandum.plan_file import PlanFile
from probandum.resources import from_home
from probandum.second_opinion import unknown_country
from probandum.target import check_keywords
from probandum.yaml_source import YamlSource

#: A waiver lasts no longer; after that somebody has to look again.
LONGEST_WAIVER = datetime.timedelta(days=90)
#: The place of a value in the file, and what is wrong with it.
Problem = tuple[tuple[str | int, ...], str]


def contradictions(file: PlanFile, folder: Path) -> Iterator[Problem]:
    """What each key alone allows and together makes no sense."""
    if file.groups and file.target.type != "log" and file.decision is None:
        yield (
            ("groups",),
            (
                "the favourable decision is not declared; add decision: {favourable: ...}, the decision "
                "that is good for the person (there is no default)"
            ),
        )
    if file.groups and file.target.type != "log" and file.data is None:
        yield ("groups",), "groups are columns of data, and the plan names none; add data: {path: ...}"
    if file.target.type == "log" and file.data is not None:
        yield ("data",), "a log brings its own rows; name its columns under target"
    for tier, line in file.tiers.items():
        for name in line.suites:
            if name not in file.suites:
                yield ("tiers", tier, "suites", name), f"no suite of that name{meant_or_known(name, file.suites)}"
    yield from _without_baseline(file, folder)
    if file.execution.budget.money_eur is not None and file.target.price is None:
        yield ("execution", "budget", "money_eur"), "the target states no price; add target.price"
    for index, waiver in enumerate(file.waivers):
        if not waiver.set_on <= waiver.expires <= waiver.set_on + LONGEST_WAIVER:
            yield ("waivers", index, "expires"), "a waiver ends between its set_on and 90 days later"


def _without_baseline(file: PlanFile, folder: Path) -> Iterator[Problem]:
    """Limits on a change, and items that may not change, where there is nothing that they change from."""
    text = "nothing to compare with; add gate.baseline: {merged: RECORD, release: RECORD}"
    if file.gate.baseline is None:
        for index, line in enumerate(file.limits):
            if parse_metric(line.metric).change:
                yield ("limits", index, "metric"), text
        if file.gate.must_not_change:
            yield ("gate", "must_not_change"), text
    listed = file.gate.must_not_change
    if isinstance(listed, str) and not (folder / from_home(listed)).is_file():
        yield ("gate", "must_not_change"), f"no text file {listed}; expected one with a key on each line, or a list"


def untrue(file: PlanFile, source: YamlSource, today: datetime.date) -> Iterator[Problem]:
    """What cannot be so: a limit of a later day, a finding accepted twice, a country that is none."""
    for index, limit in enumerate(file.limits):
        if limit.set_on is not None and limit.set_on > today:
            yield ("limits", index, "set_on"), f"{limit.set_on} lies after today, {today}; it must precede the run"
    first: dict[str, int] = {}
    for index, waiver in enumerate(file.waivers):
        if waiver.finding in first:
            text = f"{waiver.finding!r} is waived on line {first[waiver.finding]} already; keep one of the two"
            yield ("waivers", index, "finding"), text
        first.setdefault(waiver.finding, source.mark(("waivers", index)).line)
    if file.energy.country is not None and (problem := unknown_country(file.energy.country)):
        yield ("energy", "country"), problem


def target_problems(
    kind: str, options: Mapping[str, Any], features: Sequence[str], *, known: Mapping[str, type[Any]]
) -> list[Problem]:
    """What is wrong with a target's kind and keys, as far as its class can say before anything is loaded."""
    cls = known.get(kind)
    if cls is None:
        text = f"unknown target type {kind!r}{meant_or_known(kind, known)}"
        return [(("target", "type"), text)]
    try:
        check_keywords(cls, options, what=f"target {kind}", skip=1)
    except UsageError as error:
        said = error.message
        key = next((k for k in options if f"unknown key {k!r}" in said or f".{k}: exp" in said), None)
        place = ("target",) if key is None else ("target", key)
        what = f"target {kind}"
        text = "; ".join(error.lines()).removeprefix(f"{what}.{key}: ").removeprefix(f"{what}: ")
        return [(place, text)]
    wrong = cls.problems(options, features)
    return [(("target", *place), text) for place, text in wrong]
