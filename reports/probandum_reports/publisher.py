"""Writes documents in every format asked for, the evidence pages behind them, and the index in front of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from probandum.comparison import Comparison
from probandum.document import Document, DocumentSpec
from probandum.dossier import Dossier
from probandum.errors import UnknownName
from probandum.record import write_bytes
from probandum_reports import lint
from probandum_reports.build import build, explained
from probandum_reports.documents import templates
from probandum_reports.view import View

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
        return {name: template.spec() for name, template in templates().items()}

    def publish(self, dossier: Dossier, documents: Sequence[str], folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write ``<document>.<format>`` for all, evidence pages and ``index.html``; the index comes first.

        Everything is built, checked and rendered before the first file is written. A format whose package is not
        installed is a MissingDependency.
        """
        renderers = {name: _renderer(name, RENDERERS) for name in dict.fromkeys(formats)}
        drawn: dict[Hashable, bytes] = {}
        views = [View(build(name, dossier), dossier, drawn) for name in dict.fromkeys(documents)]
        for view in views:
            lint.check(view)
        rendered = {f"{view.document.id}.{name}": render(view) for view in views for name, render in renderers.items()}
        html = importlib.import_module("probandum_reports.html")
        files = {view.document.id: [f"{view.document.id}.{name}" for name in renderers] for view in views}
        trees: list[Document] = [view.document for view in views]
        index = folder / "index.html"
        write_bytes(index, html.index(dossier, trees, files))
        for name, data in rendered.items():
            write_bytes(folder / name, data)
        evidence: list[Path] = html.evidence(dossier, folder)
        return [index, *(folder / name for name in rendered), *evidence]

    def explained(self, dossier: Dossier, format: str) -> bytes:
        """The explanation of the decision in ``dossier`` as a file: text, html, docx or json."""
        render = _renderer(format, EXPLAINED)
        view = View(explained(dossier), dossier, {})
        lint.check(view)
        return render(view)

    def compared(self, comparison: Comparison) -> bytes:
        """The page that says what changed between two audits."""
        page: Callable[[Comparison], bytes] = importlib.import_module("probandum_reports.comparison").page
        return page(comparison)


def _renderer(name: str, known: Mapping[str, str]) -> Callable[[View], bytes]:
    """The function that renders a format; its module, and what that needs, is loaded only now."""
    if name not in known:
        raise UnknownName("format", name, known)
    render: Callable[[View], bytes] = importlib.import_module(known[name]).render
    return render
