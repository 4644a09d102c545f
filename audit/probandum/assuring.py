"""What verdicts promise, and what they do not: how often chance passes or blocks, and what may slip by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from probandum.finding import Estimate, Finding, Judgement, parse_metric


def assurances(findings: Iterable[Finding], mode: str) -> tuple[str, ...]:
    """The error rates of the verdicts, in sentences; how often chance alone blocks is said of a merge."""
    judged = [(finding, finding.limit) for finding in findings if finding.limit is not None and finding.judged]
    if not judged:
        return ()
    if mode != "merge":
        return (_passes(judged),)
    return (*_blocks(judged), _passes(judged), *_unseen(judged))


def _passes(judged: list[tuple[Finding, Judgement]]) -> str:
    """How many checks there were, and what a PASS is worth."""
    counted, alpha = f"applicable checks: {len(judged):,}", max(limit.alpha_pass for _, limit in judged)
    if alpha == 0:
        return f"{counted}, all exact"
    error = f"{100 * alpha:g} %"
    alone, together = f"each PASS line has {error} error of its own", f"only the PASS of all is controlled at {error}"
    return f"{counted}; {alone}, {together}"


def _blocks(judged: list[tuple[Finding, Judgement]]) -> Iterator[str]:
    families: dict[str, tuple[int, float]] = {}
    for _, limit in judged:
        if limit.alpha_fail > 0:  # an exact check has no error rate
            checks, alpha = families.get(limit.family, (0, 0.0))
            families[limit.family] = max(checks, limit.hypotheses), max(alpha, limit.alpha_fail)
    if families:
        checks = sum(count for count, _ in families.values())
        chance = min(1.0, sum(alpha for _, alpha in families.values()))
        kinds = f" in {len(families)} families" if len(families) > 1 else ""
        yield (
            f"blocking checks: {checks}{kinds}, corrected by Holm: chance alone blocks a merge that breaks no limit "
            f"with probability {chance:g} at most, so of 100 such merges expect {100 * chance:g} at most; "
            "asking again until it passes would void this"
        )


def _unseen(judged: list[tuple[Finding, Judgement]]) -> Iterator[str]:
    named = {finding.facets.get("baseline") for finding, _ in judged if parse_metric(finding.metric).change}
    if named == {"merged"}:
        yield "no release is pinned as a baseline: steps that are each too small to see can add up unseen"


def moved_words(estimate: Estimate, limit: Judgement | None) -> str:
    """How many items changed, exactly, and how many of them for the worse; '' where nobody counted.

    >>> change = Estimate(value=0.0025, low=0, high=0.01, n=2000, unit="share", method="tango", moved=(6, 1, 2000))
    >>> moved_words(change, None)
    '7 of 2,000 items changed, 6 up and 1 down'
    """
    if estimate.moved is None:
        return ""
    up, down, of = estimate.moved
    text = f"{up + down:,} of {of:,} items changed"
    if limit is None or limit.direction == "band":
        return f"{text}, {up:,} up and {down:,} down"
    return f"{text}, {up if limit.direction == 'at_most' else down:,} worse"
