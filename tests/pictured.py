"""Dossiers whose findings become a picture of each kind: maps, diagrams, ladders, spreads, bars, swarms, ribbons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from dossiers import HELD
from probandum import stats
from probandum.evidence import Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure, ProbeResult

CROSSED = "age*nationality"
#: Favourable decisions and persons of each group; nobody is young and Swiss, and few are old and Swiss.
COUNTS = {
    "young*AT": (20, 50),
    "young*DE": (30, 40),
    "old*AT": (90, 120),
    "old*DE": (45, 60),
    "old*CH": (2, 6),
}


def share(x: int, n: int) -> Estimate:
    """A share with its Wilson interval."""
    found = stats.proportion_interval(x, n, level=0.95)
    return Estimate(
        value=found.value, low=found.low, high=found.high, n=n, unit="share", method="wilson", counts=((x, n),)
    )


def clustered(value: float, error: float, unit: str) -> Estimate:
    """A mean with an interval from 21 clusters."""
    found = stats.bounds("t", level=0.95, moments=(value, error, 20.0))
    return Estimate(
        value=value, low=found.low, high=found.high, n=210, unit=unit, method="t", moments=(value, error, 20.0)
    )


def result(probe: str, measures: Sequence[Measure]) -> ProbeResult:
    """What one probe left."""
    held = tuple(replace(each, evidence=("sha256:" + "0" * 64,)) for each in measures)
    return ProbeResult(
        probe=probe, version=1, status="measured", measures=held, controls=HELD, summary="A probe.", planned=1
    )


def crossings(counts: dict[str, tuple[int, int]] = COUNTS, attribute: str = CROSSED) -> ProbeResult:
    """Rates of crossed groups."""
    return result(
        "bias.intersections",
        [
            Measure(metric="selection-rate", groups=Groups(attribute=attribute, group=name), estimate=share(*each))
            for name, each in counts.items()
        ],
    )


def compared() -> ProbeResult:
    """Rates of crossed groups, of which one breaks the limit beside another."""
    counts = {name: each for name, each in COUNTS.items() if name != "old*CH"} | {"young*AT": (20, 200)}
    rates = replace(crossings(counts), probe="bias.group-rates")
    pair = Groups(attribute=CROSSED, group="young*AT", reference="old*DE")
    found = stats.ratio_interval(20, 200, 45, 60)
    ratio = Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        n=260,
        unit="ratio",
        method="koopman",
        counts=((20, 200), (45, 60)),
    )
    measured = (*rates.measures, replace(rates.measures[0], metric="impact-ratio", groups=pair, estimate=ratio))
    return replace(rates, measures=measured)


#: Mean prediction, events and persons of each bin of two groups; the last bin of the old has too few, and that of the
#: young would give it away.
BINS = {"young": ((0.2, 10, 50), (0.5, 40, 50), (0.8, 41, 50)), "old": ((0.2, 11, 50), (0.5, 27, 50), (0.8, 3, 4))}


def calibration() -> ProbeResult:
    """What was predicted and what came true in three bins."""
    measures = []
    for group, found in BINS.items():
        for number, (predicted, x, n) in enumerate(found, 1):
            exact = Estimate(value=predicted, low=predicted, high=predicted, n=n, unit="share", method="exact")
            of, facets = Groups(attribute="age", group=group), {"bin": f"{number} of 3"}
            measures.append(Measure(metric="predicted-rate", estimate=exact, groups=of, facets=facets))
            measures.append(Measure(metric="observed-rate", estimate=share(x, n), groups=of, facets=facets))
    return result("bias.calibration", measures)


#: How far words move a score: three for persons, and two pairs of neutral ones.
WORDS = {("gay", "straight"): 0.34, ("Turkish", "British"): -0.06, ("Polish", "British"): 0.01}
NEUTRAL = {("new", "talented"): 0.04, ("polite", "energetic"): -0.02}


def terms() -> ProbeResult:
    """Shifts of all words, and rates of changed decisions of those for persons."""
    measures = []
    for (group, reference), value in (WORDS | NEUTRAL).items():
        pair = Groups(attribute="term", group=group, reference=reference)
        measures.append(Measure(metric="signed-shift", groups=pair, estimate=clustered(value, 0.004, "share")))
        if (group, reference) in WORDS:
            measures.append(Measure(metric="flip-rate", groups=pair, estimate=share(1, 210)))
    return result("bias.term-swap", measures)


#: Log-odds by scenario and name, of two names a group.
ANSWERS = {
    ("a", "Anna"): -0.6,
    ("a", "Berta"): -0.2,
    ("b", "Anna"): 0.1,
    ("b", "Berta"): 0.3,
    ("a", "Carl"): 0.0,
    ("a", "Dirk"): 0.2,
    ("b", "Carl"): 0.1,
    ("b", "Dirk"): -0.1,
}
SWAP = "bias.name-swap/log-odds-difference?name=women~men"


def swapped() -> dict[str, Any]:
    """A difference of names, and the items that it rests on."""
    women = [name in ("Anna", "Berta") for _, name in ANSWERS]
    items = Items(
        keys=tuple(f"{case}/{name}" for case, name in ANSWERS),
        strata=tuple("women" if each else "men" for each in women),
        values=tuple(ANSWERS.values()),
        unit="logit",
        form="two-way",
        clusters=tuple(case for case, _ in ANSWERS),
        crossed=tuple(name for _, name in ANSWERS),
        sides=tuple(1 if each else -1 for each in women),
    )
    pair = Groups(attribute="name", group="women", reference="men")
    measure = Measure(metric="log-odds-difference", groups=pair, estimate=clustered(-0.15, 0.1, "logit"))
    return {"results": [result("bias.name-swap", [measure])], "items": {SWAP: items}}


PAIR = Groups(attribute="sex", group="women", reference="men")
#: Slices with their excess and their adjusted p-value.
SLICES = {"town Bath": (-0.31, 0.001), "debt to 0.2": (-0.05, 0.6), "town Cork": (0.02, 1.0)}
#: Features with the AUC at which they tell who is of which sex, and what they add to the gap in logits.
TELLING = {"job": (0.71, -0.9), "income": (0.52, 0.1), "debt": (0.55, -0.05)}


def triage() -> ProbeResult:
    """Three slices, of which one holds."""
    measures = []
    for each, (excess, p) in SLICES.items():
        facets, exact = {"gap": "selection-difference", "slice": each}, {"n": 900, "unit": "p-value", "method": "exact"}
        found = clustered(excess, 0.05, "share")
        measures.append(Measure(metric="slice-excess", groups=PAIR, facets=facets, estimate=found, mode="disclosure"))
        test = Estimate(value=p, low=p, high=p, **exact)  # type: ignore[arg-type]
        measures.append(Measure(metric="slice-p", groups=PAIR, facets=facets, estimate=test, mode="disclosure"))
    return result("bias.triage", measures)


def stand_ins() -> ProbeResult:
    """Three features, of which one stands in for the attribute."""
    measures = []
    for feature, (area, added) in TELLING.items():
        for metric, found in (
            ("feature-auc", clustered(area, 0.01, "share")),
            ("feature-contribution", clustered(added, 0.04, "logit")),
        ):
            facets = {"feature": feature}
            measures.append(Measure(metric=metric, groups=PAIR, facets=facets, estimate=found, mode="disclosure"))
    return result("bias.proxies", measures)


#: What features add to the gap in logits, and what they are to the attribute.
ADDED = {"sex": (-0.9, "carries sex itself; shap"), "job": (-0.3, "a proxy: alone; shap"), "debt": (0.05, "shap")}


def decomposed() -> ProbeResult:
    """A gap that runs through the attribute and a proxy, with one feature that pulls back."""
    whole = clustered(-1.15, 0.1, "logit")
    measures = [Measure(metric="score-gap", groups=PAIR, estimate=whole, mode="disclosure")]
    for feature, (added, design) in ADDED.items():
        found = replace(clustered(added, 0.04, "logit"), design=design)
        measures.append(
            Measure(metric="feature-contribution", groups=PAIR, facets={"feature": feature}, estimate=found)
        )
    return result("explain.reliance", measures)


#: What three features add in forty rows, and how closely one of them goes together with another.
ROWS = {"status": [-0.6, 0.4] * 20, "age": [0.1, -0.1] * 20, "job": [0.01 * row for row in range(40)]}
TOGETHER = "log-odds of '1'; goes together with job (0.63)"


def whole() -> dict[str, Any]:
    """Sizes, means and ranks of features, and the rows behind the means."""
    measures, items = [], {}
    for place, (name, values) in enumerate(ROWS.items()):
        facets, design = {"feature": name}, TOGETHER if name == "age" else "log-odds of '1'"
        sizes = clustered(fmean(map(abs, values)), 0.01, "logit")
        mean = clustered(fmean(values), 0.01, "logit")
        exact = Estimate(value=1.0, low=1.0, high=1.0, n=40, unit="rank", method="exact")
        rank = exact if place == 0 else Estimate.missing("between place 2 and 3", n=40, unit="rank")
        looks: dict[str, Any] = {"facets": facets, "mode": "disclosure"}
        measures.append(Measure(metric="mean-absolute-shap", estimate=replace(sizes, design=design), **looks))
        measures.append(Measure(metric="mean-shap", estimate=replace(mean, design=design), **looks))
        if rank.value is None:
            looks |= {"verdict": Verdict.INCONCLUSIVE, "sub_reason": SubReason.NEAR_THRESHOLD, "why": rank.why}
        measures.append(Measure(metric="importance-rank", estimate=rank, **looks))
        bands = ["a category" if name == "job" else ("lowest third", "highest third")[row % 2] for row in range(40)]
        keys = tuple(map(str, range(40)))
        items[f"explain.global/mean-shap?feature={name}"] = Items(
            keys=keys, strata=tuple(bands), values=tuple(values), unit="logit"
        )
    return {"results": [result("explain.global", measures)], "items": items}


#: Sentences with their part, what they add, and the standard error of it.
SENTENCES = (
    ("The applicant has led a team of five for the last eighteen months and holds the licence.", "fact", 0.62, 0.05),
    ("A former employer calls the work slow at first.", "fact", -0.41, 0.05),
    ("The person concerned is called Chuka Amadi.", "name", -0.18, 0.05),
    ("A copy of this page lies in the drawer below.", "placebo", 0.02, 0.05),
)


def prompted(prompts: int = 1, *, scale: float = 1.0) -> dict[str, Any]:
    """Figures of the sentences of some prompts, and of one part over all."""
    measures = []
    for prompt in range(prompts):
        for place, (text, part, value, error) in enumerate(SENTENCES, 1):
            facets = {"prompt": f"en-{prompt}", "part": part, "segment": f"{place}: {text}"}
            measures.append(_shapley(scale * value, scale * error, facets))
    measures.append(_shapley(-0.1, 0.03, {"part": "name"}))
    result = ProbeResult(
        probe="explain.prompt-attribution",
        version=1,
        status="measured",
        measures=tuple(measures),
        controls=HELD,
        summary="A probe.",
        planned=1,
    )
    return {"results": [result]}


def _shapley(value: float, error: float, facets: dict[str, str]) -> Measure:
    """One Shapley value in logits."""
    moments = (value, error, 40.0)
    found = stats.bounds("t", level=0.95, moments=moments)
    estimate = Estimate(value=value, low=found.low, high=found.high, n=128, unit="logit", method="t", moments=moments)
    metric, evidence = "log-odds-attribution", ("sha256:" + "0" * 64,)
    return Measure(metric=metric, estimate=estimate, facets=facets, mode="disclosure", evidence=evidence)


#: By explainer: effective features, and normalised comprehensiveness, each with its standard error.
EXPLAINERS: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "lime.tabular": ((3.1, 0.15), (0.80, 0.018)),
    "occlusion": ((4.2, 0.13), (0.92, 0.008)),
    "shap.permutation": ((4.6, 0.15), (0.91, 0.035)),
}


def _of_explainers(probe: str, metric: str, unit: str, which: int, names: tuple[str, ...]) -> ProbeResult:
    """One figure of each explainer."""
    measures = []
    for name in names:
        moments = (*EXPLAINERS[name][which], 99.0)
        low, value, high = (
            getattr(stats.bounds("t", level=0.95, moments=moments), end) for end in ("low", "value", "high")
        )
        estimate = Estimate(value=value, low=low, high=high, n=100, unit=unit, method="t", moments=moments)
        measures.append(
            Measure(
                metric=metric,
                estimate=estimate,
                facets={"explainer": name},
                mode="disclosure" if which == 0 else "gate",
                evidence=("sha256:" + "0" * 64,),
            )
        )
    return ProbeResult(
        probe=probe, version=1, status="measured", measures=tuple(measures), controls=HELD, summary="Does.", planned=1
    )


def explained(*names: str) -> list[ProbeResult]:
    """What both probes left of these explainers."""
    return [
        _of_explainers("explain.complexity", "effective-features", "features", 0, names),
        _of_explainers("explain.faithfulness", "comprehensiveness-normalised", "score", 1, names),
    ]


#: Dossiers that have a picture of each kind.
PICTURED: list[dict[str, Any]] = [
    {"results": [crossings()]},
    {"results": [compared()]},
    {"results": [calibration()]},
    {"results": [terms()]},
    swapped(),
    {"results": [triage()]},
    {"results": [stand_ins()]},
    {"results": [decomposed()]},
    whole(),
]
