"""Steadiness: a verdict that another way to ask would change is none, and one that chance alone would change stands."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import result_of
from probandum.finding import Estimate, Finding, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum.stats import bounds
from probandum.steadiness import Halves, Varied
from probandum_probes.bias.wordings import differing

BAND = Limit(metric="bias.fake/gap", direction="band", threshold=0.1)


def mean(value: float, error: float = 0.01) -> Estimate:
    """An estimate of a mean."""
    found = bounds("t", level=0.95, moments=(value, error, 100.0))
    return Estimate(
        value=value, low=found.low, high=found.high, n=101, unit="share", method="t", moments=(value, error, 100.0)
    )


def judged(value: float, p: float, **without: float) -> Finding:
    """The finding of a value whose value without each wording is known, as is whether they differ."""
    left = Varied(what="wording", p=p, without={name[1:]: mean(each) for name, each in without.items()})
    (finding,) = judge([result_of(Measure(metric="gap", estimate=mean(value), varied=left))], [BAND])
    return finding


@pytest.mark.parametrize("value", [0.0, 0.2], ids=["pass", "fail"])
def test_a_verdict_that_rests_on_one_wording_is_none(value: float) -> None:
    """Without the third wording it would be another; without the first it is the same."""
    finding = judged(value, 0.002, w1=value, w3=0.2 - value)

    assert (Verdict.INCONCLUSIVE, SubReason.PROMPT_UNSTABLE) == (finding.verdict, finding.sub_reason)
    assert f"differ (p = 0.002), and without wording 3 it is not ({0.2 - value:.3f})" in str(finding.why)


def test_what_chance_alone_may_do_contradicts_nothing() -> None:
    """Wordings that do not differ beyond chance, and such as differ without changing the verdict."""
    assert Verdict.FAIL is judged(0.2, 0.02, w3=0.0).verdict
    assert Verdict.FAIL is judged(0.2, 0.001, w1=0.15, w3=0.3).verdict
    assert Verdict.PASS is judged(0.0, 0.001, w1=0.02, w3=-0.02).verdict


def test_opposite_ends_say_which_wordings() -> None:
    """A value whose interval tells nothing, and which lies beyond either end without one of two wordings."""
    finding = judged(0.1, 0.001, w1=0.3, w2=0.1, w5=-0.3)

    assert SubReason.PROMPT_UNSTABLE is finding.sub_reason
    assert "beyond opposite ends of the limit without wording 1 (0.300) and without 5 (-0.300)" in str(finding.why)


def test_halves_are_called_by_their_names() -> None:
    """Letters and numbers are no halves of the wordings."""
    halves = Halves(mean(0.2), mean(0.0), ("letters", "numbers"))
    (finding,) = judge([result_of(Measure(metric="gap", estimate=mean(0.1), halves=(halves,)))], [BAND])

    assert "beyond the limit by letters (0.200) and within it by numbers (0.000)" == finding.why


def test_wordings_that_do_not_matter_differ_at_the_stated_rate() -> None:
    """Rare events in five wordings are called different in about 1 % of worlds, and one wording of its own is found."""
    rng = np.random.default_rng(7)
    wordings = np.arange(200) % 5
    null = [differing((rng.random(200) < 0.03).astype(np.float64), np.ones(200), wordings, rng) for _ in range(60)]

    assert sum(p < 0.01 for p in null) <= 3
    assert 0.001 == differing((wordings == 2).astype(np.float64), np.ones(200), wordings, rng)


def test_what_templates_do_is_not_what_wordings_do() -> None:
    """Templates that differ, each in all wordings, leave the wordings alike; one wording in all of them is found."""
    rng = np.random.default_rng(8)
    templates, wordings = np.arange(100) // 10, np.arange(100) % 5
    alike = templates.astype(np.float64)

    assert 1.0 == differing(alike, np.ones(100), wordings, rng, templates)
    assert 0.001 == differing(
        np.asarray(alike + (wordings == 1), dtype=np.float64), np.ones(100), wordings, rng, templates
    )
