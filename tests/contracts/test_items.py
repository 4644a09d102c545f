"""What probes owe a later comparison: items that make up each quantity that is judged, under keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bbq_world import Reads, bbq_file, sensible
from fakes import Chooser, KeywordClassifier, Pricer, Scorer, Writer, credit_world, price_world, run_probe
from hatecheck_world import hatecheck_file, recorded_cases
from preferring import OWN_PAIRS, OWN_TRIPLES, Likely, Vectorised, recorded_pairs, recorded_triples
from probandum.changing import change_of_items, value_of
from probandum.changing_rows import change_of_counted, paired_rows
from probandum.evidence import Capability
from probandum.plugins import load_plugins
from probandum.probe import Measure, ProbeResult, known_probes, make_probe
from probandum.row_items import Counted, Rows
from probandum.subject import Subject
from probandum.target import Target
from probandum_probes.bias.bbq_items import read_bbq
from probandum_probes.bias.sampled_swap import SampledSwap
from swaps import Talker
from texts_world import Disliking, texts_folder
from wino_world import Recorded, always, winobias, winobias_files, winogender, winogender_file

load_plugins()
TEXTS = texts_folder()

#: A small system and its rows for each thing a probe can ask.
SOUND: Mapping[Capability, tuple[Target, Subject | None]] = {
    Capability.PREDICT: (Scorer(gap=1.0), credit_world(600)),
    Capability.CLASSIFY: (KeywordClassifier(), None),
    Capability.CHOOSE: (Chooser(), None),
    Capability.GENERATE: (Writer(), None),
    Capability.SCORE: (Likely(), None),
    Capability.EMBED: (Vectorised(), None),
}
#: Recorded answers to the items of a benchmark, which only its own probe can read.
ANSWERED: Mapping[str, Target] = {
    "bias.hatecheck": recorded_cases(),
    "bias.crows-pairs": recorded_pairs(),
    "bias.stereoset": recorded_triples(),
    "bias.bbq": Reads(read_bbq(bbq_file()).items, sensible, how=Capability.RECALL),
    "bias.bold": Disliking({}, how=Capability.RECALL),
    "bias.holistic-bias": Disliking({}, how=Capability.RECALL),
    "bias.honest": Disliking({}, how=Capability.RECALL),
    "bias.winobias": Recorded(winobias().twins.passages, always(0.8)),
    "bias.winogender": Recorded(winogender().twins.passages, always(0.8)),
}
#: Rows of their own for probes that need another kind of them.
ROWS: Mapping[str, Subject] = {
    "bias.intersections": credit_world(1200, towns=True),
    "bias.outcome-gap": price_world(600),
    "bias.ranking-exposure": price_world(150),
}
#: Systems of their own for probes that need another kind of answer.
SYSTEMS: Mapping[str, Target] = {
    "bias.outcome-gap": Pricer(gap=0.5),
    "bias.ranking-exposure": Pricer(gap=0.5),
    "bias.sampled-swap": Talker(SampledSwap()),
}
#: Options that keep a slow probe small, and those that a probe cannot do without.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "bias.bbq": {"data": str(bbq_file())},
    "bias.bold": {"data": str(TEXTS / "pet_prompt.json"), "lexicon": str(TEXTS / "words.txt")},
    "bias.holistic-bias": {
        "data": str(TEXTS / "descriptors.json"),
        "sentences": str(TEXTS / "sentence_templates.json"),
        "lexicon": str(TEXTS / "words.txt"),
    },
    "bias.honest": {"data": str(TEXTS / "en_template.tsv"), "lexicon": str(TEXTS / "words.txt")},
    "bias.hatecheck": {"data": str(hatecheck_file())},
    "bias.conditional-parity": {"given": ["income"], "reason": "A loan must be repaid"},
    "bias.crows-pairs": {"data": str(OWN_PAIRS)},
    "bias.stereoset": {"data": str(OWN_TRIPLES)},
    "bias.winobias": winobias_files(),
    "bias.winogender": {"data": str(winogender_file())},
    "bias.sampled-swap": {"prompts": 600},
    "energy.inference": {"repeats": 2, "seconds": 0.02, "warm_up": 0},
    "explain.efficiency": {"inputs": 6},
    "explain.faithfulness": {"inputs": 6},
    "explain.seed-stability": {"inputs": 4, "seeds": 3},
}
#: Every probe with every kind of system that it says it can ask.
PAIRS = [(id, capability) for id, spec in known_probes().items() for capability in sorted(spec.needs)]

#: Quantities that are judged and keep no items, with the reason.
WITHOUT: Mapping[str, str] = {}


@dataclass(frozen=True)
class Kept:
    """A probe's result on a sound system."""

    result: ProbeResult

    @property
    def items(self) -> list[Measure]:
        """Measures with items of their own."""
        return [measure for measure in self.result.measures if measure.items is not None]


@pytest.fixture(scope="module", params=PAIRS, ids=[f"{id}-{capability}" for id, capability in PAIRS])
def kept(request: pytest.FixtureRequest) -> Kept:
    """Every probe with every kind of system that it can ask."""
    id, capability = request.param
    system, subject = (ANSWERED[id], None) if capability == Capability.RECALL else SOUND[Capability(capability)]
    return Kept(run_probe(make_probe(id, SMALL.get(id, {})), SYSTEMS.get(id, system), ROWS.get(id, subject)))


def test_items_make_up_their_quantity(kept: Kept) -> None:
    """The value follows from the items by their form, so that differences of items are a change of it."""
    for measure in kept.items:
        assert measure.items is not None
        assert measure.estimate.value == pytest.approx(value_of(measure.items), rel=1e-9, abs=1e-9), measure.metric


def test_every_judged_number_can_be_compared(kept: Kept) -> None:
    """A quantity with a number that a limit may judge keeps items, or counts rows."""
    silent = {
        measure.metric
        for measure in kept.result.measures
        if measure.mode == "gate" and measure.estimate.value is not None
        if measure.items is None and measure.counted is None
    }

    assert silent <= {name.partition("/")[2] for name in WITHOUT if name.startswith(f"{kept.result.probe}/")}


def test_an_item_has_a_key_of_its_own(kept: Kept) -> None:
    """No two items of a quantity share their key, so that each finds its counterpart."""
    for measure in kept.items:
        assert measure.items is not None
        assert len(measure.items.keys) == len({*measure.items.keys}), measure.metric


def test_an_audit_has_not_changed_against_itself(kept: Kept) -> None:
    """The change of every quantity is 0 in its own unit, or relative."""
    for measure in kept.items:
        assert measure.items is not None
        change = change_of_items(measure.items, measure.items, design=measure.estimate.design, unit="u")

        assert 0.0 == change.value, measure.metric


@pytest.mark.parametrize("id", ["bias.group-rates", "bias.intersections"])
def test_rates_follow_from_their_rows(id: str) -> None:
    """Each rate, difference and ratio of groups is what its row items count, and one measure carries them for all."""
    result = run_probe(make_probe(id, {}), Scorer(gap=1.0), credit_world(600, towns=True))
    (packed,) = [measure.rows for measure in result.measures if measure.rows is not None]
    rows = packed.opened()
    counted = [measure for measure in result.measures if measure.counted is not None]
    pairs = paired_rows(packed, packed)

    assert {"share", "difference", "ratio"} == {each.counted.form for each in counted if each.counted is not None}
    for measure in counted:
        assert measure.counted is not None
        change = change_of_counted(pairs, measure.counted, measure.counted, unit="share")

        assert measure.estimate.value == pytest.approx(_value(rows, measure.counted)), measure.metric
        assert 0.0 == change.value, measure.metric


def _value(rows: Rows, counted: Counted) -> float:
    """What anyone would count."""
    rates = []
    for side in counted.sides:
        held = np.all([rows.columns[name] == code for name, code in side.items()], axis=0)
        codes = rows.columns[counted.column][held]
        trial = np.isin(codes, counted.trials)
        rates.append(float((trial & np.isin(codes, counted.events)).sum() / trial.sum()))
    if counted.form == "share":
        return rates[0]
    return rates[0] - rates[1] if counted.form == "difference" else rates[0] / rates[1]
