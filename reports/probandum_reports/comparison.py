"""What changed between two audits, as one page in the look of all others."""

from __future__ import annotations

from importlib.metadata import version

from probandum.comparison import Comparison
from probandum.export import comparison as told
from probandum_reports.messages import said
from probandum_reports.pages import fill


def page(comparison: Comparison) -> bytes:
    """The page; it states no date but those of the two audits."""
    return fill(
        "comparison.html",
        comparison=comparison,
        named=told.named,
        conclusion=told.conclusion(comparison),
        barring=[each.text for each in comparison.differences if each.bars],
        beside=[each.text for each in comparison.differences if not each.bars],
        header=[said(each) for each in told.HEADER],
        rows=told.rows(comparison),
        unsaid=told.unsaid(comparison),
        crowded=told.crowded(comparison),
        tool=version("probandum"),
        system=" ".join(filter(None, [comparison.new.system, comparison.new.version])),
    )
