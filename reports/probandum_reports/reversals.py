"""Differences that turn round within strata (Simpson's paradox), told where either of the two is shown."""

from __future__ import annotations

from collections.abc import Iterable

from probandum.document import Fact, Listing, Node, Text
from probandum.finding import Finding
from probandum_reports.view import View

CAUTION = (
    "Read together: a difference over all rows is reversed within the strata, and chance does not explain it "
    "(Simpson's paradox). Neither the crude nor the adjusted difference tells what happens by itself."
)


def cautions(findings: Iterable[Finding], view: View) -> Iterable[Node]:
    """The caution and which groups it is about; nothing where no difference is reversed."""
    told = {each.id for each in view.reversed.values()}
    entries = []
    for shown in (view.shown(each.id) for each in findings if each.id in told):
        path = f"finding:{shown.finding.id}.reason"
        entries.append((Fact(path=path, value=shown.reason, label=shown.about, origin="measured"),))
    if entries:
        yield Text(text=CAUTION, style="warning")
        yield Listing(entries=tuple(entries))
