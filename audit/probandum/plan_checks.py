"""Checking a plan: what each of its keys alone allows, and what together, or today, cannot be so."""

from __future__ import annotations

import datetime
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from probandum.confiding import secret_places
from probandum.errors import meant_or_known
from probandum.finding import parse_metric
from probandum.grid import unknown_country
from probandum.keywords import fitting, told, wrong_keywords, wrong_values
from probandum.matching import group_problems
from probandum.plan_file import Energy, PlanFile, TargetLine
from probandum.resources import from_home
from probandum.subject import DIRECTIONS
from probandum.target import Target, TargetContext
from probandum.yaml_source import YamlSource

#: A waiver lasts no longer; after that somebody has to look again.
LONGEST_WAIVER = datetime.timedelta(days=90)
#: No older figure of a grid says anything of today's.
FIRST_YEAR = 1990
#: The place of a value in the file, and what is wrong with it.
Problem = tuple[tuple[str | int, ...], str]


def contradictions(file: PlanFile, folder: Path, kinds: Container[str] | None = None) -> Iterator[Problem]:
    """What each key alone allows and together makes no sense.

    ``kinds``: the targets there are, where that is known; of another kind nobody can say whether it needs data.
    """
    model = file.target.type != "log" and (kinds is None or file.target.type in kinds)
    if file.groups and model and file.decision is None:
        yield (
            ("groups",),
            (
                "the favourable decision is not declared; add decision: {favourable: ...}, the decision "
                "that is good for the person (there is no default)"
            ),
        )
    if file.groups and model and file.data is None:
        yield ("groups",), "groups are columns of data, and the plan names none; add data: {path: ...}"
    if file.target.type == "log" and file.data is not None:
        yield ("data",), "a log brings its own rows; name its columns under target"
    if file.data is not None and file.data.missing == "keep" and not file.data.features:
        yield ("data", "missing"), "keep is said of features, and the plan names none; add data.features"
    if file.data is not None:
        for index, name in enumerate(file.data.text):
            if name not in file.data.features:
                yield ("data", "text", index), f"no feature {name!r}{meant_or_known(name, file.data.features)}"
    for tier, line in file.tiers.items():
        for name in line.suites:
            if name not in file.suites:
                yield ("tiers", tier, "suites", name), f"no suite of that name{meant_or_known(name, file.suites)}"
    yield from _without_baseline(file, folder)
    yield from _energy_twice(file.energy)
    if file.execution.budget.money_eur is not None and file.target.price is None:
        yield ("execution", "budget", "money_eur"), "the target states no price; add target.price"
    for index, waiver in enumerate(file.waivers):
        if not waiver.set_on <= waiver.expires <= waiver.set_on + LONGEST_WAIVER:
            yield ("waivers", index, "expires"), "a waiver ends between its set_on and 90 days later"


def unmatched_groups(file: PlanFile) -> Iterator[Problem]:
    """Bins, labels and references of groups that fit no rows."""
    for name, group in file.groups.items():
        for key, text in group_problems(group.model_dump(exclude_none=True)):
            yield ("groups", name, key), text


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


def _energy_twice(energy: Energy) -> Iterator[Problem]:
    """Keys of energy of which one would be ignored beside another."""
    if energy.log is not None and energy.replay is not None:
        yield ("energy", "replay"), "readings come from a log or from an earlier record; leave log or replay out"
    if energy.log is not None and energy.meter != "auto":
        yield ("energy", "meter"), f"{energy.meter}, and energy.log names a meter at the wall; leave one of the two out"
    if energy.intensity is not None and energy.country is not None:
        yield ("energy", "country"), "intensity stands in place of the country's figure; leave one of the two out"
    if energy.warm_up_at_most < energy.warm_up_seconds:
        text = f"{energy.warm_up_at_most:g} s at most, and warm_up_seconds asks for {energy.warm_up_seconds:g} at least"
        yield ("energy", "warm_up_at_most" if "warm_up_at_most" in energy.model_fields_set else "warm_up_seconds"), text


def untrue(file: PlanFile, source: YamlSource, today: datetime.date) -> Iterator[Problem]:
    """What cannot be so: a limit of a later day, a finding accepted twice, a country or a year that is none."""
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
    grid = file.energy.intensity
    if grid is not None and not FIRST_YEAR <= grid.year <= today.year:
        text = f"{grid.year}; expected the year of the figures in four digits, {FIRST_YEAR} to {today.year}"
        yield ("energy", "intensity", "year"), text


def target_problems(
    kind: str, options: Mapping[str, Any], context: TargetContext, *, known: Mapping[str, type[Target]]
) -> list[Problem]:
    """Everything wrong with a target's kind and keys, as far as its class can say before anything is loaded."""
    cls = known.get(kind)
    if cls is None:
        return [(("target", "type"), f"unknown target type {kind!r}{meant_or_known(kind, known)}")]
    keywords = list(wrong_keywords(cls, options, skip=1))
    wrong: list[Problem] = [
        (("target", *each.place), each.text if each.remedy is None else f"{each.text}; {each.remedy}")
        for each in (*keywords, *wrong_values(cls, options, skip=1))
    ]
    secrets = list(secret_places(options))
    wrong += [(("target", *place), text) for place, text in secrets]
    if all(each.key is None and each.place for each in keywords):  # what keys mean is told where all needed ones fit
        known_alone = fitting(cls, options, skip=1)
        said = told(cls, options, skip=1) | {place[0] for place, _ in secrets}
        found = cls.problems(known_alone, context)
        wrong += [(("target", *place), text) for place, text in found if said.isdisjoint(place[:1])]
    return wrong


def written_target_problems(
    values: Mapping[str, Any], folder: Path, known: Mapping[str, type[Target]]
) -> list[Problem]:
    """The same of a plan as it was written, which need not fit its model elsewhere."""
    target, data = values.get("target"), values.get("data")
    if not isinstance(target, Mapping) or not isinstance(target.get("type"), str) or not target["type"]:
        return []  # the model says so
    features = data.get("features") if isinstance(data, Mapping) else None
    columns = tuple(name for name in features if isinstance(name, str)) if isinstance(features, list) else ()
    options = {key: value for key, value in target.items() if key not in TargetLine.model_fields}
    return target_problems(target["type"], options, TargetContext(folder=folder, features=columns), known=known)


def outcome_problems(file: PlanFile, cls: type[Target]) -> Iterator[Problem]:
    """A numeric outcome of a target that gives none, or beside what only a decision can have."""
    decision = file.decision
    if decision is None or decision.outcome is None:
        return
    if not cls.numeric:
        kinds = "sklearn, onnx, xgboost, lightgbm; or log, with decision: {number: COLUMN} under target"
        yield ("decision", "outcome"), f"target {file.target.type} gives no number a row; targets that do: {kinds}"
    if decision.favourable not in DIRECTIONS:
        text = f"{decision.favourable!r}; of numbers, higher or lower ones are good for the person"
        yield ("decision", "favourable"), text
    if (file.target.model_extra or {}).get("labels"):
        yield ("target", "labels"), "a numeric outcome has no class names; leave labels out"
    if decision.threshold is not None:
        text = "a numeric outcome is compared as a number; leave threshold out, or outcome out to compare decisions"
        yield ("decision", "threshold"), text


def threshold_problems(file: PlanFile, cls: type[Target]) -> Iterator[Problem]:
    """A threshold that no class probability can reach, or that every one does."""
    if file.decision is not None and file.decision.outcome == "numeric":
        return
    threshold = None if file.decision is None else file.decision.threshold
    if (
        threshold is not None
        and not 0 <= threshold <= 1
        and cls.gives_probabilities(fitting(cls, file.target.model_extra or {}, skip=1))
    ):
        text = f"{threshold:g}, and target {file.target.type} gives probabilities; expected a number from 0 to 1"
        yield ("decision", "threshold"), text
