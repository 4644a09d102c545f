"""Findings as nodes: a table of results with limits and reasons, whose limits they are, and charts of intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from probandum.document import Cell, Fact, Figure, Gap, Inline, Listing, Node, Number, Table
from probandum.finding import Finding, Verdict
from probandum_reports import saying
from probandum_reports.view import Shown, View

#: The provision that asks for limits defined before the test.
LIMITS_BEFOREHAND = "ai-act:art-9:8"


def findings_nodes(
    view: View,
    findings: Sequence[Finding],
    *,
    gap: Callable[[str, str, str], Gap],
    caption: str,
    chart: str | None = None,
) -> Iterable[Node]:
    """The findings as a table, the limits' provenance below it, and a chart a unit where ``chart`` names one.

    ``gap(what, requirement, supplier)`` makes the gap that stands where a limit does not say whose it is or why.
    """
    shown = [view.shown(finding.id) for finding in findings]
    if chart is not None:
        yield from _figures(shown, chart)
    limited = any(each.limit for each in shown)
    header = ("Quantity", "Result", "Limit", "Why") if limited else ("Quantity", "Result", "Why")
    yield Table(caption=caption, header=header, rows=tuple(_row(each, limited=limited) for each in shown))
    if limited:
        yield Listing(entries=tuple(_sources(shown, gap)))


def methods_nodes(view: View, findings: Sequence[Finding]) -> Iterable[Node]:
    """How the intervals are made, once a metric and method."""
    said: dict[tuple[str, str], Fact] = {}
    for finding in findings:
        shown = view.shown(finding.id)
        if shown.method:
            path = f"finding:{finding.id}.method"
            fact = Fact(path=path, value=shown.method, label=f"{shown.title}, method", origin="measured")
            said.setdefault((shown.title, shown.method), fact)
    if said:
        yield Listing(entries=tuple((fact,) for fact in said.values()))


def name(shown: Shown) -> str:
    """What a finding is about, in a few words."""
    return ", ".join(part for part in (shown.title, shown.about) if part)


def _row(shown: Shown, *, limited: bool) -> tuple[Cell, ...]:
    cells: list[Cell] = [name(shown), Number(finding=shown.finding.id)]
    if limited:
        none = "none" if shown.finding.verdict is Verdict.NOT_APPLICABLE else "not applied"
        cells.append(limit_fact(shown) if shown.limit else none)
    cells.append(Fact(path=f"finding:{shown.finding.id}.reason", value=shown.reason, origin="measured"))
    return tuple(cells)


def limit_fact(shown: Shown) -> Fact:
    """A finding's limit as the declaration that it is."""
    judged = shown.finding.limit
    assert judged is not None
    return Fact(path=f"finding:{shown.finding.id}.limit", value=shown.limit, by=judged.set_by, on=judged.set_on)


def _sources(shown: Iterable[Shown], gap: Callable[[str, str, str], Gap]) -> Iterable[tuple[Inline, ...]]:
    """Whose each limit is, once a metric and sentence, with a gap where the plan does not say."""
    said: set[tuple[str, str]] = set()
    for each in shown:
        judged = each.finding.limit
        if judged is None or (each.title, each.limit_source) in said:
            continue
        said.add((each.title, each.limit_source))
        title = each.title[:1].lower() + each.title[1:]
        fact = Fact(
            path=f"finding:{each.finding.id}.limit_source",
            value=each.limit_source,
            label=f"Limit on {title}",
            by=judged.set_by,
            on=judged.set_on,
        )
        absent = {"who set it": judged.set_by, "when": judged.set_on, "why": judged.reason}
        lacking = [name for name, value in absent.items() if value is None]
        if lacking:
            what = f"of the limit on {title}: {', '.join(lacking)}"
            yield fact, gap(what, LIMITS_BEFOREHAND, "the owner of the limit, in the plan")
        else:
            yield (fact,)


def _figures(shown: Sequence[Shown], caption: str) -> Iterable[Figure]:
    """One chart a unit over the judged findings that have a value to draw."""
    by_unit: dict[str, list[Shown]] = {}
    for each in shown:
        if each.limit and each.finding.estimate.value is not None and not each.suppressed:
            by_unit.setdefault(each.finding.estimate.unit, []).append(each)
    for unit, members in by_unit.items():
        title = caption if len(by_unit) == 1 else f"{caption}: {saying.quantities(unit)}"
        yield Figure(
            kind="intervals",
            caption=title,
            alt=f"Intervals against limits, one line a finding: {'; '.join(name(each) for each in members)}. "
            "The table below repeats every value.",
            findings=tuple(each.finding.id for each in members),
            twin=Table(
                caption=f"{title}, as a table",
                header=("Quantity", "Result", "Limit"),
                rows=tuple((name(each), Number(finding=each.finding.id), limit_fact(each)) for each in members),
            ),
        )
