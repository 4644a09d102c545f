"""HateCheck's cases as they are published, and what a classifier made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum.errors import DataError
from probandum.subject import Bools
from probandum_probes.public_files import PublicRecord, read_records

#: Where the cases come from; errors say it.
WHERE = (
    "HateCheck is published by Roettger et al. (2021) at github.com/paul-rottger/hatecheck-data, file "
    "test_suite_cases.csv"
)
_LABELS = {"hateful": True, "non-hateful": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One text: the functionality that it tests, its gold label, whom it is about ('' for nobody), its template."""

    id: str
    text: str
    functionality: str
    hateful: bool
    target: str
    template: str

    @property
    def kind(self) -> str:
        """The gold label in the word of the findings."""
        return "hateful" if self.hateful else "harmless"


def read_cases(path: Path) -> tuple[Case, ...]:
    """The cases of a published file; DataError with file and line for what is no case, or one that occurs twice."""
    cases: dict[str, Case] = {}
    for record in read_records(path):
        case = _case(record)
        if case.id in cases:
            raise DataError(f"{record.where}: case_id {case.id!r} occurs twice", remedy=WHERE)
        cases[case.id] = case
    return tuple(cases.values())


def _case(record: PublicRecord) -> Case:
    try:
        label = record.text("label_gold").strip()
        if label not in _LABELS:
            raise DataError(f"{record.where}: label_gold: expected hateful or non-hateful, got {label!r}")
        return Case(
            id=record.text("case_id"),
            text=record.text("test_case").strip(),
            functionality=record.text("functionality"),
            hateful=_LABELS[label],
            target=record.text("target_ident").strip(),
            template=record.text("templ_id"),
        )
    except DataError as error:
        raise DataError(error.message, remedy=f"is it a file of HateCheck? {WHERE}") from None


def read_answer(text: str | None) -> bool | None:
    """Whether a recorded answer says hateful; None where it says neither.

    >>> read_answer("Hateful."), read_answer("non-hateful"), read_answer("0"), read_answer("maybe")
    (True, False, False, None)
    """
    said = (text or "").strip().rstrip(".").lower()
    if said in ("1", "0"):
        return said == "1"
    return _LABELS.get(said)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """Cases with whether each was classified as its label says; ``missing``: how many others have no answer."""

    cases: tuple[Case, ...]
    right: Bools
    missing: int = 0

    @property
    def lacking(self) -> str | None:
        """Why no verdict rests on these cases; None where all have an answer."""
        return f"{self.missing} cases have no recorded answer that says which" if self.missing else None

    def by_template(self, rows: Sequence[int]) -> Iterator[tuple[str, int, int]]:
        """Of each template among the rows: its name, how many cases were right, and of how many."""
        places: dict[str, list[int]] = {}
        for row in rows:
            places.setdefault(self.cases[row].template, []).append(row)
        for template, members in places.items():
            yield template, int(self.right[members].sum()), len(members)

    def gaps(self, target: str, hateful: bool) -> dict[str, float]:
        """Of each template with cases about ``target`` and about others: the share right of its own less theirs."""
        sides: dict[str, tuple[list[bool], list[bool]]] = {}
        for case, right in zip(self.cases, self.right.tolist(), strict=True):
            if case.target and case.hateful is hateful:
                own, others = sides.setdefault(case.template, ([], []))
                (own if case.target == target else others).append(right)
        return {
            template: float(np.mean(own) - np.mean(others))
            for template, (own, others) in sides.items()
            if own and others
        }
