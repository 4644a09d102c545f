"""A YAML file as nodes, each with its place, up to a depth and a size.

Aliases count as what they stand for: a few lines of them can stand for more than a memory holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.composer import Composer

from probandum.errors import PlanError

#: How many levels of lists and mappings a file may nest; the deepest of ours has 13.
MOST_DEPTH = 100
#: How many keys and values a file may hold; the longest of ours has about 15,000.
MOST_VALUES = 200_000


def composed(path: Path, data: bytes, *, quick: bool = False) -> yaml.Node:
    """The node of the whole file; PlanError with its place where it is no YAML, or holds too much.

    ``quick`` is for files of ours: read by libyaml, which knows not every escape of JSON and says otherwise what is
    broken.
    """
    loader: Any = _QuickLoader if quick else _Loader
    try:
        text = data.decode("utf-8-sig")
        node = yaml.compose(text, Loader=loader)
    except UnicodeDecodeError:
        raise PlanError([f"{path}:1:1: not UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
        what = "" if isinstance(error, _TooMuch) else "broken YAML: "
        raise PlanError([f"{where}: {what}{', '.join(filter(None, [error.context, error.problem]))}"]) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        where = f"{path}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise PlanError([f"{where}: broken YAML: the character U+{error.character:04X} is not allowed"]) from None
    if node is None:
        raise PlanError([f"{path}:1:1: the file is empty"])
    return node


class _TooMuch(yaml.MarkedYAMLError):
    """Sound YAML that no reader should follow to its end."""


class _Counting(Composer):
    """Composes nodes, counts what they stand for, and stops where that is too much."""

    def compose_document(self) -> yaml.Node | None:
        """The whole file."""
        self._values = 0
        #: How many values and levels each finished node stands for; one that is still open has no entry.
        self._sizes: dict[yaml.Node, tuple[int, int]] = {}
        #: The levels below each open node, outermost first.
        self._below: list[int] = []
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node; an error at its place where it holds itself, or stands too deep or for too much."""
        event: yaml.Event = self.peek_event()  # type: ignore[attr-defined]  # of its parser
        if len(self._below) >= MOST_DEPTH:
            _refuse(event, f"nested deeper than {MOST_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if node not in self._sizes:
                _refuse(event, f"the alias *{event.anchor} stands within what it stands for")
            values, levels = self._sizes[node]
            self._values += values
        else:
            before = self._values
            self._below.append(0)
            self._values += 1
            node = super().compose_node(parent, index)
            assert node is not None
            levels = self._below.pop() + 1
            self._sizes[node] = (self._values - before, levels)
        if self._values > MOST_VALUES:
            _refuse(event, f"more than {MOST_VALUES:,} keys and values, aliases written out")
        if len(self._below) + levels > MOST_DEPTH:
            _refuse(event, f"nested deeper than {MOST_DEPTH} levels, aliases written out")
        if self._below:
            self._below[-1] = max(self._below[-1], levels)
        return node


class _Loader(_Counting, yaml.SafeLoader):
    """Reads every escape that people may write."""


#: libyaml, in a fifth of the time; in Python where PyYAML was built without it.
_Libyaml: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _QuickLoader(_Counting, _Libyaml):  # type: ignore[misc]
    """Reads a template."""

    def __init__(self, text: str) -> None:
        _Libyaml.__init__(self, text)
        self.anchors = {}


def _refuse(event: yaml.Event, problem: str) -> NoReturn:
    mark: Any = event.start_mark
    raise _TooMuch(problem=problem, problem_mark=mark)
