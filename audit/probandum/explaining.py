"""Explaining one decision of a sealed record: the model that made it is asked again, and no other.

1. the plan is found, and asks what the record answers
2. the system is loaded, is one that can be asked about changed inputs, and is the one that the record names
3. every file that the plan names holds the bytes that were audited
4. what the decision rests on is worked out, by asking
5. the decision is the recorded one
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from probandum import codec, purging
from probandum.asking import Asker
from probandum.attempts import model_of
from probandum.errors import RecordError, TargetError, UsageError
from probandum.plan import Plan
from probandum.preparing import prepare, record_key, source_digests, subject_of, target_of
from probandum.reasons import Answered, Reasons, Wanted, reasoner
from probandum.record import Record
from probandum.target import Target

#: How far a probability may lie from the recorded one: what a batch of others moves single precision by.
TOLERANCE = 1e-4
#: What a card may say of a column under ``change``; ``correctable``: it may be wrong in the data, and then it moves.
CHANGES = ("free", "rises", "falls", "fixed", "correctable")


def explain(record: Record, row: str, *, card: Mapping[str, Any], plan: Path | None = None) -> Reasons:
    """What the decision on ``row`` rests on; ``plan``: the audit file, by default where the record says that it lay.

    ``card``: the declarations that the explanation quotes. What a person can change is taken from them and not from
    the audit file, which may have moved on.

    RecordError where the model, or the data, are not those of the record, or the decision is another one; TargetError
    where the system cannot be asked about changed inputs.
    """
    # 1. the plan
    chosen = _plan_of(record, plan)
    probes = prepare(chosen)
    # 2. the system
    target = target_of(chosen)
    try:
        _refuse_other_system(record, target)
        # 3. the files
        if record_key(chosen, source_digests(chosen, probes.values())) != record.plan["key"]:
            raise RecordError(
                f"{record.folder}: the data, or another file that the plan names, are not those that were audited",
                remedy="bring them back, or audit again and explain from that record",
            )
        # 4. the reasons
        asker = Asker(target, seed=chosen.seed, subject=subject_of(chosen, target))
        ask = asker.for_probe("explain", honours=("weight", "cluster"))
        wanted = Wanted(
            row=row,
            attributes={name: str(group.get("column") or name) for name, group in chosen.groups.items()},
            texts=_texts(chosen),
            ways=ways_of(card, chosen.suites),
            neutral=_neutral(chosen),
        )
        found = reasoner().reasons(ask, wanted)
        # 5. the decision
        return replace(
            found,
            requests=len(ask.evidence),
            evidence=codec.digest_of(list(ask.evidence)),
            recorded=_recorded(record, found.answer),
        )
    finally:
        target.close()


def _plan_of(record: Record, plan: Path | None) -> Plan:
    """The plan that the record answers, from its file."""
    told = record.environment.get("plan")
    path = plan
    if path is None and isinstance(told, str):
        path = record.folder / told
    if path is None or not path.is_file():
        named = f" at {path}" if path is not None else ""
        raise UsageError(
            f"{record.folder}: no audit file{named}, which says where model and data lie", remedy="name it with --plan"
        )
    chosen = Plan.load(path).at_tier(record.plan["tier"])
    if chosen.digests["ask"] != record.plan["digests"]["ask"]:
        raise RecordError(
            f"{path}: asks other questions than {record.folder} answers", remedy="name the plan of this record"
        )
    return chosen


def _refuse_other_system(record: Record, target: Target) -> None:
    """RecordError where another model stands there than the one that decided, TargetError where none can be asked."""
    if target.recorded:
        raise TargetError(
            f"{record.folder}: target {target.name} holds decisions and no model: nothing can be asked about changes",
            remedy="explain decisions from the audit of the model itself",
        )
    if not target.shareable:
        raise TargetError(
            f"{record.folder}: target {target.name} states no digest of its model: nothing shows that the model that "
            "answers now is the one that decided",
            remedy="audit the model itself, from its file",
        )
    then, now = (model_of(each) for each in (record.environment["target"]["identity"], target.identity()))
    if then != now:
        raise RecordError(
            f"{record.folder}: another model stands there than the one that decided: {_differing(then, now)}",
            remedy="bring that model back: no other can explain its decision",
        )


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first fact that differs, with both sides.

    >>> _differing({"sha256": "sha256:1f"}, {"sha256": "sha256:2e"})
    'its sha256 was sha256:1f, and is sha256:2e'
    """
    name = next(name for name in (*then, *now) if then.get(name) != now.get(name))
    return f"its {name} was {then.get(name)}, and is {now.get(name)}"


def _texts(plan: Plan) -> Path | None:
    """The file of texts that the plan's probes of explanations read; None where it names none."""
    named = (
        options["texts"]
        for name, options in plan.suites.items()
        if name.startswith("explain.") and options and isinstance(options.get("texts"), str)
    )
    return next((plan.resolve(each) for each in named), None)


def _neutral(plan: Plan) -> tuple[str, ...] | None:
    """The words that the plan's probes of explanations put in the place of others; None where it names none."""
    named = (
        options["neutral"]
        for name, options in plan.suites.items()
        if name.startswith("explain.") and options and options.get("neutral") is not None
    )
    return next((tuple(each) for each in named), None)


def ways_of(
    card: Mapping[str, Any], suites: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Literal["fixed", "rises", "falls"]]:
    """Of columns whether they may change, from the card and from probes whose options say it of them.

    >>> ways_of({"columns": {"age": {"change": "rises"}}}, {"explain.counterfactuals": {"immutable": ["sex"]}})
    {'sex': 'fixed', 'age': 'rises'}
    """
    found: dict[str, Literal["fixed", "rises", "falls"]] = {}
    for options in filter(None, suites.values()):
        for key, way in (("immutable", "fixed"), ("increase_only", "rises"), ("decrease_only", "falls")):
            found |= dict.fromkeys(options.get(key) or (), cast("Literal['fixed', 'rises', 'falls']", way))
    columns = card.get("columns")
    for name, said in columns.items() if isinstance(columns, Mapping) else ():
        change = said.get("change") if isinstance(said, Mapping) else None
        if change is not None and change not in CHANGES:
            raise UsageError(
                f"system.columns.{name}.change: expected {', '.join(CHANGES[:-1])} or {CHANGES[-1]}, got {change!r}"
            )
        if change in ("fixed", "rises", "falls"):
            found[str(name)] = change
    return found


def _recorded(record: Record, answer: Answered) -> str | None:
    """The digest of the recorded answer that holds the same decision; None where none is recorded.

    RecordError where the record holds another one.
    """
    if purging.read(record) is not None:
        return None
    for each in record.observations():
        if each.named != answer.request or answer.place not in each.places or each.answer.outputs is None:
            continue
        then = np.asarray(each.answer.outputs[answer.place - each.places.start], dtype=np.float64)
        now = np.array(answer.probabilities)
        if then.shape != now.shape or float(np.abs(then - now).max()) > TOLERANCE:
            raise RecordError(
                f"{record.folder}: the model answers this row otherwise than the record holds: probabilities "
                f"{_listed(then)} then, {_listed(now)} now",
                remedy="no explanation is written of another decision; audit again",
            )
        return each.response
    return None


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in values.tolist())
