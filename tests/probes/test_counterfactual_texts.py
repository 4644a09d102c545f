"""The smallest edits that turn the answer to a text: closed forms, properties, rounds, and what the probe says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explained_probes import WEIGHTS, held, texts_file
from fakes import KeywordClassifier, Scorer, credit_world, logistic, measured, run_probe
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import UsageError
from probandum.evidence import Floats, Request, Response
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult, make_probe
from probandum_probes.explain.counterfactual.counterfactuals import Counterfactuals
from probandum_probes.explain.counterfactual.text_search import EditedText, FoundTexts, text_counterfactuals
from probandum_probes.explain.counterfactual.texts import ExploredTexts, TextSearch, opened
from probandum_probes.explain.counterfactual.words import Edit, TextAnswers, Wording, edited
from probandum_probes.explain.texts import TextWorld, words_of

VALIDITY = Limit(metric="explain.counterfactuals/validity", direction="at_least", threshold=0.95)


def additive(
    weights: Mapping[str, float], *, bias: float = 0.0, together: Mapping[frozenset[str], float] | None = None
) -> TextAnswers:
    """P(toxic) by the weights of words, and of pairs of words that stand in a text ``together``."""

    def answers(texts: Sequence[str]) -> Floats:
        scores = []
        for text in texts:
            words = re.findall(r"\w+", text)
            pairs = combinations(sorted(set(words)), 2)
            more = sum((together or {}).get(frozenset(pair), 0.0) for pair in pairs)
            scores.append(bias + sum(weights.get(word, 0.0) for word in words) + more)
        toxic = logistic(np.array(scores))
        return np.column_stack([1 - toxic, toxic])

    return answers


def found(
    answers: TextAnswers, *texts: str, neutral: Sequence[str] = (), others: int = 0, **options: int
) -> FoundTexts:
    """The smallest edits of texts, by deleting alone unless more is said."""
    wording = Wording.of(answers, texts, texts, neutral=neutral, others=others)
    return text_counterfactuals(answers, texts, wording, **options)


def places(each: EditedText) -> list[int]:
    """The words that are changed."""
    return [edit.place for edit in each.edits]


# closed forms


@pytest.mark.parametrize(
    ("text", "needed"),
    [("you hate me", [1]), ("you stupid little idiot", [1, 3]), ("hate stupid idiot now", [0, 1, 2])],
)
def test_a_keyword_model_takes_the_keywords_that_are_needed(text: str, needed: list[int]) -> None:
    """One, two or three words of weight 3 over a bias of -2: all of them have to go."""
    answers = additive({"hate": 3.0, "stupid": 3.0, "idiot": 3.0}, bias=-2.0)
    (first, *others) = found(answers, text).of_text[0]

    assert needed == places(first)
    assert {""} == {edit.word for edit in first.edits}
    assert first.valid
    assert [] == others


def test_four_keywords_are_beyond_three_words() -> None:
    """Nothing is found, and it is said of how many words and asks."""
    answers = additive(dict.fromkeys("abcd", 3.0), bias=-2.0)
    result = found(answers, "a b c d e")

    assert ((),) == result.of_text
    assert str(result.why[0]).startswith("no edit of up to 3 of 5 words turns the answer, of ")


def test_a_word_of_another_text_is_put_in_the_same_place() -> None:
    """A clean text turns with the keyword that stands there elsewhere; its punctuation stays."""
    answers = additive({"hate": 3.0, "love": -1.0}, bias=-1.0)
    texts = ("I like you.", "I hate you.")
    wording = Wording.of(answers, texts[:1], texts, neutral=("something",), others=2)
    (first,) = text_counterfactuals(answers, texts[:1], wording).of_text[0]

    assert (Edit(1, "hate", 2),) == first.edits
    assert "I hate you." == first.text


def test_what_speaks_most_against_the_answer_is_tried_first() -> None:
    """Of the words of a place those with the largest weight, however few texts have them."""
    answers = additive({"bad": 1.0, "worse": 2.0, "worst": 3.0})
    seen = ["so bad", "so bad then", "so worse", "so worst", "so fine"]
    wording = Wording.of(answers, ["so fine"], seen, neutral=(), others=2)
    other = [edit.word for edit in wording.edits(("so ", "fine"), 0) if edit.kind == 2 and edit.place == 1]

    assert ["worst", "worse"] == other


def test_a_word_is_deleted_rather_than_replaced() -> None:
    """Where both turn the answer, the text without the word comes first, then the neutral word; a lone word is kept."""
    answers = additive({"idiot": 3.0}, bias=-1.0)
    texts = ("you idiot!", "you friend", "idiot!")
    result = found(answers, *texts, neutral=("something",), others=2)

    assert ((Edit(1, "", 0),), "you ") == (result.of_text[0][0].edits, result.of_text[0][0].text)
    assert ((Edit(0, "something", 1),), "something!") == (result.of_text[2][0].edits, result.of_text[2][0].text)


def test_the_same_text_is_found_once() -> None:
    """Either of two equal words may go, which makes one text; and no more of it is looked at."""
    answers = additive({"no": 1.0, "stop": 0.5}, bias=-1.9)
    result = found(answers, "no no stop")

    assert ["no stop"] == [each.text for each in result.of_text[0] if len(each.edits) == 1]
    assert len(result.of_text[0]) == len({each.text for each in result.of_text[0]})


def test_words_that_were_replaced_on_the_way_are_deleted_in_the_end() -> None:
    """Replacing two words comes nearer to another answer than deleting them, and deleting them suffices."""
    answers = additive({"hate": 3.0, "idiot": 3.0, "love": -0.5}, bias=-2.0)
    seen = ["you hate that idiot", "love love love love"]
    wording = Wording.of(answers, seen[:1], seen, neutral=(), others=3)
    (first, *_) = text_counterfactuals(answers, seen[:1], wording).of_text[0]

    assert (Edit(1, "", 0), Edit(3, "", 0)) == first.edits


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=9), st.floats(-2, 2))
@settings(max_examples=60, deadline=None)
def test_no_fewer_words_turn_an_additive_model(weights: list[float], bias: float) -> None:
    """By deleting alone: the words that carry the answer most, as few as turn it."""
    names = [f"w{place}" for place in range(len(weights))]
    answers = additive(dict(zip(names, weights, strict=True)), bias=bias)
    result = found(answers, " ".join(names))
    toxic = answers([" ".join(names)])[0].argmax() == 1
    carried = sorted((weight if toxic else -weight for weight in weights), reverse=True)
    whole = bias + sum(weights) if toxic else -bias - sum(weights)
    left = [whole - sum(carried[:count]) for count in (1, 2, 3)]
    fewest = next((count for count, score in enumerate(left, 1) if score < -1e-9), None)

    if fewest is not None:
        assert fewest >= len(result.of_text[0][0].edits)
    elif min(left) > 1e-9:
        assert ((),) == result.of_text


# properties

WORDS = [f"w{number}" for number in range(8)]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[TextAnswers, list[str]]:
    """Texts of up to seven of eight words, and a model that heeds words and pairs of them."""
    weights = dict(zip(WORDS, draw(st.lists(st.floats(-2, 2), min_size=8, max_size=8)), strict=True))
    pairs = draw(st.dictionaries(st.frozensets(st.sampled_from(WORDS), min_size=2, max_size=2), st.floats(-4, 4)))
    texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)
    answers = additive(weights, bias=draw(st.floats(-2, 2)), together=pairs)
    return answers, draw(st.lists(texts, min_size=1, max_size=4, unique=True))


@given(worlds(), st.integers(1, 3), st.sampled_from([30, 100, 10_000]))
@settings(max_examples=80, deadline=None)
def test_every_edit_turns_the_answer_and_no_part_of_it_does(
    world: tuple[TextAnswers, list[str]], wanted: int, most: int
) -> None:
    """Asked one by one, whatever pairs of words do together; no set of words holds another, and budgets are kept."""
    answers, texts = world
    result = found(answers, *texts, neutral=("plain",), others=2, wanted=wanted, most=most)
    for text, label, own in zip(texts, result.labels, result.of_text, strict=True):
        for each in own:
            assert each.valid
            assert each.text == edited(words_of(text), each.edits)
            assert label != answers([each.text])[0].argmax() == each.label
            for count in range(1, len(each.edits)):
                for part in combinations(each.edits, count):
                    less = edited(words_of(text), part)
                    assert not less.strip() or label == answers([less])[0].argmax()
        sets = [frozenset(places(each)) for each in own]
        assert not any(first < second for first in sets for second in sets)
        assert len(own) <= wanted
    assert max(result.asked) <= most


@given(worlds())
@settings(max_examples=30, deadline=None)
def test_texts_do_not_matter_to_each_other(world: tuple[TextAnswers, list[str]]) -> None:
    """The same edits are found for a text alone."""
    answers, texts = world
    wording = Wording.of(answers, texts, texts, neutral=("plain",), others=2)
    together = text_counterfactuals(answers, texts, wording)

    assert list(together.of_text) == [text_counterfactuals(answers, [text], wording).of_text[0] for text in texts]


# rounds


def test_all_texts_share_few_rounds_and_no_text_is_asked_twice() -> None:
    """The whole texts, one round a number of words, one to make sets smaller, and one to ask again."""
    rounds: list[tuple[str, ...]] = []
    system = additive(WEIGHTS, bias=-0.5)

    def answers(texts: Sequence[str]) -> Floats:
        rounds.append(tuple(texts))
        return system(texts)

    names = list(WEIGHTS)
    texts = [" ".join(np.random.default_rng(seed).permutation(names)[:8]) for seed in range(40)]
    result = found(answers, *texts)
    asked = [text for each in rounds[:-1] for text in each]

    assert 7 >= len(rounds)
    assert len(set(asked)) == len(asked)
    assert sum(result.asked) >= len(asked)


# the probe


def probe(folder: Path, **options: Any) -> Counterfactuals:
    """The probe of 130 texts."""
    return Counterfactuals(texts=texts_file(folder), **options)


def value(result: ProbeResult, metric: str) -> float:
    """An estimate's number."""
    said = measured(result, metric).estimate.value

    assert said is not None
    return said


def judged(result: ProbeResult) -> tuple[Verdict, SubReason | None]:
    """What the judge says of validity."""
    (finding,) = [each for each in judge([result], [VALIDITY]) if each.limit is not None]
    return finding.verdict, finding.sub_reason


def test_a_keyword_classifier_passes(tmp_path: Path) -> None:
    """Every text of a closed vocabulary can be turned; figures are those of the smallest edits, items make them up."""
    system = KeywordClassifier(WEIGHTS, bias=0.2)
    own = probe(tmp_path)
    result = run_probe(own, system)
    ask = Asker(system, seed=1).for_probe("explain.counterfactuals")
    looked = own.explored_texts(ask, *opened(ask, own.of_texts), own.of_texts)
    edits = np.array([len(each[0].edits) for each in looked.found.of_text], dtype=np.float64)
    items = measured(result, "validity").items

    assert [True, True] == held(result)
    assert (Verdict.PASS, None) == judged(result)
    assert ["validity", "sparsity", "edit-rate"] == [each.metric for each in result.measures]
    assert edits.mean() == pytest.approx(value(result, "sparsity"))
    assert (edits / looked.found.words).mean() == pytest.approx(value(result, "edit-rate"))
    assert items is not None
    assert value(result, "validity") == pytest.approx(value_of(items))
    assert "natural the edited texts read was not measured" in str(measured(result, "edit-rate").estimate.design)


def test_few_texts_allow_no_verdict(tmp_path: Path) -> None:
    """99 are one too few."""
    result = run_probe(probe(tmp_path, inputs=99), KeywordClassifier(WEIGHTS))

    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == judged(result)
    assert "99 texts; a verdict needs 100" == measured(result, "validity").why


def test_what_nothing_turns_has_no_valid_edit(tmp_path: Path) -> None:
    """A classifier that says the same of every text FAILs, and nothing is said of words."""
    result = run_probe(probe(tmp_path, changes=1), KeywordClassifier({}))

    assert (Verdict.FAIL, None) == judged(result)
    assert 0.0 == value(result, "validity")
    assert "none found for 130" in str(measured(result, "validity").estimate.design)
    assert measured(result, "sparsity").estimate.value is None


def test_a_system_that_answers_by_chance_fails_the_control(tmp_path: Path) -> None:
    """Texts that stay as they are turn, so that nothing may be concluded."""

    class Fickle(KeywordClassifier):
        """Answers the same text otherwise each time."""

        times = 0

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """Turned every other time."""
            self.times += 1
            found = super().answer(requests)
            return found if self.times % 2 else [Response(outputs=e.values[:, ::-1], labels=e.labels) for e in found]

    result = run_probe(probe(tmp_path, inputs=20, changes=1), Fickle(WEIGHTS))

    assert False in held(result)
    assert {Verdict.ERROR} == {each.verdict for each in judge([result], [VALIDITY]) if each.mode == "gate"}


def test_a_search_that_gives_up_early_fails_the_control(tmp_path: Path) -> None:
    """Of planted keywords the smallest edits are known, and those of two words are not found."""

    class Hasty(Counterfactuals):
        """Looks at edits of one word alone."""

        def explored_texts(self, ask: Ask, world: TextWorld, seen: Sequence[str], search: TextSearch) -> ExploredTexts:
            """What is found of one word."""
            return super().explored_texts(ask, world, seen, replace(search, changes=1))

    result = run_probe(Hasty(texts=texts_file(tmp_path), inputs=20), KeywordClassifier(WEIGHTS))

    assert [True, False] == held(result)
    assert "of 60 texts whose smallest edits are known 30 come out otherwise" == result.controls[1].detail


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"immutable": ["sex"]}, "suites.explain.counterfactuals.immutable: names columns of rows, and this system"),
        ({"increase_only": ["age"]}, "suites.explain.counterfactuals.increase_only: names columns of rows"),
    ],
)
def test_columns_mean_nothing_to_a_classifier_of_texts(options: dict[str, Any], message: str) -> None:
    """They are refused in one line, and never ignored."""
    result = run_probe(make_probe("explain.counterfactuals", options), KeywordClassifier())

    assert ("error", ()) == (result.status, result.measures)
    assert message in str(result.why)


def test_texts_mean_nothing_to_a_model_of_rows(tmp_path: Path) -> None:
    """A file of texts is refused there."""
    result = run_probe(probe(tmp_path), Scorer(), credit_world(300))

    assert "error" == result.status
    assert "suites.explain.counterfactuals.texts: names texts, and this system reads rows" in str(result.why)


@pytest.mark.parametrize("word", ["", "no one"])
def test_a_neutral_word_is_one_word(word: str) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match="is no single word"):
        make_probe("explain.counterfactuals", {"neutral": [word]})
