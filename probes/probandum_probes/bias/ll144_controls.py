"""Controls of the tables of Local Law 144: the rule's own example, and categories that were dealt out anew.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from probandum.controls import ChangedSubject
from probandum.evidence import Response
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Decision, Grouping
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.gap_controls import FALSE_ALARM, permuted
from probandum_probes.bias.scored import Recorded

#: Selected and all applicants by category, as in the worked example of the city's rule, and the ratio that it prints.
EXAMPLE = {"female": (34, 76), "male": (50, 92)}
PRINTED = 0.823


def published_example(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """The first rows under audit, decided as in the rule's example and in its categories: its ratio must come out.

    Where there are fewer rows than the example has applicants, each row stands for several.
    """
    subject, _ = decisions(ask)
    sizes = [n for _, n in EXAMPLE.values()]
    rows = np.arange(sum(sizes)) % len(subject)
    chosen = np.concatenate([np.arange(n) < x for x, n in EXAMPLE.values()])
    codes = np.repeat(np.arange(len(sizes)), sizes)
    name = str(getattr(probe, "sex", "sex"))
    example = replace(
        subject,
        table=subject.table.take(rows),
        groupings={name: Grouping(attribute=name, codes=codes, names=tuple(EXAMPLE))},
        decision=Decision(favourable="1", positive="1"),
        cluster=None,  # a row may stand for several applicants here
    )
    answer = Response(
        outputs=np.column_stack([chosen, chosen, chosen]).astype(np.float64),
        labels=("favourable", "detected", "score"),
    )
    measures = list(probe.measure(Recorded(ask, subject=example, answer=answer)))
    found = {each.metric: each.estimate.value for each in measures if each.groups and each.groups.group == "female"}
    ratios = [found[metric] for metric in ("selection-impact-ratio", "scoring-impact-ratio") if metric in found]
    said = f"34 of 76 against 50 of 92 came out as {', '.join(f'{ratio:.4f}' for ratio in ratios if ratio is not None)}"
    held = bool(ratios) and all(ratio is not None and round(ratio, 3) == PRINTED for ratio in ratios)
    return held, f"{said}; the rule's example says {PRINTED}"


def permuted_categories(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of permuted categories no two may differ by more than chance, over all pairs."""
    order = ask.rng("permuted").permutation(len(ask.subject))
    measures = list(probe.measure(ChangedSubject(ask, lambda rows: permuted(rows, order))))
    tables: dict[tuple[str, str], list[Measure]] = {}
    for each in measures:
        if each.metric in ("selection-rate", "scoring-rate") and each.groups is not None and each.estimate.counts:
            tables.setdefault((each.metric, each.groups.attribute), []).append(each)
    pairs = [pair for table in tables.values() for pair in itertools.combinations(table, 2)]
    if not pairs:
        return None, "no two categories have rates to compare"
    worst = 1.0
    for one, other in pairs:
        (first,), (second,) = one.estimate.counts or (), other.estimate.counts or ()
        worst = min(worst, _two_sided(first, second))
    said = f"of {len(pairs)} pairs of permuted categories the least likely has p = {worst:.2g}"
    return worst > 2 * FALSE_ALARM / len(pairs), said


def _two_sided(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's exact p-value of two equal rates, which holds in the smallest categories."""
    from scipy.stats import fisher_exact

    table = [[x, n - x] for x, n in (first, second)]
    return float(fisher_exact(table).pvalue)
