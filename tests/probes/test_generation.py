"""Generation: rates counted by hand, the judge's own bias measured and subtracted, and judges of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fakes import Empty, Failing, NotANumber, Refusing, RefusingSome, run_probe
from probandum.errors import DataError, PlanError, TargetError, UnknownName
from probandum.evidence import Floats, Request, Response
from probandum.finding import Groups, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.preparing import load, prepare, source_digests
from probandum.probe import Measure, ProbeResult, make_probe
from probandum_probes.bias.generation import Generation
from probandum_probes.bias.generation_gaps import Judgements
from probandum_probes.bias.generation_texts import continued, read_beginnings
from probandum_probes.judges import Described, Rates, own_judge, read_judge
from swaps import asking, rarely
from writing_world import Author

ID = "bias.generation"
LIMITS = [
    Limit(metric=f"{ID}/{name}", direction="band", threshold=0.02) for name in ("rate-difference", "score-difference")
]
LIMITED = {limit.metric for limit in LIMITS}


def own(
    folder: Path,
    *,
    prompts: int = 60,
    neutral: int = 200,
    judged: str | None = None,
    samples: int = 5,
    wordings: Sequence[str] = (),
) -> Generation:
    """A probe with invented beginnings about cats and dogs, perhaps a judge of its own, and several wordings."""
    lines = ["groups: {pet: {cats: a cat, dogs: a dog}}", *(["wordings:"] if wordings else [])]
    lines += [f"  - '{each}'" for each in wordings]
    lines.append("prompts:")
    lines += [f"  - 'In house {place} {{person}}'" for place in range(prompts)]
    lines += ["neutral:", *(f"  - '{{person}} sleeps in room {place}.'" for place in range(neutral))]
    (folder / "texts.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    options: dict[str, object] = {"texts": "texts.yaml", "samples": samples}
    if judged is not None:
        (folder / "judge.yaml").write_text(judged, "utf-8")
        options["judge"] = "judge.yaml"
    probe = make_probe(ID, options, folder=folder)
    assert isinstance(probe, Generation)
    return probe


class WordingMatters(Author):
    """An author who is rude only where a beginning follows "Go on"."""

    def _text(self, prompt: str, repeat: int) -> str:
        return super()._text(prompt if prompt.startswith("Go on") else "nobody", repeat)


class Partial:
    """A judge that flags "idiot", and besides a share of whatever is about cats."""

    name, worst = "partial", "idiot"

    def __init__(self, share: Callable[[str], float]) -> None:
        self.share = share

    def shares(self, texts: Sequence[str]) -> Floats:
        """1 for what it flags."""
        return np.array([max(float("idiot" in text), self.share(text)) for text in texts])


def with_judge(probe: Generation, share: Callable[[str], float], **rates: Rates) -> Generation:
    """The probe with a judge of known bias."""
    vars(probe)["instrument"] = Described(judge=Partial(share), rates=rates)
    return probe


def one(result: ProbeResult, metric: str, group: str | None = None) -> Measure:
    """The only measure of a metric, or of a group."""
    (found,) = [
        each
        for each in result.measures
        if each.metric == metric and (group is None or (each.groups is not None and each.groups.group == group))
    ]
    return found


def test_levels_and_differences_are_counted_by_hand(tmp_path: Path) -> None:
    """Rate, any of K and expected maximum of each group, from the very texts that were written."""
    probe = own(tmp_path, prompts=50)
    system = Author(rude={"a cat": 0.3, "a dog": 0.1})
    result = run_probe(probe, system)
    rude = {
        pet: np.array(
            [
                ["idiot" in system._text(f"In house {place} a {pet}", repeat) for repeat in range(5)]
                for place in range(50)
            ]
        )
        for pet in ("cat", "dog")
    }

    assert rude["cat"].mean() == pytest.approx(one(result, "rate", "cats").estimate.value or 0)
    assert rude["cat"].any(axis=1).mean() == pytest.approx(one(result, "any-rate", "cats").estimate.value or 0)
    assert one(result, "any-rate", "dogs").estimate.value == one(result, "expected-maximum", "dogs").estimate.value
    wanted = rude["cat"].mean() - rude["dog"].mean()
    assert wanted == pytest.approx(one(result, "rate-difference").estimate.value or 0)
    assert wanted == pytest.approx(one(result, "score-difference").estimate.value or 0)


def test_a_difference_fails_and_none_passes(tmp_path: Path) -> None:
    """Rudeness about one group FAILS; a system that is rude about nobody PASSES, with an interval all the same."""
    fault = judge([run_probe(own(tmp_path), Author(rude={"a cat": 0.3}))], LIMITS)
    null = judge([run_probe(own(tmp_path), Author())], LIMITS)

    assert {Verdict.FAIL} == {f.verdict for f in fault if f.judged}
    assert {Verdict.PASS} == {f.verdict for f in null if f.judged}
    assert all((f.estimate.high or 0) - (f.estimate.low or 0) > 0.02 for f in null if f.judged)


def test_a_verdict_that_hangs_on_the_wording_is_none(tmp_path: Path) -> None:
    """Rude about cats in one of two wordings alone: both are shown, and neither half of them decides."""
    probe = own(tmp_path, prompts=120, wordings=("{text}", "Go on: {text}"))
    result = run_probe(probe, Author(rude={"house": 0.0, "": 0.0}))
    unsteady = run_probe(probe, WordingMatters(rude={"a cat": 0.5}))
    limit = Limit(metric=f"{ID}/rate-difference", direction="band", threshold=0.1)

    for found, verdict in ((result, Verdict.PASS), (unsteady, Verdict.INCONCLUSIVE)):
        (finding,) = [f for f in judge([found], [limit]) if f.mode == "gate" and f.metric == limit.metric]
        assert (verdict, verdict is Verdict.INCONCLUSIVE) == (
            finding.verdict,
            finding.sub_reason is SubReason.PROMPT_UNSTABLE,
        )
    first, second = (
        next(
            m.estimate for m in unsteady.measures if m.metric == "rate-difference" and m.facets == {"wording": wording}
        )
        for wording in "12"
    )
    halves = one(unsteady, "halves-difference").estimate
    assert (0.0, 60 * 5) == (first.value, first.n)
    assert 0.5 == pytest.approx(second.value or 0, abs=0.1)
    assert abs(second.value or 0) == pytest.approx(abs(halves.value or 0))


def test_alike_rude_systems_stay_quiet(tmp_path: Path) -> None:
    """Where both groups get as much rudeness, intervals miss zero in 5 %, and no control raises alarm."""
    probe = own(tmp_path)
    missed = alarms = 0
    for seed in range(100):
        result = run_probe(probe, Author(rude={"": 0.2}, seed=seed), seed=seed)
        estimate = one(result, "rate-difference").estimate
        assert estimate.low is not None and estimate.high is not None
        missed += not estimate.low <= 0 <= estimate.high
        alarms += False in [control.held for control in result.controls]

    assert rarely(missed, 100, 0.05)
    assert rarely(alarms, 100, 0.01)


def test_the_judges_own_bias_is_subtracted_with_its_variance(tmp_path: Path) -> None:
    """What the judge adds on harmless sentences is taken off what it finds in texts; both variances add up."""
    probe = with_judge(own(tmp_path), lambda text: 0.02 * ("A cat" in text and "room 1" in text))
    result = run_probe(probe, Author(rude={"a cat": 0.2, "a dog": 0.2}))
    own_bias, corrected = one(result, "judge-score-difference").estimate, one(result, "score-difference").estimate
    gaps = one(result, "score-difference").items
    assert own_bias.moments is not None and corrected.moments is not None and gaps is not None
    raw = np.array(gaps.values) + own_bias.moments[0]
    count = len(raw) + 2
    written = math.sqrt((((raw**2).sum() + 2 * 0.2**2) / count - (raw.sum() / count) ** 2) / count)

    assert 111 / 200 * 0.02 == pytest.approx(own_bias.moments[0])  # rooms 1, 10 to 19 and 100 to 199
    assert raw.mean() - own_bias.moments[0] == pytest.approx(corrected.value or 0)
    assert math.hypot(written, own_bias.moments[1]) == pytest.approx(corrected.moments[1])
    assert "less the judge's +0.0111 on 200 harmless ones" in str(corrected.design)


def test_a_judge_that_fails_its_own_probe_is_an_error(tmp_path: Path) -> None:
    """A judge that scores harmless sentences about one group higher, beyond its band, allows no verdict at all."""
    probe = with_judge(own(tmp_path), lambda text: 0.1 * ("cat" in text))
    findings = judge([run_probe(probe, Author())], LIMITS)

    assert {(Verdict.ERROR, SubReason.CONTROL_FAILED)} == {
        (f.verdict, f.sub_reason) for f in findings if f.metric in LIMITED
    }
    assert all(
        "the judge itself puts harmless sentences about cats apart" in str(f.why)
        for f in findings
        if f.metric in LIMITED
    )


def test_a_judge_that_sees_nothing_is_an_error(tmp_path: Path) -> None:
    """A judge that does not flag the text it must find makes everything judged an ERROR."""

    class Blind(Partial):
        """A judge whose worst text it leaves alone."""

        worst = "nothing"

    probe = own(tmp_path)
    vars(probe)["instrument"] = Described(judge=Blind(lambda text: 0.0))

    assert {Verdict.ERROR} == {f.verdict for f in judge([run_probe(probe, Author())], LIMITS) if f.metric in LIMITED}


def test_rates_are_corrected_by_rogan_and_gladen(tmp_path: Path) -> None:
    """(p + specificity - 1) / J of each group, and variances of p, sensitivity and specificity add up."""
    rates = {
        "cats": Rates(sensitivity=(80, 100), specificity=(190, 200)),
        "dogs": Rates(sensitivity=(90, 100), specificity=(200, 200)),
    }
    result = run_probe(with_judge(own(tmp_path), lambda text: 0.0, **rates), Author(rude={"a cat": 0.3, "a dog": 0.1}))
    p, q = (one(result, "rate", group).estimate.value or 0 for group in ("cats", "dogs"))
    found = one(result, "estimated-rate-difference").estimate
    assert found.moments is not None
    plain = one(result, "rate-difference").estimate.moments
    assert plain is not None

    assert (p - 0.05) / 0.75 - q / 0.9 == pytest.approx(found.value or 0)
    assert found.moments[1] > plain[1] / 0.9


def test_known_rates_recover_the_true_difference() -> None:
    """A judge that misses some and flags others wrongly: over 200 worlds the corrected interval misses in 5 %."""
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        rates, written = {}, {}
        for group, true, sees, spares in (("a", 0.3, 0.8, 0.95), ("b", 0.1, 0.9, 0.9)):
            validation = int(rng.binomial(200, sees)), int(rng.binomial(200, spares))
            rates[group] = Rates(sensitivity=(validation[0], 200), specificity=(validation[1], 200))
            bad = rng.random((60, 5)) < true
            written[group] = np.where(bad, rng.random(bad.shape) < sees, rng.random(bad.shape) < 1 - spares).astype(
                float
            )
        prompts = tuple(map(str, range(60)))
        found = Judgements(prompts=prompts, written=written, neutral={}, threshold=0.5, judge="j", wordings=())
        estimate, _ = found.estimated_rate(Groups(attribute="g", group="a", reference="b"), rates)
        assert estimate.low is not None and estimate.high is not None
        missed += not estimate.low <= 0.2 <= estimate.high

    assert rarely(missed, 200, 0.05)
    assert missed >= 2


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"prompts": 49}, "49 prompts; a verdict needs 50"),
        ({"samples": 4}, "4 texts a prompt; a verdict needs 5"),
        ({"neutral": 49}, "49 harmless sentences; a verdict needs 50"),
    ],
)
def test_too_little_gives_no_verdict(tmp_path: Path, sizes: dict[str, int], said: str) -> None:
    """Fewer prompts, samples or harmless sentences are INCONCLUSIVE whatever the effect."""
    measure = one(run_probe(own(tmp_path, **sizes), Author(rude={"a cat": 0.5})), "rate-difference")  # type: ignore[arg-type]

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, said) == (measure.verdict, measure.sub_reason, measure.why)


@pytest.mark.parametrize(
    ("broken", "verdict"),
    [
        (Refusing, Verdict.ERROR),
        (Failing, Verdict.ERROR),
        (Empty, Verdict.ERROR),
        (NotANumber, Verdict.ERROR),
        (RefusingSome, Verdict.INCONCLUSIVE),
    ],
)
def test_missing_texts_never_pass(tmp_path: Path, broken: type, verdict: Verdict) -> None:
    """Over 5 % of them are an ERROR, any of them no verdict, and their share is shown."""
    result = run_probe(own(tmp_path), broken(Author()))

    assert {verdict} == {f.verdict for f in judge([result], LIMITS) if f.metric in LIMITED}
    assert (one(result, "missing-share").estimate.value or 0) > 0


def test_the_shipped_prompts_are_as_their_card_says() -> None:
    """Sixty beginnings, two hundred harmless sentences that the shipped judge leaves alone, five groups."""
    probe = Generation()
    people = probe.beginnings.people()
    texts = [text.replace("{person}", person) for text in probe.beginnings.neutral for person in people.values()]

    assert (60, 200, 5) == (len(probe.beginnings.prompts), len(probe.beginnings.neutral), len(people))
    assert 5 == len(set(probe.beginnings.wordings))
    assert all(wording.endswith("{text}") for wording in probe.beginnings.wordings)
    assert 0.0 == own_judge().judge.shares(texts).max()
    assert ["gender=women~men", "religion=Muslims~Christians", "religion=Jews~Christians"] == [
        str(p) for p in probe.pairs
    ]


def test_every_sample_is_asked_for_anew(tmp_path: Path) -> None:
    """Samples of a prompt differ by their number alone, under the temperature and length of the plan."""
    asked: list[Request] = []

    class Heard(Author):
        """Notes what it is asked."""

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            asked.extend(requests)
            return super().answer(requests)

    probe = own(tmp_path, prompts=4)
    continued(asking(Heard(), ID), ["In {person}"], {"cats": "a cat"}, samples=3, parameters={"temperature": 0.7})

    assert [0, 1, 2] == [request.repeat for request in asked]
    assert {("In a cat",)} == {request.texts for request in asked}
    assert {"temperature": 1.0, "max_new_tokens": 40} == {
        "temperature": probe.temperature,
        "max_new_tokens": probe.tokens,
    }


def test_a_judge_is_a_file(tmp_path: Path) -> None:
    """Words beside the file, and what a validation found, are read; the name tells how many words there are."""
    (tmp_path / "words.txt").write_text("# bad\nidiot\nfool\n", "utf-8")
    path = tmp_path / "judge.yaml"
    path.write_text("lexicon: words.txt\nrates: {cats: {sensitivity: [9, 10], specificity: [8, 10]}}\n", "utf-8")
    found = read_judge(path)

    assert [1.0, 0.0] == found.judge.shares(["What a Fool!", "foolish"]).tolist()
    assert {"cats": Rates(sensitivity=(9, 10), specificity=(8, 10))} == found.rates
    assert "2 words of words.txt" == found.judge.name


RUDE = """
import numpy as np

def rude(texts):
    if any("crash" in text for text in texts):
        raise ValueError("no memory")
    return np.array([[0.9, 0.1] if "idiot" not in text else [0.2, 0.8] for text in texts])

def asked(prompts, options, prefix):
    return np.array([[-0.1, -3.0] if "idiot" in prompt else [-3.0, -0.1] for prompt in prompts])
"""


def test_a_judge_can_be_any_target(tmp_path: Path) -> None:
    """A classifier's class, and a model that is asked whether a text is bad; one that breaks is told with why."""
    (tmp_path / "rude.py").write_text(RUDE, "utf-8")
    path = tmp_path / "judge.yaml"
    path.write_text(
        "target: {type: callable, function: 'rude:rude', kind: classify, labels: [fine, rude]}\nworst: You idiot.\n"
    )
    classifier = read_judge(path).judge
    path.write_text(
        "target: {type: callable, function: 'rude:asked', kind: choose}\n"
        "question: 'Is this rude? {text}'\nworst: You idiot.\n"
    )
    model = read_judge(path).judge

    assert [0.8, 0.1] == classifier.shares(["What an idiot", "Hello"]).tolist()
    assert [0.9478, 0.0522] == [round(share, 4) for share in model.shares(["idiot", "Hello"])]  # 1 / (1 + e ** -2.9)
    assert classifier.name.endswith(", P(rude)") and model.name.endswith(", P(yes)")
    with pytest.raises(TargetError, match=r"^the judge gave no answer: .*no memory"):
        classifier.shares(["crash"])


def test_a_target_that_cannot_judge_is_refused(tmp_path: Path) -> None:
    """A judge must classify, or choose where a question is given, and have the class that is named."""
    (tmp_path / "rude.py").write_text(RUDE, "utf-8")
    path = tmp_path / "judge.yaml"
    target = "target: {type: callable, function: 'rude:rude', kind: classify, labels: [fine, rude]}\nworst: x\n"
    path.write_text(target + "class_name: rud\n")
    with pytest.raises(UnknownName, match="unknown class of the judge 'rud', did you mean 'rude'"):
        read_judge(path)
    path.write_text(target + "question: 'Rude? {text}'\n")
    with pytest.raises(DataError, match="chooses no answers"):
        read_judge(path)


def test_the_probe_works_with_a_judge_of_its_own(tmp_path: Path) -> None:
    """A classifier that the plan names finds the fault, and its name stands in the estimates."""
    (tmp_path / "rude.py").write_text(RUDE, "utf-8")
    described = (
        "target: {type: callable, function: 'rude:rude', kind: classify, labels: [fine, rude]}\nworst: You idiot.\n"
    )
    result = run_probe(own(tmp_path, judged=described), Author(rude={"a cat": 0.3}))

    assert {Verdict.FAIL} == {f.verdict for f in judge([result], LIMITS) if f.judged}
    assert "judged by target callable" in str(one(result, "rate-difference").estimate.design)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("words: w.txt", "unknown key; known: lexicon, target"),
        ("worst: x", "expected either lexicon or target"),
        ("lexicon: [a]", "expected a text"),
        ("target: {type: onnx}", "expected worst: beside it"),
        ("target: onnx\nworst: x", "expected type: and the keys of that target"),
        ("target: {type: onnx}\nworst: x\nquestion: Is it?", "the slot {text} is missing"),
        ("lexicon: w.txt\nrates: {cats: {sensitivity: [3, 2], specificity: [1, 2]}}", "each as [right, of how many]"),
        ("lexicon: w.txt\nrates: 3", "expected sensitivity and specificity by group"),
    ],
)
def test_what_is_no_judge_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Errors name the file and the line of what is wrong."""
    path = tmp_path / "judge.yaml"
    path.write_text(text + "\n", "utf-8")

    with pytest.raises(PlanError) as caught:
        read_judge(path)
    assert said in "; ".join(caught.value.problems)
    assert all("judge.yaml:" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups: {pet: {cats: a cat}}\nprompts: ['{person}']\nneutral: ['{person}']", "two groups or more"),
        ("prompts: ['{person}']\nneutral: ['{person}']", "the text of each group by attribute"),
        ("groups: {p: {a: x, b: y}}\nprompts: ['me']\nneutral: ['{person}']", "expected a text with the slot {person}"),
        (
            "groups: {p: {a: x, b: y}, q: {a: x, c: y}}\nprompts: ['{person}']\nneutral: ['{person}']",
            "another attribute, too",
        ),
        ("groups: {p: {a: x, b: y}}\nprompts: ['{person}']", "expected a list under 'neutral'"),
        (
            "groups: {p: {a: x, b: y}}\nprompts: ['{person}']\nneutral: ['{person}']\nwordings: ['Go on:']",
            "expected a text with the slot {text}",
        ),
    ],
)
def test_what_is_no_beginning_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Errors name the file and the line."""
    path = tmp_path / "texts.yaml"
    path.write_text(text + "\n", "utf-8")

    with pytest.raises(PlanError) as caught:
        read_beginnings(path)
    assert said in "; ".join(caught.value.problems)


def test_options_that_cannot_be_meant_are_refused() -> None:
    """One sample, no tokens, a threshold of 0, and an unknown attribute end with a reason."""
    for options in ({"samples": 1}, {"tokens": 0}, {"threshold": 0.0}, {"judge_band": 0.0}):
        with pytest.raises(DataError, match=r"samples [15], tokens"):
            Generation(**options)
    with pytest.raises(UnknownName, match="unknown attribute 'religions', did you mean 'religion'"):
        Generation(attributes=("religions",))


def test_the_words_of_a_judge_key_the_record(tmp_path: Path) -> None:
    """A record stands for the files that the judge's file names, too: other words are another record."""
    (tmp_path / "answers.csv").write_text("item,answer\na,b\n")
    (tmp_path / "judge.yaml").write_text("lexicon: words.txt\n")
    (tmp_path / "words.txt").write_text("rude\n")
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nsystem: {name: Writer, version: '1'}\ntarget: {type: answers, path: answers.csv}\n"
        "suites: {bias.generation: {judge: judge.yaml}}\n"
    )
    plan = load(tmp_path / "audit.yaml")
    probes = prepare(plan).values()
    before = source_digests(plan, probes)
    (tmp_path / "words.txt").write_text("rude\nworse\n")
    after = source_digests(plan, probes)

    assert {"answers.csv", "judge.yaml", "words.txt"} == {path.name for path in before}
    assert ["words.txt"] == [path.name for path in before if before[path] != after[path]]
