"""Measuring: all that one probe leaves, whatever becomes of it.

A probe that breaks leaves an error with its reason, never a gap: an audit does not grow thinner in silence.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.asking import Asker
from probandum.errors import (
    BudgetSpent,
    DataError,
    Exchanged,
    Misrecorded,
    ProbandumError,
    Unreachable,
    Unrecorded,
)
from probandum.finding import SubReason, Verdict, finding_id
from probandum.plugins import author
from probandum.probe import ControlOutcome, Measure, Probe, ProbeResult, ProbeSpec, refuse_undeclared
from probandum.probe_ask import ProbeAsk

#: No fault of a probe: the run ends, and but for a damaged journal or another system the same command resumes it.
_ENDING = (Unreachable, Exchanged, Unrecorded, Misrecorded)


def measure(probe: Probe, asker: Asker) -> ProbeResult:
    """All that one probe leaves: its measures with their evidence, and its controls.

    A probe that breaks, or that the budget leaves without answers or controls, leaves an error with its reason; one
    that the target cannot answer is not applicable. Unreachable, Exchanged, Unrecorded and Misrecorded end the run.
    """
    spec: ProbeSpec = probe.spec
    empty = ProbeResult(
        probe=spec.id,
        version=spec.version,
        status="not_applicable",
        options=_options(probe),
        requirements=spec.requirements,
        summary=spec.summary,
        author=author(type(probe).__module__),
    )
    if not spec.needs & asker.target.capabilities:
        able = ", ".join(sorted(asker.target.capabilities)) or "nothing"
        needs = " or ".join(sorted(spec.needs))
        reasons = [asker.target.why_not[kind] for kind in sorted(spec.needs) if kind in asker.target.why_not]
        why = f"it needs {needs}, and target {asker.target.name} answers {able}"
        return replace(empty, why=": ".join([why, *reasons[:1]]))
    ask = asker.for_probe(spec.id, honours=spec.honours)
    try:
        measures = tuple(_with_evidence(measure, ask) for measure in probe.measure(ask))
        measures = tuple(_refused(measure, ask.unanswered) for measure in measures)
        _refuse_repeats(spec.id, measures)
        refuse_undeclared(probe, measures)
        controls = tuple(_control(control, probe, asker) for control in probe.controls) if measures else ()
    except _ENDING:
        raise
    except BudgetSpent as error:
        return replace(empty, status="error", sub_reason=SubReason.BUDGET, why="; ".join(error.lines()))
    except ProbandumError as error:
        reason = SubReason.UNANSWERED if spec.id in asker.unanswered else None
        return replace(empty, status="error", sub_reason=reason, why="; ".join(error.lines()))
    except Exception as error:  # a third party's probe may break in any way, and none of them is a pass
        return replace(empty, status="error", why=_said(error))
    if spec.id in asker.unanswered:
        return replace(empty, status="error", sub_reason=SubReason.UNANSWERED, why=asker.unanswered[spec.id])
    if not measures:
        return replace(empty, status="error", why="the probe ended without a measure")
    if spec.id not in asker.cut_short:
        return replace(empty, status="measured", measures=measures, controls=controls)
    if any(each.mode == "gate" and each.estimate.stream is None for each in measures):
        why = f"{asker.purse.ended}; what was answered until then is no estimate that holds when one stops early"
        return replace(empty, status="error", sub_reason=SubReason.BUDGET, why=why)
    return replace(empty, status="measured", sub_reason=SubReason.BUDGET, measures=measures, controls=controls)


def _with_evidence(measure: Measure, ask: ProbeAsk) -> Measure:
    return measure if measure.evidence else replace(measure, evidence=tuple(ask.evidence))


def _refused(measure: Measure, unanswered: str | None) -> Measure:
    """What may be judged as an ERROR where the system left inputs without an answer: the audit is thinner than planned.

    An answer that holds no answer is not meant: how many of these are too many is a probe's own.
    """
    if unanswered is None or measure.mode != "gate" or measure.verdict is Verdict.ERROR:
        return measure
    return replace(measure, verdict=Verdict.ERROR, sub_reason=SubReason.INVALID_ANSWERS, why=unanswered)


def _refuse_repeats(probe: str, measures: Sequence[Measure]) -> None:
    seen: set[str] = set()
    for each in measures:
        name = finding_id(f"{probe}/{each.metric}", each.groups, each.facets)
        if name in seen:
            raise DataError(f"{probe} measured {name} twice")
        seen.add(name)


def _control(control: Any, probe: Probe, asker: Asker) -> ControlOutcome:
    """A control's outcome; one that breaks has failed, since it showed nothing."""
    try:
        outcome: ControlOutcome = control.run(probe, asker.for_probe(probe.spec.id, honours=probe.spec.honours))
    except (BudgetSpent, *_ENDING):  # a probe without its controls is no evidence
        raise
    except Exception as error:
        if probe.spec.id in asker.unanswered:
            raise
        return ControlOutcome(name=control.name, kind=control.kind, held=False, detail=f"it broke: {_said(error)}")
    return outcome


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    return error.message if isinstance(error, ProbandumError) else f"{type(error).__name__}: {text}"


def _options(probe: Probe) -> dict[str, Any]:
    """The options a probe runs under, defaults included, as far as they are plain values of its own."""
    names = [name for name in inspect.signature(type(probe)).parameters if hasattr(probe, name)]
    return {name: codec.builtins(_plain(getattr(probe, name))) for name in names}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value.name if isinstance(value, Path) else value
