from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dossiers import HELD, make_dossier
from probandum import stats
from probandum.comparison import Change, Comparison, Named
from probandum.dossier import Dossier
from probandum.finding import Estimate, Groups
from probandum.probe import Measure, ProbeResult
from probandum.withholding import FEWEST, WITHHELD, WITHHELD_TOO, published, told
from probandum.withholding import withheld as withheld_of


def rates(sizes: Sequence[int], *, attribute: str = "nationality", metric: str = "selection-rate") -> list[Measure]:
    """One rate a group g0, g1, ..., half of each favourable, and each pair with g0."""
    made = [
        Measure(
            metric=metric,
            groups=Groups(attribute=attribute, group=f"g{index}"),
            estimate=_estimate("wilson", ((size // 2, size),)),
        )
        for index, size in enumerate(sizes)
    ]
    made += [
        Measure(
            metric=metric.replace("rate", "difference"),
            groups=Groups(attribute=attribute, group=f"g{index}", reference="g0"),
            estimate=_estimate("newcombe", ((size // 2, size), (sizes[0] // 2, sizes[0]))),
        )
        for index, size in enumerate(sizes)
        if index
    ]
    return made


def _estimate(method: str, counts: tuple[tuple[int, int], ...]) -> Estimate:
    found = stats.bounds(method, level=0.95, counts=counts)
    return Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        n=sum(n for _, n in counts),
        unit="share",
        method=method,
        counts=counts,
    )


def dossier_of(measures: Sequence[Measure]) -> Dossier:
    """A dossier of one probe that measured these."""
    result = ProbeResult(
        probe="bias.group-rates", version=1, status="measured", measures=tuple(measures), controls=HELD
    )
    return make_dossier(results=[result])


def small_cells(measures: Sequence[Measure]) -> Mapping[str, str]:
    """What stands in place of what is withheld, by finding id."""
    dossier = dossier_of(measures)
    return withheld_of(dossier.findings, dossier.plan["ask"]["groups"])


def withheld(measures: Sequence[Measure]) -> set[str]:
    """What follows the question mark of the withheld ids."""
    return {name.partition("?")[2] for name in small_cells(measures)}


def test_a_small_cell_takes_the_next_smallest_with_it() -> None:
    """One hole in a table whose total is known is no hole."""
    assert withheld(rates([400, 6, 40])) == {
        "nationality=g1",
        "nationality=g2",
        "nationality=g1~g0",
        "nationality=g2~g0",
    }


def test_a_large_cell_is_withheld_for_another_reason_than_a_small_one() -> None:
    """Only a comparison with a small group is marked as about fewer than ten persons."""
    hidden = small_cells(rates([400, 6, 40]))

    assert WITHHELD == hidden["bias.group-rates/selection-rate?nationality=g1"]
    assert WITHHELD == hidden["bias.group-rates/selection-difference?nationality=g1~g0"]
    assert WITHHELD_TOO == hidden["bias.group-rates/selection-rate?nationality=g2"]
    assert WITHHELD_TOO == hidden["bias.group-rates/selection-difference?nationality=g2~g0"]


def test_a_rate_over_enough_persons_is_not_said_to_be_about_few() -> None:
    """Ten negatives are withheld for the eight positives beside them, and the reason says so; the positives are few."""
    hidden = small_cells(rates([400, 8, 40], metric="tpr") + rates([900, 10, 90], metric="fpr"))

    assert WITHHELD == hidden["bias.group-rates/tpr?nationality=g1"]
    assert WITHHELD_TOO == hidden["bias.group-rates/fpr?nationality=g1"]


def test_numbers_over_both_outcomes_go_with_the_smaller_one() -> None:
    """Equalized odds, costs and tests of equal rates would give a small group's rates away."""
    exact = replace(_estimate("wilson", ((1, 440),)), method="exact", counts=None)
    names = ("equalized-odds-difference", "equalized-odds-ratio", "cost-difference", "selection-p-value", "tpr-ratio")
    pair = Groups(attribute="nationality", group="g1", reference="g0")
    beside = [Measure(metric=name, groups=pair, estimate=exact, mode="disclosure") for name in names]
    hidden = small_cells(rates([400, 8, 40], metric="tpr") + rates([900, 9, 90]) + beside)

    assert {f"bias.group-rates/{name}?nationality=g1~g0" for name in names} <= set(hidden)


def test_two_small_cells_need_no_third() -> None:
    """Two cells of under ten hide each other."""
    assert withheld(rates([400, 6, 40, 7])) == {
        "nationality=g1",
        "nationality=g3",
        "nationality=g1~g0",
        "nationality=g3~g0",
    }


def test_nothing_is_withheld_from_large_groups() -> None:
    """Ten persons are enough to be shown."""
    assert withheld(rates([400, FEWEST, 40])) == set()


def test_groups_of_prompts_are_not_persons() -> None:
    """An attribute that the plan does not declare for the rows is no group of persons."""
    assert withheld(rates([20, 5], attribute="names")) == set()


def test_an_intersection_is_of_persons_where_both_attributes_are() -> None:
    """Crossed attributes are withheld like plain ones."""
    assert "age*nationality=g1" in withheld(rates([400, 6, 40], attribute="age*nationality"))


def test_error_rates_over_one_outcome_hide_those_over_the_other() -> None:
    """With few positives the rate over the negatives goes too: their sum and the rows would give it away."""
    both = rates([400, 6, 40], metric="tpr") + rates([500, 60, 70], metric="fpr")
    singles = [each for each in both if each.groups is not None and each.groups.reference is None]

    assert "bias.group-rates/fpr?nationality=g1" in small_cells(singles)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=60), min_size=2, max_size=6))
def test_no_shown_figure_is_about_fewer_than_ten(sizes: list[int]) -> None:
    """Whatever the sizes, every finding with a small group is withheld, and a table has no hole alone."""
    dossier = dossier_of(rates(sizes))
    hidden = small_cells(rates(sizes))
    single_holes = [
        finding.id
        for finding in dossier.findings
        if finding.groups is not None and finding.groups.reference is None and finding.id in hidden
    ]
    for finding in dossier.findings:
        counts = finding.estimate.counts or ()

        assert finding.id in hidden or all(n >= FEWEST for _, n in counts)

    assert len(single_holes) != 1


def test_a_change_is_withheld_where_its_quantity_is() -> None:
    """What changed in a small group, or in the one that would give it away, tells as much as the rate itself."""
    small, sizes = rates([200, 4, 30, 200]), [200, 4, 30, 200]
    changes = [
        Measure(
            metric="selection-rate/change",
            groups=Groups(attribute="nationality", group=f"g{index}"),
            facets={"baseline": "merged"},
            estimate=_estimate("mcnemar-tango", ((1, 0), (size, size))),
        )
        for index, size in enumerate(sizes)
    ]
    gaps = [
        Measure(
            metric="selection-difference/change",
            groups=Groups(attribute="nationality", group=f"g{index}", reference="g0"),
            facets={"baseline": "merged"},
            estimate=_estimate("paired-gap", ((1, 0), (size, size), (1, 0), (200, 200))),
        )
        for index, size in enumerate(sizes)
        if index
    ]
    alone = withheld([*changes, *gaps])

    assert withheld(small) == {name.removesuffix("&baseline=merged") for name in withheld([*small, *changes, *gaps])}
    assert {"nationality=g1&baseline=merged", "nationality=g2&baseline=merged"} <= alone
    assert {"nationality=g0&baseline=merged", "nationality=g3&baseline=merged"}.isdisjoint(alone)


def test_a_comparison_withholds_the_same_cells() -> None:
    """Markdown and the page of a comparison name the quantity and say why it has no number: no rate, n or change."""
    who = Named(statement="sha256:ab", run="0123abcd", started="2026-11-25", system="A", version="1", identity="cd")
    changes = tuple(
        Change(
            probe="bias.group-rates",
            metric="selection-rate",
            groups=Groups(attribute="nationality", group=f"g{index}"),
            base=0.5,
            new=0.6,
            estimate=_estimate("mcnemar-tango", ((1, 0), (size, size))),
        )
        for index, size in enumerate([200, 4, 30, 200])
    )
    comparison = Comparison(name="baseline", base=who, new=who, differences=(), changes=changes)
    shown = published(replace(comparison, attributes=("nationality",))).changes

    assert changes == published(comparison).changes  # words of a text are no persons
    assert ["nationality=g1", "nationality=g2"] == [
        each.of.partition("?")[2] for each in shown if each.estimate.value is None
    ]
    assert {(None, None, 0)} == {(each.base, each.new, each.estimate.n) for each in shown[1:3]}
    assert [changes[0], changes[3]] == [shown[0], shown[3]]


def test_a_finding_is_told_without_its_figures() -> None:
    """Verdict, id and declared limit stay; value, n, reason, bounds and what a verdict would need go."""
    findings = dossier_of(rates([400, 6, 40])).findings
    shown = told(findings, ["nationality"])
    small = next(each for each in shown if each.id.endswith("nationality=g1"))

    assert [each.id for each in findings] == [each.id for each in shown]
    assert findings == told(findings, [])  # words of a text are no persons
    assert (None, 0, WITHHELD) == (small.estimate.value, small.estimate.n, small.why)
    assert (None, None, ()) == (small.n_needed, small.detectable, small.evidence)
