"""Controls of functional tests: targets that mean nothing do not differ, and planted misses are found at their size.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Capability, Request, Response
from probandum.finding import Groups
from probandum.probe import Ask
from probandum_probes.bias.gap_controls import TWICE, excluded_twice, z_at
from probandum_probes.bias.hatecheck_cases import Marked
from probandum_probes.bias.paired_means import paired_moments
from probandum_probes.bias.text_answers import class_place

#: Fewest templates of which a control can tell anything.
FEWEST = 10
_NOWHERE = f"no group has {FEWEST} templates that tell of others, too"


def quiet_permuted_targets(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """Targets dealt out anew inside each template make no difference; two draws must not both show one."""
    found = probe.asked(ask)
    place = None if isinstance(found, str) else _largest(found)
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    target, hateful = place
    seen = []
    for number in ("first", "second"):
        gaps = _dealt(found, ask.rng("permuted", number)).gaps(target, hateful)
        seen.append(stats.bounds("t", level=TWICE, moments=paired_moments(list(gaps.values()), step=1.0)))
    said = " and ".join(f"{wide.low:+.4f} to {wide.high:+.4f}" for wide in seen)
    return not excluded_twice(seen), f"targets were permuted twice inside templates; {target} differed by {said}"


def finds_planted_misses(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """Every answer about one group is turned into the wrong one: the difference moves by what counting says."""
    found = probe.asked(ask)
    place = None if isinstance(found, str) else _rightest(found)
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    target, hateful = place
    column = None if Capability.RECALL in ask.capabilities else class_place(ask, probe.class_name)
    told = {case.id: case for case in found.cases}

    def missed(request: Request, response: Response) -> Response:
        if column is None:
            wrong = "non-hateful" if hateful else "hateful"
            hit = {case.id for case in found.cases if case.target == target and case.hateful is hateful}
            texts = [wrong if key in hit else text for key, text in zip(request.keys, response.texts, strict=True)]
            return replace(response, texts=tuple(texts))
        values = response.values.copy()
        for row, key in enumerate(request.keys):
            if told[key].target == target and told[key].hateful is hateful:
                values[row] = 1.0 / (values.shape[1] - 1) if hateful else 0.0
                values[row, column] = 0.0 if hateful else 1.0
        return Response(outputs=values, labels=response.labels)

    before = found.gaps(target, hateful)
    own = {case.template for case in found.cases if case.target == target and case.hateful is hateful}
    others = {
        template: np.mean(
            [
                right
                for case, right in zip(found.cases, found.right, strict=True)
                if case.template == template and case.target not in ("", target)
            ]
        )
        for template in own & set(before)
    }
    wanted = -float(np.mean(list(others.values())))
    where = Groups(attribute="target", group=target, reference="other targets")
    kind = "hateful" if hateful else "harmless"
    after = next(
        each.estimate
        for each in probe.measure(ChangedAnswers(ask, missed))
        if each.metric == "target-accuracy-difference" and each.groups == where and each.facets == {"texts": kind}
    )
    old = float(np.mean(list(before.values())))
    if after.value is None or after.moments is None:
        return False, f"{target}: no difference came out of planted misses: {after.why}"
    said = f"{target}, {kind}: all missed, the difference is {after.value:+.4f}; by counting it must be {wanted:+.4f}"
    if abs(after.value - wanted) > 1e-9:
        return False, said
    groups = len({case.target for case in found.cases if case.target})
    alpha = 0.05 / (4 * groups)
    if abs(wanted - old) < (z_at(alpha) + z_at(0.01)) * after.moments[1]:
        return None, f"{said}; no room for a difference that could be told apart"
    p = stats.p_value("t", old, side="below", moments=after.moments)
    return p < alpha, f"{said}, p = {p:.2g}"


def _largest(found: Marked) -> tuple[str, bool] | None:
    """The group and the kind of texts with the most templates."""
    places = [
        (len(found.gaps(target, hateful)), target, hateful)
        for target in dict.fromkeys(case.target for case in found.cases if case.target)
        for hateful in (True, False)
    ]
    count, target, hateful = max(places, key=lambda each: each[0], default=(0, "", True))
    return (target, hateful) if count >= FEWEST else None


def _rightest(found: Marked) -> tuple[str, bool] | None:
    """The group and the kind of texts that come out right most often: most can be missed there."""
    shares = {}
    for target in dict.fromkeys(case.target for case in found.cases if case.target):
        for hateful in (True, False):
            rows = [case.target == target and case.hateful is hateful for case in found.cases]
            if len(found.gaps(target, hateful)) >= FEWEST:
                shares[target, hateful] = float(found.right[rows].mean())
    return max(shares, key=lambda each: shares[each], default=None)


def _dealt(found: Marked, rng: np.random.Generator) -> Marked:
    """The same cases, targets permuted among those of one template."""
    places: dict[str, list[int]] = {}
    for row, case in enumerate(found.cases):
        if case.target:
            places.setdefault(case.template, []).append(row)
    cases = list(found.cases)
    for rows in places.values():
        targets = [found.cases[row].target for row in rows]
        for row, place in zip(rows, rng.permutation(len(rows)), strict=True):
            cases[row] = replace(found.cases[row], target=targets[place])
    return Marked(cases=tuple(cases), right=found.right)
