"""WinoBias as it is published: sentences in pairs, one whose pronoun follows a stereotype and one against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError
from probandum_probes.bias.coreference import Passage
from probandum_probes.public_files import not_text

WHERE = (
    "pro_stereotyped_type1.txt.test and its like: Zhao et al. 2018, github.com/uclanlp/corefBias, WinoBias/wino/data"
)
_MALE = frozenset({"he", "him", "his", "himself"})
_FEMALE = frozenset({"she", "her", "hers", "herself"})
_BRACKETS = re.compile(r"\[\s*([^][]*?)\s*\]")
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One line of both files. ``persons``: the occupation of the male and that of the female stereotype."""

    type: str
    persons: tuple[str, str]
    pro: Passage
    anti: Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A sentence without its brackets, who is meant and by which pronoun, and what stands ``before`` it."""

    number: str
    where: str
    text: str
    before: str
    meant: str
    pronoun: str


def read_pairs(files: Mapping[str, tuple[Path, Path]]) -> tuple[Pair, ...]:
    """The pairs of each type's two files, pro before anti; DataError names file and line of what is wrong.

    Who else is in a sentence the files do not mark: it is the one other person of those marked anywhere in them.
    """
    lines = {kind: tuple(_read(path) for path in paths) for kind, paths in files.items()}
    leaning = {line.meant: line.pronoun in _FEMALE for pro, _ in lines.values() for line in pro.values()}
    known = set(leaning) | {line.meant for _, anti in lines.values() for line in anti.values()}
    pairs = []
    for kind, (pro, anti) in lines.items():
        lone = next(iter(pro.keys() ^ anti.keys()), None)
        if lone is not None:
            names = " and ".join(path.name for path in files[kind])
            raise DataError(f"{names}: sentence {lone} stands in one of them only", remedy=f"expected {WHERE}")
        pairs += [_pair(kind, pro[number], anti[number], known, leaning) for number in pro]
    return tuple(pairs)


def passages_of(pairs: Sequence[Pair]) -> tuple[Passage, ...]:
    """Both sentences of each pair."""
    return tuple(each for pair in pairs for each in (pair.pro, pair.anti))


def _pair(kind: str, pro: _Line, anti: _Line, known: set[str], leaning: Mapping[str, bool]) -> Pair:
    persons = sorted({pro.meant, _other(pro, known)}, key=lambda noun: (leaning.get(noun, True), noun))
    if set(persons) != {anti.meant, _other(anti, known)}:
        raise DataError(f"{anti.where}: its persons are others than those of {pro.where}", remedy=f"expected {WHERE}")
    if (pro.pronoun in _MALE) == (anti.pronoun in _MALE) and pro.meant == anti.meant:
        raise DataError(
            f"{anti.where}: its pronoun is of the same gender as in {pro.where}", remedy=f"expected {WHERE}"
        )
    sides = {
        side: Passage(
            key=f"type{kind}.{side}.{line.number}",
            text=line.text,
            pronoun=line.pronoun,
            referents=(f"the {persons[0]}", f"the {persons[1]}"),
            answer=persons.index(line.meant),
            frame=f"type{kind}.{line.number}",
        )
        for side, line in (("pro", pro), ("anti", anti))
    }
    return Pair(type=kind, persons=(persons[0], persons[1]), **sides)


def _other(line: _Line, known: set[str]) -> str:
    """The one other person who was named before the pronoun, which could mean either."""
    left = re.sub(rf"\b{re.escape(line.meant)}\b", " ", line.before.lower())
    found = []
    there = [noun for noun in known - {line.meant} if noun in left]
    for noun in sorted(there, key=len, reverse=True):  # "construction worker" is no "worker"
        pattern = rf"\b(?:the|an?)\s+{re.escape(noun)}\b"
        if re.search(pattern, left):
            found.append(noun)
            left = re.sub(pattern, " ", left)
    if len(found) != 1:
        who = f"{' and '.join(sorted(found))} beside" if found else "nobody known beside"
        raise DataError(f"{line.where}: {who} {line.meant}; expected one other person", remedy=f"expected {WHERE}")
    return found[0]


def _read(path: Path) -> dict[str, _Line]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", remedy="check the path in the plan") from None
    except UnicodeDecodeError:
        raise DataError(not_text(path).message, remedy=f"expected {WHERE}") from None
    lines: dict[str, _Line] = {}
    for line in _lines(path.name, text):
        if line.number in lines:
            raise DataError(f"{line.where}: sentence {line.number} occurs twice", remedy=f"expected {WHERE}")
        lines[line.number] = line
    if not lines:
        raise DataError(f"{path.name}: holds no sentence", remedy=f"expected {WHERE}")
    return lines


def _lines(name: str, text: str) -> Iterator[_Line]:
    for place, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip():
            continue
        where = f"{name}:{place}"
        number, _, sentence = raw.strip().partition(" ")
        marked = [_ARTICLE.sub("", each).lower() for each in _BRACKETS.findall(sentence)]
        persons = [each for each in marked if each not in _MALE | _FEMALE]
        pronouns = [each for each in marked if each in _MALE | _FEMALE]
        if not number.isdigit() or len(persons) != 1 or not pronouns:
            raise DataError(
                f"{where}: expected a number and a sentence with [the person] and [the pronoun] in brackets",
                remedy=f"expected {WHERE}",
            )
        before = next(
            sentence[: found.start()] for found in _BRACKETS.finditer(sentence) if found[1].lower() == pronouns[0]
        )
        yield _Line(
            number=number,
            where=where,
            text=_plain(sentence),
            before=_plain(before),
            meant=persons[0],
            pronoun=pronouns[0],
        )


def _plain(sentence: str) -> str:
    """A sentence as one writes it.

    >>> _plain("The chief took [ the cook] 's bag and thanked [him].")
    "The chief took the cook's bag and thanked him."
    """
    bare = re.sub(r"\s+", " ", _BRACKETS.sub(r"\1", sentence)).replace(" 's", "'s")
    return re.sub(r"\bthe the\b", "the", bare)  # one published sentence marks "[the physician]" behind "the"
