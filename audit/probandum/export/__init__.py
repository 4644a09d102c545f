"""What a CI service reads of a gate: SARIF, JUnit XML, GitLab code quality, a summary in Markdown, annotations.

Every format is a pure function of an :class:`~probandum.export.outcome.Outcome`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from probandum.export import gitlab, junit, markdown, sarif
from probandum.export.github import annotate
from probandum.export.outcome import Outcome

__all__ = ["FORMATS", "Outcome", "annotate"]

#: Bytes of a file, by the name of its format.
FORMATS: Mapping[str, Callable[[Outcome], bytes]] = {
    "sarif": sarif.render,
    "junit": junit.render,
    "gitlab": gitlab.render,
    "summary": markdown.render,
}
