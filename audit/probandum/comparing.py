"""Two records side by side: whether they can be compared, what changed, and by how much.

The audited system may be another one; that is the question. What measured it may not: other items, another version
or other options of a probe, other declarations of what is good, another seed or another precision would be read as a
change of the system. Such differences are named one by one, and leave no number behind. What can move a number
without being meant to (versions, machine, device) is named beside it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.changing import NotComparable, change_of_items, value_of
from probandum.changing_rows import PairedRows, change_of_counted, paired_rows
from probandum.comparison import Change, Comparison, Difference, Named
from probandum.crowding import crowded
from probandum.evidence import Items
from probandum.finding import Estimate, Verdict, finding_id
from probandum.probe import Measure, ProbeResult, Window
from probandum.record import Record
from probandum.row_items import RowItems

#: How far a quantity may lie from what its items make up: sums run in another order.
_CLOSE = 1e-6
#: What a plan's *ask* says of the measurement and not of the system: places whose values must agree.
_MEASUREMENT = (
    ("execution", "seed"),
    ("execution", "dtype"),
    ("data", "label"),
    ("data", "positive"),
    ("data", "missing"),
    ("decision", "favourable"),
    ("groups",),
)
_GROUPS = ("ask", "groups")
#: The same of a log, whose target says how its columns are read.
_COLUMNS = ("decision", "label", "positive", "favourable", "detected")
#: Target options that name the system itself: of course they differ.
_SYSTEM = (
    "path",
    "vectorizer",
    "vectorizer_sha256",
    "model",
    "revision",
    "function",
    "files",
    "sha256",
    "file",
    "url",
    "price",
)
#: The option of a probe that asks a seeded sample: a smaller one is part of a larger one, and pairs with it.
_SAMPLE = "sample"
#: Facts of the run that can move a number, and are named where they differ.
_SURROUNDINGS = (
    ("execution", "device"),
    ("execution", "threads"),
    ("execution", "batch_tokens"),
    ("execution", "batch_invariant"),
    ("decision", "threshold"),
)


class Measured:
    """What a comparison needs of one record, read once."""

    def __init__(self, record: Record, statement: str) -> None:
        self.folder: Path = record.folder
        self.plan: Mapping[str, Any] = record.plan
        self.environment: Mapping[str, Any] = record.environment
        self.results: Mapping[str, ProbeResult] = {result.probe: result for result in record.results}
        self.items: Mapping[str, Items] = record.items
        self.rows: Mapping[str, RowItems] = record.rows
        self.windows: Mapping[str, Window] = record.windows()
        system = self.plan["declare"]["system"]
        self.named = Named(
            statement=statement,
            run=str(self.plan["key"]).removeprefix("sha256:")[:8],
            started=str(self.environment["started"]),
            system=str(system["name"]),
            version=str(system.get("version", "")),
            identity=codec.digest_of(self.environment["target"]["identity"]).removeprefix("sha256:")[:8],
        )


def compare(base: Measured, new: Measured, *, name: str = "baseline", varied: Collection[str] = ()) -> Comparison:
    """``new`` beside ``base``: every difference between the audits, and the change of every quantity with items.

    ``varied``: places such as ``execution.dtype`` that are what the two are compared for, and bar nothing.
    """
    differences = tuple(differences_of(base, new, varied=varied))
    return Comparison(
        name=name,
        base=base.named,
        new=new.named,
        differences=differences,
        changes=tuple(_changes(base, new, differences)),
        attributes=tuple(sorted({*(_at(base.plan, _GROUPS) or ()), *(_at(new.plan, _GROUPS) or ())})),
    )


def differences_of(base: Measured, new: Measured, *, varied: Collection[str] = ()) -> Iterator[Difference]:
    """Whatever differs between two audits beside the system itself, what bars a comparison first."""
    then, now = base.plan["ask"], new.plan["ask"]
    for place in _MEASUREMENT:
        named = ".".join(place)
        yield from _differ(named, _at(then, place), _at(now, place), bars=named not in varied)
    for key in _COLUMNS:
        yield from _differ(f"target.{key}", _at(then, ("target", key)), _at(now, ("target", key)), bars=True)
    for probe, result in new.results.items():
        if (other := base.results.get(probe)) is None:
            yield Difference(what="measured", base="no", new="yes", bars=True, probe=probe)
            continue
        yield from _differ("version", other.version, result.version, bars=True, probe=probe)
        for key in sorted({*other.options, *result.options}):
            options = other.options.get(key), result.options.get(key)
            yield from _differ(f"option {key}", *options, bars=key != _SAMPLE, probe=probe)
    for probe in base.results:
        if probe not in new.results:
            yield Difference(what="measured", base="yes", new="no", bars=False, probe=probe)
    for place in _SURROUNDINGS:
        yield from _differ(".".join(place), _at(then, place), _at(now, place), bars=False)
    for key in sorted({*then["target"], *now["target"]} - {*_SYSTEM, *_COLUMNS}):
        yield from _differ(f"target.{key}", _at(then, ("target", key)), _at(now, ("target", key)), bars=False)
    for part in ("tool", "machine", "packages"):
        before, after = base.environment[part], new.environment[part]
        for key in sorted({*before, *after}):
            yield from _differ(f"{part} {key}", before.get(key), after.get(key), bars=False)


def _differ(what: str, base: Any, new: Any, *, bars: bool, probe: str | None = None) -> Iterator[Difference]:
    if base != new:
        yield Difference(what=what, base=_said(base), new=_said(new), bars=bars, probe=probe)


def _said(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else codec.encode(value).decode()


def _at(values: Any, place: Iterable[str]) -> Any:
    for key in place:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _changes(base: Measured, new: Measured, differences: Iterable[Difference]) -> Iterator[Change]:
    """One change a quantity with items, in the order of the new record; those that it no longer has at the end."""
    barring = [difference for difference in differences if difference.bars]
    for probe, result in new.results.items():
        before = base.results.get(probe)
        known = {} if before is None else {_name(probe, each): each for each in before.measures}
        barred = [each.text for each in barring if each.probe in (None, probe)]
        pairing = _Pairing(base, new, probe)
        for measure in result.measures:
            name = _name(probe, measure)
            then = known.pop(name, None)
            if name in new.items or measure.counted is not None:
                yield _changed(pairing, measure, then, barred)
        for name, measure in known.items():
            if name in base.items or measure.counted is not None:
                yield _incomparable(probe, measure, "the record under audit does not measure it")


def _name(probe: str, measure: Measure) -> str:
    return finding_id(f"{probe}/{measure.metric}", measure.groups, measure.facets)


class _Pairing:
    """The items of one probe in both records."""

    def __init__(self, base: Measured, new: Measured, probe: str) -> None:
        self.base, self.new, self.probe = base, new, probe

    @cached_property
    def rows(self) -> PairedRows | NotComparable:
        """The rows in pairs, or why there are none: said of every quantity, and found once."""
        if self.probe not in self.base.rows or self.probe not in self.new.rows:
            return NotComparable("one of the audits kept no rows")
        try:
            return paired_rows(self.base.rows[self.probe], self.new.rows[self.probe], sampled=self.sampled)
        except NotComparable as error:
            return error

    @property
    def sampled(self) -> bool:
        """Whether the two audits asked samples of different sizes."""
        base, new = self.base.results.get(self.probe), self.new.results.get(self.probe)
        return base is not None and new is not None and base.options.get(_SAMPLE) != new.options.get(_SAMPLE)

    def change(self, before: Measure, after: Measure) -> Estimate:
        """The change of one quantity; NotComparable where its items do not allow any."""
        name, unit = _name(self.probe, after), after.estimate.unit
        if after.counted is None:
            if name not in self.base.items:
                raise NotComparable("the baseline kept no items of it")
            _refuse_others(after, self.new.items[name], "")
            _refuse_others(before, self.base.items[name], " in the baseline")
            items = self.base.items[name], self.new.items[name]
            return change_of_items(*items, design=after.estimate.design, unit=unit, sampled=self.sampled)
        if before.counted is None:
            raise NotComparable("the baseline does not say what it counts")
        if isinstance(self.rows, NotComparable):
            raise self.rows
        return change_of_counted(self.rows, before.counted, after.counted, unit=unit)


def _refuse_others(measure: Measure, items: Items, where: str) -> None:
    """NotComparable where items do not make up the quantity: their differences would be no change of it."""
    made = value_of(items)
    if made is not None and not math.isclose(made, measure.estimate.value or 0.0, rel_tol=_CLOSE, abs_tol=_CLOSE):
        raise NotComparable(f"its items make up {made:.6g}{where}, and not its value {measure.estimate.value:.6g}")


def _changed(pairing: _Pairing, measure: Measure, then: Measure | None, barred: list[str]) -> Change:
    items = pairing.new.items.get(_name(pairing.probe, measure))
    windows = items is not None and items.form == "windows"
    try:
        before = _comparable(pairing, measure, then, barred, windows=windows)
        estimate = _missing(before, measure) or pairing.change(before, measure)
    except NotComparable as error:
        return _incomparable(pairing.probe, measure, str(error), windows=windows)
    return Change(
        probe=pairing.probe,
        metric=measure.metric,
        groups=measure.groups,
        facets=measure.facets,
        mode=measure.mode,
        base=before.estimate.value,
        new=measure.estimate.value,
        estimate=estimate,
        windows=windows,
        crowded=crowded(_others_share(pairing.new, measure), _others_share(pairing.base, before)) if windows else "",
        evidence=measure.evidence,
    )


def _others_share(measured: Measured, measure: Measure) -> float:
    """The mean over the windows of a quantity, by their seconds; 0 where nothing tells it."""
    readings = [measured.windows[key].reading for key in measure.evidence if key in measured.windows]
    seconds = math.fsum(each.seconds for each in readings)
    return math.fsum((each.others_share or 0.0) * each.seconds for each in readings) / seconds if seconds else 0.0


def _comparable(
    pairing: _Pairing, measure: Measure, then: Measure | None, barred: list[str], *, windows: bool
) -> Measure:
    """The quantity in the baseline; NotComparable where the two audits did not measure it alike."""
    if barred:
        raise NotComparable("; ".join(barred))
    result = pairing.base.results.get(pairing.probe)
    if then is None or result is None or result.status != "measured":
        raise NotComparable("the baseline does not measure it")
    failed = [outcome.name for outcome in result.controls if outcome.held is False]
    if failed:
        raise NotComparable(f"a control failed in the baseline: {failed[0]}")
    if windows and (other := _machines(pairing.base, pairing.new)):
        raise NotComparable(other)
    if windows and measure.estimate.unit != "second":
        _refuse_coarse(pairing.new, measure, "")
        _refuse_coarse(pairing.base, then, "the baseline was ")
    for where, each in (("", measure), ("in the baseline, ", then)):
        if each.verdict is Verdict.ERROR:
            raise NotComparable(f"{where}it is an error: {each.why}")
    return then


def _refuse_coarse(measured: Measured, measure: Measure, where: str) -> None:
    """NotComparable where the energy was not read by hardware counters or by a meter at the wall."""
    grades = [measured.windows[key].reading.grade for key in measure.evidence if key in measured.windows]
    if grades and max(grades) > "B" and measure.estimate.value is not None:
        raise NotComparable(f"{where}metered at grade {max(grades)}, and a change of energy is judged at A and B alone")


def _missing(before: Measure, after: Measure) -> Estimate | None:
    """What is said where one of the two has no value."""
    for who, each in (("", after), ("in the baseline: ", before)):
        if each.estimate.value is None:
            return Estimate.missing(f"{who}{each.estimate.why}", n=each.estimate.n, unit=each.estimate.unit)
    return None


def _machines(base: Measured, new: Measured) -> str | None:
    """Why readings of the two cannot be compared; None where they come from one kind of machine."""
    for key in ("system", "architecture", "processor", "cores", "threads"):
        then, now = base.environment["machine"].get(key), new.environment["machine"].get(key)
        if then != now:
            return f"another machine, {key} {now}; the baseline: {then}"
    then, now = (_at(each.environment, ("target", "identity", "device")) for each in (base, new))
    return None if then == now else f"another device, {now}; the baseline: {then}"


def _incomparable(probe: str, measure: Measure, why: str, *, windows: bool = False) -> Change:
    return Change(
        probe=probe,
        metric=measure.metric,
        groups=measure.groups,
        facets=measure.facets,
        mode=measure.mode,
        estimate=Estimate.missing(why, unit=measure.estimate.unit),
        comparable=False,
        windows=windows,
        evidence=measure.evidence,
    )
