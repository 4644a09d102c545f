"""A comparison of two audits with a change, one that is exact, one without a number, and differences of each kind."""

from __future__ import annotations

from probandum.comparison import Change, Comparison, Difference, Named
from probandum.finding import Estimate, Groups


def named(system: str) -> Named:
    """One of two audits."""
    return Named(
        statement="sha256:ab",
        run="0123abcd",
        started="2026-11-25T19:00:00+00:00",
        system=system,
        version="2.1",
        identity=f"{len(system):08x}",
    )


def compared(name: str = "F") -> Comparison:
    """A change, one that is exact, one without a number, and a difference of each kind."""
    about = {"probe": "bias.fake", "metric": "rate", "groups": Groups(attribute="sex", group=name)}
    counts = ((6, 1), (2000, 2000))
    change = Estimate(
        value=0.0025,
        low=0.0,
        high=0.006,
        n=2000,
        unit="share",
        method="mcnemar-tango",
        counts=counts,
        moved=(6, 1, 2000),
    )
    exact = Estimate(value=0.0, low=0.0, high=0.0, n=9, unit="score", method="exact", moved=(0, 0, 9))
    missing = Estimate.missing(f"the baseline does not measure {name}", unit="share")
    return Comparison(
        name="baseline",
        base=named(name),
        new=named(name),
        differences=(
            Difference(what="option texts", base="a.txt", new=name, bars=True, probe="bias.other"),
            Difference(what="packages numpy", base="2.1", new="2.2", bars=False),
        ),
        changes=(
            Change(**about, base=0.1, new=0.1025, estimate=change),  # type: ignore[arg-type]
            Change(probe="bias.fake", metric="worst", base=0.5, new=0.5, estimate=exact),
            Change(probe="bias.other", metric="rate", estimate=missing, comparable=False),
        ),
    )
