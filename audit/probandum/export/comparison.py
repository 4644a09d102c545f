"""A comparison of two audits in words: the same rows for the terminal, for Markdown and for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from probandum import units, weighing
from probandum.comparison import Change, Comparison, Named
from probandum.export.markdown import escaped
from probandum.finding import notation
from probandum.speech import counted, noted, said
from probandum.stats import p_value

#: What each row says, in order.
HEADER = (
    noted("Quantity"),
    noted("Baseline"),
    noted("New"),
    noted("Change, 95 %"),
    "p",
    "n",
    noted("Items up, down"),
)


class Row(NamedTuple):
    """One change: the quantity, its two values, the change with its interval, p of no change, n, and what moved."""

    quantity: str
    base: str
    new: str
    change: str
    p: str
    n: str
    items: str


def rows(comparison: Comparison) -> list[Row]:
    """Every change that has a number, in the order of the record."""
    return [_row(change) for change in comparison.changes if change.estimate.value is not None]


def unsaid(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Why some changes have no number, each reason with the quantities that it concerns."""
    reasons: dict[str, list[str]] = {}
    for change in comparison.changes:
        if change.estimate.value is None:
            reasons.setdefault(f"{change.probe}: {change.estimate.why}", []).append(change.of)
    return list(reasons.items())


def crowded(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Which changes may be those of other work on the machine, and why, each reason with its quantities."""
    reasons: dict[str, list[str]] = {}
    for change in comparison.changes:
        if change.crowded:
            reasons.setdefault(f"{change.probe}: {change.crowded}", []).append(change.of)
    return list(reasons.items())


def heading(comparison: Comparison) -> list[str]:
    """Which two audits they are, one line each."""
    return [f"{what}: {named(each)}" for what, each in (("Baseline", comparison.base), ("New", comparison.new))]


def named(audit: Named) -> str:
    """Which audit it is, and of what: the identity tells two models of one name apart."""
    system = " ".join(filter(None, [audit.system, audit.version]))
    return said(
        "{system} (identity {identity}), record {record}, begun {day}",
        system=system,
        identity=audit.identity,
        record=audit.run,
        day=audit.started,
    )


def conclusion(comparison: Comparison) -> str:
    """How much could be compared, in one sentence."""
    done = len(rows(comparison))
    barred = sum(not change.comparable for change in comparison.changes)
    if not comparison.changes:
        return said("Nothing could be compared: the new record keeps no items.")
    clauses = [
        counted(
            len(comparison.changes),
            "{some:,} of {n} change have a number",
            "{some:,} of {n:,} changes have a number",
            some=done,
        )
    ]
    clauses += [said("{n:,} not comparable", n=barred)] if barred else []
    same = comparison.base.identity == comparison.new.identity
    clauses += [said("both audits are of the same system")] if same else []
    return f"{'; '.join(clauses)}."


def markdown(comparison: Comparison) -> bytes:
    """The comparison in GitHub's Markdown: what differs between the audits first, then the changes."""
    return ("\n".join(_lines(comparison)) + "\n").encode("utf-8", "backslashreplace")


def _lines(comparison: Comparison) -> Iterator[str]:
    yield "## What changed"
    yield ""
    yield from (f"- {escaped(text)}" for text in heading(comparison))
    yield ""
    yield escaped(conclusion(comparison))
    yield ""
    for bars, title in ((True, "Not comparable"), (False, "What else differs")):
        chosen = [each for each in comparison.differences if each.bars is bars]
        if chosen:
            yield f"### {title}"
            yield ""
            yield from (f"- {escaped(each.text)}" for each in chosen)
            yield ""
    if found := rows(comparison):
        yield "| " + " | ".join(HEADER) + " |"
        yield "| --- |" + " --: |" * (len(HEADER) - 1)
        yield from ("| " + " | ".join(escaped(cell) for cell in row) + " |" for row in found)
        yield ""
    for reason, names in (*unsaid(comparison), *crowded(comparison)):
        yield f"- {escaped(reason)} ({units.counted(len(names), 'change')}, the first {escaped(names[0])})"


def _row(change: Change) -> Row:
    estimate = change.estimate
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    how = notation((estimate.value, estimate.low, estimate.high))
    return Row(
        quantity=change.of,
        base=_number(change.base),
        new=_number(change.new),
        change=said(
            "{value} ({low} to {high})",
            value=_signed(estimate.value, how),
            low=_signed(estimate.low, how),
            high=_signed(estimate.high, how),
        ),
        p=_p(change),
        n=f"{estimate.n:,}",
        items="" if estimate.moved is None else "{:,}, {:,}".format(*estimate.moved),
    )


def _signed(value: float, how: str) -> str:
    """A change with its sign, where any of it is left; none at all is 0.

    >>> _signed(-0.12, ".3f"), _signed(-0.0001, ".3f"), _signed(0.0, ".3f")
    ('-0.120', '0.000', '0')
    """
    text = f"{value:+{how}}" if value else "0"
    return text if float(text) else text.lstrip("+-")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:{notation((value,))}}"


def _p(change: Change) -> str:
    """Twice the smaller one-sided p-value of no change; nothing where the change is exact."""
    method = change.estimate.method or ""
    if method == "exact":
        return said("exact")
    basis = weighing.basis_of(change.estimate)
    above = p_value(method, 0.0, side="above", **basis)
    found = min(1.0, 2 * min(above, p_value(method, 0.0, side="below", **basis)))
    return "< 0.001" if found < 0.001 else f"{found:.3f}"
