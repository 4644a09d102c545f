"""Names of classes in other writing: whether a plan calls a class by the name of another one.

``True``, ``true``, ``1.0``, ``01`` and ``Class 1`` may all stand for the class that a model calls 1.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII)
#: A number as it is read.
_FRACTION = re.compile(r"-?\d+(?:/\d+)?", re.ASCII)
#: A number inside a name; a hyphen behind a word is no sign.
_INSIDE = re.compile(r"((?:(?<!\S)[+-])?\d+(?:\.\d+)?)", re.ASCII)
#: What may stand between the words of a name.
_BETWEEN = re.compile(r"(?<=[^\W_])(?:[\s_]+|-)(?=[^\W_])")
#: Words for 0 and 1, where they are all the names that there are.
_PAIRS = (("false", "true"), ("f", "t"), ("no", "yes"), ("n", "y"), ("off", "on"))


def miscalled(names: Sequence[str], own: Sequence[str], *, counted: bool = False) -> str | None:
    """What is wrong with ``names`` for the classes that a model calls ``own``, one each; None where nothing is.

    Other names may be given in their place, as "good" for 1. The model's own in another order would call each class by
    the name of another one, and so may one of them in the place of another, in whichever writing; not so where all are
    numbers in the same order. ``counted``: the model's file holds no names and counts classes from 0, so that some of
    these numbers may be the true names of other classes.

    >>> miscalled(["true", "false"], ["0", "1"])
    "names true, false, and the model's own classes are 0, 1, in this order: 0 would be called true"
    >>> miscalled(["bad", "good"], ["0", "1"]), miscalled(["No", "Yes"], ["no", "yes"])
    (None, None)
    >>> miscalled(["1", "2"], ["0", "1"]), miscalled(["bad", "1"], ["0", "1"])
    (None, None)
    >>> miscalled(["1", "good"], ["0", "1"])
    "names 1, good, and the model's own classes are 0, 1, in this order: 0 would be called 1"
    """
    misplaced = _reordered if counted else _misplaced
    for reading, mistaken in ((tuple, _reordered), (_read, misplaced), (_numbered, _reordered)):
        given, there = reading(names), reading(own)
        if given == there:
            return None
        if mistaken(given, there):
            place = next(place for place, name in enumerate(given) if name != there[place] and name in there)
            return (
                f"names {', '.join(names)}, and the model's own classes are {', '.join(own)}, in this order: "
                f"{own[place]} would be called {names[place]}"
            )
    return None


def _reordered(given: Sequence[str], there: Sequence[str]) -> bool:
    return sorted(given) == sorted(there)


def _misplaced(given: Sequence[str], there: Sequence[str]) -> bool:
    """Whether a class has the name of another one, and the names are no other numbers in the same order."""
    if _rising(given, there):
        return False
    return any(name != own and name in there for name, own in zip(given, there, strict=True))


def _rising(given: Sequence[str], there: Sequence[str]) -> bool:
    """Whether all are numbers, and those given rise as the others do.

    >>> _rising(["0", "1"], ["-1", "1"]), _rising(["2", "1"], ["1", "2"]), _rising(["a"], ["1"])
    (True, False, False)
    """
    if not all(map(_FRACTION.fullmatch, (*given, *there))):
        return False
    ordered = [Fraction(name) for _, name in sorted(zip(map(Fraction, there), given, strict=True))]
    return all(low < high for low, high in itertools.pairwise(ordered))


def _read(names: Sequence[str]) -> tuple[str, ...]:
    """Names without what only writing adds: case, spaces, how a number is written, and words for 0 and 1.

    >>> _read(["No ", "YES"]), _read(["01", "1.50"]), _read(["not_granted", "A-"])
    (('0', '1'), ('1', '3/2'), ('not granted', 'a-'))
    """
    plain = [_BETWEEN.sub(" ", text) if not _NUMBER.fullmatch(text) else text for text in map(_folded, names)]
    pair = next((pair for pair in _PAIRS if sorted(pair) == sorted(plain)), ())
    return tuple(str(pair.index(text)) if pair else _as_number(text) for text in plain)


def _numbered(names: Sequence[str]) -> tuple[str, ...]:
    """The numbers inside names that differ by them alone; none where names differ otherwise.

    >>> _numbered(["Class 1", "class-0"]), _numbered(["grade A1", "grade B2"])
    (('1', '0'), ())
    """
    split = [_INSIDE.split(_BETWEEN.sub(" ", _folded(name))) for name in names]
    if len({len(pieces) for pieces in split}) != 1:
        return ()
    differing = [(place, pieces) for place, pieces in enumerate(zip(*split, strict=True)) if len(set(pieces)) > 1]
    alone = len(differing) == 1 and differing[0][0] % 2  # every second piece is a number
    return tuple(map(_as_number, differing[0][1])) if alone else ()


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _as_number(text: str) -> str:
    return str(Fraction(text)) if _NUMBER.fullmatch(text) else text
