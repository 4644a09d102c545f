"""energy.hosted: the published regression comes out of size and tokens, always as an estimate, never as a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from fakes import Notes, Writer
from probandum.asking import Asker
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import control_states, judge
from probandum.measuring import measure
from probandum.plan_file import Energy
from probandum.plugins import load_plugins
from probandum.probe import ProbeResult, make_probe
from probandum.siting import site_of
from probandum_probes.energy.hosted_model import gpus, joules_per_token
from probandum_probes.energy.prompts import prompts

load_plugins()


def run(target: Writer | None = None, **options: Any) -> ProbeResult:
    """What the probe leaves of a system that counts its tokens, on a French grid."""
    asker = Asker(target or Writer(), seed=1, journal=Notes(), site=site_of(Energy(country="FRA", pue=1.2)))
    return measure(make_probe("energy.hosted", options), asker)


def estimates(result: ProbeResult) -> dict[Any, Any]:
    """Estimates by metric and grid."""
    assert "measured" == result.status, result.why
    return {(each.metric, each.facets.get("grid")): each.estimate for each in result.measures}


@pytest.mark.parametrize(("total", "bits", "cards"), [(1.0, 16, 1), (33.0, 16, 1), (34.0, 16, 2), (671.0, 8, 16)])
def test_a_model_takes_the_least_power_of_two_of_cards(total: float, bits: int, cards: int) -> None:
    """1.2 times its weights, at 80 GB a card."""
    assert cards == gpus(total, bits)


def test_joules_are_those_of_the_tokens_that_were_written() -> None:
    """A token of 8 billion parameters takes .2675 J; a request as many as it wrote on average."""
    found = estimates(run(parameters=8.0))
    texts = prompts(None)
    (answer,) = Writer().answer([Request(kind=Capability.GENERATE, inputs=texts)])
    tokens = (answer.output_tokens or 0) / len(texts)
    request = found["estimated-joules-per-request", None]

    assert 0.2675 == pytest.approx(found["estimated-joules-per-output-token", None].value, abs=1e-4)
    assert joules_per_token(8.0, 8.0) * tokens == pytest.approx(request.value)
    assert request.value / 3.6 == pytest.approx(found["estimated-watt-hours-per-1000-requests", None].value)
    grams = found["grams-co2e-per-1000-requests", "mid"]
    assert request.value / 3600 * 56.04 * 1.2 == pytest.approx(grams.value, rel=1e-3)
    assert "estimated, not measured" in request.design


def test_an_estimate_s_interval_is_half_to_twice_as_its_words_say() -> None:
    """Of joules exactly, of what they emit as far as draws tell."""
    found = estimates(run(parameters=8.0))
    request = found["estimated-joules-per-request", None]
    grams = found["grams-co2e-per-1000-requests", "mid"]

    assert (0.5, 2.0) == pytest.approx((request.low / request.value, request.high / request.value), rel=1e-9)
    assert (0.5, 2.0) == pytest.approx((grams.low / grams.value, grams.high / grams.value), rel=0.03)
    assert 0.90 == request.level
    assert request.design.endswith("the interval is half to twice the figure by convention")


def test_experts_that_rest_take_nothing() -> None:
    """Of 671 billion parameters 37 are in use for a token; the cards for all of them stand there."""
    assert joules_per_token(37.0, 671.0, bits=8) < joules_per_token(671.0, 671.0, bits=8)
    assert joules_per_token(37.0, 671.0, bits=8) > 4 * joules_per_token(37.0, 37.0, bits=8)


def test_nothing_is_estimated_of_a_model_of_unknown_size_or_of_tokens_nobody_counted() -> None:
    """The reason stands where the number would."""

    class Silent(Writer):
        def answer(self, requests: Any) -> list[Response]:
            """Texts alone."""
            return [Response(texts=each.texts) for each in super().answer(requests)]

    assert "suites.energy.hosted.parameters" in estimates(run())["estimated-joules-per-request", None].why
    assert "how many tokens" in estimates(run(Silent(), parameters=8.0))["estimated-joules-per-request", None].why


def test_an_estimate_is_never_judged() -> None:
    """Whatever the plan limits."""
    result = run(parameters=8.0)
    limit = Limit(metric="energy.hosted/estimated-joules-per-request", direction="at_most", threshold=1e9)

    assert {"positive": "held", "negative": "held"} == control_states(result)
    assert {Verdict.NOT_APPLICABLE} == {finding.verdict for finding in judge([result], [])}
    assert "disclosure" == next(each.mode for each in result.measures if limit.fits(f"energy.hosted/{each.metric}", {}))


def test_a_model_below_a_billion_parameters_is_estimated() -> None:
    """Half a billion, all of them in use, or a part."""
    assert joules_per_token(0.5, 0.5) == estimates(run(parameters=0.5))["estimated-joules-per-output-token", None].value
    part = estimates(run(parameters=0.5, active=0.1))["estimated-joules-per-output-token", None]

    assert joules_per_token(0.1, 0.5) == part.value


def test_a_model_that_runs_here_is_not_estimated() -> None:
    """Its weights are on this machine, so that nobody hosts it: not applicable, and nothing is called an estimate."""

    class Here(Writer):
        shareable = True

    result = run(Here(), parameters=8.0)
    (finding,) = judge([result], [])

    assert (Verdict.NOT_APPLICABLE, SubReason.GRADE_D) == (finding.verdict, finding.sub_reason)
    assert None is finding.estimate.value
    assert "runs here" in (finding.why or "")


@pytest.mark.parametrize(
    "options",
    [{"parameters": -1.0}, {"parameters": 8.0, "active": 9.0}, {"parameters": 0.5, "active": 0.0}, {"bits": 0}],
)
def test_a_model_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    """Before anything is asked."""
    with pytest.raises(DataError, match=r"energy\.hosted: parameters"):
        make_probe("energy.hosted", options)
