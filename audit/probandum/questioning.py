"""What a person is asked about a card, in which order, and how an answer is read. Pure: nothing is printed or written.

Questions come from the law pack; conditions of roles that the card leaves open, and facts that chosen documents ask
for, come behind them. What stands in the card already is not asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from probandum.document import CardField
from probandum.errors import UnknownName, UsageError
from probandum.law import Catalogue, Question, Requirement, bind, catalogue
from probandum.law.card_keys import CONDITIONS, IN_SCOPE, PLACED, conditions_of, placed, practices_of, truth
from probandum.law.hints import near_uses
from probandum.law.scope import REASONS, parties_in_chain
from probandum.splicing import Statement
from probandum.stating import NONE, is_said, named, plainly, stated, words

#: What may precede a question of a kind, as its answer.
_HOW: Mapping[str, str] = {
    "text": "in words",
    "party": "a name, or none",
    "act": "the law, or none",
    "truth": "yes or no",
    "day": "a date such as 2026-11-23, or none",
    "choice": "one of these",
    "points": "points such as 5(b), with commas between them, or none",
    "conditions": "letters, with commas between them, or none",
    "practices": "letters, with commas between them, or none",
}
_YES, _NO = ("yes", "y", "true"), ("no", "n", "false")
#: What YAML and the environment would make something else of.
_VARIABLE = re.compile(r"\$\{")


def questions(card: Mapping[str, Any], fields: Iterable[CardField] = ()) -> tuple[Question, ...]:
    """All that a card is asked as it stands, answered or not, in order."""
    law = catalogue()
    found = {each.path: each for each in law.questions if _matters(each, card)}
    for each in _conditions(card, law):
        found.setdefault(each.path, each)
    for field in fields:
        if not field.human:
            found.setdefault(field.path, _about(field, law))
    return tuple(found.values())


def asked_at(path: str) -> Question | None:
    """The question of the law whose answer stands at a path; None where people answer in words of their own.

    >>> [each and each.kind for each in map(asked_at, ("placed_on_market", "roles.gpai-open-source", "hardware"))]
    ['day', 'truth', None]
    """
    law = catalogue()
    role = law.pack.roles.get(path.removeprefix("roles.")) if path.startswith("roles.") else None
    if role is not None and role.condition is not None:
        ask = f"Does it hold that {role.condition}?"
        return Question(path=path, topic="Conditions", ask=ask, why="", kind="truth")
    return next((each for each in law.questions if each.path == path), None)


def answered(card: Mapping[str, Any], question: Question) -> str:
    """What the card says there, in words; empty where it says nothing."""
    found = stated(card, question.path)
    return "" if found is None else words(found.value)


def how(question: Question) -> str:
    """How an answer is written."""
    return _HOW[question.kind]


def choices(question: Question, card: Mapping[str, Any]) -> Iterator[str]:
    """What there is to choose from, one a line, and hints, which say that they are none but that."""
    law = catalogue()
    if question.kind == "points":
        area = ""
        for case in law.use_cases.values():
            number = case.point.partition("(")[0]
            if number != area:
                area = number
                yield f"{area}. {law.heads['annex_iii'].areas[area]}"
            yield f"  {case.point:<5} {case.title}" + (" [not settled]" if case.verify else "")
        assumed = "; ".join(law.heads["annex_iii"].often_assumed)
        yield f"Often taken for listed uses, and none by themselves: {assumed}."
        for case, word in near_uses(words(plainly(card).get("purpose")), law):
            yield f"Hint, no finding: the purpose has the word “{word}” of {case.point}, {case.title}."
    elif question.kind == "conditions":
        for letter in CONDITIONS:
            yield f"  {letter}  {_condition(law.get(f'ai-act:art-6:3:{letter}').summary)}"
    elif question.kind == "practices":
        for id, entry in law.requirements.items():
            if id.startswith("ai-act:art-5:1:"):
                said = entry.summary.removeprefix("Prohibited: ").removeprefix("Prohibited ")
                yield f"  {id.rpartition(':')[2]:<2} {said}"
    else:
        width = max(map(len, question.options), default=0)
        yield from (f"  {name:<{width}}  {said}" for name, said in question.options.items())


def read(question: Question, text: str) -> Any:
    """The answer as the card holds it; UsageError says what was expected."""
    law, said = catalogue(), " ".join(text.split())
    if not said.isprintable():
        raise UsageError("expected text without control characters")
    if _VARIABLE.search(said):
        raise UsageError("${ stands for a variable of the environment in a card", remedy="write it without the sign")
    if question.path == REASONS and not is_said(said):
        raise UsageError(f"expected reasons, got {said!r}: without them the denial counts for nothing")
    if question.kind == "truth":
        if said.lower() not in (*_YES, *_NO):
            raise UsageError(f"expected yes or no, got {said!r}")
        return said.lower() in _YES
    if question.kind == "choice":
        known = {name.lower(): name for name in question.options}
        if said.lower() not in known:
            raise UnknownName("choice", said, question.options)
        return known[said.lower()]
    if question.kind in ("points", "conditions", "practices"):
        return _listed(question, [part.strip() for part in said.split(",") if part.strip()], law)
    if question.kind in ("party", "act", "day") and said.lower() in NONE:
        return "none"
    if question.kind == "day":
        placed({PLACED: said})
    return said


def statements(question: Question, value: Any, card: Mapping[str, Any], *, by: str, on: str) -> dict[str, Statement]:
    """What is to be written for an answer, by path: plain where the card's ``declared`` says who and when anyway.

    A card without ``declared`` gets it from its first answer.
    """
    found: dict[str, Statement] = {}
    declared = card.get("declared")
    if not declared:
        found["declared"] = Statement(value={"by": by, "date": on})
        declared = {"by": by, "date": on}
    path = question.path
    if question.kind == "party" and value != "none":
        there = card.get(path)
        path, value = (f"{path}.name", value) if _has_name(there) else (path, {"name": value})
    elif path.startswith("roles.") and isinstance(there := card.get("roles"), Sequence):
        path, value = "roles", {**dict.fromkeys(there, True), path.removeprefix("roles."): value}
    plain = words(declared.get("by")) == by and words(declared.get("date")) == on
    plain = plain and not (path == IN_SCOPE and value is False)  # who denies it says so there
    plain = plain or path in ("name", "version", "roles")  # these are read as they stand
    above, _, last = path.rpartition(".")
    if isinstance(there := _at(card, above), str | bool):  # a statement of the whole stays beside those of its parts
        below = value if plain else {"value": value, "by": by, "date": on}
        found[above] = Statement(value={"value": there, last: below})
        return found
    found[path] = Statement(value=value) if plain else Statement(value=value, by=by, date=on)
    return found


def _at(card: Mapping[str, Any], path: str) -> object:
    """What stands at a dotted path as it is written; None where nothing does."""
    here: object = card
    for step in path.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def _has_name(party: object) -> bool:
    return isinstance(party, Mapping) and "name" in party


def _matters(question: Question, card: Mapping[str, Any]) -> bool:
    plain = plainly(card)
    if question.when == "outside":
        return truth(plain, IN_SCOPE) is False
    if question.when == "chain":
        return parties_in_chain(plain, catalogue())
    if question.when == "listed":
        return bool(named(plain.get("annex_iii")))
    if question.when == "product":
        return bool(named(plain.get("annex_i")))
    if question.when == "exception":
        return bool(named(plain.get("annex_iii"))) and bool(conditions_of(plain))
    return True


def _conditions(card: Mapping[str, Any], law: Catalogue) -> Iterator[Question]:
    """Conditions of roles that nothing but a person can settle, and those that the card settles already."""
    roles = law.pack.roles
    open_ones = {each.role: each for each in bind(card, law=law).open}
    hang: dict[str, list[Requirement]] = {}  # by the role under whose name it is settled
    for each in sorted(open_ones.values(), key=lambda each: not roles[each.role].settled_by):
        hang.setdefault(roles[each.role].settled_by or each.role, []).extend(each.requirements)
    settled = plainly(card).get("roles") or ()
    for name, role in roles.items():
        hanging = open_ones.get(name)
        asked = hanging is not None and hanging.why == f"if {role.condition}"
        if role.condition is None or role.settled_by or not (asked or name in settled):
            continue
        first = next(iter(hang.get(name, ())), None)
        why = "" if first is None else f"The first provision that hangs on it: {first.cited}."
        yield Question(
            path=f"roles.{name}",
            topic="Conditions",
            ask=f"Does it hold that {role.condition}?",
            why=f"It binds {law.party_words(name)}. {why}".strip(),
            kind="truth",
            requirements=() if first is None else (first.id,),
        )


def _about(field: CardField, law: Catalogue) -> Question:
    return Question(
        path=field.path,
        topic="Documents",
        ask=f"{field.what[:1].upper()}{field.what[1:]}?",
        why=f"To be supplied by: {field.supplier}.",
        kind="text" if (known := asked_at(field.path)) is None else known.kind,
        requirements=(field.requirement,),
    )


def _condition(summary: str) -> str:
    """What a condition of Art. 6(3) is, out of its summary.

    >>> _condition("Derogation: a system is not high-risk where it does a preparatory task; read narrowly; never so.")
    'it does a preparatory task'
    """
    return summary.partition(" where ")[2].partition(";")[0] or summary


def _listed(question: Question, parts: Sequence[str], law: Catalogue) -> Any:
    """Several names as the card holds them: text where there is one."""
    if not parts:
        raise UsageError(f"expected {how(question)}")
    chosen = named(list(parts)) or ()
    if question.kind == "points":
        chosen = tuple(law.use_case(each).point for each in chosen)
    elif question.kind == "conditions":
        chosen = conditions_of({"art_6_3": list(chosen)}) or ()
    else:
        ids = practices_of({"art_5": list(chosen)}, law) or ()
        chosen = tuple(id.rpartition(":")[2] for id in ids)
    if not chosen:
        return "none"
    return chosen[0] if len(chosen) == 1 else list(dict.fromkeys(chosen))
