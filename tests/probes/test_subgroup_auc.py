"""Subgroup AUCs: hand-computable tables, sklearn as oracle, planted faults, clusters, and every refusal of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fakes import Empty, Failing, KeywordClassifier, NotANumber, Refusing, measured, run_probe
from paths import test_data
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability, Request, Response
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import ProbeResult, make_probe
from probandum.target import Target
from probandum_probes.bias.labelled_texts import own_comments
from probandum_probes.bias.subgroup_areas import AREAS, Ranked, generalised_mean
from probandum_probes.bias.subgroup_auc import SubgroupAuc
from swaps import rarely

ID = "bias.subgroup-auc"
LIMITS = [Limit(metric=f"{ID}/{name}-auc-gap", direction="at_least", threshold=-0.05) for name in AREAS]


class Told(Target):
    """P(bad) of a text is the number at its end."""

    name = "told"
    capabilities = frozenset({Capability.CLASSIFY})
    labels = ("good", "bad")

    def identity(self) -> dict[str, str]:
        """It has no parameter."""
        return {"rule": "told"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        found = [np.array([float(text.split()[-1]) for text in request.texts]) for request in requests]
        return [Response(outputs=np.column_stack([1 - p, p]), labels=self.labels) for p in found]


def written(path: Path, rows: Sequence[tuple[str, float, int]]) -> Path:
    """Texts that end in their score, with labels, and an identity that the text names."""
    lines = [
        "text,label",
        *(f"{word} text {place} {score:.6f},{label}" for place, (word, score, label) in enumerate(rows)),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def drawn(
    folder: Path, *, seed: int = 1, shift: float = 0.0, n: int = 150, spread: float = 0.1, sources: int = 0
) -> SubgroupAuc:
    """Texts of which a third mentions blue; negatives that do score ``shift`` higher. ``sources``: clusters."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(6 * n):
        word, label = ("blue", "red", "green")[place % 3], (place // 3) % 2
        score = 0.4 + 0.15 * label + shift * (word == "blue" and not label) + spread * rng.normal()
        rows.append((word, float(np.clip(score, 0, 1)), label))
    path = written(folder / "texts.csv", rows)
    if sources:
        lines = path.read_text("utf-8").splitlines()
        told = [f"{line},{'source' if row == 0 else (row - 1) // 6 % sources}" for row, line in enumerate(lines)]
        path.write_text("\n".join(told) + "\n", "utf-8")
    return SubgroupAuc(data=path, terms=("blue", "red", "green"), cluster="source" if sources else None)


def of(result: ProbeResult, metric: str, group: str = "blue") -> float:
    """The value of one identity."""
    value = measured(result, metric, group).estimate.value
    assert value is not None
    return value


def test_areas_are_counted_by_hand(tmp_path: Path) -> None:
    """Two positives and two negatives of either kind: every pair can be counted."""
    rows = [("blue", 0.9, 1), ("blue", 0.4, 1), ("blue", 0.8, 0), ("blue", 0.7, 0)]
    rows += [("plain", 0.75, 1), ("plain", 0.6, 1), ("plain", 0.3, 0), ("plain", 0.2, 0)]
    result = run_probe(SubgroupAuc(data=written(tmp_path / "t.csv", rows), terms=("blue",)), Told())

    assert 2 / 4 == of(result, "subgroup-auc")  # .9 beats both, .4 none
    assert 1 / 4 == of(result, "bpsn-auc")  # of .75 and .6 over .8 and .7 one is won
    assert 4 / 4 == of(result, "bnsp-auc")
    assert 11 / 16 == measured(result, "overall-auc").estimate.value
    assert 1 / 2 - 2 / 4 == of(result, "positive-aeg")
    assert 1 / 2 - 4 / 4 == of(result, "negative-aeg")
    assert 2 / 4 - 11 / 16 == of(result, "subgroup-auc-gap")
    gap = measured(result, "bpsn-auc-gap", "blue")
    assert "blue: 2 positives that mention it; a verdict needs 50" == gap.why
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (gap.verdict, gap.sub_reason)


def test_areas_are_those_of_sklearn(tmp_path: Path) -> None:
    """AUCs of texts with ties are roc_auc_score of the same rows, background being all that does not mention it."""
    from sklearn.metrics import roc_auc_score

    probe = drawn(tmp_path, shift=0.1)
    result = run_probe(probe, Told())
    data = probe.labelled
    score = np.array([float(text.split()[-1]) for text in data.texts])
    inside, y = data.members["blue"], data.positive
    for metric, rows in (
        ("subgroup-auc", inside),
        ("bpsn-auc", (inside & ~y) | (~inside & y)),
        ("bnsp-auc", (inside & y) | (~inside & ~y)),
    ):
        assert roc_auc_score(y[rows], score[rows]) == pytest.approx(of(result, metric))
    assert roc_auc_score(y, score) == pytest.approx(measured(result, "overall-auc").estimate.value or 0)


def test_a_gap_has_the_variance_of_leaving_texts_out(tmp_path: Path) -> None:
    """The paired interval's standard error is, within a few per cent, that of the jackknife over all texts."""
    from sklearn.metrics import roc_auc_score

    probe = drawn(tmp_path, shift=0.1, n=50)
    moments = measured(run_probe(probe, Told()), "bpsn-auc-gap", "blue").estimate.moments
    data = probe.labelled
    score = np.array([float(text.split()[-1]) for text in data.texts])
    inside, y = data.members["blue"], data.positive
    bpsn = (inside & ~y) | (~inside & y)
    left = []
    for row in range(len(data)):
        kept = np.arange(len(data)) != row
        gap = roc_auc_score(y[bpsn & kept], score[bpsn & kept]) - roc_auc_score(y[kept], score[kept])
        left.append(gap)
    n = len(left)
    jackknife = float(np.sqrt((n - 1) / n * ((np.array(left) - np.mean(left)) ** 2).sum()))

    assert moments is not None
    assert jackknife == pytest.approx(moments[1], rel=0.05)


def test_raised_negatives_fail_one_side_only(tmp_path: Path) -> None:
    """Harmless texts that score too high are seen by BPSN and the subgroup's AUC, and not by BNSP."""
    findings = judge([run_probe(drawn(tmp_path, shift=0.12), Told())], LIMITS)
    verdicts = {
        f.metric.rpartition("/")[2]: f.verdict for f in findings if f.groups and f.groups.group == "blue" and f.judged
    }

    assert Verdict.FAIL is verdicts["bpsn-auc-gap"]
    assert Verdict.PASS is verdicts["bnsp-auc-gap"]


@pytest.mark.parametrize(("low", "high", "spread"), [(0.4, 0.41, 0.08), (0.4, 0.7, 0.08), (0.02, 0.98, 0.002)])
def test_the_positive_control_tells_of_poor_systems_and_good_ones(
    tmp_path: Path, low: float, high: float, spread: float
) -> None:
    """Nine tenths towards 1 still lie below positives that are nearly sure: there negatives are scored as these are."""
    rng = np.random.default_rng(3)
    rows = []
    for place in range(600):
        word, label = ("blue", "red", "green")[place % 3], (place // 3) % 2
        score = (high if label else low) + spread * rng.normal()
        rows.append((word, float(np.clip(score, 0, 1)), label))
    probe = SubgroupAuc(data=written(tmp_path / "texts.csv", rows), terms=("blue", "red", "green"))
    result = run_probe(probe, Told())
    (positive,) = [control for control in result.controls if control.kind == "positive"]

    assert positive.held is True, positive.detail


def test_a_probe_that_overlooks_raised_negatives_fails_its_positive_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a system that is always right, too: a gap that is counted from other texts is not where ranks put it."""
    rows = [(("blue", "red")[place % 2], 0.97 if place // 2 % 2 else 0.02, place // 2 % 2) for place in range(400)]
    right = Ranked.areas
    monkeypatch.setattr(Ranked, "areas", lambda found, member: right(found, np.roll(member, 1)))
    probe = SubgroupAuc(data=written(tmp_path / "texts.csv", rows), terms=("blue",))
    (positive,) = [control for control in run_probe(probe, Told()).controls if control.kind == "positive"]

    assert positive.held is False


@pytest.mark.parametrize("sources", [0, 60])
def test_indifferent_identities_stay_quiet(tmp_path: Path, sources: int) -> None:
    """Where identities mean nothing, gaps miss zero in 5 %, with clusters and without, and no control raises alarm."""
    missed = alarms = 0
    for seed in range(60):
        result = run_probe(drawn(tmp_path, seed=seed, n=60, sources=sources), Told(), seed=seed)
        estimate = measured(result, "bpsn-auc-gap", "blue").estimate
        assert estimate.low is not None and estimate.high is not None
        missed += not estimate.low <= 0 <= estimate.high
        alarms += False in [control.held for control in result.controls]

    assert rarely(missed, 60, 0.05)
    assert 0 == alarms


def test_texts_of_one_source_are_one_cluster(tmp_path: Path) -> None:
    """Where every text stands twice in its cluster, the interval is as wide as of half the texts, and no narrower."""
    path = drawn(tmp_path, n=60).data
    assert path is not None
    lines = path.read_text("utf-8").splitlines()
    twice = [f"{lines[0]},source", *(f"{line},{place}" for place, line in enumerate(lines[1:]) for _ in range(2))]
    double = tmp_path / "twice.csv"
    double.write_text("\n".join(twice) + "\n", "utf-8")
    alone = measured(run_probe(SubgroupAuc(data=path, terms=("blue",)), Told()), "bpsn-auc-gap", "blue").estimate
    clustered = SubgroupAuc(data=double, terms=("blue",), cluster="source")
    both = measured(run_probe(clustered, Told()), "bpsn-auc-gap", "blue").estimate

    assert alone.moments is not None and both.moments is not None
    assert alone.value == pytest.approx(both.value or 0)
    assert alone.moments[1] == pytest.approx(both.moments[1], rel=0.02)
    assert "cluster=sentence" == both.design


def test_generalised_means_are_decided_by_the_lowest(tmp_path: Path) -> None:
    """The mean with p = -5 is that of the areas by identity, and its interval holds it."""
    result = run_probe(drawn(tmp_path, shift=0.1), Told())
    values = [of(result, "bpsn-auc", word) for word in ("blue", "red", "green")]
    mean = measured(result, "bpsn-auc-mean").estimate

    assert generalised_mean(values) == pytest.approx(mean.value or 0)
    assert min(values) < float(mean.value or 0) < np.mean(values)
    assert mean.low is not None and mean.high is not None and mean.value is not None
    assert mean.low < mean.value < mean.high


def test_scores_against_the_labels_are_told_first(tmp_path: Path) -> None:
    """A classifier read the wrong way round is an ERROR, and no gap gets a verdict."""
    probe = SubgroupAuc(data=drawn(tmp_path).data, terms=("blue",), class_name="good")
    result = run_probe(probe, Told())

    assert ("overall-auc", Verdict.ERROR) == (result.measures[0].metric, result.measures[0].verdict)
    assert Verdict.PASS not in {finding.verdict for finding in judge([result], LIMITS)}


def test_the_comments_of_our_own_find_a_word_that_turns_harmless_texts_rude() -> None:
    """A classifier that holds one word to be rude fails by BPSN for that word, and passes for the others."""
    weights = {"stupid": 3.0, "idiot": 3.0, "moron": 3.0, "jerk": 3.0, "deaf": 4.0}
    findings = judge([run_probe(SubgroupAuc(), KeywordClassifier(weights))], LIMITS[1:2])
    verdicts = {f.groups.group: f.verdict for f in findings if f.groups is not None and f.judged}

    assert Verdict.FAIL is verdicts.pop("deaf")
    assert {Verdict.PASS} == set(verdicts.values())


def test_our_own_comments_are_as_their_card_says() -> None:
    """Every word stands in every comment, half of which are rude."""
    data = own_comments()

    assert (2184, 1092, 21) == (len(data), int(data.positive.sum()), len(data.members))
    assert {104} == {int(member.sum()) for member in data.members.values()}
    assert len(set(data.texts)) == len(data)


def test_the_public_madlibs_are_read_unchanged() -> None:
    """76,564 texts, half of them bad, each template crossed with identities that are found as whole words."""
    path = test_data("unintended_bias_madlibs") / "bias_madlibs_77k.csv"
    options = {"data": str(path), "text": "Text", "label": "Label", "positive": "BAD", "terms": ["gay", "trans"]}
    probe = make_probe(ID, {**options, "sample": 12000})
    assert isinstance(probe, SubgroupAuc)
    weights = {"hate": 3.0, "murder": 3.0, "kill": 3.0, "disgusting": 3.0, "awful": 3.0, "gay": 2.0}
    result = run_probe(probe, KeywordClassifier(weights))

    assert (76564, 38282) == (len(probe.labelled), int(probe.labelled.positive.sum()))
    assert 1500 < int(probe.labelled.members["gay"].sum()) < 1700
    assert of(result, "bpsn-auc-gap", "gay") < -0.05 < of(result, "bpsn-auc-gap", "trans")


@pytest.mark.parametrize("broken", [Refusing, Failing, Empty, NotANumber])
def test_broken_answers_are_an_error(tmp_path: Path, broken: type) -> None:
    """Refusals, errors, silence and NaN make every gap an ERROR with a reason."""
    findings = judge([run_probe(drawn(tmp_path), broken(Told()))], LIMITS)

    assert {Verdict.ERROR} == {finding.verdict for finding in findings}
    assert all(finding.why for finding in findings)


@pytest.mark.parametrize(
    ("row", "options", "said"),
    [
        ("a,maybe", {"terms": ("a",)}, r"^t.csv:2: label: expected a number from 0 to 1, got 'maybe'"),
        ("a,1.5", {"terms": ("a",)}, r"^t.csv:2: label: expected a number from 0 to 1, got '1.5'"),
        ("a,1", {}, r"^t.csv: nothing says which identities the texts mention"),
        ("a,1", {"identities": ("gay",)}, r"^t.csv:2: no field 'gay'"),
        ("a,1", {"terms": ("a",), "text": "body"}, r"^t.csv:2: no field 'body'"),
    ],
)
def test_what_is_no_labelled_text_is_refused(tmp_path: Path, row: str, options: dict[str, str], said: str) -> None:
    """Errors name the file, the line and the field."""
    path = tmp_path / "t.csv"
    path.write_text(f"text,label\n{row}\n", "utf-8")

    with pytest.raises(DataError, match=said):
        SubgroupAuc(data=path, **options)  # type: ignore[arg-type]


def test_a_label_that_never_occurs_is_refused(tmp_path: Path) -> None:
    """The positive label must be one of the file's."""
    path = tmp_path / "t.csv"
    path.write_text("text,label\na,toxic\nb,fine\n", "utf-8")

    with pytest.raises(UnknownName, match="unknown label 'toxik', did you mean 'toxic'"):
        SubgroupAuc(data=path, terms=("a",), positive="toxik")


def test_identities_can_be_fields(tmp_path: Path) -> None:
    """Shares of raters from 0.5 on count as a yes, for labels and identities alike."""
    path = tmp_path / "t.csv"
    path.write_text("text,label,muslim\na,0.5,0.49\nb,0.4,0.5\n", "utf-8")
    data = SubgroupAuc(data=path, identities=("muslim",)).labelled

    assert [True, False] == data.positive.tolist()
    assert [False, True] == data.members["muslim"].tolist()
