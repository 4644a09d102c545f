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
from probandum.law.confirming import CONFIRMED, changed
from probandum.probe import ControlOutcome
from probandum.stating import stated, words
from probandum.units import counted, so_many
from probandum_reports import digests, metered, saying, special_names
from probandum_reports.citing import law_age, law_version

#: What counts the operations of a request.
_COMPUTE = "energy.compute"
#: What a review is, and what it is not.
REVIEW = "A record of review, and no signature of a responsible person in the sense of Annex IV(2)(g)."


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
    execution = plan.get("ask", {}).get("execution", {})
    counts = dossier.gate.get("counts", {})
    facts: dict[str, Any] = {
        "tool": f"{environment['tool']['name']} {environment['tool']['version']}",
        "plugins": environment["tool"].get("plugins") or None,
        "started": environment.get("started"),
        "as_of": dossier.as_of,
        "law": law_version(),
        "law_age": law_age(dossier.as_of),
        "machine": environment.get("machine"),
        "packages": environment.get("packages"),
        "seed": environment.get("seed"),
        "precision": execution.get("dtype"),
        "device": execution.get("device"),
        "target.type": target.get("type"),
        "target.identity": target.get("identity"),
        "target.capabilities": target.get("capabilities"),
        "target.labels": target.get("labels"),
        "target.endpoints": target.get("endpoints") or "none",
        "data": _rows(plan.get("ask", {}).get("data")),
        "decision": plan.get("ask", {}).get("decision"),
        "label": _label(plan.get("ask", {})),
        "groups": {name: _group(group) for name, group in (plan.get("ask", {}).get("groups") or {}).items()} or None,
        "suites": ", ".join(plan.get("suites", {})),
        "digest.record": dossier.digests.get("record"),
        "digest.judgement": dossier.digests.get("judgement"),
        "digest.model": digests.model(dossier),
        "digest.data": digests.data(dossier),
        "digest.ask": dossier.digests.get("ask"),
        "digest.judge": dossier.digests.get("judge"),
        "digest.declare": dossier.digests.get("declare"),
        "seal": _seal(dossier.seal),
        "lock": _lock(dossier.lock),
        "gate": f"code {dossier.gate.get('code')} in mode {dossier.gate.get('mode')}",
        "findings": sum(counts.values()),
        "judged": dossier.gate.get("judged"),
        "unjudged": dossier.gate.get("unjudged"),
        "attempts": _attempts(dossier.gate.get("attempts")),
    }
    facts |= {f"target.identity.{name}": value for name, value in identity(dossier).items()}
    for index, caution in enumerate(target.get("cautions") or ()):
        facts[f"target.cautions.{index}"] = caution
    for index, amendment in enumerate((dossier.lock or {}).get("amendments", ())):
        facts[f"target.cautions.amended.{index}"] = f"A limit was amended. {amendment}."
    against = [
        each.why
        for each in dossier.findings
        if (each.verdict, each.sub_reason) == (Verdict.ERROR, SubReason.AGAINST_LABELS)
    ]
    for index, why in enumerate(dict.fromkeys(why for why in against if why)):
        facts[f"target.cautions.against-labels.{index}"] = f"{why[:1].upper()}{why[1:]}."
    if (missing := environment.get("missing")) is not None:
        gaps = codec.decode(Gaps, codec.encode(missing), what="environment.json: missing")
        facts["target.cautions.missing"] = f"{gaps.said} (data.missing: keep)."
    if dossier.purged is not None:
        deleted = dossier.purged[:1].upper() + dossier.purged[1:]
        facts["target.cautions.purged"] = f"{deleted}. Digests, counts and values of items stand; the words are gone."
    facts |= {f"counts.{verdict}": str(count) for verdict, count in counts.items()}
    facts |= {f"special.{name}": f"{name}: {said}" for name, said in special_names.of_plan(plan).items()}
    for index, cause in enumerate(dossier.gate.get("causes", ())):
        if not cause.get("finding"):
            facts[f"causes.{index}"] = cause["text"]
    for result in dossier.results:
        for kind in ("positive", "negative"):
            said = [_control(control) for control in result.controls if control.kind == kind]
            if said:
                facts[f"controls.{result.probe}.{kind}"] = result.quoted("; ".join(said))
        state = f"version {result.version}, {result.status.replace('_', ' ')}"
        why = result.quoted(result.why or "") if result.status == "error" else result.why or ""
        facts[f"probe.{result.probe}"] = f"{state}: {why}" if why else state
        facts[f"summary.{result.probe}"] = result.quoted(result.summary) or None
        given = {name: value for name, value in result.options.items() if value not in (None, "", [], ())}
        facts[f"options.{result.probe}"] = given or "none"
    for account in dossier.accounts:
        inputs = ", ".join(f"{count:,} {name}" for name, count in total([account]).items())
        facts[f"inputs.{account.probe}"] = "; ".join(filter(None, [inputs, from_cache([account])]))
    facts |= {"energy": metered.whole(dossier.energy), "co2e": metered.emissions(dossier.energy)}
    facts["benchmark"] = _benchmark(dossier)
    for name, reading in dossier.readings.items():
        facts[f"reading.{name}"] = _reading(reading)
    return {path: words(value) for path, value in facts.items() if value is not None}


def _benchmark(dossier: Dossier) -> str | None:
    """The task behind the operations that were counted of a request, and the machine; None where none were counted."""
    found = [each for each in dossier.findings if each.probe == _COMPUTE and each.estimate.value is not None]
    result = next((each for each in dossier.results if each.probe == _COMPUTE), None)
    if not found or result is None:
        return None
    texts, tokens = result.options.get("texts"), result.options.get("tokens")
    whose = texts or "the set that comes with the tool"
    task = [f"{so_many(found[0].estimate.n, 'texts')} of {whose}, each asked alone"]
    task += [f"{tokens} tokens asked for"] if tokens and any("output-token" in each.metric for each in found) else []
    target = dossier.environment.get("target", {})
    if target.get("endpoints"):
        where = "it ran behind an address, on hardware that the audit does not see"
    else:
        device = target.get("identity", {}).get("device")
        where = f"it ran on {words(dossier.environment.get('machine'))}" + (f", device {device}" if device else "")
    return f"{', '.join(task)}; {where}; counted or estimated by {_COMPUTE} as its method says"


def identity(dossier: Dossier) -> dict[str, str]:
    """What tells the audited target from every other, in words by name: each digest has a line of its own."""
    parts: dict[str, str] = {}
    for name, value in dossier.environment.get("target", {}).get("identity", {}).items():
        said = name.replace("_", " ")
        if isinstance(value, Mapping) and all(str(each).startswith("sha256:") for each in value.values()):
            parts |= {f"{said}, {key}": words(each) for key, each in value.items()}
        elif text := words(value):
            parts[said] = text
    return parts


def cautions(dossier: Dossier) -> tuple[Fact, ...]:
    """What every document shows first: files that ran code, limits changed after their lock, scores turned round."""
    paths = [path for path in run_facts(dossier) if path.startswith("target.cautions.")]
    return tuple(fact for path in paths if (fact := run_fact(dossier, path, label="Caution")) is not None)


def aged_law(dossier: Dossier) -> tuple[Fact, ...]:
    """That the catalogue was looked at too long before the day that documents state; none where it was not."""
    fact = run_fact(dossier, "law_age", label="Caution")
    return () if fact is None else (fact,)


def notices(card: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What the card itself wants on every cover, such as that a model was trained for demonstration."""
    many = card.get("notices")
    paths = [f"notices.{index}" for index in range(len(many))] if isinstance(many, list) else ["notices"]
    return tuple(fact for path in ["notice", *paths] if (fact := card_fact(card, path, label="Notice")) is not None)


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
        who = f"{each.name}, {each.function}. {REVIEW}"
        found.append(("Reviewed by", Fact(path=place, value=who, by=name, on=day)))
        found.append(("Files reviewed", Fact(path=f"{place}.files", value=files, by=name, on=day)))
    return found


def resolve(dossier: Dossier, path: str, *, human: bool = False, origin: Origin = "declared") -> str | None:
    """The words at a fact's path, for checking a document against its sources."""
    if origin == "measured" and path.startswith("run."):
        return run_facts(dossier).get(path.removeprefix("run."))
    if path.startswith("review."):
        said = (fact for _, fact in review_facts(dossier, path.split(".")[1]) if fact.path == path)
        return next((fact.value for fact in said), None)
    fact = card_fact(dossier.card, path, human=human)
    return None if fact is None else fact.value


def _rows(data: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What the plan says of its rows; that none of them lacks a value goes without saying."""
    return (
        None if data is None else {key: value for key, value in data.items() if (key, value) != ("missing", "refuse")}
    )


def _label(ask: Mapping[str, Any]) -> str | None:
    """The column of the label, of a log or of other rows, and which of its values a system tries to detect.

    >>> _label({"data": {"label": "bad_loan", "positive": 1}}), _label({"target": {"type": "log"}})
    ('column bad_loan; its value 1 is what the system tries to detect', None)
    """
    for source in (ask.get("target") or {}, ask.get("data") or {}):
        if (column := source.get("label")) is not None:
            positive = source.get("positive")
            detected = "" if positive is None else f"; its value {words(positive)} is what the system tries to detect"
            return f"column {column}{detected}"
    return None


def _group(group: Mapping[str, Any] | None) -> str:
    group = group or {}
    reference = group.get("reference")
    text = "every ordered pair" if reference is None else f"against {reference}"
    return text + (f", intervals {words(group['labels'])}" if group.get("labels") else "")


def _control(control: ControlOutcome) -> str:
    state = {True: "held", False: "failed", None: "could not tell"}[control.held]
    return f"{control.name} {state}: {saying.legible(control.detail)}"


def _reading(reading: Reading) -> str:
    over = f"over {saying.amount(reading.seconds, 'second')}"
    if reading.joules is None:
        return f"no value {over}: {', '.join(dict.fromkeys(reading.why.values())) or 'no meter was used'}"
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
    when = "before the run began" if lock["precedes"] else "after the run began, so that it shows nothing of it"
    signed = f"signed with key {lock['key_id']}" if lock["signed"] else "unsigned"
    held = f"{counted(len(lock['held']), 'limit')} {'stands' if len(lock['held']) == 1 else 'stand'} in it"
    return f"made on {lock['made'][:10]}, {when}, {signed}; {held} as now applied; digest {lock['digest']}"


def _seal(seal: Mapping[str, Any]) -> str:
    if not seal.get("signed"):
        return "unsigned: the digests show that files belong together, not who wrote them"
    return f"signed with key {seal.get('key_id')}; the tool's seal is not the signature of a responsible person"
