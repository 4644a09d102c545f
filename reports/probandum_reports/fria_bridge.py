"""Whom Art. 27 binds by the card, and which of its points may refer to a data protection impact assessment.

Art. 27(4) lets the deployer refer to sections of that assessment, or include them. A draft is referred to by nobody: an
assessment with an open field, or without a review. An assessment of data protection is none of fundamental rights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from probandum.document import Cell, Fact, Node, Table, Text
from probandum.dossier import Dossier
from probandum.speech import english
from probandum_reports import saying, standing
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts, proposal
from probandum_reports.messages import counted, said

_ARTICLE = "ai-act:art-27:1:a"
#: The article as a whole, which says whom it binds.
_SCOPE = "ai-act:27:1"
_REFERS = "ai-act:art-27:4"
_SCOPED = FactLine(
    label="Scope",
    card="fria.scope",
    what="whether Art. 27 binds this deployer, and by which of its categories",
    requirement=_SCOPE,
    human=True,
)
_VERSION = FactLine(
    label="Version",
    card="dpia.version",
    what="the version of the data protection impact assessment",
    supplier="controller",
    requirement=_REFERS,
)
_DATED = FactLine(
    label="Date of the version",
    card="dpia.version_date",
    what="the date of that version",
    supplier="controller",
    requirement=_REFERS,
)
_RELIED = FactLine(
    label="Version relied on",
    card="fria.dpia_version",
    what="the version of that assessment which this one refers to, or that it refers to none",
    requirement=_REFERS,
    human=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A point of Art. 27(1), the sections that it may refer to, and what they lack."""

    point: str
    sections: tuple[str, ...]
    lacking: str


BRIDGES = (
    Bridge(
        point="a",
        sections=("1.1.b", "1.1.d", "1.2"),
        lacking="the intended purpose of the instructions for use, and the step at which the deployer decides",
    ),
    Bridge(
        point="b",
        sections=("0.4", "1.1.d"),
        lacking="how often this system is used, and on how many decisions",
    ),
    Bridge(
        point="c",
        sections=("1.1.a", "1.1.d"),
        lacking="people whose data are not processed, groups by protected ground, indirect effects",
    ),
    Bridge(
        point="d",
        sections=("3.1", "4.1"),
        lacking="all rights of the Charter, harms specific to groups, harms that need no data",
    ),
    Bridge(
        point="e",
        sections=("2.3.b",),
        lacking="named roles, competence, authority, and power to stop the system",
    ),
    Bridge(
        point="f",
        sections=("4.2", "2.3.b"),
        lacking="the channel for complaints, redress, suspension, and the route of an incident",
    ),
)


def scoped() -> Iterable[FactLine]:
    """What is asked of the card on whom Art. 27 binds."""
    return (_SCOPED,)


def versions() -> Iterable[FactLine]:
    """What is asked of the card on the other assessment."""
    return (_VERSION, _DATED, _RELIED)


def scope(parts: Parts) -> Iterable[Node]:
    """Whom Art. 27 binds by the card; where nobody, that this file holds inputs and no assessment."""
    whom, bound = _scope(parts.dossier)
    rows: tuple[tuple[Cell, ...], ...] = (
        (said("By what the card says, Art. 27 binds"), proposal("fria.scope", whom)),
        (said("Settled by a person"), parts.filled(_SCOPED)),
    )
    yield Table(caption="Scope", header=("Field", "Statement"), rows=rows)
    if not bound:
        yield Text(
            text=(
                "By what the card says, Art. 27 binds nobody here. Then what follows is input for points (c) and (d) "
                "of whoever it may bind, and no assessment under that article."
            ),
            style="warning",
        )


def _scope(dossier: Dossier) -> tuple[str, bool]:
    """In words whom the article binds, and whether it binds anybody or may."""
    parties, why = standing.reach(dossier.card, _ARTICLE)
    if parties or why:
        return english(", ".join(parties)) or said("open: {why}", why=why), True
    return said("nobody"), False


def references(parts: Parts) -> Iterable[Node]:
    """Point by point: which sections it may refer to, in which version, and what must be added."""
    version, dated, relied = map(parts.filled, versions())
    named = None
    if isinstance(version, Fact) and isinstance(dated, Fact) and not parts.draft("dpia"):
        named = said("{version} of {day}", version=version.value, day=dated.value)
    rows = tuple((f"({each.point})", _reference(each, named), said(each.lacking)) for each in BRIDGES)
    yield Table(
        caption="Versions",
        header=("Field", "Statement"),
        rows=(
            (said("Data protection impact assessment as it stands"), version),
            (said("Date of that version"), dated),
            (said("Relied on by this assessment"), relied),
        ),
    )
    if isinstance(version, Fact) and isinstance(relied, Fact) and version.value != relied.value:
        yield Text(
            text=(
                "The versions differ: this assessment is stale where it refers to the other one. A person looks at "
                "each reference again."
            ),
            style="warning",
        )
    header = ("Point of Art. 27(1)", "Reference, if the deployer chooses one", "What must be added here")
    yield Table(caption="Cross-references under Art. 27(4)", header=header, rows=rows)


def _reference(bridge: Bridge, version: str | None) -> Cell:
    """What a point may refer to in a version of the other assessment; None where there is none to refer to."""
    many, named = len(bridge.sections), saying.listed(bridge.sections)
    if version is not None:
        words = counted(
            many,
            "point ({point}) refers to DPIA section {sections}, version {version}",
            "point ({point}) refers to DPIA sections {sections}, version {version}",
            point=bridge.point,
            sections=named,
            version=version,
        )
    else:
        words = counted(
            many,
            "none yet: the DPIA with its section {sections} is a draft, or its version is undated, so that this file "
            "answers point ({point}) itself",
            "none yet: the DPIA with its sections {sections} is a draft, or its version is undated, so that this file "
            "answers point ({point}) itself",
            point=bridge.point,
            sections=named,
        )
    return proposal(f"fria.reference.{bridge.point}", words)
