"""Attributes by which an audit compares persons, and inputs, against what the card says of special categories.

What a name suggests and a card denies is a discrepancy for a person to settle; nothing is corrected in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.document import Cell, Fact, Listing, Node, Table, Text
from probandum.dossier import Dossier
from probandum.stating import NONE, stated
from probandum_reports import facts
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts
from probandum_reports.messages import said
from probandum_reports.special_names import of_record


def table(parts: Parts) -> Iterable[Node]:
    """Each attribute, what its name suggests, and what the card says of it; what contradicts the card comes first."""
    found = of_record(parts.dossier.plan, parts.dossier.findings)
    if not found:
        yield Text(text=_none(parts.dossier), style="note")
        return
    whole = _of_all(parts.dossier.card)
    special = [name for name, each in found.items() if each.special and not each.of_texts]
    if whole is not None and special:
        yield Text(
            text=(
                "Discrepancy: the card says that no special category was used, and the names of these attributes "
                "suggest otherwise. A person settles it."
            ),
            style="warning",
        )
        yield Listing(entries=tuple((_recorded(name, parts),) for name in special))
    rows: list[tuple[Cell, ...]] = []
    for name, each in found.items():
        what = "whether the attribute {name} is of a special category, and of which"
        if each.of_texts:
            what = "whether these groups ({name}) are data on anybody here, and of which special category"
        line = FactLine(
            label="Attribute",
            card=f"special_categories.{_key(name)}",
            what=said(what, name=_key(name)),
            requirement="gdpr:9:1",
        )
        rows.append((_recorded(name, parts), whole or parts.filled(line)))
    header = ("Attribute, and what its name suggests", "What the card says of it")
    yield Table(caption="Attributes compared, and inputs that may be special", header=header, rows=tuple(rows))
    if any(each.of_texts for each in found.values()):
        yield Text(
            text=(
                "Groups named in texts are known by the words or names that probes put there. Of invented texts they "
                "are data about nobody; of texts that persons wrote, or where a name is taken for somebody's origin or "
                "sex, they can be."
            ),
            style="note",
        )


def _none(dossier: Dossier) -> str:
    """What was looked at where no attribute was found."""
    if (dossier.plan.get("ask", {}).get("data") or {}).get("features"):
        return said(
            "The plan names no groups, no finding of this record is about a group, and no input that the plan lists is "
            "special by its name."
        )
    return said(
        "The plan names no groups, and no finding of this record is about a group. The plan lists no inputs, so that "
        "nothing is said of their names."
    )


def _of_all(card: Mapping[str, Any]) -> Fact | None:
    """What the card says where it says of all attributes at once that none is of a special category."""
    whole = stated(card, "special_categories")
    if whole is None or (whole.value is not False and str(whole.value).strip().lower() not in NONE):
        return None
    return facts.card_fact(card, "special_categories")


def _recorded(name: str, parts: Parts) -> Fact:
    path = f"special.{name}"
    return Fact(path=f"run.{path}", value=facts.run_facts(parts.dossier)[path], origin="measured")


def _key(name: str) -> str:
    """An attribute as one step of a path of the card.

    >>> _key("ethnic origin.2")
    'ethnic_origin_2'
    """
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "attribute"
