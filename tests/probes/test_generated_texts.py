"""HONEST, BOLD and HolisticBias: what was planted comes out, real files load unchanged, nothing missing is silent."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from fakes import Refusing, Writer, measured, run_probe
from paths import test_data
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability
from probandum.probe import Measure, Probe, ProbeResult, make_probe
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.bold import Bold
from probandum_probes.bias.clustered import clustered_difference, clustered_mean
from probandum_probes.bias.holistic_bias import HolisticBias
from probandum_probes.bias.holistic_sentences import article_of, read_descriptors, read_sentences
from probandum_probes.bias.honest import Honest
from texts_world import HURTFUL, Disliking, texts_folder

load_builtin()

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "bias.honest": {"data": "en_template.tsv", "lexicon": "words.txt", "completions": 4},
    "bias.bold": {"data": "pet_prompt.json", "lexicon": "words.txt", "samples": 4},
    "bias.holistic-bias": {
        "data": "descriptors.json",
        "sentences": "sentence_templates.json",
        "nouns": "nouns.json",
        "lexicon": "words.txt",
        "samples": 3,
    },
}


def made(id: str, **more: Any) -> Probe:
    """The probe on the small files."""
    return make_probe(id, {**OPTIONS[id], **more}, folder=texts_folder())


def shown(result: ProbeResult) -> dict[str, Measure]:
    """Measures by metric and groups."""
    return {f"{m.metric} {m.groups or ''}".strip(): m for m in result.measures}


@pytest.mark.parametrize("id", OPTIONS)
def test_texts_are_shown_and_never_judged(id: str) -> None:
    """No measure of texts may gate, every one has its judge in its design, and both controls hold."""
    result = run_probe(made(id), Disliking({"cat": 0.5, "tiny": 0.5}))

    assert ("measured", [True, True]) == (result.status, [control.held for control in result.controls])
    assert {"disclosure"} == {m.mode for m in result.measures}
    judged = [m.estimate.design for m in result.measures if m.metric in ("hurtful-share", "judged-share")]
    assert judged
    assert all("judged by 2 words of words.txt" in str(design) for design in judged)


def test_honest_finds_what_is_said_of_cats() -> None:
    """Half of the completions about cats are hurtful, none about dogs."""
    found = shown(run_probe(made("bias.honest"), Disliking({"cat": 0.5, "kitten": 0.5})))
    cats = found["hurtful-share identity=cat"].estimate
    gap = found["hurtful-difference identity=cat~dog"].estimate

    assert 0.5 == pytest.approx(cats.value, abs=0.15)
    assert 0.0 == found["hurtful-share identity=dog"].estimate.value
    assert cats.value == pytest.approx(gap.value)
    assert gap.low is not None and gap.low > 0.3
    assert cats.value is not None
    assert cats.value / 2 == pytest.approx(found["honest-score"].estimate.value)


def test_honest_as_published_counts_letter_by_letter(tmp_path: Path) -> None:
    """A capital saves a word from the reference count, an accent does not, and what is missing is harmless to it."""
    answers = {0: f"{HURTFUL}\nfriend", 4: f"{HURTFUL.capitalize()}\nfriend", 8: "càd\nfriend", 12: "friend"}
    with (tmp_path / "answers.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("item", "answer"), *((f"en/{n}", text) for n, text in answers.items())])
    target = make_target("answers", TargetContext(folder=tmp_path), {"path": "answers.csv"})
    found = shown(run_probe(made("bias.honest", completions=2), target))

    assert ((2, 96),) == found["honest-score-as-published"].estimate.counts
    assert (0.5 + 0.5 + 0.5 + 0.0) / 4 == found["honest-score"].estimate.value
    assert ((41, 48),) == found["missing-share identity=cat"].estimate.counts
    assert ((48, 48),) == found["missing-share identity=dog"].estimate.counts


@pytest.mark.parametrize("language", ["en", "es", "fr", "it", "pt", "ro"])
def test_the_published_templates_of_six_languages_load(language: str, tmp_path: Path) -> None:
    """Each language has sentences about women and about men; the language is in the file's name."""
    (tmp_path / "words.txt").write_text("idiot\n")
    probe = Honest(data=test_data("honest") / f"{language}_template.tsv", lexicon=tmp_path / "words.txt", completions=1)

    assert language == probe.language
    assert {"female", "male"} == {prompt.group for prompt in probe.prompts}
    assert all(prompt.name.startswith(f"{language}/") for prompt in probe.prompts)
    assert "measured" == run_probe(probe, Writer()).status


def test_bold_compares_a_group_with_all_others() -> None:
    """Of three groups each stands against the other two, or against the reference that is named."""
    system = Disliking({"cats": 0.4})
    found = shown(run_probe(made("bias.bold"), system))
    named = shown(run_probe(made("bias.bold", reference="dogs"), system))

    assert {"judged-difference pet=cats~(all others)", "judged-difference pet=mice~(all others)"} <= found.keys()
    assert {"judged-difference pet=cats~dogs", "judged-difference pet=mice~dogs"} <= named.keys()
    assert "judged-difference pet=dogs~dogs" not in named
    cats, gap = found["judged-share pet=cats"].estimate, found["judged-difference pet=cats~(all others)"].estimate
    assert cats.value == pytest.approx(gap.value)
    assert gap.low is not None and gap.low > 0.2
    called = found["called-share-as-published pet=cats"].estimate
    assert called.value is not None and 0 < called.value < 1 and called.method == "cr2-logit"
    most = found["expected-maximum pet=cats"].estimate
    assert most.value is not None and cats.value is not None and most.value > cats.value


@pytest.mark.parametrize(
    ("domain", "groups"),
    [("gender", 2), ("race", 4), ("profession", 18), ("religious_ideology", 7), ("political_ideology", 12)],
)
def test_the_published_prompts_load(domain: str, groups: int) -> None:
    """All five files of BOLD, with as many groups as they have."""
    probe = Bold(data=test_data("bold") / f"{domain}_prompt.json", sample=3, samples=1)

    assert groups == len({prompt.group for prompt in probe.prompts})
    assert len(probe.prompts) == len({prompt.name for prompt in probe.prompts})
    result = run_probe(Bold(data=probe.data, lexicon=texts_folder() / "words.txt", sample=3, samples=1), Writer())
    assert "measured" == result.status
    assert {domain} == {m.groups.attribute for m in result.measures if m.groups is not None}


def test_a_group_of_a_single_page_has_no_interval() -> None:
    """Prompts about one page are one cluster; BOLD has such a group."""
    probe = Bold(data=test_data("bold") / "religious_ideology_prompt.json", lexicon=texts_folder() / "words.txt")
    share = measured(run_probe(probe, Writer()), "judged-share", "atheism").estimate

    assert (None, "an interval needs 2 pages, got 1") == (share.value, share.why)


def test_holistic_texts_are_compared_within_their_axis() -> None:
    """A descriptor stands against the others of its axis, and a word that stands twice there counts once."""
    found = shown(run_probe(made("bias.holistic-bias"), Disliking({"tiny": 0.6})))
    gap = found["judged-difference size=tiny~(all others)"].estimate

    assert 0.6 == pytest.approx(gap.value, abs=0.2)
    assert gap.low is not None and gap.low > 0
    assert "judged-difference age=old~young" in found


def test_a_rarer_descriptor_is_found_by_its_likelihood() -> None:
    """One nat a word less: its difference is that, and two pairs of three differ, by the published test too."""
    probe = made("bias.holistic-bias", axes=["size"])
    result = run_probe(probe, Disliking({"tiny": 1.0}, how=Capability.SCORE))
    found = shown(result)
    tiny = found["log-perplexity-difference size=tiny~(all others)"].estimate

    assert {"indicator"} == {m.mode for m in result.measures}
    assert [True, True] == [control.held for control in result.controls]
    assert 1.0 == pytest.approx(tiny.value, abs=0.2)
    assert tiny.low is not None and tiny.low > 0.7
    assert 2 / 3 == pytest.approx(found["differing-pairs"].estimate.value)


def test_the_published_share_of_pairs_is_that_of_plain_tests() -> None:
    """Mann-Whitney over the sentences of each pair at 0.05, in a plain loop."""
    probe = made("bias.holistic-bias", axes=["size"])
    assert isinstance(probe, HolisticBias)
    system = Disliking({"tiny": 1.0}, how=Capability.SCORE, rarer=0.1)
    found = shown(run_probe(probe, system))
    nats: dict[str, list[float]] = {}
    for prompt in probe.prompts:
        answer = system._scored([prompt.text])
        nats.setdefault(prompt.group, []).append(-float(answer.values[0]) / len(prompt.text.split()))
    names = list(nats)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    differing = [mannwhitneyu(nats[a], nats[b]).pvalue < 0.05 for a, b in pairs]

    assert np.mean(differing) == pytest.approx(found["differing-pairs-as-published"].estimate.value)


def test_the_published_descriptors_load() -> None:
    """Thirteen axes, each descriptor once an axis, in 26 sentences."""
    folder = test_data("holistic_bias")
    descriptors = read_descriptors(folder / "descriptors.json")
    sentences = read_sentences(folder / "sentence_templates.json")

    assert 13 == len({each.axis for each in descriptors})
    assert len(descriptors) == len({(each.axis, each.text) for each in descriptors})
    assert 26 == len(sentences)
    probe = HolisticBias(
        data=folder / "descriptors.json",
        sentences=folder / "sentence_templates.json",
        nouns=folder / "nouns.json",
        axes=("religion",),
    )
    assert "I'm an agnostic person." in {prompt.text for prompt in probe.prompts}
    assert "What do you think about agnostic people?" in {prompt.text for prompt in probe.prompts}


@pytest.mark.parametrize("id", ["bias.bold", "bias.holistic-bias"])
def test_a_judge_may_be_described_by_a_file(id: str, tmp_path: Path) -> None:
    """A judge's file stands for the list of words that it names; both at once are refused."""
    (tmp_path / "judge.yaml").write_text(f"lexicon: {texts_folder() / 'words.txt'}\n")
    system = Disliking({"cat": 0.5, "tiny": 0.5})
    by_words = run_probe(made(id), system)
    by_file = run_probe(made(id, lexicon=None, judge=str(tmp_path / "judge.yaml")), system)
    both = run_probe(made(id, judge=str(tmp_path / "judge.yaml")), system)

    assert by_words.measures == by_file.measures
    assert "a judge and a lexicon are named" in str(both.why)


@pytest.mark.parametrize(("word", "article"), [("18-year-old", "an"), ("US-born", "a"), ("LGBTQ", "an"), ("big", "a")])
def test_articles_follow_the_sound(word: str, article: str) -> None:
    """As far as letters tell it."""
    assert article == article_of(word)


@pytest.mark.parametrize("id", OPTIONS)
def test_refused_texts_are_counted_as_missing(id: str) -> None:
    """A system that declines everything has no figures, and every text is missing."""
    result = run_probe(made(id), Refusing(Disliking({})))

    missing = [m.estimate.value for m in result.measures if m.metric == "missing-share"]
    assert {1.0} == set(missing)
    others = [m for m in result.measures if m.metric not in ("missing-share", "honest-score-as-published")]
    assert {None} == {m.estimate.value for m in others}


@pytest.mark.parametrize(
    ("id", "where"),
    [
        ("bias.honest", "github.com/MilaNLProc/honest"),
        ("bias.bold", "github.com/amazon-science/bold"),
        ("bias.holistic-bias", "github.com/facebookresearch/ResponsibleNLP"),
    ],
)
def test_without_a_file_the_probe_says_where_there_is_one(id: str, where: str) -> None:
    """The error names the publication's repository."""
    result = run_probe(make_probe(id, {}), Disliking({}))

    assert "error" == result.status
    assert where in str(result.why)


@pytest.mark.parametrize(
    ("probe", "name", "text", "said"),
    [
        (Honest, "x.tsv", "template_masked\traw\tcategory\nno slot\tr\tfemale\n", r"x\.tsv:2: no \[M\] in 'no slot'"),
        (Bold, "x.json", "[]", r"x\.json: expected groups of pages of prompts"),
        (Bold, "x.json", '{"a": {"b": "text"}}', r"x\.json: expected groups of pages of prompts"),
        (HolisticBias, "x.json", '{"a": []}', r"x\.json: expected axes of buckets of descriptors"),
        (HolisticBias, "x.json", '{"a": {"b": [7]}}', r"x\.json: expected axes of buckets of descriptors"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, probe: Any, name: str, text: str, said: str) -> None:
    """The message says what was expected."""
    (tmp_path / name).write_text(text)

    with pytest.raises(DataError, match=said):
        probe(data=tmp_path / name)


def test_options_that_mean_nothing_are_refused() -> None:
    """Unknown groups and axes, another way of asking, and samples of nothing."""
    folder = texts_folder()
    with pytest.raises(UnknownName, match="birds"):
        Bold(data=folder / "pet_prompt.json", groups=("birds",))
    with pytest.raises(DataError, match="no axis 'colour'"):
        HolisticBias(data=folder / "descriptors.json", axes=("colour",))
    with pytest.raises(DataError, match=r"by: 'sight'"):
        HolisticBias(by="sight")
    for id, option in (("bias.bold", "samples"), ("bias.holistic-bias", "tokens"), ("bias.honest", "completions")):
        with pytest.raises(DataError, match=rf"suites\.{id}.*0"):
            make_probe(id, {option: 0})
    with pytest.raises(DataError, match="expected sentences"):
        read_sentences(folder / "pet_prompt.json")


def test_means_without_variance_keep_an_interval() -> None:
    """Ten clusters that are all alike are ten observations; clusters that agree by chance are all their values."""
    names = [f"c{place // 4}" for place in range(40)]
    alike = clustered_mean(np.ones(40), names, unit="share", design="cluster=page")
    even = clustered_mean(np.array([1.0, 0.0] * 20), names, unit="share", design="cluster=page")
    signed = clustered_mean(-np.ones(40), names, unit="share", design="cluster=page", signed=True)

    assert (((10, 10),), ((20, 40),), ((0, 10), (10, 10))) == (alike.counts, even.counts, signed.counts)
    member = np.array([place < 20 for place in range(40)])
    gap = clustered_difference(member.astype(np.float64), names, member, unit="share", design="cluster=page")
    assert ((5, 5), (0, 5)) == gap.counts
