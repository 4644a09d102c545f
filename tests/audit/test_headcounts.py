"""An audit with a group of seven persons, and a reader who subtracts and enumerates all that it publishes of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from probandum import api, stats
from probandum.finding import Estimate, Finding, Groups
from probandum.headcounts import Figure
from probandum.withholding import FEWEST, told, withheld, withheld_figures
from probandum_probes.bias import additive

PLAN = """\
version: 1
system: {name: Loan desk, version: "1.0", purpose: Decides on loans}
target: {type: log, path: log.csv, decision: approved, favourable: 1, label: repaid}
groups:
  sex: {column: sex, reference: male}
  region: {column: region, reference: alpha}
suites:
  bias.group-rates: {}
  bias.intersections: {}
  bias.ll144: {}
  bias.triage: {}
"""
SEXES, REGIONS = ("female", "male"), ("alpha", "beta")
GROUPS = ("sex", "region")
Cells = tuple[tuple[int, int], ...]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Finding]:
    """Of a real audit: in zulu there is one woman, refused, and of six men one is favoured."""
    folder = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(2)
    rows = [("female", "zulu", 0), *(("male", "zulu", int(each == 0)) for each in range(6))]
    for _ in range(593):
        sex, region = str(rng.choice(SEXES)), str(rng.choice(REGIONS))
        rows.append((sex, region, int(rng.random() < (0.5 if sex == "female" else 0.6))))
    lines = [f"{sex},{region},{yes},{int(rng.random() < 0.7)}" for sex, region, yes in rows]
    (folder / "log.csv").write_text("\n".join(["sex,region,approved,repaid", *lines]) + "\n", "utf-8")
    (folder / "audit.yaml").write_text(PLAN, "utf-8")
    return api.audit(folder / "audit.yaml", out=folder / "run", documents=False).findings


def subtracted(shown: Sequence[Finding]) -> Iterator[tuple[int, str]]:
    """By how many a group's persons outside one slice are more than those inside another of that column."""
    inside: dict[tuple[str, str], int] = {}
    outside: dict[tuple[str, str], int] = {}
    for each in shown:
        if "slice" in each.facets and each.groups is not None and each.estimate.counts is not None:
            found = outside if each.metric.endswith("difference-outside") else inside
            for group, (_, n) in zip((each.groups.group, each.groups.reference), each.estimate.counts, strict=True):
                found[str(group), each.facets["slice"]] = n
    for (group, name), n in outside.items():
        for (other, within), part in inside.items():
            if group == other and name.split()[0] == within.split()[0] and name != within:
                yield n - part, f"{group} outside {name}, inside {within}"


def consistent(findings: Sequence[Finding], shown: Sequence[Finding]) -> set[Cells]:
    """Every table of the persons in zulu, by sex, that agrees with all that is shown of the crossing.

    Margins and the cells of beta are given to the reader, and that fewer than ten persons are in either cell.
    """
    counts = {
        str(each.groups): each.estimate.counts[0]
        for each in findings
        if each.metric.endswith("/selection-rate") and each.estimate.counts is not None
    }
    crossing = {each.id: each.estimate.value for each in shown if each.probe == "bias.intersections"}
    widest = crossing.get("bias.intersections/differential-fairness?crossing=sex*region")
    shrunk = [crossing.get(f"bias.intersections/shrunk-selection-rate?sex*region={sex}*beta") for sex in SEXES]
    cells = [(x, n) for n in range(1, FEWEST) for x in range(n + 1)]
    found: set[Cells] = set()
    for zulu in itertools.product(cells, repeat=2):
        table = []
        for sex, (x, n) in zip(SEXES, zulu, strict=True):
            (all_x, all_n), (beta_x, beta_n) = counts[f"sex={sex}"], counts[f"sex*region={sex}*beta"]
            table += [(all_x - beta_x - x, all_n - beta_n - n), (beta_x, beta_n), (x, n)]
        events, trials = zip(*table, strict=True)
        if widest is not None and abs(stats.differential_fairness(events, trials) - widest) > 1e-9:
            continue
        if any(each is not None for each in shrunk):
            rates = additive.shrunk(events, trials, [(sex, region) for sex in (0, 1) for region in range(3)]).rates
            if any(
                each is not None and abs(rates[place] - each) > 1e-9 for place, each in zip((1, 4), shrunk, strict=True)
            ):
                continue
        found.add(zulu)
    return found


def test_slices_of_an_attribute_leave_no_small_group(findings: Sequence[Finding]) -> None:
    """Outside one region less inside the other are those of the third: nobody can subtract fewer than ten."""
    shown = told(findings, GROUPS)

    assert [n for n, _ in subtracted(findings) if n < FEWEST]  # the record itself tells
    assert [] == [words for n, words in subtracted(shown) if n < FEWEST]


def test_what_all_groups_enter_leaves_every_small_table_open(findings: Sequence[Finding]) -> None:
    """One number over all crossed groups, or one shrunk rate, would single out the seven among all there could be."""
    everything = consistent(findings, findings)
    shown = consistent(findings, told(findings, GROUPS))

    assert {((0, 1), (1, 6))} == everything
    assert sum(n for n in range(2, FEWEST + 1)) ** 2 == len(shown)


def test_the_half_of_the_rows_gives_no_group_away(findings: Sequence[Finding]) -> None:
    """Men and women are all of a half; the two large regions are not, and their sizes there leave the third's."""
    shown = told(findings, GROUPS)
    told_of = {
        (each.groups.attribute, each.metric.rpartition("/")[2])
        for each in shown
        if each.groups and "slice" in each.facets and each.estimate.value is not None
    }

    assert ("region", "slice-p") not in told_of
    assert ("region", "difference-outside") not in told_of


def figure(metric: str, n: int, groups: Groups | None = None, **facets: str) -> Figure:
    """Half of so many persons."""
    estimate = Estimate(value=0.5, low=0.4, high=0.6, n=n, unit="share", method="exact")
    return Figure(f"{metric}?{groups}&{facets}", metric, groups, facets, estimate)


def rate(group: str, n: int, **facets: str) -> Figure:
    """Of one sex."""
    return figure("bias.group-rates/selection-rate", n, Groups(attribute="sex", group=group), **facets)


def withheld_of(figures: Sequence[Figure], attributes: Iterable[str] = ("sex",)) -> set[str]:
    """The quantities that are withheld."""
    by_id = {each.id: each.quantity for each in figures}
    return {by_id[name] for name in withheld_figures(figures, attributes)}


@pytest.mark.parametrize(("stated", "hidden"), [(696, True), (700, False), (690, False)])
def test_how_many_state_no_group_is_told_of_ten_persons_and_more(stated: int, hidden: bool) -> None:
    """The persons of one test of all groups less those of another are the few who state none."""
    figures = [
        rate("F", 300),
        figure("bias.calibration/overall-auc", 700),
        figure("bias.calibration/calibration-in-the-large", 300, Groups(attribute="sex", group="F")),
        figure("bias.calibration/recalibration-p-value", stated, compared="sex"),
    ]

    assert hidden == ("recalibration-p-value" in withheld_of(figures))


@pytest.mark.parametrize(("both", "hidden"), [(696, True), (700, False), (650, False)])
def test_two_groups_together_leave_no_few_others(both: int, hidden: bool) -> None:
    """A p-value of two groups says how many both are, and all rows less these are the others."""
    pair = Groups(attribute="sex", group="F", reference="M")
    figures = [figure("bias.group-rates/overall", 700), figure("bias.group-rates/selection-p-value", both, pair)]

    assert hidden == ("selection-p-value" in withheld_of(figures))


def test_a_bin_is_not_what_the_other_bins_leave_of_a_group() -> None:
    """With 4 of 120 in one bin another one goes too, and, since bins are of known size, both of the other group."""
    sizes = {"F": (4, 26, 90), "M": (56, 34, 90)}
    figures = [
        *(rate(group, sum(bins)) for group, bins in sizes.items()),
        *(
            figure("bias.calibration/observed-rate", n, Groups(attribute="sex", group=group), bin=str(number))
            for group, bins in sizes.items()
            for number, n in enumerate(bins)
        ),
    ]
    words = withheld_figures(figures, ("sex",))

    assert {(f"sex={group}", bin) for group in "FM" for bin in "01"} == {
        (str(each.groups), each.facets["bin"]) for each in figures if each.id in words
    }


@pytest.mark.parametrize(("smallest", "hidden"), [(6, True), (60, False)])
def test_a_column_that_is_an_attribute_tells_of_its_groups(smallest: int, hidden: bool) -> None:
    """How sex goes with the column that regions are read from is worked out from the persons of every region."""
    regions = [
        figure("bias.group-rates/selection-rate", n, Groups(attribute="region", group=name))
        for name, n in {"alpha": 300, "beta": 300, "zulu": smallest}.items()
    ]
    pair = Groups(attribute="sex", group="F", reference="M")
    figures = [
        *regions,
        figure("bias.proxies/cramers-v", 600 + smallest, pair, feature="place"),
        figure("bias.proxies/feature-auc", 600 + smallest, pair, feature="income"),
    ]
    hushed = withheld_of(figures, {"sex": {"column": "sex"}, "region": {"column": "place"}})

    assert hidden == ("cramers-v" in hushed)
    assert "feature-auc" not in hushed


def test_what_all_groups_enter_is_shown_where_none_is_small(findings: Sequence[Finding]) -> None:
    """Without the seven nothing is withheld of an ordinary audit."""
    sizes = {"female*alpha": 140, "female*beta": 150, "male*alpha": 160, "male*beta": 170}
    crossed = [
        figure(f"bias.intersections/{name}", n, Groups(attribute="sex*region", group=group))
        for group, n in sizes.items()
        for name in ("selection-rate", "shrunk-selection-rate")
    ]
    every = figure("bias.intersections/differential-fairness", sum(sizes.values()), crossing="sex*region")

    assert set() == withheld_of([*crossed, every], GROUPS)
    assert {"differential-fairness", "shrunk-selection-rate"} <= {
        each.metric.rpartition("/")[2] for each in findings if each.id in withheld(findings, GROUPS)
    }
