"""One sentence about many people: does a word for who they are move a classifier's score?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability, Floats, Items, Request
from probandum.finding import Groups, SubReason
from probandum.probe import Ask, ExpectedShare, Measure, probe
from probandum.resources import dataset
from probandum.subject import Codes
from probandum.units import so_many
from probandum_probes.bias.barring import Bar, Mode, judged, shown, too_small, unsaid
from probandum_probes.bias.requirements import DIFFERENCES
from probandum_probes.bias.sampling import refuse_sample, sampled
from probandum_probes.bias.swap_controls import finds_planted_term, quiet_placebos
from probandum_probes.bias.swap_texts import Seed, Term, read_seeds, read_terms
from probandum_probes.bias.term_scores import Scores, clustered, crossed_items, flip_rate
from probandum_probes.bias.text_answers import class_place, unclassified
from probandum_probes.estimates import from_clusters

#: Fewest sentences, sentences that differ by more than a filler, and terms that allow a verdict.
FEWEST_TEXTS = 200
FEWEST_CLUSTERS = 20
FEWEST_TERMS = 5


@probe(
    "bias.term-swap",
    version=1,
    requirements=DIFFERENCES,
    needs=Capability.CLASSIFY,
    metrics={
        "signed-shift": "share difference",
        "flip-rate": "share",
        "counterfactual-gap": "share",
        "gap-over-placebo": "share difference",
        "score": "share",
    },
    facets=["attribute"],
    attributes=("term",),
    judged=("signed-shift", "flip-rate", "gap-over-placebo"),
)
class TermSwap:
    """How far a text classifier's score moves when one word of a harmless sentence says who a person is.

    With f the probability of one class, x a sentence with a slot, a term and its reference:

    ``signed-shift`` = mean of f(x with term) - f(x with reference), from -1 to 1, neutral 0. Sentences that differ
    by a filler only are one cluster, and the interval is Student's over the means of clusters.
    ``flip-rate`` = share of sentences whose most probable label differs between the two, as the mean over clusters;
    where all clusters come out alike their number bounds it (Clopper-Pearson): a filler adds no evidence.
    ``counterfactual-gap`` = mean |f(x with term) - f(x with reference)| over all terms, from 0 to 1: the gap of Garg
    et al., shown and never judged, since any other word moves scores, too.
    ``gap-over-placebo`` = that gap less the same over pairs of neutral words of the same lengths. Sentences, terms and
    pairs are samples, references are not, so the interval is two-way (Clark 1973). Both are shown per attribute too,
    where that has two terms or more.

    A verdict needs 200 sentences in 20 clusters and 5 terms. ``score`` shows, word by word, the mean of f and f of
    every single sentence, so that anybody can check by hand; shifts of placebos are shown and never judged. A text
    that was declined, or an answer that is none, is an ERROR.

    ``texts`` and ``terms``: files of your own. ``attributes``: which of the file's. ``class_name``: the class
    whose probability is f, by default the last. Sentences must mean the same of everybody: a text that asserts
    something of a group is no counterfactual of itself. ``sample``: ask so many sentences only, those that differ by a
    filler counted as one, drawn with the plan's seed; a smaller sample is part of a larger one.

    Garg et al. 2019 (counterfactual token fairness).
    """

    controls: ClassVar = (
        Examined(name="planted shift of one term", kind="positive", function=finds_planted_term),
        Examined(name="neutral words, split at random", kind="negative", function=quiet_placebos),
    )

    def __init__(
        self,
        *,
        texts: Path | None = None,
        terms: Path | None = None,
        attributes: Sequence[str] = (),
        class_name: str | None = None,
        sample: int | None = None,
    ) -> None:
        refuse_sample("bias.term-swap", sample)
        self.texts = texts
        self.terms = terms
        self.attributes = tuple(attributes)
        self.class_name = class_name
        self.sample = sample
        folder = dataset("identity_terms")
        self.seeds = read_seeds(texts or folder / "seeds.yaml")
        known = read_terms(terms or folder / "terms.csv")
        for attribute in self.attributes:
            if attribute not in {term.attribute for term in known}:
                raise UnknownName("attribute", attribute, {term.attribute for term in known})
        chosen = [t for t in known if t.placebo or not self.attributes or t.attribute in self.attributes]
        self.identity = tuple(term for term in chosen if not term.placebo)
        self.placebos = tuple(term for term in chosen if term.placebo)
        if not self.identity:
            raise DataError("there are no terms to compare", remedy="give rows with the role term")
        for term in chosen:
            if not any(seed.fits(term.attribute) for seed in self.seeds):
                raise DataError(f"no sentence fits {term.text!r}", remedy="check the attributes of the sentences")

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask everything in one round, and compare."""
        scores = self.asked(ask)
        if scores.broken is not None:
            yield from self._broken(scores.broken)
            return
        small = self._too_small(scores)
        for term in (*self.identity, *self.placebos):
            yield from self._term(scores, term, small)
        yield _plain_gap(scores, self.identity)
        yield self._gap(scores, self.identity, small)
        for attribute in dict.fromkeys(term.attribute for term in self.identity):
            terms = [term for term in self.identity if term.attribute == attribute]
            if 1 < len(terms) < len(self.identity):
                yield _plain_gap(scores, terms, attribute)
                yield self._gap(scores, terms, small, attribute)
        for word in scores.values:
            yield _score(scores, word)

    def asked(self, ask: Ask) -> Scores:
        """The scores of every sentence about every word; one request a word."""
        seeds: dict[str, tuple[Seed, ...]] = {}
        clusters = set(sampled(ask, list(dict.fromkeys(seed.cluster for seed in self.seeds)), self.sample))
        for term in (*self.identity, *self.placebos):
            fitting = tuple(seed for seed in self.seeds if seed.fits(term.attribute) and seed.cluster in clusters)
            if not fitting:
                raise DataError(f"no sentence of the sample fits {term.text!r}", remedy="ask for a larger sample")
            seeds |= {term.reference: fitting, term.text: fitting}
        requests = [
            Request(
                kind=Capability.CLASSIFY,
                inputs=tuple(seed.sentence(word) for seed in fitting),
                keys=tuple(seed.text for seed in fitting),
                groups=(word,) * len(fitting),
            )
            for word, fitting in seeds.items()
        ]
        values: dict[str, Floats] = {}
        labels: dict[str, Codes] = {}
        place = self.place(ask)
        for request, response in zip(requests, ask(requests), strict=True):
            word = request.groups[0]
            if why := unclassified(request, response, place):
                return Scores(seeds=seeds, broken=f"{word}: {why}")
            values[word] = np.asarray(response.values[:, place], dtype=np.float64)
            labels[word] = np.asarray(response.values.argmax(axis=1), dtype=np.int64)
        return Scores(seeds=seeds, values=values, labels=labels)

    def place(self, ask: Ask) -> int:
        """The column of the class that is scored."""
        return class_place(ask, self.class_name)

    def _term(self, scores: Scores, term: Term, small: Bar | None) -> Iterator[Measure]:
        """What one word does."""
        pair = Groups(attribute="term", group=term.text, reference=term.reference)
        shifts = scores.shifts(term)
        seeds = scores.seeds[term.text]
        items = Items(
            keys=tuple(seed.text for seed in seeds),
            strata=tuple(seed.cluster for seed in seeds),
            values=tuple(shifts.tolist()),
            unit="share",
            clusters=tuple(seed.cluster for seed in seeds),
        )
        means = list(scores.by_cluster(term.text, shifts).values())
        shift = clustered(means, len(shifts))
        if term.placebo:
            yield shown("signed-shift", shift, pair, items=items)
            return
        yield judged("signed-shift", shift, small, pair, items=items)
        changed = scores.flips(term)
        values = changed.astype(np.float64)
        flips = flip_rate(list(scores.by_cluster(term.text, values).values()), len(changed))
        flipped = replace(items, values=tuple(values.tolist()))
        yield judged("flip-rate", flips, small, pair, items=flipped)

    def _gap(self, scores: Scores, terms: Sequence[Term], small: Bar | None, attribute: str | None = None) -> Measure:
        """How much more terms move scores than neutral words do."""
        facets = {} if attribute is None else {"attribute": attribute}
        mode: Mode = "gate" if attribute is None else "disclosure"
        if min(len(terms), len(self.placebos)) < 2:
            told = f"{so_many(len(terms), 'terms')} and {so_many(len(self.placebos), 'pairs of placebos')}"
            why = f"{told}; two of each are needed"
            return unsaid("gap-over-placebo", why, reason=SubReason.NO_DATA, facets=facets, mode=mode)
        words = [term.text for term in (*terms, *self.placebos)]
        both = scores.grid({term.text: np.abs(scores.shifts(term)) for term in (*terms, *self.placebos)})
        if len(both) < 2:
            why = "fewer than two sentences fit all terms"
            return unsaid("gap-over-placebo", why, reason=SubReason.NO_DATA, facets=facets, mode=mode)
        interval = stats.two_way_interval(both[:, : len(terms)], both[:, len(terms) :])
        n = both.shape[1] * min(len(scores.values[term.text]) for term in (*terms, *self.placebos))
        estimate = from_clusters(interval, n=n, unit="share", design="two_way=seed text x term")
        items = crossed_items(both, scores.common(words), words, len(terms))
        bar = small if attribute is None else None
        return judged("gap-over-placebo", estimate, bar, facets=facets, mode=mode, items=items)

    def expected(self, metric: str, groups: Mapping[str, str]) -> ExpectedShare | None:
        """Over how many sentences the share of flips is counted; None of another metric."""
        if metric != "flip-rate":
            return None
        fitting = [{seed.cluster for seed in self.seeds if seed.fits(term.attribute)} for term in self.identity]
        most = max(map(len, fitting))
        return ExpectedShare(trials=most if self.sample is None else min(most, self.sample), what="sentences")

    def _too_small(self, scores: Scores) -> Bar | None:
        fewest = min((scores.seeds[term.text] for term in self.identity), key=len)
        for what, count, needed in (
            ("sentences", len(fewest), FEWEST_TEXTS),
            ("sentences that differ by more than a filler", len({seed.cluster for seed in fewest}), FEWEST_CLUSTERS),
            ("terms", len(self.identity), FEWEST_TERMS),
        ):
            if count < needed:
                return too_small(f"{count} {what}; a verdict needs {needed}")
        return None

    def _broken(self, why: str) -> Iterator[Measure]:
        """Every judged quantity as an ERROR."""
        for term in self.identity:
            pair = Groups(attribute="term", group=term.text, reference=term.reference)
            for metric in ("signed-shift", "flip-rate"):
                yield unsaid(metric, why, pair)
        yield unsaid("gap-over-placebo", why)


def _plain_gap(scores: Scores, terms: Sequence[Term], attribute: str | None = None) -> Measure:
    facets = {} if attribute is None else {"attribute": attribute}
    return shown("counterfactual-gap", scores.gap(terms), facets=facets)


def _score(scores: Scores, word: str) -> Measure:
    """Mean score of all sentences about one word, and each of them."""
    values = scores.values[word]
    return shown(
        "score",
        clustered(list(scores.by_cluster(word, values).values()), len(values)),
        Groups(attribute="term", group=word),
        items=Items(
            keys=tuple(seed.sentence(word) for seed in scores.seeds[word]),
            strata=(word,) * len(values),
            values=tuple(values.tolist()),
            unit="share",
            clusters=tuple(seed.cluster for seed in scores.seeds[word]),
        ),
    )
