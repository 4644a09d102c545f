"""Findings as nodes: short tables in place, charts with their table as twin, and the full table of an annex.

In place a finding takes one row, why a verdict is as it is stands there only where something is left to do, of
what is only reported there is no more than fits a page, and of what was judged the gravest. The annex has every
finding, with the reason of each verdict. Whose limits they are is said once, in a table of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from probandum.document import Cell, Fact, Figure, Gap, Node, Number, Table, Text
from probandum.finding import Finding, Verdict
from probandum_reports import card_names, readings, saying
from probandum_reports.messages import said
from probandum_reports.neighbours import tolerated
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: The provision that asks for limits defined before the test.
LIMITS_BEFOREHAND = "ai-act:art-9:8"

#: How much a chart holds so that it fits a page: one a finding, and two for the head and the scale of a panel.
_LARGEST, _PANEL = 28, 2
#: How many findings with a verdict stand in one place: four pages of charts.
MOST = 104
#: Verdicts from the gravest on.
_GRAVITY = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


def in_place(view: View, findings: Sequence[Finding], *, caption: str, chart: str | None = None) -> Iterable[Node]:
    """Charts, each with its table, of what can be drawn where ``chart`` names them; a table of the rest."""
    shown = [view.shown(finding.id) for finding in findings]
    held, reported = [each for each in shown if _held(each)], [each for each in shown if not _held(each)]
    if len(held) > MOST:
        gravest = {each.finding.id for each in sorted(held, key=gravity)[:MOST]}
        shown = [each for each in shown if not _held(each) or each.finding.id in gravest]
        first = said(
            "{some} of {all:,} findings with a verdict are shown here: the gravest verdicts first, and of one verdict "
            "those furthest beyond their limits, or least within them.",
            some=MOST,
            all=len(held),
        )
        whole = said("The annex holds all.") if view.document.every_finding else said("The record holds all.")
        yield Text(text=f"{first} {whole}", style="note")
    if len(reported) > _LARGEST - _PANEL:
        shown = [each for each in shown if _held(each)]
    drawn: set[str] = set()
    if chart is not None:
        for figure in _figures(shown, chart, view):
            drawn.update(figure.findings)
            yield figure
    rest = [each for each in shown if each.finding.id not in drawn]
    if rest:
        yield tabled(said("{caption}: further figures", caption=caption) if drawn else caption, rest)
    if len(reported) > _LARGEST - _PANEL:
        # Where all findings stand: in the annex of a document that holds them all, else in the record.
        where = said("in the annex") if view.document.every_finding else said("in the record")
        which = said("Further figures") if shown else said("The figures asked for here")
        yield Text(
            text=said(
                "{which}, on which the plan sets no limit, stand {where}: they are too many for here.",
                which=which,
                where=where,
            )
        )


def in_full(view: View, findings: Sequence[Finding], *, caption: str) -> Iterable[Node]:
    """Findings with a verdict and its reason, those that are only reported, and how the intervals are made."""
    shown = [view.shown(finding.id) for finding in findings]
    held, reported = [each for each in shown if _held(each)], [each for each in shown if not _held(each)]
    if held:
        title = said("{caption}, reported and not judged", caption=caption)
    else:
        title = said("{caption}, not judged", caption=caption)
    for each, members in (
        (caption, held),
        (title, [each for each in reported if not _open(each)]),
        (said("{caption}, without a value", caption=title), [each for each in reported if _open(each)]),
    ):
        if members:
            yield replace(tabled(each, members, full=members is held), style="dense")
    if any(_along_codes(each, view) for each in shown):
        yield Text(
            text=(
                "Where the card gives the meanings of a column's codes, the numbers of these have no order: an "
                "accumulated local effect of it goes from code to code by number, so that only its values at the codes "
                "can be compared, and what it is from end to end says nothing."
            ),
            style="note",
        )
    yield from _methods(shown, caption)


def _along_codes(shown: Shown, view: View) -> bool:
    """Whether a figure goes along the codes of a column as if they were amounts."""
    metric = shown.finding.metric.rpartition("/")[2]
    return metric.startswith("accumulated-") and card_names.coded(view.dossier.card, shown.finding.facets["feature"])


def limits(view: View, findings: Sequence[Finding], gap: Callable[[str, str, str], Gap]) -> Iterable[Node]:
    """Whose each limit is, once a metric and limit; ``gap(what, requirement, supplier)`` stands where none says."""
    rows: dict[tuple[str, str, str], tuple[tuple[Cell, ...], ...]] = {}
    for finding in findings:
        shown, judged = view.shown(finding.id), finding.limit
        if judged is None:
            continue
        key = (shown.title, shown.threshold, shown.limit_source)
        if key in rows:
            continue
        threshold = declared(shown, "threshold")
        whose = Fact(path=f"finding:{finding.id}.limit_source", value=shown.limit_source)
        rows[key] = ((shown.title, threshold, whose),)
        absent = {said("who set it"): judged.set_by, said("when"): judged.set_on, said("why"): judged.reason}
        lacking = [name for name, value in absent.items() if value is None]
        if lacking:
            quantity = saying.decapitalised(shown.title)
            what = said("of the limit on {quantity}: {lacking}", quantity=quantity, lacking=", ".join(lacking))
            hole = gap(what, LIMITS_BEFOREHAND, said("the owner of the limit, in the plan"))
            rows[key] += ((shown.title, threshold, hole),)
    if rows:
        header = ("Limit on", "Limit", "Whose it is, since when, and why")
        yield Table(caption="Limits", header=header, rows=tuple(row for some in rows.values() for row in some))


def repeated() -> str:
    """What the description of a chart ends in."""
    return said("The table below repeats every value.")


def as_table(caption: str) -> str:
    """The caption of the table that repeats a chart."""
    return said("{caption}, as a table", caption=caption)


def one_of(caption: str, number: int, count: int) -> str:
    """The caption of one of several charts of the same."""
    return said("{caption} ({number} of {count})", caption=caption, number=number, count=count)


def name(shown: Shown) -> str:
    """What a finding is about, in a few words."""
    return ", ".join(part for part in (shown.title, shown.about) if part)


def tabled(caption: str, members: Sequence[Shown], *, full: bool = False, beside: View | None = None) -> Table:
    """A row a finding; with ``beside`` also the limit by which a rate of one group is compared with its reference."""
    limited = any(each.limit for each in members)
    reasoned = full or any(_open(each) for each in members)
    near = {each.finding.id: found for each in members if beside and (found := tolerated(each, beside)) is not None}
    header = ["Quantity", "Result", *(["Limit"] if limited else []), *(["Why"] if reasoned else [])]
    header += ["Limit against the reference"] if near else []
    rows: list[tuple[Cell, ...]] = []
    for each in members:
        cells: list[Cell] = [name(each), Number(finding=each.finding.id)]
        if limited:
            none = said("none") if each.finding.verdict is Verdict.NOT_APPLICABLE else said("not applied")
            cells.append(declared(each, "limit") if each.limit else none)
        if reasoned:
            cells.append(Fact(path=f"finding:{each.finding.id}.reason", value=each.reason, origin="measured"))
        if near:
            compared = near.get(each.finding.id)
            cells.append(said("none") if compared is None else declared(compared.by, "threshold"))
        rows.append(tuple(cells))
    return Table(caption=caption, header=tuple(header), rows=tuple(rows))


def _held(shown: Shown) -> bool:
    """Whether a finding was held against a limit, or says something else than that it was only reported."""
    return bool(shown.limit) or shown.finding.verdict is not Verdict.NOT_APPLICABLE


def gravity(shown: Shown) -> tuple[int, float]:
    """Sorts the gravest verdict first, then by how far the value lies beyond its limit, as a share of the limit."""
    judged, value = shown.finding.limit, shown.finding.estimate.value
    beyond = 0.0
    if judged is not None and value is not None and not shown.suppressed:
        low, high = judged.edges()
        sides = [low - value] if low is not None else []
        sides += [value - high] if high is not None else []
        beyond = max(sides) / (abs(judged.threshold) or 1.0)
    return _GRAVITY.index(shown.finding.verdict), -beyond


def _open(shown: Shown) -> bool:
    """Whether a reader must know why: nothing was decided, or there is no value."""
    return shown.finding.verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR) or shown.finding.estimate.value is None


def declared(shown: Shown, what: str) -> Fact:
    """A finding's limit as the declaration that it is."""
    judged = shown.finding.limit
    assert judged is not None
    value = str(getattr(shown, what))
    return Fact(path=f"finding:{shown.finding.id}.{what}", value=value, by=judged.set_by, on=judged.set_on)


def _methods(shown: Sequence[Shown], caption: str) -> Iterable[Node]:
    """How the intervals are made, once a method, with the quantities that it holds for."""
    by_method: dict[str, list[Shown]] = {}
    for each in shown:
        if each.method:
            by_method.setdefault(each.method, []).append(each)
    if by_method:
        labels = Counter(_quantities(members) for members in by_method.values())
        rows = tuple(_method(*each, alone=labels[_quantities(each[1])] == 1) for each in by_method.items())
        header = ("Quantities", "How value and interval are made")
        yield Table(caption=said("{caption}: methods", caption=caption), header=header, rows=rows, style="dense")


def _method(method: str, members: Sequence[Shown], *, alone: bool) -> tuple[str, Fact]:
    """A row of the methods; one that is not ``alone`` with its quantities names what the findings are about, too."""
    label = _quantities(members)
    about = "" if alone else readings.few(each.about for each in members if each.about)
    label = ", ".join(filter(None, (label, about)))
    return label, Fact(path=f"finding:{members[0].finding.id}.method", value=method, origin="measured")


def _quantities(members: Sequence[Shown]) -> str:
    """What the findings measure, with what all of them have in common."""
    titles = list(dict.fromkeys(each.title for each in members))
    common = set.intersection(*(set(each.facets.values()) for each in members))
    named = [titles[0], *map(saying.decapitalised, titles[1:])]
    return ", ".join(named) + (f" ({', '.join(sorted(common))})" if common else "")


def _figures(shown: Sequence[Shown], caption: str, view: View) -> Iterable[Figure]:
    """Judged findings as intervals, a chart a unit; shares of single groups as rates."""
    judged = [each for each in shown if each.limit and each.finding.estimate.value is not None and not each.suppressed]
    units = list(dict.fromkeys(each.finding.estimate.unit for each in judged))
    for unit in units:
        title = caption if len(units) == 1 else f"{caption}: {saying.quantities(unit)}"
        members = [each for each in judged if each.finding.estimate.unit == unit]
        alt = "Intervals against limits, one line a finding: {names}."
        yield from _charts("intervals", title, alt, members, view)
    rates = [each for each in shown if each.limit == "" and _rate(each)]
    compared = [each for each in rates if sum(_beside(each, other) for other in rates) > 1]
    title = said("{caption}: rates by group", caption=caption) if judged else caption
    yield from _charts("rates", title, "Rates by group, one line a finding: {names}.", compared, view)


def _rate(shown: Shown) -> bool:
    """Whether a finding is the share of one group, shown or withheld."""
    finding = shown.finding
    single = finding.groups is not None and finding.groups.reference is None
    return single and finding.estimate.unit == "share" and (finding.estimate.value is not None or shown.suppressed)


def _beside(one: Shown, other: Shown) -> bool:
    """Whether two rates stand in one panel, of the same attribute."""
    assert one.finding.groups is not None and other.finding.groups is not None
    same = one.finding.groups.attribute == other.finding.groups.attribute
    return one.finding.metric == other.finding.metric and same


def _charts(kind: str, caption: str, alt: str, members: Sequence[Shown], view: View) -> Iterable[Figure]:
    """The findings by metric on as many charts as fit a page each; ``alt`` is what is said of each, with its names."""
    parts = list(_parts(sorted(members, key=_by_metric(members))))
    for number, part in enumerate(parts, 1):
        title = caption if len(parts) == 1 else one_of(caption, number, len(parts))
        yield Figure(
            kind=kind,
            caption=title,
            alt=f"{said(alt, names='; '.join(name(each) for each in part))} {repeated()}",
            reading=readings.of_rates(part) if kind == "rates" else readings.of_intervals(part),
            findings=tuple(each.finding.id for each in part),
            twin=tabled(as_table(title), part, beside=view if kind == "rates" else None),
        )


def _by_metric(members: Sequence[Shown]) -> Callable[[Shown], int]:
    place = {metric: number for number, metric in enumerate(dict.fromkeys(each.finding.metric for each in members))}
    return lambda shown: place[shown.finding.metric]


def _parts(members: Iterable[Shown]) -> Iterable[list[Shown]]:
    part: list[Shown] = []
    size = 0
    for each in members:
        cost = 1 + (_PANEL if not part or part[-1].finding.metric != each.finding.metric else 0)
        if part and size + cost > _LARGEST:
            yield part
            part, size, cost = [], 0, 1 + _PANEL
        part.append(each)
        size += cost
    if part:
        yield part
