from __future__ import annotations

import numpy as np
import pytest

from probandum import gating, judging, sampling, stats
from probandum.finding import Estimate, Finding, Limit
from probandum.probe import ControlOutcome, Measure, ProbeResult

HELD = tuple(ControlOutcome(name=kind, kind=kind, held=True, detail="") for kind in ("positive", "negative"))


def judged(interval: stats.Interval, *, n: int, design: str | None, high: float) -> Finding:
    """A finding about one Student interval under the limit ``at_most: high``."""
    assert interval.standard_error is not None and interval.df is not None
    estimate = Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        n_effective=interval.df + 1,
        unit="share",
        method="t",
        design=design,
        moments=(interval.value, interval.standard_error, interval.df),
    )
    measure = Measure(metric="shift", estimate=estimate)
    result = ProbeResult(probe="bias.x", version=1, status="measured", measures=(measure,), controls=HELD)
    (finding,) = judging.judge([result], [Limit(metric="bias.x/shift", direction="at_most", threshold=high)])
    return finding


def test_a_verdict_on_clusters_needs_clusters() -> None:
    """More texts of the same templates would not do: the number that is named is that of the clusters."""
    finding = judged(stats.mean_interval([0.01, 0.05] * 10), n=200, design="cluster=seed text", high=0.035)
    said = sampling.needed(finding)
    count = int(said.partition(" ")[0])

    assert said == f"{count} seed texts"
    assert "n = 200 (20 seed texts)" == sampling.counted(finding.estimate)
    assert f"a verdict would need about {said}" in gating.said(finding)


@pytest.mark.parametrize("high", [0.0335, 0.035, 0.037])
def test_so_many_clusters_do_decide(high: float) -> None:
    """The same spread over the clusters that were named gives a pass, and over a fifth fewer none."""
    finding = judged(stats.mean_interval([0.01, 0.05] * 10), n=200, design="cluster=seed text", high=high)
    count = int(sampling.needed(finding).partition(" ")[0].replace(",", ""))

    def bound(clusters: int) -> float:
        return stats.mean_interval([0.01, 0.05] * (clusters // 2), level=0.90).high

    assert bound(count + 1) <= high < bound(int(0.8 * count))


def test_rows_crossed_with_columns_must_both_grow() -> None:
    """Twice as many scenarios and twice as many names are four times as many answers, and decide."""
    rng = np.random.default_rng(3)

    def table(rows: int, columns: int) -> np.ndarray:
        """Values with a spread over rows, one over columns, and some noise."""
        return (
            0.1 * rng.standard_normal((rows, 1))
            + 0.1 * rng.standard_normal((1, columns))
            + 0.05 * rng.standard_normal((rows, columns))
        )

    interval = stats.two_way_interval(table(12, 10) + 0.02, table(12, 10))
    finding = judged(interval, n=240, design="two_way=template x name", high=interval.value + 0.05)
    assert finding.n_needed is not None
    factor = (finding.n_needed / 240) ** 0.5
    assert interval.standard_error is not None

    assert factor > 1.2
    assert sampling.needed(finding).endswith(" times as many templates and names")
    assert float(sampling.needed(finding).partition(" ")[0]) == pytest.approx(factor, abs=0.1)
    assert 1.645 * interval.standard_error / factor**0.5 <= 0.05


def test_what_no_design_names_is_counted_by_its_n() -> None:
    """Independent observations need more of themselves."""
    finding = judged(stats.mean_interval([0.01, 0.05] * 10), n=20, design=None, high=0.035)

    assert f"n = {finding.n_needed:,}" == sampling.needed(finding)
    assert "n = 20" == sampling.counted(finding.estimate)


def test_clusters_that_nobody_counted_are_named_by_a_factor() -> None:
    """Degrees of freedom after Satterthwaite count no clusters, and are not given out as their number."""
    interval = stats.cluster_mean_interval([0.01, 0.05, 0.02, 0.04, 0.03, 0.05], ["a", "a", "a", "b", "c", "c"])
    finding = judged(interval, n=6, design="cluster=person", high=0.05)

    assert sampling.clusters(finding.estimate) is None
    assert sampling.needed(finding).endswith(" times as many persons")


def test_a_verdict_that_was_reached_needs_nothing() -> None:
    """Nothing is asked for where the data decided."""
    finding = judged(stats.mean_interval([0.01, 0.05] * 10), n=200, design="cluster=seed text", high=0.2)

    assert (None, "") == (finding.n_needed, sampling.needed(finding))
