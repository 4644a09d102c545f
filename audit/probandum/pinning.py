"""Items that may not change at all: every answer to them is the baseline's, to the last digit, or the gate names it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from probandum.comparing import Measured
from probandum.comparison import Pinned
from probandum.row_items import name_key


def pinned(base: Measured, new: Measured, listed: Sequence[str]) -> Pinned:
    """Which of the ``listed`` items answer otherwise than in the baseline, and which were not measured in both.

    An item is named as ``items.json`` prints it, a row by its id. It may stand in several quantities, and a row may
    recur: all of it counts.
    """
    then, now = _Answers(base), _Answers(new)
    changed, unknown = [], []
    for key in dict.fromkeys(listed):
        before, after = then.of(key), now.of(key)
        if not before or before.keys() != after.keys():
            unknown.append(key)
        elif before != after:
            changed.append(key)
    return Pinned(listed=len({*listed}), changed=tuple(changed), unknown=tuple(unknown))


class _Answers:
    """What one record holds of every item."""

    def __init__(self, measured: Measured) -> None:
        self._values: dict[str, dict[str, Any]] = {}
        for name, items in measured.items.items():
            if items.form != "windows":  # a reading has no answer that could stay the same
                for key, value in zip(items.keys, items.values, strict=True):
                    self._values.setdefault(key, {})[name] = value
        self._rows: dict[str, dict[int, tuple[int, ...]]] = {}
        for probe, rows in measured.rows.items():
            if not rows.named:  # a place is no name that a list could hold
                continue
            columns = {each.counted.column for each in measured.results[probe].measures if each.counted is not None}
            opened = rows.opened()
            answers = zip(*(opened.columns[name].tolist() for name in sorted(columns)), strict=True)
            self._rows[probe] = dict(zip(opened.keys.tolist(), answers, strict=True))

    def of(self, key: str) -> dict[str, Any]:
        """Values of the item by quantity, and what became of the rows of that name."""
        found = dict(self._values.get(key, {}))
        for probe, rows in self._rows.items():
            found |= {f"{probe} {number}": answer for number, answer in enumerate(_rows_of(rows, key))}
        return found


def _rows_of(rows: dict[int, tuple[int, ...]], key: str) -> Iterator[tuple[int, ...]]:
    for number in itertools.count():
        answer = rows.get(name_key(key, number))
        if answer is None:
            return
        yield answer
