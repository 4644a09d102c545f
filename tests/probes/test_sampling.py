"""Samples: seeded, nested, and honest about what they allow."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import Chooser, KeywordClassifier, Notes, Scorer, credit_world, run_probe
from probandum.asking import Asker
from probandum.errors import DataError
from probandum.finding import SubReason, Verdict
from probandum_probes.bias.group_rates import GroupRates
from probandum_probes.bias.name_swap import NameSwap
from probandum_probes.bias.sampling import sampled, sampled_rows
from probandum_probes.bias.term_swap import TermSwap


def asked(probe: object, target: object, subject: object = None) -> set[str]:
    """The digests of all that a probe asks, controls included."""
    notes = Notes()
    asker = Asker(target, seed=1, subject=subject, journal=notes)  # type: ignore[arg-type]
    list(probe.measure(asker.for_probe("bias.probe")))  # type: ignore[attr-defined]
    return {each.request for pack in notes.packs.values() for each in pack}


@pytest.mark.parametrize("size", [2, 7, 20, 21])
def test_a_sample_is_part_of_every_larger_one(size: int) -> None:
    """In the order of the file, the same in every run, and all where there are no more."""
    ask = Asker(Chooser(), seed=3).for_probe("bias.name-swap")
    items = [f"scenario {number}" for number in range(20)]
    small, large = sampled(ask, items, size), sampled(ask, items, size + 3)

    assert min(size, 20) == len(small)
    assert set(small) <= set(large)
    assert list(small) == sorted(small, key=items.index)
    assert small == sampled(ask, items, size)
    assert tuple(items) == sampled(ask, items, None)


def test_another_seed_draws_another_sample() -> None:
    """It follows the plan's."""
    one, two = (sampled(Asker(Chooser(), seed=seed).for_probe("bias.name-swap"), range(1000), 10) for seed in (1, 2))

    assert one != two


def test_what_a_sample_of_scenarios_asks_the_whole_asks_too() -> None:
    """To the request, so that answers are shared: five scenarios in both orders, before the noise floor asks again."""

    def first(probe: NameSwap) -> set[str]:
        requests = probe.requests(Asker(Chooser(), seed=1).for_probe("bias.name-swap")).requests
        return {request.digest for request in requests if request.repeat == 0}

    few, many = first(NameSwap(sample=5)), first(NameSwap())

    assert 10 == len(few)
    assert few < many


def test_a_sample_of_sentences_keeps_their_fillers_together() -> None:
    """Six sentences, with every filler, about every word."""
    result = run_probe(TermSwap(sample=6), KeywordClassifier())
    shifts = [each for each in result.measures if each.metric == "signed-shift" and each.mode == "gate"]

    assert 6 >= max(len(set(each.items.strata)) for each in shifts if each.items is not None)
    assert {SubReason.SMALL_GROUP} == {each.sub_reason for each in shifts}


def test_too_small_a_sample_of_scenarios_allows_no_verdict() -> None:
    """And says how many a verdict needs."""
    result = run_probe(NameSwap(sample=8), Chooser())
    judged = [each for each in result.measures if each.metric == "log-odds-difference" and not each.facets]

    assert {(Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP)} == {(each.verdict, each.sub_reason) for each in judged}
    assert {"8 scenarios; a verdict about groups needs 20"} == {each.why for each in judged}


def test_rows_are_sampled_with_their_groups_and_controls_hold_on_them() -> None:
    """Every quantity and control speaks of the sampled rows alone."""
    subject = credit_world(2000)
    result = run_probe(GroupRates(sample=900), Scorer(gap=1.0), subject)
    rates = [each.estimate for each in result.measures if each.metric == "selection-rate"]
    few = sampled_rows(Asker(Scorer(), seed=1, subject=subject).for_probe("bias.group-rates"), 900).subject

    assert 900 == sum(each.n for each in rates) == len(few)
    assert [True, True] == [outcome.held for outcome in result.controls]
    assert np.array_equal(few.table["female"] == 1.0, few.groupings["sex"].codes == 0)


@pytest.mark.parametrize("made", [NameSwap, TermSwap, GroupRates])
def test_a_sample_of_one_is_refused(made: type) -> None:
    """It has no interval."""
    with pytest.raises(DataError, match="sample: 1"):
        made(sample=1)
