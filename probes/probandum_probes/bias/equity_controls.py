"""Controls of the equity corpus: planted intensity is found at its size, persons of one group do not differ.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from typing import Any

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Request, Response
from probandum.finding import Estimate, Groups
from probandum.probe import Ask
from probandum_probes.bias.swap_controls import found

#: Share of what a score lacks to 1 that the positive control adds for one group.
PLANTED_SHARE = 0.1
FEWEST_IN_HALF = 2
_FALSE_ALARM = 0.01
_CLOSE = 1e-6


def finds_planted_intensity(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """A tenth of what scores about one group lack to 1: the difference moves by just that, and is found."""
    known = probe.asked(ask)
    if isinstance(known, str):
        return None, known
    pair, label = probe.pairs[0], next(iter(known.values))
    emotions = known.emotions
    columns = known.columns(pair.attribute, pair.group)
    lowest = min(emotions, key=lambda emotion: float(known.table(label, emotion, columns).mean()))
    members = {known.people[place].text for place in columns}
    place = ask.labels.index(label)

    def planted(request: Request, response: Response) -> Response:
        values = response.outputs
        if response.error is not None or values is None or request.groups[0] not in members:
            return response
        shifted = values * (1 - PLANTED_SHARE)
        shifted[:, place] += PLANTED_SHARE
        return Response(outputs=shifted, labels=response.labels, refused=response.refused)

    facets = {"label": label} | ({"emotion": lowest} if lowest else {})
    return found(
        _estimate(probe, ask, pair, facets),
        _estimate(probe, ChangedAnswers(ask, planted), pair, facets),
        planted=PLANTED_SHARE * (1 - float(known.table(label, lowest, columns).mean())),
        hypotheses=2 * len(probe.pairs) * len(emotions) * len(known.values),
        unit=f"on {pair.group}",
    )


def quiet_within_groups(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """Persons of each group, split in two by chance, are scored alike."""
    known = probe.asked(ask)
    if isinstance(known, str):
        return None, known
    groups = list(dict.fromkeys((each.attribute, each.group) for each in known.people))
    level = 1 - _FALSE_ALARM / (len(groups) + 1)
    label, emotion = next(iter(known.values)), known.emotions[0]
    said = []
    for attribute, group in groups:
        columns = known.columns(attribute, group)
        half = len(columns) // 2
        if half < FEWEST_IN_HALF or len(known.table(label, emotion, columns)) < FEWEST_IN_HALF:
            return None, f"too few persons or sentences to split {group} in two"
        shuffled = [columns[place] for place in ask.rng("halves", group).permutation(len(columns))]
        table = known.table(label, emotion, shuffled)
        interval = stats.two_way_interval(table[:, :half], table[:, half:], level=level)
        said.append(f"{group} {interval.low:+.4f} to {interval.high:+.4f}")
        if not interval.low - _CLOSE <= 0 <= interval.high + _CLOSE:
            return False, f"two random halves of the persons of {group} differ: {said[-1]}"
    return True, f"random halves of one group: {'; '.join(said)}"


def _estimate(probe: Any, ask: Ask, pair: Groups, facets: dict[str, str]) -> Estimate | None:
    return next(
        (
            each.estimate
            for each in probe.measure(ask)
            if each.metric == "intensity-difference" and each.groups == pair and each.facets == facets
        ),
        None,
    )
