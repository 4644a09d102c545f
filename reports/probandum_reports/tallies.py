"""How many findings of each family have which verdict: counts, their chart, and one sentence on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.document import Fact, Figure
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum.units import counted
from probandum_reports import saying
from probandum_reports.charting import COLOURS, INK, MUTED, OPEN, PAPER, SIZE, WIDTH, blank, legend
from probandum_reports.view import View

#: Verdicts from the gravest on; the last is none.
ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)
_JUDGED = ORDER[:-1]
_ROW, _TOP, _BOTTOM = 0.25, 0.06, 0.34  # inches
_LABEL, _SAID = 0.2, 0.22  # shares of the width, left and right of the bars


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


def reading(found: Mapping[str, Counter[Verdict]]) -> str:
    """How many findings have a verdict, and in which families one failed."""
    judged = sum(counts[verdict] for counts in found.values() for verdict in _JUDGED)
    failed = [saying.decapitalised(saying.family(name)) for name, counts in found.items() if counts[Verdict.FAIL]]
    said = f"{counted(judged, 'finding')} {'has' if judged == 1 else 'have'} a verdict"
    return f"{said}; limits are broken in {', '.join(failed)}." if failed else f"{said}; none is a broken limit."


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """One bar a family, its verdicts from the gravest on; what carries no verdict is counted at the right."""
    from matplotlib.patches import Patch

    found = families(view.dossier.findings)
    tall = _ROW * len(found)
    height = _TOP + tall + _BOTTOM
    sheet = blank(height)
    axes = sheet.add_axes((_LABEL, _BOTTOM / height, 1 - _LABEL - _SAID, tall / height))
    axes.set_axis_off()
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlim(0, max(1, *(sum(counts[each] for each in _JUDGED) for counts in found.values())))
    say = axes.get_yaxis_transform()
    pad = 8 / (72 * WIDTH * (1 - _LABEL - _SAID))
    for row, (name, counts) in enumerate(found.items()):
        axes.text(-pad, row, saying.family(name), transform=say, ha="right", va="center", color=INK, fontsize=SIZE)
        left = 0
        for verdict in _JUDGED:
            if count := counts[verdict]:
                looks = _look(verdict)
                axes.barh(row, count, left=left, height=0.58, linewidth=1.2, **looks)
                colour = COLOURS[verdict] if verdict in OPEN else PAPER
                behind = {"facecolor": PAPER if verdict in OPEN else "none", "edgecolor": "none", "pad": 1.2}
                middle = {"ha": "center", "va": "center", "color": colour, "fontsize": 7.5, "bbox": behind}
                axes.text(left + count / 2, row, f"{count:,}", **middle)
                left += count
        unjudged = counts[Verdict.NOT_APPLICABLE]
        if unjudged:
            said = f"{unjudged:,} without a verdict"
            axes.text(1 + pad, row, said, transform=say, va="center", color=MUTED, fontsize=7.5)
    seen = [verdict for verdict in _JUDGED if any(counts[verdict] for counts in found.values())]
    legend(sheet, [Patch(label=saying.verdict(verdict), **_look(verdict)) for verdict in seen])
    return sheet


def _look(verdict: Verdict) -> dict[str, Any]:
    """Filled where something was decided, hatched where not, so that a print in grey says the same."""
    colour = COLOURS[verdict]
    if verdict not in OPEN:
        return {"facecolor": colour, "edgecolor": colour}
    return {"facecolor": PAPER, "edgecolor": colour, "hatch": "////" if verdict is Verdict.ERROR else ""}
