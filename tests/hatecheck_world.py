"""A small file in HateCheck's format, written for the tests: rude instead of hateful, about people with pets."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lasting import lasting
from preferring import Recorded

#: The groups of the file, and words of which the keyword classifier finds some rude.
OWNERS = ("cat owners", "dog owners", "bird owners", "fish owners")
FIELDS = ("", "functionality", "case_id", "test_case", "label_gold", "target_ident", "templ_id", "case_templ")


def case_rows(templates: int = 25, *, owners: Sequence[str] = OWNERS) -> list[dict[str, str]]:
    """So many rude and as many harmless templates, each about all owners; and harmless cases about nobody."""
    texts = {
        "rude_plain_h": ("hateful", "All {0} on street {1} are stupid."),
        "praise_nh": ("non-hateful", "I love the {0} on street {1}."),
    }
    rows: list[dict[str, str]] = []
    for functionality, (label, text) in texts.items():
        for template in range(templates):
            for owner in owners:
                rows.append(_row(rows, functionality, text.format(owner, template), label, owner, template))
    for template in range(templates):
        rows.append(_row(rows, "object_nh", f"Street {template} is long.", "non-hateful", "", template))
    return rows


def _row(
    rows: list[dict[str, str]], functionality: str, text: str, label: str, owner: str, number: int
) -> dict[str, str]:
    fields = (str(len(rows)), functionality, f"c{len(rows)}", text, label, owner, f"{functionality}-{number}", "")
    return dict(zip(FIELDS, fields, strict=True))


def write_cases(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """The rows as the published file has them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def recorded_cases(missed: str = "", templates: int = 25) -> Recorded:
    """Right answers to all cases, but for rude ones about ``missed``."""
    wrong = {
        row["case_id"]
        for row in case_rows(templates)
        if row["target_ident"] == missed and row["label_gold"] == "hateful"
    }
    said = {row["case_id"]: row["label_gold"] for row in case_rows(templates)}
    return Recorded(said | dict.fromkeys(wrong, "non-hateful"))


@cache
def hatecheck_file() -> Path:
    """One file for all tests that need some file."""
    folder = lasting("hatecheck")
    return write_cases(folder / "cases.csv", case_rows())
