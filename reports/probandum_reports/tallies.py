"""How many findings of each family have which verdict: counts, their chart, and one sentence on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.document import Fact, Figure
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum_reports import saying
from probandum_reports.charting import COLOURS, INK, MUTED, NARROW, OPEN, PAPER, SIZE, WIDTH, blank, legend
from probandum_reports.messages import counted, said
from probandum_reports.view import View

#: Verdicts from the gravest on; the last is none.
ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)
_JUDGED = ORDER[:-1]
_ROW, _TOP, _BOTTOM = 0.25, 0.06, 0.34  # inches
_LABEL, _SAID = 0.2, 0.22  # shares of the width, left and right of the bars
_TALL, _EDGE, _IN_A_ROW = 0.42, 0.01, 3  # of a narrow chart: inches, a share, and how much its legend has in a row


def families(findings: Iterable[Finding]) -> dict[str, Counter[Verdict]]:
    """Counts by verdict of each family, in the order of the record."""
    found: dict[str, Counter[Verdict]] = {}
    for finding in findings:
        found.setdefault(finding.probe.partition(".")[0], Counter())[finding.verdict] += 1
    return found


def fact(family: str, verdict: Verdict, count: int) -> Fact:
    """One count, as the record has it."""
    return Fact(path=f"tally:{family}.{verdict.value}", value=f"{count:,}", origin="measured")


def resolve(dossier: Dossier, path: str) -> str | None:
    """What stands at ``family.VERDICT``, for checking a document against the record."""
    family, _, verdict = path.partition(".")
    counts = families(dossier.findings).get(family)
    return None if counts is None else f"{counts[Verdict(verdict)]:,}"


def reading(findings: Iterable[Finding]) -> str:
    """How many findings have a verdict, to how many of them a limit was applied, and how many of these broke it."""
    told = [each for each in findings if each.verdict in _JUDGED]
    broken = Counter(each.probe.partition(".")[0] for each in told if each.verdict is Verdict.FAIL)
    has = counted(len(told), "{n} finding has a verdict", "{n:,} findings have a verdict")
    applied = sum(each.judged for each in told)
    if not applied:
        return said("{has}; no limit was applied to a number.", has=has)
    if not broken:
        return said("{has}; a limit was applied to {applied:,}, and none broke it.", has=has, applied=applied)
    families = ", ".join(saying.decapitalised(saying.family(name)) for name in broken)
    broke = "{has}; a limit was applied to {applied:,}, and {broken:,} broke it ({families})."
    return said(broke, has=has, applied=applied, broken=broken.total(), families=families)


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """One bar a family, its verdicts from the gravest on; what carries no verdict is counted at the right."""
    found = families(view.dossier.findings)
    tall = _ROW * len(found)
    height = _TOP + tall + _BOTTOM
    sheet = blank(height)
    axes = _axes(sheet, found, (_LABEL, _BOTTOM / height, 1 - _LABEL - _SAID, tall / height))
    axes.set_ylim(len(found) - 0.5, -0.5)
    say = axes.get_yaxis_transform()
    pad = 8 / (72 * WIDTH * (1 - _LABEL - _SAID))
    for row, (name, counts) in enumerate(found.items()):
        axes.text(-pad, row, saying.family(name), transform=say, ha="right", va="center", color=INK, fontsize=SIZE)
        _bar(axes, row, counts, high=0.58)
        if others := _unjudged(counts):
            axes.text(1 + pad, row, others, transform=say, va="center", color=MUTED, fontsize=7.5)
    legend(sheet, _handles(found))
    return sheet


def narrow(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window, each family and what it has without a verdict above its bar."""
    found = families(view.dossier.findings)
    handles = _handles(found)
    tall = _TALL * len(found)
    below = _BOTTOM if len(handles) <= _IN_A_ROW else _BOTTOM + 0.2
    height = _TOP + tall + below
    sheet = blank(height, NARROW)
    axes = _axes(sheet, found, (_EDGE, below / height, 1 - 2 * _EDGE, tall / height))
    axes.set_ylim(len(found) - 0.5, -0.5)
    say = axes.get_yaxis_transform()
    for row, (name, counts) in enumerate(found.items()):
        axes.text(0, row - 0.2, saying.family(name), transform=say, va="center", color=INK, fontsize=SIZE)
        _bar(axes, row + 0.18, counts, high=0.32)
        if others := _unjudged(counts):
            axes.text(1, row - 0.2, others, transform=say, ha="right", va="center", color=MUTED, fontsize=8)
    legend(sheet, handles, columns=_IN_A_ROW)
    return sheet


def _axes(sheet: Any, found: Mapping[str, Counter[Verdict]], place: tuple[float, float, float, float]) -> Any:
    """An empty field as wide as the longest bar."""
    axes = sheet.add_axes(place)
    axes.set_axis_off()
    axes.set_xlim(0, max(1, *(sum(counts[each] for each in _JUDGED) for counts in found.values())))
    return axes


def _bar(axes: Any, row: float, counts: Mapping[Verdict, int], *, high: float) -> None:
    """The verdicts of one family, each with its count."""
    left = 0
    for verdict in _JUDGED:
        if count := counts[verdict]:
            axes.barh(row, count, left=left, height=high, linewidth=1.2, **_look(verdict))
            colour = COLOURS[verdict] if verdict in OPEN else PAPER
            behind = {"facecolor": PAPER if verdict in OPEN else "none", "edgecolor": "none", "pad": 1.2}
            middle = {"ha": "center", "va": "center", "color": colour, "fontsize": 7.5, "bbox": behind}
            axes.text(left + count / 2, row, f"{count:,}", **middle)
            left += count


def _unjudged(counts: Mapping[Verdict, int]) -> str:
    unjudged = counts[Verdict.NOT_APPLICABLE]
    return said("{n:,} without a verdict", n=unjudged) if unjudged else ""


def _handles(found: Mapping[str, Counter[Verdict]]) -> list[Any]:
    """What the colours mean: only those that occur."""
    from matplotlib.patches import Patch

    seen = [verdict for verdict in _JUDGED if any(counts[verdict] for counts in found.values())]
    return [Patch(label=saying.verdict(verdict), **_look(verdict)) for verdict in seen]


def _look(verdict: Verdict) -> dict[str, Any]:
    """Filled where something was decided, hatched where not, so that a print in grey says the same."""
    colour = COLOURS[verdict]
    if verdict not in OPEN:
        return {"facecolor": colour, "edgecolor": colour}
    return {"facecolor": PAPER, "edgecolor": colour, "hatch": "////" if verdict is Verdict.ERROR else ""}
