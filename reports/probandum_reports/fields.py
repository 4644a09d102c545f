"""All fields of one finding, as its evidence page lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from probandum.finding import Stream
from probandum_reports import saying
from probandum_reports.messages import counted, said
from probandum_reports.sayings import Shown

#: How much of what is long a page shows: ranges of lines, digests of requests, outcomes of a sequence.
_RANGES, _FEW, _OUTCOMES = 8, 2, 100


def fields(shown: Shown, lines: Mapping[str, Sequence[int]], left: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """All that the record holds of one finding, as (name, text) pairs; figures of fewer than ten persons stay out.

    ``lines``: the numbers of the raw lines that hold a digest. ``left``: how many observations of a digest stand in the
    record only.
    """
    finding = shown.finding
    estimate, limit = finding.estimate, finding.limit
    shows = [shown.value] if shown.suppressed else [shown.value, shown.interval, shown.n]
    yield said("Estimate"), ", ".join(part for part in shows if part)
    if not shown.suppressed:
        yield said("Method"), shown.method
        counts = (said("{some:,} of {all:,}", some=events, all=trials) for events, trials in estimate.counts or ())
        yield said("Counts"), "; ".join(counts)
        if estimate.moments is not None:
            value, error, freedom = map(exact, estimate.moments)
            told = "value {value}, standard error {error}, degrees of freedom {freedom}"
            yield said("Moments"), said(told, value=value, error=error, freedom=freedom)
        if estimate.draws is not None:
            low, high = exact(estimate.draws[0]), exact(estimate.draws[-1])
            drawn = said("{n:,}, from {low} to {high}", n=len(estimate.draws), low=low, high=high)
            yield said("Resampled values"), drawn
        if estimate.stream is not None:
            yield said("Outcomes in order"), sequence(estimate.stream)
    if limit is not None:
        yield said("Limit"), shown.limit
        line = said("Line {line} of the plan.", line=limit.line) if limit.line else ""
        yield said("Whose limit"), " ".join(filter(None, [shown.limit_source, line]))
        if not shown.suppressed:
            lower = said("lower {bound}", bound=exact(limit.lower)) if limit.lower is not None else ""
            upper = said("upper {bound}", bound=exact(limit.upper)) if limit.upper is not None else ""
            found = ", ".join(filter(None, [lower, upper]))
            yield said("One-sided bounds at {level}", level=f"{1 - limit.alpha_pass:g}"), found
            if limit.p_fail is not None and limit.p_adjusted is not None:
                held = counted(
                    limit.hypotheses,
                    "{p}; after Holm over {n} hypothesis of family “{family}” {adjusted}; a fail needs p below {alpha}",
                    "{p}; after Holm over {n} hypotheses of family “{family}” {adjusted}; a fail needs p below {alpha}",
                    p=saying.p_value(limit.p_fail),
                    family=limit.family,
                    adjusted=saying.p_value(limit.p_adjusted),
                    alpha=f"{limit.alpha_fail:g}",
                )
                yield said("Against the limit"), held
    yield said("Reason"), shown.reason
    modes = {"gate": "", "disclosure": said("reported, never judged"), "indicator": said("an indicator")}
    yield said("Mode"), modes[finding.mode]
    yield said("Controls"), shown.controls
    yield said("Answers"), ", ".join(finding.requirements)
    if not shown.suppressed:
        yield said("Rests on"), rests_on(finding.evidence, lines)
        yield said("Only in the record"), only_in_record(finding.evidence, left)


def sequence(stream: Stream) -> str:
    """The outcomes of a sequential probe in the order in which they were drawn, the first of them one by one.

    >>> sequence(Stream(values=(0.0, 1.0, 1.0, 0.0), population=9))
    '4, drawn in random order and without replacement from 9; 2 of them 1, 2 of them 0: 0 1 1 0'
    """
    values, (low, high) = stream.values, stream.span
    if stream.population:
        drawn = "{n:,}, drawn in random order and without replacement from {whole:,}"
        text = said(drawn, n=len(values), whole=stream.population)
    else:
        text = said("{n:,}, drawn in random order, each anew", n=len(values))
    if stream.binary:
        ends = (said("{n:,} of them {value}", n=values.count(end), value=exact(end)) for end in (high, low))
        spread = ", ".join(ends)
    else:
        spread = said("each from {low} to {high}", low=exact(low), high=exact(high))
    shown = " ".join(exact(value) for value in values[:_OUTCOMES])
    if len(values) > _OUTCOMES:
        left = len(values) - _OUTCOMES
        shown = said("{values} … and {n:,} more in findings.json", values=shown, n=left)
    return f"{text}; {spread}: {shown}"


def exact(number: float) -> str:
    """A number to six significant digits.

    >>> exact(-0.17798812)
    '−0.177988'
    """
    return saying.number(float(f"{number:.6g}"))


def rests_on(digests: Iterable[str], lines: Mapping[str, Sequence[int]]) -> str:
    """The line numbers of the raw file that hold these digests, as ranges.

    >>> rests_on(["a", "b"], {"a": [1, 2], "b": [3, 7], "c": [4]})
    '4 raw lines: 1 to 3, 7'
    """
    numbers = {number for digest in digests for number in lines.get(digest, ())}
    if not numbers:
        return ""
    return counted(len(numbers), "{n} raw line: {lines}", "{n:,} raw lines: {lines}", lines=ranges(numbers))


def ranges(numbers: Iterable[int]) -> str:
    """Numbers of lines as ranges; '' without any.

    >>> ranges([1, 2, 7, 3, 3])
    '1 to 3, 7'
    """
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] + 1 == number:
            found[-1][1] = number
        else:
            found.append([number, number])
    named = ", ".join(
        f"{first:,}" if first == last else said("{first:,} to {last:,}", first=first, last=last)
        for first, last in found[:_RANGES]
    )
    rest = len(found) - _RANGES
    if rest <= 0:
        return named
    return counted(
        rest,
        "{ranges}, and {n} more range up to {end:,}",
        "{ranges}, and {n:,} more ranges up to {end:,}",
        ranges=named,
        end=found[-1][1],
    )


def only_in_record(digests: Iterable[str], left: Mapping[str, int]) -> str:
    """How many observations a finding rests on that the raw file does not hold, and the digests of the first.

    >>> only_in_record(["a", "b", "c"], {"b": 1, "c": 2, "d": 1})
    '3 more observations; the digests of their requests are b, c'
    """
    names = [digest for digest in digests if digest in left]
    count = sum(left[name] for name in names)
    if not count:
        return ""
    more, few = counted(count, "{n} more observation", "{n:,} more observations"), ", ".join(names[:_FEW])
    if len(names) <= _FEW:
        return said("{more}; the digests of their requests are {digests}", more=more, digests=few)
    return said("{more}; the first of their requests are {digests}", more=more, digests=few)
