"""Variants of a system against each other: one is dominated, one of grade C, and gaps between groups move along."""

from __future__ import annotations

from probandum.comparison import Change
from probandum.finding import Estimate, Groups
from probandum.tradeoffs import Beside, Gap, TradeOffs, Trait, Variant


def estimate(value: float, reach: float, unit: str) -> Estimate:
    """A value with an interval of so much either way."""
    return Estimate(
        value=value,
        low=value - reach,
        high=value + reach,
        n=9,
        unit=unit,
        method="t",
        moments=(value, reach / 2, 8.0),
    )


def variant(number: int, name: str, *, dominated: tuple[str, ...] = (), coarse: bool = False) -> Variant:
    """The ``number``-th variant."""
    moved = estimate(0.1 * number, 0.05, "relative")
    lost = estimate(-0.02 * number, 0.01, "share")
    return Variant(
        name=name,
        run=f"{number:08x}",
        differs=(Trait(what="precision", first="float32", own=name),) if number else (),
        cost=estimate(2.0 + number, 0.2, "joule"),
        grade="C" if coarse else "B",
        quality=estimate(0.9 - 0.02 * number, 0.03, "share"),
        per_good=None,
        beside=Beside(cost=moved, quality=lost) if number else None,
        dominated=dominated,
        uncompared=("first",) if coarse else (),
    )


def traded(*names: str, gaps: int = 1) -> TradeOffs:
    """Variants of these names behind a first one: the second is dominated, the third of grade C."""
    variants = [variant(0, "first")]
    for number, name in enumerate(names, 1):
        dominated = ("first",) if number == 1 else ()
        variants.append(variant(number, name, dominated=dominated, coarse=number == 2))
    about = Groups(attribute="sex", group=names[0], reference="M")
    change = Change(probe="bias.fake", metric="gap", groups=about, estimate=estimate(0.05, 0.01, "share difference"))
    return TradeOffs(
        cost="energy.fake/joules",
        quality="bias.fake/accuracy",
        higher=True,
        variants=tuple(variants),
        gaps=tuple(
            Gap(
                of=f"bias.fake/gap-{number}?sex={names[0]}~M",
                unit="share difference",
                values=tuple(estimate(0.01 * place, 0.02, "share difference") for place in range(len(variants))),
                changes=(None, *(change for _ in names)),
            )
            for number in range(gaps)
        ),
        system="Fake",
        statements=tuple(f"sha256:{number:02x}" for number in range(len(variants))),
        withheld={},
    )
