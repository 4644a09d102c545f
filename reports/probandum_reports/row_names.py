"""What tells a row of a chart from its neighbours, where the metric stands above them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from probandum_reports import saying
from probandum_reports.sayings import Shown


def common(members: Sequence[Shown]) -> frozenset[str]:
    """The facets that all of several findings share, and that therefore tell none from the others."""
    shared = dict(members[0].finding.facets) if len(members) > 1 else {}
    return frozenset(
        key for key, value in shared.items() if all(each.finding.facets.get(key) == value for each in members)
    )


def label(shown: Shown, *, attribute: bool, without: Collection[str] = ()) -> str:
    """What tells this row from its neighbours: facets and groups, without the metric and the facets ``without``."""
    finding = shown.finding
    keys = sorted(finding.facets, key=lambda key: (key != "slice", key))
    facets = [shown.facets[key] for key in keys if key not in without]
    if finding.groups is None:
        return "; ".join(facets) or shown.title
    text = saying.groups(finding.groups) if attribute else saying.against(finding.groups)
    return "; ".join([*facets, text])
