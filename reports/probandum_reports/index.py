"""The entry page of one audit: what the gate decided and why, every verdict, and the way to everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probandum.document import Document
from probandum.dossier import WHOLE, Dossier
from probandum.finding import Finding, SubReason, Verdict
from probandum.totalling import SECOND
from probandum_reports import basis, facts, lint, metered, reversals, saying
from probandum_reports.pages import fill, frame
from probandum_reports.sayings import Shown
from probandum_reports.strips import strips
from probandum_reports.view import View
from probandum_reports.waivers import not_blocking, standings

#: What a gate's exit code says, the verdict whose mark it wears, and how its causes are headed.
_GATES: Mapping[int, tuple[str, Verdict, str]] = {
    0: ("Every judged finding passes, or is waived and in force", Verdict.PASS, ""),
    1: ("A limit is broken", Verdict.FAIL, "Limits broken"),
    3: ("No clear answer yet", Verdict.INCONCLUSIVE, "Inconclusive, or not judged"),
    4: ("The audit could not be carried out or trusted", Verdict.ERROR, "Not carried out, or not to be trusted"),
}
_MODES: Mapping[str, str] = {
    "release": "release: what stays inconclusive blocks unless somebody waives it",
    "merge": "merge: only broken limits and errors block; what is inconclusive is noted",
}
#: Formats in the order in which a reader is offered them.
_FORMATS: Mapping[str, str] = {"html": "Web page", "pdf": "PDF", "docx": "Word", "md": "Markdown", "json": "JSON"}
#: Formats of the audit as a whole.
_WHOLE: Mapping[str, str] = {"cyclonedx": "CycloneDX 1.7", "in-toto": "in-toto test result"}
_UNSIGNED = (
    "No key signed this record. Its digests show accidental change, but whoever can write the folder could have "
    "written matching ones."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause of the gate's code: the finding in words where it comes from one, else the gate's own text."""

    text: str
    shown: Shown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """The findings of one metric that carry a verdict, and whose limits they were held against."""

    title: str
    probe: str
    sources: Sequence[str]
    shown: Sequence[Shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe as the list of evidence shows it."""

    id: str
    summary: str
    status: str
    findings: int
    controls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A document with the files that hold it, as (format, link) pairs."""

    title: str
    subtitle: str
    status: str
    files: Sequence[tuple[str, str]]


def index(
    dossier: Dossier, documents: Sequence[Document], files: Mapping[str, Sequence[str]], whole: Sequence[str] = ()
) -> bytes:
    """``index.html`` of one audit. ``files``: by document id, the names of its files beside the index.

    ``whole``: the formats of the audit as a whole that stand there, too.
    """
    page = Document(id="index", title="Audit", subtitle="", status="", front=(), nodes=())
    view = View(page, dossier)
    verdicts = [finding for finding in dossier.findings if _carries_verdict(finding)]
    code, counted = int(dossier.gate["code"]), dossier.gate["counts"]
    said, mark, _ = _GATES[code]
    made = fill(
        "index.html",
        view=view,
        purpose=facts.card_fact(dossier.card, "purpose"),
        stated=_stated(view),
        code=code,
        said=said,
        mark=mark,
        mode=_MODES.get(str(dossier.gate["mode"]), str(dossier.gate["mode"])),
        causes=list(_causes(view)),
        accepted=list(_accepted(view)),
        idle=[each for each in standings(dossier) if not each.in_force],
        counts=[(verdict, saying.verdict(verdict), int(counted.get(verdict.value, 0))) for verdict in _ORDER],
        waived=sum(finding.waiver is not None for finding in dossier.findings),
        judged=int(dossier.gate["judged"]),
        unjudged=int(dossier.gate["unjudged"]),
        metrics=list(_metrics(view, verdicts)),
        shapes=strips(finding for finding in verdicts if finding.id not in view.suppressed),
        rest=len(dossier.findings) - len(verdicts),
        cautions=list(_cautions(view)),
        about=list(_about(dossier)),
        identity=list(_identity(dossier)),
        energy=list(_energy(dossier)),
        offers=[_offer(document, files.get(document.id, ())) for document in documents],
        whole=[(_WHOLE[name], WHOLE[name]) for name in whole],
        probes=[_probe(dossier, result.probe) for result in dossier.results],
        **frame(dossier),
    )
    lint.check_page("index.html", made)
    return made


_ORDER = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


def _carries_verdict(finding: Finding) -> bool:
    """Whether the finding was judged, or should have been and could not."""
    return finding.limit is not None or finding.verdict not in (Verdict.NOT_APPLICABLE, Verdict.PASS)


def _stated(view: View) -> list[str]:
    """By whom and when name, version and purpose are stated: these are the declarer's words, and nobody's finding."""
    by: dict[str, list[str]] = {}
    for name in ("name", "version", "purpose"):
        if (fact := facts.card_fact(view.dossier.card, name)) is not None:
            by.setdefault(view.provenance(fact), []).append(name)
    return [f"{_said(names)} {provenance}" for provenance, names in by.items()]


def _said(names: Sequence[str]) -> str:
    """Names in a row.

    >>> _said(["name", "version", "purpose"]), _said(["purpose"])
    ('Name, version and purpose', 'Purpose')
    """
    text = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return text[:1].upper() + text[1:]


def _causes(view: View) -> Iterator[tuple[str, Verdict, list[Cause]]]:
    """The causes by code, the gravest first; a finding is said as everywhere, with small cells withheld."""
    known = {finding.id for finding in view.dossier.findings}
    for code in (4, 1, 3):
        causes = [
            Cause(text=cause["text"], shown=view.shown(cause["finding"]) if cause.get("finding") in known else None)
            for cause in view.dossier.gate["causes"]
            if cause["code"] == code
        ]
        if causes:
            yield _GATES[code][2], _GATES[code][1], causes


def _accepted(view: View) -> Iterator[tuple[str, list[Cause]]]:
    """What did not pass and does not block: what somebody waives, and in a merge what is inconclusive."""
    findings = view.dossier.findings
    for title, chosen in (
        ("Waived, and not blocking", [finding for finding in findings if finding.waiver is not None]),
        ("Inconclusive, and not blocking a merge", [each for each in findings if not_blocking(each, view.dossier)]),
    ):
        if chosen:
            yield title, [Cause(text="", shown=view.shown(finding.id)) for finding in chosen]


def _metrics(view: View, findings: Sequence[Finding]) -> Iterator[Metric]:
    """Findings by metric, the gravest verdict of each metric first within it."""
    by_metric: dict[str, list[Shown]] = {}
    for finding in findings:
        by_metric.setdefault(finding.metric, []).append(view.shown(finding.id))
    for shown in by_metric.values():
        yield Metric(
            title=shown[0].title,
            probe=shown[0].finding.probe,
            sources=list(dict.fromkeys(each.limit_source for each in shown if each.limit_source)),
            shown=sorted(shown, key=lambda each: _ORDER.index(each.finding.verdict)),
        )


def _cautions(view: View) -> Iterator[tuple[str, str]]:
    """What a reader must know before any number: (heading, text) pairs."""
    dossier = view.dossier
    for fact in facts.aged_law(dossier):
        yield "About the law", fact.value
    for fact in facts.cautions(dossier):
        yield "About the system", fact.value
    for fact in facts.notices(dossier.card):
        provenance = view.provenance(fact)
        yield provenance[:1].upper() + provenance[1:], fact.value
    if label := basis.in_short(dossier):
        yield "About the label", " ".join(label)
    for finding in view.reversed.values():
        shown = view.shown(finding.id)
        yield "Reversed within strata", f"{shown.about}. {reversals.CAUTION} {shown.reason}"
    for finding in dossier.findings:
        if finding.metric.endswith("/adjusted-difference") and finding.sub_reason is SubReason.TRIVIAL:
            shown = view.shown(finding.id)
            yield "Nothing compared within strata", f"{shown.about}. {shown.reason}"
    for each in standings(dossier):
        if each.ended:
            yield "Waiver ended", f"{each.waiver.finding}: {each.state}."
    if not dossier.seal["signed"]:
        yield "Unsigned", _UNSIGNED
    for result in dossier.results:
        failed = [outcome.name for outcome in result.controls if outcome.held is False]
        if failed:
            yield "Control failed", f"{result.probe}: {', '.join(failed)}. What this probe says is no evidence."


def _about(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """The audited system and the run, as far as the record knows them."""
    known = facts.run_facts(dossier)
    for path, label in (
        ("target.type", "Reached as"),
        ("data", "Data"),
        ("decision", "Decision"),
        ("label", "Label"),
        ("groups", "Groups"),
        ("started", "Begun"),
        ("attempts", "Attempts on this model"),
        ("machine", "Machine"),
        ("tool", "Audited with"),
        ("seed", "Seed"),
        ("target.endpoints", "Endpoints called"),
    ):
        if path in known:
            yield label, known[path]


def _identity(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """What tells the audited target from every other, such as the digest of its weights."""
    yield from facts.identity(dossier).items()


def _energy(dossier: Dossier) -> Iterator[tuple[str, str, str, str]]:
    """What the whole audit and each probe took: (what, seconds, energy, caveat)."""
    readings = dossier.readings
    if readings:
        seconds = sum(reading.seconds for name, reading in readings.items() if name != SECOND)
        co2e = f"CO2e: {metered.emissions(dossier.energy)}"
        yield "The whole audit", saying.amount(seconds, "second"), metered.whole(dossier.energy), co2e
    for name in sorted(readings, key=lambda name: name != SECOND):
        reading = readings[name]
        reasons = list(dict.fromkeys(reading.why.values()))
        energy = metered.took(reading)
        yield (
            "The whole audit, by a second opinion" if name == SECOND else name,
            saying.amount(reading.seconds, "second"),
            energy or f"not read: {'; '.join(reasons) or 'no reason recorded'}",
            metered.caveat(reading) if energy else "",
        )


def _offer(document: Document, files: Sequence[str]) -> Offer:
    by_format = {file.rpartition(".")[2]: file for file in files}
    return Offer(
        title=document.title,
        subtitle=document.subtitle,
        status=document.status,
        files=[(name, by_format[suffix]) for suffix, name in _FORMATS.items() if suffix in by_format],
    )


def _probe(dossier: Dossier, name: str) -> Probe:
    result = next(result for result in dossier.results if result.probe == name)
    findings = [finding for finding in dossier.findings if finding.probe == name]
    return Probe(
        id=name,
        summary=result.quoted(result.summary),
        status={"measured": "measured", "not_applicable": "not applicable", "error": "broke"}[result.status],
        findings=len(findings),
        controls=saying.controls(findings[0].controls) if findings and findings[0].controls else "none run",
    )
