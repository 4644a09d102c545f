"""HateCheck's cases as they are published, and what a classifier made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum.errors import DataError
from probandum.subject import Bools
from probandum.units import so_many
from probandum_probes.public_files import PublicRecord, read_records

#: Where the cases come from; errors say it.
WHERE = (
    "HateCheck is published by Roettger et al. (2021) at github.com/paul-rottger/hatecheck-data, file "
    "test_suite_cases.csv"
)
#: What each functionality tests, after table 1 of the publication.
FUNCTIONALITIES = {
    "derog_neg_emote_h": "expression of strong negative emotions",
    "derog_neg_attrib_h": "description with very negative attributes",
    "derog_dehum_h": "dehumanisation",
    "derog_impl_h": "implicit derogation",
    "threat_dir_h": "direct threat",
    "threat_norm_h": "threat as a statement of what should be",
    "slur_h": "hate expressed with a slur",
    "slur_homonym_nh": "harmless homonyms of slurs",
    "slur_reclaimed_nh": "slurs reclaimed by those whom they meant",
    "profanity_h": "hate expressed with profanity",
    "profanity_nh": "profanity without hate",
    "ref_subs_clause_h": "hate by reference in a later clause",
    "ref_subs_sent_h": "hate by reference in a later sentence",
    "negate_pos_h": "hate as a negated positive statement",
    "negate_neg_nh": "negated hateful statements, harmless",
    "phrase_question_h": "hate phrased as a question",
    "phrase_opinion_h": "hate phrased as an opinion",
    "ident_neutral_nh": "neutral statements that name a group",
    "ident_pos_nh": "positive statements that name a group",
    "counter_quote_nh": "denouncements of hate that quote it",
    "counter_ref_nh": "denouncements of hate that refer to it",
    "target_obj_nh": "abuse of objects",
    "target_indiv_nh": "abuse of individuals, not as members of a group",
    "target_group_nh": "abuse of groups that no law protects",
    "spell_char_swap_h": "hate with adjacent characters swapped",
    "spell_char_del_h": "hate with characters missing",
    "spell_space_del_h": "hate with spaces missing between words",
    "spell_space_add_h": "hate with spaces added between characters",
    "spell_leet_h": "hate in leet speak",
}
_LABELS = {"hateful": True, "non-hateful": False}
#: Other words that classifiers are recorded with, and what may stand before one.
_FURTHER = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "hate", "hate speech", "hatespeech", "label_1"), True),
    **dict.fromkeys(("0", "0.0", "false", "no", "nonhateful", "non hateful", "not hateful", "not-hateful"), False),
    **dict.fromkeys(("non-hate", "nonhate", "not hate", "no hate", "not hate speech", "label_0"), False),
}
_LEAD = re.compile(r"^(?:(?:the )?(?:final )?(?:label|answer|class|prediction|text)(?: is\b)?\s*[:=]?\s*)")
_MARKS = " \"'`*.,!()[]"


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


def read_answer(text: str | None) -> tuple[bool | None, bool]:
    """Whether a recorded answer says hateful, None where it says neither; and whether by another word than the labels.

    >>> read_answer("Hateful."), read_answer("non-hateful"), read_answer("0"), read_answer("maybe")
    ((True, False), (False, False), (False, False), (None, False))
    >>> read_answer("not hateful"), read_answer("1.0"), read_answer("Label: hateful\\nIt uses a slur.")
    ((False, True), (True, True), (True, True))
    """
    said = _plain(text or "")
    if said in ("1", "0"):
        return said == "1", False
    if said in _LABELS:
        return _LABELS[said], False
    first = _LEAD.sub("", _plain((text or "").strip().split("\n", 1)[0]), count=1).strip(_MARKS)
    found = _LABELS.get(first, _FURTHER.get(first))
    return found, found is not None


def _plain(text: str) -> str:
    return text.strip().rstrip(".").lower()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """Cases with whether each was classified as its label says; ``missing``: how many others have no answer.

    ``found``: of how many recorded answers another word than a label was read; None where none were recorded.
    """

    cases: tuple[Case, ...]
    right: Bools
    missing: int = 0
    found: int | None = None

    @property
    def lacking(self) -> str | None:
        """Why no verdict rests on these cases; None where all have an answer."""
        have = "has" if self.missing == 1 else "have"
        said = f"{so_many(self.missing, 'cases')} {have} no recorded answer that says which"
        return said if self.missing else None

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
