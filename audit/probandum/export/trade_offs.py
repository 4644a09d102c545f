"""Trade-offs of variants in words: the same for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator

from probandum.finding import Estimate, notation
from probandum.speech import counted, said
from probandum.tradeoffs import Gap, TradeOffs, Variant
from probandum.trading import DRIFT, MARGIN, no_worse


def figure(estimate: Estimate) -> str:
    """A value with its interval; the reason where there is none.

    >>> figure(Estimate(value=0.5, low=0.4, high=0.6, n=9, unit="share", method="t"))
    '0.500 (0.400 to 0.600)'
    """
    numbers = [each for each in (estimate.value, estimate.low, estimate.high) if each is not None]
    if len(numbers) < 3:
        return said("none: {why}", why=estimate.why)
    how = notation(numbers)
    value, low, high = (format(each, how) for each in numbers)
    return said("{value} ({low} to {high})", value=value, low=low, high=high)


def signed(change: Estimate) -> str:
    """A change with its sign and interval, a relative one in per cent; the reason where there is none.

    >>> signed(Estimate(value=-0.5, low=-0.6, high=-0.4, n=9, unit="relative", method="t"))
    '-50.0 % (-60.0 % to -40.0 %)'
    """
    numbers = [each for each in (change.value, change.low, change.high) if each is not None]
    if len(numbers) < 3:
        return said("none: {why}", why=change.why)
    how = "+.1%" if change.unit == "relative" else f"+{notation(numbers)}"
    value, low, high = (format(each, how).replace("%", " %") if each else "0" for each in numbers)
    return said("{value} ({low} to {high})", value=value, low=low, high=high)


def stands(variant: Variant) -> str:
    """Whether another variant takes less and is better, as far as anybody can say."""
    if variant.dominated:
        return said("dominated by {names}", names=", ".join(variant.dominated))
    if variant.uncompared:
        return said("not compared with {names}", names=", ".join(variant.uncompared))
    return said("not dominated")


def differing(variant: Variant) -> list[str]:
    """In what a variant differs from the first, one thing a line."""
    if variant.beside is None:
        return [said("the first")]
    return [each.text for each in variant.differs] or [said("nothing that its record names")]


def metered(variant: Variant) -> str:
    """The unit of the cost, and the grade of its energy."""
    if not variant.grade:
        return variant.cost.unit
    return said("{unit}, grade {grade}", unit=variant.cost.unit, grade=variant.grade)


def kept(found: TradeOffs, variant: Variant) -> str:
    """Whether the loss of quality beside the first is shown to be small; nothing of the first."""
    if variant.beside is None:
        return ""
    change = variant.beside.quality
    if no_worse(change, higher=found.higher):
        shown = said("worse by less than {margin}: shown", margin=f"{MARGIN:g}")
    else:
        shown = said("worse by less than {margin}: not shown", margin=f"{MARGIN:g}")
    if change.moved is None:
        return shown
    up, down, n = change.moved
    items = counted(
        n, "of {n} item {up:,} rose and {down:,} fell", "of {n:,} items {up:,} rose and {down:,} fell", up=up, down=down
    )
    return f"{shown}; {items}"


def direction(found: TradeOffs) -> str:
    """Which way the quality is better."""
    return said("more is better" if found.higher else "less is better")


def moved(found: TradeOffs) -> str:
    """How many gaps there are, and how many moved in any variant beyond chance."""
    n = sum(any(each.moved(place) for place in range(1, len(found.variants))) for each in found.gaps)
    return counted(
        len(found.gaps),
        "{some} of {n} difference between groups moved beyond chance",
        "{some} of {n:,} differences between groups moved beyond chance",
        some=n,
    )


def conclusion(found: TradeOffs) -> str:
    """Which variants no other dominates, in one sentence."""
    front = ", ".join(each.name for each in found.front)
    if len(found.front) == len(found.variants):
        return said("No variant is shown to take more than another and to be worse: {front}.", front=front)
    left = [each.name for each in found.variants if each.dominated]
    return counted(
        len(left),
        "{names} is dominated; on the front: {front}.",
        "{names} are dominated; on the front: {front}.",
        names=", ".join(left),
        front=front,
    )


def cautions(found: TradeOffs) -> Iterator[str]:
    """What a reader has to know before acting on it."""
    yield said(
        "Each pair is held against each other on its own, at 95 % on either axis; what separate audits drift by, up to "
        "{share} % of the cost, dominates nothing.",
        share=f"{100 * DRIFT:g}",
    )
    if found.variants[0].cost.unit == "second":
        yield said("The cost is time: it stands in place of energy where no meter reads, and is none.")
    if coarse := [each.name for each in found.variants if each.grade is not None and each.grade > "B"]:
        yield said(
            "Energy of {names} was sampled or estimated (grade C or D): it is shown, compared with nothing, and "
            "dominates nothing.",
            names=", ".join(coarse),
        )
    if any(each.what == "device" for variant in found.variants for each in variant.differs):
        yield said("Variants ran on different devices: their cost is that of the devices, too.")


def lines(found: TradeOffs) -> Iterator[str]:
    """All variants, those beside the first with what moved, gaps of each, and the front at the end."""
    yield f"cost     {found.cost}, less is better"
    yield f"quality  {found.quality}, {direction(found)}"
    for each in found.variants:
        first = each.beside is None
        yield ""
        yield f"{each.name}: {'the first, ' if first else ''}{stands(each)}"
        for text in [] if first else differing(each):
            yield f"  differs  {text}"
        yield f"  cost     {figure(each.cost)} {metered(each)}"
        yield f"  quality  {figure(each.quality)}"
        if each.per_good is not None:
            over = f"{figure(each.per_good)} {each.cost.unit}"
            yield f"  cost over quality {over}: of a good answer, where the quality is their share"
        if each.beside is not None:
            yield f"  beside the first: cost {signed(each.beside.cost)}, quality {signed(each.beside.quality)}"
            yield f"  {kept(found, each)}"
    if found.gaps:
        yield ""
        yield moved(found)
        for gap in found.gaps:
            yield f"  {gap.of}"
            yield from _gap(found, gap)
    yield ""
    yield from cautions(found)
    yield f"front    {', '.join(each.name for each in found.front)}"


def _gap(found: TradeOffs, gap: Gap) -> Iterator[str]:
    width = max(len(each.name) for each in found.variants)
    for place, variant in enumerate(found.variants):
        told = changed(gap, place)
        yield f"    {variant.name:{width}}  {figure(gap.values[place])}{told and f', beside the first {told}'}"


def changed(gap: Gap, place: int) -> str:
    """How far a gap lies from the first variant's, and whether beyond chance; '' of the first."""
    change = gap.changes[place]
    if place == 0:
        return ""
    if change is None:
        return said("not compared: no items of it were kept")
    value = signed(change.estimate)
    return said("{change}, moved", change=value) if gap.moved(place) else value
