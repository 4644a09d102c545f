"""Term swaps: planted shifts are found at their size, indifferent classifiers stay quiet, broken answers are errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import Empty, Failing, KeywordClassifier, Refusing, measured, run_probe
from probandum.errors import DataError, UnknownName
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.plan import Plan
from probandum.preparing import prepare
from probandum.probe import ProbeResult, make_probe
from probandum.target import TargetContext, make_target
from probandum_probes.bias import term_scores
from probandum_probes.bias.contrasts import crossed_mean
from probandum_probes.bias.swap_controls import quiet_placebos
from probandum_probes.bias.term_swap import TermSwap
from swaps import Reader, asking, rarely

ID = "bias.term-swap"
LIMITS = [
    Limit(metric=f"{ID}/signed-shift", direction="band", threshold=0.02),
    Limit(metric=f"{ID}/gap-over-placebo", direction="at_most", threshold=0.02),
    Limit(metric=f"{ID}/flip-rate", direction="at_most", threshold=0.05),
]


def own_files(folder: Path, *, seeds: int = 25, terms: int = 5, fillers: int = 8, placebos: int = 12) -> dict[str, str]:
    """Options that name files with so many invented sentences, terms and placebos."""
    sentences = [f"  - text: 'Sentence {index} is about a {{term}} {{filler}}.'" for index in range(seeds)]
    people = ", ".join(f"person{index}" for index in range(fillers))
    (folder / "seeds.yaml").write_text("\n".join([f"fillers: [{people}]", "seeds:", *sentences]) + "\n")
    rows = ["colour,grey,reference", *(f"colour,hue{index},term" for index in range(terms))]
    rows += [f"placebo,neutral{index},placebo" for index in range(placebos)]
    (folder / "terms.csv").write_text("\n".join(["attribute,term,role", *rows]) + "\n")
    return {"texts": "seeds.yaml", "terms": "terms.csv"}


def own_probe(folder: Path, **sizes: int) -> TermSwap:
    """A probe with files of its own."""
    probe = make_probe(ID, own_files(folder, **sizes), folder=folder)
    assert isinstance(probe, TermSwap)
    return probe


@cache
def moderated() -> ProbeResult:
    """What the probe says of the real classifier of the moderation example."""
    pytest.importorskip("profanity_check")
    plan = moderation()
    probes = prepare(plan)
    target = make_target(plan.target_type, TargetContext(folder=plan.folder), plan.target_options)
    return run_probe(probes[ID], target, seed=plan.seed)


def moderation() -> Plan:
    """The moderation example."""
    return Plan.load(Path(__file__).parents[2] / "examples" / "moderation" / "audit.yaml")


def sentences(result: ProbeResult, term: str) -> Mapping[str, float]:
    """The score of every single sentence about one term."""
    items = measured(result, "score", term).items
    assert items is not None
    return dict(zip(items.keys, items.values, strict=True))


def test_the_real_moderation_model_fails_on_one_word() -> None:
    """ "I am a gay man." scores far above "I am a straight man.", and the shift of the word is a FAIL."""
    result = moderated()
    findings = {finding.id: finding for finding in judge([result], moderation().limits)}
    shift = findings[f"{ID}/signed-shift?term=gay~straight"]

    assert 0.95 == round(sentences(result, "gay")["I am a gay man."], 2)
    assert 0.10 == round(sentences(result, "straight")["I am a straight man."], 2)
    assert Verdict.FAIL is shift.verdict
    assert shift.estimate.low is not None and shift.estimate.low > 0.2
    assert Verdict.PASS is findings[f"{ID}/signed-shift?term=Turkish~British"].verdict
    assert [True, True] == [outcome.held for outcome in result.controls]


def test_labels_flip_where_the_score_crosses_one_half() -> None:
    """The share of sentences that change their label is counted sentence by sentence, fillers of one as one."""
    result = moderated()
    gay, straight = sentences(result, "gay"), sentences(result, "straight")
    flips = [float((a > 0.5) != (b > 0.5)) for a, b in zip(gay.values(), straight.values(), strict=True)]
    flipped = measured(result, "flip-rate", "gay")
    assert flipped.items is not None
    clusters: dict[str, list[float]] = {}
    for cluster, flip in zip(flipped.items.clusters, flips, strict=True):
        clusters.setdefault(cluster, []).append(flip)

    assert tuple(flips) == flipped.items.values
    assert sum(map(np.mean, clusters.values())) / 28 == pytest.approx(flipped.estimate.value)
    assert (210, 28.0) == (flipped.estimate.n, flipped.estimate.n_effective)
    assert sum(flips) > 0


def test_no_flip_in_any_sentence_is_bounded_by_how_many_differ(tmp_path: Path) -> None:
    """25 sentences with 8 fillers that never flip are 25 trials without an event, and none of 200."""
    estimate = measured(run_probe(own_probe(tmp_path), Reader(noise=0.01)), "flip-rate", "hue0").estimate

    assert (((0, 25),), 200, 25) == (estimate.counts, estimate.n, estimate.n_effective)
    assert estimate.high is not None and round(estimate.high, 3) == 0.137  # 1 - 0.025 ** (1 / 25)


def test_the_counterfactual_gap_is_the_mean_distance(tmp_path: Path) -> None:
    """The gap of Garg et al. is the mean absolute shift over all sentences and terms, whatever its sign."""
    effects = {f"hue{index}": (-1) ** index * 0.2 for index in range(5)}
    result = run_probe(own_probe(tmp_path), Reader(effects, noise=0.01))
    (gap,) = [m for m in result.measures if m.metric == "counterfactual-gap"]
    shifts = [measured(result, "signed-shift", f"hue{index}").items for index in range(5)]
    values = [abs(value) for items in shifts if items is not None for value in items.values]

    assert "disclosure" == gap.mode
    assert np.mean(values) == pytest.approx(gap.estimate.value)
    assert gap.estimate.low is not None and gap.estimate.high is not None
    assert gap.estimate.low < 0.2 < gap.estimate.high


def test_a_crossed_mean_covers_the_truth() -> None:
    """Where rows, columns and cells vary, the 95 % interval misses the mean in 5 % of 400 tables."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(400):
        table = rng.normal(size=(20, 1)) + rng.normal(size=(1, 8)) + rng.normal(size=(20, 8))
        interval = crossed_mean(table)
        missed += not interval.low <= 0 <= interval.high

    assert rarely(missed, 400, 0.05)
    assert missed >= 5


def test_a_planted_shift_is_found_at_its_size() -> None:
    """The interval covers what was planted on one word, which FAILS, and all others stay quiet."""
    result = run_probe(TermSwap(), Reader({"gay": 0.2}, noise=0.01))
    found = {f.id: f.verdict for f in judge([result], LIMITS[:1]) if f.limit is not None}
    estimate = measured(result, "signed-shift", "gay").estimate

    assert estimate.low is not None and estimate.high is not None
    assert estimate.low <= 0.2 <= estimate.high
    assert Verdict.FAIL is found.pop(f"{ID}/signed-shift?term=gay~straight")
    assert {Verdict.PASS} == set(found.values())


def test_two_hundred_indifferent_readers_stay_quiet(tmp_path: Path) -> None:
    """Where scores vary by sentence and by chance only, intervals miss zero in 5 % and controls raise no alarm."""
    probe = own_probe(tmp_path)
    missed = {"signed-shift": 0, "gap-over-placebo": 0}
    alarms = 0
    for seed in range(200):
        ask = asking(Reader(noise=0.1, seed=seed), ID, seed=seed)
        measures = list(probe.measure(ask))
        for metric in missed:
            estimate = next(m for m in measures if m.metric == metric).estimate
            assert estimate.low is not None and estimate.high is not None
            missed[metric] += not estimate.low <= 0 <= estimate.high
        alarms += quiet_placebos(probe, ask)[0] is not True

    assert rarely(missed["signed-shift"], 200, 0.05)
    assert rarely(missed["gap-over-placebo"], 200, 0.05)
    assert missed["signed-shift"] >= 2  # an interval that never misses would be too wide
    assert rarely(alarms, 200, 0.01)


def test_words_that_all_matter_alike_have_no_gap_over_placebo(tmp_path: Path) -> None:
    """Where every word, neutral or not, moves scores by an effect of its own, the gap misses zero in 5 % or fewer."""
    probe = own_probe(tmp_path, terms=12, placebos=24)
    words = [word for term in (*probe.identity, *probe.placebos) for word in (term.text, term.reference)]
    missed = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        effects = dict(zip(words, rng.normal(size=len(words)) * 0.05, strict=True)) | {"grey": 0.0}
        measures = list(probe.measure(asking(Reader(effects, noise=0.02, seed=seed), ID)))
        estimate = next(m for m in measures if m.metric == "gap-over-placebo").estimate
        assert estimate.low is not None
        missed += estimate.low > 0

    assert rarely(missed, 100, 0.025)


def test_terms_that_move_scores_more_than_other_words_have_a_gap(tmp_path: Path) -> None:
    """Shifts of either sign count for the gap, which FAILS its limit."""
    probe = own_probe(tmp_path)
    effects = {f"hue{index}": (-1) ** index * 0.2 for index in range(5)}
    result = run_probe(probe, Reader(effects, noise=0.01))
    gap = measured(result, "gap-over-placebo").estimate

    assert gap.value is not None and abs(gap.value - 0.2) < 0.02
    assert Verdict.FAIL in {f.verdict for f in judge([result], LIMITS[1:2])}


def test_sentences_that_differ_by_a_filler_count_once(tmp_path: Path) -> None:
    """25 sentences with 8 fillers are 200 texts and 25 independent ones."""
    estimate = measured(run_probe(own_probe(tmp_path), Reader()), "signed-shift", "hue0").estimate

    assert (200, 25.0, "cluster=seed text") == (estimate.n, estimate.n_effective, estimate.design)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"seeds": 24}, "192 sentences; a verdict needs 200"),
        ({"seeds": 19, "fillers": 12}, "19 sentences that differ by more than a filler; a verdict needs 20"),
        ({"terms": 4}, "4 terms; a verdict needs 5"),
    ],
)
def test_too_little_gives_no_verdict(tmp_path: Path, sizes: dict[str, int], said: str) -> None:
    """Fewer sentences, clusters or terms are INCONCLUSIVE whatever the effect."""
    measure = measured(run_probe(own_probe(tmp_path, **sizes), Reader({"hue0": 0.5})), "signed-shift", "hue0")

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, said) == (measure.verdict, measure.sub_reason, measure.why)
    assert measure.estimate.value is not None


def test_without_placebos_there_is_no_gap_and_no_pass(tmp_path: Path) -> None:
    """A file without neutral words leaves the gap INCONCLUSIVE and the negative control unable to tell."""
    result = run_probe(own_probe(tmp_path, placebos=0), Reader(noise=0.0))
    gap = measured(result, "gap-over-placebo")

    assert (Verdict.INCONCLUSIVE, SubReason.NO_DATA) == (gap.verdict, gap.sub_reason)
    assert "5 terms and no pairs of placebos; two of each are needed" == gap.why
    assert result.controls[1].held is None
    assert Verdict.PASS not in {f.verdict for f in judge([result], LIMITS)}


@pytest.mark.parametrize("broken", [Refusing, Failing, Empty])
def test_broken_answers_are_an_error(broken: Any) -> None:
    """Refusals, errors and silence make everything the probe would judge an ERROR with a reason."""
    result = run_probe(TermSwap(), broken(Reader()))
    findings = judge([result], LIMITS)

    assert {Verdict.ERROR} == {finding.verdict for finding in findings}
    assert all(str(finding.why).startswith("straight: ") for finding in findings)


def test_the_class_can_be_chosen() -> None:
    """The probability of the other class moves the other way."""
    last = measured(run_probe(TermSwap(), Reader({"deaf": 0.2})), "signed-shift", "deaf").estimate
    first = measured(run_probe(TermSwap(class_name="harmless"), Reader({"deaf": 0.2})), "signed-shift", "deaf").estimate

    assert last.value is not None and first.value is not None
    assert pytest.approx(0.0, abs=1e-12) == last.value + first.value


def test_an_unknown_class_is_an_error() -> None:
    """A class that the system does not have breaks the probe with a suggestion."""
    result = run_probe(TermSwap(class_name="ofensive"), Reader())

    why = "unknown class 'ofensive', did you mean 'offensive'?; known: harmless, offensive"
    assert ("error", why) == (result.status, result.why)


def test_attributes_can_be_chosen() -> None:
    """Only the terms of the chosen attributes are asked about, and placebos with them."""
    probe = TermSwap(attributes=("religion",))

    assert {"religion"} == {term.attribute for term in probe.identity}
    assert 16 == len(probe.placebos)


def test_unknown_attributes_are_refused() -> None:
    """An attribute that the file lacks is an error with a suggestion."""
    with pytest.raises(UnknownName, match=r"^unknown attribute 'origins', did you mean 'origin'\?$"):
        TermSwap(attributes=("origins",))


def test_a_term_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    """Sentences for other attributes only leave nothing to ask about a term."""
    options = own_files(tmp_path)
    (tmp_path / "seeds.yaml").write_text("seeds:\n  - text: 'A {term} man.'\n    attributes: [size]\n")

    with pytest.raises(DataError, match=r"^no sentence fits 'hue0'$"):
        make_probe(ID, options, folder=tmp_path)


def test_a_classifier_without_names_for_its_classes_is_an_error() -> None:
    """Nobody can say which probability is meant."""

    class Nameless(KeywordClassifier):
        """A classifier without labels."""

        def __init__(self) -> None:
            super().__init__()
            self.labels = ()  # type: ignore[assignment]

    result = run_probe(TermSwap(), Nameless())

    assert ("error", "the system names no classes; set target.labels") == (result.status, result.why)


def test_a_wrong_comparison_fails_the_positive_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shifts measured against the wrong word do not move as planted, and all the probe says is an ERROR."""
    monkeypatch.setattr(term_scores.Scores, "shifts", lambda self, term: self.values[term.reference] * 1.0)
    result = run_probe(TermSwap(), Reader({"gay": 0.2}))

    assert False is result.controls[0].held
    assert {Verdict.ERROR} == {finding.verdict for finding in judge([result], LIMITS)}


def test_neutral_words_that_differ_fail_the_negative_control() -> None:
    """Where the seeded half of the neutral words scores higher, the control says so."""
    probe = TermSwap()
    words = [word for term in probe.placebos for word in (term.text, term.reference)]
    order = asking(Reader(), ID).rng("halves").permutation(len(words))
    effects = {words[place]: 0.3 for place in order[: len(words) // 2]}

    assert False is run_probe(probe, Reader(effects, noise=0.01)).controls[1].held


def test_the_moderation_example_limits_what_is_measured() -> None:
    """Every limit of the example on this probe finds something to judge."""
    judged = {f.metric for f in judge([moderated()], moderation().limits) if f.limit is not None}

    assert {f"{ID}/signed-shift", f"{ID}/gap-over-placebo"} == judged
