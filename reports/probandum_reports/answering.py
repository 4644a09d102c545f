"""What a record holds on each provision: findings with a number, those without, and facts of the card; what is missing.

A finding answers a provision that it names, and one that asks for its metric by the catalogue, where it is of the
audited system: what a probe says beside it of a model that it fitted itself answers nothing. None answers what asks for
an act of people. Nothing that is known of a system answers what asks of another's model.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from probandum.document import Fact
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum.law import Requirement, catalogue
from probandum.law.card_keys import practices_of
from probandum.speech import english
from probandum.stating import NONE, plainly
from probandum_reports import facts, saying
from probandum_reports.asked import lines
from probandum_reports.card_keys_told import called
from probandum_reports.documents import templates
from probandum_reports.messages import counted, said
from probandum_reports.selecting import of_system
from probandum_reports.wording import ASKED, WORDS

#: How much of what it names an answer lists.
_FEW = 3
#: Families named as a whole where nothing that a provision asks of them was measured; of others metrics are named.
_WHOLE = ("robust", "privacy", "drift")
#: How the practices that Art. 5(1) prohibits begin.
_PRACTICES = "ai-act:art-5:1:"
#: The family of what the record itself states, such as how large a sample was.
_RECORDED = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A fact of the card that a provision asks for: what it is, and whether a person alone may state it."""

    what: str
    human: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a record holds on one provision: its findings with a number, those without, and facts of the card.

    ``unassessed``: what the provision asks to be measured and nobody measured. ``missing``: facts that nobody stated.
    ``whole``: whether somebody answered the provision as such, beside what documents ask for. ``practice``: what the
    card says of a practice of Art. 5(1), in place of how many facts it states.
    """

    measured: tuple[Finding, ...] = ()
    unmeasured: tuple[Finding, ...] = ()
    declared: tuple[Fact, ...] = ()
    unassessed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    whole: bool = False
    practice: str = ""

    @property
    def by(self) -> str | None:
        """Who declares the facts: one name where they share it, else each with the paths of theirs."""
        speakers: dict[str, list[str]] = {}
        for fact in self.declared:
            speakers.setdefault(fact.by or said("nobody named"), []).append(fact.path)
        if len(speakers) < 2:
            return self.declared[0].by if self.declared else None
        names = "; ".join(f"{name} ({_listed(paths)})" for name, paths in speakers.items())
        return said("several: {names}", names=names)

    @property
    def on(self) -> str | None:
        """On which day, or between which days, the facts were declared; None where one of them has no day."""
        days = sorted({fact.on or "" for fact in self.declared})
        if not days or not days[0]:
            return None
        return days[0] if len(days) == 1 else said("{first} to {last}", first=days[0], last=days[-1])

    @property
    def words(self) -> str:
        """The answer in words; empty where there is none."""
        if self.practice:
            return self.practice
        told = []
        if self.measured:
            probes = dict.fromkeys(each.probe for each in self.measured)
            told.append(
                counted(
                    len(self.measured),
                    "measured: {n} finding of {probes}",
                    "measured: {n:,} findings of {probes}",
                    probes=", ".join(probes),
                )
            )
            if self.unassessed:
                told.append(said("not assessed: {what}", what=", ".join(map(_told, self.unassessed))))
        if self.unmeasured:
            told.append(
                counted(
                    len(self.unmeasured),
                    "asked for, and no number came of it: {n} finding",
                    "asked for, and no number came of it: {n:,} findings",
                )
            )
        if self.declared or (self.measured and self.missing):
            told.append(
                counted(
                    len(self.declared) + len(self.missing),
                    "declared: {some} of {n} fact asked for",
                    "declared: {some} of {n:,} facts asked for",
                    some=len(self.declared),
                )
            )
            if self.declared and self.measured:  # the mark of the cell is that of what was measured
                by, on = self.by or said("nobody named"), self.on or said("undated")
                told[-1] = said("{declared} by {name}, {day}", declared=told[-1], name=by, day=on)
        return "; ".join(told)

    @property
    def rest(self) -> str:
        """What is missing of an answer that there is, in words; empty where nothing is, or there is no answer."""
        if self.whole or not (self.measured or self.declared):
            return ""
        unassessed = self.unassessed if self.measured else ()
        facts_ = (saying.decapitalised(said(each)) for each in self.missing)
        return _listed([*map(_told, unassessed), *facts_], between="; ")


@lru_cache(maxsize=1)
def answers(dossier: Dossier) -> Mapping[str, Answer]:
    """What the record holds on each provision of the catalogue, by its id."""
    law, asked_of = catalogue(), _asked(dossier.card)
    spoken: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(dossier.findings):
        if not of_system(finding):
            continue
        for name in (*finding.requirements, finding.metric, finding.probe):
            spoken[name].append(index)
    found: dict[str, Answer] = {}
    for requirement in law.requirements.values():
        asked = asked_of.get(requirement.id) or _of_catalogue(requirement)
        if _of_a_model(requirement) and not model_named(dossier.card):
            found[requirement.id] = Answer(missing=tuple(each.what for each in asked.values()))
            continue
        places: set[int] = set()
        if requirement.id not in law.metric_map.acts:
            targets = {target for group in law.metric_targets(requirement).values() for target in group}
            places |= {at for target in targets for at in spoken.get(target, ())}
            metered = not law.metric_map.metrics["energy"].keys().isdisjoint(requirement.metrics)
            # a probe of energy also finds times and shares, which answer nothing that asks for energy by its metrics
            named = spoken.get(requirement.id, ())
            places |= {at for at in named if not (metered and dossier.findings[at].probe.startswith("energy."))}
        about = [dossier.findings[at] for at in sorted(places)]
        measured = tuple(filter(_known, about))
        whole = facts.card_fact(dossier.card, answered_at(requirement.id), human=True)
        stated = [*(facts.card_fact(dossier.card, path, human=each.human) for path, each in asked.items()), whole]
        declared = tuple(fact for fact in stated if fact is not None)
        told = {fact.path for fact in declared}
        found[requirement.id] = Answer(
            measured=measured,
            unmeasured=tuple(each for each in about if not _known(each)),
            declared=declared,
            unassessed=tuple(_unassessed(requirement, measured)),
            missing=tuple(each.what for path, each in asked.items() if path not in told),
            whole=whole is not None,
            practice=_practice(requirement, dossier.card),
        )
    return found


def _practice(requirement: Requirement, card: Mapping[str, Any]) -> str:
    """Whether the card names a practice of Art. 5(1) or denies it; empty of others, and where it is silent."""
    named = practices_of(plainly(card), catalogue()) if requirement.id.startswith(_PRACTICES) else None
    if named is None:
        return ""
    if requirement.id in named:
        return said("named by the card as part of the purpose")
    return said("denied by the card")


def _unassessed(requirement: Requirement, measured: Sequence[Finding]) -> Iterator[str]:
    """Names of what a provision asks to be measured and no finding with a number is of: whole families, or metrics."""
    law = catalogue()
    known = {name for each in measured for name in (each.metric, each.probe)}
    families = {name: family for family, names in law.metric_map.metrics.items() for name in names}
    asked: dict[str, dict[str, bool]] = defaultdict(dict)
    for metric, targets in law.metric_targets(requirement).items():
        if metric in law.metric_map.stated:
            continue
        asked[families[metric]][metric] = not known.isdisjoint(targets)
    for family, metrics in asked.items():
        if family == _RECORDED:
            continue
        if family in _WHOLE and not any(metrics.values()):
            yield family
        else:
            yield from (name for name, answered in metrics.items() if not answered)
    yield from law.metric_map.beside.get(requirement.id, ())


def _told(name: str) -> str:
    """A family, or a metric of the catalogue, in words.

    >>> _told("robust"), _told("data.label_noise_estimate"), _told("energy_training_kwh")
    ('robustness', 'label noise estimate', 'energy of training in kWh')
    """
    if name in _WHOLE:
        return saying.decapitalised(saying.family(name))
    if name in ASKED:
        return ASKED[name]
    parts = (name.partition(".")[2] or name).split("_")
    return english(" ".join(WORDS.get(each, each) for each in parts))


def _of_a_model(requirement: Requirement) -> bool:
    """Whether a provision speaks of a general-purpose model alone."""
    return bool(requirement.applies_to) and all(name.startswith("gpai") for name in requirement.applies_to)


def model_named(card: Mapping[str, Any]) -> bool:
    """Whether the card names who provides such a model: what is known of a system is no answer on another's model."""
    fact = facts.card_fact(card, "gpai")
    return fact is not None and fact.value.lower() not in NONE


def _listed(names: Sequence[str], *, between: str = ", ") -> str:
    """The first of these names, and how many more.

    >>> _listed(["purpose", "version", "data.labelling", "role"])
    'purpose, version, data.labelling and 1 more'
    """
    some = between.join(names[:_FEW])
    return said("{some} and {n:,} more", some=some, n=len(names) - _FEW) if len(names) > _FEW else some


def _known(finding: Finding) -> bool:
    """Whether a finding has a number that its controls let stand."""
    return finding.estimate.value is not None and finding.verdict is not Verdict.ERROR


def _of_catalogue(requirement: Requirement) -> dict[str, Asked]:
    """The paths of the card whose questions answer a provision that no document asks for.

    A question of the card about all practices of Art. 5(1) is one about each of them. Of other questions only those on
    data and oversight ask what a provision asks: that a party is named, say, answers no duty of that party.
    """
    if requirement.id.startswith(_PRACTICES):
        return {"art_5": Asked(what=called("art_5"), human=False)}
    asked = (each for each in catalogue().questions if each.topic in ("Data", "Oversight"))
    return {
        each.path: Asked(what=called(each.path), human=False) for each in asked if requirement.id in each.requirements
    }


def _asked(card: Mapping[str, Any]) -> Mapping[str, Mapping[str, Asked]]:
    """What shipped documents ask a card by provision: each path with what is asked there, in the language spoken.

    A provision is asked about by sections that name it. Where the document of its own article or annex has some, other
    documents, which show the same things to other readers, add nothing to what it asks.
    """
    own: dict[str, dict[str, Asked]] = defaultdict(dict)
    others: dict[str, dict[str, Asked]] = defaultdict(dict)
    for template in templates().values():
        for place in template.walk():
            for line, human in (each for entry in place.section.content for each in lines(entry, card)):
                if line.card is not None and (asked := line.requirement or place.asks) is not None:
                    found = own if _part(asked) == _part(template.requirement) else others
                    found[asked].setdefault(line.card, Asked(what=line.what or line.label, human=human))
    return {**others, **own}


def _part(requirement: str) -> str:
    """The article or annex of a provision.

    >>> _part("ai-act:annex-iv:2:g")
    'ai-act:annex-iv'
    """
    return ":".join(requirement.split(":")[:2])


def answered_at(requirement: str) -> str:
    """Where the card answers a provision as such, beside what documents ask for.

    >>> answered_at("ai-act:art-4:1")
    'provisions.ai_act_art_4_1'
    """
    return f"provisions.{re.sub('[^a-z0-9]+', '_', requirement)}"
