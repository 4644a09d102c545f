"""What variants of a system give up for what, as one page in the look of all others."""

from __future__ import annotations

from importlib.metadata import version

from probandum.export import trade_offs as told
from probandum.tradeoffs import TradeOffs
from probandum_reports import variant_charts
from probandum_reports.html import inlined
from probandum_reports.pages import fill


def page(found: TradeOffs) -> bytes:
    """The page; its picture says nothing that its tables do not."""
    return fill(
        "tradeoffs.html",
        found=found,
        told=told,
        conclusion=told.conclusion(found),
        cautions=list(told.cautions(found)),
        alt=variant_charts.alt(found),
        wide=inlined(variant_charts.wide(found), prefix="wide-"),
        narrow=inlined(variant_charts.narrow(found), prefix="narrow-"),
        left_out=variant_charts.left_out(found),
        tool=version("probandum"),
    )
