"""A language in other letters: what stays as it was shows at once.

A letter is the one thirteen places on, with an accent, so that no word of it reads as an English one, to the lint
either. Its catalogue holds every message that translators get, as ``pybabel extract`` finds them.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

import probandum
import probandum_reports
from probandum.resources import shipped
from probandum.speech import Forms

#: Letters that the shipped fonts have, one each.
_OTHERS = "ńóṗɋŕśťúṽŵẋýźáƀćđéƒĝĥíĵķĺṁŃÓṖɊŔŚŤÚṼŴẊÝŹÁɃĆĐÉƑĜĤÍĴĶĹṀ"
_ALIKE = str.maketrans(string.ascii_letters, _OTHERS)
#: What a text leaves open: a name in braces, or what Jinja fills in.
_OPEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{[^{}]*\})")


def disguised(text: str) -> str:
    """``text`` in other letters, but for what it leaves open.

    >>> disguised("{n:,} of {{ card('name') }}")
    "{n:,} ƀś {{ card('name') }}"
    """
    return "".join(part if place % 2 else part.translate(_ALIKE) for place, part in enumerate(_OPEN.split(text)))


@cache
def catalogue() -> Mapping[str, str | Forms]:
    """All messages in that language."""
    found: dict[str, str | Forms] = {}
    for message in _messages():
        if isinstance(message, tuple):
            found[message[0]] = Forms((disguised(message[0]), disguised(message[1])), lambda n: int(n != 1))
        else:
            found.setdefault(message, disguised(message))
    return found


def _messages() -> Iterator[str | tuple[str, ...]]:
    """Every message of the templates, of the reports and of what the core says of a record."""
    with (shipped("templates") / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    reports = Path(probandum_reports.__file__).parent
    for folder in (shipped("templates"), reports, Path(probandum.__file__).parent.parent):
        for _, _, message, _, _ in extract_from_dir(folder, methods, options, directory_filter=_looked_into):
            yield message


def _looked_into(folder: str | os.PathLike[str]) -> bool:
    """Babel's own rule leaves out what begins with an underscore, as shared sections and the pages of renderers do."""
    return not Path(folder).name.startswith(".")
