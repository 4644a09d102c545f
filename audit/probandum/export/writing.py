"""Text that came from data, made safe for the format that it is put into."""

from __future__ import annotations

import re

#: What no XML 1.0 document may hold, and no log should: control characters, half surrogates, non-characters, and
#: what turns the direction of the text behind it.
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """``text`` with every character that XML cannot hold, or that deceives the eye, written out.

    >>> legal("a\\x00b")
    'a\\\\x00b'
    """
    return _ILLEGAL.sub(lambda match: match.group().encode("unicode-escape").decode("ascii"), text)


def line(text: str, longest: int = 1000) -> str:
    """``text`` on one line, cut where it is too long, with how much was left out.

    >>> line("a\\n b"), line("abcdef", 4)
    ('a b', 'abcd … (2 more characters)')
    """
    flat = " ".join(legal(text).split())
    return flat if len(flat) <= longest else f"{flat[:longest]} … ({len(flat) - longest:,} more characters)"
