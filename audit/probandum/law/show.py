"""The law in plain lines, one entry a line, id first: what ``probandum law`` prints."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from probandum.dates import as_of_day
from probandum.law.age import staleness
from probandum.law.binding import Binding, Open, bind
from probandum.law.contradicting import contradictions
from probandum.law.entries import FormField, Milestone, Remark, Requirement, Standard, UseCase
from probandum.law.loading import Catalogue, Entry, canonical, catalogue, unknown
from probandum.law.practices import prohibited
from probandum.law.scope import denial
from probandum.stating import plainly
from probandum.units import counted

_WIDTH = 110


def listing(prefix: str = "", *, as_of: str | None = None) -> Iterator[str]:
    """Every requirement, form field, standard and remark whose id starts with ``prefix``; UnknownName without any.

    ``as_of`` tells past from to come, and comes with a warning where the pack is old by then.
    """
    law = catalogue()
    day = _day(as_of)
    start = canonical(prefix)
    entries: dict[str, Entry] = {**law.requirements, **law.form, **law.standards, **law.remarks}
    found = [entry for id, entry in entries.items() if id.startswith(start)]
    if not found:
        raise unknown("law entry", prefix, entries)
    return chain(_warned(day, law), (_line(entry, law, day) for entry in found))


def entry(id: str, *, measured: Mapping[str, Collection[str]], as_of: str | None = None) -> Iterator[str]:
    """One entry whole, a fact a line. ``measured``: the metrics of every probe there is, by its id."""
    law = catalogue()
    found, day = law.find(id), _day(as_of)
    return chain(_warned(day, law), _whole(found, law, measured, day))


def _whole(found: Entry, law: Catalogue, measured: Mapping[str, Collection[str]], as_of: str | None) -> Iterator[str]:
    yield found.id
    for name, value in _facts(found, law, measured, as_of):
        if value:
            yield from textwrap.wrap(
                f"{name}: {value}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    yield f"  {law.pack.disclaimer}"


def timeline(as_of: str | None = None) -> Iterator[str]:
    """Every date, earliest first, as the pack knew it on the day it was checked; ``as_of`` tells past from to come."""
    law = catalogue()
    day = _day(as_of)
    return chain(_warned(day, law), _timeline(law, day))


def _day(as_of: str | None) -> str | None:
    return None if as_of is None else as_of_day(as_of).isoformat()


def _warned(as_of: str | None, law: Catalogue) -> Iterator[str]:
    """A warning where the pack does not fit that day."""
    if as_of is not None and (warning := staleness(as_of, law=law)):
        yield warning


def _timeline(law: Catalogue, as_of: str | None) -> Iterator[str]:
    yield f"{law.pack.statement}; checked on {law.pack.as_of}" + ("" if as_of is None else f"; as of {as_of}")
    for milestone in sorted(law.timeline.values(), key=lambda m: (m.dates.formal or "9999", m.id)):
        yield _line(milestone, law, as_of)


def check(card: Mapping[str, Any], as_of: str) -> Iterator[str]:
    """What binds the system of ``card``, whom and from when, as seen on ``as_of``; never a verdict."""
    law = catalogue()
    today = as_of_day(as_of)
    binding = bind(card)
    return _check(card, today, binding, law)


def _check(card: Mapping[str, Any], today: datetime.date, binding: Binding, law: Catalogue) -> Iterator[str]:
    as_of = today.isoformat()
    yield from prohibited(card, law, as_of).values()
    yield from filter(None, [denial(card)])
    yield from chain.from_iterable(contradictions(plainly(card)).values())
    yield from _warned(as_of, law)
    name = " ".join(str(card[key]) for key in ("name", "version") if card.get(key))
    yield f"{name or 'the system'}: what binds whom by what its card says, as of {as_of}"
    yield f"{law.pack.statement}; pack {law.pack.version}, checked on {law.pack.as_of}"
    yield law.pack.disclaimer
    for case in binding.cases:
        yield f"the card says: Annex III {case.point}, {case.title}" + (" [not settled]" if case.verify else "")
    yield from (f"the card says: {remark}" for remark in binding.remarks)
    if binding.placing:
        yield binding.placing + ("; that day is to come" if binding.applying.to_come(as_of) else "")
    if binding.unsaid:
        yield f"the card does not say: {', '.join(binding.unsaid)}"
    duties = sum(each.requirement.kind == "duty" for each in binding.bound)
    if binding.unnamed:
        names = _listed([f"no {each.party}" for each in binding.unnamed])
        first, *more = binding.unnamed
        counts = _listed(
            [f"{first.duties} duties of {first.party}s", *(f"{each.duties} of {each.party}s" for each in more)]
        )
        yield f"the card names {names}: {counts} may bind and are not counted"
    if binding.silent:
        parties = _listed([each.party for each in binding.silent])
        yield f"the card says nothing of {parties}: what may bind them is not counted"
    yield f"{len(binding.bound)} entries by what the card says, {duties} of them duties"
    for each in binding.bound:
        requirement = each.requirement
        parties = ", ".join(each.parties)
        yield _join(
            requirement.id, requirement.cited, parties, binding.applying.when(requirement, as_of), _summary(requirement)
        )
    if binding.open:
        stay = f"{counted(len(binding.open), 'role')} {'stays' if len(binding.open) == 1 else 'stay'}"
        yield f"{stay} open until the card says more (settle them under roles)"
    for role in binding.open:
        yield _join(role.role, role.why, _first(role))
    for party in binding.unnamed:
        yield f"roles of a {party.party}, whom the card does not name, and what may bind by each"
        for role in party.roles:
            yield _join(role.role, role.why or f"if there is a {party.party}", _first(role))


def _listed(texts: Sequence[str]) -> str:
    """Texts as a list in a sentence.

    >>> _listed(["a", "b", "c"]), _listed(["a"])
    ('a, b and c', 'a')
    """
    *before, last = texts
    return f"{', '.join(before)} and {last}" if before else last


def _first(role: Open) -> str:
    """The first entries that hang on a role, and how many more."""
    ids = [requirement.id for requirement in role.requirements]
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def _line(entry: Entry, law: Catalogue, as_of: str | None = None) -> str:
    match entry:
        case Requirement():
            return _join(entry.id, entry.cited, law.supplier(entry), entry.dates.said(as_of=as_of), _summary(entry))
        case Milestone():
            when = entry.dates.said(as_of=as_of)
            if entry.dates.kind == "reading" and entry.dates.annex_i is not None:
                when += f" (Annex III), {entry.dates.annex_i} (Annex I Section A)"
            status, checked = entry.status_note or entry.status, law.heads["timeline"].as_of
            if as_of is not None and as_of != checked:
                status = f"{status} as of {checked}"
            return _join(entry.id, when, entry.citation, f"{entry.what} ({status}){_mark(entry)}")
        case FormField():
            return _join(entry.id, entry.citation or "no provision", f"{entry.label}: {entry.what}{_mark(entry)}")
        case Standard():
            journal = "" if entry.cited_in_oj else " [no reference in the Official Journal found]"
            return _join(entry.id, entry.citation, f"{entry.title}. {entry.status}{journal}{_mark(entry)}")
        case Remark():
            return _join(entry.id, entry.citation, f"{entry.summary}{_mark(entry)}")


def _summary(requirement: Requirement) -> str:
    """The summary with what it is, so that nothing reads as a duty that is none."""
    kind = "" if requirement.kind == "duty" else f"[{requirement.kind}] "
    return f"{kind}{requirement.summary}{_mark(requirement)}"


def _mark(entry: Entry | UseCase) -> str:
    return " [not settled]" if entry.verify else ""


def _join(*parts: str) -> str:
    return "  ".join(parts)


def _facts(
    entry: Entry, law: Catalogue, measured: Mapping[str, Collection[str]], as_of: str | None
) -> Iterator[tuple[str, str | None]]:
    settled = "not settled: look again before relying on it" if entry.verify else None
    match entry:
        case Requirement():
            yield "citation", entry.cited
            yield "title", entry.title
            yield "summary", entry.summary
            yield "kind", entry.kind
            yield "roles", _roles(entry, law)
            yield "dates", entry.dates.said(as_of=as_of)
            if entry.dates.annex_i is not None:
                yield "dates, Annex I Section A", entry.dates.said(as_of=as_of, product_route=True)
            yield "basis of the dates", entry.dates.basis
            yield "text as amended since", entry.dates.text_since
            yield "older systems of public authorities", entry.dates.legacy_public_by
            yield "components", "; ".join(entry.components)
            yield "evidence", entry.evidence
            yield "families", ", ".join(entry.families)
            yield from _metrics(entry, law, measured)
            yield "for people to state", ", ".join(entry.inputs)
            yield "documents", ", ".join(entry.documents)
            yield "amended by", entry.amended_by
            yield "formerly", entry.former
            yield "replaced by", entry.replaced_by
            yield "restates", ", ".join(entry.see)
            yield from _use_case(entry.id, law)
            yield "source", "; ".join(entry.source)
            yield "checked against", "; ".join(entry.checked) or "nothing"
        case FormField():
            yield "citation", entry.citation
            yield "field", f"{entry.label}: {entry.what}"
            yield "roles", _roles(entry, law)
            yield "words at most", None if entry.words is None else str(entry.words)
            yield "recipients", f"{', '.join(entry.recipients)} ({entry.recipients_confidence})"
            yield "evidence", entry.evidence
            yield from _metrics(entry, law, measured)
            yield "unit", entry.unit
            yield "options", ", ".join(entry.options)
            yield "source", "; ".join(entry.source)
            yield "checked against", "; ".join(entry.checked) or "nothing"
        case Standard():
            yield entry.group, f"{entry.citation}: {entry.title}"
            yield "provisions", entry.articles
            yield "status", entry.status
            yield "reference in the Official Journal", "yes" if entry.cited_in_oj else "none found"
            yield "checked against", "; ".join(entry.checked) or "nothing"
        case Milestone():
            yield "citation", entry.citation
            yield "what", entry.what
            yield "roles", _roles(entry, law)
            yield "dates", entry.dates.said(as_of=as_of)
            yield "basis of the dates", entry.dates.basis
            yield f"status on {law.heads['timeline'].as_of}", entry.status_note or entry.status
            yield "source", "; ".join(entry.source)
            yield "checked against", "; ".join(entry.checked) or "nothing"
        case Remark():
            yield "citation", entry.citation
            yield "remark", entry.summary
    yield "note", None if isinstance(entry, Remark) else entry.note
    yield "state", settled


def _roles(entry: Requirement | FormField | Milestone, law: Catalogue) -> str:
    """Whom an entry binds, by role and in words."""
    return ", ".join(f"{role} ({law.party_words(role)})" for role in entry.applies_to)


def _metrics(
    entry: Requirement | FormField, law: Catalogue, measured: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str | None]]:
    """The map names probes that are planned as well; only those that there are can be said to measure anything."""
    for metric, targets in law.metric_targets(entry).items():
        there = [target for target in targets if _is_measured(target, measured)]
        yield f"metric {metric}", ", ".join(there) or "no probe measures it"


def _is_measured(target: str, measured: Mapping[str, Collection[str]]) -> bool:
    """Whether a target, a probe or ``probe/metric``, is one of these.

    >>> there = {"a.b": {"m"}}
    >>> _is_measured("a.b/m", there), _is_measured("a.b", there), _is_measured("a.b/k", there)
    (True, True, False)
    """
    probe, _, metric = target.partition("/")
    return probe in measured and (not metric or metric in measured[probe])


def _use_case(id: str, law: Catalogue) -> Iterator[tuple[str, str | None]]:
    case = law.use_cases.get(id)
    if case is None:
        return
    head = law.heads["annex_iii"]
    yield "area", head.areas[case.point.partition("(")[0]]
    yield "use", f"{case.title}: {case.summary}{_mark(case)}"
    yield "conformity assessment", {"annex-vi": "Annex VI", "annex-vi-or-vii": "Annex VI or VII"}[case.conformity]
    yield "impact assessment of Art. 27", case.fria.replace("-", " ")
    yield "registration", case.registration.replace("-", " ")
    yield "profiling, a hint and no finding", case.profiling
    yield from (("inside", example) for example in case.examples)
    yield from (("outside", example) for example in case.outside)
    yield from (("aid to the person who classifies", trap) for trap in case.traps)
