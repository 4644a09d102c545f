"""Weights and persons where rows are flipped, split or fitted: figures of rows where each is a person, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import FEATURES, Pricer, Scorer, credit_world, measured, price_world, run_probe
from listed import Listed, Switched
from probandum.asking import Asker
from probandum.changing import change_of_items, value_of
from probandum.evidence import Capability, Request, Table
from probandum.finding import Estimate, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult
from probandum.stats import bounds
from probandum.subject import Decision, Subject
from probandum_probes.bias.attribute_flip import AttributeFlip
from probandum_probes.bias.halving import first_half, order_of_persons
from probandum_probes.bias.ll144 import LocalLaw144
from probandum_probes.bias.mitigation import Mitigation
from probandum_probes.bias.predicting import FOLDS, Sampled, folds
from probandum_probes.bias.proxies import Proxies
from probandum_probes.bias.ranking_exposure import RankingExposure
from probandum_probes.bias.remedies import copies, stand_in, thresholds
from probandum_probes.bias.removal import only
from probandum_probes.bias.triage import Triage
from proxied import Leaning, proxied

Figures = dict[tuple[str, ...], Estimate]

RATE = Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01)
BOTH = ("weight", "cluster")


def declared(subject: Subject, weights: Any = None, persons: Any = None) -> Subject:
    """The same rows with weights (1 each) and persons (each row one) declared."""
    rows = len(subject)
    names = np.array([f"p{person:06d}" for person in (np.arange(rows) if persons is None else persons)])
    columns = {**subject.table.columns, "w": np.ones(rows) if weights is None else np.asarray(weights), "who": names}
    return replace(subject, table=Table(columns), weight="w", cluster="who")


def flipping(n: int, flips: int, *, weights: Any = None, persons: Any = None) -> Subject:
    """Rows of two groups, of which the first ``flips`` are granted as one of A only."""
    codes = np.arange(n) % 2
    as_b = np.where(np.arange(n) < flips, 0.2, 0.8)
    plain = Subject(
        table=Table({"a": 1.0 - codes, "as_a": np.full(n, 0.8), "as_b": as_b}),
        features=("a", "as_a", "as_b"),
        groupings={"g": replace(credit_world(n).groupings["sex"], attribute="g", codes=codes)},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )
    return declared(plain, weights, persons)


def flips_of(subject: Subject) -> ProbeResult:
    """What is said of these rows."""
    return run_probe(AttributeFlip(), Switched(), subject)


def figures(probe: Any, system: Any, subject: Subject, *metrics: str) -> Figures:
    """Estimates by what they are of, of some metrics or of all, without any control."""
    ask = Asker(system, seed=1, subject=subject).for_probe(probe.spec.id, honours=probe.spec.honours)
    return {
        (each.metric, str(each.groups), *each.facets.values()): each.estimate
        for each in probe.measure(ask)
        if not metrics or each.metric in metrics
    }


#: Probes, the systems that they ask, and rows.
WORLDS: dict[str, tuple[Any, Any, Subject]] = {
    "flips": (AttributeFlip(), Scorer(gap=0.3), credit_world(400)),
    "triage": (Triage(columns=("income", "debt", "years")), Scorer(gap=1.0), credit_world(900)),
    "proxies": (Proxies(inputs=40), Leaning(through=2.0), proxied(800)),
    "mitigation": (Mitigation(), Scorer(gap=1.0), credit_world(800)),
}


@pytest.fixture(scope="module", params=list(WORLDS))
def twins(request: pytest.FixtureRequest) -> tuple[Figures, Figures]:
    """A probe on rows of which nothing is declared, and on the same with weights of 1 and a person a row."""
    if request.param == "mitigation":
        pytest.importorskip("fairlearn")
    probe, system, subject = WORLDS[request.param]
    first, second = (figures(probe, system, each) for each in (subject, declared(subject)))
    return first, second


def test_weights_of_1_and_a_person_a_row_change_no_figure(twins: tuple[Figures, Figures]) -> None:
    """Every value, every n, and every reason is what it is of rows; permutations are drawn otherwise."""
    first, second = twins

    assert list(first) == list(second)
    for place, estimate in first.items():
        if place[0] == "association-p":
            continue
        assert estimate.value == (None if second[place].value is None else pytest.approx(second[place].value)), place
        assert estimate.n == second[place].n, place


def test_their_intervals_are_about_those_of_rows(twins: tuple[Figures, Figures]) -> None:
    """Exact bounds and the excess of a slice are the same; the others, linearised and no scores, within a sixth."""
    first, second = twins
    exact = {"attribute-flip-rate", "slice-excess", "slice-p"}
    for place, estimate in first.items():
        other = second[place]
        if estimate.low is None or estimate.high is None or other.low is None or other.high is None:
            continue
        if place[0] in exact:
            assert (estimate.low, estimate.high) == pytest.approx((other.low, other.high), abs=1e-9), place
        elif estimate.high > estimate.low:
            assert estimate.high - estimate.low == pytest.approx(other.high - other.low, rel=0.17, abs=0.01), place


def test_controls_hold_where_rows_are_weighted_and_persons_recur() -> None:
    """Planted faults are found and null worlds quiet, in all four."""
    for name, (probe, system, subject) in WORLDS.items():
        if name == "mitigation":
            pytest.importorskip("fairlearn")
        rng = np.random.default_rng(5)
        double = only(subject, np.repeat(np.arange(len(subject)), 2))
        world = declared(double, rng.uniform(0.5, 2.0, 2 * len(subject)), np.repeat(np.arange(len(subject)), 2))
        result = run_probe(probe, system, world)

        assert "measured" == result.status, (name, result.why)
        assert {True} == {outcome.held for outcome in result.controls}, (name, result.controls)


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("flips", ("attribute-flip-rate", "attribute-shift", "attribute-logit-shift")),
        ("triage", ("slice-excess", "slice-difference", "difference-outside")),
        ("proxies", ("feature-auc", "distance-correlation", "selection-difference")),
    ],
)
def test_copies_of_a_person_are_worth_nothing(name: str, metrics: tuple[str, ...]) -> None:
    """Every row twice, as two of the same person: values stay, and no interval is narrower than it was."""
    probe, system, subject = WORLDS[name]
    subject = only(subject, np.arange(240)) if name == "proxies" else subject  # distances are those of 500 rows
    twice = np.repeat(np.arange(len(subject)), 2)
    one, two = (
        figures(probe, system, each, *metrics)
        for each in (declared(subject), declared(only(subject, twice), persons=twice))
    )

    assert one and list(one) == list(two)
    for place, estimate in one.items():
        other = two[place]
        assert estimate.value == pytest.approx(other.value, abs=0.02 if place[0] == "feature-auc" else 1e-9), place
        assert estimate.n == other.n
        if place[0] != "distance-correlation" and estimate.low is not None and other.low is not None:
            assert (other.high or 0.0) - other.low >= 0.98 * ((estimate.high or 0.0) - estimate.low), place


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("flips", ("attribute-flip-rate", "attribute-shift", "attribute-logit-shift")),
        ("triage", ("slice-excess", "slice-difference", "difference-outside")),
        ("proxies", ("cramers-v", "distance-correlation", "selection-difference")),
    ],
)
def test_a_weight_of_k_is_k_copies(name: str, metrics: tuple[str, ...]) -> None:
    """Of one person, in value; the search of slices finds the same ones."""
    probe, system, subject = WORLDS[name]
    if name == "triage":
        probe = Triage(columns=("female", "home"))
        home = np.array(["Ayr", "Bath", "Cork"])[np.arange(len(subject)) % 3]
        subject = replace(subject, table=Table({**subject.table.columns, "home": home}))
    subject = only(subject, np.arange(160)) if name == "proxies" else subject
    times = np.random.default_rng(2).integers(1, 4, len(subject))
    every = np.repeat(np.arange(len(subject)), times)
    weighted, copied = (
        figures(probe, system, each, *metrics)
        for each in (declared(subject, times.astype(np.float64)), declared(only(subject, every), persons=every))
    )

    assert weighted and list(weighted) == list(copied)
    for place, estimate in weighted.items():
        assert estimate.value == pytest.approx(copied[place].value), place


def test_thresholds_learn_from_weights() -> None:
    """Fairlearn sees a row of weight 3 three times: figures before and after are those of copies, but for its lots."""
    pytest.importorskip("fairlearn")
    assert [1, 2, 1] == copies(np.array([2.0, 4.0, 2.0])).tolist()
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.2, 4.0, 1000)
    many = copies(weights)

    assert many.sum() == pytest.approx(10_000, abs=1)
    assert np.abs(many - 10 * weights / weights.mean()).max() < 1.0
    times = rng.integers(1, 4, 900)
    subject = credit_world(900)
    score, positive = rng.random(900), subject.table["repaid"] == 1
    codes, fit = subject.groupings["sex"].codes, rng.random(900) < 0.5
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])  # in the order of the scores, as theirs is
    other = ThresholdOptimizer(
        estimator=model, constraints="demographic_parity", prefit=True, predict_method="predict_proba"
    )
    many = np.repeat(np.flatnonzero(fit), times[fit])
    other.fit(score[many][:, None], positive[many].astype(int), sensitive_features=codes[many])
    theirs = other.predict(score[:, None], sensitive_features=codes, random_state=7) == 1
    ours = thresholds(
        score, positive, codes, fit, constraint="demographic_parity", seed=7, weights=times.astype(np.float64)
    )

    assert theirs.tolist() == ours.tolist()


def test_before_and_after_are_of_the_population() -> None:
    """By weighted means of the held-out rows; what a stand-in finds positive weighs as much as what the system does."""
    pytest.importorskip("fairlearn")
    rng = np.random.default_rng(8)
    subject = declared(credit_world(900), rng.uniform(0.5, 3.0, 900))
    found = figures(Mitigation(), Scorer(gap=1.0), subject)
    held = ~first_half(Asker(Scorer(), seed=1, subject=subject).for_probe("bias.mitigation", honours=BOTH))
    (answer,) = Scorer(gap=1.0).answer([Request(kind=Capability.PREDICT, inputs=subject.table.select(FEATURES))])
    granted, codes = answer.values[:, 1] >= 0.5, subject.groupings["sex"].codes
    rates = [np.average(granted[rows], weights=subject.weights[rows]) for rows in (held & (codes == g) for g in (0, 1))]
    before = found["selection-difference", "sex=women~men", "thresholds-for-equal-selection", "before"]
    cost = found["accuracy-change", "sex=all", "thresholds-for-equal-selection"]

    assert rates[0] - rates[1] == pytest.approx(before.value)
    assert ("cr2", int(held.sum())) == (before.method, before.n)
    assert "cr2" == cost.method
    table, positive = subject.table.select(("income", "debt")), subject.table["repaid"] == 1
    everybody = np.ones(900, dtype=bool)
    stood = stand_in(table, positive, everybody, share=0.3, seed=1, counted=subject.weights, persons=900)

    assert float(np.average(stood, weights=subject.weights)) == pytest.approx(0.3, abs=0.01)


@given(st.integers(0, 10_000), st.integers(60, 120))
def test_no_person_is_on_both_sides_of_a_split(seed: int, persons: int) -> None:
    """Neither of halves nor of folds, whatever recurs; and groups that are dealt out anew keep persons whole."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, persons, 3 * persons)
    subject = declared(only(credit_world(persons), who), rng.uniform(0.1, 3.0, len(who)), who)
    half = first_half(Asker(Scorer(), seed=seed, subject=subject).for_probe("bias.triage", honours=BOTH))
    member = np.asarray(subject.groupings["sex"].codes == 0)
    fold = folds(member, rng, Sampled.of(subject, np.arange(len(who))))
    dealt = member[order_of_persons(subject, rng)]
    for person in range(persons):
        mine = who == person
        if mine.any():
            assert 1 == len(set(half[mine])) == len(set(fold[mine])) == len(set(dealt[mine]))
    assert set(fold) == set(range(FOLDS))


def test_a_person_on_both_sides_would_be_told() -> None:
    """A name for each person tells nothing of held-out persons, and would tell everything of their other rows."""
    who = np.repeat(np.arange(200), 5)
    subject = only(credit_world(200), who)
    table = Table({**subject.table.columns, "name": who.astype(np.float64)})
    subject = replace(subject, table=table, features=("income", "debt", "years", "name"))
    ask = Asker(Scorer(), seed=1, subject=subject).for_probe("bias.proxies", honours=BOTH)
    names, sex = ("name",), subject.groupings["sex"]
    apart, mixed = (
        Proxies().together(each, sex, (0, 1), names, ask).value for each in (declared(subject, persons=who), subject)
    )

    assert mixed > 0.85
    assert abs(apart - 0.5) < 0.15


def test_no_flip_is_bounded_by_effective_persons() -> None:
    """Of 59 persons of equal weight, three rows each: at most 1 - 0.05^(1/59) at one-sided 5 %; more where uneven."""
    even = measured(flips_of(flipping(177, 0, persons=np.arange(177) // 3)), "attribute-flip-rate").estimate
    uneven = measured(
        flips_of(flipping(177, 0, weights=np.where(np.arange(177) < 3, 20.0, 1.0), persons=np.arange(177) // 3)),
        "attribute-flip-rate",
    ).estimate

    assert ("korn-graubard", 59, 0.0) == (even.method, even.n, even.value)
    assert 1 - 0.05 ** (1 / 59) == pytest.approx(bounds("korn-graubard", level=0.9, moments=even.moments).high)
    assert (uneven.high or 0.0) > 3 * (even.high or 0.0)


def test_a_rate_of_flips_passes_and_fails() -> None:
    """299 persons without one pass 0.01, 298 cannot; a tenth of the weight fails, a shift of three persons is open."""
    found = {n: judge([flips_of(flipping(2 * n, 0, persons=np.arange(2 * n) // 2))], [RATE])[0] for n in (298, 299)}
    loud = flips_of(flipping(600, 60, weights=np.random.default_rng(1).uniform(0.5, 2.0, 600)))
    few = measured(flips_of(flipping(600, 3)), "attribute-shift")

    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == (found[298].verdict, found[298].sub_reason)
    assert Verdict.PASS is found[299].verdict
    assert Verdict.FAIL is judge([loud], [RATE])[0].verdict
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (few.verdict, few.sub_reason)
    assert "of 600 persons 3 are decided otherwise; a verdict on the shift needs 5" == few.why


def test_a_rate_on_its_limit_seldom_fails() -> None:
    """Of 400 worlds of 300 persons, two rows and a weight each, no more than 5 % allow at 99 % confidence."""
    loud = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        flips = np.repeat(rng.random(300) < 0.01, 2)
        subject = flipping(600, 0, weights=np.repeat(rng.uniform(0.5, 2.0, 300), 2), persons=np.arange(600) // 2)
        as_b = np.where(flips, 0.2, 0.8)
        subject = replace(subject, table=Table({**subject.table.columns, "as_b": as_b}))
        ask = Asker(Switched(), seed=1, subject=subject).for_probe("bias.attribute-flip", honours=BOTH)
        (rate,) = [each for each in AttributeFlip().measure(ask) if each.metric == "attribute-flip-rate"]
        moments = rate.estimate.moments
        loud += bounds("korn-graubard", level=0.9, moments=moments).low > 0.01

    assert loud <= 31


def test_items_are_persons_and_make_up_the_figure() -> None:
    """Of flips and of the share that proxies carry; an audit has not changed against itself."""
    rng = np.random.default_rng(4)
    who = rng.integers(0, 500, 1500)
    worlds: list[tuple[Any, Any, Subject, set[str]]] = [
        (AttributeFlip(), Scorer(gap=1.0), credit_world(1500), {"attribute-flip-rate", "attribute-shift"}),
        (Proxies(), Leaning(through=3.0), proxied(1500), {"proxy-share"}),
    ]
    for probe, system, subject, wanted in worlds:
        world = declared(subject, rng.uniform(0.5, 2.0, 1500), who)
        found: list[Measure] = [each for each in run_probe(probe, system, world).measures if each.mode == "gate"]

        assert wanted == {each.metric for each in found}
        for each in found:
            assert each.items is not None
            assert len(set(each.items.keys)) == len(each.items.keys) == each.estimate.n
            assert each.estimate.value == pytest.approx(value_of(each.items)), each.metric
            change = change_of_items(each.items, each.items, design=each.estimate.design, unit="share")
            assert 0.0 == change.value


def test_small_groups_count_persons() -> None:
    """Ten persons with twenty rows each are ten, in every probe that splits or flips."""
    who = np.repeat(np.arange(40), 20)
    subject = only(credit_world(40), who)
    codes = (who >= 10).astype(np.int64)
    subject = replace(subject, groupings={"sex": replace(subject.groupings["sex"], codes=codes)})
    world = declared(subject, persons=who)
    said = [
        str(measured(run_probe(probe, Scorer(), world), metric).why)
        for probe, metric in (
            (AttributeFlip(columns={"sex": ("female",)}), "attribute-flip-rate"),
            (Proxies(), "proxy-share"),
        )
    ]
    halves = str(measured(run_probe(Triage(), Scorer(), world), "slice-excess").why)

    assert ["women has 10 persons; a verdict needs 30"] * 2 == said
    assert halves.startswith("women has ") and halves.endswith("persons in the half that is searched; it takes 60")


def test_a_person_is_ranked_once() -> None:
    """Where each is, a ranking is that of rows; who is ranked twice is an ERROR in words, and so is a weight."""
    plain = price_world(400)
    named = declared(plain)
    once = replace(named, weight=None)
    twice = replace(declared(plain, persons=np.arange(400) // 2), weight=None)
    first, second = (figures(RankingExposure(), Pricer(gap=1.0), each, "exposure-ratio") for each in (plain, once))

    assert first == second
    assert str(run_probe(RankingExposure(), Pricer(), twice).why).startswith(
        "200 of 200 persons by 'who' have more than one row, such as rows 1 and 2: a ranking places each person once"
    )
    assert "the weight 'w' of the rows, which bias.ranking-exposure does not take into account" in str(
        run_probe(RankingExposure(), Pricer(), named).why
    )


def test_the_law_counts_people_once_and_no_weights() -> None:
    """One row a person is the law's table; a person with two, or a weight, is an ERROR that says what to do."""
    plain = credit_world(400)
    once = replace(declared(plain), weight=None)
    tables = [figures(LocalLaw144(), Scorer(), each) for each in (plain, once)]
    twice = run_probe(LocalLaw144(), Scorer(), replace(declared(plain, persons=np.arange(400) // 2), weight=None))
    weighted = run_probe(LocalLaw144(), Scorer(), declared(plain))

    assert tables[0] == tables[1]
    assert [True, True] == [outcome.held for outcome in run_probe(LocalLaw144(), Scorer(), once).controls]
    assert ("error", "error") == (twice.status, weighted.status)
    assert "6 RCNY 5-301 counts each person who was assessed once; keep the row of the decision" in str(twice.why)
    assert "audit everybody who was assessed, without weight, in a plan of its own" in str(weighted.why)


def test_weights_and_persons_are_no_features() -> None:
    """Where a log names none, neither column is looked at, by a search or by what tells an attribute."""
    rng = np.random.default_rng(6)
    subject = credit_world(900)
    log = replace(
        declared(subject, rng.integers(1, 5, 900) * 1.0),
        features=(),
        answers=("score",),
    )
    log = replace(log, table=Table({**log.table.columns, "score": rng.random(900)}))
    told = {place[-1] for place in figures(Proxies(), Listed(), log, "feature-auc")}
    cut = {place[-1] for place in figures(Triage(), Listed(), log, "slice-excess")}

    assert {"income", "debt", "years"} == told
    assert cut and not any(part.startswith(("w ", "who ")) for each in cut for part in each.split(", "))
