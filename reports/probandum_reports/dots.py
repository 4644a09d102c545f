"""Many points of one look as one path: a tenth of what as many marks of their own would take in a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any


def dots(spots: Sequence[tuple[float, float]], *, colour: str, size: float) -> Any:
    """Points at ``spots`` in the units of the axes that they are added to, so many printer's points wide."""
    return _kind()(spots, colour, size)


@cache
def _kind() -> Any:
    """The artist, whose base is known once the library is loaded."""
    from matplotlib.artist import Artist

    class Dots(Artist):
        """Strokes with round ends, of next to no length: every reader of SVG draws them as discs."""

        def __init__(self, spots: Sequence[tuple[float, float]], colour: str, size: float) -> None:
            super().__init__()
            self.spots, self.colour, self.size = spots, colour, size
            self.set_zorder(3)

        def draw(self, renderer: Any) -> None:
            """Straight into the file, where y runs downwards."""
            assert self.axes is not None  # dots are added to axes
            places = self.axes.transData.transform(self.spots).tolist()
            path = "".join(f"M{across:.1f} {renderer.height - up:.1f}h.01" for across, up in places)
            looks = f"fill: none; stroke: {self.colour}; stroke-width: {self.size:g}; stroke-linecap: round"
            renderer.writer.element("path", attrib={"d": path, "style": looks})

    return Dots
