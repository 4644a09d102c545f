"""The record of processing activities, one row a moment of processing: what Art. 30(1) asks of each, and what helps.

The card states a moment under ``ropa.<moment>``: either its fields, or in one sentence that it does not take place. The
audit itself always takes place, and testing for bias does where the plan compares groups of persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from probandum.document import Cell, Node, Table
from probandum_reports import facts
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts
from probandum_reports.messages import Spoken, said

#: Asked together with the place of a moment in the card.
MOMENTS: Mapping[str, str] = Spoken(
    {
        "collect": "collecting data",
        "label": "labelling data",
        "train": "training",
        "fine_tune": "fine-tuning",
        "evaluate": "evaluation",
        "bias_test": "testing for bias",
        "deploy_inference": "inference in use",
        "log_monitor": "logging and monitoring",
        "retrain": "training again",
        "explain_and_handle_requests": "explanations and requests of people",
        "audit": "this audit",
    }
)
#: What Art. 30(1) asks of every activity: key, label, what is missing, and the provision.
FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("purposes", "Purposes", "the purposes of {moment}", "gdpr:30:1:b"),
    ("people", "People concerned", "the categories of people concerned by {moment}", "gdpr:30:1:c"),
    (
        "data",
        "Categories of data",
        "the categories of data in {moment}: special or offence data or not; provided, observed or inferred",
        "gdpr:30:1:c",
    ),
    ("recipients", "Recipients", "the categories of recipients of {moment}, with role and country", "gdpr:30:1:d"),
    ("transfers", "Transfers", "the transfers to third countries in {moment}, with safeguards, or none", "gdpr:30:1:e"),
    (
        "retention",
        "Retention",
        "the periods for data, features, model, logs, outputs and evidence of {moment}, where possible",
        "gdpr:30:1:f",
    ),
    ("security", "Security", "a general description of the security of {moment}, where possible", "gdpr:30:1:g"),
)
#: What the law does not ask of the record, and what makes it useful.
BEYOND: tuple[tuple[str, str, str, str], ...] = (
    ("legal_basis", "Legal basis (beyond the minimum)", "the ground of Art. 6(1) for {moment}", "gdpr:5:1:a"),
    (
        "special_ground",
        "Ground for special categories (beyond the minimum)",
        "the ground of Art. 9(2) for {moment}, or that no special category is in it",
        "gdpr:9:1",
    ),
)
_MEASURED: tuple[tuple[str, str], ...] = (
    ("started", "Run began"),
    ("data", "Data of the test"),
    ("target.endpoints", "Addresses that the audit connected to"),
    ("target.cautions.purged", "Deletion of raw questions and answers"),
)


def lines() -> Iterable[FactLine]:
    """What is asked of the card of every system: of the audit each field, of other moments whether they take place."""
    for moment, named in MOMENTS.items():
        if moment == "audit":
            yield from _fields(moment, named)
        else:
            yield _whether(moment, named)


def table(parts: Parts) -> Iterable[Node]:
    """A table a moment that takes place, and one of those that do not, or of which nobody has said."""
    declared = parts.dossier.card.get("ropa")
    rows_of = declared if isinstance(declared, Mapping) else {}
    happens = {"audit"} | ({"bias_test"} if parts.dossier.plan.get("ask", {}).get("groups") else set())
    others: list[tuple[Cell, ...]] = []
    for moment, named in MOMENTS.items():
        stated = rows_of.get(moment)
        if moment in happens or (isinstance(stated, Mapping) and "value" not in stated):
            yield _row(moment, named, parts)
            continue
        others.append((f"{named} ({moment})", parts.filled(_whether(moment, named))))
    if others:
        yield Table(caption="Other moments of processing", header=("Moment", "Statement"), rows=tuple(others))


def _whether(moment: str, named: str) -> FactLine:
    """What is asked of a moment of which nobody has said that it takes place."""
    what = said("whether this activity takes place, and then its fields: {moment}", moment=named)
    return FactLine(label=named, card=f"ropa.{moment}", what=what, requirement="gdpr:30:1:b")


def _fields(moment: str, named: str) -> Iterable[FactLine]:
    """What is asked of a moment that takes place; what goes beyond the record, of a named person."""
    for field in (*FIELDS, *BEYOND):
        key, label, what, requirement = field
        yield FactLine(
            label=label,
            card=f"ropa.{moment}.{key}",
            what=said(what, moment=named),
            requirement=requirement,
            human=field in BEYOND,
        )


def _row(moment: str, named: str, parts: Parts) -> Table:
    """One activity with all its fields."""
    rows: list[tuple[Cell, ...]] = [(said(line.label), parts.filled(line)) for line in _fields(moment, named)]
    if moment in ("audit", "bias_test"):
        found = ((label, facts.run_fact(parts.dossier, path)) for path, label in _MEASURED)
        rows += [(said(label), fact) for label, fact in found if fact is not None]
    caption = said("Activity: {moment} ({name})", moment=named, name=moment)
    return Table(caption=caption, header=("Field", "Statement"), rows=tuple(rows))
