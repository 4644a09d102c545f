"""The record of processing activities, one row a moment of processing: what Art. 30(1) asks of each, and what helps.

The card states a moment under ``ropa.<moment>``: its fields, or in one sentence whether it takes place, or both, the
sentence as their ``value``. The audit itself always takes place, and testing for bias does where the plan compares
groups of persons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.document import Cell, Fact, Node, Table, Text
from probandum.stating import stands_in, stated, words
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
#: What an audit itself is, and of which the record therefore knows something.
_OF_AUDITS = ("audit", "bias_test")
_MEASURED: tuple[tuple[str, str], ...] = (
    ("started", "Run began"),
    ("data", "Data of the test"),
    ("target.endpoints", "Addresses that the audit connected to"),
    ("target.cautions.purged", "Deletion of raw questions and answers"),
)


#: Says that an activity does not take place, with nothing behind it that could take that back.
_NOT = re.compile(
    r"""\W*(?: none | no | never | outside
    | (?:[\w -]{1,40}\ )? (?:does|do|did|will|is|are|was|were|has|have)(?:\ not|n['’]t)\ (?:yet\ |been\ |be\ )*
      (?:take(?:n)?\ place | happen(?:ed)? | occur(?:red)? | done | carried\ out | performed | planned | used)
    | (?:[\w -]{1,40}\ )? (?:takes|took)\ no\ place
    | (?:there\ is\ )? no\ (?:such\ )?
      (?:activity|audit|collection|evaluation|fine-tuning|inference|labell?ing|logging|monitoring|processing|re-?training
      |testing|training) (?:\ (?:takes\ place|happens|is\ done))?
    | not\ (?:done|carried\ out|performed|applicable|planned|taking\ place|used)
    ) (?:\ (?:here|at\ all|yet|by\ us))? \W* (?:[.,;:(] .* | \ (?:because|since|as)\b .*)?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def takes_place(card: Mapping[str, Any], moment: str) -> bool | None:
    """Whether a moment takes place by the card; None where nobody says.

    A sentence that does not deny it describes it.

    >>> [takes_place({"ropa": {"train": said}}, "train") for said in ("It takes place once a year.", {"data": "x"})]
    [True, True]
    >>> denied = ("Does not take place.", "none", False, "No training", "not done: the model is bought")
    >>> [takes_place({"ropa": {"train": said}}, "train") for said in denied]
    [False, False, False, False, False]
    >>> takes_place({"ropa": {"train": "It does not take place without consent"}}, "train")
    True
    >>> takes_place({"ropa": {"train": "TBD"}}, "train"), takes_place({}, "train")
    (None, None)
    """
    told = stated(card, f"ropa.{moment}")
    if told is None:
        return None
    if isinstance(told.value, Mapping):
        return True
    text = words(told.value)
    return None if not text or stands_in(text) else _NOT.fullmatch(text) is None


def lines(card: Mapping[str, Any] | None = None) -> Iterable[FactLine]:
    """What is asked of a card: of moments whether they take place, and each field of those that do, as the audit does.

    Testing for bias is taken to take place unless the card denies it. Without a card, all that any is asked.
    """
    for moment, named in MOMENTS.items():
        happens = None if card is None else takes_place(card, moment)
        if moment != "audit":
            yield _whether(moment, named)
        if card is None or happens or (happens is None and moment in _OF_AUDITS):
            yield from _fields(moment, named)


def table(parts: Parts) -> Iterable[Node]:
    """A table a moment that takes place, and one of those that do not, or of which nobody has said."""
    seen = {"audit"} | ({"bias_test"} if parts.dossier.plan.get("ask", {}).get("groups") else set())
    others: list[tuple[Cell, ...]] = []
    for moment, named in MOMENTS.items():
        happens = takes_place(parts.dossier.card, moment)
        if moment in seen and happens is False:
            yield Text(
                text=said(
                    "Discrepancy: the card says that an activity does not take place, and this audit is one: {moment}. "
                    "A person settles it.",
                    moment=named,
                ),
                style="warning",
            )
        told = [line for line in _fields(moment, named) if isinstance(parts.filled(line), Fact)]
        if moment in seen or happens or told:
            yield _row(moment, named, parts, told if happens is False else _fields(moment, named))
            continue
        others.append((f"{named} ({moment})", parts.filled(_whether(moment, named))))
    if others:
        yield Table(caption="Other moments of processing", header=("Moment", "Statement"), rows=tuple(others))


def _whether(moment: str, named: str) -> FactLine:
    """What is asked of a moment of which nobody has said that it takes place."""
    what = said("whether this activity takes place, and then its fields: {moment}", moment=named)
    return FactLine(label=named, card=f"ropa.{moment}", what=what, requirement="gdpr:30:1:b", in_parts=True)


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


def _row(moment: str, named: str, parts: Parts, fields: Iterable[FactLine]) -> Table:
    """One activity with its fields, below what the card says of it as a whole."""
    whole = stated(parts.dossier.card, f"ropa.{moment}")
    rows: list[tuple[Cell, ...]] = []
    if whole is not None and not isinstance(whole.value, Mapping):
        rows.append((said("Whether it takes place"), parts.filled(_whether(moment, named))))
    rows += [(said(line.label), parts.filled(line)) for line in fields]
    if moment in _OF_AUDITS:
        found = ((label, facts.run_fact(parts.dossier, path)) for path, label in _MEASURED)
        rows += [(said(label), fact) for label, fact in found if fact is not None]
    caption = said("Activity: {moment} ({name})", moment=named, name=moment)
    return Table(caption=caption, header=("Field", "Statement"), rows=tuple(rows))
