"""Writes documents in every format asked for, the evidence pages behind them, and the index in front of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probandum import codec
from probandum.comparison import Comparison
from probandum.document import CardField, Document, DocumentSpec, Figure
from probandum.dossier import WHOLE, Dossier, State
from probandum.errors import UnknownName
from probandum.filling import Filled, Origin
from probandum.speech import bare
from probandum.tradeoffs import TradeOffs
from probandum_reports import asked, facts, json_format, lint, needs
from probandum_reports.build import build, explained
from probandum_reports.claims import claim
from probandum_reports.documents import explanation, template, templates
from probandum_reports.messages import speaking
from probandum_reports.nodes import fields
from probandum_reports.shelf import Shelf
from probandum_reports.staged import write
from probandum_reports.view import View

if TYPE_CHECKING:
    from concurrent.futures import Future

#: How many files are made at once beside the others: two processors are never idle, and more take turns.
_BESIDE = 2
#: Which module renders a format, by the extension of its files.
RENDERERS: Mapping[str, str] = {
    "html": "probandum_reports.html",
    "pdf": "probandum_reports.pdf",
    "docx": "probandum_reports.docx",
    "md": "probandum_reports.markdown",
    "json": "probandum_reports.json_format",
}
#: The same for the explanation of one decision, which stands alone.
EXPLAINED: Mapping[str, str] = {
    "text": "probandum_reports.plain",
    **{name: RENDERERS[name] for name in ("html", "docx", "json")},
}


class DocumentPublisher:
    """The publisher that the core finds when it writes documents."""

    def known(self) -> Mapping[str, DocumentSpec]:
        """The shipped documents by id."""
        return Shelf(templates(), lambda name: templates()[name].spec())

    def asked(self, card: Mapping[str, Any] | None = None) -> Mapping[str, tuple[CardField, ...]]:
        """What each shipped document reads from a card, the explanation of a decision too; of one at hand what it
        states, or is asked as it stands.
        """
        every = {**templates(), "explanation": explanation()}
        return Shelf(every, lambda name: asked.fields(every[name], card))

    def claim(self, text: str) -> str | None:
        """What the lint would stop in a document's own words."""
        return claim(text)

    def refuse_missing(self, formats: Sequence[str], *, load: bool) -> None:
        """MissingDependency where a package that one of ``formats`` needs is not installed; nothing is written."""
        needs.refuse_missing(formats, load=load)

    def publish(self, dossier: Dossier, documents: Sequence[str], folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write ``<document>.<format>`` for all, evidence pages and ``index.html``; the index comes first.

        Everything is built and checked before the first file is written. A format whose package is not
        installed is a MissingDependency.
        """
        with speaking(dossier.language):
            renderers = {name: _module(name, RENDERERS) for name in dict.fromkeys(formats) if name not in WHOLE}
            drawn: dict[Hashable, bytes] = {}
            views = (_checked(View(build(name, dossier), dossier, drawn)) for name in dict.fromkeys(documents))
            html = importlib.import_module("probandum_reports.html")
            with _rendered(views, renderers) as (trees, rendered):
                files = {tree.id: [f"{tree.id}.{name}" for name in renderers] for tree in trees}
                index = folder / "index.html"
                write(index, html.index(dossier, trees, files, [name for name in WHOLE if name in formats]))
                evidence: list[Path] = html.evidence(dossier, folder)
                for name, data in rendered:
                    write(folder / name, data)
            return [index, *(folder / name for made in files.values() for name in made), *evidence]

    def state(self, dossier: Dossier, document: str) -> State:
        """What the document says before any review of it stands there, by its digest, and its open fields.

        Reviews of documents that it refers to are part of what it says.
        """
        refers = template(document).refers
        reviews = tuple(each for each in dossier.reviews if each.document in refers)
        plain = replace(dossier, reviews=reviews, final=False)
        with speaking(dossier.language):
            view = View(build(document, plain), plain, {})
            content = codec.digest(json_format.render(view))
            own = facts.review_field(document)
            there = [gap for name, gap in fields(view.document.nodes).items() if name != own]
            missing = tuple(bare(gap.what) for gap in there)
        return State(content=content, open=missing, blank=any(gap.blank for gap in there))

    def origin(self, path: Path) -> Origin:
        """Which document the filled Word file in ``path`` says it is; DataError where it is no such file."""
        found: Origin = importlib.import_module("probandum_reports.filled").origin(path)
        return found

    def filled(self, dossier: Dossier, path: Path, *, original: Path | None = None) -> Filled:
        """What people wrote into the fields of a document of ``dossier``; DataError where they changed more."""
        read: Callable[..., Filled] = importlib.import_module("probandum_reports.filled").filled
        with speaking(dossier.language):
            return read(dossier, path, original=original)

    def explained(self, dossier: Dossier, format: str) -> bytes:
        """The explanation of the decision in ``dossier`` as a file: text, html, docx or json."""
        module = _module(format, EXPLAINED)
        with speaking(dossier.language):
            view = View(explained(dossier), dossier, {})
            lint.check(view)
            made: bytes = module.render(view)
            return made

    def compared(self, comparison: Comparison) -> bytes:
        """The page that says what changed between two audits."""
        page: Callable[[Comparison], bytes] = importlib.import_module("probandum_reports.comparison").page
        return page(comparison)

    def traded(self, found: TradeOffs) -> bytes:
        """The page that draws what variants give up for what."""
        page: Callable[[TradeOffs], bytes] = importlib.import_module("probandum_reports.variants").page
        return page(found)


def _module(name: str, known: Mapping[str, str]) -> Any:
    """The module that renders a format; it, and what it needs, is loaded only now."""
    if name not in known:
        raise UnknownName("format", name, [*known, *WHOLE] if known is RENDERERS else known)
    return importlib.import_module(known[name])


def _checked(view: View) -> View:
    lint.check(view)
    return view


def _charts(view: View) -> int:
    return sum(isinstance(node, Figure) for node in view.document.nodes)


@contextmanager
def _rendered(
    views: Iterable[View], renderers: Mapping[str, Any]
) -> Iterator[tuple[list[Document], Iterable[tuple[str, bytes]]]]:
    """All documents, and their files in all formats by name, of which the block takes one after another.

    What is made ``later`` needs little of the interpreter: it is made in threads beside the other formats and beside
    what the block does, of documents without a chart as soon as they are there, which ``views`` builds and checks one
    by one; then of those with most charts, which take longest. A package that is missing is told at the first of them,
    before anything is written.
    """
    from concurrent.futures import ThreadPoolExecutor

    waiting: dict[str, Future[bytes]] = {}
    with ThreadPoolExecutor(max_workers=_BESIDE) as beside:

        def start(view: View) -> None:
            for name, module in renderers.items():
                if hasattr(module, "later"):
                    made = beside.submit(copy_context().run, module.later(view))  # which speaks the same language
                    waiting[f"{view.document.id}.{name}"] = made

        try:
            there: list[View] = []
            for view in views:
                there.append(view)
                if not _charts(view):
                    start(view)
            for view in sorted(there, key=_charts, reverse=True):
                if _charts(view):
                    start(view)
            made: dict[str, bytes] = {}
            for view in there:
                for name, module in renderers.items():
                    file = f"{view.document.id}.{name}"
                    if file not in waiting:
                        made[file] = module.render(view)
            yield [view.document for view in there], chain(made.items(), _in_turn(waiting))
        except BaseException:
            beside.shutdown(wait=False, cancel_futures=True)
            raise


def _in_turn(waiting: dict[str, Future[bytes]]) -> Iterator[tuple[str, bytes]]:
    """What was begun first comes first, and is kept no longer."""
    for name in list(waiting):
        yield name, waiting.pop(name).result()
