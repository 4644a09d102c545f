"""The regression gate on tables and records in general: how often it blocks, and how it ends where it cannot tell."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nct, t

from commands import Ended, entered
from endpoints import serving
from fakes import result_of
from plugged import PROBE, command, installed
from probandum import api
from probandum.changing import change_of_items
from probandum.changing_rows import PairedRows, change_of_counted
from probandum.evidence import Items
from probandum.finding import Estimate, Finding, Limit, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum.row_items import Counted, Form, Rows
from probandum.targets import endpoint
from records import write_sklearn_plan
from scoring_server import Scorer

ALPHA = 0.01
#: Simulated audits a table, and how rarely chance may break a statement about them.
RUNS = 200
CHANCE = 1e-4
#: How far a normal approximation of power may be off.
OFF = 0.1

Drawn = Callable[[np.random.Generator], Estimate]


def judged(change: Estimate, lost: float) -> Finding:
    """A merge's verdict on a change that may lose ``lost`` at most."""
    limit = Limit(metric="bias.fake/rate/change", direction="at_least", threshold=-lost)
    (found,) = judge([result_of(Measure(metric="rate/change", estimate=change))], [limit], mode="merge")
    return found


def power(found: Finding, beyond: float) -> float:
    """The power against a change so far beyond the limit, by the smallest effect that the finding says it finds."""
    assert found.detectable is not None
    if found.estimate.moments is None:
        normal = NormalDist()
        error = found.detectable / (normal.inv_cdf(0.95) + normal.inv_cdf(0.8))
        return normal.cdf(beyond / error - normal.inv_cdf(1 - ALPHA))
    df = found.estimate.moments[2]
    error = found.detectable / (t.isf(0.05, df) + t.isf(0.2, df))
    return float(nct.sf(t.isf(ALPHA, df), df, beyond / error))


def blocked(draw: Drawn, lost: float, seed: int, *, beyond: float = 0.0) -> tuple[int, float]:
    """How many of the simulated audits FAIL, and the power that they state on average."""
    rng = np.random.default_rng(seed)
    found = [judged(draw(rng), lost) for _ in range(RUNS)]
    stated = [power(each, beyond) for each in found if beyond]
    return sum(each.verdict is Verdict.FAIL for each in found), float(np.mean(stated or [ALPHA]))


def rows_of(sizes: tuple[int, int], rates: tuple[float, float], churn: float, lost: float, form: Form) -> Drawn:
    """Two groups decided on twice: ``churn`` of each changes in either direction, and ``lost`` of the first is gone."""
    sex = np.repeat([0, 1], sizes)
    rate = np.repeat(rates, sizes)
    down = np.where(sex == 0, churn + lost, churn) / rate
    up = churn / (1 - rate)
    keys = np.arange(len(sex), dtype=np.uint64)
    sides = ({"sex": 0}, {"sex": 1})[: 1 if form == "share" else 2]
    what = Counted(form=form, column="", events=(1,), trials=(0, 1), sides=sides)

    def draw(rng: np.random.Generator) -> Estimate:
        before = rng.random(len(sex)) < rate
        turned = rng.random(len(sex)) < np.where(before, down, up)
        first, second = (
            Rows(keys, keys, {"": decided.astype(np.uint16), "sex": sex.astype(np.uint16)})
            for decided in (before, before ^ turned)
        )
        return change_of_counted(PairedRows(first, second, ""), what, what, unit="share")

    return draw


def items_of(clusters: int, members: int, spread: float, noise: float, shift: float) -> Drawn:
    """Scores of items in clusters, whose shift varies by ``spread`` from one cluster to the next."""
    names = tuple(f"c{place // members}" for place in range(clusters * members))
    keys = tuple(f"i{place}" for place in range(clusters * members))

    def draw(rng: np.random.Generator) -> Estimate:
        before = rng.normal(size=len(keys))
        moved = np.repeat(rng.normal(shift, spread, size=clusters), members) + rng.normal(scale=noise, size=len(keys))
        base = Items(keys=keys, strata=names, values=tuple(before.tolist()), unit="share", clusters=names)
        new = replace(base, values=tuple((before + moved).tolist()))
        return change_of_items(base, new, design="cluster=text", unit="share")

    return draw


def grid_of(scenarios: int, names: int, spread: float, noise: float, shift: float) -> Drawn:
    """Log-odds of applications under the names of two groups, of which one group's are shifted."""
    places = [(row, side, column) for row in range(scenarios) for side in (1, -1) for column in range(names)]
    keys = tuple(f"{row}/{side}/{column}" for row, side, column in places)
    women = np.array([side > 0 for _, side, _ in places])

    def draw(rng: np.random.Generator) -> Estimate:
        before = rng.normal(size=len(keys))
        slopes, people = rng.normal(shift, spread, size=scenarios), rng.normal(0, spread, size=names)
        moved = np.array([slopes[row] + people[column] for row, _, column in places]) * women
        base = Items(
            keys=keys,
            strata=tuple("" for _ in keys),
            values=tuple(before.tolist()),
            unit="logit",
            form="two-way",
            clusters=tuple(f"s{row}" for row, _, _ in places),
            crossed=tuple(f"{side} {column}" for _, side, column in places),
            sides=tuple(side for _, side, _ in places),
        )
        new = replace(base, values=tuple((before + moved + rng.normal(scale=noise, size=len(keys))).tolist()))
        return change_of_items(base, new, design="two_way=template x name", unit="logit")

    return draw


sizes = st.tuples(st.integers(100, 2000), st.integers(100, 2000))
rates = st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8))
forms: st.SearchStrategy[Form] = st.sampled_from(["share", "difference", "ratio"])


def changed_by(lost: float, rates: tuple[float, float], form: Form) -> float:
    """What the loss of a share of decisions in the first group does to the quantity."""
    return lost / rates[1] if form == "ratio" else lost


@settings(max_examples=6, deadline=None, derandomize=True)
@given(sizes, rates, st.floats(0.005, 0.05), st.sampled_from([0.0, 0.02, 0.05]), forms, st.integers(0, 2**32))
def test_of_any_table_what_reaches_the_limit_is_blocked_in_1_percent(
    sizes: tuple[int, int], rates: tuple[float, float], churn: float, lost: float, form: Form, seed: int
) -> None:
    """At the limit itself, where errors are most frequent: an unchanged table under the limit 0, a loss of 2 or 5 %."""
    draw = rows_of(sizes, rates, churn, lost, form)
    found, _ = blocked(draw, changed_by(lost, rates, form), seed)

    assert found <= binom.isf(CHANCE, RUNS, ALPHA)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(sizes, rates, st.floats(0.0, 0.02), forms, st.integers(0, 2**32))
def test_of_any_table_what_is_within_the_limit_is_never_blocked(
    sizes: tuple[int, int], rates: tuple[float, float], churn: float, form: Form, seed: int
) -> None:
    """Unchanged, with decisions that change by chance, under the loss that a merge of this size can be planned for."""
    draw = rows_of(sizes, rates, churn, 0.0, form)
    planned = judged(draw(np.random.default_rng(seed)), 1.0).detectable
    assert planned is not None
    found, _ = blocked(draw, 1.5 * planned, seed)

    assert 0 == found


@settings(max_examples=6, deadline=None, derandomize=True)
@given(sizes, rates, st.floats(0.005, 0.03), st.floats(0.05, 0.15), forms, st.integers(0, 2**32))
def test_of_any_table_planted_losses_are_blocked_at_the_stated_power(
    sizes: tuple[int, int], rates: tuple[float, float], churn: float, lost: float, form: Form, seed: int
) -> None:
    """A loss of known size under a limit of 2 %: no fewer FAIL than the smallest detectable effects promise."""
    draw = rows_of(sizes, rates, churn, lost, form)
    limit, true = (changed_by(each, rates, form) for each in (0.02, lost))
    found, stated = blocked(draw, limit, seed, beyond=true - limit)

    assert found >= binom.ppf(CHANCE, RUNS, max(0.0, stated - OFF))


@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.sampled_from([items_of, grid_of]), st.integers(20, 40), st.floats(0.01, 0.2), st.integers(0, 2**32))
def test_of_any_scores_the_gate_keeps_both_rates(
    kind: Callable[..., Drawn], clusters: int, spread: float, seed: int
) -> None:
    """Clusters of sentences, and scenarios crossed with names: 1 % at the limit, none when unchanged, power beyond."""
    limit = 2 * spread
    at_limit, _ = blocked(kind(clusters, 8, spread, 1e-5, -limit), limit, seed)
    unchanged, _ = blocked(kind(clusters, 8, 0.0, 1e-5, 0.0), limit, seed)
    beyond = 3.5 * spread / math.sqrt(clusters if kind is items_of else 6)
    found, stated = blocked(kind(clusters, 8, spread, 1e-5, -limit - beyond), limit, seed, beyond=beyond)

    assert at_limit <= binom.isf(CHANCE, RUNS, ALPHA)
    assert 0 == unchanged
    assert found >= binom.ppf(CHANCE, RUNS, stated - OFF)


PLAN = """\
version: 1
system: {name: Loan desk, version: "1.0", purpose: Decides on loans}
target: {type: log, path: log.csv, decision: approved, favourable: 1, label: repaid, id: id}
groups: {sex: {reference: M}}
suites: {bias.group-rates: {}}
energy: {codecarbon: false}
"""
LIMITS = """\
limits:
  - {metric: bias.group-rates/selection-difference/change, band: 0.2}
  - {metric: bias.group-rates/tpr-difference/change, band: 0.3}
gate: {mode: merge, baseline: {merged: ../base/run}}
"""


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.tuples(st.integers(250, 600), st.integers(250, 600)), rates, st.floats(0.0, 0.02), st.integers(0, 2**32))
def test_of_any_log_the_whole_way(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: tuple[int, int],
    rates: tuple[float, float],
    churn: float,
    seed: int,
) -> None:
    """From two logs to the gate: chance changes end with 0, and a group that lost all its approvals with 1."""
    folder, rng = tmp_path_factory.mktemp("logs"), np.random.default_rng(seed)
    women = np.repeat([True, False], sizes)
    before = rng.random(len(women)) < np.where(women, *(max(rate, 0.4) for rate in rates))
    repaid = rng.random(len(women)) < np.where(before, 0.8, 0.6)
    audits = {
        "base": before,
        "same": before ^ (rng.random(len(women)) < churn),
        "lost": before & ~women,
    }
    codes = {}
    for name, approved in audits.items():
        (folder / name).mkdir()
        told = [
            f"p{place},{'MF'[int(women[place])]},{approved[place]:d},{repaid[place]:d}" for place in range(len(women))
        ]
        (folder / name / "log.csv").write_text("\n".join(["id,sex,approved,repaid", *told]) + "\n", "utf-8")
        plan = folder / name / "audit.yaml"
        plan.write_text(PLAN + (LIMITS if name != "base" else ""), "utf-8")
        codes[name] = api.gate(api.audit(plan, out=folder / name / "run", documents=False)).code

    assert (0, 1) == (codes["same"], codes["lost"])


def test_an_unplugged_endpoint_ends_with_4_beside_a_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a system that nobody reaches nothing is compared: no pass, and no block that would blame the change."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)
    with serving(handler=Scorer) as service:
        for name in ("base", "same"):
            assert 0 == asked_of(tmp_path / name, service.url, baseline=name != "base").code
        url = service.url
    ended = asked_of(tmp_path / "new", url, baseline=True)

    assert 4 == ended.code
    assert "no answer" in " ".join((ended.out + ended.err).split())


def asked_of(folder: Path, url: str, *, baseline: bool) -> Ended:
    """The audit of a scoring service, with a limit on its change where there is a baseline."""
    path = write_sklearn_plan(folder)
    plan: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    plan["target"] = {
        "type": "http",
        "url": f"{url}/score",
        "kind": "predict",
        "request": {"instances": "{matrix}"},
        "response": "predictions[].probabilities",
        "labels": [0, 1],
        "retries": 1,
        "timeout": 1.0,
    }
    plan["limits"] = [{"metric": "bias.group-rates/impact-ratio", "at_least": 0.5}]
    if baseline:
        plan["limits"] += [{"metric": "bias.group-rates/selection-difference/change", "band": 0.1}]
        plan["gate"] = {"mode": "merge", "baseline": {"merged": "../base/run"}}
    path.write_text(yaml.safe_dump(plan, sort_keys=False), "utf-8")
    return entered(folder, "audit", "audit.yaml", "--out", "run")


BROKEN = {
    "crashing probe": (
        PROBE.replace("        n = self", "        raise OSError('the disk is gone')\n        n = self"),
        "OSError: the disk is gone",
    ),
    "crashing control": (PROBE.replace('(True, "as many")', "1 / 0"), "negative control failed"),
    "failed control": (PROBE.replace('(True, "as many")', '(False, "one less")'), "negative control failed"),
    "missing control": (PROBE + "\n\nCount.controls = Count.controls[:1]\n", "negative control missing"),
}


def code_of(folder: Path, name: str, probe: str, limits: str) -> tuple[int, str]:
    """How the audit ends of a plan with the third party's probe, and what it says."""
    rows = [f"p{n},{'FM'[n % 2]},{n // 2 % 2},{n % 3 % 2}" for n in range(1000)]
    plan = PLAN.replace("bias.group-rates: {}", "bias.group-rates: {}, bias.count: {}")
    (folder / name).mkdir()
    (folder / name / "log.csv").write_text("\n".join(["id,sex,approved,repaid", *rows]) + "\n", "utf-8")
    (folder / name / "audit.yaml").write_text(plan + limits, "utf-8")
    installed(folder, probe)
    code, *said = command(folder, "audit", f"{name}/audit.yaml", "--out", f"{name}/run")
    return code, " ".join(" ".join(said).split())


@pytest.fixture(scope="module")
def measured_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a record to compare with: a first audit judges nothing, as its plan sets no limit."""
    folder = tmp_path_factory.mktemp("broken")
    assert 3 == code_of(folder, "base", PROBE, "")[0]
    return folder


def test_a_sound_probe_ends_with_0_beside_a_baseline(measured_before: Path) -> None:
    """What the broken ones are compared with."""
    assert 0 == code_of(measured_before, "same", PROBE, LIMITS)[0]


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_probe_ends_with_4_beside_a_baseline(measured_before: Path, what: str) -> None:
    """An ERROR with its reason, though every change that was measured lies within its limit."""
    source, why = BROKEN[what]
    code, said = code_of(measured_before, what, source, LIMITS)
    findings = json.loads((measured_before / what / "run/findings.json").read_text("utf-8"))

    assert 4 == code
    assert why in said
    assert {"ERROR"} == {each["verdict"] for each in findings if each["probe"] == "bias.count"}
    assert {"PASS"} == {each["verdict"] for each in findings if each["limit"]}
