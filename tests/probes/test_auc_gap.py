"""AUCs by group on real scores, on planted gaps, and on data that forbid a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import LOG, compas
from fakes import BROKEN, Blurred, Constant, Scorer, credit_world, measured, result_of, run_probe
from listed import Listed, listed
from paths import test_data
from probandum import api, stats
from probandum.asking import Asker
from probandum.changing import change_of_items
from probandum.evidence import Capability, Items, Request, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult
from probandum.subject import UNKNOWN, Decision, Subject
from probandum_probes.bias import scored as scored_module
from probandum_probes.bias.auc_gap import AucGap
from probandum_probes.bias.scored import against_labels
from probandum_reports import facts

ALIKE = Limit(metric="bias.auc-gap/auc-difference", direction="band", threshold=0.05)


def parted(groups: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, reference: str | None = None) -> Subject:
    """Groups of ``(scores of positives, scores of negatives)``."""
    sides = {
        town: ([*positives, *negatives], [1] * len(positives) + [0] * len(negatives))
        for town, (positives, negatives) in groups.items()
    }
    return listed(sides, reference=reference)


def spread(low: float, high: float, many: int = 40) -> list[float]:
    """Scores at even distances."""
    return [float(each) for each in np.linspace(low, high, many)]


@pytest.fixture(scope="module")
def published() -> ProbeResult:
    """What the probe says of COMPAS."""
    return run_probe(AucGap(), *compas())


def test_published_areas(published: ProbeResult) -> None:
    """AUC .6918 (SE .0086) and .6931 (SE .0108) within the two largest groups."""
    found = [measured(published, "auc", group).estimate for group in ("African-American", "Caucasian")]

    assert [0.6918, 0.6931] == [round(each.value or 0, 4) for each in found]
    assert [0.0086, 0.0108] == [round(each.moments[1], 4) for each in found if each.moments]


def test_the_published_gap_passes(published: ProbeResult) -> None:
    """A gap of -0.0013 with the 90 % interval from -0.024 to 0.021 lies within 0.05."""
    gap = measured(published, "auc-difference", "African-American", "Caucasian").estimate
    ninety = stats.bounds("delong-difference", level=0.90, moments=gap.moments)
    findings = judge([published], [ALIKE])
    finding = next(each for each in findings if each.id.endswith("auc-difference?race=African-American~Caucasian"))

    assert (-0.0013, -0.024, 0.021) == (round(gap.value or 0, 4), round(ninety.low, 3), round(ninety.high, 3))
    assert (Verdict.PASS, {"positive": "held", "negative": "held"}) == (finding.verdict, finding.controls)


def test_equal_ranking_and_unequal_errors_come_from_one_audit(tmp_path: Path) -> None:
    """Of COMPAS one audit says: false positive rates FAIL, predictive values INCONCLUSIVE, the AUC gap PASSES."""
    plan = tmp_path / "audit.yaml"
    plan.write_text(
        f"""\
version: 1
system: {{name: COMPAS, version: "2014"}}
target: {{type: log, path: {test_data("compas") / LOG}, decision: {{column: decile_score, at_least: 5}}, favourable: 0,
  label: two_year_recid, positive: 1, score: decile_score, id: id, columns: [race]}}
groups: {{race: {{reference: Caucasian}}}}
suites: {{bias.group-rates: {{}}, bias.auc-gap: {{}}}}
limits:
  - {{metric: bias.group-rates/fpr-difference, band: 0.05, set_by: B, set_on: 2026-10-01, reason: R}}
  - {{metric: bias.group-rates/ppv-difference, band: 0.05, set_by: B, set_on: 2026-10-01, reason: R}}
  - {{metric: bias.auc-gap/auc-difference, band: 0.05, set_by: B, set_on: 2026-10-01, reason: R}}
energy: {{codecarbon: false}}
""",
        "utf-8",
    )
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    found = {finding.id: finding for finding in record.findings}
    pair = "race=African-American~Caucasian"
    rates = [
        found[f"bias.group-rates/fpr?race={group}"].estimate.value or 0 for group in ("African-American", "Caucasian")
    ]
    gap = found[f"bias.auc-gap/auc-difference?{pair}"]

    assert ["44.85", "23.45"] == [f"{100 * rate:.2f}" for rate in rates]
    assert Verdict.FAIL is found[f"bias.group-rates/fpr-difference?{pair}"].verdict
    assert Verdict.INCONCLUSIVE is found[f"bias.group-rates/ppv-difference?{pair}"].verdict
    assert (-0.0013, Verdict.PASS) == (round(gap.estimate.value or 0, 4), gap.verdict)
    assert gap.limit is not None
    assert (-0.024, 0.021) == (round(gap.limit.lower or 0, 3), round(gap.limit.upper or 0, 3))


def test_areas_agree_with_scikit_learn(published: ProbeResult) -> None:
    """Within every group and over all rows."""
    from sklearn.metrics import roc_auc_score

    _, subject = compas()
    score, positive, races = subject.table["decile_score"], np.asarray(subject.positive), subject.table["race"]

    assert roc_auc_score(positive, score) == pytest.approx(measured(published, "overall-auc").estimate.value)
    for race in np.unique(races):
        inside = races == race
        expected = roc_auc_score(positive[inside], score[inside])
        assert expected == pytest.approx(measured(published, "auc", str(race)).estimate.value)


def test_areas_by_hand() -> None:
    """Three of four pairs in Ayr, all in Bath; of Ayr's positives against Bath's negatives two and a half of four."""
    subject = parted({"Ayr": ((0.4, 0.2), (0.3, 0.1)), "Bath": ((0.9, 0.8), (0.2, 0.3))}, reference="Bath")
    result = run_probe(AucGap(), Listed(), subject)

    assert (0.75, 1.0) == tuple(measured(result, "auc", town).estimate.value for town in ("Ayr", "Bath"))
    assert -0.25 == measured(result, "auc-difference", "Ayr", "Bath").estimate.value
    assert 0.625 == measured(result, "xauc", "Ayr", "Bath").estimate.value  # 0.4 over both, 0.2 ties with 0.2
    assert 1.0 == measured(result, "xauc", "Bath", "Ayr").estimate.value
    assert -0.375 == measured(result, "xauc-difference", "Ayr", "Bath").estimate.value


def test_a_planted_gap_fails_and_none_passes() -> None:
    """Noise on one group's scores is a gap beyond the band; without it the same rows lie within."""
    limited = [ALIKE]
    noisy = judge([run_probe(AucGap(), Blurred(blur=4.0), credit_world(6000))], limited)
    plain = judge([run_probe(AucGap(), Scorer(), credit_world(6000))], limited)

    assert {Verdict.FAIL} == {each.verdict for each in noisy if each.limit}
    assert {Verdict.PASS} == {each.verdict for each in plain if each.limit}


def test_scores_shifted_by_group_rank_alike_within_and_not_across() -> None:
    """A constant taken from every woman's score leaves the AUC of women as it was, and moves the AUC across groups."""
    world = credit_world(4000)
    before, after = (run_probe(AucGap(), Scorer(gap=gap), world) for gap in (0.0, 1.0))
    same = [measured(each, "auc", "women").estimate.value for each in (before, after)]
    across = [measured(each, "xauc-difference", "women", "men").estimate for each in (before, after)]

    assert same[0] == pytest.approx(same[1])
    assert (across[0].low or 0) < 0 < (across[0].high or 0)
    assert (across[1].high or 0) < -0.1


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds without a gap no more FAIL a band of almost nothing than 5 % allow, at 99 % confidence."""
    loud = 0
    for seed in range(200):
        ask = Asker(Scorer(), seed=1, subject=credit_world(300, seed=seed)).for_probe("bias.auc-gap")
        gaps = [m for m in AucGap().measure(ask) if m.metric == "auc-difference"]
        findings = judge([result_of(*gaps, probe="bias.auc-gap")], [replace(ALIKE, threshold=1e-6)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def test_controls_hold_on_sound_systems() -> None:
    """Over ten worlds both controls hold, with and without a gap."""
    for seed in range(10):
        system = Blurred(blur=3.0 * (seed % 2))
        result = run_probe(AucGap(), system, credit_world(400, seed=seed), seed=seed)

        assert [True, True] == [outcome.held for outcome in result.controls]


class Halved(AucGap):
    """A sabotaged probe: it halves every difference."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            if each.metric == "auc-difference" and each.estimate.moments:
                value, error, df = each.estimate.moments
                halved = replace(each.estimate, value=value / 2, low=-1.0, high=1.0, moments=(value / 2, error, df))
                yield replace(each, estimate=halved)
            else:
                yield each


class Sure(AucGap):
    """A sabotaged probe: it finds every gap a tenth larger than it is, and is far too sure of it."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            if each.metric == "auc-difference" and each.estimate.moments:
                value, error, df = each.estimate.moments
                yield replace(each, estimate=replace(each.estimate, moments=(value + 0.1, error / 50, df)))
            else:
                yield each


@pytest.mark.parametrize(("probe", "kind"), [(Halved, "positive"), (Sure, "negative")])
def test_a_sabotaged_probe_is_an_error(probe: type[AucGap], kind: str) -> None:
    """A probe that says the wrong size, or a gap where none is, fails its control, and all it says is an ERROR."""
    result = run_probe(probe(), Scorer(), credit_world(2000))
    findings = judge([result], [ALIKE])

    assert "failed" == findings[0].controls[kind]
    assert {Verdict.ERROR} == {finding.verdict for finding in findings}


def test_scores_against_the_labels_are_said_first() -> None:
    """They are an ERROR before every figure by group, no gap gets a verdict, and every document warns of it."""
    world = credit_world(1000)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    result = run_probe(AucGap(), Scorer(), turned)
    findings = judge([result], [ALIKE])
    first, gap = findings[0], next(each for each in findings if each.metric == ALIKE.metric)

    assert ("bias.auc-gap/overall-auc", Verdict.ERROR) == (first.metric, first.verdict)
    assert (first.estimate.high or 1) < 0.5
    assert str(first.why).startswith("the scores run against the labels: their AUC is 0.2")
    assert (Verdict.INCONCLUSIVE, SubReason.AGAINST_LABELS) == (gap.verdict, gap.sub_reason)
    assert Verdict.PASS not in {finding.verdict for finding in findings}


def test_documents_warn_of_scores_against_the_labels() -> None:
    """The finding is one of the facts that stand before everything else, once however many probes say it."""
    from dossiers import make_dossier

    world = credit_world(1000)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    said = [fact.value for fact in facts.cautions(make_dossier(results=[run_probe(AucGap(), Scorer(), turned)]))]

    assert 1 == sum(text.startswith("The scores run against the labels: their AUC is") for text in said)


def test_scores_worse_than_chance_by_chance_are_no_error() -> None:
    """An AUC below 0.5 whose interval reaches beyond it says nothing, and is shown."""
    score = np.array([0.1, 0.6, 0.5, 0.9, 0.4, 0.7])
    positive = np.array([True, True, True, False, False, False])
    told = against_labels(score, positive)

    assert told is not None
    assert (told.estimate.value or 1) < 0.5
    assert (None, "disclosure") == (told.verdict, told.mode)


def test_small_groups_are_never_dropped() -> None:
    """Fourteen positives are shown with their AUC, and allow no verdict."""
    small = {"Ayr": (spread(0.4, 0.9, 14), spread(0.1, 0.6)), "Bath": (spread(0.4, 0.9), spread(0.1, 0.6))}
    result = run_probe(AucGap(), Listed(), parted(small, reference="Bath"))
    finding = next(each for each in judge([result], [ALIKE]) if each.metric == ALIKE.metric)

    assert measured(result, "auc", "Ayr").estimate.value is not None
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (finding.verdict, finding.sub_reason)
    assert "Ayr has 14 positives; a verdict needs 15" == finding.why


def test_a_group_of_one_kind_has_no_area() -> None:
    """Neither it nor its comparison has a number, and both say why."""
    result = run_probe(
        AucGap(), Listed(), parted({"Ayr": (spread(0.4, 0.9), ()), "Bath": (spread(0.4, 0.9), spread(0.1, 0.6))})
    )

    assert "Ayr has fewer than two negatives" == measured(result, "auc", "Ayr").estimate.why
    assert "Ayr has no negatives; a verdict needs 15" == measured(result, "auc-difference", "Ayr", "Bath").why
    assert measured(result, "xauc", "Ayr", "Bath").estimate.value is not None


@pytest.mark.parametrize(
    ("positives", "why"), [(0, "fewer than two rows are positive"), (79, "fewer than two rows are negative")]
)
def test_rows_of_one_kind_rank_nothing(positives: int, why: str) -> None:
    """Without two rows of either kind there is no AUC at all."""
    world = parted({"Ayr": (spread(0.1, 0.9), spread(0.1, 0.9)), "Bath": ((), ())})
    outcome = (np.arange(80) < positives).astype(np.float64)
    table = Table({**world.table.columns, "outcome": outcome}) if positives else world.table
    world = replace(world, table=table)
    if not positives:
        world = replace(world, decision=Decision(favourable="1", positive="7", threshold=0.5))
    result = run_probe(AucGap(), _Seven() if not positives else Listed(), world)

    assert why == measured(result, "overall-auc").why


class _Seven(Listed):
    """The same with another name for the positive class, which no row's label bears."""

    labels = ("0", "7")


def test_without_labels_or_scores_there_is_nothing_to_rank() -> None:
    """A limit on the gap is then not applicable with the reason, and never a pass."""
    unlabelled = judge([run_probe(AucGap(), Scorer(), credit_world(labelled=False))], [ALIKE])
    unscored = judge([run_probe(AucGap(), *compas(scored=False))], [ALIKE])

    assert [(Verdict.NOT_APPLICABLE, SubReason.NO_DATA)] * 3 == [(each.verdict, each.sub_reason) for each in unlabelled]
    assert "the plan names no label, so nobody can say whether scores come true" == unlabelled[0].why
    assert "the system's decisions come without scores" == unscored[0].why


def test_no_groups_declared_is_an_error() -> None:
    """Without groups there is nothing to compare."""
    result = run_probe(AucGap(), Scorer(), replace(credit_world(100), groupings={}))

    assert ("error", "the plan declares no groups to compare; add groups: to the plan") == (result.status, result.why)


def test_one_group_alone_is_inconclusive() -> None:
    """An attribute with a single group has nothing to compare, and is not silent about it."""
    result = run_probe(AucGap(), Listed(), parted({"Ayr": (spread(0.4, 0.9), spread(0.1, 0.6))}))

    assert "town has no two groups to compare" == measured(result, "auc-difference").why


def test_rows_that_state_no_group_are_compared_with_nobody() -> None:
    """They are shown with their AUC."""
    towns = {name: (spread(0.4, 0.9), spread(0.1, 0.6)) for name in ("Ayr", "Bath", UNKNOWN)}
    result = run_probe(AucGap(), Listed(), parted(towns))
    pairs = [each.groups for each in result.measures if each.metric == "auc-difference" and each.groups]

    assert measured(result, "auc", UNKNOWN).estimate.value is not None
    assert {("Ayr", "Bath"), ("Bath", "Ayr")} == {(pair.group, pair.reference) for pair in pairs}


def test_a_constant_system_cannot_pass() -> None:
    """One score for everybody ranks nobody."""
    result = run_probe(AucGap(), Constant(Scorer()), credit_world(2000))
    finding = next(each for each in judge([result], [ALIKE]) if each.metric == ALIKE.metric)

    assert (Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE) == (finding.verdict, finding.sub_reason)


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_answers_are_errors(broken: Any) -> None:
    """Refusals, crashes, errors, empty answers and NaN leave an error with its reason, and no number."""
    result = run_probe(AucGap(), broken(Scorer()), credit_world(200))

    assert ("error", ()) == (result.status, result.measures)
    assert result.why


def items_of(result: ProbeResult) -> Items:
    """The rows behind the gap between women and men."""
    found = measured(result, "auc-difference", "women", "men").items
    assert found is not None
    return found


def test_a_change_of_the_gap_is_paired_as_delong_pairs_scores() -> None:
    """Over the same rows the change has the standard error of two scores of the same rows."""
    world = credit_world(1500)
    before, after = Scorer(), Blurred(blur=2.0)
    results = [run_probe(AucGap(), system, world) for system in (before, after)]
    change = change_of_items(*(items_of(each) for each in results), design=None, unit="share")

    scores = [system.answer([_rows(world)])[0].values[:, 1] for system in (before, after)]
    positive, women = np.asarray(world.positive), world.groupings["sex"].codes == 0
    areas = [[stats.area(score, positive & side, ~positive & side) for side in (women, ~women)] for score in scores]
    influence = sum((-1) ** (i + j) * areas[i][j].influence for i in (0, 1) for j in (0, 1))
    expected = float(np.sqrt((influence**2).sum()))

    assert change.value == pytest.approx(areas[1][0].value - areas[1][1].value - areas[0][0].value + areas[0][1].value)
    assert change.moments is not None
    assert expected == pytest.approx(change.moments[1], rel=0.01)


def _rows(world: Subject) -> Request:
    return Request(kind=Capability.PREDICT, inputs=world.table.select(world.features))


def test_rows_of_one_name_are_told_apart() -> None:
    """A person who recurs has items of her own for every row."""
    world = credit_world(60)
    ids = np.array([f"p{index // 2}" for index in range(60)])
    result = run_probe(AucGap(), Scorer(), replace(world, table=Table({**world.table.columns, "id": ids}), row_id="id"))

    assert 60 == len(set(items_of(result).keys))


def test_of_too_many_rows_no_items_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of millions of names would be a copy of the data; a sample keeps them."""
    monkeypatch.setattr(scored_module, "MOST_ITEMS", 1000)
    whole = run_probe(AucGap(), Scorer(), credit_world(600))
    sample = run_probe(AucGap(sample=400), Scorer(), credit_world(600))

    assert measured(whole, "auc-difference").items is None
    assert 400 == len(items_of(sample).keys)


shares = st.lists(st.integers(0, 20), min_size=2, max_size=12)


@given(shares, shares, shares, shares)
def test_any_growing_function_of_the_scores_says_the_same(
    a: list[int], b: list[int], c: list[int], d: list[int]
) -> None:
    """Only the order of scores counts, and the two orders of a pair mirror each other."""
    towns = {"Ayr": (a, b), "Bath": (c, d)}
    plain, bent = (
        parted({town: (_bent(pos, power), _bent(neg, power)) for town, (pos, neg) in towns.items()}) for power in (1, 3)
    )
    one, other = (
        list(AucGap().measure(Asker(Listed(), seed=1, subject=each).for_probe("p"))) for each in (plain, bent)
    )
    gaps = {each.groups: each.estimate.value for each in one if each.metric == "auc-difference"}

    assert [each.estimate for each in one] == [each.estimate for each in other]
    assert 0.0 == pytest.approx(sum(value for value in gaps.values() if value is not None))


def _bent(scores: Sequence[int], power: int) -> list[float]:
    return [(each / 20) ** power / power for each in scores]
