"""The entry page of one audit: what the gate decided and why, every verdict, and the way to everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probandum.document import Document
from probandum.dossier import WHOLE, Dossier
from probandum.finding import Finding, SubReason, Verdict
from probandum.totalling import SECOND
from probandum_reports import basis, facts, lint, metered, reversals, saying
from probandum_reports.messages import Spoken, said
from probandum_reports.pages import fill, frame
from probandum_reports.sayings import Shown
from probandum_reports.strips import strips
from probandum_reports.view import View
from probandum_reports.waivers import not_blocking, standings

#: What a gate's exit code says, how its causes are headed, and the verdict whose mark it wears.
_GATES: Mapping[int, str] = Spoken(
    {
        0: "Every judged finding passes, or is waived and in force",
        1: "A limit is broken",
        3: "No clear answer yet",
        4: "The audit could not be carried out or trusted",
    }
)
_CAUSES: Mapping[int, str] = Spoken(
    {1: "Limits broken", 3: "Inconclusive, or not judged", 4: "Not carried out, or not to be trusted"}
)
_MARKS: Mapping[int, Verdict] = {0: Verdict.PASS, 1: Verdict.FAIL, 3: Verdict.INCONCLUSIVE, 4: Verdict.ERROR}
_MODES: Mapping[str, str] = Spoken(
    {
        "release": "release: what stays inconclusive blocks unless somebody waives it",
        "merge": "merge: only broken limits and errors block; what is inconclusive is noted",
    }
)
#: Formats in the order in which a reader is offered them.
_FORMATS: Mapping[str, str] = Spoken(
    {"html": "Web page", "pdf": "PDF", "docx": "Word", "md": "Markdown", "json": "JSON"}
)
#: Formats of the audit as a whole.
_WHOLE: Mapping[str, str] = Spoken({"cyclonedx": "CycloneDX 1.7", "in-toto": "in-toto test result"})
_STATUS: Mapping[str, str] = Spoken({"measured": "measured", "not_applicable": "not applicable", "error": "broke"})
#: What a page says of the audited system and of the run, by where the record has it.
_ABOUT: Mapping[str, str] = Spoken(
    {
        "target.type": "Reached as",
        "data": "Data",
        "decision": "Decision",
        "label": "Label",
        "groups": "Groups",
        "started": "Begun",
        "attempts": "Attempts on this model",
        "machine": "Machine",
        "tool": "Audited with",
        "seed": "Seed",
        "target.endpoints": "Endpoints called",
    }
)
#: What of the card stands at the head of the page.
_HEAD: Mapping[str, str] = Spoken({"name": "name", "version": "version", "purpose": "purpose"})


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
    page = Document(id="index", title=said("Audit"), subtitle="", status="", front=(), nodes=())
    view = View(page, dossier)
    verdicts = [finding for finding in dossier.findings if _carries_verdict(finding)]
    code, counts = int(dossier.gate["code"]), dossier.gate["counts"]
    made = fill(
        "index.html",
        view=view,
        purpose=facts.card_fact(dossier.card, "purpose"),
        stated=_stated(view),
        gate=code,
        meaning=_GATES[code],
        mark=_MARKS[code],
        mode=_MODES.get(str(dossier.gate["mode"]), str(dossier.gate["mode"])),
        causes=list(_causes(view)),
        accepted=list(_accepted(view)),
        idle=[each for each in standings(dossier) if not each.in_force],
        counts=[(verdict, saying.verdict(verdict), int(counts.get(verdict.value, 0))) for verdict in _ORDER],
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
    for name, word in _HEAD.items():
        if (fact := facts.card_fact(view.dossier.card, name)) is not None:
            by.setdefault(view.provenance(fact), []).append(word)
    return [f"{_capitalised(saying.listed(words))} {provenance}" for provenance, words in by.items()]


def _capitalised(text: str) -> str:
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
            yield _CAUSES[code], _MARKS[code], causes


def _accepted(view: View) -> Iterator[tuple[str, list[Cause]]]:
    """What did not pass and does not block: what somebody waives, and in a merge what is inconclusive."""
    findings = view.dossier.findings
    for title, chosen in (
        (said("Waived, and not blocking"), [finding for finding in findings if finding.waiver is not None]),
        (
            said("Inconclusive, and not blocking a merge"),
            [each for each in findings if not_blocking(each, view.dossier)],
        ),
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
        yield said("About the law"), fact.value
    for fact in facts.cautions(dossier):
        yield said("About the system"), fact.value
    for fact in facts.notices(dossier):
        yield _capitalised(view.provenance(fact)), fact.value
    if label := basis.in_short(dossier):
        yield said("About the label"), " ".join(label)
    for finding in view.reversed.values():
        shown = view.shown(finding.id)
        yield said("Reversed within strata"), f"{shown.about}. {said(reversals.CAUTION)} {shown.reason}"
    for finding in dossier.findings:
        if finding.metric.endswith("/adjusted-difference") and finding.sub_reason is SubReason.TRIVIAL:
            shown = view.shown(finding.id)
            yield said("Nothing compared within strata"), f"{shown.about}. {shown.reason}"
    for each in standings(dossier):
        if each.ended:
            yield said("Waiver ended"), f"{each.waiver.finding}: {each.state}."
    if not dossier.seal["signed"]:
        unsigned = said(
            "No key signed this record. Its digests show accidental change, but whoever can write the folder could "
            "have written matching ones."
        )
        yield said("Unsigned"), unsigned
    for result in dossier.results:
        failed = [outcome.name for outcome in result.controls if outcome.held is False]
        if failed:
            broken = said(
                "{probe}: {controls}. What this probe says is no evidence.",
                probe=result.probe,
                controls=", ".join(failed),
            )
            yield said("Control failed"), broken


def _about(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """The audited system and the run, as far as the record knows them."""
    known = facts.run_facts(dossier)
    for path, label in _ABOUT.items():
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
        co2e = said("CO2e: {grams}", grams=metered.emissions(dossier.energy))
        yield said("The whole audit"), saying.amount(seconds, "second"), metered.whole(dossier.energy), co2e
    for name in sorted(readings, key=lambda name: name != SECOND):
        reading = readings[name]
        reasons = "; ".join(dict.fromkeys(reading.why.values())) or said("no reason recorded")
        energy = metered.took(reading)
        yield (
            said("The whole audit, by a second opinion") if name == SECOND else name,
            saying.amount(reading.seconds, "second"),
            energy or said("not read: {why}", why=reasons),
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
        status=_STATUS[result.status],
        findings=len(findings),
        controls=saying.controls(findings[0].controls) if findings and findings[0].controls else said("none run"),
    )
