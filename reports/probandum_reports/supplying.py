"""Who can supply what no finding has a number of, in one place for every document.

That is the auditor where an installed suite could measure it of this system, or where something kept one from it. Of
anything else it is whoever the provision binds: a test of their own, which a named person states in the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from probandum.dossier import Dossier
from probandum.plugins import author, load_plugins
from probandum.probe import ProbeSpec, known_probes
from probandum_reports.citing import roles_of
from probandum_reports.messages import counted, said
from probandum_reports.readings import few
from probandum_reports.selecting import declares, select
from probandum_reports.threats import Selection, Selector


def supplier(dossier: Dossier, selection: Selection, requirement: str) -> str:
    """Who supplies what the findings of a selection would say, and how; ``requirement``: the provision that asks."""
    broke = {each.probe for each in dossier.results if each.status == "error"}
    could = (each for each in _installed(dossier) if each.id in broke and declares(each, selection))
    if any(could) or select(dossier.findings, selection):
        return said("the auditor, once what kept it from being measured is mended")
    if selection and all(_of_change(each) for each in selection):
        return said("the auditor, by naming gate.baseline in the plan")
    if any(each.judged for each in selection):
        return said("the auditor, by a plan with limits")
    return by_suite(suites(dossier, selection), requirement)


def suites(dossier: Dossier, selection: Selection) -> tuple[ProbeSpec, ...]:
    """The installed probes that did not run, that this system can answer and that could have such findings."""
    answers, ran = set(dossier.environment["target"]["capabilities"]), {each.probe for each in dossier.results}
    return tuple(
        each
        for each in _installed(dossier)
        if each.id not in ran and not answers.isdisjoint(each.needs) and declares(each, selection)
    )


def by_suite(found: Sequence[ProbeSpec], requirement: str) -> str:
    """The auditor, by one of these suites; where there is none, whom the provision binds, by a test of their own."""
    if not found:
        return said("{party}, by a test of its own that a named person states", party=roles_of(requirement))
    return counted(
        len(found),
        "the auditor, by adding the suite {suites}",
        "the auditor, by adding one of the suites {suites}",
        suites=few(each.id for each in found),
    )


def _installed(dossier: Dossier) -> tuple[ProbeSpec, ...]:
    """The probes of the toolkit and of plugins that stand in the record, so that documents follow from it alone."""
    load_plugins()
    plugins = dossier.environment["tool"]["plugins"]
    named = ((each, _package(each.cls.__module__.partition(".")[0])) for each in known_probes().values())
    return tuple(each for each, name in named if not name or any(f"({name} " in plugin for plugin in plugins))


@cache
def _package(root: str) -> str:
    """Whose plugin a package belongs to, for which all that is installed is looked through."""
    return author(root)


def _of_change(selector: Selector) -> bool:
    """Whether a selector asks for changes alone, which no suite measures: they are worked out against a baseline."""
    return bool(selector.metrics) and all(each.endswith("/change") for each in selector.metrics)
