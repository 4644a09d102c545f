"""One row of the shared risk register: what evidence proposes beside what only people may set.

Its fields stand in the card under ``risk_register.<id>``, whichever assessment shows the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from probandum.document import Cell, Fact, Gap, Number, Table
from probandum.dossier import Dossier
from probandum_reports import facts, risks, saying, supplying
from probandum_reports.documents import FactLine
from probandum_reports.messages import said
from probandum_reports.tables import name
from probandum_reports.threats import Threat
from probandum_reports.view import View

#: Fields that only a person fills, as gaps name them; ``{risk}`` is the row's name.
FIELDS: Mapping[str, str] = {
    "groups": "groups of people concerned by {risk}",
    "likelihood": "accepted likelihood of {risk}",
    "severity": "severity of {risk}",
    "level": "level of {risk}, with the reason for a step up or down, and whether it is acceptable",
    "measures": "additional measures against {risk}, why they suit, and their status",
    "owner": "owner of {risk}",
    "residual": "residual level of {risk}, beginning with low, medium, high or very high",
    "acceptable": "acceptance of {risk}",
}
_REGIMES = {"GDPR": "data protection", "FRIA": "fundamental rights", "both": "data protection and fundamental rights"}
_TRACKS = {
    "design": "the design, even if everything works",
    "access": "illegitimate access",
    "modification": "unwanted modification",
    "disappearance": "disappearance of data, logs or service",
}


class Parts(Protocol):
    """What a row reads and leaves."""

    dossier: Dossier

    @property
    def view(self) -> View:
        """The findings in words."""
        ...

    def named_gap(self, what: str, requirement: str, supplier: str, *, card: str | None = None) -> Gap:
        """A gap that is one field wherever it is shown; ``card``: what fills it."""
        ...


def place(threat: Threat, field: str) -> str:
    """Where the card states a field of a row."""
    return f"risk_register.{threat.id}.{field}"


def residual(threat: Threat, dossier: Dossier) -> str | None:
    """The residual level that a person recorded; None where nobody did, or where no level stands in front."""
    fact = facts.card_fact(dossier.card, place(threat, "residual"), human=True)
    return None if fact is None else risks.stated_level(fact.value)


def row(threat: Threat, parts: Parts, filled: Callable[[FactLine], Fact | Gap], *, asked: str) -> Table:
    """The row as a table; ``filled`` gives what a person stated, or a gap; ``asked`` names the provision of others."""
    silent = risks.silent_ones(parts.dossier.results, parts.view.suppressed)
    proposal = risks.propose(threat, parts.dossier.findings, silent=silent)
    named = f"{threat.id}, {saying.decapitalised(said(threat.name))}"
    person = {
        field: filled(FactLine(card=place(threat, field), label=said(what, risk=named)))
        for field, what in FIELDS.items()
    }
    worst: Cell
    if proposal.worst is None:
        tester = supplying.supplier(parts.dossier, threat.select or (), asked)
        supplier = said("{supplier}; a person, by an argument", supplier=tester)
        where, what = place(threat, "evidence"), said("not assessed: evidence on {risk}", risk=named)
        argued = facts.card_fact(parts.dossier.card, where, human=True)
        worst = argued or parts.named_gap(what, asked, supplier, card=where)
    else:
        worst = _number(proposal.worst.id, parts.view)
    likelihood = Fact(path=f"proposal:{threat.id}.likelihood", value=proposal.words, origin="proposed")
    rows: list[tuple[str, Cell]] = [
        ("Belongs to", said(_REGIMES[threat.regime])),
        ("Comes from", said(_TRACKS[threat.track])),
        ("Rights of the Charter to begin with", said(threat.rights)),
        ("Possible impact on a person", said(threat.impact)),
        ("Groups concerned", person["groups"]),
        ("Worst evidence of this audit", worst),
    ]
    if proposal.basis is not None and proposal.basis is not proposal.worst:
        rows.append(("Evidence that proposes most", _number(proposal.basis.id, parts.view)))
    rows += [
        ("Likelihood, proposed", likelihood),
        ("Likelihood, accepted", person["likelihood"]),
        ("Severity", person["severity"]),
    ]
    severity, accepted = person["severity"], person["likelihood"]
    if isinstance(severity, Fact) and isinstance(accepted, Fact):
        found = risks.level(severity.value, accepted.value, known=proposal.level is not None)
        if found is not None:
            rows.append(
                ("Level by the matrix", Fact(path=f"proposal:{threat.id}.level", value=found, origin="proposed"))
            )
    rows += [
        ("Level, accepted", person["level"]),
        ("Measures", person["measures"]),
        ("Owner", person["owner"]),
        ("Residual level", person["residual"]),
        ("Acceptable, and who says so", person["acceptable"]),
    ]
    labelled = tuple((said(label), cell) for label, cell in rows)
    caption = said("Risk {id}", id=threat.id)
    return Table(caption=caption, header=("Field", "Statement"), rows=labelled)


def _number(finding: str, view: View) -> Number:
    return Number(finding=finding, label=name(view.shown(finding)))
