"""energy.phases: a system whose reading and writing take known times gives them back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fakes import Notes, Writer
from probandum import stats
from probandum.asking import Asker
from probandum.errors import DataError
from probandum.evidence import Response
from probandum.judging import control_states
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import ProbeResult, make_probe
from probandum.target import Target
from probandum_probes.energy.phases import resolved
from probandum_probes.estimates import from_interval
from sensors import Watts, metered

load_plugins()

READ, WRITTEN = 0.0002, 0.001


class Timed(Writer):
    """A system that takes a fixed time for each token that it reads and writes."""

    def answer(self, requests: Any) -> list[Response]:
        """As many tokens as were asked for."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Any) -> Response:
        n, read = len(request), sum(len(text.split()) for text in request.texts)
        written = n * int(request.parameters["max_new_tokens"])
        time.sleep(READ * read + WRITTEN * written)
        return Response(texts=("word",) * n, input_tokens=read, output_tokens=written)


def run(target: Target, *sensors: Watts, **options: Any) -> ProbeResult:
    """What the probe leaves of short windows."""
    probe = make_probe("energy.phases", {"seconds": 0.02, "warm_up": 0, "repeats": 4, "tokens": 12, **options})
    return measure(probe, Asker(target, seed=1, journal=Notes(), meter=metered(*sensors)))


def estimates(result: ProbeResult) -> dict[str, Any]:
    """Estimates by metric."""
    assert "measured" == result.status, result.why
    return {each.metric: each.estimate for each in result.measures}


def test_the_time_and_the_joules_of_each_phase_come_out() -> None:
    """A tenth either way on a busy machine; 50 W make 50 joules of each second."""
    found = estimates(run(Timed(), Watts(50.0)))

    assert WRITTEN == pytest.approx(found["seconds-per-written-token"].value, rel=0.3)
    assert READ == pytest.approx(found["seconds-per-read-token"].value, rel=0.5)
    for phase in ("read", "written"):
        seconds, joules = found[f"seconds-per-{phase}-token"], found[f"joules-per-{phase}-token"]
        assert 50.0 * seconds.value == pytest.approx(joules.value, rel=0.01)
        assert seconds.low < seconds.value < seconds.high


def test_windows_of_either_work_take_turns() -> None:
    """One token, then many, and again."""
    seen: list[int] = []

    class Seeing(Timed):
        def answer(self, requests: Any) -> list[Response]:
            """With a note of how long."""
            seen.append(int(requests[0].parameters["max_new_tokens"]))
            return super().answer(requests)

    run(Seeing(), seconds=0.0001, repeats=3)
    (first, *_), turns = seen[:6], seen[:6]

    assert 1 == first
    assert [1, 12] * 3 == turns


def test_without_a_sensor_the_time_alone_is_stated() -> None:
    """And both controls hold."""
    result = run(Timed())
    found = estimates(result)

    assert None is found["joules-per-written-token"].value
    assert "no gpu sensor" in found["joules-per-written-token"].why
    assert found["seconds-per-written-token"].value > 0
    assert {"positive": "held", "negative": "held"} == control_states(result)


def test_a_system_that_counts_no_tokens_or_writes_no_more_has_no_phases() -> None:
    """The reason stands where the number would."""

    class Silent(Timed):
        def answer(self, requests: Any) -> list[Response]:
            """Texts alone."""
            return [Response(texts=each.texts) for each in super().answer(requests)]

    class Short(Timed):
        def answer(self, requests: Any) -> list[Response]:
            """Three tokens a text, whatever was asked for."""
            return [
                Response(texts=each.texts, input_tokens=each.input_tokens, output_tokens=3 * len(each.texts or ()))
                for each in super().answer(requests)
            ]

    assert "does not say how many tokens" in estimates(run(Silent()))["seconds-per-written-token"].why
    assert "wrote no more" in estimates(run(Short()))["seconds-per-written-token"].why


class Erratic(Timed):
    """A system that takes much longer for the first answer of every other pair of windows."""

    def __init__(self, extra: float) -> None:
        super().__init__()
        self.extra = extra

    def _answered(self, request: Any) -> Response:
        if int(request.parameters["max_new_tokens"]) == 1:
            time.sleep(self.extra)
        return super()._answered(request)


def test_a_token_that_would_take_less_than_nothing_is_not_resolved() -> None:
    """Answers of one token that take longer than those of twelve: no time and no joules a token written."""
    result = run(Erratic(0.2), Watts(50.0), seconds=0.001, repeats=2)
    found = estimates(result)

    for amount in ("seconds", "joules"):
        written = found[f"{amount}-per-written-token"]
        assert None is written.value
        assert (written.why or "").startswith("not resolved from the windows: their difference is -")
        assert "suites.energy.phases: tokens, seconds, repeats" in (written.why or "")
    assert found["seconds-per-read-token"].value > 0
    assert "inconclusive" == control_states(result)["positive"]


def test_a_bound_below_nothing_is_cut_off_and_says_so() -> None:
    """Differences of .01, .02 and .06 s: 0.03 s, Student's lower bound lies below 0."""
    wide = from_interval(stats.mean_interval([0.01, 0.02, 0.06]), n=3, unit="second", design="3 pairs")
    cut = resolved(wide)
    assert wide.low is not None
    assert wide.low < 0

    assert (wide.value, 0.0, wide.high, "amount-t") == (cut.value, cut.low, cut.high, cut.method)
    assert cut.low == stats.bounds("amount-t", level=cut.level, moments=cut.moments).low
    assert f"the lower bound, {wide.low:.3g}, is cut off at 0" in (cut.design or "")


def test_a_bound_above_nothing_stays() -> None:
    """As Student has it."""
    found = from_interval(stats.mean_interval([0.01, 0.011, 0.012]), n=3, unit="second", design="3 pairs")

    assert found == resolved(found)


@pytest.mark.parametrize("options", [{"repeats": 1}, {"seconds": 0.0}, {"warm_up": -1}, {"tokens": 1}])
def test_options_that_make_no_pair_are_refused(options: dict[str, Any]) -> None:
    """Before anything is run."""
    with pytest.raises(DataError, match=r"repeats .* tokens"):
        make_probe("energy.phases", options)
