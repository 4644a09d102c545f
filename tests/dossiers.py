"""A dossier of real parts: measures of every kind, judged by the real judge under a real plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from probandum import codec, gating, judging, stats
from probandum.accounting import accounts
from probandum.attempts import Attempts, Earlier
from probandum.dossier import Dossier, Review
from probandum.evidence import Capability, Items, Observation, Reading, Request, Response, Table
from probandum.finding import Estimate, Groups, SubReason, Verdict, Waiver
from probandum.journal import Recorded
from probandum.plan import Plan
from probandum.probe import ControlOutcome, Measure, ProbeResult, Window
from probandum.siting import Site
from probandum.totalling import total

PLAN = Path(__file__).parent / "reports" / "data" / "audit.yaml"
#: Not the plan's own, so that a new key of the audit file leaves the golden documents as they are.
DIGESTS = {name: codec.digest(name.encode()) for name in ("ask", "judge", "declare", "waive")}
HELD = (
    ControlOutcome(name="planted gap", kind="positive", held=True, detail="a planted gap of 0.10 was found"),
    ControlOutcome(name="permuted groups", kind="negative", held=True, detail="12 of 200 permutations rejected"),
)
#: One earlier record of the model, which was interrupted.
ATTEMPTS = Attempts(
    earlier=Earlier(records=("credit-scorer-1a2b3c4d",), unfinished=("credit-scorer-1a2b3c4d",)), judgement=1
)
YOUNG, OLD = "25 or younger", "over 25"


def make_dossier(
    *,
    results: Sequence[ProbeResult] | None = None,
    waivers: Sequence[Waiver] | None = None,
    judged_on: str = "2026-11-02",
    mode: str = "release",
    **changes: object,
) -> Dossier:
    """A dossier with findings of every verdict, a withheld cell, a waiver and an energy window.

    ``results`` replaces what the probes measured, ``waivers`` those of the plan, ``changes`` fields of the dossier;
    ``judged_on`` and ``mode`` are the judgement's.
    """
    plan = Plan.load(PLAN)
    measured = tuple(make_results() if results is None else results)
    accepted = plan.waivers if waivers is None else tuple(waivers)
    findings = judging.judge(measured, plan.limits, mode=mode, waivers=accepted, as_of=judged_on)
    unused = judging.unused_limits(measured, plan.limits)
    fields: dict[str, object] = {
        "card": plan.card,
        "plan": {"key": "0" * 16, "suites": {name: {} for name in plan.suites}, "digests": DIGESTS, **plan.parts()},
        "findings": findings,
        "waivers": accepted,
        "judged_on": judged_on,
        "results": measured,
        "environment": make_environment(),
        "readings": _readings(),
        "energy": total(_readings(), Site()),
        "items": {},
        "digests": DIGESTS | {name: codec.digest(name.encode()) for name in ("record", "judgement")},
        "seal": {"signed": False, "key_id": None},
        "gate": codec.builtins(
            gating.decided(findings, unused, plan.suites, mode=mode, waivers=accepted, attempts=ATTEMPTS)
        ),
        "as_of": "2026-11-02",
        "observations": lambda: map(make_recorded, make_observations()),
        "windows": make_windows(),
        "accounts": accounts(plan.suites, measured, make_observations(), make_windows()),
    }
    return Dossier(**{**fields, **changes})  # type: ignore[arg-type]


def make_review(document: str, *, function: str) -> Review:
    """That somebody reviewed what a document says, of which nothing else counts."""
    return Review(
        document=document,
        number=1,
        record="",
        judgement="",
        files={},
        content="",
        name="E. Example",
        function=function,
        date="2026-10-30",
        tool="",
        digest="",
    )


def make_results() -> tuple[ProbeResult, ...]:
    """What six probes left: two measured well, one with a failed control, one crashed, one not applicable."""
    return (
        ProbeResult(
            probe="bias.group-rates",
            version=1,
            status="measured",
            measures=_group_rates(),
            controls=HELD,
            requirements=("ai-act:annex-iv:2:g", "ai-act:annex-iv:3", "gdpr:35:7:c"),
            summary="Selection and error rates by group, their differences and ratios.",
            planned=5,
        ),
        ProbeResult(
            probe="bias.name-swap",
            version=1,
            status="not_applicable",
            why="it needs choose, and target sklearn answers predict",
            requirements=("ai-act:annex-iv:2:g",),
            summary="Log-odds of the favourable answer under two names.",
        ),
        ProbeResult(
            probe="explain.efficiency",
            version=1,
            status="measured",
            measures=(
                Measure(
                    metric="residual",
                    estimate=Estimate(value=0.0004, low=0.0004, high=0.0004, n=40, unit="share", method="exact"),
                    facets={"explainer": "shap.permutation"},
                ),
            ),
            controls=(
                ControlOutcome(name="shifted", kind="positive", held=False, detail="a shift of 0.5 went unseen"),
                HELD[1],
            ),
            requirements=("ai-act:annex-iv:2:b",),
            summary="How far attributions add up to the output.",
        ),
        ProbeResult(
            probe="explain.faithfulness",
            version=1,
            status="measured",
            measures=(_faithfulness(),),
            controls=HELD,
            requirements=("ai-act:annex-iv:2:b", "ai-act:annex-iv:3"),
            summary="Drop of the output when what the explanation calls important is removed.",
        ),
        ProbeResult(
            probe="explain.seed-stability",
            version=1,
            status="error",
            why="LinAlgError: Singular matrix",
            summary="Spread of attributions over seeds.",
        ),
        ProbeResult(
            probe="energy.inference",
            version=1,
            status="measured",
            measures=_energy(),
            controls=HELD,
            requirements=("ai-act:annex-iv:2:c",),
            summary="Joules of a request.",
        ),
    )


def _group_rates() -> tuple[Measure, ...]:
    evidence = tuple(observation.request for observation in make_observations()[:1])
    pair = Groups(attribute="age", group=YOUNG, reference=OLD)
    singles = [
        Measure(
            metric=metric,
            estimate=_share(x, n),
            groups=Groups(attribute=attribute, group=group),
            evidence=evidence,
        )
        for metric, attribute, group, x, n in (
            ("selection-rate", "age", YOUNG, 66, 100),
            ("selection-rate", "age", OLD, 300, 400),
            ("selection-rate", "nationality", "AT", 280, 380),
            ("selection-rate", "nationality", "DE", 84, 114),
            ("selection-rate", "nationality", "CH", 2, 6),
        )
    ]
    few = Measure(
        metric="impact-ratio",
        estimate=_two("koopman", (2, 6), (280, 380), "ratio"),
        groups=Groups(attribute="nationality", group="CH", reference="AT"),
        verdict=Verdict.INCONCLUSIVE,
        sub_reason=SubReason.SMALL_GROUP,
        why="CH has 6 rows; a verdict needs 30",
        evidence=evidence,
    )
    return (
        *singles,
        Measure(
            metric="impact-ratio",
            estimate=_two("koopman", (66, 100), (300, 400), "ratio"),
            groups=pair,
            evidence=evidence,
        ),
        Measure(
            metric="selection-difference",
            estimate=_two("newcombe", (66, 100), (300, 400), "share"),
            groups=pair,
            evidence=evidence,
        ),
        Measure(
            metric="fpr-difference",
            estimate=_two("newcombe", (34, 60), (50, 260), "share"),
            groups=pair,
            evidence=evidence,
        ),
        Measure(
            metric="tpr-difference",
            estimate=_two("newcombe", (38, 40), (132, 140), "share"),
            groups=pair,
            evidence=evidence,
        ),
        Measure(
            metric="ppv-difference",
            estimate=Estimate.missing("no row of this group was labelled positive", unit="share"),
            groups=pair,
            evidence=evidence,
        ),
        few,
    )


def _share(x: int, n: int) -> Estimate:
    found = stats.proportion_interval(x, n, level=0.95)
    return Estimate(
        value=found.value, low=found.low, high=found.high, n=n, unit="share", method="wilson", counts=((x, n),)
    )


def _two(method: str, group: tuple[int, int], reference: tuple[int, int], unit: str) -> Estimate:
    found = stats.bounds(method, level=0.95, counts=(group, reference))
    return Estimate(
        value=found.value,
        low=found.low,
        high=found.high,
        n=group[1] + reference[1],
        unit=unit,
        method=method,
        counts=(group, reference),
    )


def _faithfulness() -> Measure:
    draws = np.sort(np.random.default_rng(1).normal(0.62, 0.08, size=2000))
    found = stats.bounds("bootstrap", level=0.95, draws=draws.tolist(), value=0.62)
    return Measure(
        metric="comprehensiveness-normalised",
        estimate=Estimate(
            value=0.62,
            low=found.low,
            high=found.high,
            n=120,
            unit="score",
            method="bootstrap",
            design="rows resampled",
            draws=tuple(draws.tolist()),
        ),
        facets={"explainer": "shap.permutation", "removal": "background rows"},
        items=Items(keys=("row-1", "row-2"), strata=("", ""), values=(0.5, 0.7), unit="score"),
    )


def _energy() -> tuple[Measure, ...]:
    keys = tuple(make_windows())
    found = stats.bounds("t", level=0.95, moments=(0.0412, 0.0011, 2.0))
    return (
        Measure(
            metric="joules-per-request",
            estimate=Estimate(
                value=0.0412,
                low=found.low,
                high=found.high,
                n=3,
                unit="joule",
                method="t",
                moments=(0.0412, 0.0011, 2.0),
            ),
            mode="disclosure",
            evidence=keys,
        ),
        Measure(
            metric="gpu-joules-per-request",
            estimate=Estimate.missing("there is no GPU", unit="joule"),
            mode="disclosure",
            evidence=keys,
        ),
    )


def _readings() -> Mapping[str, Reading]:
    return {"bias.group-rates": _reading(None), "energy.inference": _reading(40.0)}


def _reading(joules: float | None) -> Reading:
    why = {"gpu": "there is no GPU", "dram": "no counter"} | ({} if joules else {"cpu": "no energy meter was used"})
    return Reading(
        cpu_joules=joules, seconds=3.2, why=why, meter="rapl" if joules else "none", grade="B" if joules else "D"
    )


def make_windows() -> Mapping[str, Window]:
    """Three metered windows of about 1,000 requests."""
    return {
        codec.digest(f"window {index}".encode()): Window(
            reading=_reading(40.0 + index), requests=1000, input_tokens=None, output_tokens=None
        )
        for index in range(3)
    }


def make_recorded(observation: Observation) -> Recorded:
    """An observation as a journal gives it."""
    return Recorded(observation, lambda: observation)


def make_observations() -> list[Observation]:
    """One recorded answer to a block of rows, and one to two prompts."""
    rows = Table({"amount": np.array([1000.0, 2500.0, 400.0]), "duration": np.array([12.0, 24.0, 6.0])})
    asks = [
        (
            Request(kind=Capability.PREDICT, inputs=rows, keys=("row-1", "row-2", "row-3")),
            Response(outputs=np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]]), labels=("0", "1")),
            {"kind": "predict", "n": 3, "rows": rows.digest, "columns": ["amount", "duration"]},
        ),
        (
            Request(kind=Capability.CLASSIFY, inputs=("I am a <b>gay</b> man.", "I am a straight man.")),
            Response(outputs=np.array([[0.1, 0.9], [0.8, 0.2]]), labels=("0", "1")),
            {"kind": "classify", "n": 2, "inputs": ["I am a <b>gay</b> man.", "I am a straight man."]},
        ),
    ]
    return [
        Observation(
            request=request.digest,
            response=response.digest,
            probe="bias.group-rates",
            attempt=1,
            seconds=0.01,
            placement="local",
            pack=f"pack-{index}",
            index=0,
            size=1,
            asked=asked,
            answer=response,
        )
        for index, (request, response, asked) in enumerate(asks)
    ]


def make_environment() -> dict[str, object]:
    """What the runner writes of itself, its machine and the target."""
    return {
        "format": 1,
        "tool": {"name": "probandum", "version": "0.1.0", "plugins": ["probes (probandum 0.1.0)"]},
        "started": "2026-11-01T09:30:00+00:00",
        "machine": {"system": "Linux", "architecture": "x86_64", "python": "3.11.9", "cores": 2, "threads": "auto"},
        "packages": {"numpy": "2.2.0", "scikit-learn": "1.7.0"},
        "target": {
            "type": "sklearn",
            "identity": {"file": "model.pkl", "sha256": codec.digest(b"model"), "class": "LogisticRegression"},
            "capabilities": ["predict"],
            "labels": ["0", "1"],
            "cautions": ["unsafe_pickle: the model was loaded from a pickle, which can run any code"],
            "endpoints": [],
        },
        "data": [{"file": "heldout.csv", "sha256": codec.digest(b"data"), "rows": 1000}],
        "seed": 20261101,
    }
