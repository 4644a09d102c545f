"""The keys of a card that classify: what each may say, and how it is read. The card is one of plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from probandum.dates import as_of_day
from probandum.errors import UnknownName, UsageError
from probandum.law.loading import Catalogue, catalogue
from probandum.stating import named, plainly

#: The conditions of Art. 6(3) that a card may claim.
CONDITIONS = ("a", "b", "c", "d")
#: The two conditions of Art. 6(1), which must both be met.
PRODUCT_CONDITIONS = ("safety_component", "third_party_assessment")
#: Whether it is an AI system within the scope of the Act, and when it came onto the market or into service.
IN_SCOPE, PLACED = "in_scope", "placed_on_market"


def conditions_of(card: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The conditions of Art. 6(3) that a card claims; None where it does not say, empty for none.

    >>> conditions_of({"art_6_3": ["Art. 6(3)(a)", "d"]})
    ('a', 'd')
    """
    found = named(card.get("art_6_3"))
    if found is None:
        return None
    letters = []
    for each in found:
        letter = each.lower().replace(" ", "").removeprefix("art.").removeprefix("6(3)").strip("()")
        if letter not in CONDITIONS:
            raise UnknownName("condition of Art. 6(3)", each, CONDITIONS)
        letters.append(letter)
    return tuple(dict.fromkeys(letters))


def practices_of(card: Mapping[str, Any], law: Catalogue) -> tuple[str, ...] | None:
    """The ids of the practices of Art. 5(1) that a card names; None where it does not say, empty for none.

    >>> from probandum.law import catalogue
    >>> practices_of({"art_5": "Art. 5(1)(f)"}, catalogue()), practices_of({"art_5": "none"}, catalogue())
    (('ai-act:art-5:1:f',), ())
    """
    found = named(card.get("art_5"))
    if found is None:
        return None
    known = {id.rpartition(":")[2]: id for id in law.requirements if id.startswith("ai-act:art-5:1:")}
    ids = []
    for each in found:
        letter = each.lower().replace(" ", "").removeprefix("art.").removeprefix("5(1)").strip("()")
        if letter not in known:
            raise UnknownName("practice of Art. 5(1)", each, known)
        ids.append(known[letter])
    return tuple(dict.fromkeys(ids))


def section_of(card: Mapping[str, Any]) -> str | None:
    """The section of Annex I that the card names, A or B; None where it names none."""
    found = card.get("annex_i_section")
    if found is None:
        return None
    section = str(found).strip().upper().removeprefix("SECTION ")
    if section not in ("A", "B"):
        raise UnknownName("section of Annex I", str(found), ("A", "B"))
    return section


def placed(card: Mapping[str, Any]) -> str | None:
    """The day on which the system came onto the market or into service, empty where it has not; None where unsaid.

    >>> placed({"placed_on_market": "2026-03-01"}), placed({"placed_on_market": "none"}), placed({})
    ('2026-03-01', '', None)
    """
    found = named(card.get(PLACED))
    if found is None:
        return None
    try:
        return as_of_day(", ".join(found)).isoformat() if found else ""
    except UsageError:
        told = f"{PLACED} is {', '.join(found)!r}: expected one date such as 2026-11-23, or none"
        raise UsageError(told, remedy="correct the card") from None


def truth(card: Mapping[str, Any], key: str) -> bool | None:
    """Whether the card says yes or no; None where it says neither."""
    found = card.get(key)
    if found is None or isinstance(found, bool):
        return found
    raise UsageError(f"{key}: expected true or false, got {found!r}", remedy="correct the card")


def settled_roles(card: Mapping[str, Any], law: Catalogue) -> dict[str, bool]:
    """The roles that the card settles, by name: those that hang on a condition; others follow from its other keys."""
    said = card.get("roles") or {}
    if isinstance(said, str) or not isinstance(said, Mapping | Sequence):
        raise UsageError(f"roles: expected a list of role names, or name: true or false, got {said!r}")
    pairs = said.items() if isinstance(said, Mapping) else [(name, True) for name in said]
    for name, value in pairs:
        if name not in conditional(law):
            raise UnknownName("role", str(name), conditional(law))
        if not isinstance(value, bool):
            raise UsageError(f"roles.{name}: expected true or false, got {value!r}")
    return dict(pairs)


def conditional(law: Catalogue) -> list[str]:
    """The roles that a card may settle: those that hang on a condition."""
    return [name for name, role in law.pack.roles.items() if role.condition is not None]


#: Where in a value of the card a problem stands, and what it is.
Problem = tuple[tuple[str | int, ...], str]


def problems(key: str, value: Any) -> Iterator[Problem]:
    """Everything under a classifying key of a card that cannot be read; what is of another kind, its model says.

    >>> [place for place, _ in problems("annex_iii", ["5(b)", "9(z)", "8(q)"])]
    [(1,), (2,)]
    >>> list(problems("annex_iii", 2))
    [((), "a point is text: write it in quotes, '2'")]
    """
    law = catalogue()
    if key == "roles":
        yield from _of_roles(value, law)
        return
    above: tuple[str | int, ...] = ()
    if isinstance(value, Mapping) and "value" in value:
        above, value = ("value",), value["value"]
    elif isinstance(value, Mapping):
        return
    read = _READERS[key]
    listed = isinstance(value, list)
    wrong = False
    for place, each in enumerate(value) if listed else [(None, value)]:
        below = above if place is None else (*above, place)
        if key == "annex_iii" and isinstance(each, int | float) and not isinstance(each, bool):
            said: str | None = f"a point is text: write it in quotes, '{each}'"
        else:
            said = _said(read, each, law) if isinstance(each, str) or above else None
        if said is not None:
            wrong = True
            yield below, said
    if listed and not wrong and (said := _said(read, value, law)) is not None:
        yield above, said


def _of_roles(value: Any, law: Catalogue) -> Iterator[Problem]:
    """Every name that is no role, and every value that is neither true nor false."""
    if isinstance(value, Mapping):
        pairs = [(name, name, plainly(said)) for name, said in value.items()]
    else:
        pairs = [(place, name, True) for place, name in enumerate(value if isinstance(value, list) else ())]
    known = conditional(law)
    for place, name, said in pairs:
        if isinstance(name, str) and name not in known:
            yield (place,), UnknownName("role", name, known).lines()[0]
        elif not isinstance(said, bool):
            yield (place,), f"expected true or false, got {said!r}"


def _truth(value: Any, law: Catalogue) -> None:
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"expected true or false, got {value!r}")


#: How what a key says is read; each raises UsageError.
_READERS: Mapping[str, Callable[[Any, Catalogue], object]] = {
    "annex_iii": lambda value, law: [law.use_case(each) for each in named(value) or ()],
    "annex_i": lambda value, law: named(value),
    "annex_i_section": lambda value, law: section_of({"annex_i_section": value}),
    "art_5": lambda value, law: practices_of({"art_5": value}, law),
    "art_6_3": lambda value, law: conditions_of({"art_6_3": value}),
    IN_SCOPE: _truth,
    PLACED: lambda value, law: placed({PLACED: value}),
    "profiling": _truth,
    "safety_component": _truth,
    "third_party_assessment": _truth,
}


def _said(read: Callable[[Any, Catalogue], object], value: Any, law: Catalogue) -> str | None:
    """What is wrong with a value; None where it can be read."""
    try:
        read(value, law)
    except UsageError as error:
        return error.lines()[0]
    return None


def product_of(card: Mapping[str, Any]) -> bool | None:
    """Whether a law of Annex I, its section and both conditions of Art. 6(1) are declared; None where that is open.

    The section decides what of the Act applies: without it nothing is said to bind.

    >>> product_of({"annex_i": "lifts"}), product_of({"annex_i": "lifts", "safety_component": False})
    (None, False)
    """
    conditions = [truth(card, key) for key in PRODUCT_CONDITIONS]
    section = section_of(card)
    products = named(card.get("annex_i"))
    if products is None:
        return None
    if not products or False in conditions:
        return False
    return None if section is None or None in conditions else True


def product_silence(card: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys whose silence leaves the product route open; empty where it is settled.

    >>> product_silence({}), product_silence({"annex_i": "lifts", "safety_component": True})
    (('annex_i',), ('annex_i_section', 'third_party_assessment'))
    """
    if product_of(card) is not None:
        return ()
    if named(card.get("annex_i")) is None:
        return ("annex_i",)
    unsaid = ("annex_i_section",) if section_of(card) is None else ()
    return (*unsaid, *(key for key in PRODUCT_CONDITIONS if truth(card, key) is None))
