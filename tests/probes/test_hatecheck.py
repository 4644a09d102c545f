"""HateCheck: counted by hand and against a second count of the public file, planted misses, and refusals of files."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from fakes import Empty, Failing, KeywordClassifier, NotANumber, Refusing, run_probe
from hatecheck_world import OWNERS, case_rows, recorded_cases, write_cases
from paths import ROOT, test_data
from probandum import api
from probandum.errors import DataError
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.plan import Plan
from probandum.probe import Measure, ProbeResult
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.hatecheck import HateCheck
from probandum_probes.bias.paired_means import paired_moments
from swaps import Reader, rarely

ID = "bias.hatecheck"
DIFFERENCE = Limit(metric=f"{ID}/target-accuracy-difference", direction="band", threshold=0.2)
ACCURACY = Limit(metric=f"{ID}/functionality-accuracy", direction="at_least", threshold=0.8)
#: A classifier of the public file that is right often enough: words that stand in many hateful templates.
WEIGHTS = {"hate": 4.0, "disgusting": 4.0, "kill": 4.0, "fucking": 4.0, "scum": 4.0, "women": -2.0, "muslims": 3.0}


def probe(folder: Path, templates: int = 25) -> HateCheck:
    """The probe with invented cases."""
    return HateCheck(data=write_cases(folder / "cases.csv", case_rows(templates)))


def one(result: ProbeResult, metric: str, **facets: str) -> Measure:
    """The only measure of a metric without groups and with these facets."""
    (found,) = [each for each in result.measures if each.metric == metric and dict(each.facets) == facets]
    return found


def pair(result: ProbeResult, target: str, texts: str) -> Measure:
    """The difference of one group in one kind of texts."""
    (found,) = [
        each
        for each in result.measures
        if each.metric == "target-accuracy-difference"
        and each.groups is not None
        and each.groups.group == target
        and each.facets == {"texts": texts}
    ]
    return found


def test_accuracies_are_counted_by_hand(tmp_path: Path) -> None:
    """A word that hides rudeness about one of four owners: a quarter of rude cases is missed, and no other."""
    result = run_probe(probe(tmp_path), KeywordClassifier({"stupid": 3.0, "cat": -5.0}))

    assert 0.75 == one(result, "functionality-accuracy", functionality="rude_plain_h").estimate.value
    assert 1.0 == one(result, "functionality-accuracy", functionality="praise_nh").estimate.value
    assert 200 / 225 == pytest.approx(one(result, "accuracy").estimate.value or 0)
    assert -1.0 == pair(result, "cat owners", "hateful").estimate.value
    assert 1 / 3 == pytest.approx(pair(result, "dog owners", "hateful").estimate.value or 0)
    assert 0.0 == pair(result, "cat owners", "harmless").estimate.value


def test_missed_hate_and_false_alarms_are_told_apart(tmp_path: Path) -> None:
    """A word that turns praise of one group rude harms its harmless texts alone."""
    result = run_probe(probe(tmp_path), KeywordClassifier({"stupid": 3.0, "fish": 3.0}))
    failed = {
        (f.groups.group, f.facets["texts"])
        for f in judge([result], [DIFFERENCE])
        if f.groups is not None and f.verdict is Verdict.FAIL and (f.estimate.value or 0) < 0
    }

    assert {("fish owners", "harmless")} == failed


def test_cases_that_all_come_out_right_are_bounded_by_their_templates(tmp_path: Path) -> None:
    """25 templates about four owners are 25 trials, not 100; 1 - 0.025 ** (1 / 25) may be wrong all the same."""
    estimate = one(
        run_probe(probe(tmp_path), KeywordClassifier()), "functionality-accuracy", functionality="rude_plain_h"
    ).estimate

    assert (((25, 25),), 100, 25) == (estimate.counts, estimate.n, estimate.n_effective)
    assert 0.025 ** (1 / 25) == pytest.approx(estimate.low or 0)


def test_rare_mistakes_have_bounds_that_shares_can_have(tmp_path: Path) -> None:
    """Two of 25 templates of one case each are Wilson's; three of 100 in 25 templates the logit.s."""
    system = recorded_cases()
    for case in ("c0", "c1", "c5"):
        system.answered[case] = "non-hateful"
    for case in ("c200", "c201"):
        system.answered[case] = "hateful"
    result = run_probe(probe(tmp_path), system)
    single, several = (
        one(result, "functionality-accuracy", functionality=name).estimate for name in ("object_nh", "rude_plain_h")
    )

    assert ("wilson", ((23, 25),)) == (single.method, single.counts)
    assert "cr2-logit" == several.method
    assert pytest.approx(0.97) == several.value
    assert several.low is not None and several.high is not None and 0.9 > several.low and several.high < 1


def test_answers_in_other_words_are_read_and_counted(tmp_path: Path) -> None:
    """What classifiers are recorded with beside the published labels counts, and its share is shown."""
    system = recorded_cases()
    hateful = [case for case, said in system.answered.items() if said == "hateful"]
    harmless = [case for case, said in system.answered.items() if said != "hateful"]
    words = (
        ("True", "1.0", "Label: hateful\nIt uses a slur.", "hate speech"),
        ("nonhateful", "not hateful", "0.0", "False"),
    )
    for cases, said in zip((hateful, harmless), words, strict=True):
        system.answered.update(zip(cases, said, strict=False))
    result = run_probe(probe(tmp_path), system)

    assert ((8, 225),) == one(result, "found-share").estimate.counts
    assert (1.0, 0.0) == tuple(one(result, metric).estimate.value for metric in ("accuracy", "missing-share"))


def test_no_difference_anywhere_is_no_certainty(tmp_path: Path) -> None:
    """Differences that are all 0 keep the width of one more change each way: Bonett and Price for 25 pairs."""
    estimate = pair(run_probe(probe(tmp_path), KeywordClassifier()), "cat owners", "hateful").estimate

    assert estimate.moments is not None
    assert (0.0, np.sqrt(2) / 27, 24.0) == pytest.approx(estimate.moments)
    assert Verdict.PASS not in {
        f.verdict
        for f in judge(
            [run_probe(probe(tmp_path), KeywordClassifier())],
            [Limit(metric=DIFFERENCE.metric, direction="band", threshold=0.05)],
        )
    }


def test_paired_moments_are_those_of_bonett_and_price() -> None:
    """Of pairs of yes and no: u - w and (u + w - (u - w)^2) / (n + 2), with one more of each."""
    up, down, n = 7, 2, 50
    _, error, _ = paired_moments([1.0] * up + [-1.0] * down + [0.0] * (n - up - down), step=1.0)
    u, w = (up + 1) / (n + 2), (down + 1) / (n + 2)

    assert np.sqrt((u + w - (u - w) ** 2) / (n + 2)) == pytest.approx(error)


def test_indifferent_readers_stay_quiet(tmp_path: Path) -> None:
    """Where scores are chance, differences miss zero in 5 % or fewer, and no control raises alarm."""
    missed = alarms = 0
    for seed in range(60):
        result = run_probe(probe(tmp_path, templates=20), Reader(noise=0.3, seed=seed), seed=seed)
        estimate = pair(result, "dog owners", "hateful").estimate
        assert estimate.low is not None and estimate.high is not None
        missed += not estimate.low <= 0 <= estimate.high
        alarms += False in [control.held for control in result.controls]

    assert rarely(missed, 60, 0.05)
    assert 0 == alarms


@pytest.mark.parametrize(
    ("templates", "accuracy", "difference"), [(14, True, True), (16, False, True), (20, False, False)]
)
def test_too_few_templates_give_no_verdict(tmp_path: Path, templates: int, accuracy: bool, difference: bool) -> None:
    """A functionality needs 15 templates, a difference 20."""
    result = run_probe(probe(tmp_path, templates=templates), KeywordClassifier())

    assert accuracy is (
        one(result, "functionality-accuracy", functionality="praise_nh").sub_reason is SubReason.SMALL_GROUP
    )
    assert difference is (pair(result, OWNERS[0], "hateful").sub_reason is SubReason.SMALL_GROUP)


def test_a_sample_is_drawn_by_template(tmp_path: Path) -> None:
    """A smaller sample holds whole templates."""
    result = run_probe(HateCheck(data=write_cases(tmp_path / "c.csv", case_rows()), sample=30), KeywordClassifier())
    items = one(result, "accuracy").items

    assert items is not None and 30 == len(items.keys)
    assert set(items.weights) <= {1.0, 4.0}


def test_the_public_file_is_counted_as_a_plain_loop_counts_it() -> None:
    """Every accuracy by functionality and every difference by group, from the raw rows by another program."""
    path = test_data("hatecheck") / "test_suite_cases.csv"
    system = KeywordClassifier(WEIGHTS)
    result = run_probe(HateCheck(data=path), system)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    right = {}
    for row in rows:
        logit = -2.0 + system._weight(row["test_case"].strip())
        right[row["case_id"]] = (logit > 0) == (row["label_gold"] == "hateful")
    counted: dict[str, Counter[bool]] = defaultdict(Counter)
    templates: dict[str, tuple[list[bool], list[bool]]] = defaultdict(lambda: ([], []))
    for row in rows:
        counted[row["functionality"]][right[row["case_id"]]] += 1
        if row["label_gold"] == "hateful" and row["target_ident"]:
            templates[row["templ_id"]][row["target_ident"] != "women"].append(right[row["case_id"]])
    gaps = [np.mean(own) - np.mean(others) for own, others in templates.values() if own and others]

    assert 3728 == len(rows)
    assert 29 == len(counted)
    for functionality, count in counted.items():
        found = one(result, "functionality-accuracy", functionality=functionality).estimate
        assert count[True] / count.total() == pytest.approx(found.value or 0), functionality
        assert count.total() == found.n
    assert np.mean(gaps) == pytest.approx(pair(result, "women", "hateful").estimate.value or 0)
    assert Verdict.FAIL in {f.verdict for f in judge([result], [DIFFERENCE])}
    assert [True, True] == [control.held for control in result.controls]


def test_a_real_classifier_is_seen_to_hang_on_words() -> None:
    """The moderation example takes "gay" for offensive: it finds more hate against gay people, and spares them less."""
    pytest.importorskip("profanity_check")
    path = test_data("hatecheck") / "test_suite_cases.csv"
    plan = Plan.load(ROOT / "examples" / "moderation" / "audit.yaml")
    load_builtin()
    target = make_target(plan.target_type, TargetContext(folder=plan.folder), plan.target_options)
    result = run_probe(HateCheck(data=path, class_name="offensive"), target)
    findings = {
        f.facets["texts"]: f
        for f in judge([result], [DIFFERENCE])
        if f.groups is not None and f.groups.group == "gay people"
    }

    assert [Verdict.FAIL, Verdict.FAIL] == [findings[kind].verdict for kind in ("hateful", "harmless")]
    assert (0.55, -0.59) == tuple(round(findings[kind].estimate.value or 0, 2) for kind in ("hateful", "harmless"))
    assert [True, True] == [control.held for control in result.controls]


@pytest.mark.parametrize("broken", [Refusing, Failing, Empty, NotANumber])
def test_broken_answers_are_an_error(tmp_path: Path, broken: type) -> None:
    """Refusals, errors, silence and NaN make everything judged an ERROR with a reason."""
    findings = judge([run_probe(probe(tmp_path), broken(KeywordClassifier()))], [DIFFERENCE, ACCURACY])

    assert {Verdict.ERROR} == {finding.verdict for finding in findings}
    assert all(finding.why for finding in findings)


def test_recorded_answers_are_scored_alike(tmp_path: Path) -> None:
    """Answers by case_id give what a classifier that answered so would have got."""
    recorded = run_probe(probe(tmp_path), recorded_cases("cat owners"))
    asked = run_probe(probe(tmp_path), KeywordClassifier({"stupid": 3.0, "cat": -5.0}))
    values = [
        {(m.metric, str(m.groups), *m.facets.values()): m.estimate for m in r.measures} for r in (recorded, asked)
    ]

    assert 0.0 == values[0].pop(("found-share", "None")).value
    assert values[0] == values[1]
    assert [True, True] == [control.held for control in recorded.controls]


def test_answers_that_say_nothing_are_counted_and_give_no_verdict(tmp_path: Path) -> None:
    """An answer that is missing and one that says neither are left out, shown, and nothing is concluded."""
    system = recorded_cases()
    system.answered["c0"] = "I would rather not say"
    del system.answered["c5"]
    result = run_probe(probe(tmp_path), system)

    assert ((2, 225),) == one(result, "missing-share").estimate.counts
    assert {Verdict.INCONCLUSIVE} == {f.verdict for f in judge([result], [DIFFERENCE, ACCURACY]) if f.mode == "gate"}
    assert "2 cases have no recorded answer that says which" == pair(result, OWNERS[0], "hateful").why


def test_without_a_file_it_is_said_where_one_is() -> None:
    """Nobody is left to guess the public repository."""
    result = run_probe(HateCheck(), KeywordClassifier())

    assert "error" == result.status
    assert "github.com/paul-rottger/hatecheck-data" in str(result.why)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label_gold": "hate"}, r"^cases.csv:3: label_gold: expected hateful or non-hateful, got 'hate'"),
        ({"case_id": "c0"}, r"^cases.csv:3: case_id 'c0' occurs twice"),
    ],
)
def test_what_is_no_case_is_refused(tmp_path: Path, change: dict[str, str], said: str) -> None:
    """Errors name the file and the line."""
    rows = case_rows(templates=2)
    rows[1] |= change

    with pytest.raises(DataError, match=said):
        HateCheck(data=write_cases(tmp_path / "cases.csv", rows))


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file without the published fields is not taken for one."""
    path = tmp_path / "cases.csv"
    path.write_text("text,label\na,1\n", "utf-8")

    with pytest.raises(DataError, match="no field 'label_gold'") as caught:
        HateCheck(data=path)
    assert "is it a file of HateCheck?" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("limit", "options", "said"),
    [
        ("band: 0.05", {}, "even an estimate of 0 has bounds 0.054 away, if 90 % of the cases of 101 harmless"),
        ("band: 0.05, groups: {texts: harmless}", {}, "101 harmless templates are right, one independent of the other"),
        ("band: 0.05, groups: {texts: hateful}", {}, None),
        ("band: 0.1, groups: {texts: harmless}", {}, None),
        ("band: 0.05, groups: {texts: hateful}", {"sample": 200}, "hateful templates are right"),
    ],
)
def test_a_limit_out_of_reach_of_the_published_templates_is_said_beforehand(
    tmp_path: Path, limit: str, options: dict[str, int], said: str | None
) -> None:
    """The default limits are within reach; 0.05 is not where 101 templates tell, nor of a sample of the hateful."""
    path = test_data("hatecheck") / "test_suite_cases.csv"
    more = "".join(f", {name}: {value}" for name, value in options.items())
    (tmp_path / "system.py").write_text("def score(texts):\n    return [0.5] * len(texts)\n", "utf-8")
    plan = tmp_path / "audit.yaml"
    plan.write_text(
        f"""\
version: 1
system: {{name: Moderation, version: "1"}}
target: {{type: callable, function: "system:score", kind: classify}}
suites: {{bias.hatecheck: {{data: "{path}"{more}}}}}
limits:
  - {{metric: {DIFFERENCE.metric}, {limit}}}
""",
        "utf-8",
    )
    lines = api.hopeless_limits(plan)

    assert (0 if said is None else 1) == len(lines)
    assert said is None or said in lines[0]


def test_a_hidden_group_fails_and_others_pass(tmp_path: Path) -> None:
    """With 100 templates the group whose hate is missed FAILS, and its harmless texts PASS."""
    result = run_probe(probe(tmp_path, templates=100), KeywordClassifier({"stupid": 3.0, "cat": -5.0}))
    found = {(f.groups.group, f.facets["texts"]): f.verdict for f in judge([result], [DIFFERENCE]) if f.groups}

    assert Verdict.FAIL is found["cat owners", "hateful"]
    assert Verdict.PASS is found["cat owners", "harmless"]
