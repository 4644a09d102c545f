"""Filling the HTML templates: one environment for all pages, in which whatever a name holds stays text.

Three fences stand between a hostile name and a browser: every value is escaped, characters that cannot be seen
are written out, and each page forbids scripts and the network by its own content policy.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from probandum.dossier import Dossier
from probandum.resources import shipped
from probandum.speech import ENGLISH, bare, pieces, piecewise
from probandum.speech import language as spoken_here
from probandum_reports.directions import by_direction, directed
from probandum_reports.messages import counted, said, tag
from probandum_reports.saying import legible
from probandum_reports.wording import ORIGINS

#: Categories of characters that change how others are shown, and are themselves not seen.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
#: Unseen characters that ordinary text needs: line breaks, tabs, joiners of scripts and emoji.
_NEEDED = frozenset("\n\t\u200c\u200d")
#: Where text is no child of an element that may hold others: tags themselves, titles, styles and drawings.
_NO_ELEMENTS = re.compile(r"(<(?:title|style|svg)\b.*?</(?:title|style|svg)>|<[^>]*>)", re.DOTALL)


def visible(text: str) -> str:
    r"""``text`` with unseen characters written as their code, so that nothing hides in a name.

    >>> visible("a\u202eb\x00")
    'a\\u202eb\\u0000'
    """
    if text.isascii() and text.isprintable():
        return text
    text = bare(text)
    hidden = {ord(character): shown for character in set(text) if (shown := _shown(character)) != character}
    return text.translate(hidden) if hidden else text


def _shown(character: str) -> str:
    code = ord(character)
    no_character = code & 0xFFFE == 0xFFFE  # which XML, and with it a chart, may not hold
    if (unicodedata.category(character) not in _UNSEEN and not no_character) or character in _NEEDED:
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def verbatim(text: str) -> Markup:
    r"""``text`` for a place that readers copy from: nothing is added to it, and elements fence right-to-left words.

    >>> str(verbatim("x?sex=\u05d0~<i>")) == "x?sex=<bdi>\u05d0</bdi>~&lt;i&gt;"
    True
    """
    fence = Markup("<bdi>{}</bdi>")
    parts = by_direction(visible(text))
    return Markup().join(fence.format(part) if leftwards else escape(part) for leftwards, part in parts)


def anchor(name: str) -> str:
    """``name`` as an id that a link can carry: letters, digits, dots, hyphens; never empty.

    >>> anchor("Annex IV (2)(g)")
    'annex-iv-2-g'
    """
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "x"


def kind(node: object) -> str:
    """What a template calls a node of the content tree: its class in lower case."""
    return type(node).__name__.lower()


def _finalize(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return piecewise(value, lambda part: directed(visible(part)))


def _in_languages(page: str) -> str:
    """The page with words that stay English in elements that say so; within tags and pictures no element can stand.

    >>> from probandum.speech import english, speaking_in
    >>> with speaking_in("de", {}):
    ...     print(_in_languages(f'<p title="{english("Act")}">von {english("the provider")}</p>'))
    <p title="Act">von <span lang="en">the provider</span></p>
    """
    if spoken_here() == ENGLISH:
        return page
    parts = _NO_ELEMENTS.split(page)
    for place in range(0, len(parts), 2):
        words = pieces(parts[place])
        parts[place] = "".join(f'<span lang="{ENGLISH}">{word}</span>' if kept else word for word, kept in words)
    return bare("".join(parts))


def _said(text: str, /, **values: object) -> str:
    """What a template says in the language that is spoken; an element among the values stays one."""
    return _filled(partial(said, text), values)


def _counted(one: str, many: str, n: int, /, **values: object) -> str:
    """The same of a text that counts."""
    return _filled(partial(counted, n, one, many), values)


def _filled(tell: Callable[..., str], values: Mapping[str, object]) -> str:
    """What is told with values: with elements among them an element itself, in which all else is fenced as anywhere.

    The places of elements are held by signs of private use, which no other value can have (:func:`visible`).
    """
    elements = {name: value for name, value in values.items() if isinstance(value, Markup)}
    if not elements:
        return tell(**values)
    held = {name: f"\ue000{name}\ue000" for name in elements}
    text = html.escape(tell(**{name: _finalize(value) for name, value in values.items()} | held), quote=False)
    for name, element in elements.items():
        text = text.replace(held[name], element)
    return Markup(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(shipped("templates") / "_render" / "html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"ORIGINS": ORIGINS, "_": _said, "ngettext": _counted}
    environment.filters |= {"anchor": anchor, "kind": kind, "legible": legible, "verbatim": verbatim}
    return environment


def fill(template: str, **context: Any) -> bytes:
    """The page ``template`` filled with ``context``, as UTF-8."""
    environment = _environment()
    folder = shipped("templates") / "_render" / "html"
    style = Markup((folder / "style.css").read_text(encoding="utf-8"))
    page = environment.get_template(template).render(style=style, language="-".join(filter(None, tag())), **context)
    return _in_languages(page).encode()


def frame(dossier: Dossier) -> dict[str, Any]:
    """What the head and the foot of every page say."""
    return {
        "tool": dossier.environment["tool"]["version"],
        "system": " ".join(str(dossier.card.get(name, "")) for name in ("name", "version")).strip(),
        "as_of": dossier.as_of,
        "seal": dossier.seal,
        "digests": dossier.digests,
    }
