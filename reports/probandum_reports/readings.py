"""What a chart shows, in one sentence: whoever stands lowest and highest, breaks a limit, or stands out.

A sentence names findings of its chart and how many they are; their figures stand in the chart and in its table. What
is withheld is never named as lowest or highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from probandum.finding import Verdict
from probandum.units import counted
from probandum_reports import card_names, saying
from probandum_reports.charting import drawn
from probandum_reports.neighbours import neutral_words
from probandum_reports.reliability_diagrams import bins
from probandum_reports.row_names import common, label
from probandum_reports.sayings import Shown
from probandum_reports.spreads import rows
from probandum_reports.swarms import HIGH, LOW, MIDDLE, swarm
from probandum_reports.view import View

#: How many names or metrics a sentence holds.
_NAMES, _METRICS = 3, 3
#: A share of the largest size that rounding leaves of 0: what is no larger has no direction.
NOTHING = 1e-12
#: What the probe says of features that are not to be read alone.
_TOGETHER = "goes together with"
_VERDICTS = (
    (Verdict.FAIL, "beyond the limit"),
    (Verdict.ERROR, "not measured as it should be"),
    (Verdict.INCONCLUSIVE, "undecided"),
    (Verdict.PASS, "within the limit"),
)


def of_intervals(members: Sequence[Shown]) -> str:
    """Which findings are beyond their limits, undecided, or within: of the gravest the names, of others how many."""
    metrics = len({each.finding.metric for each in members})
    clauses: list[str] = []
    for verdict, said in _VERDICTS:
        found = [each for each in members if each.finding.verdict is verdict]
        if not found:
            continue
        inside = sum(map(_within, found)) if verdict is Verdict.INCONCLUSIVE else 0
        beside = f", {inside} of them within a limit too wide for rates this low" if inside else ""
        if clauses and (metrics > 1 or len(found) > _NAMES):
            clauses.append(f"{len(found)} {said}{beside}")
        else:
            names = [
                f"{saying.decapitalised(each.title)} ({_name(each)})" if metrics > 1 else _name(each) for each in found
            ]
            clauses.append(f"{said}: {_few(names)}{beside}")
    return _sentence(clauses)


def _within(shown: Shown) -> bool:
    """Whether an interval lies within a limit as declared, which a pass is not held to."""
    judged, estimate = shown.finding.limit, shown.finding.estimate
    if judged is None or not saying.narrowed(judged) or estimate.low is None or estimate.high is None:
        return False
    low, high = judged.edges()
    return (low is None or estimate.low >= low) and (high is None or estimate.high <= high)


def of_rates(members: Sequence[Shown]) -> str:
    """Who has the lowest and the highest rate of each metric and attribute, and whether their intervals overlap."""
    panels: dict[tuple[str, str], list[Shown]] = {}
    for each in members:
        groups = each.finding.groups
        if drawn(each) and groups is not None:
            panels.setdefault((each.title, groups.attribute), []).append(each)
    several = len({attribute for _, attribute in panels}) > 1
    clauses = []
    for (title, attribute), found in list(panels.items())[:_METRICS]:
        if len(found) < 2:
            continue
        found.sort(key=lambda each: each.finding.estimate.value or 0.0)
        low, high = found[0], found[-1]
        said = saying.decapitalised(title) + (f" by {' and '.join(attribute.split('*'))}" if several else "")
        if low.finding.estimate.value == high.finding.estimate.value:
            clauses.append(f"{said}: the same for all")
            continue
        apart = _below(low.finding.estimate.high, high.finding.estimate.low)
        overlap = "their intervals lie apart" if apart else "their intervals overlap"
        clauses.append(f"{said}: lowest for {_name(low)}, highest for {_name(high)}, {overlap}")
    return _sentence(clauses)


def of_ladder(members: Sequence[Shown], view: View) -> str:
    """Which word moves the score furthest, and how many move it further than every pair of neutral words."""
    found = [each for each in members if drawn(each)]
    if not found:
        return ""
    furthest = max(found, key=_size)
    way = "up" if (furthest.finding.estimate.value or 0.0) > 0 else "down"
    text = f"the score is moved furthest, {way}, by {_name(furthest)}"
    neutral = [each for each in neutral_words(found[0], view) if drawn(each)]
    if neutral:
        most = max(map(_size, neutral))
        beyond = sum(_size(each) > most for each in found)
        text += f"; {beyond} of {len(found)} words move it further than any pair of neutral words does"
    return _sentence([text])


def of_reliability(observed: Sequence[Shown], view: View) -> str:
    """In how many bins of each group the prediction lies outside the interval of what came true."""
    by_group: dict[str, list[bool]] = {}
    for each in bins([shown.finding for shown in observed], view):
        if each.drawn:
            by_group.setdefault(_group(each.observed), []).append(each.misses)
    clauses = [f"{sum(missed)} of the {len(missed)} bins shown of {name}" for name, missed in by_group.items()]
    if not clauses:
        return ""
    return _sentence([f"what was predicted lies outside the interval of what came true in {_joined(clauses)}"])


def of_spread(members: Sequence[Shown], view: View) -> str:
    """In how many scenarios a group lies below its reference, and whether single names differ more than groups do."""
    clauses = []
    for each in members:
        groups, value = each.finding.groups, each.finding.estimate.value
        lines = rows(each.finding, view)
        if groups is None or value is None or not lines:
            continue
        lower = sum(number < 0 for _, number in lines[0].values)
        text = f"{groups.group} against {groups.reference}: lower in {lower} of {lines[0].count} scenarios"
        own = [line for line in lines if line.side]
        if own:
            widest = max(line.values[-1][1] - line.values[0][1] for line in own)
            if widest != abs(value):  # as where nothing differs at all
                more = "more" if widest > abs(value) else "less"
                text += f", and single names of one group differ by {more} than the groups do"
        clauses.append(text)
    return _sentence(clauses)


def of_slices(members: Sequence[Shown], held: Sequence[Shown]) -> str:
    """How many of the slices that one half of the rows showed hold in the other, and which."""
    names = _few(_slice(each, members) for each in held)
    found = f"of {len(members)} slices in which one half of the rows shows a wider difference"
    if not held:
        return _sentence([f"{found}, none holds in the other half: all may have been picked by chance"])
    rest = "" if len(held) == len(members) else "; the others may have been picked by chance"
    return _sentence([f"{found}, {len(held)} {'hold' if len(held) > 1 else 'holds'} in the other: {names}{rest}"])


def of_carriers(told: Sequence[Shown], carried: Sequence[Shown], proxy: float) -> str:
    """Which features tell the attribute alone, and through which most of the difference in scores runs."""
    clauses = []
    if told:
        telling = [each for each in told if (each.finding.estimate.value or 0.0) >= proxy]
        names = _few(each.facets["feature"] for each in telling)
        well = f"with an AUC of {proxy:g} and more"
        by = f"the attribute is told, {well} each alone, by {names}"
        clauses.append(by if telling else f"no feature alone tells the attribute {well}")
    if carried:
        most = max(carried, key=_size).facets["feature"]
        clauses.append(f"most of the difference in scores runs through {most}")
    return _sentence(clauses)


def of_contributions(added: Sequence[Shown], gap: Sequence[Shown]) -> str:
    """Through which feature most of the difference in scores runs, what it is to the attribute, and what pulls back."""
    most = max(added, key=_size)
    kind = (most.finding.estimate.design or "").partition(";")[0].partition(":")[0]
    what = f" ({kind})" if kind.startswith(("carries ", "a proxy")) else ""
    clauses = [f"most of the difference in scores runs through {most.facets['feature']}{what}"]
    whole = gap[0].finding.estimate.value if gap and drawn(gap[0]) else None
    if whole:
        least = NOTHING * _size(most)
        back = sum(_size(each) > least and (each.finding.estimate.value or 0.0) * whole < 0 for each in added)
        clauses.append(f"{back} of {len(added)} features pull the other way")
    others = [
        each.facets["feature"]
        for each in added
        if each is not most and (each.finding.estimate.design or "").startswith("a proxy")
    ]
    if others:
        clauses.append(f"proxies beside it: {_few(others)}")
    return _sentence(clauses)


def of_importances(members: Sequence[Shown], ranks: Sequence[Shown]) -> str:
    """On which feature the answers rest most, how many places are settled, and which features go together."""
    settled = [each.facets["feature"] for each in ranks if each.finding.estimate.value is not None]
    most = members[0].facets["feature"]
    first = (
        f"the answers rest most on {most}" if most in settled else f"{most} is largest, and not settled as the first"
    )
    clauses = [first]
    are = "is" if len(settled) == 1 else "are"
    clauses.append(f"{len(settled)} of {counted(len(ranks), 'place')} {are} settled, where intervals lie apart")
    together = [each.facets["feature"] for each in members if _TOGETHER in (each.finding.estimate.design or "")]
    if together:
        clauses.append(f"read together with others, since they go together: {_few(together)}")
    return _sentence(clauses)


def of_swarms(members: Sequence[Shown], view: View) -> str:
    """Of the leading features whose values have an order, which way high ones speak, and for or against which class.

    Nothing is said of a feature whose middle values add more or less than both the low and the high ones.
    """
    clauses: list[str] = []
    explained = card_names.explained(view.dossier.card, members[0].finding)
    for each in members:
        found = swarm(each.finding, view)
        low, high = (None, None) if found is None else (found.mean_of(LOW), found.mean_of(HIGH))
        if found is None or low is None or high is None or len(clauses) == _NAMES:
            continue
        middle = found.mean_of(MIDDLE)
        turns = middle is not None and not min(low, high) <= middle <= max(low, high)
        if not turns and abs(high - low) > NOTHING * max(map(abs, found.values)):
            way = "for" if high > low else "against"
            on_average = "" if clauses else "on average "
            whom = "it" if clauses else explained
            clauses.append(f"{on_average}high values of {each.facets['feature']} speak {way} {whom}")
    return _sentence(clauses or ["no feature drawn has values with an order"])


def _size(shown: Shown) -> float:
    return abs(shown.finding.estimate.value or 0.0)


def _below(high: float | None, low: float | None) -> bool:
    return high is not None and low is not None and high < low


def _group(shown: Shown) -> str:
    groups = shown.finding.groups
    return shown.title if groups is None else saying.group(groups.group, groups.attribute)


def _slice(shown: Shown, members: Sequence[Shown]) -> str:
    """A slice with the groups that are compared in it, and the difference where several were searched."""
    what = "" if "gap" in common(members) else f"{shown.facets['gap']}, "
    return f"{shown.finding.facets['slice']} ({what}{saying.groups(shown.finding.groups).partition(': ')[2]})"


def _name(shown: Shown) -> str:
    text = label(shown, attribute=False)
    return saying.decapitalised(text) if text == shown.title else text


def _few(names: Iterable[str]) -> str:
    """The first names, and how many more there are.

    >>> _few(["a", "b"]), _few("abcde")
    ('a, b', 'a, b, c and 2 more')
    """
    known = list(dict.fromkeys(names))
    rest = len(known) - _NAMES
    return ", ".join(known) if rest <= 0 else f"{', '.join(known[:_NAMES])} and {rest} more"


def _joined(clauses: Sequence[str]) -> str:
    """Clauses as a list in a sentence.

    >>> _joined(["a", "b", "c"]), _joined(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join([", ".join(clauses[:-1]), clauses[-1]]) if len(clauses) > 1 else clauses[0]


def _sentence(clauses: Sequence[str]) -> str:
    """Clauses as one sentence; '' of none."""
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
