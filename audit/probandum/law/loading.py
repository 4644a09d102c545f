"""The law pack as one value: loaded on first use, checked against its schema, then asked by id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from probandum.errors import DataError, UnknownName, did_you_mean
from probandum.law.entries import (
    Asked,
    FormField,
    Head,
    MetricMap,
    Milestone,
    Pack,
    Question,
    Remark,
    Requirement,
    Standard,
    UseCase,
)
from probandum.law.reading import build, read_yaml
from probandum.law.soundness import flaw

Entry = Requirement | FormField | Standard | Milestone | Remark
T = TypeVar("T")

_HERE = Path(__file__).resolve().parent
_ID = re.compile(r"[a-z0-9-]+(:[a-z0-9.-]+)*")
_NOT_HEAD = ("entries", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every entry of the law pack, in the order of the law; mappings are by id."""

    pack: Pack
    heads: Mapping[str, Head]
    requirements: Mapping[str, Requirement]
    timeline: Mapping[str, Milestone]
    use_cases: Mapping[str, UseCase]
    form: Mapping[str, FormField]
    standards: Mapping[str, Standard]
    remarks: Mapping[str, Remark]
    metric_map: MetricMap
    questions: tuple[Question, ...]

    def get(self, id: str) -> Requirement:
        """The requirement of that id (``aiact:`` reads as ``ai-act:``); UnknownName suggests the nearest."""
        found = self.requirements.get(canonical(id))
        if found is None:
            raise unknown("requirement", id, self.requirements)
        return found

    def find(self, id: str) -> Entry:
        """The entry of that id: a requirement, a form field, a standard or guideline, a date, a remark."""
        name = canonical(id)
        groups: tuple[Mapping[str, Entry], ...] = (
            self.requirements,
            self.form,
            self.standards,
            self.timeline,
            self.remarks,
        )
        for group in groups:
            if name in group:
                return group[name]
        raise unknown("law entry", id, [each for group in groups for each in group])

    def entries_of(self, family: str) -> tuple[Requirement, ...]:
        """The requirements under an id, whole segments only, in the order of the law.

        ``ai-act:annex-iv`` and ``ai-act:annex-iv:*`` give Annex IV, ``gdpr:35`` all of Article 35.
        """
        stem = canonical(family).rstrip("*").rstrip(":")
        found = tuple(r for id, r in self.requirements.items() if id == stem or id.startswith(f"{stem}:"))
        if not found:
            raise unknown("part of the law", family, {id.rpartition(":")[0] for id in self.requirements})
        return found

    def use_case(self, point: str) -> UseCase:
        """The Annex III use of a point, ``5(b)`` (also ``5b`` or ``Annex III(5)(b)``)."""
        short = re.sub(r"annex\s+iii|point|[\s().,]", "", point.lower())
        for case in self.use_cases.values():
            if re.sub(r"[()]", "", case.point) == short:
                return case
        raise UnknownName("Annex III point", point, [case.point for case in self.use_cases.values()])

    def supplier(self, requirement: Requirement | FormField) -> str:
        """Who can supply what an entry asks, in words: ``the provider or the deployer``."""
        words = [self.party_words(role) for role in requirement.applies_to]
        return " or ".join(dict.fromkeys(words))

    def party_words(self, role: str) -> str:
        """The party that a role stands for, in words."""
        known = self.pack.roles[role]
        return known.words or self.pack.parties[known.party or ""]

    def metric_targets(self, requirement: Requirement | FormField) -> dict[str, tuple[str, ...]]:
        """For each metric that an entry names: the probes or metrics of ours that measure it, perhaps none.

        A target is ``probe/metric``, or ``probe`` for all its metrics.
        """
        maps = self.metric_map.metrics.values()
        return {name: next(m[name] for m in maps if name in m) for name in requirement.metrics}

    def measures(self, requirement: Requirement | FormField, metric: str) -> bool:
        """Whether ``metric`` (``probe/metric``) is among the targets of an entry's metrics."""
        targets = {target for group in self.metric_targets(requirement).values() for target in group}
        return metric in targets or metric.partition("/")[0] in targets


@cache
def catalogue() -> Catalogue:
    """The shipped law pack, read and checked once."""
    return load()


def load(folder: Path = _HERE) -> Catalogue:
    """The law pack of ``folder``; DataError names the file and the entry of the first fault.

    1. The pack itself, with its roles and parties. 2. The metric map. 3. Each file: keys, kinds, references to its
    own sources and checks, roles, families, metrics, and the count that the pack states; the questions of the card.
    4. References between files.
    """
    # 1. the pack
    pack_raw = read_yaml(folder / "pack.yaml")
    pack = build(Pack, pack_raw, "pack.yaml")
    for name, role in pack.roles.items():
        if (role.party is None) == (role.words is None) or (role.party or "gpai") not in pack.parties:
            raise DataError(f"pack.yaml: role {name}: expected a known party, or words for a public body")
        if (role.unless is None) != (role.but is None):
            raise DataError(f"pack.yaml: role {name}: expected unless and but together")
        for other in (role.unless or name, role.but or name):
            if other not in pack.roles or (other != name and pack.roles[other].condition is None):
                raise DataError(f"pack.yaml: role {name}: {other!r} is no role with a condition")
        wider = pack.roles.get(role.settled_by or name)
        if wider is None or (wider.party, wider.condition) != (role.party, role.condition):
            raise DataError(f"pack.yaml: role {name}: settled_by: expected a role with the same party and condition")
    # 2. the metric map
    metric_map = build(MetricMap, read_yaml(folder / "metric_map.yaml"), "metric_map.yaml")
    reading = _Reading(folder, pack, metric_map)
    # 3. the files
    requirements: dict[str, Requirement] = {}
    for stem in ("ai_act", "gdpr", "other_law"):
        requirements |= reading.entries(stem, Requirement)
    timeline = reading.entries("timeline", Milestone)
    form = reading.entries("gpai_form", FormField)
    use_cases = reading.entries("annex_iii", UseCase, detail=True)
    standards, remarks = reading.standards()
    asked = build(Asked, read_yaml(folder / "card.yaml"), "card.yaml").questions
    # 4. references between files
    for question in asked:
        for other in question.requirements:
            if other not in requirements:
                raise DataError(
                    f"card.yaml: {question.path}: {other!r}, which no file holds{did_you_mean(other, requirements)}"
                )
    if len({question.path for question in asked}) != len(asked):
        raise DataError("card.yaml: a path is asked for twice")
    for id, case in use_cases.items():
        if requirements.get(id) is None or requirements[id].kind != "classification":
            raise DataError(f"annex_iii.yaml: {id}: no classification entry of this id in ai_act.yaml")
        if case.point.partition("(")[0] not in reading.heads["annex_iii"].areas:
            raise DataError(f"annex_iii.yaml: {id}: point {case.point!r} lies in no area of the file")
    for key, ids in (("acts", metric_map.acts), ("beside", metric_map.beside)):
        for id in ids:
            if id not in requirements:
                raise DataError(f"metric_map.yaml: {key}: unknown {id!r}{did_you_mean(id, requirements)}")
    for id, requirement in requirements.items():
        for other in requirement.see:
            if other not in requirements:
                raise DataError(f"{id}: see {other!r}, which no file holds{did_you_mean(other, requirements)}")
    return Catalogue(
        pack=pack,
        heads=reading.heads,
        requirements=requirements,
        timeline=timeline,
        use_cases=use_cases,
        form=form,
        standards=standards,
        remarks=remarks,
        metric_map=metric_map,
        questions=asked,
    )


def canonical(id: str) -> str:
    """The id as the files spell it.

    >>> canonical("aiact:annex-iv:3")
    'ai-act:annex-iv:3'
    """
    return f"ai-act:{id.removeprefix('aiact:')}" if id.startswith("aiact:") else id


class _Reading:
    """One pass over the files: what entries may refer to, and which ids are taken."""

    def __init__(self, folder: Path, pack: Pack, metric_map: MetricMap) -> None:
        self.folder, self.pack = folder, pack
        self.heads: dict[str, Head] = {}
        self.taken: dict[str, str] = {}
        self.families = {alias: ours for ours, aliases in metric_map.families.items() for alias in aliases}
        self.metrics = {name for group in metric_map.metrics.values() for name in group}
        if unknown := set(metric_map.metrics) ^ set(metric_map.families):
            raise DataError(f"metric_map.yaml: family {min(unknown)!r} stands in only one of families and metrics")
        for name in metric_map.stated:
            if name not in self.metrics:
                raise DataError(f"metric_map.yaml: stated: unknown {name!r}{did_you_mean(name, self.metrics)}")

    def entries(self, stem: str, kind: type[T], *, detail: bool = False) -> dict[str, T]:
        """The entries of a file by id; ``detail`` entries share their ids with another file's."""
        raw = read_yaml(self.folder / f"{stem}.yaml")
        found = self._section(stem, raw, "entries", kind, detail=detail)
        self._count(stem, len(found))
        return found

    def standards(self) -> tuple[dict[str, Standard], dict[str, Remark]]:
        """The standards of ``standards.yaml``, and its remarks."""
        raw = read_yaml(self.folder / "standards.yaml")
        entries = self._section("standards", raw, "entries", Standard)
        notes = self._section("standards", raw, "notes", Remark)
        self._count("standards", len(entries))
        self._count("standards", len(notes), of="remarks")
        return entries, notes

    def _section(
        self, stem: str, raw: dict[str, Any], section: str, kind: type[T], *, detail: bool = False
    ) -> dict[str, T]:
        file = f"{stem}.yaml"
        self.heads[stem] = build(Head, {key: value for key, value in raw.items() if key not in _NOT_HEAD}, file)
        found: dict[str, T] = {}
        for id, entry in self._identified(file, raw.get(section)):
            where = f"{file}: {id}"
            other = next((f for f, ids in ((file, found), (self.taken.get(id), self.taken)) if id in ids), None)
            if other is not None and not (detail and other != file):
                raise DataError(f"{where}: the id stands twice" + ("" if other == file else f", also in {other}"))
            found[id] = build(kind, self._resolved(entry, self.heads[stem], where), where)
            if (wrong := flaw(found[id])) is not None:
                raise DataError(f"{where}: {wrong}")
        if not detail:
            self.taken |= dict.fromkeys(found, file)
        return found

    def _identified(self, file: str, raw: object) -> Iterator[tuple[str, dict[str, Any]]]:
        if not isinstance(raw, list):
            raise DataError(f"{file}: expected a list of entries, got {type(raw).__name__}")
        for number, entry in enumerate(raw, 1):
            id = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(id, str) or not _ID.fullmatch(id):
                raise DataError(f"{file}: entry {number}: expected an id such as ai-act:annex-iv:2:g, got {id!r}")
            yield id, entry

    def _resolved(self, raw: dict[str, Any], head: Head, where: str) -> dict[str, Any]:
        """``raw`` with its references spelled out: sources, checks and bases in words, families in our names."""
        entry = dict(raw)
        for key, table in (("source", head.sources), ("checked", head.checks), ("families", self.families)):
            if isinstance(entry.get(key), list):
                entry[key] = list(dict.fromkeys(self._known(key, name, table, where) for name in entry[key]))
        if isinstance(dates := entry.get("dates"), dict) and "basis" in dates:
            entry["dates"] = {**dates, "basis": self._known("basis", dates["basis"], head.bases, where)}
        for key, known in (("applies_to", self.pack.roles), ("metrics", self.metrics)):
            for name in entry.get(key) or ():
                if name not in known:
                    raise DataError(f"{where}: {key}: unknown {name!r}{did_you_mean(str(name), known)}")
        return entry

    def _known(self, key: str, name: object, table: Mapping[str, str], where: str) -> str:
        if not isinstance(name, str) or name not in table:
            raise DataError(f"{where}: {key}: unknown {name!r}{did_you_mean(str(name), table)}")
        return table[name]

    def _count(self, stem: str, found: int, *, of: str | None = None) -> None:
        stated = self.pack.counts.get(of or stem)
        if found != stated:
            raise DataError(f"{stem}.yaml: {found} {of or 'entries'}, and pack.yaml states {stated}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for an unknown id, with the nearest few for a remedy: the whole list would fill a screen."""
    names = list(known)
    near = get_close_matches(canonical(name), names, n=4, cutoff=0.4)
    return UnknownName(kind, name, near or sorted({each.partition(":")[0] for each in names}))
