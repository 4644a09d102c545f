"""What explanations rest on: shares against noise and flips, the exact decomposition of a gap, and contradictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from explained_probes import found, held, value
from fakes import FEATURES, Scorer, credit_world, measured, run_probe
from paths import ROOT
from probandum import api
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import DataError, UsageError
from probandum.evidence import Capability, Floats, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import ProbeResult, make_probe
from probandum.subject import Decision, Subject
from probandum_probes.bias.counting import decisions
from probandum_probes.explain import explaining
from probandum_probes.explain.explainers.permutation import Permutation
from probandum_probes.explain.explaining import Explanation, explainer
from probandum_probes.explain.reliance.controls import known_weights, noise_column
from probandum_probes.explain.reliance.noise import noise_masses, noise_share
from probandum_probes.explain.reliance.reliance import Reliance
from probandum_probes.explain.worlds import World
from proxied import TAKEN, Leaning, proxied, with_columns

OVER_NOISE = Limit(metric="explain.reliance/protected-mass-over-noise", direction="at_most", threshold=0.0)
#: What the leaning scorer weighs, with these gaps.
WEIGHTS = {"income": 0.9, "debt": -0.8, "years": 0.5, "female": -0.7, "stand_in": -1.2}
LEANING = Leaning(direct=0.7, through=1.2)


def judged(result: ProbeResult, limit: Limit = OVER_NOISE) -> tuple[Verdict, SubReason | None]:
    """What the judge says of the one quantity that the limit is on."""
    (finding,) = [
        each
        for each in judge([result], [limit])
        if each.metric == limit.metric and limit.groups.items() <= dict(each.facets).items()
    ]
    return finding.verdict, finding.sub_reason


def closed_form(subject: Subject, rows: np.ndarray, background: Table) -> Floats:
    """w (x - mean of x in the background), shape (rows, features)."""
    return np.column_stack(
        [weight * (subject.table[name][rows] - background[name].mean()) for name, weight in WEIGHTS.items()]
    )


@contextmanager
def manipulated(change: Callable[[Floats, tuple[str, ...]], Floats]) -> Iterator[str]:
    """An explainer that says something else than its Shapley values, and claims that it adds up."""
    before = dict(explaining._EXPLAINERS.classes)

    @explainer("test.manipulated", explains=Capability.PREDICT)
    class Manipulated(Permutation):
        """Shapley values, changed."""

        by_default = False

        def explain(self, world: World, *, seed: int) -> list[Explanation]:
            """The true ones, changed."""
            return [
                replace(each, attributions=change(each.attributions.copy(), instance.features))
                for each, instance in zip(super().explain(world, seed=seed), world.instances, strict=True)
            ]

    try:
        yield "test.manipulated"
    finally:
        explaining._EXPLAINERS.classes.clear()
        explaining._EXPLAINERS.classes.update(before)


def hiding(phi: Floats, features: tuple[str, ...], *, left: float = 0.0) -> Floats:
    """What the attribute does is said of the income, all but a part of it; of other systems the truth is said."""
    if "female" in features:
        own, other = features.index("female"), features.index("income")
        phi[other] += (1.0 - left) * phi[own]
        phi[own] *= left
    return phi


@pytest.mark.parametrize("name", ["shap.permutation", "shap.exact", "shap.kernel", "shap.linear"])
def test_a_linear_scorer_is_explained_in_closed_form(name: str) -> None:
    """phi = w (x - mean x) of one class in every row, whatever was decided on it, by every explainer that fits."""
    subject = proxied(800)
    probe = Reliance(explainer=name, inputs=30, background=25)
    ask = Asker(LEANING, seed=1, subject=subject).for_probe("explain.reliance")
    _, answer = decisions(ask)
    known = probe.explained(ask, answer, TAKEN)
    scores = np.log(answer.values[:, 1] / answer.values[:, 0])[known.rows]

    assert tuple(WEIGHTS) == TAKEN
    assert 25 == len(known.background)
    assert scores.min() < 0 < scores.max()
    assert closed_form(subject, known.rows, known.background) == pytest.approx(known.phi, abs=1e-6)
    assert scores == pytest.approx(known.scores, abs=1e-9)
    assert scores == pytest.approx(known.bases + known.phi.sum(axis=1), abs=1e-6)
    assert 0.0 == pytest.approx(np.ptp(known.bases), abs=1e-9)


@pytest.mark.parametrize("favourable", ["1", "0"])
def test_contributions_add_up_to_the_gap(favourable: str) -> None:
    """Each adds its weight times the difference of its means; towards the other decision all change their sign."""
    subject = replace(proxied(800), decision=Decision(favourable=favourable, positive="1", threshold=0.5))
    result = run_probe(Reliance(), LEANING, subject)
    ask = Asker(LEANING, seed=1, subject=subject).for_probe("explain.reliance")
    _, answer = decisions(ask)
    known = Reliance().explained(ask, answer, TAKEN)
    women, men = (known.places(subject.groupings["sex"], side, 150) for side in (0, 1))
    sign = 1.0 if favourable == "1" else -1.0
    expected = {
        name: sign * weight * float(subject.table[name][women].mean() - subject.table[name][men].mean())
        for name, weight in WEIGHTS.items()
    }
    contributions = {name: value(result, "feature-contribution", feature=name) for name in TAKEN}

    assert expected == pytest.approx(contributions, abs=1e-6)
    assert sum(expected.values()) == pytest.approx(value(result, "score-gap"), abs=1e-6)
    assert value(result, "additivity-error") < 1e-9
    assert [True, True] == held(result)


def test_a_planted_proxy_is_found_where_its_flip_test_is_clean() -> None:
    """Nothing rests on the attribute and no decision flips; the gap runs through the stand-in, which is called one."""
    result = run_probe(Reliance(), Leaning(through=2.0), proxied(2000))
    contributions = {name: value(result, "feature-contribution", feature=name) for name in TAKEN}
    stand_in = found(result, "feature-contribution", feature="stand_in").estimate

    assert 0.0 == value(result, "attribute-flip-rate") == value(result, "protected-mass-share")
    assert (Verdict.PASS, None) == judged(result)
    assert "stand_in" == max(contributions, key=lambda name: abs(contributions[name]))
    assert str(stand_in.design).startswith("a proxy: alone it has an AUC of 0.6 and more")
    assert stand_in.high is not None and stand_in.high < -1.0
    assert 0.3 < value(result, "proxy-mass-share") < 0.45


def test_shares_are_ratios_of_means() -> None:
    """Of a linear scorer the share is what its closed form says, and items make it up."""
    subject = proxied(800)
    result = run_probe(Reliance(), LEANING, subject)
    ask = Asker(LEANING, seed=1, subject=subject).for_probe("explain.reliance")
    _, answer = decisions(ask)
    known = Reliance().explained(ask, answer, TAKEN)
    codes = subject.groupings["sex"].codes
    sizes = np.abs(closed_form(subject, known.rows, known.background))
    sides = [codes[known.rows] == side for side in (0, 1)]
    means = sum(float((codes == side).mean()) * sizes[rows].mean(axis=0) for side, rows in enumerate(sides))
    share = means / np.sum(means)
    over = measured(result, "protected-mass-over-noise")

    assert share[3] == pytest.approx(value(result, "protected-mass-share"))
    assert share[4] == pytest.approx(value(result, "proxy-mass-share"))
    assert over.estimate.value == pytest.approx(share[3] - value(result, "noise-mass-share"))
    assert over.items is not None
    assert over.estimate.value == pytest.approx(value_of(over.items))


def test_reliance_on_the_attribute_fails() -> None:
    """Well above what noise reaches, with flips beside it."""
    result = run_probe(Reliance(), Leaning(direct=1.0), proxied(2000))

    assert (Verdict.FAIL, None) == judged(result)
    assert 0.1 < value(result, "attribute-flip-rate")


def test_explanations_that_hide_a_used_attribute_are_an_error() -> None:
    """Nothing is said of the attribute, yet decisions flip with it: whatever the limit says, and without any."""
    with manipulated(hiding) as name:
        result = run_probe(Reliance(explainer=name), Leaning(direct=1.0), proxied(800))
    over = measured(result, "protected-mass-over-noise")

    assert 0.0 == value(result, "protected-mass-share")
    assert value(result, "additivity-error") < 1e-9
    assert (Verdict.ERROR, SubReason.EXPLANATION_CONTRADICTION) == judged(result)
    assert (Verdict.ERROR, SubReason.EXPLANATION_CONTRADICTION) == (over.verdict, over.sub_reason)
    assert "explanations give female 0 of log-odds, yet changing it moves them by 1 and flips " in str(over.why)
    assert Verdict.ERROR in {finding.verdict for finding in judge([result], [])}


def test_explanations_that_leave_a_trace_of_it_are_an_error_too() -> None:
    """A thousandth of what the attribute does is as good as nothing; a tenth of it is said, and is no contradiction."""
    seen = {}
    for part in (0.001, 0.1):
        with manipulated(partial(hiding, left=part)) as name:
            seen[part] = judged(run_probe(Reliance(explainer=name), Leaning(direct=1.0), proxied(800)))

    assert (Verdict.ERROR, SubReason.EXPLANATION_CONTRADICTION) == seen[0.001]
    assert Verdict.ERROR is not seen[0.1][0]


def test_hiding_what_is_not_there_is_no_contradiction() -> None:
    """Where no decision flips an explanation that says nothing of the attribute is right."""
    with manipulated(hiding) as name:
        result = run_probe(Reliance(explainer=name), Leaning(through=1.0), proxied(800))

    assert (Verdict.PASS, None) == judged(result)


def test_attributions_that_do_not_add_up_are_an_error() -> None:
    """They are no decomposition of the gap, and the error says by how much they miss it."""
    with manipulated(lambda phi, features: phi * 0.5) as name:
        result = run_probe(Reliance(explainer=name), LEANING, proxied(800))
    missed = measured(result, "additivity-error")

    assert abs(value(result, "score-gap")) / 2 == pytest.approx(missed.estimate.value)
    assert (Verdict.ERROR, SubReason.EXPLANATION_CONTRADICTION) == (missed.verdict, missed.sub_reason)


def test_a_small_share_does_not_pass_where_decisions_flip() -> None:
    """The fewer rows there are the more noise reaches: below it nothing is shown while three in a hundred flip."""
    result = run_probe(Reliance(), Leaning(direct=0.25), proxied(400))
    over = measured(result, "protected-mass-over-noise")

    assert over.estimate.high is not None and over.estimate.high < 0
    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == judged(result)
    assert "the share lies below what noise reaches with 400 rows, yet changing the attribute flips " in str(over.why)


def test_few_explained_rows_allow_no_verdict() -> None:
    """A hundred of both groups are under the 200 that a verdict needs, for shares and contributions alike."""
    result = run_probe(Reliance(inputs=50), LEANING, proxied(800))
    limit = Limit(
        metric="explain.reliance/feature-contribution", direction="band", threshold=0.1, groups={"feature": "stand_in"}
    )

    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == judged(result) == judged(result, limit)
    assert (
        "100 rows of both groups were explained; a verdict needs 200"
        == measured(result, "protected-mass-over-noise").why
    )


def test_contributions_are_judged_where_selection_differs() -> None:
    """A limit on one feature FAILS where it carries a gap; where selection is alike there is nothing to judge."""
    limit = Limit(
        metric="explain.reliance/feature-contribution", direction="band", threshold=0.1, groups={"feature": "stand_in"}
    )
    unequal, alike = (run_probe(Reliance(), Leaning(through=each), proxied(6000)) for each in (2.0, 0.0))
    items = found(unequal, "feature-contribution", feature="stand_in").items

    assert (Verdict.FAIL, None) == judged(unequal, limit)
    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == judged(alike, limit)
    assert items is not None
    assert value(unequal, "feature-contribution", feature="stand_in") == pytest.approx(value_of(items))


def test_noise_reaches_what_a_weight_learnt_from_it_reaches() -> None:
    """A column of zeros and ones beside even odds: the weight errs by 4 / sqrt(n), and half of it is mean |phi|."""
    subject = credit_world(1600)
    balanced = with_columns(subject, {"female": np.arange(1600) % 2 * 1.0})
    ask = Asker(Scorer(), seed=1, subject=balanced).for_probe("explain.reliance")
    masses = noise_masses(ask, ("female",), np.full(1600, 0.5))

    assert 0.05 * np.sqrt(2 / np.pi) == pytest.approx(masses.mean(), rel=0.15)
    assert 0.05 * 1.96 == pytest.approx(np.quantile(masses, 0.95), rel=0.15)
    assert 0.0 == noise_share(np.zeros(199), 1.0)
    assert noise_share(masses, 1.0) == pytest.approx(np.quantile(masses, 0.95, method="higher") / (1 + 0.098), rel=0.05)


def test_noise_of_a_text_has_a_weight_for_every_value() -> None:
    """The more values a column has the more is learnt from noise in it; from certain outcomes nothing is."""
    rows = np.arange(1600)
    texts = {f"of {count}": np.array([f"v{each % count}" for each in rows]) for count in (2, 8)}
    subject = with_columns(credit_world(1600), {"female": rows % 2 * 1.0, **texts})
    ask = Asker(Scorer(), seed=1, subject=subject).for_probe("explain.reliance")
    even = np.full(1600, 0.5)
    number, two, eight, certain = (
        noise_masses(ask, (name,), p).mean()
        for name, p in (
            ("female", even),
            ("of 2", even),
            ("of 8", even),
            ("of 8", np.asarray(rows % 2, dtype=np.float64)),
        )
    )

    assert number == pytest.approx(two, rel=0.15)
    assert 2 * two < eight
    assert 0.0 == certain


def test_controls_hold_and_see_an_explainer_that_says_something_of_noise() -> None:
    """A column that is never seen gets nothing; an explainer that gives each feature the same breaks both controls."""
    subject = credit_world(600)
    with manipulated(lambda phi, features: np.full(len(phi), phi.sum() / len(phi))) as name:
        probe = make_probe("explain.reliance", {"explainer": name})
        ask = Asker(Scorer(gap=1.0), seed=1, subject=subject).for_probe("explain.reliance")
        broken = [control(probe, ask)[0] for control in (noise_column, known_weights)]
        result = run_probe(probe, Scorer(gap=1.0), subject)

    assert [False, False] == broken
    assert {Verdict.ERROR} == {finding.verdict for finding in judge([result], [OVER_NOISE])}


def test_where_no_feature_carries_the_attribute_only_the_gap_is_said() -> None:
    """No attribution can rest on it, and other features may stand in for it."""
    subject = replace(proxied(800), features=("income", "debt", "years", "stand_in"))

    class Blind(Leaning):
        """The same scorer without the attribute."""

        def _scored(self, rows: Table) -> object:  # type: ignore[override]
            return super()._scored(Table({**rows.columns, "female": np.zeros(len(rows))}))

    result = run_probe(Reliance(), Blind(through=1.2), subject)

    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == judged(result)
    assert {"proxy-mass-share", "score-gap"} <= {each.metric for each in result.measures}
    assert not {"protected-mass-share", "attribute-flip-rate"} & {each.metric for each in result.measures}


def test_the_plan_may_say_what_carries_an_attribute() -> None:
    """The stand-in, named as a carrier, counts as the attribute itself, and is flipped with it."""
    named = {"sex": ("female", "stand_in")}
    result = run_probe(Reliance(columns=named), Leaning(through=1.2), proxied(800))

    assert (Verdict.FAIL, None) == judged(result)
    assert 0.1 < value(result, "attribute-flip-rate")
    assert 0.0 == value(result, "proxy-mass-share")


def test_recorded_decisions_and_small_groups() -> None:
    """Nobody can ask how changed rows would have been scored; 29 rows of a group allow no figure of it."""
    subject = with_columns(credit_world(600), {"decided": np.arange(600) % 2 * 1.0})
    recorded = run_probe(Reliance(), Scorer(), replace(subject, answers=("decided",)))
    codes = (np.arange(600) >= 29).astype(np.int64)
    few = replace(subject, groupings={"sex": replace(subject.groupings["sex"], codes=codes)})
    small = run_probe(Reliance(), Scorer(), few)

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == judged(recorded)
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == judged(small)
    assert ["women has 29 rows; a verdict needs 30"] == [each.why for each in small.measures]


def test_weights_and_persons_are_honoured() -> None:
    """Each row twice about one person is what each row once is; a group of more weight counts for more."""
    once = proxied(400)
    doubled = np.repeat(np.arange(400), 2)
    grouping = once.groupings["sex"]
    twice = replace(
        once,
        table=Table({**once.table.take(doubled).columns, "who": doubled.astype(np.float64)}),
        groupings={"sex": replace(grouping, codes=grouping.codes[doubled])},
        cluster="who",
    )
    weight = np.where(grouping.codes == 0, 3.0, 1.0)
    weighted = replace(with_columns(once, {"w": weight}), weight="w")
    probe = Reliance(inputs=800)
    first, second, third = (run_probe(probe, LEANING, each) for each in (once, twice, weighted))
    widths = [
        (each.high or 0.0) - (each.low or 0.0)
        for each in (measured(result, "score-gap").estimate for result in (first, second))
    ]

    assert value(first, "score-gap") == pytest.approx(value(second, "score-gap"))
    assert value(first, "attribute-flip-rate") == pytest.approx(value(second, "attribute-flip-rate"))
    assert widths[0] == pytest.approx(widths[1], rel=0.02)
    assert 400 == measured(second, "score-gap").estimate.n
    assert value(first, "score-gap") == pytest.approx(value(third, "score-gap"))
    assert value(first, "protected-mass-share") != pytest.approx(value(third, "protected-mass-share"), rel=1e-6)
    assert [True, True] == held(second) == held(third)


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"inputs": 1}, UsageError, "suites.explain.reliance.inputs: 1; expected at least 2"),
        ({"background": 1}, UsageError, "suites.explain.reliance.background: 1; expected at least 2"),
        ({"explainer": "occlusion"}, UsageError, "suites.explain.reliance.explainer: occlusion does not fit"),
        ({"explainer": "shap.tree"}, UsageError, "suites.explain.reliance.explainer: shap.tree does not fit"),
        ({"columns": {"sex": "female"}}, DataError, "suites.explain.reliance.columns.sex: 'female'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], error: type[Exception], why: str) -> None:
    """Before anything is asked."""
    with pytest.raises(error, match=why.replace(".", r"\.")):
        Reliance(**options)  # type: ignore[arg-type]


def test_columns_must_be_features_of_declared_attributes() -> None:
    """As of bias.attribute-flip."""
    result = run_probe(Reliance(columns={"sex": ("title",)}), Scorer(), credit_world(600))

    assert ("error", True) == (result.status, "'title' is no feature of the model" in str(result.why))
    assert FEATURES[0] in str(result.why)


def test_german_credit_end_to_end(tmp_path: Path) -> None:
    """Four fifths of the gap between age groups run through age, on which a twentieth of the attribution rests.

    That is no more than noise would reach with 500 rows, and every tenth decision flips with age: no verdict. The model
    is a scorecard, so that another explainer says the same; the report draws the contributions.
    """
    folder = ROOT / "examples" / "credit"
    plan = yaml.safe_load((folder / "audit.yaml").read_text("utf-8"))
    plan["target"]["path"], plan["data"]["path"] = str(folder / "model.skops"), str(folder / "heldout.csv")
    plan["suites"] = {"explain.reliance": {}}
    plan["limits"] = [
        {"metric": OVER_NOISE.metric, "at_most": 0.0, "source": "convention", "reason": "No more than noise"}
    ]
    del plan["tiers"], plan["energy"]
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(plan), "utf-8")
    record = api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=True)
    said = {each.metric.rpartition("/")[2]: each for each in record.findings if not each.facets}
    added = {each.facets["feature"]: each.estimate for each in record.findings if each.facets}
    values = {name: each.estimate.value or 0.0 for name, each in said.items()}
    over = said["protected-mass-over-noise"]

    assert -0.372 == pytest.approx(values["score-gap"], abs=0.005)
    assert 0.80 == pytest.approx((added["age"].value or 0.0) / values["score-gap"], abs=0.01)
    assert values["score-gap"] == pytest.approx(sum(each.value or 0.0 for each in added.values()), abs=1e-9)
    assert "carries age itself" in str(added["age"].design)
    assert {"credit_history", "employment_duration", "housing"} == {
        name for name, each in added.items() if str(each.design).startswith("a proxy")
    }
    assert 0.0 == pytest.approx(values["additivity-error"], abs=1e-9)
    assert 0.048 == pytest.approx(values["protected-mass-share"], abs=0.003)
    assert 0.112 == pytest.approx(values["attribute-flip-rate"])
    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == (over.verdict, over.sub_reason)
    assert {"positive": "held", "negative": "held"} == over.controls
    pages = "".join(page.read_text("utf-8") for page in (tmp_path / "run" / "reports").glob("*.html"))
    assert "Most of the difference in scores runs through age (carries age itself)" in pages
