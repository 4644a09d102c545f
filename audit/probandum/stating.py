"""What a card states: a value plain, or with who said it and when; a card believes whoever it names.

A mapping with the key ``value`` states that value, ``by`` whom and on which ``date``; where a value names nobody, the
card's own ``declared: {by, date}`` speaks for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from probandum.errors import UsageError

#: What says that there is none, where a key asks which.
NONE: Final = ("none", "no", "outside")
#: What names no person where a name is asked, in small letters without signs.
_NOBODY = (
    *("nobody", "no one", "noone", "somebody", "someone", "anybody", "anyone", "unknown", "anonymous", "n n"),
    *("no name", "not named", "unnamed", "ai", "tool", "system", "model", "probandum"),
    *("the ai", "the tool", "the system", "the model"),
)

#: What stands where somebody has yet to say something, whatever stands behind the first line of it.
_STAND_IN = re.compile(
    r"""\W* (?: (?:tb[acd]|t\.b\.[acd]\.?|todo|fixme)\b.*
    | to\ be\ (?:added|announced|completed|confirmed|decided|defined|determined|done|filled(?:\ in)?|provided|supplied)
      (?:\ (?:by|in|later|once|soon|until|when)\b.{0,60})? \W*
    | (?:(?:still|currently)\ )?pending (?:\ (?:approval|confirmation|decision|input|review))? \W*
    | not\ yet (?:\ (?:assessed|available|clear|completed|decided|defined|determined|done|known|measured|provided
      |settled|specified|written))? \W*
    | (?:(?:to|will)\ follow|follows) (?:\ (?:later|soon))? \W*
    | see\ (?:above|below|elsewhere)\W* | asdf\w{0,20}\W* | qwert[yz]\w{0,20}\W*
    | x{3,20}\W* | n\s?[/.]\s?a\W* | lorem\ ipsum.* | placeholder\W* )?
    | \[[^\]]*\] | <[^>]*>""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def stands_in(text: str) -> bool:
    """Whether a text says that somebody has yet to say something, and nothing else.

    That something is unknown, or was not assessed, is a statement: whoever makes it answers for it, it may be all that
    there is to say of another's model or data, and a reader has a use for it. That it is not known or assessed yet says
    that an answer is to come, as "pending" does.

    >>> [stands_in(each) for each in ("TBD - to be completed", "n/a", "-", "xxx", "[name]", "To be filled in by legal")]
    [True, True, True, True, True, True]
    >>> [stands_in(each) for each in ("pending", "Not yet.", "not yet assessed", "to follow", "see above", "asdf")]
    [True, True, True, True, True, True]
    >>> [stands_in(each) for each in ("unknown", "Not assessed.", "None yet.", "Not yet marketed.", "See annex 4.")]
    [False, False, False, False, False]
    >>> [stands_in(each) for each in ("none", "To be completed forms are kept", "NA", "Xxxtra AG", "not applicable")]
    [False, False, False, False, False]
    """
    return bool(text.strip()) and _STAND_IN.fullmatch(" ".join(text.split())) is not None


def is_said(value: object) -> bool:
    """Whether something is said, and not that there is nothing, or that it is to come.

    >>> [is_said(each) for each in ("Fixed rules", "None.", "TBD", "", None)]
    [True, False, False, False, False]
    """
    text = words(value)
    return text.lower().strip(" .") not in ("", *NONE) and not stands_in(text)


def names_somebody(value: object) -> bool:
    """Whether who speaks is named.

    >>> [names_somebody(each) for each in ("A. Example", "the legal department", "none", "N. N.", "no-one", "[name]")]
    [True, True, False, False, False, False]
    """
    return is_said(value) and " ".join(re.findall(r"\w+", words(value).lower())) not in _NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A value of a card, who said it and when; None where the card does not say."""

    value: Any
    by: str | None = None
    on: str | None = None
    #: Whether the value names its speaker and day itself, and does not lean on the card's ``declared``.
    own: bool = False


def stated(card: Mapping[str, Any], path: str) -> Stated | None:
    """What stands at a dotted path; None where nothing does. Whoever states a whole states what it holds.

    >>> stated({"purpose": {"value": "Scores", "by": "A. Example", "date": "2026-11-01"}}, "purpose")
    Stated(value='Scores', by='A. Example', on='2026-11-01', own=True)
    >>> stated({"declared": {"by": "B"}, "data": {"cleaning": "None."}}, "data.cleaning")
    Stated(value='None.', by='B', on=None, own=False)
    >>> stated({"roles": ["gpai-systemic"]}, "roles.gpai-systemic").value  # a list names the roles that apply
    True
    """
    speaker = card.get("declared")
    value: Any = card
    for step in path.split("."):
        if _is_stated(value) and step not in value:
            speaker, value = value, value["value"]
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, list) and step in value and path == f"roles.{step}":
            value = True
        else:
            return None
    by, on = _text(speaker, "by"), _text(speaker, "date")
    if not _is_stated(value):
        return None if value is None else Stated(value=value, by=by, on=on)
    if value["value"] is None:
        return None
    own, when = _text(value, "by"), _text(value, "date")
    if own is not None:
        return Stated(value=value["value"], by=own, on=when, own=when is not None and names_somebody(own))
    return Stated(value=value["value"], by=by, on=when or on)


def plainly(value: Any) -> Any:
    """A card, or a part of one, without who said what and when.

    >>> plainly({"profiling": {"value": True, "by": "A"}, "provider": {"name": {"value": "B"}}})
    {'profiling': True, 'provider': {'name': 'B'}}
    """
    if _is_stated(value):
        return plainly(value["value"])
    if isinstance(value, Mapping):
        return {str(key): plainly(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plainly(inner) for inner in value]
    return value


def named(value: object) -> tuple[str, ...] | None:
    """What a key names that asks which: None where it says nothing, empty for none, else the names.

    >>> named("5(b)"), named(["4(a)", "5(b)"]), named("none"), named(False), named([]), named(None)
    (('5(b)',), ('4(a)', '5(b)'), (), (), None, None)
    """
    if value is None or value in ("", []):
        return None
    if isinstance(value, bool):
        return ("yes",) if value else ()
    values = [value] if isinstance(value, str | int | float) else value
    if isinstance(values, Mapping) or not isinstance(values, Sequence):
        raise UsageError(f"expected text, a list of texts, or none, got {value!r}", remedy="correct the card")
    texts = [str(each).strip() for each in values]
    found = tuple(text for text in texts if text and text.lower() not in NONE)
    if found and len(found) != len(texts):
        raise UsageError(f"none cannot stand beside {', '.join(found)}", remedy="keep one of them")
    return found


def words(value: object) -> str:
    """A card's value as one line of text; what nobody stated is left out.

    >>> words({"name": "Example Bank AG", "contact": ["a@example.org", "b@example.org"]})
    'Example Bank AG; contact: a@example.org, b@example.org'
    >>> words(True), words(2.0), words("  two \\n words ")
    ('yes', '2', 'two words')
    >>> words({"sha256": "ab", "at least": None}), words([None, "x"]), words(None)
    ('sha256: ab', 'x', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Mapping):
        named = sorted(value.items(), key=lambda item: item[0] != "name")
        return "; ".join(_named(str(key), text) for key, inner in named if (text := words(inner)))
    if isinstance(value, Sequence) and not isinstance(value, str):
        joint = "; " if any(isinstance(inner, Mapping) for inner in value) else ", "
        return joint.join(text for inner in value if (text := words(inner)))
    return " ".join(str(value).split())


def _named(key: str, text: str) -> str:
    """An entry of a mapping in words: a name needs no word before it."""
    return text if key == "name" else f"{key.replace('_', ' ')}: {text}"


def _is_stated(value: object) -> bool:
    return isinstance(value, Mapping) and "value" in value


def _text(value: object, key: str) -> str | None:
    """A text of a mapping; None where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return None if found is None else words(found) or None
