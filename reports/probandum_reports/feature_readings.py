"""What a chart of features, or of slices of the rows, shows, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from probandum_reports import card_names, saying
from probandum_reports.charting import drawn
from probandum_reports.messages import counted, said
from probandum_reports.readings import NAMES, few, sentence, size
from probandum_reports.row_names import common
from probandum_reports.sayings import Shown
from probandum_reports.swarms import HIGH, LOW, MIDDLE, swarm
from probandum_reports.view import View

#: A share of the largest size that rounding leaves of 0: what is no larger has no direction.
NOTHING = 1e-12
#: What the probe says of features that are not to be read alone.
_TOGETHER = "goes together with"


def of_slices(members: Sequence[Shown], held: Sequence[Shown]) -> str:
    """How many of the slices that one half of the rows showed hold in the other, and which."""
    names = few(_slice(each, members) for each in held)
    if not held:
        none = said(
            "of {all} slices in which one half of the rows shows a wider difference, none holds in the other half: "
            "all may have been picked by chance",
            all=len(members),
        )
        return sentence([none])
    some = counted(
        len(held),
        "of {all} slices in which one half of the rows shows a wider difference, {n} holds in the other: {names}",
        "of {all} slices in which one half of the rows shows a wider difference, {n} hold in the other: {names}",
        all=len(members),
        names=names,
    )
    others = [] if len(held) == len(members) else [said("the others may have been picked by chance")]
    return sentence([some, *others])


def of_carriers(told: Sequence[Shown], carried: Sequence[Shown], proxy: float) -> str:
    """Which features tell the attribute alone, and through which most of the difference in scores runs."""
    clauses = []
    if told:
        telling = [each for each in told if (each.finding.estimate.value or 0.0) >= proxy]
        names = few(each.facets["feature"] for each in telling)
        if telling:
            clauses.append(
                said(
                    "the attribute is told, with an AUC of {auc:g} and more each alone, by {names}",
                    auc=proxy,
                    names=names,
                )
            )
        else:
            clauses.append(said("no feature alone tells the attribute with an AUC of {auc:g} and more", auc=proxy))
    if carried:
        most = max(carried, key=size).facets["feature"]
        clauses.append(said("most of the difference in scores runs through {feature}", feature=most))
    return sentence(clauses)


def of_contributions(added: Sequence[Shown], gap: Sequence[Shown]) -> str:
    """Through which feature most of the difference in scores runs, what it is to the attribute, and what pulls back."""
    most = max(added, key=size)
    kind = (most.finding.estimate.design or "").partition(";")[0].partition(":")[0]
    what = f" ({kind})" if kind.startswith(("carries ", "a proxy")) else ""
    feature = f"{most.facets['feature']}{what}"
    clauses = [said("most of the difference in scores runs through {feature}", feature=feature)]
    whole = gap[0].finding.estimate.value if gap and drawn(gap[0]) else None
    back: list[Shown] = []
    if whole:
        least = NOTHING * size(most)
        back = [each for each in added if size(each) > least and _against(each, whole)]
        told = "{some} of {all} features pull the other way with an interval that does not reach zero"
        clauses.append(said(told, some=len(back), all=len(added)))
    proxies = [
        each for each in added if each is not most and (each.finding.estimate.design or "").startswith("a proxy")
    ]
    if with_it := [each.facets["feature"] for each in proxies if not (whole and _turned(each, whole))]:
        clauses.append(said("proxies beside it: {names}", names=few(with_it)))
    if against := [each.facets["feature"] for each in proxies if whole and _turned(each, whole)]:
        clauses.append(said("proxies that pull the other way: {names}", names=few(against)))
    return sentence(clauses)


def _turned(shown: Shown, whole: float) -> bool:
    """Whether the value lies on the other side of zero than the ``whole`` difference."""
    return (shown.finding.estimate.value or 0.0) * whole < 0


def _against(shown: Shown, whole: float) -> bool:
    """Whether all of the interval does."""
    low, high = shown.finding.estimate.low, shown.finding.estimate.high
    return low is not None and high is not None and low * whole < 0 and high * whole < 0


def of_importances(members: Sequence[Shown], ranks: Sequence[Shown]) -> str:
    """On which feature the answers rest most, how many places are settled, and which features go together."""
    settled = [each.facets["feature"] for each in ranks if each.finding.estimate.value is not None]
    most = members[0].facets["feature"]
    if most in settled:
        clauses = [said("the answers rest most on {feature}", feature=most)]
    else:
        clauses = [said("{feature} is largest, and not settled as the first", feature=most)]
    places = counted(len(ranks), "{n:,} place", "{n:,} places")
    clauses.append(
        counted(
            len(settled),
            "{n} of {places} is settled, where intervals lie apart",
            "{n} of {places} are settled, where intervals lie apart",
            places=places,
        )
    )
    together = [each.facets["feature"] for each in members if _TOGETHER in (each.finding.estimate.design or "")]
    if together:
        names = few(together)
        clauses.append(said("read together with others, since they go together: {names}", names=names))
    return sentence(clauses)


def of_swarms(members: Sequence[Shown], view: View) -> str:
    """Of the leading features whose values have an order, which way high ones speak, and for or against which class.

    Nothing is said of a feature whose middle values add more or less than both the low and the high ones.
    """
    clauses: list[str] = []
    explained = card_names.explained(view.dossier.card, members[0].finding)
    for each in members:
        found = swarm(each.finding, view)
        low, high = (None, None) if found is None else (found.mean_of(LOW), found.mean_of(HIGH))
        if found is None or low is None or high is None or len(clauses) == NAMES:
            continue
        middle = found.mean_of(MIDDLE)
        turns = middle is not None and not min(low, high) <= middle <= max(low, high)
        if not turns and abs(high - low) > NOTHING * max(map(abs, found.values)):
            clauses.append(_speaks(each.facets["feature"], high > low, "" if clauses else explained))
    return sentence(clauses or [said("no feature drawn has values with an order")])


def _speaks(feature: str, favours: bool, whom: str) -> str:
    """Which way high values of a feature speak; ``whom`` is named first, and is it from then on."""
    if whom and favours:
        return said("on average high values of {feature} speak for {whom}", feature=feature, whom=whom)
    if whom:
        return said("on average high values of {feature} speak against {whom}", feature=feature, whom=whom)
    if favours:
        return said("high values of {feature} speak for it", feature=feature)
    return said("high values of {feature} speak against it", feature=feature)


def _slice(shown: Shown, members: Sequence[Shown]) -> str:
    """A slice with the groups that are compared in it, and the difference where several were searched."""
    what = "" if "gap" in common(members) else f"{shown.facets['gap']}, "
    groups = shown.finding.groups
    return f"{shown.finding.facets['slice']} ({what}{'' if groups is None else saying.against(groups)})"
