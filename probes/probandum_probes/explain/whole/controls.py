"""Controls of explain.global: a column of noise that the system never sees, and a rule with known weights."""

from __future__ import annotations

import numpy as np

from probandum.errors import ProbeError
from probandum.evidence import Column, Floats, Request, Table
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Decision, Subject, as_text
from probandum_probes.bias.carried import features_of
from probandum_probes.explain.quality.base import unable
from probandum_probes.explain.reliance.controls import NOISE, Unseen, value_of
from probandum_probes.explain.whole.curves import bins_of
from probandum_probes.explain.whole.world import GlobalWorld
from probandum_probes.ruled import ByRule, logistic

#: What a control looks at: explained rows, rows asked again and bins; and of a rule the features that it reads.
INPUTS, ROWS, BINS, READ = 12, 40, 3, 4
#: What rounding leaves of nothing, and of known figures.
NEGLIGIBLE, TOLERANCE = 1e-9, 1e-6
#: What must be 0 of a column that nobody sees.
_NOTHING = ("mean-absolute-shap", "permutation-shift", "accumulated-rise", "interaction-share")


class ByWeights(ByRule):
    """Log-odds that are the codes of all columns times weights."""

    def probability(self, request: Request) -> Floats:
        """Of all columns."""
        return logistic(sum(weight * part for weight, part in self.terms(request.table)))

    def terms(self, rows: Table) -> list[tuple[float, Floats]]:
        """Weight and code of every column."""
        own = self.subject.table
        return [((-1.0) ** place / (place + 1), _code(rows[name], own[name])) for place, name in enumerate(rows)]


def noise_column(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A column that the system never sees must have no importance, no effect and no interaction."""
    subject = ask.subject
    if (why := unable(ask) or _unusable(subject)) is not None:
        return None, why
    features = features_of(subject)
    noise = ask.rng("noise").normal(size=len(subject))
    world = Subject(
        table=Table({**subject.table.columns, NOISE: noise}),
        features=(*features, NOISE),
        label=subject.label,
        decision=subject.decision,
    )
    found = _smaller(probe, Unseen(ask, subject=world))
    sizes = {metric: value_of(found, metric, NOISE) for metric in _NOTHING}
    known = {metric: abs(size) for metric, size in sizes.items() if size is not None}
    said = ", ".join(f"{metric} {size:.1e}" for metric, size in known.items())
    return max(known.values()) <= NEGLIGIBLE, f"a column that is not seen has {said}; expected 0"


def known_weights(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of a rule that adds up weights mean |phi| is |w| mean |code - its mean in the background|, and nothing interacts.

    The rise of the local effect is the weight times the distance of the highest code from the lowest.
    """
    subject = ask.subject
    if (why := _unusable(subject)) is not None:
        return None, why
    names = features_of(subject)[:READ]
    world = Subject(table=subject.table.select(names), features=names, decision=Decision(favourable="1", positive="1"))
    rule = ByWeights(ask, subject=world)
    found = _smaller(probe, rule)
    sample = GlobalWorld.open(rule, inputs=INPUTS, rows=ROWS)
    off = [abs(value_of(found, "non-additive-share") or 0.0)]
    of_rows, of_background = rule.terms(sample.explained.rows), rule.terms(sample.explained.background)
    of_asked = rule.terms(sample.questioned.rows)
    for name, (weight, code), (_, mean), (_, asked) in zip(names, of_rows, of_background, of_asked, strict=True):
        expected = abs(weight) * float(np.abs(code - mean.mean()).mean())
        off.append(abs((value_of(found, "mean-absolute-shap", name) or 0.0) - expected))
        bins = bins_of(column, BINS) if (column := sample.questioned.rows[name]).dtype.kind == "f" else None
        if bins is not None:
            way = asked[column == bins.edges[-1]][0] - asked[column == bins.edges[0]][0]
            off.append(abs((value_of(found, "accumulated-rise", name) or 0.0) - weight * float(way)))
    return max(off) <= TOLERANCE, f"figures of a rule with known weights are off by {max(off):.1e}; expected 0"


def _smaller(probe: Probe, ask: Ask) -> list[Measure]:
    """What the probe with fewer rows measures."""
    made: Probe = type(probe)(
        explainer=probe.explainer,  # type: ignore[attr-defined]
        samples=probe.samples,  # type: ignore[attr-defined]
        inputs=INPUTS,  # type: ignore[call-arg]
        seeds=2,
        rows=ROWS,
        bins=BINS,
    )
    return list(made.measure(ask))


def _unusable(subject: Subject) -> str | None:
    if subject.numeric:
        return "the system decides a number"
    return None if len(subject) > 1 and features_of(subject) else "there are no two rows with a feature"


def _code(column: Column, known: Column) -> Floats:
    """Numbers in standard deviations, a gap as 0; texts by their order, from -1 to 1."""
    if column.dtype.kind == "f":
        spread = float(np.nanstd(known)) if np.isfinite(known).any() else 0.0
        return np.nan_to_num(column / spread) if spread > 0 else np.zeros(len(column))
    values = np.unique(as_text(known))
    place = np.searchsorted(values, as_text(column))
    if (values[np.minimum(place, len(values) - 1)] != as_text(column)).any():
        raise ProbeError("a rule with known weights was asked about a text that no row holds")
    codes: Floats = 2.0 * place / max(len(values) - 1, 1) - 1.0
    return codes
