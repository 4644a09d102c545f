"""Trade-offs of variants: what takes more and errs more is dominated; a difference within its error says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import entered
from probandum import api, running
from probandum.energy import CounterMeter
from probandum.errors import RecordError
from probandum.record import Record
from records import write_sklearn_plan
from sensors import Watts

SUITES = "bias.group-rates: {}, energy.inference: {repeats: 4, seconds: 0.05}"
QUALITY = "bias.group-rates/tpr?sex=M"


def variant(folder: Path, watts: float, monkeypatch: pytest.MonkeyPatch, *, threshold: float = 0.5) -> Record:
    """A scorer that decides at this threshold on a machine that draws so much."""
    meter = CounterMeter("test", [Watts(watts)], {"cpu": "none", "dram": "none"})
    monkeypatch.setattr(running, "make_meter", lambda settings, place: meter)
    plan = write_sklearn_plan(folder, suites=SUITES)
    text = plan.read_text("utf-8").replace("threshold: 0.5", f"threshold: {threshold}")
    plan.write_text(text, "utf-8")
    return api.audit(plan, out=folder / "run", documents=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """The system; the same at a tenth of the power; one that takes ten times as much and misses many."""
    folder = tmp_path_factory.mktemp("variants")
    with pytest.MonkeyPatch.context() as patched:
        return [
            variant(folder / "a", 50.0, patched),
            variant(folder / "b", 5.0, patched),
            variant(folder / "c", 500.0, patched, threshold=0.9),
        ]


def test_what_takes_more_and_errs_more_is_dominated(runs: list[Record]) -> None:
    """By both others; these differ in energy alone, where neither is worse in quality."""
    found = api.trade_offs(runs, cost="energy.inference/joules-per-request", quality=QUALITY)
    names = [each.run for each in found.variants]
    same, worse = found.variants[1].beside, found.variants[2].beside

    assert [(), (), (names[0], names[1])] == [each.dominated for each in found.variants]
    assert names[:2] == [each.run for each in found.front]
    assert same is not None and worse is not None
    assert (same.cost.high or 0.0) < -0.5
    assert 0.0 == same.quality.value
    assert (worse.quality.high or 0.0) < 0.0
    assert (worse.cost.low or 0.0) > 1.0


def test_the_better_of_an_error_is_the_lower_one(runs: list[Record]) -> None:
    """A rate of false alarms that falls is a gain: what takes more is then not dominated."""
    quality = "bias.group-rates/fpr?sex=M"
    found = api.trade_offs(runs, cost="energy.inference/joules-per-request", quality=quality, higher=False)

    assert () == found.variants[2].dominated


def test_the_command_says_the_front_and_what_moved(runs: list[Record], tmp_path: Path) -> None:
    """In lines for a person."""
    folders = [each.folder for each in runs]
    told = entered(tmp_path, "tradeoffs", *folders, "--quality", QUALITY)

    assert 0 == told.code, told.err
    assert "the first: not dominated" in told.out
    assert "dominated by" in told.out
    assert "differences between groups moved beyond chance" in told.out
    assert told.out.splitlines()[-1].startswith("front    ")


def test_a_figure_that_nobody_measured_is_refused(runs: list[Record], tmp_path: Path) -> None:
    """With the nearest name, and with 4, since the record lacks it; one record is no comparison."""
    with pytest.raises(RecordError, match=r"does not measure bias\.group-rates/tpr"):
        api.trade_offs(runs, cost="energy.inference/joules-per-request", quality="bias.group-rates/tpr?sex=X")
    alone = entered(tmp_path, "tradeoffs", runs[0].folder, "--quality", QUALITY)

    assert 2 == alone.code
    assert "one record was given" in alone.err
