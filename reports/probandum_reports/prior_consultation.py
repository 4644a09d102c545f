"""What residual risks that people recorded mean for a start: Art. 36(1) as worded, its reading, and the block.

While a residual risk stands at high or very high, no outcome releases a start; only a re-scored risk, or a consultation
that is over, does.
"""

from __future__ import annotations

from collections.abc import Iterable

from probandum.document import Cell, Node, Table, Text
from probandum_reports import risk_rows
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts, proposal
from probandum_reports.messages import said
from probandum_reports.threats import register

_HIGH = ("high", "very high")
_CONSULTATION = FactLine(
    label="Prior consultation",
    card="dpia.consultation",
    what="whether the authority was or must be consulted, and what it answered",
    requirement="gdpr:36:1",
    human=True,
)
#: Shown while a residual risk stands at high or very high.
_OVER = FactLine(
    label="Consultation over",
    card="dpia.consultation_over",
    what="where a residual risk stands high: that the consultation is over, with the authority's answer; until then "
    "nothing releases a start",
    requirement="gdpr:36:1",
    human=True,
)


def lines() -> Iterable[FactLine]:
    """What is asked of the card."""
    return (_CONSULTATION, _OVER)


def check(parts: Parts) -> Iterable[Node]:
    """The residual levels that stand, and whether they allow a start."""
    found = {each.id: risk_rows.residual(each, parts.dossier) for each in register() if each.regime != "FRIA"}
    high = [name for name, level in found.items() if level in _HIGH]
    unset = [name for name, level in found.items() if level is None]
    if high:
        standing = said("residual risk high or very high: {risks}", risks=", ".join(high))
    elif unset:
        standing = said("not settled: no residual level of {risks}", risks=", ".join(unset))
    else:
        standing = said("no residual risk above medium")
    rows: list[tuple[Cell, ...]] = [(said("Residual levels"), proposal("dpia.residual", standing))]
    if high:
        yield Text(
            text=(
                "Residual high risk recorded. Art. 36(1) as worded: high risk in the absence of mitigating measures; "
                "read by recitals 84 and 94 and WP248 as residual risk. Prior consultation before processing starts, "
                "unless further measures reduce it. No outcome below releases a start until the risk is scored again, "
                "with name, date and reason, or the consultation is over."
            ),
            style="warning",
        )
    rows.append((said("Prior consultation, Art. 36"), parts.filled(_CONSULTATION)))
    if high:
        rows.append((said("Consultation over"), parts.filled(_OVER)))
    yield Table(caption="Check against Art. 36", header=("Field", "Statement"), rows=tuple(rows))
