"""What the tests of probes of explanations share: texts, explainers that are known to be bad or good, and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from probandum.evidence import Capability, Floats
from probandum.finding import Limit, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult
from probandum.subject import Subject
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.explain import explaining
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import World

VOCABULARY = ("stupid", "idiot", "hate", "love", "bread", "warm", "soup", "rain", "train", "the", "is", "my")
#: A weight of its own for every word, so that no attribution of a text is 0.
WEIGHTS = {word: (-1.0) ** place * (0.3 + 0.25 * place) for place, word in enumerate(VOCABULARY)}


def texts_file(folder: Path, count: int = 130) -> Path:
    """Texts of 7 to 11 of the twelve words, none twice in a text."""
    rng = np.random.default_rng(11)
    lines = [" ".join(rng.permutation(VOCABULARY)[: rng.integers(7, 12)]) for _ in range(count)]
    path = folder / "texts.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@contextmanager
def planted(name: str, say: Callable[[World, int], Sequence[Floats]], *, sampled: bool = False) -> Iterator[str]:
    """An explainer more, which ``say``s the attributions of all inputs of a world under a seed."""
    before = dict(explaining._EXPLAINERS.classes)

    @explainer(name, explains=[Capability.CLASSIFY, Capability.PREDICT])
    class Planted(Explainer):
        """Says what the test has it say."""

        by_default = False

        def explain(self, world: World, *, seed: int) -> list[Explanation]:
            """One explanation an instance."""
            return [Explanation(attributions=phi, base=None, evaluations=1, seed=seed) for phi in say(world, seed)]

    Planted.sampled = sampled
    try:
        yield name
    finally:
        explaining._EXPLAINERS.classes.clear()
        explaining._EXPLAINERS.classes.update(before)


def constant(world: World, seed: int) -> list[Floats]:
    """The same of every feature of every input."""
    return [np.ones(len(each)) for each in world.instances]


def by_place(world: World, seed: int) -> list[Floats]:
    """More of features that stand further in front, whatever the system."""
    return [np.arange(len(each), 0, -1, dtype=np.float64) for each in world.instances]


def by_chance(world: World, seed: int) -> list[Floats]:
    """Drawn by the seed, whatever the system."""
    return [np.random.default_rng(each.seed(seed)).normal(size=len(each)) for each in world.instances]


def weights(world: World, seed: int) -> list[Floats]:
    """The truth about a classifier with ``WEIGHTS``: of each word its weight, by the class that is explained."""
    signs = [1.0 if each.label == 1 else -1.0 for each in world.instances]
    return [
        sign * np.array([WEIGHTS[word] for word in each.features])
        for sign, each in zip(signs, world.instances, strict=True)
    ]


def found(result: ProbeResult, metric: str, **facets: str) -> Measure:
    """The one measure of that metric and those facets."""
    fitting = [
        each
        for each in result.measures
        if each.metric == metric and all(each.facets.get(facet) == name for facet, name in facets.items())
    ]

    assert 1 == len(fitting), f"{len(fitting)} of {metric} {facets}; {result.status}: {result.why}"
    return fitting[0]


def value(result: ProbeResult, metric: str, **facets: str) -> float:
    """Its estimate."""
    said = found(result, metric, **facets).estimate.value

    assert said is not None
    return said


def verdict(result: ProbeResult, limit: Limit, explainer: str) -> Verdict:
    """What the limit says of that explainer."""
    (said,) = [
        each.verdict
        for each in judge([result], [limit])
        if each.metric == limit.metric and each.facets.get("explainer") == explainer
    ]
    return said


def held(result: ProbeResult) -> list[bool | None]:
    """Whether each control held."""
    return [outcome.held for outcome in result.controls]


def decision_log(folder: Path) -> tuple[Target, Subject]:
    """A log of forty decisions, and its rows."""
    load_builtin()
    path = folder / "log.csv"
    path.write_text("decision,label\n" + "1,1\n0,0\n" * 20, "utf-8")
    options = {"path": str(path), "decision": "decision", "label": "label", "favourable": 0}
    target = make_target("log", TargetContext(folder=folder), options)
    table = target.table()
    assert table is not None
    return target, Subject(table=table)
