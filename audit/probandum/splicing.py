"""Splicing: statements written into YAML that a person wrote, in which every other byte stays as it is.

A parser that writes its values again would lose the person's line breaks; here only the new lines are made, and put
where the nodes around them end. Whoever splices reads the result again and compares: a shape that is not foreseen
here then is an error and no damaged file.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from probandum.errors import UsageError

#: How wide new lines are, where words allow it.
_WIDTH = 118
_STEP = 2
_BY_HAND = "write it there by hand"

#: What stands below a key: a statement, or keys in turn.
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a person states: a text, a number, a truth or a list, who, and the ISO date.

    Without ``by`` it is written as a plain value, for which the card's own ``declared`` speaks.
    """

    value: Any
    by: str | None = None
    date: str | None = None

    @property
    def plain(self) -> bool:
        """Whether it is written without who says it."""
        return self.by is None


def spliced(text: str, statements: Mapping[tuple[str, ...], Statement]) -> str:
    """``text``, a mapping in YAML, with each statement at its place; what stands there is replaced.

    UsageError where no statement can be put there, since the place lies below text, or behind an alias.

    >>> print(spliced("system:\\n  name: Desk  # ours\\n", {("system", "purpose"): Statement(
    ...     value="Decides on loans", by="A. Example", date="2026-11-29")}))
    system:
      name: Desk  # ours
      purpose:
        value: Decides on loans
        by: A. Example
        date: 2026-11-29
    <BLANKLINE>
    """
    tree: dict[str, Any] = {}
    for place, statement in statements.items():
        below = tree
        for step in place[:-1]:
            below = below.setdefault(step, {})
        below[place[-1]] = statement
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise UsageError("expected keys and values", remedy=_BY_HAND)
    splicer = _Splicer(text)
    splicer.merge(root, tree, ())
    for start, end, new in sorted(splicer.edits, reverse=True):
        text = text[:start] + new.replace("\n", newline) + text[end:]
    return text


class _Splicer:
    """Collects what is put where."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.edits: list[tuple[int, int, str]] = []

    def merge(self, node: yaml.MappingNode, tree: Tree, place: tuple[str, ...]) -> None:
        """Put ``tree`` into a mapping: what it has is filled or replaced, what is new stands at its end."""
        known = {key.value: (key, value) for key, value in node.value}
        for name, below in tree.items():
            if name in known:
                self._into(node, *known[name], below, (*place, name))
        new = {name: below for name, below in tree.items() if name not in known}
        if new:
            self._append(node, new)

    def _into(self, parent: yaml.MappingNode, key: yaml.Node, value: yaml.Node, below: Any, place: Any) -> None:
        if value.start_mark.index < key.end_mark.index:
            raise UsageError(f"{'.'.join(place)}: stands behind an alias, and other places with it", remedy=_BY_HAND)
        empty = isinstance(value, yaml.ScalarNode) and value.tag.endswith(":null")
        if isinstance(below, Statement) or empty:
            self._replace(parent, key, value, below)
        elif isinstance(value, yaml.MappingNode):
            self.merge(value, below, place)
        else:
            kind = "a list" if isinstance(value, yaml.SequenceNode) else "a text"
            inner = ", ".join(map(str, below))
            raise UsageError(f"{'.'.join(place)}: holds {kind}, and {inner} belongs below it", remedy=_BY_HAND)

    def _replace(self, parent: yaml.MappingNode, key: yaml.Node, value: yaml.Node, below: Any) -> None:
        start, end = value.start_mark.index, _end(value)
        if parent.flow_style:
            new = _within(_flow(below), parent.start_mark.column + 1)
            self.edits.append((start, end, f"{' ' * (start == end)}{new}"))
            return
        if isinstance(below, Statement) and below.plain:
            broken = end > start and self._text[end - 1] == "\n"
            self.edits.append((start, end, f"{' ' * (start == end)}{_scalar(below.value)}{chr(10) * broken}"))
            return
        indent = key.start_mark.column + _STEP
        while self._text[start - 1] == " ":
            start -= 1
        below_key = value.start_mark.line > key.end_mark.line
        if below_key:  # the break before it is written again
            start = len(self._text[:start].removesuffix("\n").removesuffix("\r"))
        lines = "\n".join(_statement(below, indent) if isinstance(below, Statement) else _block(below, indent))
        if end > start and self._text[end - 1] == "\n":  # a text of several lines ends where the next line begins
            self.edits.append((start, end, f"\n{lines}\n"))
            return
        stop = self._end_of_line(end)
        behind = self._text[end:stop].strip()
        before = f"\n{' ' * indent}" if below_key else " "
        self.edits.append((start, stop, f"{before * bool(behind)}{behind}\n{lines}"))

    def _append(self, node: yaml.MappingNode, new: Tree) -> None:
        if node.flow_style:
            self._append_in_braces(node, new)
            return
        last_key, last = node.value[-1]
        behind = last.start_mark.index < last_key.end_mark.index  # an alias: its value stands elsewhere
        end = last_key.end_mark.index if behind else _end(last)
        lines = "\n".join(_block(new, node.value[0][0].start_mark.column))
        if end > 0 and self._text[end - 1] == "\n":
            self.edits.append((end, end, f"{lines}\n"))
        else:
            stop = self._end_of_line(end)
            self.edits.append((stop, stop, f"\n{lines}"))

    def _append_in_braces(self, node: yaml.MappingNode, new: Tree) -> None:
        """Each new entry on a line of its own, below the first of those in the braces."""
        start = node.start_mark
        between = ",\n" + " " * (start.column + 1)
        said = between.join(
            _within(f"{_scalar(name)}: {_flow(below)}", start.column + 1) for name, below in new.items()
        )
        if node.value:
            end = _end(node.value[-1][1])
            self.edits.append((end, end, f"{between}{said}"))
        else:
            self.edits.append((start.index + 1, start.index + 1, said))

    def _end_of_line(self, place: int) -> int:
        found = self._text.find("\n", place)
        end = len(self._text) if found < 0 else found
        return end - 1 if end > place and self._text[end - 1] == "\r" else end


def _end(node: yaml.Node) -> int:
    """Where a node ends; of one without brackets, where the last value in it does, and not the comments behind."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        key, value = node.value[-1]
        return key.end_mark.index if value.start_mark.index < key.end_mark.index else _end(value)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last) if last.start_mark.index >= node.start_mark.index else node.end_mark.index
    return node.end_mark.index


def _block(tree: Tree, indent: int) -> list[str]:
    lines = []
    for name, below in tree.items():
        if isinstance(below, Statement) and below.plain:
            lines += _value(below.value, indent, key=_scalar(name))
            continue
        lines.append(f"{' ' * indent}{_scalar(name)}:")
        inner = indent + _STEP
        lines += _statement(below, inner) if isinstance(below, Statement) else _block(below, inner)
    return lines


def _statement(said: Statement, indent: int) -> list[str]:
    before = " " * indent
    return [
        *_value(said.value, indent),
        f"{before}by: {_line(said.by)}",
        f"{before}date: {said.date}",
    ]


def _value(said: Any, indent: int, *, key: str = "value") -> list[str]:
    """The value in one line, or a text in as many as it has or needs, where reading these gives the same text again."""
    before, inner = " " * indent, " " * (indent + _STEP)
    if isinstance(said, str):
        lines = said.split("\n")
        plain = said.isprintable() or all(line.isprintable() for line in lines)
        if plain and len(lines) > 1 and all(line == line.strip() for line in lines) and lines[0] and lines[-1]:
            return [f"{before}{key}: |-", *(f"{inner}{line}".rstrip() for line in lines)]
        if len(said) > _WIDTH - indent and plain and len(lines) == 1 and said == " ".join(said.split()):
            wide = max(_WIDTH - indent - _STEP, 40)
            folded = textwrap.wrap(said, wide, break_long_words=False, break_on_hyphens=False)
            return [f"{before}{key}: >-", *(f"{inner}{line}" for line in folded)]
    return [f"{before}{key}: {_line(said)}"]


def _flow(below: Any) -> str:
    if isinstance(below, Statement) and below.plain:
        return _scalar(below.value)
    if isinstance(below, Statement):
        return f"{{value: {_scalar(below.value)}, by: {_scalar(below.by)}, date: {below.date}}}"
    return "{" + ", ".join(f"{_scalar(name)}: {_flow(inner)}" for name, inner in below.items()) + "}"


def _within(said: str, indent: int) -> str:
    """What stands in braces, in lines that are not too long: a line break reads as a blank there."""
    lines = textwrap.wrap(said, max(_WIDTH - indent, 40), break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * (indent + _STEP)}".join(lines)


def _line(said: Any) -> str:
    """A value behind a key that stands in no braces, where commas need no quotes.

    >>> _line("Ann Example, compliance"), _line("no"), _line("TODO")
    ('Ann Example, compliance', "'no'", '"TODO"')
    """
    if not isinstance(said, str) or said == "TODO" or not said.isprintable():
        return _scalar(said)
    return yaml.safe_dump({"k": said}, allow_unicode=True, width=10**9).removeprefix("k: ").strip()


def _scalar(said: Any) -> str:
    """A value as YAML in one line, a text with quotes where it could be read as something else.

    >>> _scalar("Decides"), _scalar("yes"), _scalar("a: b"), _scalar("TODO"), _scalar(True), _scalar(["4(a)", "5(b)"])
    ('Decides', "'yes'", "'a: b'", '"TODO"', 'true', '[4(a), 5(b)]')
    """
    quoted = '"' if isinstance(said, str) and (said == "TODO" or not said.isprintable()) else None
    written = yaml.safe_dump([said], default_flow_style=True, allow_unicode=True, width=10**9, default_style=quoted)
    written = written.strip().removeprefix("[").removesuffix("]")
    return "".join(map(_escaped, written)) if quoted else written


def _escaped(character: str) -> str:
    r"""A character within double quotes; what is not seen, and would turn round what is, as its code.

    >>> _escaped("\u202e"), _escaped("\U000e0001"), _escaped("a")
    ('\\u202e', '\\U000e0001', 'a')
    """
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
