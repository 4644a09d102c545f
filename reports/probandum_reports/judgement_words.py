"""A judgement in words: the limit, whose it is, why the verdict is as it is, and who accepts it."""

from __future__ import annotations

from collections.abc import Mapping

from probandum import sampling
from probandum.finding import Estimate, Finding, Judgement, SubReason, Verdict, Waiver
from probandum.speech import english
from probandum_reports import saying, wording
from probandum_reports.messages import Spoken, counted, said
from probandum_reports.saying import number

#: A limit that somebody chose, by what it follows.
_FOLLOWS: Mapping[str, str] = Spoken(
    {
        "standard": "{edge} follows a standard{cited} chosen by {owner}{dated}; it is no legal limit",
        "guideline": "{edge} follows a guideline{cited} chosen by {owner}{dated}; it is no legal limit",
        "convention": "{edge} follows a convention{cited} chosen by {owner}{dated}; it is no legal limit",
        "US": "{edge} is a US guideline{cited} used here as screening value chosen by {owner}{dated}; it is not EU law",
        "foreign-guideline": (
            "{edge} is a foreign guideline{cited} used here as screening value chosen by {owner}{dated}; "
            "it is not EU law"
        ),
    }
)


def threshold(judgement: Judgement | None) -> str:
    """A limit in words, as declared."""
    if judgement is None:
        return ""
    edge = _within(judgement, judgement.threshold)
    if judgement.direction == "band" and judgement.around:
        edge = said("{edge} of {middle}", edge=edge, middle=number(judgement.around))
    return said("{edge}, margin {margin}", edge=edge, margin=number(judgement.margin)) if judgement.margin else edge


def _within(judgement: Judgement, edge: float) -> str:
    if judgement.direction == "band":
        return said("within ±{edge}", edge=number(edge))
    if judgement.direction == "at_most":
        return said("at most {edge}", edge=number(edge))
    return said("at least {edge}", edge=number(edge))


def limit(judgement: Judgement | None, *, withheld: bool = False) -> str:
    """A limit in words, as applied: one that was narrowed for a pass says so, and one that was not applied.

    ``withheld`` leaves out to what it was narrowed, a fifth of the larger rate, which would tell that rate.
    """
    if judgement is None:
        return ""
    declared = threshold(judgement)
    if judgement.effective is None:
        return said("{limit} (not applied: the data allow no verdict)", limit=declared)
    if withheld or not narrowed(judgement):
        return declared
    demanded = _within(judgement, float(f"{judgement.effective:.3g}"))
    return said("{limit} (for a pass {narrower})", limit=declared, narrower=demanded)


def narrowed(judgement: Judgement) -> bool:
    """Whether a pass is held to less than the limit as declared, being on a difference of low rates."""
    sign = -1 if judgement.direction == "at_least" else 1
    edge = sign * judgement.threshold + judgement.margin
    return judgement.effective is not None and sign * judgement.effective < edge


def limit_source(judgement: Judgement | None, metric_name: str, *, fixed: str = "") -> str:
    """Whose limit it is, since when and why, and what it is not; ``fixed`` says whether it preceded the test."""
    if judgement is None:
        return ""
    source = judgement.source
    if source == "foreign-guideline" and metric_name.endswith("/impact-ratio"):
        source = "US"
    values = {
        "edge": ("±" if judgement.direction == "band" else "") + number(judgement.threshold),
        "owner": owner(judgement),
        "dated": dated(judgement),
        "cited": f" ({judgement.citation})" if judgement.citation else "",
    }
    if source == "law":
        cited = values.pop("cited") or said(", without a citation")
        text = said("{edge} is declared by {owner}{dated} as set by law{cited}", **values, cited=cited)
    elif source in _FOLLOWS:
        text = _FOLLOWS[source].format(**values)
    else:
        del values["edge"]
        text = said("Tolerance set by {owner}{dated}{cited}", **values)
    why = said("Reason: {reason}.", reason=judgement.reason.rstrip(".")) if judgement.reason else ""
    return " ".join(filter(None, [f"{text}.", why, fixed]))


def owner(judgement: Judgement) -> str:
    """Who set a limit."""
    return judgement.set_by or said("somebody the plan does not name")


def dated(judgement: Judgement) -> str:
    """When a limit was set, behind who set it."""
    return said(" on {day}", day=judgement.set_on) if judgement.set_on else said(", undated")


def sub_reason(reason: SubReason | None) -> str:
    """A sub-reason as a plain clause."""
    return "" if reason is None else wording.SUB_REASONS[reason]


def reason(finding: Finding, *, withheld: bool = False, reversed: bool = False) -> str:
    """Why the verdict is what it is, with the n a verdict needs and the smallest effect this design detects.

    ``withheld`` leaves out what could tell the size or the figure of a small cell. ``reversed``: of a difference over
    all rows and that within strata each says the opposite of the other.
    """
    if withheld:
        return saying.sentence([sub_reason(finding.sub_reason), waived(finding.waiver)])
    estimate, judged = finding.estimate, finding.limit
    clauses: list[str] = []
    if judged is not None and finding.verdict is Verdict.PASS and exact(estimate):
        clauses.append(said("the exact value keeps the limit"))
    elif judged is not None and finding.verdict is Verdict.PASS:
        level = number(100 * (1 - judged.alpha_pass))
        clauses.append(said("the one-sided {level} % bound lies on the good side of the limit", level=level))
    elif judged is not None and finding.verdict is Verdict.FAIL:
        clauses.append(said("the exact value breaks the limit") if exact(estimate) else _failed(judged))
    if finding.why is None or finding.sub_reason not in wording.SAID_BY_JUDGE:
        clauses.append(sub_reason(finding.sub_reason))
    clauses.append(english(finding.why or ""))
    clauses.append(said("what is true of all rows is reversed within the strata") if reversed else "")
    if estimate.value is None:
        clauses.append(english(estimate.why or ""))
    if needed := sampling.needed(finding):
        clauses.append(said("a verdict at this value would need about {needed}", needed=needed))
    if finding.detectable is not None:
        effect = saying.amount(finding.detectable, estimate.unit)
        clauses.append(said("the smallest effect this design finds with 80 % power is {effect}", effect=effect))
    clauses.append(waived(finding.waiver))
    return saying.sentence(clauses)


def exact(estimate: Estimate) -> bool:
    """Whether a value was worked out without sampling, so that no interval and no bound belongs to it."""
    return estimate.method == "exact" and "posterior" not in (estimate.design or "")


#: Why a verdict is open of which the figure alone is the reason.
_OPEN = (SubReason.NEAR_THRESHOLD, SubReason.UNDERPOWERED)


def undecided(finding: Finding, *, withheld: bool = False) -> str:
    """Why nothing is decided, in one clause; '' where something is, or nothing was to be.

    ``withheld`` leaves out what could tell the figure of a small cell.
    """
    if finding.verdict not in (Verdict.INCONCLUSIVE, Verdict.ERROR):
        return ""
    judged = finding.limit
    if judged is not None and not withheld and judged.broken_alone and finding.sub_reason in _OPEN:
        return counted(
            judged.hypotheses,
            "outside it by its own test, but not after the correction for {n} test",
            "outside it by its own test, but not after the correction for {n} tests",
        )
    if finding.why is None or withheld or finding.sub_reason not in wording.SAID_BY_JUDGE:
        return sub_reason(finding.sub_reason)
    return english(finding.why.partition(";")[0])


def _failed(judged: Judgement) -> str:
    """That a bound breaks the limit, with its p-value."""
    p = "" if judged.p_adjusted is None else f" ({saying.p_value(judged.p_adjusted)})"
    if judged.hypotheses <= 1:
        return said("the bound lies on the bad side of the limit{p}", p=p)
    return counted(
        judged.hypotheses,
        "after Holm's correction over {n} hypothesis the bound lies on the bad side of the limit{p}",
        "after Holm's correction over {n} hypotheses the bound lies on the bad side of the limit{p}",
        p=p,
    )


def waived(waiver: Waiver | None) -> str:
    """Who accepts a finding, since and until when, up to which value, and why; '' where nobody does."""
    if waiver is None:
        return ""
    return said(
        "waived by {owner} on {set_on} until {expires}{bound}: {reason}",
        owner=waiver.owner,
        set_on=waiver.set_on,
        expires=waiver.expires,
        bound="" if waiver.worst is None else said(", no worse than {value}", value=number(waiver.worst)),
        reason=waiver.reason,
    )
