"""Whom Art. 27 binds by the card, and which of its points may refer to a data protection impact assessment.

Art. 27(4) lets the deployer refer to sections of that assessment, or include them. A section that is empty, or an
assessment that nobody signed, is referred to by nobody. An assessment of data protection is none of fundamental rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from probandum.document import Cell, Fact, Gap, Node, Table, Text
from probandum.dossier import Dossier
from probandum_reports import coverage, facts, risk_rows
from probandum_reports.documents import FactLine, Section, template
from probandum_reports.filling_in import Parts, proposal
from probandum_reports.threats import register

_ARTICLE = "ai-act:art-27:1:a"
#: The article as a whole, which says whom it binds.
_SCOPE = "ai-act:27:1"
#: What only people state, and without which the assessment of data protection is signed by nobody.
SIGNED = (
    "dpia.dpo_advice",
    "dpia.views",
    "dpia.outcome",
    "dpia.residual_accepted_by",
    "dpia.validated_by",
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


def scope(parts: Parts) -> Iterable[Node]:
    """Whom Art. 27 binds by the card; where nobody, that this file holds inputs and no assessment."""
    said, bound = _scope(parts.dossier)
    rows: tuple[tuple[Cell, ...], ...] = (
        ("By what the card says, Art. 27 binds", proposal("fria.scope", said)),
        (
            "Settled by a person",
            parts.filled(
                FactLine(
                    label="Scope",
                    card="fria.scope",
                    what="whether Art. 27 binds this deployer, and by which of its categories",
                    requirement=_SCOPE,
                ),
                human=True,
            ),
        ),
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
    parties, why = coverage.reach(dossier.card, _ARTICLE)
    if parties or why:
        return ", ".join(parties) or f"open: {why}", True
    return "nobody", False


def references(parts: Parts) -> Iterable[Node]:
    """Point by point: which sections it may refer to, in which version, and what must be added."""
    version = parts.filled(
        FactLine(
            label="Version",
            card="dpia.version",
            what="the version of the data protection impact assessment, with its date",
            supplier="controller",
            requirement="ai-act:art-27:4",
        )
    )
    relied = parts.filled(
        FactLine(
            label="Version relied on",
            card="fria.dpia_version",
            what="the version of that assessment which this one refers to, or that it refers to none",
            requirement="ai-act:art-27:4",
        ),
        human=True,
    )
    rows = tuple((f"({each.point})", _reference(each, version, parts), each.lacking) for each in BRIDGES)
    yield Table(
        caption="Versions",
        header=("Field", "Statement"),
        rows=(("Data protection impact assessment as it stands", version), ("Relied on by this assessment", relied)),
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


def _reference(bridge: Bridge, version: Fact | Gap, parts: Parts) -> Cell:
    named = f"DPIA {'sections' if len(bridge.sections) > 1 else 'section'} {_joined(bridge.sections)}"
    card = parts.dossier.card
    signed = all(facts.card_fact(card, path, human=True) for path in SIGNED)
    if isinstance(version, Fact) and signed and all(_whole(section, parts.dossier) for section in bridge.sections):
        dated = f" of {version.on}" if version.on else ""
        said = f"point ({bridge.point}) refers to {named}, version {version.value}{dated}"
        return proposal(f"fria.reference.{bridge.point}", said)
    are = "are" if len(bridge.sections) > 1 else "is"
    said = f"none yet: {named} {are} not complete and signed, so that this file answers point ({bridge.point}) itself"
    return proposal(f"fria.reference.{bridge.point}", said)


def _joined(sections: tuple[str, ...]) -> str:
    """Numbers of sections as words.

    >>> _joined(("1.1.b", "1.1.d", "1.2"))
    '1.1.b, 1.1.d and 1.2'
    """
    return " and ".join(filter(None, [", ".join(sections[:-1]), sections[-1]]))


def _whole(section: str, dossier: Dossier) -> bool:
    """Whether every field of a section of the other assessment is filled."""
    asked = fields_of(section)
    return bool(asked) and all(facts.card_fact(dossier.card, path, human=human) for path, human in asked.items())


@cache
def fields_of(number: str) -> Mapping[str, bool]:
    """The paths of the card below a number of the other assessment, and whether a person alone may fill them."""
    found: dict[str, bool] = {}

    def walk(sections: Iterable[Section], inside: bool) -> Iterator[tuple[str, bool]]:
        for section in sections:
            here = inside or _under(section.title, number)
            for entry in section.content:
                if entry.risks is not None and here:
                    for threat in register():
                        if threat.regime in entry.risks.regimes:
                            yield from ((risk_rows.place(threat, field), True) for field in risk_rows.FIELDS)
                within = here or _under(entry.caption or "", number)
                for line, human in entry.of_card():
                    if line.card is not None and (within or _under(line.label, number)):
                        yield line.card, human
            yield from walk(section.sections, here)

    found.update(walk(template("dpia").sections, False))
    return found


def _under(label: str, number: str) -> bool:
    """Whether a label or a heading is of a number.

    >>> _under("1.1.b Purposes", "1.1.b"), _under("4.1.c Risk table", "4.1"), _under("1.10 Other", "1.1")
    (True, True, False)
    """
    first = label.partition(" ")[0]
    return first == number or first.startswith(f"{number}.")
