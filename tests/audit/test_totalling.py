"""What a whole audit took: the sum of what was read, with its grade, its range, and what was left out."""

from __future__ import annotations

import pytest

from probandum.evidence import Reading
from probandum.siting import GridIntensity, Site
from probandum.totalling import AuditEnergy, Span, total

GRID = GridIntensity(low=200.0, mid=300.0, high=450.0, year=2024, source="the operator")


def read(joules: float | None, *, grade: str = "B", gpu: float | None = None, why: str = "no counter") -> Reading:
    """A reading of the processor, and of the GPU where it has one."""
    missing = {} if joules is not None else {"cpu": why}
    return Reading(cpu_joules=joules, gpu_joules=gpu, why=missing, seconds=2.0, meter="RAPL", grade=grade)


def test_probes_add_up_and_those_that_were_not_read_are_named() -> None:
    """1.8 and 5.4 MJ are two kWh; what came from a cache is left out and said to be."""
    found = total({"a": read(1.8e6), "b": read(5.4e6), "c": read(None, why="from a cache")}, Site())

    assert found.kwh == Span(low=2.0 / 1.05, mid=2.0, high=2.0 * 1.05)
    assert (2, 3, ("c: from a cache",)) == (found.of, found.probes, found.left_out)
    assert found.grams is None
    assert "energy.country" in (found.why_no_grams or "")
    assert "metered by RAPL, probe by probe" in found.how


def test_grams_are_those_of_the_least_the_middle_and_the_most_of_every_factor() -> None:
    """One kWh between 200 and 450 g, and a PUE of 1.1 to 1.6 where none is declared."""
    found = total({"a": read(3.6e6)}, Site(grid=GRID))

    assert found.grams is not None
    assert [200 * 1.1 / 1.05, 300 * 1.3, 450 * 1.6 * 1.05] == pytest.approx(
        [found.grams.low, found.grams.mid, found.grams.high]
    )
    assert "of 2024 (the operator)" in found.how
    assert "PUE 1.1 to 1.6, a convention" in found.how


@pytest.mark.parametrize(("sampled", "grade", "off"), [(0.2e6, "B", 1.05), (1.8e6, "C", 1.35)])
def test_the_grade_is_the_worst_of_any_probe_above_a_tenth(sampled: float, grade: str, off: float) -> None:
    """And the range is that of the grade."""
    found = total({"a": read(3.4e6), "b": read(sampled, grade="C")}, Site())

    assert found.kwh is not None
    assert grade == found.grade
    assert off == pytest.approx(found.kwh.high / found.kwh.mid)


def test_a_second_opinion_speaks_where_no_meter_read_anything_and_nowhere_else() -> None:
    """As an estimate of a factor of two; beside a counter it is compared, and not added."""
    opinion = Reading(cpu_joules=7.2e6, gpu_joules=1.03e6, seconds=9.0, meter="codecarbon 3.3.2", grade="D")
    alone = total({"a": read(None), "audit": opinion}, Site())
    beside = total({"a": read(3.0e6, gpu=1.0e6), "audit": opinion}, Site())

    assert alone.kwh is not None and beside.kwh is not None
    assert [8.23 / 3.6 / 2, 8.23 / 3.6, 8.23 / 3.6 * 2] == pytest.approx([alone.kwh.low, alone.kwh.mid, alone.kwh.high])
    assert ("D", 0, True) == (alone.grade, alone.of, alone.how.startswith("estimated by codecarbon 3.3.2"))
    assert 4.0 / 3.6 == pytest.approx(beside.kwh.mid)
    assert "the probes 1e+06 J: 3.0 % apart" in beside.notes[0]


def test_what_nobody_read_has_its_reasons_and_no_number() -> None:
    """Nothing is 0."""
    found = total(
        {"a": read(None), "b": read(None, why="no GPU"), "audit": read(None, why="no country")}, Site(grid=GRID)
    )

    assert (None, None) == (found.kwh, found.grams)
    assert "no counter; no GPU; no country" == found.why == found.why_no_grams
    assert AuditEnergy(why="nothing was metered", why_no_grams="nothing was metered") == total({}, Site())
