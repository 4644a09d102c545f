"""Reading pages the way a browser does: elements with their attributes, text, and what each link points at."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

#: Elements that have no end tag.
VOID = {"meta", "br", "link", "img", "hr", "input"}
#: Elements that start a new line.
BLOCKS = {"p", "div", "li", "td", "th", "tr", "dt", "dd", "h1", "h2", "h3", "h4", "pre", "br", "section", "header"}


@dataclass
class Element:
    """One element: its name, attributes and all the text inside it."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page in reading order."""

    html: bytes
    elements: list[Element] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Parse at once."""
        super().__init__(convert_charrefs=True)
        self.feed(self.html.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element; a block starts a new line for those it stands in."""
        if tag in BLOCKS:
            self.handle_data("\n")
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that closes itself."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close it; AssertionError where another one is open."""
        assert self._open and self._open[-1].name == tag, f"</{tag}> closes {self._open[-1:]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text belongs to every open element."""
        for element in self._open:
            element.text += data

    def all(self, name: str, **attributes: str) -> list[Element]:
        """Elements of that name whose attributes hold these words (``class_`` for class)."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.name == name
            and all(value in element.attributes.get(key, "").split() for key, value in wanted.items())
        ]

    @property
    def text(self) -> str:
        """Everything that is read, in one line."""
        return " ".join(self.all("body")[0].text.split())

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return [element.attributes["href"] for element in self.all("a")]

    @property
    def ids(self) -> list[str]:
        """Every id of the page."""
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]


def crawled(start: Path) -> dict[Path, Page]:
    """Every page that links lead to from ``start``, by its path, as they lie in one folder without a server.

    AssertionError where a link leaves the folder, or leads to a file or a place in a page that is not there.
    """
    root, todo = start.resolve().parent, [start.resolve()]
    pages: dict[Path, Page] = {}
    led: list[tuple[Path, str, Path, str]] = []
    while todo:
        path = todo.pop()
        if path in pages:
            continue
        page = pages[path] = Page(path.read_bytes())
        for link in page.links:
            file, _, place = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_relative_to(root) and target.is_file(), f"{path.name}: {link}"
            led.append((path, link, target, place))
            todo += [target] if target.suffix == ".html" else []
    for path, link, target, place in led:
        assert not place or place in pages[target].ids, f"{path.name}: {link}"
    return pages
