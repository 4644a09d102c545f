"""What property tests draw: counts, verdicts, limits."""

from __future__ import annotations

from hypothesis import strategies as st

from probandum.finding import Limit, Verdict

verdicts = st.sampled_from(Verdict)
levels = st.floats(0.5, 0.999)
alphas = st.floats(0.001, 0.4)
probabilities = st.floats(0.0, 1.0)


@st.composite
def counts(draw: st.DrawFn, *, most: int = 400, least: int = 0) -> tuple[int, int]:
    """Events and trials, ``least`` events or more."""
    trials = draw(st.integers(max(1, least), most))
    return draw(st.integers(least, trials)), trials


@st.composite
def pairs(draw: st.DrawFn, *, most: int = 400, reference: int = 0) -> tuple[tuple[int, int], tuple[int, int]]:
    """Events and trials of a group and of its reference, which has ``reference`` events or more."""
    return draw(counts(most=most)), draw(counts(most=most, least=reference))


@st.composite
def changes(draw: st.DrawFn, *, most: int = 400) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pairs that got better and worse, among all: the counts of a paired difference."""
    trials = draw(st.integers(1, most))
    better = draw(st.integers(0, trials))
    worse = draw(st.integers(0, trials - better))
    return (better, worse), (trials, trials)


@st.composite
def limits(draw: st.DrawFn, metric: str) -> Limit:
    """A limit of any direction on ``metric``, with or without a margin."""
    direction = draw(st.sampled_from(["at_most", "at_least", "band"]))
    return Limit(
        metric=metric,
        direction=direction,  # type: ignore[arg-type]
        threshold=draw(st.floats(0.0, 0.5)),
        margin=draw(st.sampled_from([0.0, 0.01])),
    )
