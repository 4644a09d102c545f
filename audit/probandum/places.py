"""Where suites, limits and waivers of an audit file stand in its repository, so that each is shown at its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from probandum.yaml_source import Place, YamlSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A line of a file: ``path`` from the repository's root, with slashes.

    ``end``: the column behind the line's last character, in UTF-16 units from 1, as SARIF counts them.
    """

    path: str
    line: int
    end: int

    def __post_init__(self) -> None:
        """Refuse what is no line of a file."""
        if not self.path or self.line < 1 or self.end < 1:
            raise ValueError(f"no line of a file: {self.path!r}, line {self.line}, column {self.end}")


def spots(source: YamlSource) -> dict[str, Spot]:
    """The file's first line under ``""``, and the line of every suite, limit and waiver under its dotted place.

    What a plan inherits stands in the file that it inherits from.
    """
    lines = {str(source.path): _lines(source.data)}
    places: list[Place] = [("suites", name) for name in source.values.get("suites") or {}]
    for part in ("limits", "waivers"):
        places += [(part, index) for index in range(len(source.values.get(part) or ()))]
    made = {"": _spot(str(source.path), 1, lines)}
    for place in places:
        mark = source.mark(place)
        made[".".join(map(str, place))] = _spot(mark.file, mark.line, lines)
    return made


def spot_on(found: Mapping[str, Spot], part: str, line: int | None) -> Spot | None:
    """The one of ``limits`` or ``waivers`` that stands on ``line``."""
    return next((spot for place, spot in found.items() if place.startswith(f"{part}.") and spot.line == line), None)


def from_root(path: Path) -> str:
    """``path`` from the root of the repository that it is in; its name alone where it is in none."""
    whole = path.resolve()
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), whole.parent)
    return whole.relative_to(root).as_posix()


def _spot(file: str, line: int, lines: dict[str, list[str]]) -> Spot:
    if file not in lines:
        lines[file] = _lines(Path(file).read_bytes())
    text = lines[file][line - 1]
    return Spot(path=from_root(Path(file)), line=line, end=len(text.encode("utf-16-le")) // 2 + 1)


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8-sig").splitlines() or [""]
