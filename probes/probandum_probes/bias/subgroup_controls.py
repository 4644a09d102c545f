"""Controls of subgroup AUCs: an identity that means nothing has no gap, and raised negatives are found at their size.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Floats, Request, Response
from probandum.finding import Groups
from probandum.probe import Ask
from probandum.subject import Bools
from probandum_probes.bias.gap_controls import TWICE, excluded_twice, z_at
from probandum_probes.bias.subgroup_areas import Ranked

#: How far the scores of negatives are raised at least, as a share of what they lack to 1.
RAISED = 0.9
#: Fewest texts of each kind of which a control can tell anything.
FEWEST = 15
_CLOSE = 1e-9
_NOWHERE = f"no identity has {FEWEST} positives and {FEWEST} negatives beside as many that do not mention it"


def quiet_permuted_identity(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """An identity that is dealt out anew, inside labels and clusters, has no gap; two draws must not both show one."""
    found = probe.asked(ask)
    identity = None if isinstance(found, str) else _largest(found)
    if isinstance(found, str) or identity is None:
        return None, found if isinstance(found, str) else _NOWHERE
    seen = []
    for number in ("first", "second"):
        member = _dealt(found, found.data.members[identity], ask.rng("permuted", number))
        if found.fewest(member)[0] < FEWEST:
            return None, f"{identity} was dealt out anew and had too few texts of a kind"
        gap = found.gap(found.areas(member).bpsn, found.overall())
        seen.append(stats.bounds("delong-difference", level=TWICE, moments=gap.moments))
    said = " and ".join(f"{wide.low:+.4f} to {wide.high:+.4f}" for wide in seen)
    return not excluded_twice(seen), f"{identity} was given to other texts twice; bpsn-auc-gap {said}"


def finds_raised_negatives(probe: Any, ask: Ask) -> tuple[bool | None, str]:
    """Negatives of one identity are scored as positives are: the gap must move by what ranks say, and be told apart.

    They get nine tenths of what they lack to 1. Of a system whose positives lie above even that, so that it would move
    hardly a rank, they get the scores of positives, order kept: half of these pairs are then ranked wrong, however
    good the system is.
    """
    found = probe.asked(ask)
    identity = None if isinstance(found, str) else _largest(found)
    if isinstance(found, str) or identity is None:
        return None, found if isinstance(found, str) else _NOWHERE
    member = found.data.members[identity]
    raised = _raised(found, member)
    move = _plainly(found.score, raised, found.data.positive, member)
    place = probe.place(ask)

    def planted(request: Request, response: Response) -> Response:
        values = response.values.copy()
        rows = [int(key.removeprefix("row-")) for key in request.keys]
        others = (1.0 - raised[rows]) / np.maximum(1.0 - found.score[rows], _CLOSE)
        values *= others[:, None]
        values[:, place] = raised[rows]
        return Response(outputs=values, labels=response.labels)

    where = Groups(attribute="identity", group=identity, reference="all texts")
    old = found.gap(found.areas(member).bpsn, found.overall())
    new = next(
        each.estimate
        for each in probe.measure(ChangedAnswers(ask, planted))
        if each.metric == "bpsn-auc-gap" and each.groups == where
    )
    if old.value is None or new.value is None or new.moments is None:
        return False, f"{identity}: no gap came out of raised negatives: {new.why}"
    said = f"{identity}: bpsn-auc-gap moved by {new.value - old.value:+.4f}; by ranks it must by {move:+.4f}"
    if abs(new.value - old.value - move) > 1e-6:
        return False, said
    alpha = 0.05 / (3 * len(found.data.members))
    if abs(move) < (z_at(alpha) + z_at(0.01)) * new.moments[1]:
        return None, f"{said}; no room for a gap that could be told apart"
    p = stats.p_value("delong-difference", old.value, side="below", moments=new.moments)
    return p < alpha, f"{said}, p = {p:.2g}"


def _raised(found: Ranked, member: Bools) -> Floats:
    """All scores, those of the identity's negatives raised: towards 1, or to positives of the background, whichever is
    higher; the lowest negative goes to the lowest positives, the highest to the highest."""
    negatives = member & ~found.data.positive
    own = found.score[negatives]
    place = (np.argsort(np.argsort(own, kind="stable"), kind="stable") + 0.5) / len(own)
    others = np.quantile(found.score[found.data.positive & ~member], place)
    raised = found.score.copy()
    raised[negatives] = np.maximum(own + RAISED * (1.0 - own), others)
    return raised


def _largest(found: Ranked) -> str | None:
    """The identity with the most texts of the kind that it has fewest of."""
    counts = {name: found.fewest(member)[0] for name, member in found.data.members.items()}
    best = max(counts, key=lambda name: counts[name], default=None)
    return best if best is not None and counts[best] >= FEWEST else None


def _dealt(found: Ranked, member: Bools, rng: np.random.Generator) -> Bools:
    """As many members in each label, and in each cluster of it, at places of chance."""
    kinds = found.data.positive.astype(np.int64)
    if (codes := found.clusters) is not None:
        kinds = 2 * codes + kinds
    order = np.lexsort((rng.random(len(kinds)), kinds))
    dealt = np.zeros(len(member), dtype=bool)
    dealt[order] = member[np.argsort(kinds, kind="stable")]
    return dealt


def _plainly(before: Floats, after: Floats, positive: Bools, member: Bools) -> float:
    """How far bpsn-auc less overall-auc moved, by ranks (Mann and Whitney 1947): a second opinion on the probe's."""
    from scipy.stats import rankdata

    def auc(scores: Floats, above: Bools, below: Bools) -> float:
        m, n = int(above.sum()), int(below.sum())
        both = np.concatenate([scores[above], scores[below]])
        return float((rankdata(both)[:m].sum() - m * (m + 1) / 2) / (m * n))

    gaps = [
        auc(each, positive & ~member, ~positive & member) - auc(each, positive, ~positive) for each in (before, after)
    ]
    return gaps[1] - gaps[0]
