"""Does a text classifier tell bad texts from good ones as well where a group is mentioned as everywhere else?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability, Floats, Items, Request
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.stats import Area
from probandum.units import so_many
from probandum_probes.bias.barring import Bar, judged, shown, too_small, unsaid
from probandum_probes.bias.labelled_texts import Columns, LabelledTexts, own_comments, read_labelled
from probandum_probes.bias.requirements import DIFFERENCES
from probandum_probes.bias.sampling import refuse_sample, sampled
from probandum_probes.bias.scored import MOST_ITEMS, OVERALL, opposed
from probandum_probes.bias.subgroup_areas import AREAS, Ranked
from probandum_probes.bias.subgroup_controls import finds_raised_negatives, quiet_permuted_identity
from probandum_probes.bias.text_answers import BLOCK, class_place, unclassified

#: Fewest positives and negatives, with the identity and without it, that allow a verdict.
FEWEST = 50
#: What an identity is compared with.
ALL = "all texts"


@probe(
    "bias.subgroup-auc",
    version=1,
    requirements=DIFFERENCES,
    needs=Capability.CLASSIFY,
    metrics={
        OVERALL: "share",
        **{f"{name}-auc": "share" for name in AREAS},
        **{f"{name}-auc-gap": "share difference" for name in AREAS},
        "positive-aeg": "share difference",
        "negative-aeg": "share difference",
        **{f"{name}-auc-mean": "share" for name in AREAS},
    },
    attributes=("identity",),
    judged=("subgroup-auc-gap", "bpsn-auc-gap", "bnsp-auc-gap"),
)
class SubgroupAuc:
    """How well a text classifier parts bad texts from good ones where an identity is mentioned, and against all others.

    Of each identity, with D+ the positives and D- the negatives that mention it, and the background all texts that do
    not, those with other identities included:

    ``subgroup-auc`` = AUC(D+, D-). ``bpsn-auc`` = AUC(background positives, D-), low where harmless texts that mention
    the identity score too high. ``bnsp-auc`` = AUC(D+, background negatives), low where bad ones score too low.
    ``...-auc-gap``, which may be judged: that AUC less ``overall-auc``, the AUC of all texts; from -1 to 1, neutral 0,
    below it worse for the identity. ``positive-aeg`` and ``negative-aeg``: 1/2 - U / (n m) of the identity's scores and
    the background's inside one label (average equality gap), from -1/2 to 1/2, neutral 0, below it the identity scores
    higher. They are shown and never judged, as is ``...-auc-mean``, the generalised mean with p = -5 over identities.

    Intervals are DeLong's, of a gap the paired ones over all texts. Where texts share a sentence they are one cluster,
    and what they add is summed before it is squared (Obuchowski 1997). Scores that run against the labels are an ERROR
    which stands before everything else. A verdict needs 50 positives and 50 negatives of the identity and of its
    background. Labels are somebody's judgement and may themselves be biased; then so is all of this.

    ``data``: a file of labelled texts (CSV, TSV, JSON, JSON lines, Parquet) with the fields ``text`` and ``label``;
    ``positive``: the label of a text that should be found, without it labels are numbers and 0.5 and more is positive;
    ``identities``: fields that say by number whether a text mentions an identity, ``terms``: words to look for in the
    text instead; ``cluster``: a field that names what dependent texts share. Without ``data``: comments of our own. A
    public one is bias_madlibs_77k.csv of github.com/conversationai/unintended-ml-bias-analysis. ``class_name``: the
    class whose probability is the score, by default the last. ``sample``: so many texts only, or of clustered texts so
    many clusters, drawn with the plan's seed. Over 200,000 items no items are kept, and a limit on a change needs a
    sample.

    Borkan, Dixon, Sorensen, Thain and Vasserman 2019.
    """

    controls: ClassVar = (
        Examined(name="identity given to other texts", kind="negative", function=quiet_permuted_identity),
        Examined(name="negatives of one identity raised", kind="positive", function=finds_raised_negatives),
    )

    def __init__(
        self,
        *,
        data: Path | None = None,
        text: str = "text",
        label: str = "label",
        positive: str | None = None,
        identities: Sequence[str] = (),
        terms: Sequence[str] = (),
        cluster: str | None = None,
        class_name: str | None = None,
        sample: int | None = None,
    ) -> None:
        refuse_sample("bias.subgroup-auc", sample)
        self.data, self.text, self.label, self.positive = data, text, label, positive
        self.identities, self.terms, self.cluster = tuple(identities), tuple(terms), cluster
        self.class_name, self.sample = class_name, sample
        if data is None:
            self.labelled = own_comments()
        else:
            columns = Columns(
                text=text,
                label=label,
                positive=positive,
                identities=self.identities,
                terms=self.terms,
                cluster=cluster,
            )
            self.labelled = read_labelled(data, columns)

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all scores, and rank them."""
        found = self.asked(ask)
        if isinstance(found, str):
            for identity in self.labelled.members:
                for name in AREAS:
                    yield unsaid(f"{name}-auc-gap", found, _against_all(identity))
            return
        positive = found.data.positive
        if min(positive.sum(), (~positive).sum()) < 2:
            one = "positive" if positive.sum() < 2 else "negative"
            for name in AREAS:
                yield unsaid(f"{name}-auc-gap", f"fewer than two texts are {one}", reason=SubReason.NO_DATA)
            return
        overall = _overall(found)
        yield overall
        barred = _barred(found, overall)
        kept = len(AREAS) * len(found.data.members) * len(found.data) <= MOST_ITEMS or bool(found.data.clusters)
        means: dict[str, list[Area]] = {name: [] for name in AREAS}
        for identity in found.data.members:
            yield from _identity(found, identity, barred, kept, means)
        for name, areas in means.items():
            estimate = found.mean(areas) if areas else Estimate.missing("no identity has enough texts", unit="share")
            yield shown(f"{name}-auc-mean", estimate)

    def asked(self, ask: Ask) -> Ranked | str:
        """The texts with their scores, or why some answers cannot be used."""
        data = self._drawn(ask)
        place = self.place(ask)
        starts = range(0, len(data), BLOCK)
        requests = [
            Request(
                kind=Capability.CLASSIFY,
                inputs=data.texts[start : start + BLOCK],
                keys=tuple(f"row-{row}" for row in range(start, min(start + BLOCK, len(data)))),
            )
            for start in starts
        ]
        scores: list[Floats] = []
        for request, response in zip(requests, ask(requests), strict=True):
            if why := unclassified(request, response, place):
                return why
            scores.append(np.asarray(response.values[:, place], dtype=np.float64))
        return Ranked(data=data, score=np.concatenate(scores))

    def place(self, ask: Ask) -> int:
        """The column of the class whose probability is the score."""
        return class_place(ask, self.class_name)

    def _drawn(self, ask: Ask) -> LabelledTexts:
        data = self.labelled
        if self.sample is None:
            return data
        if not data.clusters:
            return data.take(sampled(ask, range(len(data)), self.sample))
        drawn = set(sampled(ask, list(dict.fromkeys(data.clusters)), self.sample))
        return data.take([row for row, cluster in enumerate(data.clusters) if cluster in drawn])


def _overall(found: Ranked) -> Measure:
    """How well all texts are ranked; an ERROR where the interval lies below 0.5."""
    estimate = found.area(found.overall())
    if estimate.high is not None and estimate.high < 0.5:
        return opposed(estimate, what="scores")
    return shown(OVERALL, estimate)


def _barred(found: Ranked, overall: Measure) -> Bar | None:
    """Why nothing of this system gets a verdict; None where something may."""
    if overall.verdict is Verdict.ERROR:
        why = "the scores run against the labels; see overall-auc"
        return Verdict.INCONCLUSIVE, SubReason.AGAINST_LABELS, why
    if found.score.min() == found.score.max():
        why = f"every text has the score {found.score[0]:g}: nothing is ranked"
        return Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE, why
    return None


def _identity(
    found: Ranked,
    identity: str,
    barred: Bar | None,
    kept: bool,
    means: dict[str, list[Area]],
) -> Iterator[Measure]:
    """Everything of one identity; its areas join those that are averaged."""
    member = found.data.members[identity]
    fewest, kind = found.fewest(member)
    small = f"{identity}: {so_many(fewest, kind)}; a verdict needs {FEWEST}" if fewest < FEWEST else None
    if fewest < 2:
        assert small is not None
        for name in AREAS:
            yield unsaid(f"{name}-auc-gap", small, _against_all(identity), SubReason.SMALL_GROUP)
        return
    areas, overall = found.areas(member), found.overall()
    bar = too_small(small) or barred
    where = Groups(attribute="identity", group=identity)
    for name, pick in AREAS.items():
        area = pick(areas)
        means[name].append(area)
        yield shown(f"{name}-auc", found.area(area), where)
        items = _items(found, area, overall) if kept else None
        yield judged(f"{name}-auc-gap", found.gap(area, overall), bar, _against_all(identity), items=items)
    for name, area in (("positive-aeg", areas.positives), ("negative-aeg", areas.negatives)):
        yield shown(name, found.equality_gap(area), where)


def _against_all(identity: str) -> Groups:
    return Groups(attribute="identity", group=identity, reference=ALL)


def _items(found: Ranked, area: Area, overall: Area) -> Items:
    names, values = found.contributions(area, overall)
    return Items(keys=names, strata=("text",) * len(names), values=tuple(values.tolist()), unit="share")
