"""Attribution of decisions to the segments of their prompts: closed forms, noise, controls and files."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explained_probes import found, held, value
from fakes import Refusing, run_probe
from probandum.errors import DataError, PlanError
from probandum.evidence import Capability
from probandum.finding import SubReason, Verdict
from probandum.probe import ProbeResult
from probandum_probes.explain.prompt.attribution import PromptAttribution
from probandum_probes.explain.prompt.texts import PLACEBO, ShippedPrompts
from prompt_worlds import Weighing, prompts_file
from swaps import asking

FACTS = tuple(f"Fact number {number} holds." for number in range(8))


def shares(folder: Path, system: Weighing, *, segments: tuple[str, ...] = (), **options: Any) -> ProbeResult:
    """What the probe says of a system about twelve prompts of a file."""
    return run_probe(PromptAttribution(prompts=prompts_file(folder, segments=segments), **options), system)


def test_a_sum_of_segments_is_given_back(tmp_path: Path) -> None:
    """Where log-odds add up, the Shapley value of a segment is its weight, and leaving one out says the same."""
    result = shares(tmp_path, Weighing({"loan": 0.5, "called": -1.0, "Jordan": 2.5}, bias=0.3))

    values = {part: value(result, "log-odds-attribution", part=part) for part in ("setting", "name", "nationality")}
    assert values == pytest.approx({"setting": 0.5, "name": -1.0, "nationality": 2.5}, abs=1e-6)
    for metric in ("attribution-share", "leave-one-out-share"):
        assert value(result, metric, part="nationality") == pytest.approx(2.5 / 4, abs=1e-6)
        assert value(result, metric, part=PLACEBO) == pytest.approx(0.0, abs=1e-6)
    assert value(result, "share-over-placebo", part="name") == pytest.approx(0.25, abs=1e-6)


def test_a_segment_without_any_part_has_a_share_of_exactly_nothing(tmp_path: Path) -> None:
    """What rounding leaves of 0 is no share of the attribution, and its interval holds 0."""
    result = shares(tmp_path, Weighing({"called & Jordan": 0.7, "loan": 0.31, "Jordan": 1.13}, bias=0.1))

    for metric in ("attribution-share", "leave-one-out-share"):
        estimate = found(result, metric, part=PLACEBO).estimate
        assert (0.0, 0.0, 0.0) == (estimate.low, estimate.value, estimate.high)


def test_two_segments_that_are_needed_together_share_evenly(tmp_path: Path) -> None:
    """The AND of two: half each by Shapley; leaving either out takes all of it away."""
    result = shares(tmp_path, Weighing({"called & Jordan": 1.0}), segments_of=12)

    assert value(result, "log-odds-attribution", prompt="case-3", part="name") == pytest.approx(0.5, abs=1e-6)
    assert value(result, "log-odds-attribution", prompt="case-3", part="nationality") == pytest.approx(0.5, abs=1e-6)
    assert value(result, "attribution-share", part="name") == pytest.approx(0.5, abs=1e-6)
    assert value(result, "leave-one-out-share", part="name") == pytest.approx(0.5, abs=1e-6)


def test_either_of_two_segments_that_suffice_alone_is_seen_by_shapley_values_only(tmp_path: Path) -> None:
    """Leaving one out takes nothing away, since the other is still there."""
    either = {"called": 1.0, "Jordan": 1.0, "called & Jordan": -1.0, "loan": 0.5}
    result = shares(tmp_path, Weighing(either))

    assert value(result, "attribution-share", part="name") == pytest.approx(1 / 3, abs=1e-6)
    assert value(result, "leave-one-out-share", part="name") == pytest.approx(0.0, abs=1e-6)


def test_up_to_ten_segments_every_version_is_asked_once(tmp_path: Path) -> None:
    """2^d of them, and each whole prompt three times more; both controls ask nothing but those three again."""
    system = Weighing({"Jordan": 1.0})
    shares(tmp_path, system, segments=FACTS[:6])

    assert 12 * (2**10 + 3 + 3) == system.seen


def test_more_segments_are_sampled_by_permutations(tmp_path: Path) -> None:
    """Exact where log-odds add up; an AND of two lies within its interval; the controls still hold."""
    system = Weighing({"number 1": 1.0, "called": -0.5, "number 2 & Jordan": 2.0})
    result = shares(tmp_path, system, segments=FACTS[:7], segments_of=12)

    assert value(result, "log-odds-attribution", prompt="case-0", part="name") == pytest.approx(-0.5, abs=1e-6)
    pairs = [found(result, "log-odds-attribution", prompt=f"case-{number}", part="nationality") for number in range(12)]
    inside = [each.estimate.low <= 1.0 <= each.estimate.high for each in pairs]  # type: ignore[operator]
    assert sum(inside) >= 9
    assert len({each.estimate.value for each in pairs}) > 1
    assert [True, True] == held(result)
    assert system.seen < 12 * 2 * 2**11


def test_noise_of_asking_again_widens_intervals(tmp_path: Path) -> None:
    """A jitter of 0.1 logits gives every Shapley value of d segments the error that the formula says."""
    result = shares(tmp_path, Weighing({"Jordan": 1.0}, jitter=0.1), segments_of=12)

    width, weights = 4, []
    for size in range(width):
        weights += [1 / (width * math.comb(width - 1, size))] * math.comb(width - 1, size)
    error = 0.1 * math.sqrt(2 * sum(weight**2 for weight in weights))
    moments = found(result, "log-odds-attribution", prompt="case-0", part="name").estimate.moments
    assert moments is not None
    assert error == pytest.approx(moments[1], rel=0.35)
    inside = []
    for number, (part, truth) in itertools.product(range(12), {"name": 0.0, "nationality": 1.0}.items()):
        said = found(result, "log-odds-attribution", prompt=f"case-{number}", part=part).estimate
        assert said.low is not None and said.high is not None
        inside.append(said.low <= truth <= said.high)
    assert sum(inside) >= 19
    assert 0.05 < value(result, "noise-share") < 0.5


def test_a_system_that_only_writes_is_asked_several_times(tmp_path: Path) -> None:
    """Y is the share of favourable answers; what decides alone is told from the placebo, and noise is said."""
    system = Weighing({"Jordan": 8.0}, bias=-4.0, how=Capability.GENERATE)
    result = shares(tmp_path, system, samples=6)

    assert value(result, "probability-attribution", part="nationality") == pytest.approx(0.96, abs=0.04)
    over = found(result, "share-over-placebo", part="nationality").estimate
    assert over.low is not None and over.low > 0.7
    assert 0 < value(result, "noise-share") < 0.3
    assert [True, True] == held(result)


def test_a_writing_system_without_an_effect_is_told_so(tmp_path: Path) -> None:
    """Answers by chance give name and placebo alike, and what noise alone gives is nearly all of it."""
    result = shares(tmp_path, Weighing({}, how=Capability.GENERATE))

    over = found(result, "share-over-placebo", part="name").estimate
    assert over.low is not None and over.high is not None
    assert over.low < 0 < over.high
    assert value(result, "noise-share") > 0.8


def test_a_part_that_decides_is_told_from_the_placebo_by_exchanging_them(tmp_path: Path) -> None:
    """Of 12 prompts one exchange in 4,096 leaves the placebo as little; a part without an effect has no small p."""
    result = shares(tmp_path, Weighing({"Jordan": 1.0, "clock": 0.1, "Person": 0.1}))
    both = {part: found(result, "placebo-p-value", part=part).estimate for part in ("nationality", "name")}

    assert both["nationality"].value == pytest.approx(2.0**-12, abs=4e-4)
    assert both["name"].value is not None and both["name"].value > 0.3
    assert both["name"].low is not None and both["name"].low < both["name"].value


def test_answers_without_a_decision_are_an_error(tmp_path: Path) -> None:
    """A system that declines leaves no figure, and no control claims anything."""
    result = run_probe(PromptAttribution(prompts=prompts_file(tmp_path)), Refusing(Weighing({})))

    verdicts = {each.verdict for each in result.measures if each.metric != "invalid-share"}
    assert {Verdict.ERROR} == verdicts
    assert [None, None] == held(result)


def test_a_constant_system_has_nothing_to_attribute(tmp_path: Path) -> None:
    """Not applicable as a share, and the controls show that the probe works."""
    result = shares(tmp_path, Weighing({}))

    said = found(result, "share-over-placebo", part="name")
    assert SubReason.NO_DYNAMIC_RANGE is said.sub_reason
    assert [True, True] == held(result)


def test_few_prompts_allow_no_conclusion(tmp_path: Path) -> None:
    """Shares of nine prompts stand with their reason."""
    path = prompts_file(tmp_path, count=9)
    result = run_probe(PromptAttribution(prompts=path), Weighing({"Jordan": 1.0}))

    said = found(result, "share-over-placebo", part="name")
    assert (Verdict.INCONCLUSIVE, "9 prompts; 10 are needed") == (said.verdict, said.why)


def test_texts_of_an_own_file_stay_out_of_findings_unless_asked_for(tmp_path: Path) -> None:
    """They would outlast the deletion of questions."""
    plain = shares(tmp_path, Weighing({"Jordan": 1.0}))
    told = shares(tmp_path, Weighing({"Jordan": 1.0}), segments_of=1)

    assert {"part"} == {facet for each in plain.measures for facet in each.facets}
    assert "3: They come from Jordan." in {each.facets.get("segment") for each in told.measures}


@pytest.mark.parametrize("language", ["en", "de"])
def test_shipped_prompts_name_a_person_and_hold_a_placebo_of_about_the_same_length(language: str) -> None:
    """Beside the protected segments, which tell a name and the nationality of its origin."""
    ask = asking(Weighing({}), "explain.prompt-attribution")
    prompts = ShippedPrompts.of(language).drawn(ask, 20)
    ratios = []
    for prompt in prompts:
        own = [place for place, segment in enumerate(prompt.segments) if segment.protected]
        assert ["name", "nationality"] == [prompt.segments[place].part for place in own]
        assert min(abs(prompt.placebo - place) for place in own) == 1
        length = np.mean([len(prompt.segments[place].text) for place in own])
        ratios.append(len(prompt.segments[prompt.placebo].text) / length)
        assert prompt.text(np.ones(len(prompt), dtype=np.bool_)).startswith(prompt.opening)

    assert 20 == len({prompt.id for prompt in prompts})
    assert 0.8 < min(ratios) <= max(ratios) < 1.25
    assert {0, 1} == {prompt.favourable for prompt in prompts}
    assert prompts == ShippedPrompts.of(language).drawn(ask, 20)


def test_a_placebo_is_added_where_a_file_has_none(tmp_path: Path) -> None:
    """From our own sentences, in the language of the file."""
    path = prompts_file(tmp_path, placebo=False)
    result = run_probe(PromptAttribution(prompts=path), Weighing({"Jordan": 1.0}))

    assert 0.0 == pytest.approx(value(result, "attribution-share", part=PLACEBO))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("language: en", "language: xx", "shipped in en, de alone"),
        (", protected: true", "", "no segment is protected: true"),
        ("protected: true", 'protected: "yes"', "expected true or false"),
        ("part: setting}", "part: placebo}", "expected one segment with part: placebo at most"),
        ("id: case-1\n", "id: case-0\n", "'case-0' occurs twice"),
        ("id: case-1\n", "id: case/1\n", "holds a slash"),
        ("question:", "quest:", "the key 'question' is missing"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_with_its_line(tmp_path: Path, before: str, after: str, said: str) -> None:
    """Everything at once, before anything is asked."""
    path = prompts_file(tmp_path, count=2, placebo="xx" not in after)
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")

    with pytest.raises(PlanError) as caught:
        PromptAttribution(prompts=path)

    assert any(said in line and "prompts.yaml:" in line for line in caught.value.lines())


def test_too_few_samples_are_refused() -> None:
    """One answer a version shows no noise."""
    with pytest.raises(DataError, match="1 samples of 16 tokens"):
        PromptAttribution(samples=1)
