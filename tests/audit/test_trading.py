"""Trade-offs of variants: what takes more and errs more is dominated; a difference within its error says nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from browsing import Page
from commands import entered
from probandum import api, energy, running
from probandum.crowding import Crowd
from probandum.energy import CounterMeter, Sensor
from probandum.errors import RecordError, UsageError
from probandum.export.trade_offs import conclusion, lines
from probandum.finding import Estimate
from probandum.record import Record
from probandum.sampled_power import SampledPower
from probandum.trading import trade_offs
from records import write_sklearn_plan
from sensors import Others, Watts

COST = "energy.inference/joules-per-request"
SECONDS = "energy.inference/seconds-per-request"
QUALITY = "bias.group-rates/tpr?sex=M"
GAP = "bias.group-rates/tpr-difference?sex=F~M"
SUITES = "bias.group-rates: {}, energy.inference: {repeats: 4, seconds: 0.02, precision: null}"
#: What a plan says of energy in a test: no rest, and no warming up.
QUICK = "{codecarbon: false, idle_seconds: 0, warm_up_seconds: 0}"


def variant(
    folder: Path,
    sensor: Sensor | None,
    *,
    threshold: float = 0.5,
    suites: str = SUITES,
    crowd: Crowd | None = None,
) -> Record:
    """A scorer that decides at this threshold on a machine with this sensor."""
    plan = write_sklearn_plan(folder, suites=suites)
    text = plan.read_text("utf-8").replace("threshold: 0.5", f"threshold: {threshold}")
    plan.write_text(text.replace("{codecarbon: false}", QUICK), "utf-8")
    with pytest.MonkeyPatch.context() as patched:
        if sensor is not None:
            meter = CounterMeter("test", [sensor], {"cpu": "none", "dram": "none"}, crowd=crowd)
            patched.setattr(running, "make_meter", lambda settings, place: meter)
        return api.audit(plan, out=folder / "run", documents=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """The system; the same at a thousandth of the power; one that takes a thousand times as much and misses many.

    So far apart that no other process of a busy machine brings them together.
    """
    folder = tmp_path_factory.mktemp("variants")
    return [
        variant(folder / "a", Watts(50.0)),
        variant(folder / "b", Watts(0.05)),
        variant(folder / "c", Watts(50_000.0), threshold=0.9),
    ]


def test_what_takes_more_and_errs_more_is_dominated(runs: list[Record]) -> None:
    """By both others; these differ in energy alone, where neither is worse in quality."""
    found = api.trade_offs(runs, cost=COST, quality=QUALITY)
    first, same, worse = found.variants

    assert [(), (), (first.name, same.name)] == [each.dominated for each in found.variants]
    assert [first, same] == [*found.front]
    assert {"B"} == {each.grade for each in found.variants}
    assert same.beside is not None and worse.beside is not None
    assert (same.beside.cost.high or 0.0) < -0.5
    assert 0.0 == same.beside.quality.value
    assert (worse.beside.quality.high or 0.0) < 0.0
    assert (worse.beside.cost.low or 0.0) > 1.0


def test_the_gaps_of_every_variant_stand_beside(runs: list[Record]) -> None:
    """With their intervals, and paired against the first; one that decides alike has the same."""
    found = api.trade_offs(runs, cost=COST, quality=QUALITY)
    gap = next(each for each in found.gaps if each.of == GAP)

    assert all(each.value is not None and each.low is not None for each in gap.values)
    assert gap.values[0].value == gap.values[1].value != gap.values[2].value
    assert not gap.moved(0) and not gap.moved(1)
    assert gap.changes[1] is not None and 0.0 == gap.changes[1].estimate.value
    assert not any("fpr?" in each.of or each.of == QUALITY for each in found.gaps)


def test_the_better_of_an_error_is_the_lower_one(runs: list[Record]) -> None:
    """A rate of false alarms that falls is a gain: what takes more is then not dominated."""
    found = api.trade_offs(runs, cost=COST, quality="bias.group-rates/fpr?sex=M", higher=False)

    assert () == found.variants[2].dominated
    assert None is found.variants[0].per_good


def test_energy_a_good_answer_is_energy_over_the_share_of_them(runs: list[Record]) -> None:
    """Its interval is wider than either."""
    first = api.trade_offs(runs, cost=COST, quality=QUALITY).variants[0]

    assert first.per_good is not None and first.cost.value is not None and first.quality.value is not None
    assert first.cost.value / first.quality.value == first.per_good.value
    assert (first.cost.high or 0) / first.cost.value < (first.per_good.high or 0) / (first.per_good.value or 1)


def test_the_command_says_the_front_and_what_moved(runs: list[Record], tmp_path: Path) -> None:
    """In lines for a person; with --html the page is written, too."""
    page = tmp_path / "page.html"
    told = entered(tmp_path, "tradeoffs", *(each.folder for each in runs), "--quality", QUALITY, "--html", page)

    assert 0 == told.code, told.err
    assert "the first, not dominated" in told.out
    assert "dominated by" in told.out
    assert "differences between groups moved beyond chance" in told.out
    assert "joule, grade B" in told.out
    front, written = told.out.splitlines()[-2:]
    assert front.startswith("front    ")
    assert str(page) == written
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")


def refused(*words: object, folder: Path) -> str:
    """What the command says where it ends with an error, which is one line."""
    told = entered(folder, "tradeoffs", *words)

    assert told.code in (2, 4)
    assert told.err.startswith("error: ")
    assert 1 == len(told.err.splitlines())
    return told.err


def test_what_are_no_variants_is_refused(runs: list[Record], tmp_path: Path) -> None:
    """One record alone, one twice, also by another path; a quantity against itself."""
    first, second = runs[0].folder, runs[1].folder
    (tmp_path / "link").symlink_to(first)

    assert "one record was given" in refused(first, "--quality", QUALITY, folder=tmp_path)
    assert "the same record as" in refused(first, second, tmp_path / "link", "--quality", QUALITY, folder=tmp_path)
    assert "it is the cost and the quality" in refused(first, second, "--quality", COST, folder=tmp_path)
    with pytest.raises(UsageError, match="one record was given"):
        trade_offs([], cost=COST, quality=QUALITY)
    assert "lies inside the record" in refused(
        first, second, "--quality", QUALITY, "--html", second / "page.html", folder=tmp_path
    )
    assert not (second / "page.html").exists()
    assert "nosuch" in refused(first, "nosuch", "--quality", QUALITY, folder=tmp_path)


def test_a_figure_that_nobody_measured_is_refused(runs: list[Record], tmp_path: Path) -> None:
    """With the nearest name, and with 4, since the record lacks it; one without a value with its reason."""
    with pytest.raises(RecordError, match=r"does not measure bias\.group-rates/tpr.*did you mean"):
        api.trade_offs(runs, cost=COST, quality="bias.group-rates/tpr?sex=X")
    unmetered = variant(tmp_path / "d", None)
    told = refused(runs[0].folder, unmetered.folder, "--quality", QUALITY, folder=tmp_path)

    assert f"{COST} has no value: no GPU sensor" in told
    assert f"--cost {SECONDS}" in told


def test_records_of_other_data_are_refused(runs: list[Record], tmp_path: Path) -> None:
    """Their items do not recur; nor do those of a suite with other options."""
    plan = write_sklearn_plan(tmp_path / "e", suites=SUITES)
    rows = plan.with_name("rows.csv")
    head, *lines_ = rows.read_text("utf-8").splitlines()
    rows.write_text("\n".join([head, *lines_[150:]]) + "\n", "utf-8")
    other = api.audit(plan, out=tmp_path / "e/run", documents=False)

    with pytest.raises(RecordError, match=r"cannot be compared with .* recur") as caught:
        api.trade_offs([runs[0], other], cost=SECONDS, quality=QUALITY)
    assert caught.value.remedy is not None and "asked the same" in caught.value.remedy


def test_sampled_energy_dominates_nothing(runs: list[Record], tmp_path: Path) -> None:
    """Of grade C: shown with its grade, compared with nothing, however much worse it is."""
    watts: Callable[[], float] = lambda: 5000.0  # noqa: E731
    coarse = variant(tmp_path / "f", SampledPower(watts=watts, covers="gpu of the test"), threshold=0.9)
    found = api.trade_offs([runs[0], coarse], cost=COST, quality=QUALITY)
    first, second = found.variants
    told = "\n".join(lines(found))

    assert ("C", ()) == (second.grade, second.dominated)
    assert ((second.name,), (first.name,)) == (first.uncompared, second.uncompared)
    assert second.beside is not None and second.beside.cost.value is None
    assert f"not compared with {first.name}" in told
    assert "sampled or estimated (grade C or D)" in told
    assert "energy is compared at A and B alone" in told


def test_time_stands_in_where_no_meter_reads(runs: list[Record]) -> None:
    """It has no grade, and is said to be no energy."""
    found = api.trade_offs(runs[:2], cost=SECONDS, quality=QUALITY)

    assert [None, None] == [each.grade for each in found.variants]
    assert [(), ()] == [each.uncompared for each in found.variants]
    assert "in place of energy where no meter reads, and is none" in "\n".join(lines(found))


def test_what_separate_audits_drift_by_dominates_nothing(runs: list[Record]) -> None:
    """1 % more energy is none that counts, however sure, and a loss of quality does not make it so; 5 % does."""
    found = api.trade_offs(runs, cost=COST, quality=QUALITY)
    beside = found.variants[2].beside
    assert beside is not None

    from probandum import trading

    for more, dominated in ((0.01, False), (0.05, True), (-0.05, False)):
        cost = replace(beside.cost, value=more, low=more, high=more, moments=None, method="exact")
        assert dominated is trading._worse(replace(beside, cost=cost), higher=True)
    less = replace(beside.cost, value=-0.05, low=-0.05, high=-0.05, moments=None, method="exact")
    assert not trading._worse(replace(beside, cost=less), higher=True, turned=True)
    assert trading._worse(replace(beside, cost=less), higher=False, turned=True)


def test_variants_that_were_metered_beside_other_work_are_not_compared(runs: list[Record], tmp_path: Path) -> None:
    """What one seems to take more may be what others took meanwhile."""
    crowded = variant(tmp_path, Watts(500.0), crowd=Others(taking=0.4))
    first, second = api.trade_offs([runs[0], crowded], cost=COST, quality=QUALITY).variants

    assert ((second.name,), (first.name,)) == (first.uncompared, second.uncompared)
    assert second.beside is not None
    assert "other processes took 40 % of the processor time" in (second.beside.cost.why or "")


def test_a_wall_meter_of_known_power_tells_variants_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of 40 W and of 400 W: joules are seconds times watts, of grade A, and the second takes more."""
    monkeypatch.setattr(energy, "Crowd", Others)
    found = []
    for name, watts in (("lean", 40.0), ("hungry", 400.0)):
        folder = tmp_path / name
        plan = write_sklearn_plan(folder, suites=SUITES)
        now = time.time()
        rows = "".join(f"{now + step:.1f},{watts}\n" for step in range(-60, 600, 5))
        (folder / "wall.csv").write_text(f"time,watts\n{rows}", "utf-8")
        text = plan.read_text("utf-8").replace("{codecarbon: false}", f"{QUICK[:-1]}, log: wall.csv}}")
        plan.write_text(text, "utf-8")
        found.append(api.audit(plan, out=tmp_path / f"run-{name}", documents=False))
    told = api.trade_offs(found, cost=COST, quality=QUALITY)
    lean, hungry = told.variants

    assert ["run-lean", "run-hungry"] == [lean.name, hungry.name]
    assert {"A"} == {lean.grade, hungry.grade}
    for each, record, watts in zip(told.variants, found, (40.0, 400.0), strict=True):
        seconds = next(each.estimate for each in record.findings if each.id == SECONDS)
        assert pytest.approx(watts * (seconds.value or 0.0)) == each.cost.value
    assert hungry.beside is not None and (hungry.beside.cost.low or 0.0) > 1.0
    assert "No variant is shown to take more than another and to be worse: run-lean, run-hungry." == conclusion(told)


def test_a_page_holds_every_figure_and_withholds_small_groups(runs: list[Record], tmp_path: Path) -> None:
    """One picture in two widths with words for it, twin tables; a gap that would show few persons has none."""
    found = api.trade_offs(runs, cost=COST, quality=QUALITY)
    (path,) = api.write_trade_offs(found, html=tmp_path / "page.html")
    page, again = Page(path.read_bytes()), tmp_path / "again.html"
    api.write_trade_offs(found, html=again)

    assert path.read_bytes() == again.read_bytes()
    pictures = page.all("svg", role="img")
    assert 2 == len([each for each in pictures if "with intervals both ways" in each.attributes.get("aria-label", "")])
    for gap in found.gaps:
        assert gap.of in page.text
    assert "dominated by" in page.text
    small = replace(found, withheld={GAP: "fewer than 10 persons, not shown"})
    api.write_trade_offs(small, html=again)
    assert "none: fewer than 10 persons, not shown" in Page(again.read_bytes()).text
    with pytest.raises(UsageError, match="fewer than 10 persons"):
        api.write_trade_offs(replace(found, withheld={QUALITY: "fewer than 10 persons, not shown"}), html=again)


def test_an_estimate_without_an_interval_is_told_by_its_reason(runs: list[Record]) -> None:
    """Never as a number."""
    from probandum.export.trade_offs import figure, signed

    missing = Estimate.missing("nobody asked", unit="share")
    assert ["none: nobody asked"] * 2 == [figure(missing), signed(missing)]
