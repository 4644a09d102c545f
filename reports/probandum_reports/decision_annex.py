"""The annex of the explanation of one decision, which stays in the file: where it comes from, and every factor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from probandum.document import Cell, Node, Table, Text
from probandum_reports import facts, word_ribbons
from probandum_reports.decision_names import NO_PART
from probandum_reports.decision_parts import DecisionParts
from probandum_reports.messages import said
from probandum_reports.saying import decapitalised


def provenance(parts: DecisionParts) -> Iterable[Node]:
    """By what, of what and when."""
    labels = {
        "method": "How reasons were worked out",
        "runs": "Calculations",
        "noise": "How far they lie apart",
        "residual": "What they miss",
        "model": "The model that decided, and answered again",
        "recorded": "The audited decision",
        "requests": "Asked again",
        "evidence": "Digest of all that was asked",
        "searched": "Search for other decisions",
        "fixed": "What that search could not change",
    }
    rows: list[tuple[Cell, ...]] = [
        (said(label), parts.fact(path)) for path, label in labels.items() if parts.has(path)
    ]
    run = {"started": "Audited", "digest.record": "Sealed record", "tool": "Tool", "seal": "Seal"}
    for path, label in run.items():
        fact = facts.run_fact(parts.dossier, path)
        if fact is not None:
            rows.append((said(label), fact))
    yield Table(caption="Where this comes from", header=("Field", "Statement"), rows=tuple(rows))


def every_factor(parts: DecisionParts) -> Iterable[Node]:
    """All factors with their figures, also those that are not told."""
    rows: list[tuple[Cell, ...]] = []
    for number, each in enumerate(parts.words.decision.factors):
        way = said(NO_PART) if each.idle else said("toward") if each.weight.value > 0 else said("against")
        rows.append((parts.words.item(each, whole=True), way, parts.fact(f"factor.{number}")))
    table = Table(
        caption="Every factor, in log-odds of the decision, with 95 % intervals over calculations",
        header=("Factor", "The decision", "Weight, the same sign, and whether it is told"),
        rows=tuple(rows),
    )
    yield word_ribbons.figure(parts.words, table) if parts.words.decision.text else table
    sums: list[tuple[Cell, ...]] = [
        (said("Start: {what}", what=decapitalised(parts.words.begins)), parts.fact("base")),
        (said("All that is not named, together"), parts.fact("rest")),
        (said("This case"), parts.fact("score")),
    ]
    yield Table(caption="What they add up to, in log-odds of the decision", header=("Part", "Value"), rows=tuple(sums))
    if parts.words.decision.runs == 1:
        return
    yield Text(
        text=(
            "Intervals are Student's t over calculations, each beside other cases drawn anew. A sign is stable "
            "where the interval excludes 0 and 95 % of calculations agree; two factors differ in rank where the "
            "paired interval of the difference of their sizes excludes 0. Kept is a place of which all signs are "
            "stable."
        ),
        style="note",
    )


BUILTINS: Mapping[str, Callable[[DecisionParts], Iterable[Node]]] = {
    "decision_provenance": provenance,
    "decision_every_factor": every_factor,
}
