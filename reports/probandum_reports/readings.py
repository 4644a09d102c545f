"""What a chart shows, in one sentence: whoever stands lowest and highest, breaks a limit, or stands out.

A sentence names findings of its chart and how many they are; their figures stand in the chart and in its table. What
is withheld is never named as lowest or highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from probandum.finding import Verdict
from probandum_reports import judgement_words, saying
from probandum_reports.charting import drawn
from probandum_reports.messages import Spoken, said
from probandum_reports.neighbours import neutral_words
from probandum_reports.reliability_diagrams import bins
from probandum_reports.row_names import label
from probandum_reports.sayings import Shown
from probandum_reports.spreads import rows
from probandum_reports.view import View

#: How many names or metrics a sentence holds.
NAMES, _METRICS = 3, 3
#: What is said of findings by their verdict, the gravest first.
_VERDICTS: Mapping[Verdict, str] = Spoken(
    {
        Verdict.FAIL: "beyond the limit",
        Verdict.ERROR: "not measured as it should be",
        Verdict.INCONCLUSIVE: "undecided",
        Verdict.PASS: "within the limit",
    }
)


def of_intervals(members: Sequence[Shown]) -> str:
    """Which findings are beyond their limits, undecided, or within: of the gravest the names, of others how many."""
    metrics = len({each.finding.metric for each in members})
    clauses: list[str] = []
    for verdict, how in _VERDICTS.items():
        found = [each for each in members if each.finding.verdict is verdict]
        if not found:
            continue
        inside = sum(map(_within, found)) if verdict is Verdict.INCONCLUSIVE else 0
        beside = said(", {n} of them within a limit too wide for rates this low", n=inside) if inside else ""
        if clauses and (metrics > 1 or len(found) > NAMES):
            clauses.append(f"{len(found)} {how}{beside}")
        else:
            names = map(_titled if metrics > 1 else _name, found)
            clauses.append(f"{how}: {few(names)}{beside}")
    return sentence(clauses)


def _within(shown: Shown) -> bool:
    """Whether an interval lies within a limit as declared, which a pass is not held to."""
    judged, estimate = shown.finding.limit, shown.finding.estimate
    if judged is None or not judgement_words.narrowed(judged) or estimate.low is None or estimate.high is None:
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
        what = saying.decapitalised(title)
        if several:
            what = said("{quantity} by {attribute}", quantity=what, attribute=saying.crossed(attribute))
        if low.finding.estimate.value == high.finding.estimate.value:
            clauses.append(said("{what}: the same for all", what=what))
            continue
        apart = _below(low.finding.estimate.high, high.finding.estimate.low)
        overlap = said("their intervals lie apart") if apart else said("their intervals overlap")
        clauses.append(
            said(
                "{what}: lowest for {lowest}, highest for {highest}, {overlap}",
                what=what,
                lowest=_name(low),
                highest=_name(high),
                overlap=overlap,
            )
        )
    return sentence(clauses)


def of_ladder(members: Sequence[Shown], view: View) -> str:
    """Which word moves the score furthest, and how many move it further than every pair of neutral words."""
    found = [each for each in members if drawn(each)]
    if not found:
        return ""
    furthest = max(found, key=size)
    if (furthest.finding.estimate.value or 0.0) > 0:
        clauses = [said("the score is moved furthest, up, by {name}", name=_name(furthest))]
    else:
        clauses = [said("the score is moved furthest, down, by {name}", name=_name(furthest))]
    neutral = [each for each in neutral_words(found[0], view) if drawn(each)]
    if neutral:
        most = max(map(size, neutral))
        beyond = sum(size(each) > most for each in found)
        clauses.append(
            said(
                "{some} of {all} words move it further than any pair of neutral words does",
                some=beyond,
                all=len(found),
            )
        )
    return sentence(clauses)


def of_reliability(observed: Sequence[Shown], view: View) -> str:
    """In how many bins of each group the prediction lies outside the interval of what came true."""
    by_group: dict[str, list[bool]] = {}
    for each in bins([shown.finding for shown in observed], view):
        if each.drawn:
            by_group.setdefault(_group(each.observed), []).append(each.misses)
    where = [
        said("{some} of the {all} bins shown of {name}", some=sum(missed), all=len(missed), name=name)
        for name, missed in by_group.items()
    ]
    if not where:
        return ""
    places = saying.listed(where)
    return sentence([said("what was predicted lies outside the interval of what came true in {places}", places=places)])


def of_spread(members: Sequence[Shown], view: View) -> str:
    """In how many scenarios a group lies below its reference, and whether single names differ more than groups do."""
    clauses = []
    for each in members:
        groups, value = each.finding.groups, each.finding.estimate.value
        lines = rows(each.finding, view)
        if groups is None or value is None or not lines:
            continue
        lower = sum(number < 0 for _, number in lines[0].values)
        text = said(
            "{group} against {reference}: lower in {some} of {all} scenarios",
            group=groups.group,
            reference=groups.reference,
            some=lower,
            all=lines[0].count,
        )
        own = [line for line in lines if line.side]
        if own:
            widest = max(line.values[-1][1] - line.values[0][1] for line in own)
            if widest != abs(value):  # as where nothing differs at all
                if widest > abs(value):
                    text += said(", and single names of one group differ by more than the groups do")
                else:
                    text += said(", and single names of one group differ by less than the groups do")
        clauses.append(text)
    return sentence(clauses)


def size(shown: Shown) -> float:
    """How large a figure is, whichever way it points."""
    return abs(shown.finding.estimate.value or 0.0)


def _below(high: float | None, low: float | None) -> bool:
    return high is not None and low is not None and high < low


def _group(shown: Shown) -> str:
    groups = shown.finding.groups
    return shown.title if groups is None else saying.group(groups.group, groups.attribute)


def _name(shown: Shown) -> str:
    text = label(shown, attribute=False)
    return saying.decapitalised(text) if text == shown.title else text


def _titled(shown: Shown) -> str:
    """A finding by its quantity and by its own name, where that is another."""
    title, name = saying.decapitalised(shown.title), _name(shown)
    return title if name == title else f"{title} ({name})"


def few(names: Iterable[str]) -> str:
    """The first names, and how many more there are.

    >>> few(["a", "b"]), few("abcde")
    ('a, b', 'a, b, c and 2 more')
    """
    known = list(dict.fromkeys(names))
    rest = len(known) - NAMES
    return ", ".join(known) if rest <= 0 else said("{names} and {n} more", names=", ".join(known[:NAMES]), n=rest)


def sentence(clauses: Sequence[str]) -> str:
    """Clauses as one sentence; '' of none."""
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
