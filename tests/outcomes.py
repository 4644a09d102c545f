"""Outcomes of gates for tests of the exports: real measures, judged and gated, under names that data may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fakes import HELD, estimated, result_of
from probandum.export.outcome import Outcome
from probandum.finding import Finding, Groups, Limit, Waiver
from probandum.gating import decided
from probandum.judging import judge, unused_limits
from probandum.places import Spot
from probandum.probe import ControlOutcome, Measure, ProbeResult

#: Texts that would do something in a workflow's log, in XML, in Markdown or in HTML, were they not made inert.
HOSTILE = (
    "100%0A::set-output name=x::y",
    "line\n::error file=/etc/passwd::owned",
    "carriage\r\n::stop-commands::token",
    "quotes \"double\" 'single'",
    "<script>alert(1)</script> & ]]> <!--",
    "nul \x00 escape \x1b[31m bell \x07 vertical \x0b half \ud800 none \uffff",
    "cell | cell\\| [link](https://example.org) ![image](x) `code` **bold**",
    "@everyone #1 https://example.org www.example.org",
    "${{ secrets.TOKEN }} $(id) `id`",
    "a,b:c=d;e",
    " ",
    "\u202eright to left \U0001f600",
)
SPOTS = {
    "": Spot(path="audits/credit audit.yaml", line=1, end=11),
    "suites.bias.fake": Spot(path="audits/credit audit.yaml", line=7, end=20),
    **{f"limits.{n}": Spot(path="audits/credit audit.yaml", line=10 + n, end=60 + n) for n in range(3)},
}
LIMITS = tuple(
    Limit(metric=f"bias.fake/{name}", direction="at_most", threshold=0.5, line=10 + n, set_by="Board")
    for n, name in enumerate(("passed", "failed", "open"))
)
COUNTS = {"passed": (1, 1000), "failed": (900, 1000), "open": (5, 10)}


def measured(name: str, group: str | None = None, counts: tuple[int, int] | None = None) -> Measure:
    """A share that passes, fails or stays open under ``LIMITS``."""
    groups = None if group is None else Groups(attribute="sex", group=group)
    return Measure(metric=name, groups=groups, estimate=estimated("wilson", counts=[counts or COUNTS[name]]))


def outcome_of(
    *results: ProbeResult, waivers: Sequence[Waiver] = (), planned: Sequence[str] | None = None, **facts: Any
) -> Outcome:
    """What a gate over these results has to tell."""
    names = {measure.metric for result in results for measure in result.measures}
    limits = [limit for limit in LIMITS if limit.metric.partition("/")[2] in names]
    findings = judge(results, limits, waivers=waivers, as_of="2026-11-25")
    probes = [result.probe for result in results] if planned is None else planned
    result = decided(
        findings, unused_limits(results, limits), probes, mode="release", waivers=waivers, as_of="2026-11-25"
    )
    return told(findings, result=result, summaries={each.probe: each.summary for each in results}, **facts)


def told(findings: Sequence[Finding], **facts: Any) -> Outcome:
    """An outcome of these findings."""
    named = {"system": "Credit scorer", "version": "2.1", "tool": "0.1.0", "run": "0123abcd", "as_of": "2026-11-25"}
    started = {"started": "2026-11-25T19:00:00+01:00", "spots": SPOTS}
    return Outcome(**{**named, **started, "findings": tuple(findings), **facts})


def every_kind(**facts: Any) -> Outcome:
    """A pass, a broken limit, an open finding, a waived one, a broken probe, a failed control and a missing probe."""
    waived = Waiver(
        finding="bias.fake/failed?sex=W", owner="Board", reason="known", set_on="2026-11-01", expires="2026-12-01"
    )
    quiet = ControlOutcome(name="permuted", kind="negative", held=False, detail="it cried out")
    return outcome_of(
        result_of(measured("passed"), measured("failed"), measured("open"), measured("failed", "W")),
        result_of(measured("passed"), probe="bias.control", controls=[HELD[0], quiet]),
        ProbeResult(probe="bias.broken", version=1, status="error", why="RuntimeError: the device is gone"),
        ProbeResult(probe="bias.unable", version=1, status="not_applicable", why="it needs choose"),
        waivers=[waived],
        planned=["bias.fake", "bias.control", "bias.broken", "bias.unable", "bias.absent"],
        **facts,
    )


def hostile(**facts: Any) -> Outcome:
    """Findings about groups, of a system, in an audit file, all of hostile names."""
    groups = [measured(name, text) for name in ("failed", "open", "passed") for text in HOSTILE]
    return outcome_of(
        result_of(*groups),
        ProbeResult(probe="bias.broken", version=1, status="error", why=" ".join(HOSTILE)),
        **{"system": HOSTILE[1], "spots": {"": Spot(path="a b,c:d%0A\n::error::.yaml", line=1, end=1)}, **facts},
    )


def many(count: int) -> Outcome:
    """That many groups, of which each breaks the limit."""
    return outcome_of(result_of(*(measured("failed", f"group {n}", (990, 1000)) for n in range(count))))
