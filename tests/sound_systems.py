"""A small sound system for every registered probe and each way to ask it, and what the probe says of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from bbq_world import Reads, bbq_file, sensible
from fakes import Chooser, KeywordClassifier, Pricer, Scorer, Writer, credit_world, price_world, run_probe
from hatecheck_world import hatecheck_file, recorded_cases
from preferring import OWN_PAIRS, OWN_TRIPLES, Likely, Vectorised, recorded_pairs, recorded_triples
from probandum.evidence import Capability
from probandum.plugins import load_plugins
from probandum.probe import Probe, ProbeResult, known_probes, make_probe
from probandum.resources import dataset
from probandum.subject import Subject
from probandum.target import Target
from probandum_probes.bias.bbq_items import read_bbq
from probandum_probes.bias.sampled_swap import SampledSwap
from probandum_probes.bias.swap_texts import read_scenarios
from prompt_worlds import Weighing
from swaps import Talker
from telling_worlds import Telling
from texts_world import Disliking, texts_folder
from wino_world import Recorded, always, winobias, winobias_files, winogender, winogender_file

load_plugins()
TEXTS = texts_folder()
PROBES = known_probes()

#: Every probe with every kind of system that it says it can ask.
PAIRS = [(id, capability) for id, spec in PROBES.items() for capability in sorted(spec.needs)]

#: What the shipped scenarios ask.
SCENARIOS = read_scenarios(dataset("decision_scenarios") / "scenarios.yaml")


def favourable(prompt: str) -> str:
    """The good answer of the scenario that a prompt tells; none of a prompt that tells another probe's question."""
    starts = ((each.text.partition("{name}")[0], each.favourable) for each in SCENARIOS)
    return next((favourable for start, favourable in starts if prompt.startswith(start)), "")


#: A small system and its rows for each thing a probe can ask.
SOUND: Mapping[Capability, tuple[Target, Subject | None]] = {
    Capability.PREDICT: (Scorer(gap=1.0), credit_world(600)),
    Capability.CLASSIFY: (KeywordClassifier(), None),
    Capability.CHOOSE: (Chooser(favours=favourable), None),
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

#: Rows of their own for probes that need more of them, or of another kind.
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

#: The same for probes that ask in several ways.
ASKED: Mapping[tuple[str, Capability], Target] = {
    ("explain.prompt-attribution", how): Weighing({"citizen": 1.5, "called": 0.5, "euros": -0.5}, how=how)
    for how in (Capability.CHOOSE, Capability.GENERATE)
} | {
    ("explain.self-explanation", Capability.GENERATE): Telling(
        ["of Polish origin", "of Nigerian origin", "using a wheelchair"], names=0.5, denies=0.5, follows=0.5
    )
}

#: Options that a probe cannot do without.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "bias.bbq": {"data": str(bbq_file(250, 4))},
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
}

#: Options that keep a probe small; every one of them is its own.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "bias.bbq": {"data": str(bbq_file())},
    "bias.sampled-swap": {"prompts": 600},
    "energy.compute": {"active": 0.1, "tokens": 4},
    "energy.hosted": {"parameters": 8.0},
    "energy.inference": {"repeats": 2, "seconds": 0.02, "warm_up": 0},
    "energy.phases": {"repeats": 2, "seconds": 0.02, "warm_up": 0, "tokens": 4},
    "explain.agreement": {"inputs": 6},
    "explain.challenger": {"interactions": 0, "bags": 1, "sample": 200},
    "explain.complexity": {"inputs": 6},
    "explain.counterfactuals": {"inputs": 20},
    "explain.efficiency": {"inputs": 6},
    "explain.faithfulness": {"inputs": 6},
    "explain.global": {"inputs": 20, "rows": 30, "bins": 3, "seeds": 2},
    "explain.infidelity": {"inputs": 6, "perturbations": 20, "neighbours": 3},
    "explain.prompt-attribution": {"sample": 10, "samples": 2},
    "explain.randomisation": {"inputs": 6},
    "explain.reliance": {"inputs": 40, "background": 20},
    "explain.seed-stability": {"inputs": 4, "seeds": 3},
    "explain.self-explanation": {"sample": 12, "further": 8},
    "explain.surrogate": {"sample": 200},
}


def world(id: str, capability: Capability) -> tuple[Target, Subject | None]:
    """The sound system of that kind, and the rows that the probe needs."""
    if capability is Capability.RECALL:
        return ANSWERED[id], None
    system, subject = SOUND[capability]
    return ASKED.get((id, capability), SYSTEMS.get(id, system)), ROWS.get(id, subject)


def made(id: str) -> Probe:
    """The probe, small."""
    return make_probe(id, {**NEEDED.get(id, {}), **SMALL.get(id, {})})


@cache
def sound(id: str, capability: Capability) -> ProbeResult:
    """What the probe says of its sound system, which is asked once for all tests of a process."""
    return run_probe(made(id), *world(id, capability))
