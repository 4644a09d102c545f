"""The label that figures rest on: its name, what it records, and how labels and rows came about, beside the figures.

Error rates, predictive values, AUC and calibration hold a system against a label, which may itself be biased. What
nobody says of it is a gap where the figures stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from probandum.document import Cell, Fact, Gap, Node, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding
from probandum_reports import facts, saying
from probandum_reports.messages import said

#: Quantities, probe/metric, that hold decisions, scores or numbers against the label of the plan.
_LEANING = (
    *(f"bias.*/{rate}*" for rate in ("tpr", "fpr", "fnr", "tnr", "ppv", "npv")),
    "bias.*/equalized-odds*",
    "bias.*/cost-difference",
    "bias.auc-gap/*",
    "bias.calibration/*",
    "bias.subgroup-auc/*",
    *(
        f"bias.outcome-gap/{what}*"
        for what in ("mean-error", "error", "mae", "rmse", "quantile", "overall-correlation")
    ),
    "bias.intersections/highest-error-rate",
    "bias.mitigation/accuracy-change",
    "bias.proxies/accuracy-removed",
    "explain.challenger/*-gain",
    "explain.global/*permutation-importance",
    "performance.*",
)
#: What a person states of the label: what it is called, where it stands in the card, and what is missing without it.
STATED = (
    (
        "What it records",
        "data.label_meaning",
        "what the label of the test data records, how it came about, and how it may itself be biased",
    ),
    ("How labels were given", "data.labelling", "how and by whom labels were given"),
    ("How rows were selected", "data.selection", "how data were obtained and selected, and who is not among them"),
)
CAUTION = (
    "Error rates, predictive values, AUC and calibration hold the system against a label, and are no better than it. "
    "A label may itself be biased: an arrest is no offence, and a rating no performance. Those who have a label may "
    "have been selected, by earlier decisions among others."
)


class Stating(Protocol):
    """What the table of the label reads."""

    dossier: Dossier

    def stated(self, card: str, what: str) -> Fact | Gap:
        """What the card says at a path; where it says nothing, the gap, one field wherever it is shown."""
        ...


def leaning(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings whose quantity holds the system against a label."""
    return [each for each in findings if any(fnmatchcase(name, like) for name in _names(each) for like in _LEANING)]


def label(dossier: Dossier) -> Fact | None:
    """The label that findings of the record rest on; None where none does, or the plan names none."""
    return facts.run_fact(dossier, "label") if leaning(dossier.findings) else None


def beside(parts: Stating) -> Iterable[Node]:
    """The caution and the table that stand before figures which rest on a label; nothing where none does."""
    named = label(parts.dossier)
    if named is None:
        return
    yield Text(text=CAUTION, style="warning")
    rows: list[tuple[Cell, ...]] = [(said("Label"), named)]
    rows += [(said(called), parts.stated(card, what)) for called, card, what in STATED]
    yield Table(caption="The label that these figures rest on", header=("Field", "Statement"), rows=tuple(rows))


def in_short(dossier: Dossier) -> Sequence[str]:
    """The same as sentences for a page that has no room for a table."""
    named = label(dossier)
    if named is None:
        return []
    stated = [(said(what), facts.card_fact(dossier.card, card)) for what, card, _ in STATED]
    absent = [saying.decapitalised(what) for what, fact in stated if fact is None]
    sentences = [said(CAUTION), said("Label: {label}.", label=named.value)]
    sentences += [f"{what}: {fact.value.rstrip('.')}." for what, fact in stated if fact is not None]
    return [*sentences, *([said("Nobody states {what}.", what=", ".join(absent))] if absent else [])]


def _names(finding: Finding) -> tuple[str, ...]:
    """The quantity, and of a slice of a difference that difference."""
    gap = finding.facets.get("gap")
    return (finding.metric,) if gap is None else (finding.metric, f"{finding.probe}/{gap}")
