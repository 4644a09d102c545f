"""Whether what Annex 2 of WP248 wants in an assessment is there at all: presence of statements, never their quality."""

from __future__ import annotations

from collections.abc import Iterable

from probandum.document import Node, Table
from probandum_reports import facts, risk_rows
from probandum_reports.filling_in import Parts, proposal
from probandum_reports.messages import noted, said
from probandum_reports.threats import register

#: What must be there, where it stands, and the paths of the card that state it; (h): by a person alone.
CRITERIA: tuple[tuple[str, str, str], ...] = (
    (
        "nature, scope, context, purposes",
        "1.1.b, 1.1.d",
        "purpose processing.nature processing.scope processing.context",
    ),
    ("personal data, recipients, retention", "1.1.a, 2.2.a", "personal_data minimisation"),
    ("functional description", "1.2", "dataflow"),
    (noted("assets"), "1.3", "assets"),
    ("codes of conduct", "1.4", "codes_of_conduct"),
    ("specified, explicit, legitimate purposes", "1.1.b, 2.3.a", "purpose principles.purpose_limitation"),
    (noted("lawfulness"), "2.1", "dpia.legal_basis(h)"),
    ("adequate, relevant, limited data", "2.2.a", "minimisation principles.minimisation"),
    ("limited storage", "2.2.a", "minimisation principles.storage_limitation"),
    (noted("information"), "2.3.b", "information.purposes information.storage_period information.rights"),
    ("access, portability", "2.3.b", "rights.access"),
    ("rectification, erasure", "2.3.b", "rights.rectification rights.erasure"),
    ("objection, restriction", "2.3.b", "rights.objection"),
    ("processors", "0.2, 2.3.c", "processors processor_contracts"),
    ("safeguards of transfers", "2.3.c", "transfers transfer_safeguards"),
    ("prior consultation considered", "6", "dpia.consultation(h)"),
    ("origin, nature, particularity and severity of each risk", "3.1, 4.1", "dpia.design_risks(h) register:severity"),
    (
        "sources, impacts and threats of the three feared events",
        "4.1.a",
        "dpia.feared_events.access(h) dpia.feared_events.modification(h) dpia.feared_events.disappearance(h)",
    ),
    ("likelihood and severity", "4.1.c", "register:likelihood register:severity"),
    ("measures for each risk", "4.2.a", "register:measures"),
    ("advice of the data protection officer", "5.1", "dpia.dpo_advice(h)"),
    ("views of the people concerned", "5.2", "dpia.views(h)"),
)


def table(parts: Parts) -> Iterable[Node]:
    """Each criterion with where it is answered, and whether its fields are filled."""
    rows = tuple(
        (said(what), where, proposal(f"dpia.presence.{index}", _state(paths.split(), parts)))
        for index, (what, where, paths) in enumerate(CRITERIA, 1)
    )
    header = ("Must be present", "Where", "Fields")
    yield Table(caption="Presence by Annex 2 of WP248", header=header, rows=rows)


def _state(paths: Iterable[str], parts: Parts) -> str:
    """Whether all, some or none of the fields are filled."""
    found = [state for path in paths for state in _filled(path, parts)]
    return said("filled") if all(found) else said("partly filled") if any(found) else said("open")


def _filled(path: str, parts: Parts) -> Iterable[bool]:
    card = parts.dossier.card
    if path.startswith("register:"):
        field = path.removeprefix("register:")
        rows = (each for each in register() if each.regime != "FRIA")
        return [facts.card_fact(card, risk_rows.place(each, field), human=True) is not None for each in rows]
    name = path.removesuffix("(h)")
    return [facts.card_fact(card, name, human=name != path) is not None]
