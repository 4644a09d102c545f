"""Values by name that are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

V = TypeVar("V")


class Shelf(Mapping[str, V]):
    """Values by name, each made when it is first asked for: most commands need the names of documents alone.

    >>> shelf = Shelf(["a", "b"], str.upper)
    >>> "a" in shelf, list(shelf), shelf["b"]
    (True, ['a', 'b'], 'B')
    """

    def __init__(self, names: Iterable[str], make: Callable[[str], V]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        """The value of that name; KeyError where there is none."""
        if name not in self._made:
            if name not in self._names:
                raise KeyError(name)
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is a value of that name; none is made for the answer."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._names)
