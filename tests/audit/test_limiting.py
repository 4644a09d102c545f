"""Limits held against what probes declare: every mistake has its place, before anything is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from probandum import api
from probandum.errors import PlanError
from probandum.limiting import limit_problems
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.preparing import prepare
from probandum.probe import known_probes
from records import LIMITS, PLAN, write_plan

HEAD = """\
version: 1
system: {name: Scorer}
target: {type: log, path: log.csv, decision: approved, favourable: 1, label: repaid}
gate: {baseline: {merged: runs/main}}
groups: {sex: {reference: M}, age: {bins: [0, 25, 120], labels: [young, old]}}
suites:
  bias.group-rates: {sample: 900}
  bias.name-swap: {}
  bias.term-swap: {}
  explain.faithfulness: {}
limits:
"""
RATES = "bias.group-rates"


def plan_of(folder: Path, *limits: str, head: str = HEAD) -> Plan:
    """A plan with these limits, the first of them in line 12."""
    path = folder / "audit.yaml"
    (folder / "log.csv").write_text("sex,age,approved,repaid\nM,30,1,1\n", "utf-8")
    path.write_text(head + "".join(f"  - {{{limit}}}\n" for limit in limits), "utf-8")
    return Plan.load(path)


def problems(folder: Path, *limits: str, head: str = HEAD) -> list[str]:
    """What is wrong with a plan of these limits, without the folder's name."""
    with pytest.raises(PlanError) as caught:
        prepare(plan_of(folder, *limits, head=head))
    return [line.replace(f"{folder}/", "") for line in caught.value.lines()]


@pytest.mark.parametrize(
    "limit",
    [
        f"metric: {RATES}/impact-ratio, at_least: 0.8",
        f"metric: {RATES}/impact-ratio, band: 0.2, around: 1",
        f"metric: {RATES}/selection-difference, band: 1",
        f"metric: {RATES}/selection-difference, at_most: 0.05, margin: 0.01",
        f"metric: {RATES}/selection-difference/change, band: 2",
        f"metric: {RATES}/impact-ratio/change, at_least: -0.1",
        f"metric: {RATES}/impact-ratio/change, band: 0.1",
        f"metric: {RATES}/impact-ratio, at_least: 0.8, groups: {{attribute: sex*age, group: F*old, reference: M*old}}",
        "metric: bias.term-swap/flip-rate/change, at_least: -1",
        "metric: bias.name-swap/log-odds-difference, band: 25, groups: {attribute: name, group: women}",
        "metric: bias.term-swap/signed-shift, band: 0.02, groups: {attribute: term}",
        "metric: explain.faithfulness/deletion-normalised, at_least: -3, groups: {explainer: occlusion}",
        "metric: explain.faithfulness/deletion-normalised/change, at_least: -3, groups: {baseline: merged}",
    ],
)
def test_a_limit_that_can_be_judged_is_let_through(tmp_path: Path, limit: str) -> None:
    """Declared metrics, edges within what their unit can be, coordinates that findings have."""
    assert f"{RATES}" in prepare(plan_of(tmp_path, limit))


#: All metrics of the probe, as messages list them.
METRICS = (
    "equalized-odds-difference, equalized-odds-ratio, fnr, fpr, fpr-difference, fpr-ratio, "
    "impact-ratio, npv, npv-difference, npv-ratio, overall-auc, ppv, ppv-difference, ppv-ratio, "
    "selection-difference, selection-p-value, selection-rate, tpr, tpr-difference, tpr-ratio"
)
QUALITIES = (
    "comprehensiveness-by-group, comprehensiveness-by-size, comprehensiveness-gap, comprehensiveness-normalised, "
    "comprehensiveness-over-occlusion, deletion-area, deletion-normalised, insertion-area, insertion-normalised, "
    "local-fit, local-fit-by-group, local-fit-gap, sufficiency-by-size, "
)


@pytest.mark.parametrize(
    ("limit", "place", "expected"),
    [
        (
            f"metric: {RATES}/impact-ration, at_least: 0.8",
            "metric",
            f"{RATES} measures no 'impact-ration', did you mean 'impact-ratio'?; known: {METRICS}",
        ),
        (
            "metric: explain.faithfulness/residual/change, at_most: 0.1",
            "metric",
            f"explain.faithfulness measures no 'residual'; known: {QUALITIES}sufficiency-normalised",
        ),
        (
            "metric: bias.name-swaps/position-bias, band: 0.1",
            "metric",
            "no suite measures 'bias.name-swaps/position-bias', did you mean 'bias.name-swap'?",
        ),
        (
            "metric: energy.inference/seconds-per-request, at_most: 5",
            "metric",
            "no suite measures 'energy.inference/seconds-per-request'; add energy.inference under suites",
        ),
        (
            f"metric: {RATES}/tpr, at_least: 0.8",
            "metric",
            (
                f"{RATES} shows 'tpr' and never judges it, so that no limit holds for it; judged: fpr-difference, "
                "fpr-ratio, impact-ratio, npv-difference, npv-ratio, ppv-difference, ppv-ratio, "
                f"selection-difference, tpr-difference, tpr-ratio; of it a change can be judged: {RATES}/tpr/change, "
                "with gate.baseline"
            ),
        ),
        (
            "metric: bias.term-swap/flip-rate, at_most: 5",
            "at_most",
            "expected a share, from 0 to 1; the limit reaches 5",
        ),
        (
            f"metric: {RATES}/tpr-difference, band: 5",
            "band",
            "expected a share difference, from -1 to 1; the limit reaches -5 and 5",
        ),
        (
            f"metric: {RATES}/tpr-difference, at_least: -0.9, margin: 0.2",
            "at_least",
            "expected a share difference, from -1 to 1; the limit reaches -1.1",
        ),
        (
            "metric: bias.term-swap/flip-rate/change, at_most: 1.5",
            "at_most",
            "expected a share difference, from -1 to 1; the limit reaches 1.5",
        ),
        (
            f"metric: {RATES}/impact-ratio, band: 1.2, around: 1",
            "band",
            "expected a ratio, 0 or more; the limit reaches -0.2",
        ),
        (
            f"metric: {RATES}/impact-ratio, band: 0.2",
            "band",
            "a band lies around 0, and equal rates have the ratio 1; add around: 1",
        ),
        (
            f"metric: {RATES}/impact-ratio, at_least: 0.8, groups: {{grup: F}}",
            "groups.grup",
            (
                f"no finding of {RATES} has the coordinate 'grup', did you mean 'group'?; "
                "known: attribute, group, reference"
            ),
        ),
        (
            "metric: explain.faithfulness/deletion-normalised, at_least: 0.8, groups: {explaner: lime.text}",
            "groups.explaner",
            (
                "no finding of explain.faithfulness has the coordinate 'explaner', did you mean 'explainer'?; "
                "known: attribute, group, reference, explainer"
            ),
        ),
        (
            f"metric: {RATES}/impact-ratio, at_least: 0.8, groups: {{attribute: sexx}}",
            "groups.attribute",
            f"{RATES} compares no groups of 'sexx', did you mean 'sex'?; known: sex, age, and crossed such as sex*age",
        ),
        (
            f"metric: {RATES}/impact-ratio, at_least: 0.8, groups: {{attribute: age*sex}}",
            "groups.attribute",
            (
                f"{RATES} compares no groups of 'age*sex', did you mean 'sex*age'?; "
                "known: sex, age, and crossed such as sex*age"
            ),
        ),
        (
            "metric: bias.name-swap/log-odds-difference, band: 0.25, groups: {attribute: sex}",
            "groups.attribute",
            "bias.name-swap compares no groups of 'sex'; known: name",
        ),
    ],
)
def test_a_limit_that_never_could_is_refused_at_its_place(
    tmp_path: Path, limit: str, place: str, expected: str
) -> None:
    """One line, at the key that is wrong, with what was expected, the nearest name and all that there are."""
    column = f"  - {{{limit}}}".index(f"{place.rpartition('.')[2]}:") + 1

    assert [f"audit.yaml:12:{column}: limits.0.{place}: {expected}"] == problems(tmp_path, limit)


@pytest.mark.parametrize(
    ("one", "other", "rivals"),
    [
        ("", "", True),
        (", groups: {attribute: sex}", ", groups: {attribute: sex}", True),
        (", groups: {attribute: sex}", ", groups: {attribute: age}", False),
        (", groups: {attribute: sex}", ", groups: {group: F}", True),
        (", groups: {attribute: sex, group: F}", ", groups: {attribute: sex, reference: M}", True),
        (", groups: {attribute: sex, group: F}", ", groups: {group: M, reference: F}", False),
        (", groups: {attribute: sex}", ", groups: {attribute: sex, group: F}", False),
        (", groups: {group: 1}", ", groups: {group: '1'}", True),
    ],
)
def test_two_limits_that_could_claim_one_quantity_are_refused(
    tmp_path: Path, one: str, other: str, rivals: bool
) -> None:
    """As narrow as each other and told apart by no coordinate; both lines are named, and other metrics are apart."""
    metric = f"metric: {RATES}/tpr-difference, band: 0.05"
    limits = [
        metric + one,
        metric.replace("tpr", "fpr"),
        metric.replace("-difference", "-difference/change"),
        metric + other,
    ]
    text = "the limits in lines 12 and 15 could claim one quantity; narrow one with groups:"
    plan = plan_of(tmp_path, *limits)
    load_plugins()
    found = [line.replace(f"{tmp_path}/", "") for line in limit_problems(plan, known_probes())]

    assert ([f"audit.yaml:15:6: limits.3.metric: {text}"] if rivals else []) == found


def test_joules_are_shown_and_their_change_is_judged(tmp_path: Path) -> None:
    """A limit on a disclosure would meet no quantity that is judged, when all was asked."""
    head = HEAD.replace("  bias.group-rates: {sample: 900}\n", "  energy.inference: {}\n")
    joules = "energy.inference/joules-per-request"
    (line,) = problems(tmp_path, f"metric: {joules}, at_most: 5", head=head)

    assert line == (
        "audit.yaml:12:6: limits.0.metric: energy.inference shows 'joules-per-request' and never judges it, so that no "
        f"limit holds for it; of it a change can be judged: {joules}/change, with gate.baseline"
    )
    assert "energy.inference" in prepare(plan_of(tmp_path, f"metric: {joules}/change, at_most: 0.1", head=head))


@pytest.mark.parametrize(
    ("metric", "rest"),
    [
        ("energy.hosted/estimated-joules-per-request", ""),
        ("energy.compute/gigaflop-per-request", ""),
        ("energy.inference/software-carbon-intensity", "; of these it can: joules-per-output-token, "),
    ],
)
def test_of_what_nothing_is_kept_no_change_can_be_judged(tmp_path: Path, metric: str, rest: str) -> None:
    """The plan says so before anything is asked, and offers a change of it nowhere."""
    probe, _, name = metric.partition("/")
    head = HEAD.replace("  bias.group-rates: {sample: 900}\n", f"  {probe}: {{}}\n")
    (line,) = problems(tmp_path, f"metric: {metric}/change, at_most: 0.1", head=head)
    (shown,) = problems(tmp_path, f"metric: {metric}, at_most: 0.1", head=head)

    assert line.startswith(
        f"audit.yaml:12:6: limits.0.metric: {probe} keeps nothing that {name!r} is made of, so that no change of it "
        f"can be judged{rest}"
    )
    assert "never judges it" in shown
    assert "change" not in shown


def test_an_unknown_probe_is_named_where_it_stands(tmp_path: Path) -> None:
    """At suites with the nearest name; a limit on it is not blamed, one on the right name is pointed to suites."""
    head = HEAD.replace("bias.group-rates:", "bias.group-rate:")
    wrong = "audit.yaml:7:3: suites.bias.group-rate: unknown probe 'bias.group-rate', did you mean 'bias.group-rates'?"

    assert [wrong] == problems(tmp_path, "metric: bias.group-rate/impact-ratio, at_least: 0.8", head=head)
    assert [
        wrong,
        f"audit.yaml:12:6: limits.0.metric: no suite measures '{RATES}/impact-ratio'; add {RATES} under suites",
    ] == problems(tmp_path, f"metric: {RATES}/impact-ratio, at_least: 0.8", head=head)


def test_mistakes_in_suites_and_limits_are_told_together(tmp_path: Path) -> None:
    """All of them at once; limits on a probe whose options are wrong wait for these."""
    head = HEAD.replace("sample: 900", "sample: 1").replace("faithfulness: {}", "faithfulness: {input: 9}")
    limits = [f"metric: {RATES}/nothing, at_least: 0.8", "metric: bias.name-swap/position-bias, band: 0.7"]
    places = [line.split(": ")[1] for line in problems(tmp_path, *limits, head=head)]

    assert ["suites.bias.group-rates.sample", "suites.explain.faithfulness", "limits.1.metric"] == places


def test_a_plan_without_groups_has_no_attribute(tmp_path: Path) -> None:
    """There is nothing to suggest, and that is said."""
    head = HEAD.replace("groups: {sex: {reference: M}, age: {bins: [0, 25, 120], labels: [young, old]}}\n", "")
    (line,) = problems(tmp_path, f"metric: {RATES}/impact-ratio, at_least: 0.8, groups: {{attribute: sex}}", head=head)

    assert line.endswith(f"{RATES} compares no groups of 'sex'; known: none")


def test_a_metric_that_options_name_is_declared_by_the_instance(tmp_path: Path) -> None:
    """What the decorator does not know, ``own_metrics`` adds; nothing is found wrong with a limit on it then."""
    load_plugins()
    plan = plan_of(tmp_path, f"metric: {RATES}/recall-at-7, at_least: 0.5")
    spec = known_probes()[RATES]
    own = replace(spec, metrics={**spec.metrics, "recall-at-7": "share"})

    assert 1 == len(limit_problems(plan, {RATES: spec}))
    assert [] == limit_problems(plan, {RATES: own})


def test_a_record_is_not_judged_again_under_limits_that_make_no_sense(tmp_path: Path) -> None:
    """Nothing is asked then, but a share of 80 would be a FAIL, or a PASS, of any system."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    before = (record.folder / "findings.json").read_bytes()
    plan.write_text(PLAN + LIMITS.replace("impact-ratio, at_least: 0.8", "tpr-difference, at_most: 80"), "utf-8")

    with pytest.raises(PlanError, match=r"limits\.0\.at_most: expected a share difference, from -1 to 1"):
        api.judge(record, plan=plan)
    assert before == (record.folder / "findings.json").read_bytes()
