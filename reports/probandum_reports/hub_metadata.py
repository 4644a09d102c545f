"""The metadata that model hubs read in front of a card: what was declared or measured, and nothing else.

Results stand with their interval, where they have one, n and verdict. Emissions are those of training, since a hub
reads them so, and are declared; what inference emits is among the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from probandum.dossier import Dossier
from probandum.finding import Verdict
from probandum.stating import plainly, stated
from probandum_reports.charting import drawn
from probandum_reports.messages import said
from probandum_reports.sayings import Shown
from probandum_reports.tables import name
from probandum_reports.view import View

#: The card's own words under keys that hubs know.
_DECLARED = {
    "license": "licence.id",
    "language": "languages",
    "pipeline_tag": "model_card.pipeline_tag",
    "base_model": "model_card.base_model",
    "datasets": "model_card.datasets",
}
_EMISSIONS = {
    "grams": "emissions",
    "source": "source",
    "training_type": "training_type",
    "location": "geographical_location",
    "hardware": "hardware_used",
}
#: What a hub calls the library of a target, and the task of a system that answers so.
_LIBRARIES = {"transformers": "transformers", "sklearn": "sklearn"}
_TASKS = {
    "generate": "text-generation",
    "choose": "text-generation",
    "classify": "text-classification",
    "predict": "tabular-classification",
}
#: Figures on which no limit was set stand there of these families alone; and how many results there are at most.
_UNJUDGED, _MOST = ("performance", "energy"), 100


def front(view: View) -> str:
    """The metadata as YAML between two rules; a rule and nothing in it where nobody declared or measured anything."""
    data = metadata(view)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1_000) if data else ""
    return f"---\n{text}---"


def metadata(view: View) -> dict[str, Any]:
    """What the card declares and the record holds, under the hub's own keys."""
    dossier = view.dossier
    data: dict[str, Any] = {}
    for key, path in _DECLARED.items():
        if (value := _plain(dossier, path)) is not None:
            data[key] = value
    library = _LIBRARIES.get(str(dossier.environment.get("target", {}).get("type")))
    data |= {"library_name": library} if library else {}
    data |= _emissions(dossier)
    results = list(_results(view))
    if results:
        named = _plain(dossier, "name")
        data["model-index"] = [{"name": str(named or said("a system without a name")), "results": results}]
    return data


def _plain(dossier: Dossier, path: str) -> Any:
    found = stated(dossier.card, path)
    return None if found is None or found.value in ("", [], {}) else plainly(found.value)


def _emissions(dossier: Dossier) -> dict[str, Any]:
    """Declared emissions of training in grams, with what the card says of them; none without a number."""
    declared = _plain(dossier, "training_emissions")
    if not isinstance(declared, Mapping) or not isinstance(declared.get("grams"), int | float):
        return {}
    return {"co2_eq_emissions": {its: declared[key] for key, its in _EMISSIONS.items() if key in declared}}


def _results(view: View) -> Iterator[dict[str, Any]]:
    """One result a probe, with its metrics: those that a limit was applied to, and accuracy and energy."""
    shown = [view.shown(each.id) for each in view.dossier.findings]
    found = [each for each in shown if drawn(each) and each.finding.verdict is not Verdict.ERROR and _told(each)]
    found.sort(key=lambda each: each.finding.limit is None)
    probes = dict.fromkeys(each.finding.probe for each in found[:_MOST])
    task = _task(view.dossier)
    for probe in probes:
        yield {
            "task": {"type": task},
            "dataset": {"type": probe, "name": said("inputs of {probe} in this audit", probe=probe)},
            "metrics": [_metric(each) for each in found[:_MOST] if each.finding.probe == probe],
        }


def _told(shown: Shown) -> bool:
    family = shown.finding.probe.partition(".")[0]
    return shown.finding.judged or family in _UNJUDGED


def _task(dossier: Dossier) -> str:
    declared = _plain(dossier, "model_card.pipeline_tag")
    kinds = dossier.environment.get("target", {}).get("capabilities", ())
    return str(declared or next((task for kind, task in _TASKS.items() if kind in kinds), "other"))


def _metric(shown: Shown) -> dict[str, Any]:
    finding, estimate = shown.finding, shown.finding.estimate
    interval = {"low": estimate.low, "high": estimate.high, "level": estimate.level}
    return {
        "type": finding.metric,
        "name": name(shown),
        "value": estimate.value,
        "args": {
            **(interval if estimate.bounded else {}),
            "n": estimate.n,
            "unit": estimate.unit,
            "verdict": shown.verdict,
            "finding": finding.id,
        },
    }
