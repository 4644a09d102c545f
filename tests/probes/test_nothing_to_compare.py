"""Where there is nobody to compare, or no label to compare by, every limit still meets its quantity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fakes import Pricer, Scorer, credit_world, price_world, run_probe
from probandum.evidence import Table
from probandum.finding import Limit, Verdict
from probandum.judging import judge, unused_limits
from probandum.subject import Grouping, Subject
from probandum_probes.bias.attribute_flip import AttributeFlip
from probandum_probes.bias.auc_gap import AucGap
from probandum_probes.bias.calibration import Calibration
from probandum_probes.bias.conditional_parity import ConditionalParity
from probandum_probes.bias.group_rates import GroupRates
from probandum_probes.bias.outcome_gap import OutcomeGap
from probandum_probes.bias.ranking_exposure import RankingExposure

PROBES = {
    "bias.group-rates": (GroupRates(), Scorer(), credit_world(600)),
    "bias.auc-gap": (AucGap(), Scorer(), credit_world(600)),
    "bias.calibration": (Calibration(), Scorer(), credit_world(600)),
    "bias.conditional-parity": (
        ConditionalParity(given=["income"], reason="Whoever earns more may borrow more", bins=2),
        Scorer(),
        credit_world(600),
    ),
    "bias.attribute-flip": (AttributeFlip(), Scorer(), credit_world(600)),
    "bias.outcome-gap": (OutcomeGap(), Pricer(), price_world(600)),
    "bias.ranking-exposure": (RankingExposure(), Pricer(), price_world(600)),
}


def alone(world: Subject) -> Subject:
    """The same rows, all of one group."""
    nobody = np.zeros(len(world), dtype=np.int64)
    return replace(world, groupings={"sex": Grouping(attribute="sex", codes=nobody, names=("women",))})


def single(world: Subject) -> Subject:
    """One woman, in place of many, beside all men."""
    codes = np.ones(len(world), dtype=np.int64)
    codes[0] = 0
    groups = Grouping(attribute="sex", codes=codes, names=("women", "men"), reference="men")
    return replace(world, groupings={"sex": groups})


def one_person(world: Subject) -> Subject:
    """Every row about the same person."""
    who = np.array(["p"] * len(world))
    return replace(world, table=Table({**world.table.columns, "who": who}), cluster="who")


def limits_on(name: str) -> list[Limit]:
    """One on each metric that the probe yields to be judged of a sound system, by attribute."""
    probe, system, world = PROBES[name]
    judged = {each.metric for each in run_probe(probe, system, world).measures if each.mode == "gate"}
    place = {"attribute": "sex"}
    return [
        Limit(metric=f"{name}/{metric}", direction="at_least", threshold=-9.0, groups=place)
        for metric in sorted(judged)
    ]


@pytest.mark.parametrize(
    ("name", "world"),
    [
        (name, world)
        for name in sorted(PROBES)
        for world in (alone, single, one_person)
        if (name, world) != ("bias.ranking-exposure", one_person)  # a person who is ranked twice is an ERROR there
    ],
)
def test_with_nobody_to_compare_with_every_limit_meets_its_quantity(name: str, world: Any) -> None:
    """One group only, or one person: INCONCLUSIVE or not applicable with the reason, and no PASS of two groups."""
    probe, system, sound = PROBES[name]
    result = run_probe(probe, system, world(sound))
    limits = limits_on(name)
    covered = [each for each in judge([result], limits) if each.limit is not None and each.groups]

    assert limits
    assert [] == unused_limits([result], limits)
    assert Verdict.PASS not in {each.verdict for each in covered if each.groups and each.groups.reference}
    assert all(each.why for each in covered if each.verdict is not Verdict.PASS)


@pytest.mark.parametrize("name", ["bias.group-rates", "bias.auc-gap", "bias.calibration", "bias.outcome-gap"])
def test_without_a_label_what_rests_on_one_is_not_applicable(name: str) -> None:
    """And every limit on it meets a quantity that says so."""
    probe, system, sound = PROBES[name]
    result = run_probe(probe, system, replace(sound, label=None))
    limits = limits_on(name)
    unlabelled = [each for each in result.measures if "names no label" in str(each.why)]

    assert [] == unused_limits([result], limits)
    assert {Verdict.NOT_APPLICABLE} == {each.verdict for each in unlabelled}
