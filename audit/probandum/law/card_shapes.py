"""What the classifying keys of a card may say, as JSON Schema: the same that ``card_keys`` reads, for editors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from probandum.law.card_keys import CONDITIONS, IN_SCOPE, PLACED, conditional
from probandum.law.loading import Catalogue
from probandum.stating import NONE

Schema = dict[str, Any]
#: Keys that are true or false.
_TRUTHS = (IN_SCOPE, "profiling", "safety_component", "third_party_assessment")


def shaped(properties: Mapping[str, Schema], law: Catalogue) -> None:
    """Narrow the properties of a card's schema to what the law can read, plain or with who says it."""
    none = _any_case(NONE)
    letters = [id.rpartition(":")[2] for id in law.requirements if id.startswith("ai-act:art-5:1:")]
    points = "|".join(_point(case.point) for case in law.use_cases.values())
    listed = {
        "annex_iii": rf"(?:[Aa]nnex\s+III)?[\s,]*(?:[Pp]oint)?\s*(?:{points})",
        "art_6_3": rf"(?:[Aa][Rr][Tt]\.)?\s*(?:6\s*\(3\))?\s*[()]*(?:{_any_case(CONDITIONS)})[()]*",
        "art_5": rf"(?:[Aa][Rr][Tt]\.)?\s*(?:5\s*\(1\))?\s*[()]*(?:{_any_case(letters)})[()]*",
        "annex_i": rf"(?!\s*(?:{none})\s*$).*\S.*",
    }
    for key, one in listed.items():
        only = [
            _text(f"(?:{none}|{one})"),
            {"type": "array", "items": _text(one)},
            {"type": "array", "items": _text(none), "maxItems": 1},
        ]
        _narrow(properties[key], only)
    _narrow(properties["annex_i_section"], [_text(r"(?:[Ss][Ee][Cc][Tt][Ii][Oo][Nn] )?[ABab]")])
    _narrow(properties[PLACED], [_text(rf"(?:{none}|\d{{4}}-\d{{2}}-\d{{2}})")])
    for key in _TRUTHS:
        _narrow(properties[key], [{"type": "boolean"}])
        properties[key]["description"] += " true or false: by YAML 1.2, yes is a text."
    names = conditional(law)
    for each in properties["roles"]["anyOf"]:
        if each["type"] == "array":
            each["items"] = {"enum": names}
        elif each["type"] == "object":
            each["propertyNames"] = {"enum": names}


def _narrow(key: Schema, only: list[Schema]) -> None:
    """Put ``only`` in the place of all that a key may say, but for what is said by somebody, false and null."""
    kept = [each for each in key["anyOf"] if each.get("type") == "null" or "const" in each]
    said = {"$ref": "#/$defs/Said", "properties": {"value": {"anyOf": [*only, *kept]}}}
    key["anyOf"] = [*only, said, *kept]


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": rf"^\s*{pattern}\s*$"}


def _point(point: str) -> str:
    r"""The spellings of a point.

    >>> _point("5(b)"), _point("2")
    ('\\(?5\\)?\\s*\\(?[bB]\\)?', '\\(?2\\)?')
    """
    number, _, letter = point.rstrip(")").partition("(")
    return rf"\(?{number}\)?" + (rf"\s*\(?[{letter}{letter.upper()}]\)?" if letter else "")


def _any_case(names: Iterable[str]) -> str:
    """Names, however they are capitalised: a schema has no flag for it.

    >>> _any_case(["no", "a"])
    '[nN][oO]|[aA]'
    """
    return "|".join("".join(f"[{each}{each.upper()}]" for each in re.escape(name)) for name in names)
