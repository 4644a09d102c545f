"""All fields of one finding, as its evidence page lists them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from probandum.finding import Stream
from probandum_reports import saying
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
    said = [shown.value] if shown.suppressed else [shown.value, shown.interval, shown.n]
    yield "Estimate", ", ".join(part for part in said if part)
    if not shown.suppressed:
        yield "Method", shown.method
        yield "Counts", "; ".join(f"{events:,} of {trials:,}" for events, trials in estimate.counts or ())
        if estimate.moments is not None:
            value, error, freedom = estimate.moments
            yield "Moments", f"value {exact(value)}, standard error {exact(error)}, degrees of freedom {exact(freedom)}"
        if estimate.draws is not None:
            first, last = exact(estimate.draws[0]), exact(estimate.draws[-1])
            yield "Resampled values", f"{len(estimate.draws):,}, from {first} to {last}"
        if estimate.stream is not None:
            yield "Outcomes in order", sequence(estimate.stream)
    if limit is not None:
        yield "Limit", shown.limit
        yield "Whose limit", shown.limit_source + (f" Line {limit.line} of the plan." if limit.line else "")
        if not shown.suppressed:
            bounds = [("lower", limit.lower), ("upper", limit.upper)]
            found = ", ".join(f"{name} {exact(bound)}" for name, bound in bounds if bound is not None)
            yield f"One-sided bounds at {1 - limit.alpha_pass:g}", found
            if limit.p_fail is not None and limit.p_adjusted is not None:
                hypotheses = f"{limit.hypotheses} hypotheses of family “{limit.family}”"
                p, adjusted = saying.p_value(limit.p_fail), saying.p_value(limit.p_adjusted)
                held = f"{p}; after Holm over {hypotheses} {adjusted}; a fail needs p below {limit.alpha_fail:g}"
                yield "Against the limit", held
    yield "Reason", shown.reason
    yield "Mode", {"gate": "", "disclosure": "reported, never judged", "indicator": "an indicator"}[finding.mode]
    yield "Controls", shown.controls
    yield "Answers", ", ".join(finding.requirements)
    if not shown.suppressed:
        yield "Rests on", rests_on(finding.evidence, lines)
        yield "Only in the record", only_in_record(finding.evidence, left)


def sequence(stream: Stream) -> str:
    """The outcomes of a sequential probe in the order in which they were drawn, the first of them one by one.

    >>> sequence(Stream(values=(0.0, 1.0, 1.0, 0.0), population=9))
    '4, drawn in random order and without replacement from 9; 2 of them 1, 2 of them 0: 0 1 1 0'
    """
    values, (low, high) = stream.values, stream.span
    drawn = "in random order, each anew" if stream.population is None else "in random order and without replacement"
    text = f"{len(values):,}, drawn {drawn}" + (f" from {stream.population:,}" if stream.population else "")
    if stream.binary:
        counted = [f"{values.count(end):,} of them {exact(end)}" for end in (high, low)]
        text += f"; {', '.join(counted)}"
    else:
        text += f"; each from {exact(low)} to {exact(high)}"
    shown = " ".join(exact(value) for value in values[:_OUTCOMES])
    more = f" … and {len(values) - _OUTCOMES:,} more in findings.json" if len(values) > _OUTCOMES else ""
    return f"{text}: {shown}{more}"


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
    return f"{len(numbers):,} raw {'line' if len(numbers) == 1 else 'lines'}: {ranges(numbers)}" if numbers else ""


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
    said = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in found[:_RANGES]]
    rest = len(found) - _RANGES
    return ", ".join(said) + (f", and {rest:,} more ranges up to {found[-1][1]:,}" if rest > 0 else "")


def only_in_record(digests: Iterable[str], left: Mapping[str, int]) -> str:
    """How many observations a finding rests on that the raw file does not hold, and the digests of the first.

    >>> only_in_record(["a", "b", "c"], {"b": 1, "c": 2, "d": 1})
    '3 more observations; the digests of their requests are b, c'
    """
    names = [digest for digest in digests if digest in left]
    count = sum(left[name] for name in names)
    if not count:
        return ""
    said = "the digests of their requests are" if len(names) <= _FEW else "the first of their requests are"
    return f"{count:,} more {'observation' if count == 1 else 'observations'}; {said} {', '.join(names[:_FEW])}"
