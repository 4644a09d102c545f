"""energy.inference: joules of known watts come out per answer; without a sensor every joule is missing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import KeywordClassifier, Notes, Scorer, Writer, credit_world
from probandum.asking import Asker
from probandum.energy import Meter, NoMeter
from probandum.errors import DataError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response
from probandum.finding import SubReason, Verdict
from probandum.judging import control_states, judge
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import ProbeResult, make_probe
from probandum.subject import Subject
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from records import write_log
from sensors import Watts, Working, metered

load_plugins()
load_builtin()

SHORT = {"repeats": 3, "seconds": 0.03, "warm_up": 0, "precision": None}


def run(target: Target, meter: Meter, subject: Subject | None = None, **options: Any) -> ProbeResult:
    """What the probe leaves after metering ``target``."""
    probe = make_probe("energy.inference", {**SHORT, **options})
    return measure(probe, Asker(target, seed=1, subject=subject, journal=Notes(), meter=meter))


def estimates(result: ProbeResult) -> dict[str, Any]:
    """Estimates by metric."""
    assert "measured" == result.status, result.why
    return {each.metric: each.estimate for each in result.measures}


class Slow(KeywordClassifier):
    """A classifier that takes ten milliseconds a block."""

    def answer(self, requests: Any) -> list[Response]:
        """After a rest."""
        time.sleep(0.01)
        return super().answer(requests)


@pytest.mark.parametrize("watts", [5.0, 300.0])
def test_the_joules_of_known_watts_come_out_per_request(tmp_path: Path, watts: float) -> None:
    """Four texts take ten milliseconds a round: watts times seconds, shared among them."""
    (tmp_path / "texts.txt").write_text("one\ntwo\n\nthree\nfour\n", "utf-8")
    made = make_probe("energy.inference", {**SHORT, "texts": "texts.txt"}, folder=tmp_path)
    result = measure(made, Asker(Slow(), seed=1, journal=Notes(), meter=metered(Watts(watts))))
    found = estimates(result)
    joules, seconds = found["joules-per-request"], found["seconds-per-request"]

    assert watts * seconds.value == pytest.approx(joules.value, rel=0.01)
    assert seconds.value >= 0.01 / 4
    assert joules.value * 1000 / 3600 == pytest.approx(found["watt-hours-per-1000-requests"].value, rel=1e-9)
    assert (3, "log-t", "joule") == (joules.n, joules.method, joules.unit)
    assert joules.low < joules.value < joules.high
    assert "3 windows of at least 0.03 s, gross, meter test, grade B, covers gpu of the test" == joules.design
    score = found["watt-hours-per-1000-requests"].design
    assert score.startswith(joules.design) and "not comparable off its hardware" in score
    # a part that takes no more at work than at rest tells nothing of twice the work
    assert {"positive": "inconclusive", "negative": "held"} == control_states(result)


def test_parts_are_added_up(tmp_path: Path) -> None:
    """GPU, CPU and memory are what one answer took together."""
    found = estimates(run(KeywordClassifier(), metered(Watts(30.0), Watts(12.0, "cpu"), Watts(3.0, "dram"))))

    assert 45.0 * found["seconds-per-request"].value == pytest.approx(found["joules-per-request"].value, rel=0.01)


def test_tokens_are_shared_among_where_the_system_writes() -> None:
    """Each of the eight shipped prompts is answered by as many tokens as it has words."""
    found = estimates(run(Writer(), metered(Watts(40.0))))
    (answer,) = Writer().answer([Request(kind=Capability.GENERATE, inputs=_prompts())])
    assert answer.output_tokens is not None
    each = answer.output_tokens / len(_prompts())

    assert found["joules-per-request"].value / each == pytest.approx(found["joules-per-output-token"].value, rel=1e-9)
    assert found["seconds-per-request"].value / each == pytest.approx(found["seconds-per-output-token"].value, rel=1e-9)
    assert found["joules-per-output-token"].value / 2 == pytest.approx(found["joules-per-token"].value, rel=1e-9)
    assert "read and written together" in found["joules-per-token"].design


def _prompts() -> tuple[str, ...]:
    from probandum.resources import dataset

    return tuple((dataset("energy_prompts") / "prompts.txt").read_text("utf-8").split("\n")[:-1])


def test_rows_are_asked_where_the_system_takes_rows() -> None:
    """At most 256 of those under audit, their features alone."""
    notes = Notes()
    seen: list[Request] = []

    class Seeing(Scorer):
        def answer(self, requests: Any) -> list[Response]:
            seen.extend(requests)
            return super().answer(requests)

    probe = make_probe("energy.inference", SHORT)
    measure(probe, Asker(Seeing(), seed=1, subject=credit_world(rows=400), journal=notes, meter=metered(Watts(9.0))))

    assert {256} == {len(request) for request in seen}
    assert {("income", "debt", "years", "female")} == {tuple(request.table) for request in seen}
    assert {0} == {window.requests % 256 for window in notes.windows.values()}


def test_without_a_sensor_every_joule_is_missing_with_the_reason() -> None:
    """Time is measured, nothing is guessed, both controls hold."""
    result = run(KeywordClassifier(), NoMeter("no GPU here", "no RAPL here"))
    found = estimates(result)

    assert None is found["joules-per-request"].value
    assert None is found["watt-hours-per-1000-requests"].value
    assert "no GPU here; no RAPL here" == found["joules-per-request"].why
    assert found["seconds-per-request"].value > 0
    assert {"positive": "held", "negative": "held"} == control_states(result)
    assert {Verdict.NOT_APPLICABLE} == {finding.verdict for finding in judge([result], [])}


def test_a_system_behind_an_address_has_its_time_and_no_joules() -> None:
    """A counter of this machine would count the waiting here: it is not read, and no least length is asked for."""
    seen: list[Request] = []

    class Far(Writer):
        remote = True

        def answer(self, requests: Any) -> list[Response]:
            seen.extend(requests)
            return super().answer(requests)

    result = run(Far(), metered(Watts(40.0)))
    found = estimates(result)

    assert None is found["joules-per-output-token"].value
    assert "the system computes behind an address: what that takes cannot be measured from here" == (
        found["joules-per-request"].why
    )
    assert found["seconds-per-output-token"].value > 0
    assert {("max_new_tokens",)} == {tuple(request.parameters) for request in seen}
    assert {"positive": "held", "negative": "held"} == control_states(result)


def test_a_counter_that_stands_still_says_nothing() -> None:
    """0 joules of real work is a broken sensor."""
    found = estimates(run(KeywordClassifier(), metered(Watts(0.0))))

    assert None is found["joules-per-request"].value
    assert "the counter did not move in a window; ask for longer windows" == found["joules-per-request"].why


def test_a_log_of_decisions_is_not_applicable(tmp_path: Path) -> None:
    """Reading a file is not running the system: no joules, no seconds, and no error either."""
    write_log(tmp_path)
    options = {"path": "log.csv", "decision": "approved", "favourable": 1}
    target = make_target("log", TargetContext(folder=tmp_path), options)
    table = target.table()
    assert table is not None
    result = run(target, metered(Watts(30.0)), Subject(table=table))
    (finding,) = judge([result], [])

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (finding.verdict, finding.sub_reason)
    assert "the system itself was not run" in (finding.why or "")


def test_a_system_that_fails_in_a_window_is_an_error() -> None:
    """Not a cheap answer."""

    class Failing(KeywordClassifier):
        def answer(self, requests: Any) -> list[Response]:
            return [Response(error="out of memory") for _ in requests]

    result = run(Failing(), metered(Watts(30.0)))

    assert "error" == result.status
    assert "out of memory" in (result.why or "")


def test_windows_that_differ_widen_the_interval() -> None:
    """Student's interval on the logarithm, by hand: three windows of 1, 2 and 4 joules."""
    from probandum import stats

    interval = stats.log_mean_interval([1.0, 2.0, 4.0])
    half = 4.302652729911275 * np.log(2) / np.sqrt(3)

    assert (2.0, 2.0 * np.exp(-half), 2.0 * np.exp(half)) == pytest.approx(
        (interval.value, interval.low, interval.high)
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"repeats": 1}, DataError, "expected at least 2 repeats"),
        ({"seconds": 0.0}, DataError, "more than 0 seconds"),
        ({"tokens": 0}, DataError, "at least 1 token"),
        ({"precision": 0.0}, DataError, "a relative half-width above 0"),
        ({"most": 1}, DataError, "at least 2 windows"),
        ({"warm_up": -1}, DataError, "no negative warm_up"),
        ({"texts": "nowhere.txt"}, DataError, "no file"),
        ({"seconds": "long"}, UsageError, "suites.energy.inference.seconds: expected a number or nothing, got 'long'"),
    ],
)
def test_options_that_make_no_reading_are_refused(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Before anything is run."""
    with pytest.raises(error) as caught:
        make_probe("energy.inference", options)

    assert isinstance(caught.value, UsageError)
    assert message in "; ".join(caught.value.lines())


@pytest.mark.parametrize(("data", "message"), [(b"\n \n", "no text in it"), (b"\xff\xfe\x00", "not UTF-8 text")])
def test_a_file_of_texts_that_holds_none_is_the_probes_error(tmp_path: Path, data: bytes, message: str) -> None:
    """The message names the file."""
    (tmp_path / "texts.txt").write_bytes(data)
    probe = make_probe("energy.inference", {**SHORT, "texts": "texts.txt"}, folder=tmp_path)
    result = measure(probe, Asker(KeywordClassifier(), seed=1, journal=Notes()))

    assert "error" == result.status
    assert f"texts.txt: {message}" in (result.why or "")


def test_net_joules_are_those_beyond_rest() -> None:
    """A part of 20 W that takes 3 J more for every round: three joules, shared among the prompts of a round."""
    target = Slow()
    rounds: list[int] = []

    class Told(Slow):
        def answer(self, requests: Any) -> list[Response]:
            """As slow, and counted."""
            rounds.append(1)
            return super().answer(requests)

    found = estimates(run(Told(), metered(Working(20.0, 3.0, rounds))))
    resting = estimates(run(target, metered(Watts(20.0))))

    assert 3.0 / len(_prompts()) == pytest.approx(found["net-joules-per-request"].value, rel=0.02)
    assert "net of idle power" in found["net-joules-per-request"].design
    assert found["joules-per-request"].value > found["net-joules-per-request"].value
    assert resting["joules-per-request"].value > 2 * (resting["net-joules-per-request"].value or 0.0)


def test_a_system_that_has_no_memory_left_is_an_error_that_says_what_to_do() -> None:
    """The remedy stands in the finding, where it is read."""

    class Full(KeywordClassifier):
        def answer(self, requests: Any) -> list[Response]:
            """Nothing."""
            raise TargetError("too little memory for a pack of 8 inputs", remedy="lower execution.batch_tokens")

    result = run(Full(), NoMeter())

    assert ("error", "too little memory for a pack of 8 inputs; lower execution.batch_tokens") == (
        result.status,
        result.why,
    )


def test_the_spread_of_a_pilot_fixes_how_many_windows_are_metered() -> None:
    """A steady part takes one more than the pilot; a part that swings takes as many as are allowed."""

    class Swinging(Watts):
        def read(self) -> float:
            """Joules that jump from one reading to the next."""
            self.watts *= 1.5
            return super().read()

    few = estimates(run(Slow(), metered(Watts(20.0)), repeats=3, precision=0.95, most=8))
    many = estimates(run(Slow(), metered(Swinging(20.0)), repeats=3, precision=0.02, most=8))

    assert (4, 8) == (few["joules-per-request"].n, many["joules-per-request"].n)


class Rounds(Slow):
    """Notes every round, of which each takes as long as the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[object] = []

    def answer(self, requests: Any) -> list[Response]:
        """As slow, and noted."""
        self.noted.append(len(requests))
        return super().answer(requests)


class Saturating(Working):
    """A counter that misses all but the first two rounds between two readings."""

    counted, seen = 0, 0

    def read(self) -> float:
        """Joules of the rounds that it did not miss."""
        self.counted += min(len(self.rounds) - self.seen, 2)
        self.seen = len(self.rounds)
        return Watts.read(self) + self.joules * self.counted


def test_known_work_is_metered_in_every_audit_with_a_sensor() -> None:
    """Twice the work takes twice the net joules, and rest takes idle power: the numbers stand in the controls."""
    target = Rounds()
    result = run(target, metered(Working(20.0, 3.0, target.noted)))
    positive, negative = (outcome.detail for outcome in result.controls)

    assert {"positive": "held", "negative": "held"} == control_states(result)
    assert "twice the work: 2.000 times the net joules (2.000 to 2.000)" in positive
    assert "rest: +0.00 % of idle power" in negative.replace("-0.00", "+0.00")


def test_a_meter_that_misses_work_fails_its_control_and_the_probe_is_an_error() -> None:
    """A counter that misses rounds reads twice the work as less than twice."""
    target = Rounds()
    result = run(target, metered(Saturating(20.0, 3.0, target.noted)))

    assert "failed" == control_states(result)["positive"]
    assert {Verdict.ERROR} == {finding.verdict for finding in judge([result], [])}


def test_a_machine_that_is_not_at_rest_tells_no_idle_power() -> None:
    """Where every other window at rest takes a fifth more, what is subtracted is no idle power."""

    class Uneasy(Watts):
        """One window of 20 W, one of 24 W."""

        reads, since, gone = 0, 0.0, 0.0

        def read(self) -> float:
            """Joules of windows by turns; each window is read at both ends."""
            self.reads += 1
            if self.reads % 2 == 0:
                assert self.clock is not None
                self.gone += (24.0 if self.reads % 4 == 0 else 20.0) * (self.clock.last - self.since)
            elif self.clock is not None:
                self.since = self.clock.last
            return self.gone

    result = run(Slow(), metered(Uneasy(20.0)))

    assert "failed" == control_states(result)["negative"]
    assert any("% of idle power" in outcome.detail for outcome in result.controls)


def test_windows_are_ten_seconds_where_joules_are_read_and_shorter_where_none_are() -> None:
    """So that one step of a counter is 1 % of them, and an audit without a meter takes no longer."""
    probe: Any = make_probe("energy.inference", {})
    told: Any = make_probe("energy.inference", {"seconds": 0.5})
    bare, there = (
        Asker(KeywordClassifier(), seed=1, meter=meter).for_probe("energy.inference")
        for meter in (NoMeter(), metered(Watts(9.0)))
    )

    assert (3.0, 10.0) == (probe.least(bare), probe.least(there))
    assert (0.5, 0.5) == (told.least(bare), told.least(there))


def test_whole_answers_end_where_the_system_ends_them() -> None:
    """Of fixed work a least length is asked for, of whole answers none."""
    asker = Asker(Writer(), seed=1).for_probe("energy.inference")
    fixed: Any = make_probe("energy.inference", {"tokens": 8})
    whole: Any = make_probe("energy.inference", {"tokens": 8, "whole": True})

    assert [{"max_new_tokens": 8, "min_new_tokens": 8}] == [dict(each.parameters) for each in fixed.work(asker)]
    assert [{"max_new_tokens": 8}] == [dict(each.parameters) for each in whole.work(asker)]
