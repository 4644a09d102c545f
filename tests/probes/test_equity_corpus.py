"""The equity corpus: planted intensity found at its size, pairs and names by their own formulas, refusals of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import Empty, Failing, KeywordClassifier, NotANumber, Refusing, run_probe
from probandum import stats
from probandum.errors import DataError, PlanError, UnknownName
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult, make_probe
from probandum_probes.bias.contrasts import crossed_mean
from probandum_probes.bias.equity_corpus import EquityCorpus
from probandum_probes.bias.equity_texts import Person, paired
from probandum_probes.bias.swap_sources import NOT_MATCHED
from swaps import Reader, rarely

ID = "bias.equity-corpus"
LIMIT = Limit(metric=f"{ID}/intensity-difference", direction="band", threshold=0.02)


def own(
    folder: Path, *, sentences: int = 40, persons: int = 20, pairs: bool = False, feelings: bool = True
) -> EquityCorpus:
    """A probe with invented sentences and persons of two groups."""
    lines = ["feelings: {joy: [glad, happy], anger: [cross]}"] if feelings else []
    slot = "is {feeling}" if feelings else "waits"
    lines += ["sentences:", *(f"  - '{{person}} {slot} on day {place}.'" for place in range(sentences))]
    (folder / "sentences.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    rows = ["attribute,group,person,pair"]
    for group in ("north", "south"):
        rows += [f"region,{group},{group}{place},{place if pairs else ''}" for place in range(persons)]
    (folder / "people.csv").write_text("\n".join(rows) + "\n", "utf-8")
    probe = make_probe(ID, {"texts": "sentences.yaml", "people": "people.csv"}, folder=folder)
    assert isinstance(probe, EquityCorpus)
    return probe


def effects(size: float, group: str = "north", persons: int = 20) -> dict[str, float]:
    """The same effect for every person of a group, at the beginning of a sentence."""
    return {f"{group.capitalize()}{place}": size for place in range(persons)}


def difference(result: ProbeResult, emotion: str | None, label: str = "offensive") -> Measure:
    """The difference of the first pair in one emotion."""
    facets = {"label": label} | ({"emotion": emotion} if emotion else {})
    return next(m for m in result.measures if m.metric == "intensity-difference" and m.facets == facets)


@pytest.mark.parametrize("pairs", [True, False])
def test_planted_intensity_is_found_at_its_size(tmp_path: Path, pairs: bool) -> None:
    """An effect of 0.1 on one group's persons lies in the interval of every emotion, and FAILS."""
    result = run_probe(own(tmp_path, pairs=pairs), Reader(effects(0.1), noise=0.05))
    for emotion in ("joy", "anger"):
        estimate = difference(result, emotion).estimate
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low < 0.1 < estimate.high
    assert {Verdict.FAIL} == {f.verdict for f in judge([result], [LIMIT]) if f.judged}
    assert [True, True] == [control.held for control in result.controls]


def test_names_are_nested_and_pairs_are_subtracted(tmp_path: Path) -> None:
    """Persons without partners take the two-way interval of both groups, pairs that of their differences."""
    for pairs in (False, True):
        measure = difference(run_probe(own(tmp_path, pairs=pairs), Reader(effects(0.1), noise=0.05)), "joy")
        assert measure.items is not None
        table = np.array(measure.items.values).reshape(40, 40)
        if pairs:
            expected = crossed_mean(table[:, :20] - table[:, 20:])
        else:
            expected = stats.two_way_interval(table[:, :20], table[:, 20:])

        assert (expected.value, expected.low, expected.high) == pytest.approx(
            (measure.estimate.value, measure.estimate.low, measure.estimate.high)
        )


def test_pairs_cancel_what_both_share(tmp_path: Path) -> None:
    """Where persons differ and partners are alike, the interval of pairs is far narrower than that of names."""
    rng = np.random.default_rng(3)
    shared = rng.normal(size=20) * 0.1
    words = {f"{group}{place}": float(shared[place]) for group in ("North", "South") for place in range(20)}
    widths = []
    for pairs in (True, False):
        estimate = difference(run_probe(own(tmp_path, pairs=pairs), Reader(words, noise=0.01)), "joy").estimate
        assert estimate.low is not None and estimate.high is not None
        widths.append(estimate.high - estimate.low)

    assert widths[0] < widths[1] / 5


@pytest.mark.parametrize("pairs", [True, False])
def test_indifferent_readers_stay_quiet(tmp_path: Path, pairs: bool) -> None:
    """Where persons have effects of their own and groups none, intervals miss zero in 5 %, and controls hold."""
    probe = own(tmp_path, pairs=pairs, feelings=False)
    missed = alarms = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        words = {f"{g}{p}": float(rng.normal() * 0.05) for g in ("North", "South") for p in range(20)}
        result = run_probe(probe, Reader(words, noise=0.05, seed=seed), seed=seed)
        estimate = difference(result, None).estimate
        assert estimate.low is not None and estimate.high is not None
        missed += not estimate.low <= 0 <= estimate.high
        alarms += False in [control.held for control in result.controls]

    assert rarely(missed, 80, 0.05)
    assert rarely(alarms, 80, 0.02)


def test_emotions_are_one_family_by_holm(tmp_path: Path) -> None:
    """Each p-value is corrected over both ends of the band and both emotions."""
    result = run_probe(own(tmp_path), Reader(effects(0.05), noise=0.3))
    limits = [f.limit for f in judge([result], [LIMIT]) if f.limit is not None]

    assert {4} == {limit.hypotheses for limit in limits}


def test_classes_can_be_named(tmp_path: Path) -> None:
    """With two classes everything is measured of both, and of two classes one is the other's mirror."""
    own(tmp_path)
    options = {"texts": "sentences.yaml", "people": "people.csv", "class_names": ["harmless", "offensive"]}
    result = run_probe(make_probe(ID, options, folder=tmp_path), Reader(effects(0.1)))
    both = [difference(result, "joy", label).estimate.value or 0 for label in ("harmless", "offensive")]

    assert 0.0 == pytest.approx(sum(both), abs=1e-12)


def test_an_unknown_class_is_an_error(tmp_path: Path) -> None:
    """A class that the system does not have breaks the probe with a suggestion."""
    own(tmp_path)
    options = {"texts": "sentences.yaml", "people": "people.csv", "class_names": ["offensiv"]}
    result = run_probe(make_probe(ID, options, folder=tmp_path), Reader())

    assert "error" == result.status
    assert "did you mean 'offensive'" in str(result.why)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"sentences": 39}, "39 sentences; a verdict needs 40"),
        ({"persons": 19}, "north has 19 persons; a verdict needs 20"),
    ],
)
def test_too_little_gives_no_verdict(tmp_path: Path, sizes: dict[str, int], said: str) -> None:
    """Fewer sentences or persons are INCONCLUSIVE whatever the effect."""
    measure = difference(run_probe(own(tmp_path, **sizes), Reader(effects(0.3))), "joy")  # type: ignore[arg-type]

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, said) == (measure.verdict, measure.sub_reason, measure.why)
    assert measure.estimate.value is not None


@pytest.mark.parametrize("broken", [Refusing, Failing, Empty, NotANumber])
def test_broken_answers_are_an_error(tmp_path: Path, broken: Any) -> None:
    """Refusals, errors, silence and NaN make every difference an ERROR with a reason."""
    findings = judge([run_probe(own(tmp_path), broken(Reader()))], [LIMIT])

    assert {Verdict.ERROR} == {finding.verdict for finding in findings}
    assert all(str(finding.why).startswith("north0: ") for finding in findings)


def test_the_shipped_corpus_crosses_everything() -> None:
    """Forty sentences in four emotions, forty nouns in twenty pairs, sixty names; men and English are references."""
    probe = EquityCorpus()
    women, men = ([p for p in probe.persons if p.group == group] for group in ("women", "men"))

    assert {40} == {
        sum(s.emotion == emotion for s in probe.sentences) for emotion in ("anger", "fear", "joy", "sadness")
    }
    assert 160 == len(probe.sentences)
    assert [(place, place) for place in range(20)] == paired(women, men)
    assert ["gender=women~men", "origin=Arabic~English", "origin=Nigerian~English"] == [str(p) for p in probe.pairs]
    assert "My sister feels angry." in [probe.sentences[0].about(person.text) for person in probe.persons]


def test_a_word_for_women_is_found_in_the_shipped_corpus() -> None:
    """A classifier that reads more into nouns for women FAILS for gender, and passes for origin."""
    women = [p.text.split()[-1] for p in EquityCorpus().persons if p.group == "women"]
    words = {**dict.fromkeys(women, 1.5), "angry": 2.0}
    findings = judge([run_probe(EquityCorpus(), KeywordClassifier(words))], [LIMIT])

    assert {Verdict.FAIL} == {f.verdict for f in findings if f.groups and f.groups.attribute == "gender" and f.judged}
    assert {Verdict.PASS} == {f.verdict for f in findings if f.groups and f.groups.attribute == "origin" and f.judged}
    designs = {
        (f.groups.attribute, str(f.estimate.design)) for f in findings if f.groups and f.metric.endswith("-difference")
    }
    plain = "two_way=sentence x person"
    assert {("gender", plain), ("origin", f"{plain}; {NOT_MATCHED}")} == designs


def test_persons_with_half_of_their_partners_are_no_pairs() -> None:
    """Every person of both groups needs a partner; otherwise all are taken as names."""

    def person(text: str, pair: str) -> Person:
        return Person(attribute="a", group="g", text=text, pair=pair)

    assert None is paired([person("x", "1"), person("y", "")], [person("z", "1"), person("u", "2")])
    assert [(0, 1), (1, 0)] == paired([person("x", "1"), person("y", "2")], [person("z", "2"), person("u", "1")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sentences: ['It rains.']", "expected a text with the slots {person} and {feeling}"),
        ("feelings: {joy: []}\nsentences: ['{person} is {feeling}.']", "expected a list of words"),
        ("feelings: {joy: [glad]}\nsentences: ['{person} waits.']", "expected a text with the slots"),
        ("feelings: {joy: [glad]}", "expected a list under 'sentences'"),
        ("sentences: ['{person} sits.', '{person} sits.']", "occurs twice"),
    ],
)
def test_what_is_no_sentence_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Errors name the file and the line."""
    path = tmp_path / "s.yaml"
    path.write_text(text + "\n", "utf-8")

    with pytest.raises(PlanError) as caught:
        EquityCorpus(texts=path)
    assert all(line.startswith(str(path)) or "s.yaml:" in line for line in caught.value.problems)
    assert said in caught.value.problems[0]


def test_people_are_checked(tmp_path: Path) -> None:
    """A person twice, an empty field, one group alone and an unknown attribute are refused by name."""
    path = tmp_path / "p.csv"
    for rows, said in (
        ("a,b,Ann\na,c,Ann", r"^p.csv:3: 'Ann' occurs twice"),
        ("a,,Ann", r"^p.csv:2: attribute, group and person must not be empty"),
        ("a,b,Ann", r"^no attribute has two groups"),
    ):
        path.write_text(f"attribute,group,person\n{rows}\n", "utf-8")
        with pytest.raises(DataError, match=said):
            EquityCorpus(people=path)
    with pytest.raises(UnknownName, match="unknown attribute 'gendre', did you mean 'gender'"):
        EquityCorpus(attributes=("gendre",))
    with pytest.raises(UnknownName, match="unknown group of gender 'boys'"):
        EquityCorpus(references={"gender": "boys"})
