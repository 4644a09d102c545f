"""Estimates over the answers of a swap: differences of groups, spreads, and what wordings, orders and noise do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate, Groups
from probandum.probe import Ask
from probandum.steadiness import Halves
from probandum.subject import Bools
from probandum.units import so_many
from probandum_probes.bias.components import REST, solved, tabled
from probandum_probes.bias.contrasts import contrast, crossed_mean, kept_cells
from probandum_probes.bias.swap_answers import Answers
from probandum_probes.bias.swap_design import FEWEST, key
from probandum_probes.estimates import from_clusters, from_moments

#: Decimal places of the items' values.
_PLACES = 12


class Compared(NamedTuple):
    """A difference of two groups with how many cases and persons of either stand behind it, and prompts."""

    interval: stats.Interval | None
    cases: int
    group: int
    reference: int
    n: int


class Pairs(NamedTuple):
    """Differences between the two persons of one slot, shape (case, slot), and where there is one."""

    gaps: Floats
    valid: Bools
    asked: Bools
    prompts: Any


def pairs_of(answers: Answers, values: Floats, pair: Groups, chosen: Any = slice(None)) -> Pairs:
    """``values`` of the group less those of the reference, by slot, over the chosen ways; both must be valid."""
    slots = answers.attribute.slots
    a = answers.attribute.columns(pair.group)[:slots]
    b = answers.attribute.columns(str(pair.reference))[:slots]
    both = (answers.valid[:, a] & answers.valid[:, b])[:, :, chosen]
    asked = answers.asked[:, a][:, :, chosen]
    counts = both.sum(axis=2)
    sums = np.where(both, (values[:, a] - values[:, b])[:, :, chosen], 0.0).sum(axis=2)
    gaps = np.divide(sums, counts, out=np.zeros(sums.shape), where=counts > 0)
    gaps = stats.without_rounding(gaps, stats.ROUNDING * answers.scale(values))
    return Pairs(gaps=gaps, valid=counts > 0, asked=np.asarray(asked.any(axis=2)), prompts=2 * counts)


def compared(
    answers: Answers,
    values: Floats,
    pair: Groups,
    *,
    cases: Any = None,
    ways: Any = slice(None),
    level: float = 0.95,
) -> Compared:
    """The difference of the pair over some cases, all by default, and the chosen ways.

    Persons who belong together are compared with each other; others by group, with names as samples of their groups.
    """
    chosen = np.arange(len(answers.cases)) if cases is None else np.asarray(cases)
    if answers.attribute.paired:
        found = pairs_of(answers, values, pair, ways)
        rows, columns = kept_cells(found.valid[chosen], found.asked[chosen])
        rows = chosen[rows]
        used = np.ix_(rows, columns)
        n = int(found.prompts[used].sum())
        few = len(rows) < 2 or (len(columns) < 2 <= answers.attribute.slots)
        interval = None if few else crossed_mean(found.gaps[used], found.valid[used], level=level)
        return Compared(interval, len(rows), len(columns), len(columns), n)
    a, b = answers.attribute.columns(pair.group), answers.attribute.columns(str(pair.reference))
    rows, a, b = stats.kept(answers.sound[chosen], a, b)
    rows = chosen[rows]
    n = int(answers.valid[rows][:, np.concatenate([a, b])][:, :, ways].sum())
    if min(len(rows), len(a), len(b)) < 2:
        return Compared(None, len(rows), len(a), len(b), n)
    means, scale = answers.over_ways(values, ways)[rows], answers.scale(values)
    interval = contrast(means, answers.sound[rows], a, b, level=level, scale=scale)
    return Compared(interval, len(rows), len(a), len(b), n)


def design_of(answers: Answers) -> str:
    """What is sampled, as ``probandum.sampling`` reads it."""
    caution = f"; {answers.attribute.caution}" if answers.attribute.caution else ""
    if answers.attribute.slots == 1:
        return f"cluster=template{caution}"
    return f"two_way=template x {'description' if answers.attribute.persons[0].described else 'name'}{caution}"


def estimated(found: Compared, answers: Answers, unit: str) -> Estimate:
    """A difference as an estimate; missing where there was too little of it."""
    if found.interval is None:
        return Estimate.missing("fewer than two scenarios or names were answered", n=found.n, unit=unit)
    return from_clusters(found.interval, n=found.n, unit=unit, design=design_of(answers))


def halves_of(answers: Answers, values: Floats, pair: Groups, ask: Ask, unit: str) -> tuple[Halves, ...]:
    """The difference by either half of the wordings, drawn with the plan's seed; nothing where there is one wording."""
    wordings = sorted({way.question for way in answers.ways})
    if len(wordings) < 2:
        return ()
    first = set(ask.rng("wordings").permutation(wordings)[: len(wordings) // 2].tolist())
    of = np.array([way.question in first for way in answers.ways])
    one, two = (compared(answers, values, pair, ways=np.flatnonzero(half)) for half in (of, ~of))
    return (Halves(estimated(one, answers, unit), estimated(two, answers, unit)),)


def items_of(answers: Answers, values: Floats, pair: Groups, unit: str) -> Items | None:
    """One value a case and person, or a case and pair of persons, where it was answered validly."""
    if answers.attribute.paired:
        return _paired_items(answers, values, pair, unit)
    sound = answers.sound
    means = np.round(answers.over_ways(values), _PLACES)  # whoever compares items finds no rounding in them
    persons = answers.attribute.persons
    places = [
        (key(case, persons[column]), group, float(means[row, column]), case.id, persons[column].label, side)
        for group, side in ((pair.group, 1), (str(pair.reference), -1))
        for column in answers.attribute.columns(group)
        for row, case in enumerate(answers.cases)
        if sound[row, column]
    ]
    if not places:
        return None
    keys, strata, numbers, clusters, crossed, sides = zip(*places, strict=True)
    return Items(
        keys=keys,
        strata=strata,
        values=numbers,
        unit=unit,
        form="two-way",
        clusters=clusters,
        crossed=crossed,
        sides=sides,
    )


def _paired_items(answers: Answers, values: Floats, pair: Groups, unit: str) -> Items | None:
    found, attribute = pairs_of(answers, values, pair), answers.attribute
    rows, columns = kept_cells(found.valid, found.asked)
    groups = attribute.groups[pair.group], attribute.groups[str(pair.reference)]
    cells = [(int(row), int(column)) for row in rows for column in columns if found.valid[row, column]]
    if not cells:
        return None
    return Items(
        keys=tuple(f"{key(answers.cases[r], groups[0][c])} ~ {groups[1][c].label}" for r, c in cells),
        strata=(str(pair),) * len(cells),
        values=tuple(float(found.gaps[cell]) for cell in cells),
        unit=unit,
        clusters=tuple(answers.cases[row].id for row, _ in cells),
        contents=tuple(_ways_in(answers, row, int(attribute.columns(pair.group)[column])) for row, column in cells),
    )


def _ways_in(answers: Answers, case: int, person: int) -> str:
    """In which ways one case was asked about one person."""
    asked = np.flatnonzero(answers.asked[case, person])
    return "all ways" if len(asked) == len(answers.ways) else "; ".join(str(answers.ways[way]) for way in asked)


def spread(values: Floats, noise: float, unit: str = "logit", *, scale: float = 1.0) -> Estimate:
    """The standard deviation of n values, less the variance ``noise`` that repeated answers put into it.

    The standard error is that of a normal sample before anything is subtracted, sd / sqrt(2 (n - 1)). The values were
    made of numbers up to ``scale``, and what is smaller than 1e-9 of that is rounding.
    """
    n = len(values)
    if n < FEWEST // 2:
        return Estimate.missing(f"{so_many(n, 'values')}; a spread needs {FEWEST // 2}", n=n, unit=unit)
    variance = stats.variance_of(values, stats.ROUNDING * scale)
    net = math.sqrt(max(0.0, variance - noise))
    moments = (net, math.sqrt(variance / (2 * (n - 1))), float(n - 1))
    return from_clusters(stats.bounds("t", level=0.95, moments=moments), n=n, unit=unit, design="normal values")


def scenario_spread(answers: Answers, pair: Groups, noise: float) -> Estimate:
    """Over cases: the standard deviation of the difference of the pair within one case."""
    if answers.attribute.paired:
        found = pairs_of(answers, answers.log_odds, pair)
        rows, columns = kept_cells(found.valid, found.asked)
        gaps, valid = found.gaps[np.ix_(rows, columns)], found.valid[np.ix_(rows, columns)]
        if not len(rows) or not len(columns):
            return spread(np.zeros(0), 0.0)
        prompts = found.prompts[np.ix_(rows, columns)].sum(axis=1)
        return spread((gaps * valid).sum(axis=1) / valid.sum(axis=1), noise * float((4 / prompts).mean()))
    a, b = answers.attribute.columns(pair.group), answers.attribute.columns(str(pair.reference))
    rows, a, b = stats.kept(answers.sound, a, b)
    if min(len(rows), len(a), len(b)) == 0:
        return spread(np.zeros(0), 0.0)
    logits = answers.over_ways(answers.log_odds)
    gaps = logits[np.ix_(rows, a)].mean(axis=1) - logits[np.ix_(rows, b)].mean(axis=1)
    return spread(gaps, noise * (1 / len(a) + 1 / len(b)) / len(answers.ways))


def name_spread(answers: Answers, group: str, noise: float) -> Estimate:
    """Over the persons of one group: the standard deviation of their means over all cases.

    Where each met other cases and ways, every value is taken less the mean of all groups in the same cell, and the
    variance times G / (G - 1), as if all G groups varied alike.
    """
    own = answers.attribute.columns(group)
    if not answers.attribute.paired:
        rows, columns, _ = stats.kept(answers.sound, own, own)
        logits = answers.over_ways(answers.log_odds)
        means = logits[np.ix_(rows, columns)].mean(axis=0) if len(rows) else np.zeros(0)
        return spread(means, noise / max(1, len(rows) * len(answers.ways)))
    left, counts = left_of_persons(answers, group)
    groups = len(answers.attribute.groups)
    means = left[counts > 0] * math.sqrt(groups / (groups - 1))
    return spread(means, noise * float((1 / counts[counts > 0]).mean()) if len(means) else 0.0)


def left_of_persons(answers: Answers, group: str) -> tuple[Floats, Floats]:
    """Of each slot of a group: the mean log-odds less the mean of all groups in the same cells, and how many cells."""
    slots, groups = answers.attribute.slots, list(answers.attribute.groups)
    of_all = np.stack([answers.log_odds[:, answers.attribute.columns(each)[:slots]] for each in groups])
    sound = np.stack([answers.valid[:, answers.attribute.columns(each)[:slots]] for each in groups]).all(axis=0)
    counts = sound.sum(axis=(0, 2)).astype(np.float64)
    left = np.where(sound, of_all[groups.index(group)] - of_all.mean(axis=0), 0.0).sum(axis=(0, 2))
    return np.divide(left, counts, out=np.zeros(slots), where=counts > 0), counts


def variance_shares(answers: Answers, noise: float) -> dict[str, Estimate]:
    """Share of the variance of the log-odds that lies in each thing that was varied; that of cases is the ICC.

    By Henderson's method 1, negative components taken as 0; ``repeat`` is the noise floor, which the rest is less.
    The interval is Student's over the jackknife, which leaves out one scenario after the other, within 0 and 1.
    """
    rows, persons, ways = np.nonzero(answers.valid)
    used, clusters = np.unique(rows, return_inverse=True)
    factors = _varied(answers, persons, ways)
    names = ("scenario", *factors, "repeat", REST)
    few = f"{so_many(len(used), 'scenarios')}; variance components need {FEWEST // 2}"
    missing = {name: Estimate.missing(few, n=len(rows), unit="share") for name in names}
    if len(used) < FEWEST // 2:
        return missing
    tables = tabled(answers.log_odds[rows, persons, ways], clusters, factors)
    once = _shares(solved(tables, np.ones(len(used)), name="scenario"), noise)
    if not once:
        told = "nothing varies, or what was varied cannot be told apart"
        return {name: Estimate.missing(told, n=len(rows), unit="share") for name in names}
    without = [
        _shares(solved(tables, 1.0 - np.eye(len(used))[each], name="scenario"), noise) for each in range(len(used))
    ]
    if not all(without):
        return missing
    return {
        name: _jackknifed(once[name], np.array([each.get(name, 0.0) for each in without]), len(rows)) for name in names
    }


def _jackknifed(value: float, without: Floats, n: int) -> Estimate:
    """Student's interval by the jackknife within 0 and 1: the value, and what it would be without each scenario.

    Where leaving out a scenario never moves a share of 0 or 1, the number of scenarios bounds it.
    """
    count = len(without)
    value = min(value, 1.0)
    error = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    certain = error == 0 and value in (0.0, 1.0)
    method, moments = ("cr2-logit", (value, 0.0, count)) if certain else ("share-t", (value, error, count - 1.0))
    return from_moments(method, moments, n=n, n_effective=float(count), unit="share", design="cluster=template")


def _varied(answers: Answers, persons: Any, ways: Any) -> dict[str, Any]:
    """Codes of what was varied beside the case, without what took one value only."""

    def codes(of: Any) -> Any:
        return np.unique(of, return_inverse=True)[1]

    def by_way(part: str) -> Any:
        said = [str(getattr(way, part)) for way in answers.ways]
        return codes(np.array(said)[ways])

    found: Mapping[str, Any] = {
        "name": codes(persons),
        "paraphrase": by_way("question"),
        "order": by_way("order"),
        "label": by_way("answering"),
    }
    return {name: values for name, values in found.items() if len(values) and values.max() > 0}


def _shares(variances: Mapping[str, float], noise: float) -> dict[str, float]:
    parts = {name: max(0.0, value) for name, value in variances.items()}
    if not parts:
        return {}
    parts |= {"repeat": noise, REST: max(0.0, parts[REST] - noise)}
    total = math.fsum(parts.values())
    return {name: value / total for name, value in parts.items()} if total > 0 else {}
