"""The summary of a step: how the gate ended, what did not pass, and what became of every input, on one screen."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from probandum import sampling, speech
from probandum.accounting import from_cache, total
from probandum.export.outcome import Entry, Outcome, State
from probandum.export.writing import line
from probandum.finding import Verdict, limit_in_short
from probandum.gating import GateResult, headline
from probandum.units import counted
from probandum.waiving import waiver_words
from probandum.withholding import hidden

#: What a screen holds, and what GitHub takes of a step's summary.
ROWS, PROBES, MOST_BYTES = 12, 100, 1024 * 1024
_WORDS = {
    Verdict.FAIL: "FAIL",
    Verdict.ERROR: "ERROR",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
    Verdict.PASS: "PASS",
    Verdict.NOT_APPLICABLE: speech.noted("not judged"),
}
_MARKUP = re.compile(r"[\\`*_{}\[\]()#+!|~:@$]|(?<=www)\.", re.IGNORECASE)
#: What calls somebody on GitHub behind a backslash, too.
_CALL = re.compile(r"(?<!\w)\\@(?=\w)")


def render(outcome: Outcome) -> bytes:
    """The summary in GitHub's Markdown; below ``MOST_BYTES`` whatever the findings hold."""
    text = "\n".join(_lines(outcome)) + "\n"
    data = text.encode("utf-8", "backslashreplace")
    assert len(data) <= MOST_BYTES
    return data


def escaped(text: str, longest: int = 240) -> str:
    """Text from data as text: no markup, no link that makes itself, no end of a table's cell.

    >>> escaped("a|b <i>*c*"), escaped("@all a@b.org")
    ('a\\\\|b &lt;i&gt;\\\\*c\\\\*', '@<!-- -->all a\\\\@b.org')
    """
    return _CALL.sub("@<!-- -->", _MARKUP.sub(r"\\\g<0>", html.escape(line(text, longest), quote=False)))


def verdict_counts(result: GateResult) -> str:
    """How many findings have which verdict, the gravest first, and how many of them a limit only covers."""
    verdicts = [
        f"{result.counts[verdict]} {speech.said(word)}"
        for verdict, word in _WORDS.items()
        if result.counts.get(verdict)
    ]
    unjudged = speech.counted(
        result.unjudged,
        "of all {all}, {n} has a limit that could not be applied",
        "of all {all}, {n} have limits that could not be applied",
        all=f"{sum(result.counts.values()):,}",
    )
    told = ", ".join(verdicts) or speech.said("nothing was judged")
    return f"{told}; {unjudged}" if result.unjudged else told


def _lines(outcome: Outcome) -> Iterator[str]:
    result = outcome.result
    name = escaped(" ".join(filter(None, [outcome.system, outcome.version])))
    yield f"## Audit of {name}: {headline(result)}"
    yield ""
    about = [
        verdict_counts(result),
        f"mode {escaped(result.mode)}" if result.mode else "",
        f"as of {escaped(outcome.as_of)}" if outcome.as_of else "",
        f"record {escaped(outcome.run)}, {'signed' if outcome.signed else 'unsigned'}" if outcome.run else "",
    ]
    said = "; ".join(filter(None, about))
    yield f"{said[0].upper()}{said[1:]}."
    yield ""
    yield from _reasons([entry for entry in outcome.entries if entry.finding is None])
    yield from _findings([entry for entry in outcome.entries if entry.finding and entry.state is not State.PASS])
    tried = [] if result.attempts is None or result.attempts.first else [result.attempts.said]
    promised = [*tried, *result.assurances]
    yield from (f"- {escaped(text, 600)}" for text in promised)
    yield from [""] if promised else []
    yield from _accounting(outcome)


def _reasons(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries[:ROWS]:
        yield f"- {escaped(entry.message)}"
    if len(entries) > ROWS:
        yield f"- and {counted(len(entries) - ROWS, 'more reason')}"
    if entries:
        yield ""


def _findings(entries: Sequence[Entry]) -> Iterator[str]:
    if not entries:
        return
    order = list(State)
    ordered = sorted(entries, key=lambda entry: order.index(entry.state))
    yield "| Verdict | Finding | Estimate | n | Limit | At |"
    yield "| --- | --- | --- | --: | --- | --- |"
    for entry in ordered[:ROWS]:
        yield "| " + " | ".join(_cells(entry)) + " |"
    yield ""
    if len(ordered) > ROWS:
        yield f"And {counted(len(ordered) - ROWS, 'more finding')} that did not pass, in the record's findings.json."
        yield ""
    waived = [(entry.id, entry.finding.waiver) for entry in ordered if entry.finding and entry.finding.waiver]
    yield from (f"- {escaped(id)}: {escaped(waiver_words(waiver), 400)}" for id, waiver in waived[:ROWS])
    yield from [f"- and {counted(len(waived) - ROWS, 'more waiver')}"] if len(waived) > ROWS else []
    yield from [""] if waived else []


def _cells(entry: Entry) -> tuple[str, ...]:
    assert entry.finding is not None
    finding, estimate = entry.finding, entry.finding.estimate
    if estimate.value is None:
        said = escaped(finding.why or estimate.why or "", 120)
    else:
        said = f"{estimate.value:.4g}{estimate.spread('.4g')}"
        if finding.verdict is Verdict.ERROR and finding.why:
            said += f"; {escaped(finding.why, 120)}"
    limit = "" if finding.limit is None else limit_in_short(finding.limit)
    verdict = _WORDS[finding.verdict]
    if finding.waiver is not None:
        verdict += f", waived until {escaped(finding.waiver.expires)}"
    needed = sampling.needed(finding)
    more = f", about {needed} needed" if needed else ""
    return (
        verdict,
        escaped(entry.id),
        said,
        "" if hidden(estimate) else sampling.counted(estimate).removeprefix("n = ") + more,
        limit,
        escaped(f"{entry.spot.path}:{entry.spot.line}"),
    )


def _accounting(outcome: Outcome) -> Iterator[str]:
    """Every planned probe, whatever became of it; ``<details>`` keeps the summary on one screen."""
    if not outcome.accounts:
        return
    sums = total(outcome.accounts)
    counts = ", ".join(f"{sums[name]:,} {name}" for name in sums)
    said = "; ".join(filter(None, [counts, from_cache(outcome.accounts)]))
    yield f"<details><summary>Inputs: {said}</summary>"
    yield ""
    yield "| Probe | " + " | ".join(name.capitalize() for name in sums) + " |"
    yield "| --- |" + " --: |" * len(sums)
    for account in outcome.accounts[:PROBES]:
        state = "" if account.state == "measured" else f" ({account.state.replace('_', ' ')})"
        values = " | ".join(f"{getattr(account, name):,}" for name in sums)
        yield f"| {escaped(account.probe)}{state} | {values} |"
    yield ""
    if len(outcome.accounts) > PROBES:
        yield f"And {counted(len(outcome.accounts) - PROBES, 'more probe')}."
        yield ""
    yield "</details>"
