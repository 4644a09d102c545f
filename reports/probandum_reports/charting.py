"""What all charts share: colours, shapes, letters, and an SVG file that is the same in every run."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from probandum.finding import Finding, Verdict
from probandum_reports import saying
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown

#: The colours of all charts; a page may swap each for one that suits the reader's own light or dark.
INK, MUTED, RULE, BAND, PAPER = "#17212b", "#54616d", "#d9dfe3", "#cfe3e4", "#ffffff"
COLOURS: Mapping[Verdict, str] = {
    Verdict.PASS: "#1c6b41",
    Verdict.FAIL: "#b0261c",
    Verdict.INCONCLUSIVE: "#855300",
    Verdict.ERROR: "#7a2a86",
    Verdict.NOT_APPLICABLE: "#0a566b",
}
#: What is measured and not judged.
MEASURED = COLOURS[Verdict.NOT_APPLICABLE]
#: A shape for each verdict, so that a chart printed in grey says the same; open ones decide nothing.
SHAPES: Mapping[Verdict, str] = {
    Verdict.PASS: "o",
    Verdict.FAIL: "D",
    Verdict.INCONCLUSIVE: "o",
    Verdict.ERROR: "^",
    Verdict.NOT_APPLICABLE: "s",
}
OPEN = (Verdict.INCONCLUSIVE, Verdict.ERROR)
#: The width of a chart in inches, that of one for a narrow window, and the size of its letters in points.
WIDTH, NARROW, SIZE = 6.6, 3.4, 8.5
#: The height in inches that fits a page of paper with the chart's caption.
PAGE = 9.0
_SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "probandum",
    "font.family": ["DejaVu Sans"],
    "font.size": SIZE,
    "hatch.linewidth": 0.7,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": False,
}


@contextmanager
def lettered() -> Iterator[None]:
    """Within it charts are drawn alike on every machine, in the letters of any script.

    Text stays text, so its letters are the reader's, and each line hangs on one of its edges: that the font by which
    text is measured lacks a letter moves nothing, and no warning says so.
    """
    import matplotlib

    with matplotlib.rc_context(dict(_SETTINGS)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        warnings.filterwarnings("ignore", "Matplotlib currently does not support", UserWarning)
        yield


def blank(height: float, width: float = WIDTH) -> Any:
    """An empty sheet, so many inches high and wide."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Sheet

    sheet = Sheet(figsize=(width, height), facecolor="none")
    FigureCanvasSVG(sheet)
    return sheet


def written(sheet: Any, alt: str) -> bytes:
    """The sheet as an SVG file, entitled ``alt``, without date or maker."""
    buffer = io.BytesIO()
    metadata = {"Title": visible(alt), "Date": None, "Creator": None, "Format": None, "Type": None}
    sheet.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return buffer.getvalue()


def drawn(shown: Shown) -> bool:
    """Whether a finding has a figure that may be drawn."""
    return not shown.suppressed and shown.finding.estimate.value is not None


def marker(finding: Finding) -> dict[str, Any]:
    """How the point of a finding looks, by its verdict."""
    colour = COLOURS[finding.verdict]
    return {
        "marker": SHAPES[finding.verdict],
        "markersize": 5.5 if finding.verdict is not Verdict.NOT_APPLICABLE else 4.5,
        "markerfacecolor": PAPER if finding.verdict in OPEN else colour,
        "markeredgecolor": colour,
        "markeredgewidth": 1.5,
    }


def quiet(axes: Any) -> None:
    """A scale below that does not shout, and no frame."""
    axes.set_facecolor("none")
    axes.tick_params(length=3, color=RULE, labelcolor=MUTED, labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)


def ticked(axis: Any, most: int) -> None:
    """Round numbers along a scale, with ``most`` steps at most, no two of which read alike."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda tick, _: tick_label(tick, *axis.get_view_interval())))


def tick_label(tick: float, low: float, high: float) -> str:
    """What stands at a tick of a scale from ``low`` to ``high``, with as many digits as tell it from its neighbours.

    >>> [tick_label(tick, 0.0, 0.3) for tick in (0.1 - 0.1, 0.1 + 0.2)], tick_label(-0.5, -1.0, 1.0)
    (['0', '0.3'], '−0.5')
    >>> [tick_label(tick, 0.9999999, 1.0000001) for tick in (0.99999995, 1.0, 1.00000005)]
    ['0.99999995', '1', '1.00000005']
    """
    wide = abs(high - low)
    if abs(tick) < 1e-9 * wide:
        return "0"
    digits = 3 + math.ceil(math.log10(max(abs(low), abs(high)) / wide))
    return saying.number(tick) if digits <= 6 else f"{tick:,.{digits}g}".replace("-", "−")


def legend(sheet: Any, handles: list[Any], *, columns: int | None = None) -> None:
    """What the shapes mean, along the lower edge of the sheet; ``columns``: so many in a row, by default all."""
    if handles:
        sheet.legend(
            handles=handles,
            loc="lower left",
            ncols=columns or len(handles),
            frameon=False,
            fontsize=8,
            labelcolor=MUTED,
            bbox_to_anchor=(0.0, 0.0),
            handletextpad=0.4,
            columnspacing=1.4,
            borderaxespad=0.2,
        )
