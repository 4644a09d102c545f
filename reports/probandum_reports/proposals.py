"""What limits and findings propose to people: a rule of alert for each judged metric, and risks to be looked at.

All findings of one metric under one limit are one row, of which the gravest is shown. A proposal follows from the
verdict alone and states no figure; what is decided is for a person to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from probandum.document import Cell, Fact, Gap, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Verdict
from probandum_reports import facts, saying
from probandum_reports.citing import cited
from probandum_reports.messages import counted, said
from probandum_reports.sayings import Shown
from probandum_reports.tables import declared, gravity, in_full, name
from probandum_reports.view import View

#: The provisions that ask for the plan of monitoring, and for risks to be identified.
_PLAN, _IDENTIFIED = "ai-act:art-72:3", "ai-act:art-9:2:a"
_PROVIDER = "provider"
#: When to look, by the verdict that was measured: what is broken or open today cannot tell a change.
ALERTS: Mapping[Verdict, str] = {
    Verdict.FAIL: (
        "The limit is broken today and tells no change. Until it is dealt with: alert where a new value is worse than "
        "the interval measured here. From then on: where a new measurement breaks the limit."
    ),
    Verdict.ERROR: "Nothing was measured, so no alert can rest on it: mend what kept it from being measured, first.",
    Verdict.INCONCLUSIVE: (
        "The data do not decide today: measure on more of them, first. Alert where a new measurement breaks the limit."
    ),
    Verdict.PASS: (
        "Alert where a new measurement breaks the limit at the error rate used here. Look sooner where its value lies "
        "beyond the limit, or outside the interval measured here on the worse side."
    ),
    Verdict.NOT_APPLICABLE: "The limit was not applied; what it would need says the reason of the finding.",
}
#: Why to look, by the verdict.
LOOKS: Mapping[Verdict, str] = {
    Verdict.FAIL: "to be looked at as a risk: there is evidence that the limit is broken",
    Verdict.ERROR: "to be looked at as a risk that is unknown: it could not be measured",
    Verdict.INCONCLUSIVE: "to be looked at as a risk that is open: the data do not decide, which is never a pass",
}


class Parts(Protocol):
    """What the proposals read."""

    dossier: Dossier

    @property
    def view(self) -> View:
        """The findings in words."""
        ...

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "") -> Gap:
        """A gap that is one field wherever it is shown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The findings of one metric under one limit, the gravest first."""

    members: tuple[Shown, ...]

    @property
    def gravest(self) -> Shown:
        """The finding that decides what is proposed."""
        return self.members[0]

    @property
    def title(self) -> str:
        """The metric in words."""
        return self.gravest.title

    @property
    def key(self) -> str:
        """What the card calls the metric: no dot, at which a path of the card would end."""
        return self.gravest.finding.metric.replace(".", "-").replace("/", "-")

    @property
    def count(self) -> str:
        """How many findings the row stands for."""
        return counted(len(self.members), "{n} finding", "{n:,} findings")


def judged(view: View, verdicts: Iterable[Verdict] = tuple(Verdict)) -> list[Row]:
    """The findings with a limit and one of ``verdicts``, by metric and limit, in the record's order."""
    wanted = set(verdicts)
    found: dict[tuple[str, str], list[Shown]] = {}
    for finding in view.dossier.findings:
        if finding.limit is not None and finding.verdict in wanted:
            shown = view.shown(finding.id)
            found.setdefault((finding.metric, shown.threshold), []).append(shown)
    return [Row(members=tuple(sorted(members, key=_gravest_first))) for members in found.values()]


def _gravest_first(shown: Shown) -> tuple[int, bool, float]:
    """As :func:`gravity`; of one verdict what is withheld comes last, since it shows a reader nothing."""
    verdict, beyond = gravity(shown)
    return verdict, shown.suppressed, beyond


def alert_rules(parts: Parts) -> Iterable[Node]:
    """Each judged metric with its limit, what was measured, and when to look; then what a person decided on each."""
    rows = judged(parts.view)
    if not rows:
        what = said("not assessed: metrics to monitor: no metric has a limit, from which an alert could follow")
        yield _nothing(parts, what, _PLAN)
        return
    cells: list[tuple[Cell, ...]] = [
        (
            row.title,
            _gravest(row),
            declared(row.gravest, "threshold"),
            _proposed(f"alert.{row.gravest.finding.id}", said(ALERTS[row.gravest.finding.verdict])),
        )
        for row in rows
    ]
    header = ("Metric", "Measured by this audit, the gravest", "Limit of the audit", "Alert rule, proposed")
    yield Table(caption="Metrics to monitor", header=header, rows=tuple(cells))
    what = "the rule of alert that applies to {metric}, how often and on which data it is measured, and who is alerted"
    decided = _by_metric(rows, parts, place="post_market.alerts", what=what, requirement=_PLAN)
    yield Table(caption="Alert rules, as decided", header=("Metric", "Decision"), rows=decided)


def risks_found(parts: Parts) -> Iterable[Node]:
    """What broke a limit, or was left open, as risks to be looked at; a person says which risk each belongs to."""
    rows = judged(parts.view, LOOKS)
    unmeasured = _unmeasured(parts)
    if not rows and not unmeasured:
        if judged(parts.view):
            yield Text(text="No judged finding broke its limit or was left open. Risks that no probe saw remain.")
        else:
            what = said("not assessed: evidence on risks: no finding of this audit was judged")
            yield _nothing(parts, what, _IDENTIFIED)
        return
    if rows:
        cells: list[tuple[Cell, ...]] = [(row.title, row.count, _gravest(row), _looked_at(row.gravest)) for row in rows]
        header = ("Metric", "How many", "The gravest", "Proposed")
        yield Table(caption="Risks to be looked at, by metric", header=header, rows=tuple(cells))
        what = "the risk of the register that the findings on {metric} belong to, or why they are none"
        place = "risk_management.findings"
        decided = _by_metric(rows, parts, place=place, what=what, requirement=_IDENTIFIED)
        yield Table(caption="What a person made of them", header=("Metric", "Identified risk"), rows=decided)
        found = [each.finding for row in rows for each in row.members]
        yield from in_full(parts.view, found, caption=said("Every finding that proposes a risk"))
    if unmeasured:
        yield Table(
            caption="Not measured, and not judged: unknown, which makes no risk low",
            header=("What", "Result", "Proposed"),
            rows=tuple((name(each), Number(finding=each.finding.id), _looked_at(each)) for each in unmeasured),
        )


def _unmeasured(parts: Parts) -> list[Shown]:
    """What ended in an error without a limit, such as a probe that crashed."""
    return [
        parts.view.shown(each.id)
        for each in parts.dossier.findings
        if each.limit is None and each.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE)
    ]


def _by_metric(
    rows: Sequence[Row], parts: Parts, *, place: str, what: str, requirement: str
) -> tuple[tuple[Cell, ...], ...]:
    """What a named person states on each metric, once a metric."""
    found: dict[str, tuple[Cell, ...]] = {}
    for row in rows:
        if row.key in found:
            continue
        card, title = f"{place}.{row.key}", row.title
        fact = facts.card_fact(parts.dossier.card, card, human=True)
        asked = said(what, metric=saying.decapitalised(title))
        found[row.key] = (title, fact or _open(asked, card, requirement))
    return tuple(found.values())


def _open(what: str, card: str, requirement: str) -> Gap:
    return Gap(what=what, citation=cited(requirement), supplier=_PROVIDER, field_id=card, origin="human", card=card)


def _nothing(parts: Parts, what: str, requirement: str) -> Gap:
    return parts.named_gap(what, requirement, "the auditor, by a plan with limits")


def _gravest(row: Row) -> Number:
    return Number(finding=row.gravest.finding.id, label=row.gravest.about or None)


def _looked_at(shown: Shown) -> Fact:
    return _proposed(f"risk.{shown.finding.id}", said(LOOKS[shown.finding.verdict]))


def _proposed(path: str, words: str) -> Fact:
    return Fact(path=f"proposal:{path}", value=words, origin="proposed")


BUILTINS = {"alert_rules": alert_rules, "risks_found": risks_found}
