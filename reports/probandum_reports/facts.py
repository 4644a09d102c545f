"""Declared facts from the card and facts of the run, each found again by its path.

A card value may be plain, or a mapping with ``value``, ``by`` and ``date``: who states it, and since when. Where a
value names nobody, the card's own ``declared: {by, date}`` speaks for it. (The key is not ``on``, which YAML reads
as "true".)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from probandum import codec
from probandum.accounting import from_cache, total
from probandum.attempts import Attempts
from probandum.document import Fact, Origin
from probandum.dossier import Dossier, Review
from probandum.evidence import Reading
from probandum.finding import SubReason, Verdict
from probandum.gaps import Gaps
from probandum.gating import GateResult, headline, strictness
from probandum.law import catalogue
from probandum.law.confirming import CONFIRMED, changed
from probandum.law.practices import prohibited
from probandum.law.scope import denial, outside
from probandum.probe import ControlOutcome
from probandum.speech import english
from probandum.stating import stated, words
from probandum_reports import digests, metered, saying, special_names, tested
from probandum_reports.citing import gdpr_version, law_age, law_version
from probandum_reports.messages import Spoken, counted, noted, said

#: What counts the operations of a request.
_COMPUTE = "energy.compute"
#: What a review is, and what it is not.
REVIEW = "A record of review, and no signature of a responsible person in the sense of Annex IV(2)(g)."
#: How a probe ended, and what became of inputs.
_STATUS: Mapping[str, str] = Spoken({"measured": "measured", "not_applicable": "not applicable", "error": "error"})
_BECAME: Mapping[str, str] = {
    "planned": noted("{n:,} planned"),
    "attempted": noted("{n:,} attempted"),
    "assessed": noted("{n:,} assessed"),
    "errored": noted("{n:,} errored"),
    "refused": noted("{n:,} refused"),
    "unparsable": noted("{n:,} unparsable"),
}


def card_fact(card: Mapping[str, Any], path: str, *, label: str | None = None, human: bool = False) -> Fact | None:
    """What stands at ``path``; None where nothing does.

    With ``human`` only a statement with its own name and date counts: nobody else may speak in that field. A class
    that was confirmed for other answers is none.
    """
    said = stated(card, path)
    if said is None or not (value := words(said.value)) or (human and not said.own):
        return None
    if path == CONFIRMED and changed(card):
        return None
    return Fact(path=path, value=value, label=label, by=said.by, on=said.on)


def run_fact(dossier: Dossier, path: str, *, label: str | None = None) -> Fact | None:
    """A fact of the run under its path without the leading ``run.``; None where the record has none."""
    value = run_facts(dossier).get(path)
    return None if not value else Fact(path=f"run.{path}", value=value, label=label, origin="measured")


@lru_cache(maxsize=4)
def run_facts(dossier: Dossier) -> Mapping[str, str]:
    """Everything that the record says of the run itself, as words by path; worked out once for all documents."""
    environment, plan = dossier.environment, dossier.plan
    target = environment.get("target", {})
    counts = dossier.gate.get("counts", {})
    facts: dict[str, Any] = {
        "tool": f"{environment['tool']['name']} {environment['tool']['version']}",
        "plugins": environment["tool"].get("plugins") or None,
        "started": environment.get("started"),
        "as_of": dossier.as_of,
        "law": law_version(),
        "law.gdpr": gdpr_version(),
        "law_age": law_age(dossier.as_of),
        "machine": environment.get("machine"),
        "packages": environment.get("packages"),
        "seed": environment.get("seed"),
        "precision": _ran(target, "precision", "dtype"),
        "device": _ran(target, "device"),
        "target.type": target.get("type"),
        "target.identity": target.get("identity"),
        "target.capabilities": target.get("capabilities"),
        "target.labels": target.get("labels"),
        **tested.stated(dossier),
        "digest.record": dossier.digests.get("record"),
        "digest.judgement": dossier.digests.get("judgement"),
        "digest.model": digests.model(dossier),
        "digest.data": digests.data(dossier),
        "digest.ask": dossier.digests.get("ask"),
        "digest.judge": dossier.digests.get("judge"),
        "digest.declare": dossier.digests.get("declare"),
        "seal": _seal(dossier.seal),
        "lock": _lock(dossier.lock),
        "gate": _gate(dossier),
        "findings": sum(counts.values()),
        "judged": dossier.gate.get("judged"),
        "unjudged": dossier.gate.get("unjudged"),
        "attempts": _attempts(dossier.gate.get("attempts")),
    }
    facts |= {f"target.identity.{name}": value for name, value in identity(dossier).items()}
    for index, caution in enumerate(target.get("cautions") or ()):
        facts[f"target.cautions.{index}"] = english(caution)
    for index, amendment in enumerate((dossier.lock or {}).get("amendments", ())):
        facts[f"target.cautions.amended.{index}"] = said(
            "A limit was amended. {amendment}.", amendment=english(amendment)
        )
    against = [
        each.why
        for each in dossier.findings
        if (each.verdict, each.sub_reason) == (Verdict.ERROR, SubReason.AGAINST_LABELS)
    ]
    for index, why in enumerate(dict.fromkeys(why for why in against if why)):
        facts[f"target.cautions.against-labels.{index}"] = english(f"{why[:1].upper()}{why[1:]}.")
    if (missing := environment.get("missing")) is not None:
        gaps = codec.decode(Gaps, codec.encode(missing), what="environment.json: missing")
        facts["target.cautions.missing"] = said("{gaps} (data.missing: keep).", gaps=gaps.said)
    if dossier.purged is not None:
        deleted = dossier.purged[:1].upper() + dossier.purged[1:]
        left = "{deleted}. Digests, counts and values of items stand; the words are gone."
        facts["target.cautions.purged"] = said(left, deleted=english(deleted))
    facts |= {f"counts.{verdict}": str(count) for verdict, count in counts.items()}
    special = special_names.of_record(plan, dossier.findings)
    facts |= {f"special.{name}": f"{name}: {each.words}" for name, each in special.items()}
    for index, cause in enumerate(dossier.gate.get("causes", ())):
        if not cause.get("finding"):
            facts[f"causes.{index}"] = english(cause["text"])
    for result in dossier.results:
        for kind in ("positive", "negative"):
            told = [_control(control) for control in result.controls if control.kind == kind]
            if told:
                facts[f"controls.{result.probe}.{kind}"] = result.quoted("; ".join(told))
        state = said("version {version}, {status}", version=result.version, status=_STATUS[result.status])
        why = result.quoted(result.why or "") if result.status == "error" else result.why or ""
        facts[f"probe.{result.probe}"] = f"{state}: {english(why)}" if why else state
        facts[f"summary.{result.probe}"] = english(result.quoted(result.summary)) or None
        given = {name: value for name, value in result.options.items() if value not in (None, "", [], ())}
        facts[f"options.{result.probe}"] = given or said("none")
    for account in dossier.accounts:
        inputs = ", ".join(said(_BECAME[name], n=count) for name, count in total([account]).items())
        facts[f"inputs.{account.probe}"] = "; ".join(filter(None, [inputs, from_cache([account])]))
    facts |= {"energy": metered.whole(dossier.energy), "co2e": metered.emissions(dossier.energy)}
    facts["benchmark"] = _benchmark(dossier)
    for name, reading in dossier.readings.items():
        facts[f"reading.{name}"] = _reading(reading)
    return {path: words(value) for path, value in facts.items() if value is not None}


def _gate(dossier: Dossier) -> str:
    """How the gate ended, and how strictly it decided."""
    result = codec.decode(GateResult, codec.encode(dossier.gate), what="gate.json")
    return said("{ended}; mode {mode}", ended=headline(result), mode=strictness(result))


def _ran(target: Mapping[str, Any], *names: str) -> str | None:
    """What the target said of how it ran, which a plan only wishes; that nobody sees it, of one behind an address.

    >>> _ran({"identity": {"dtype": "float32"}}, "precision", "dtype"), _ran({"identity": {}}, "device")
    ('float32', None)
    """
    told = next((words(target["identity"][name]) for name in names if target.get("identity", {}).get(name)), None)
    return told or (said("not seen: the system answers behind an address") if target.get("endpoints") else None)


def _benchmark(dossier: Dossier) -> str | None:
    """The task behind the operations that were counted of a request, and the machine; None where none were counted."""
    found = [each for each in dossier.findings if each.probe == _COMPUTE and each.estimate.value is not None]
    result = next((each for each in dossier.results if each.probe == _COMPUTE), None)
    if not found or result is None:
        return None
    texts, tokens = result.options.get("texts"), result.options.get("tokens")
    task = counted(
        found[0].estimate.n,
        "{n} text of {whose}, each asked alone",
        "{n:,} texts of {whose}, each asked alone",
        whose=texts or said("the set that comes with the tool"),
    )
    if tokens and any("output-token" in each.metric for each in found):
        task = said("{task}, {n} tokens asked for", task=task, n=tokens)
    target = dossier.environment.get("target", {})
    if target.get("endpoints"):
        where = said("it ran behind an address, on hardware that the audit does not see")
    else:
        machine, device = words(dossier.environment.get("machine")), target.get("identity", {}).get("device")
        where = said("it ran on {machine}", machine=machine)
        if device:
            where = said("it ran on {machine}, device {device}", machine=machine, device=device)
    told = "{task}; {where}; counted or estimated by {probe} as its method says"
    return said(told, task=task, where=where, probe=_COMPUTE)


def identity(dossier: Dossier) -> dict[str, str]:
    """What tells the audited target from every other, in words by name: each digest has a line of its own."""
    parts: dict[str, str] = {}
    for name, value in dossier.environment.get("target", {}).get("identity", {}).items():
        called = name.replace("_", " ")
        if isinstance(value, Mapping) and all(str(each).startswith("sha256:") for each in value.values()):
            parts |= {f"{called}, {key}": words(each) for key, each in value.items()}
        elif text := words(value):
            parts[called] = text
    return parts


def cautions(dossier: Dossier) -> tuple[Fact, ...]:
    """What every document shows first: files that ran code, limits changed after their lock, scores turned round."""
    paths = [path for path in run_facts(dossier) if path.startswith("target.cautions.")]
    return tuple(fact for path in paths if (fact := run_fact(dossier, path, label="Caution")) is not None)


def aged_law(dossier: Dossier) -> tuple[Fact, ...]:
    """That the catalogue was looked at too long before the day that documents state; none where it was not."""
    fact = run_fact(dossier, "law_age", label="Caution")
    return () if fact is None else (fact,)


def practices(dossier: Dossier) -> tuple[Fact, ...]:
    """That the card names practices which Art. 5(1) prohibits, one each."""
    speaker = stated(dossier.card, "art_5")
    told = prohibited(dossier.card, catalogue(), dossier.as_of)
    if speaker is None:
        return ()
    label, by, on = said("Prohibited practice"), speaker.by, speaker.on
    return tuple(Fact(path=f"practice.{id}", value=text, by=by, on=on, label=label) for id, text in told.items())


def denied(dossier: Dossier) -> tuple[Fact, ...]:
    """That somebody says that the Act does not speak of the system, with their reasons; none where nobody does."""
    speaker = outside(dossier.card)
    if speaker is None:
        return ()
    label, told = said("Outside the AI Act"), denial(dossier.card)
    return (Fact(path="scope.denied", value=told, by=speaker.by, on=speaker.on, label=label),)


def notices(dossier: Dossier) -> tuple[Fact, ...]:
    """What every cover says: practices that are prohibited, that somebody denies the whole Act, and what the card
    itself wants there, such as that a model was trained for demonstration.
    """
    card = dossier.card
    many = card.get("notices")
    paths = [f"notices.{index}" for index in range(len(many))] if isinstance(many, list) else ["notices"]
    found = (card_fact(card, path, label="Notice") for path in ["notice", *paths])
    return (*practices(dossier), *denied(dossier), *(fact for fact in found if fact is not None))


def review_field(document: str) -> str:
    """The field of a document that a review fills, and no statement of the card.

    >>> review_field("dpia")
    'review.dpia'
    """
    return f"review.{document}"


def reviews(dossier: Dossier, document: str) -> tuple[Review, ...]:
    """The reviews of what a document says now, in the order in which they were recorded."""
    return tuple(each for each in dossier.reviews if each.document == document)


def review_facts(dossier: Dossier, document: str) -> list[tuple[str, Fact]]:
    """Who reviewed a document, and the files that they reviewed, under their labels."""
    found: list[tuple[str, Fact]] = []
    for each in reviews(dossier, document):
        place, name, day = f"{review_field(document)}.{each.number}", each.name, each.date
        files = "; ".join(f"{name} sha256:{digest}" for name, digest in sorted(each.files.items()))
        who = f"{each.name}, {each.function}. {said(REVIEW)}"
        found.append((said("Reviewed by"), Fact(path=place, value=who, by=name, on=day)))
        found.append((said("Files reviewed"), Fact(path=f"{place}.files", value=files, by=name, on=day)))
    return found


def resolve(dossier: Dossier, path: str, *, human: bool = False, origin: Origin = "declared") -> str | None:
    """The words at a fact's path, for checking a document against its sources."""
    if origin == "measured" and path.startswith("run."):
        return run_facts(dossier).get(path.removeprefix("run."))
    if path.startswith("review."):
        told = (fact for _, fact in review_facts(dossier, path.split(".")[1]) if fact.path == path)
        return next((fact.value for fact in told), None)
    if path.startswith("practice."):
        return next((fact.value for fact in practices(dossier) if fact.path == path), None)
    if path == "scope.denied":
        return denial(dossier.card) or None
    fact = card_fact(dossier.card, path, human=human)
    return None if fact is None else fact.value


def _control(control: ControlOutcome) -> str:
    name, detail = english(control.name), english(saying.legible(control.detail))
    if control.held is None:
        return said("{control} could not tell: {detail}", control=name, detail=detail)
    if control.held:
        return said("{control} held: {detail}", control=name, detail=detail)
    return said("{control} failed: {detail}", control=name, detail=detail)


def _reading(reading: Reading) -> str:
    seconds = saying.amount(reading.seconds, "second")
    if reading.joules is None:
        why = english(", ".join(dict.fromkeys(reading.why.values()))) or said("no meter was used")
        return said("no value over {seconds}: {why}", seconds=seconds, why=why)
    over = said("over {seconds}", seconds=seconds)
    return f"{metered.took(reading, over=over)}. {metered.caveat(reading)}"


def _attempts(told: Mapping[str, Any] | None) -> str | None:
    return None if told is None else codec.decode(Attempts, codec.encode(told), what="gate.json: attempts").said


def _lock(lock: Mapping[str, Any] | None) -> str | None:
    """When limits were locked, and whether that was before anything was asked.

    >>> _lock({"made": "2026-10-30T08:00:00Z", "precedes": True, "signed": False, "digest": "sha256:ab", "held": [1]})
    'made on 2026-10-30, before the run began, unsigned; 1 limit stands in it as now applied; digest sha256:ab'
    """
    if lock is None:
        return None
    if lock["precedes"]:
        made = said("made on {day}, before the run began", day=lock["made"][:10])
    else:
        made = said("made on {day}, after the run began, so that it shows nothing of it", day=lock["made"][:10])
    signed = said("signed with key {key}", key=lock["key_id"]) if lock["signed"] else said("unsigned")
    held = counted(
        len(lock["held"]), "{n} limit stands in it as now applied", "{n:,} limits stand in it as now applied"
    )
    return said("{made}, {signed}; {held}; digest {digest}", made=made, signed=signed, held=held, digest=lock["digest"])


def _seal(seal: Mapping[str, Any]) -> str:
    if not seal.get("signed"):
        return said("unsigned: the digests show that files belong together, not who wrote them")
    told = "signed with key {key}; the tool's seal is not the signature of a responsible person"
    return said(told, key=seal.get("key_id"))
