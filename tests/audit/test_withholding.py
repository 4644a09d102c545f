from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import assume, example, given, settings
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


#: Persons of each group that several attributes cross, by their names.
Table = Mapping[tuple[str, ...], int]

#: COMPAS, scores of two years, all 7,214 persons.
COMPAS: Table = {
    ("African-American", "Female"): 652,
    ("African-American", "Male"): 3044,
    ("Asian", "Female"): 2,
    ("Asian", "Male"): 30,
    ("Caucasian", "Female"): 567,
    ("Caucasian", "Male"): 1887,
    ("Hispanic", "Female"): 103,
    ("Hispanic", "Male"): 534,
    ("Native American", "Female"): 4,
    ("Native American", "Male"): 14,
    ("Other", "Female"): 67,
    ("Other", "Male"): 310,
}


def crossed(table: Table, attributes: Sequence[str]) -> dict[str, list[Measure]]:
    """Rates of every attribute, and of every crossing, as the two probes measure them, by probe."""
    found: dict[str, list[Measure]] = {"bias.group-rates": [], "bias.intersections": []}
    for order in range(1, len(attributes) + 1):
        for places in itertools.combinations(range(len(attributes)), order):
            sizes: dict[str, int] = {}
            for names, size in table.items():
                group = "*".join(names[place] for place in places)
                sizes[group] = sizes.get(group, 0) + size
            found["bias.group-rates" if order == 1 else "bias.intersections"] += [
                rate("*".join(attributes[place] for place in places), group, size) for group, size in sizes.items()
            ]
    return found


def rate(attribute: str, group: str, size: int, *, metric: str = "selection-rate") -> Measure:
    """The rate of one group, half of it favourable."""
    counts = ((size // 2, size),)
    return Measure(metric=metric, groups=Groups(attribute=attribute, group=group), estimate=_estimate("wilson", counts))


def in_stratum(stratum: str, groups: Mapping[str, int]) -> Measure:
    """A difference within a stratum, of the group that is named first and the one behind it."""
    (group, size), (reference, others) = groups.items()
    return Measure(
        metric="stratum-difference",
        groups=Groups(attribute="race", group=group, reference=reference),
        facets={"stratum": stratum},
        estimate=_estimate("newcombe", ((size // 2, size), (others // 2, others))),
    )


def hidden_of(measured: Mapping[str, Sequence[Measure]], attributes: Iterable[str]) -> Mapping[str, str]:
    """What stands in place of what is withheld, by what follows the question mark."""
    results = [
        ProbeResult(probe=probe, version=1, status="measured", measures=tuple(measures), controls=HELD)
        for probe, measures in measured.items()
        if measures
    ]
    words = withheld_of(make_dossier(results=results).findings, attributes)
    return {name.partition("?")[2]: word for name, word in words.items()}


def members(name: str, table: Table, attributes: Sequence[str]) -> list[int]:
    """For each cell of a table whether the group that an id names holds it."""
    attribute, _, group = name.partition("=")
    wanted = dict(zip(attribute.split("*"), group.split("*"), strict=True))
    return [
        int(all(dict(zip(attributes, names, strict=True))[each] == group for each, group in wanted.items()))
        for names in table
    ]


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


def test_a_comparison_joins_crossings_with_their_margins() -> None:
    """What changed among the men of a race says of its women what the race's own change leaves."""
    who = Named(statement="sha256:ab", run="0123abcd", started="2026-11-25", system="A", version="1", identity="cd")
    changes = tuple(
        Change(
            probe=probe,
            metric=each.metric,
            groups=each.groups,
            base=0.5,
            new=0.6,
            estimate=_estimate("mcnemar-tango", ((1, 0), (each.estimate.n, each.estimate.n))),
        )
        for probe, measures in crossed(COMPAS, ["race", "sex"]).items()
        for each in measures
    )
    shown = published(
        Comparison(name="baseline", base=who, new=who, differences=(), changes=changes, attributes=("race", "sex"))
    ).changes

    assert set(hidden_of(crossed(COMPAS, ["race", "sex"]), ["race", "sex"])) == {
        each.of.partition("?")[2] for each in shown if each.estimate.value is None
    }


def test_a_finding_is_told_without_its_figures() -> None:
    """Verdict, id and declared limit stay; value, n, reason, bounds and what a verdict would need go."""
    findings = dossier_of(rates([400, 6, 40])).findings
    shown = told(findings, ["nationality"])
    small = next(each for each in shown if each.id.endswith("nationality=g1"))

    assert [each.id for each in findings] == [each.id for each in shown]
    assert findings == told(findings, [])  # words of a text are no persons
    assert (None, 0, WITHHELD) == (small.estimate.value, small.estimate.n, small.why)
    assert (None, None, ()) == (small.n_needed, small.detectable, small.evidence)


def test_margins_of_another_probe_do_not_give_a_crossed_cell_away() -> None:
    """Of 32 Asians 30 are men: neither these nor the women are told, nor what their columns would leave of them."""
    hidden = hidden_of(crossed(COMPAS, ["race", "sex"]), ["race", "sex"])

    assert hidden == {
        "race*sex=Asian*Female": WITHHELD,
        "race*sex=Asian*Male": WITHHELD_TOO,
        "race*sex=Native American*Female": WITHHELD,
        "race*sex=Native American*Male": WITHHELD_TOO,
        "race*sex=Other*Female": WITHHELD_TOO,  # the other two women's cells are six persons together
        "race*sex=Other*Male": WITHHELD_TOO,
    }


def test_a_crossing_without_its_margins_hides_what_the_total_would_tell() -> None:
    """Where no other probe tells of each attribute, only the total adds up."""
    alone = {"bias.intersections": crossed(COMPAS, ["race", "sex"])["bias.intersections"]}

    assert {
        "race*sex=Asian*Female",
        "race*sex=Native American*Female",
        "race*sex=Native American*Male",
    } == set(hidden_of(alone, ["race", "sex"]))


def test_cells_that_all_lines_together_give_away_are_found() -> None:
    """Every row and column has two holes, yet two rows less two columns leave the one cell that joins both blocks."""
    small = {("a", "w"), ("a", "x"), ("b", "w"), ("b", "x"), ("c", "y"), ("c", "z"), ("d", "y"), ("d", "z"), ("a", "y")}
    table: Table = {names: 8 if names in small else 50 for names in itertools.product("abcd", "wxyz")}
    hidden = hidden_of(crossed(table, ["race", "sex"]), ["race", "sex"])

    assert len(small) < len(hidden)
    assert_open(table, ["race", "sex"], hidden)


def assert_open(table: Table, attributes: Sequence[str], hidden: Iterable[str]) -> None:
    """No withheld number, nor one of fewer than ten, is a sum or difference of what is shown and of the total."""
    names = [str(each.groups) for measures in crossed(table, attributes).values() for each in measures if each.groups]
    shown = np.array([[1] * len(table), *(members(name, table, attributes) for name in names if name not in hidden)])
    for name in hidden:
        solved = np.vstack([shown, members(name, table, attributes)])

        assert np.linalg.matrix_rank(shown) < np.linalg.matrix_rank(solved), name


def tables(*widths: int) -> st.SearchStrategy[Table]:
    """Tables of so many groups of each attribute; nobody is in some cells."""
    cells = list(itertools.product(*("abcde"[:width] for width in widths)))
    some = st.sampled_from([0, 1, 2, 5, 9, 10, 14, 30, 200])
    return st.lists(some, min_size=len(cells), max_size=len(cells)).map(
        lambda sizes: {names: size for names, size in zip(cells, sizes, strict=True) if size}
    )


@settings(max_examples=60, deadline=None)
@given(st.one_of(tables(2, 2), tables(3, 2), tables(5, 4), tables(3, 2, 2)))
@example(COMPAS)
def test_no_withheld_cell_can_be_solved_from_what_is_shown(table: Table) -> None:
    """Whatever the sizes, sums of two or three attributes leave every withheld number open."""
    assume(sum(table.values()) >= 2 * FEWEST and len(table) > 1)
    attributes = ["race", "sex", "age"][: len(next(iter(table)))]
    measured = crossed(table, attributes)
    hidden = hidden_of(measured, attributes)
    few = {str(each.groups) for measures in measured.values() for each in measures if each.estimate.n < FEWEST}

    assert few <= set(hidden)
    assert_open(table, attributes, hidden)


@settings(max_examples=40, deadline=None)
@given(st.one_of(tables(3, 3), tables(5, 2)))
def test_what_a_shown_margin_leaves_is_no_small_group_either(table: Table) -> None:
    """The withheld cells of a row whose sum is shown are ten persons and more together."""
    assume(sum(table.values()) >= 2 * FEWEST)
    hidden = hidden_of(crossed(table, ["race", "sex"]), ["race", "sex"])
    for place, attribute in enumerate(("race", "sex")):
        for group in {names[place] for names in table}:
            left = [
                size
                for names, size in table.items()
                if names[place] == group and f"race*sex={'*'.join(names)}" in hidden
            ]

            assert f"{attribute}={group}" in hidden or not left or sum(left) >= FEWEST


def test_a_stratum_of_an_attribute_is_its_crossing() -> None:
    """The women of a race are withheld as a crossing and as a stratum, whichever probe tells of them."""
    within = [in_stratum(f"sex {sex}", {"Asian": COMPAS["Asian", sex], "Other": 67}) for sex in ("Female", "Male")]
    hidden = hidden_of({**crossed(COMPAS, ["race", "sex"]), "bias.conditional-parity": within}, ["race", "sex"])

    assert WITHHELD == hidden["race=Asian~Other&stratum=sex Female"]
    assert WITHHELD_TOO == hidden["race=Asian~Other&stratum=sex Male"]


def test_a_stratum_that_is_left_out_is_not_told_by_the_others() -> None:
    """Of 60 persons of a group 24 and 31 are compared: the five of the third stratum would be what these leave."""
    margins = [rate("race", "A", 60), rate("race", "B", 120)]
    within = [in_stratum("debt 1, sex F", {"A": 24, "B": 40}), in_stratum("debt 2, sex F", {"A": 31, "B": 50})]
    crude = Measure(
        metric="crude-difference",
        groups=Groups(attribute="race", group="A", reference="B"),
        estimate=_estimate("newcombe", ((27, 55), (45, 90))),
    )
    hidden = hidden_of({"bias.group-rates": margins, "bias.conditional-parity": [*within, crude]}, ["race"])
    all_compared = [rate("race", "A", 55), margins[1]]
    whole = hidden_of({"bias.group-rates": all_compared, "bias.conditional-parity": [*within, crude]}, ["race"])
    strata = hidden_of({"bias.group-rates": margins, "bias.conditional-parity": within}, ["race"])

    assert {"race=A~B&stratum=debt 1, sex F", "race=A~B"} == set(hidden)
    assert {"race=A~B&stratum=debt 1, sex F"} == set(strata)
    assert {} == whole


def test_strata_that_are_not_compared_leave_other_margins_shown() -> None:
    """Within sex only the men of two races are compared: their crude and adjusted figures are these men's alone."""
    sexes = ("Female", "Male")
    large = [in_stratum(f"sex {sex}", {"Other": COMPAS["Other", sex], "Caucasian": 500}) for sex in sexes]
    small = [in_stratum("sex Male", {"Asian": COMPAS["Asian", "Male"], "Caucasian": 500})]
    over = [
        Measure(
            metric="adjusted-difference",
            groups=strata[0].groups,
            estimate=_estimate(
                "stratified-miettinen-nurminen",
                tuple(pair for each in strata for pair in each.estimate.counts or ()),
            ),
        )
        for strata in (large, small)
    ]
    measured = crossed({**COMPAS, ("Caucasian", "Female"): 500, ("Caucasian", "Male"): 500}, ["race", "sex"])
    rates_alone = set(hidden_of(measured, ["race", "sex"]))
    hidden = set(hidden_of({**measured, "bias.conditional-parity": [*large, *small, *over]}, ["race", "sex"]))

    assert hidden - rates_alone == {
        "race=Asian~Caucasian",
        "race=Asian~Caucasian&stratum=sex Male",
        "race=Other~Caucasian",  # it carries the counts of both strata
        "race=Other~Caucasian&stratum=sex Female",
        "race=Other~Caucasian&stratum=sex Male",
    }


def test_rates_over_outcomes_and_over_decisions_go_together() -> None:
    """Of eight detected persons and the two rates over outcomes the precision of the eight could be worked out."""
    hidden = small_cells(rates([400, 8, 40], metric="ppv") + rates([400, 30, 40], metric="tpr"))

    assert "bias.group-rates/tpr?nationality=g1" in hidden


def test_a_star_in_a_name_hides_no_crossing() -> None:
    """A group's own star is told from the one that crosses, by the groups that each attribute has."""
    table: Table = {("A*B", "F"): 2, ("A*B", "M"): 30, ("C", "F"): 400, ("C", "M"): 400}

    assert {f"race*sex={race}*{sex}" for race, sex in table} == set(
        hidden_of(crossed(table, ["race", "sex"]), ["race", "sex"])
    )
