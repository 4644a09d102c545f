"""What the parts of documents about people's assessments read and leave: the record, the card, and gaps."""

from __future__ import annotations

from typing import Protocol

from probandum.document import Fact, Gap
from probandum.dossier import Dossier
from probandum_reports.documents import FactLine, Template
from probandum_reports.messages import said
from probandum_reports.view import View


class Parts(Protocol):
    """A builder, as those parts see it."""

    dossier: Dossier
    template: Template

    @property
    def view(self) -> View:
        """The findings in words."""
        ...

    def unassessed(self, what: str, requirement: str, supplier: str) -> Fact | Gap:
        """That nothing was measured of it, or what a named person says in its place."""
        ...

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "") -> Gap:
        """A gap that is one field wherever it is shown."""
        ...

    def filled(self, line: FactLine, *, human: bool = False) -> Fact | Gap:
        """What the card says on a line that stands in no section, or the gap in its place."""
        ...

    def draft(self, document: str) -> bool:
        """Whether another document of the record is a draft."""
        ...


def proposal(name: str, said: str) -> Fact:
    """What a rule proposes from the card or the record, for a person to accept or to change."""
    return Fact(path=f"proposal:{name}", value=said, origin="proposed")


def states_yes(fact: Fact | Gap) -> bool | None:
    """Whether a statement begins with yes or no, in English or as documents say it; None where with neither.

    >>> states_yes(Fact(path="triggers.scoring", value="Yes, of applicants")), states_yes(Fact(path="a", value="none"))
    (True, None)
    """
    first = fact.value.strip().lower().partition(" ")[0].strip(",.;:") if isinstance(fact, Fact) else ""
    return {said("yes").lower(): True, said("no").lower(): False, "yes": True, "no": False}.get(first)
