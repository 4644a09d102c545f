"""One explained decision in values: a loan that was refused, with factors of every kind."""

from __future__ import annotations

from dataclasses import replace

from probandum import codec
from probandum.reasons import (
    Alternative,
    Answered,
    Band,
    Counted,
    Factor,
    Flip,
    Near,
    Reasons,
    Shift,
    Spread,
    Told,
)

#: What a card says of the columns of the loan below, and of its outcomes.
CARD = {
    "decision": {
        "favourable": "the loan is granted",
        "unfavourable": "the loan is refused",
        "estimate": "the probability that the loan is repaid",
        "came_true": "were repaid",
    },
    "columns": {
        "duration": {"name": "duration of the loan", "unit": "months", "change": "free", "source": "your application"},
        "savings": {"values": {"1": "below 100 EUR", "2": "100 EUR or more"}, "change": "free"},
        "age": {"unit": "years", "change": "rises"},
    },
}


def factor(
    name: str,
    value: str,
    weight: float,
    half: float,
    *,
    place: int,
    band: Band = "strong",
    named: bool = True,
    attributes: tuple[str, ...] = (),
) -> Factor:
    """A factor; one without a place is not stable, and one that is always 0 is idle."""
    return Factor(
        told=Told(name=name, value=value, attributes=attributes),
        weight=Spread(value=weight, low=weight - half, high=weight + half),
        agreement=1.0 if place else 0.6,
        kept=place > 0,
        place=place,
        bands=(band, band),
        named=named and place > 0,
        idle=weight == half == 0,
    )


def make_reasons(**changes: object) -> Reasons:
    """A refusal at 0.35 where 0.5 is needed: duration against, savings for, age slightly for, phone not stable."""
    base = Reasons(
        row="p17",
        answer=Answered(request=codec.digest(b"request"), place=16, probabilities=(0.65, 0.35), labels=("0", "1")),
        label="0",
        favourable=False,
        shown="1",
        probability=0.35,
        threshold=0.5,
        score=0.619,
        base=Spread(value=-0.2, low=-0.25, high=-0.15),
        rest=Spread(value=-0.001, low=-0.03, high=0.028),
        factors=(
            factor("duration", "48", 1.2, 0.05, place=1),
            factor("savings", "2", -0.3, 0.04, place=2, band="medium"),
            factor("age", "23", -0.08, 0.02, place=3, band="weak", attributes=("age",)),
            factor("job", "3", -0.04, 0.01, place=4, band="weak", named=False),
            factor("phone", "1", 0.039, 0.06, place=0, band="weak"),
        ),
        method="shap.linear",
        kind="Shapley values, interventional",
        runs=10,
        background=100,
        noise=0.021,
        residual=2e-13,
        alone=Counted(events=190, of=200, share=Spread(value=0.95, low=0.91, high=0.97)),
        alternatives=(
            Alternative(
                shifts=(Shift(name="duration", before="48", after="24"),), label="1", probability=0.52, unusual=False
            ),
            Alternative(
                shifts=(
                    Shift(name="duration", before="48", after="36"),
                    Shift(name="savings", before="2", after="1"),
                ),
                label="1",
                probability=0.501,
                unusual=True,
            ),
        ),
        why_none=None,
        asked=64,
        fixed=("age",),
        flips=(Flip(attribute="age", name="age", tried=("20", "30", "40", "50"), changing=()),),
        near=Near(
            low=0.3, high=0.4, came_true=Counted(events=33, of=100, share=Spread(value=0.33, low=0.25, high=0.43))
        ),
        requests=16,
        evidence=codec.digest(b"evidence"),
        recorded=codec.digest(b"answer"),
    )
    return replace(base, **changes)  # type: ignore[arg-type]
