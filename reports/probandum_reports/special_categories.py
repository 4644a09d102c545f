"""Attributes by which an audit compares persons, and inputs, against what the card says of special categories.

What a name suggests and a card denies is a discrepancy for a person to settle; nothing is corrected in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.document import Cell, Fact, Listing, Node, Table, Text
from probandum.stating import NONE, stated
from probandum_reports import facts
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts
from probandum_reports.special_names import NO_CATEGORY, of_plan


def table(parts: Parts) -> Iterable[Node]:
    """Each attribute, what its name suggests, and what the card says of it; what contradicts the card comes first."""
    found = of_plan(parts.dossier.plan)
    if not found:
        yield Text(
            text="No group of persons is compared in this audit, and no input is special by its name.", style="note"
        )
        return
    whole = _of_all(parts.dossier.card)
    special = [name for name, said in found.items() if NO_CATEGORY not in said]
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
    for name in found:
        line = FactLine(
            label="Attribute",
            card=f"special_categories.{_key(name)}",
            what=f"whether the attribute {_key(name)} is of a special category, and of which",
            requirement="gdpr:9:1",
        )
        rows.append((_recorded(name, parts), whole or parts.filled(line)))
    header = ("Attribute, and what its name suggests", "What the card says of it")
    yield Table(caption="Attributes compared, and inputs that may be special", header=header, rows=tuple(rows))


def _of_all(card: Mapping[str, Any]) -> Fact | None:
    """What the card says where it says of all attributes at once that none is of a special category."""
    said = stated(card, "special_categories")
    if said is None or (said.value is not False and str(said.value).strip().lower() not in NONE):
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
