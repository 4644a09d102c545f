"""Association of word vectors: are some people's words nearer to some attributes than others' are?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability, Floats, Items
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.resources import dataset
from probandum_probes.bias.association_controls import finds_aligned_vectors, quiet_on_permuted_words
from probandum_probes.bias.association_tests import (
    Permuted,
    effect_size,
    normal_p,
    permutation_test,
    published_p,
    random_effects,
)
from probandum_probes.bias.association_vectors import Vectors, asked, flat, near_to
from probandum_probes.bias.association_words import Association, WordFile, read_published, read_word_sets
from probandum_probes.bias.requirements import DIFFERENCES
from probandum_probes.bias.stereotype_validity import WEAK_LINK
from probandum_probes.estimates import exactly, from_counts, from_interval, point

#: Fewest words a set that say anything.
FEWEST_WORDS = 8
_ID = "bias.association"
_BAND = (2.5, 97.5)
_PUBLISHED = ("p-value-as-published", "p-value-normal-as-published")


@probe(
    _ID,
    version=1,
    requirements=DIFFERENCES,
    needs=Capability.EMBED,
    metrics={
        "effect-size": "sd",
        "permutation-p-value": "p-value",
        "mean-association": "cosine difference",
        "random-attributes-lower": "sd",
        "random-attributes-upper": "sd",
        "random-attributes-share": "share",
    },
    facets=["test", "level", "set"],
    attributes=(),
    judged=(),
)
class AssociationTest:
    """Whether a model's vectors of some people's words lie nearer to one set of attributes than those of others do.

    An indicator that never gates: associations of vectors have a weak link to what a system does with people
    (Goldfarb-Tarrant et al. 2021). For targets X, Y and attributes A, B, s(w) = mean cosine of w with A - with B:

    ``effect-size`` = (mean s over X - mean s over Y) / standard deviation of s over both (n - 1), neutral 0, within
    2 sqrt((2n - 1) / 2n) of it; it has no interval, since the words are chosen and no sample.
    ``permutation-p-value``: one-sided, the share of partitions of X and Y into equal halves whose sum of s over one
    less the other is at least that observed. All partitions where there are at most 100,000, the observed one among
    them; else p = (1 + as large) / (1 + 100,000) of random ones. ``mean-association``: mean s of each target set.

    ``random-attributes-lower`` and ``-upper``: where 95 % of effect sizes lie when A and B are drawn at random from
    neutral words; ``random-attributes-share`` = (1 + those at least as far from 0) / (1 + drawn). Two sets of targets
    may differ in their distance to any two sets of words, and a small p does not tell these attributes from others.
    Under 8 words a set a number says so. Where all words are as near to A as to B there is no effect size.

    ``level`` word: each word alone (WEAT). ``level`` sentence: each word in every template (SEAT); the effect size is
    over sentences as in May et al., and the permutation test moves a word with all its sentences.

    ``words``: a file in the form of the publications, or several of them (.json or .jsonl with targ1, targ2, attr1 and
    attr2, each with category and examples); whole sentences count as words do, so that p is over sentences. Beside the
    rest ``p-value-as-published`` is shown then (one-sided; the observed partition among 100,000 where not all are
    counted) and ``p-value-normal-as-published`` (the tail of a normal distribution fitted to the partitions, as
    Caliskan et al. have it); their effect size is the one above. Or a YAML file of yours with ``tests``, each with an
    id and two sets under ``targets`` and ``attributes``, and perhaps ``templates`` with the slot {word} and a ``pool``
    of neutral words. ``tests``: which of the file's. ``random_sets``: how many are drawn. The shipped sets are the
    project's own, not those of the publications.

    Caliskan et al. 2017 (WEAT); May et al. 2019 (SEAT).
    """

    controls: ClassVar = (
        Examined(name="vectors aligned with attributes", kind="positive", function=finds_aligned_vectors),
        Examined(name="targets permuted", kind="negative", function=quiet_on_permuted_words),
    )

    def __init__(
        self, *, words: Path | Sequence[Path] | None = None, tests: Sequence[str] = (), random_sets: int = 1000
    ) -> None:
        if random_sets < 0:
            raise DataError(f"suites.{_ID}.random_sets: {random_sets}", remedy="expected 0 or more")
        self.words = words
        self.tests = tuple(tests)
        self.random_sets = random_sets
        file = _read(words or dataset("association_words") / "words.yaml")
        known = {test.id for test in file.tests}
        for name in self.tests:
            if name not in known:
                raise UnknownName("test", name, known)
        self.chosen = tuple(test for test in file.tests if not self.tests or test.id in self.tests)
        self.templates = file.templates
        self.pool = file.pool
        self.published = file.published

    @property
    def own_metrics(self) -> Mapping[str, str]:
        """What is shown of sets in the form of the publications only."""
        return dict.fromkeys(_PUBLISHED, "p-value") if self.published else {}

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for every vector in one round, and compare."""
        vectors = self.vectors(ask)
        for test in self.chosen:
            for level, templates in self.levels():
                place = {"test": test.id, "level": level}
                if vectors.broken is not None:
                    yield _unsaid(vectors.broken, place)
                else:
                    yield from self._compared(ask, vectors, test, templates, place)

    def levels(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Words alone, and in sentences where the file has some."""
        yield "word", ()
        if self.templates:
            yield "sentence", self.templates

    def vectors(self, ask: Ask) -> Vectors:
        """The unit vector of every text of the chosen tests and of the pool."""
        words = dict.fromkeys(word for test in self.chosen for word in test.words)
        return asked(ask, [*words, *self.pool], [templates for _, templates in self.levels()])

    def _compared(
        self, ask: Ask, vectors: Vectors, test: Association, templates: tuple[str, ...], place: dict[str, str]
    ) -> Iterator[Measure]:
        """One test on one level."""
        near = near_to(vectors, test, templates)
        sizes = min(len(each.words) for each in (test.x, test.y, test.a, test.b))
        small = f"{sizes} words in the smallest set; {FEWEST_WORDS} are needed" if sizes < FEWEST_WORDS else None
        for words, values in ((test.x, near[0]), (test.y, near[1])):
            yield _mean(words.words, values.mean(axis=1), {**place, "set": words.name}, small)
        effect, n = effect_size(near[0].ravel(), near[1].ravel()), 2 * len(test.x.words)
        if effect is None:
            yield _unsaid(f"every word is as near to {test.a.name} as to {test.b.name}", place, constant=True)
            return
        design = f"{test.x.name} less {test.y.name}, {test.a.name} against {test.b.name}; {WEAK_LINK}"
        yield _indicator("effect-size", exactly(effect, n=n, unit="sd", design=design), place, small)
        found = permutation_test(near[0].mean(axis=1), near[1].mean(axis=1), ask.rng("partitions", *place.values()))
        yield _indicator("permutation-p-value", _p_value(found, n), place, small)
        if self.published:
            for metric, estimate in zip(_PUBLISHED, _as_published(found, n), strict=True):
                yield Measure(metric=metric, facets=place, estimate=estimate, mode="disclosure")
        yield from self._random(ask, vectors, test, templates, place, effect)

    def _random(
        self,
        ask: Ask,
        vectors: Vectors,
        test: Association,
        templates: tuple[str, ...],
        place: dict[str, str],
        effect: float,
    ) -> Iterator[Measure]:
        """Where effect sizes lie when the attributes mean nothing."""
        pool = [word for word in self.pool if word not in test.words]
        sizes = len(test.a.words), len(test.b.words)
        if self.random_sets == 0 or len(pool) < sum(sizes):
            return
        x, y = (flat(vectors.rows(each.words, templates)) for each in (test.x, test.y))
        drawn = vectors.rows(pool, templates).mean(axis=1)  # whose cosine is the mean over a word's sentences
        effects = random_effects(x, y, drawn, sizes, self.random_sets, ask.rng("attributes", *place.values()))
        if not len(effects):
            return
        design = f"{len(effects):,} random pairs of {sizes[0]} and {sizes[1]} of {len(pool)} neutral words"
        low, high = np.percentile(effects, _BAND).tolist()
        for end, value in (("lower", low), ("upper", high)):
            estimate = point(value, n=len(effects), unit="sd", design=design)
            yield Measure(metric=f"random-attributes-{end}", facets=place, estimate=estimate, mode="disclosure")
        further = 1 + int((np.abs(effects) >= abs(effect)).sum()), 1 + len(effects)
        share = from_counts("clopper-pearson", [further], n=len(effects), design=design)
        yield Measure(metric="random-attributes-share", facets=place, estimate=share, mode="disclosure")


def _p_value(found: Permuted, n: int) -> Estimate:
    """Exact over all partitions; of random ones with the interval that drawing them leaves."""
    if found.exact:
        return exactly(found.p, n=n, unit="p-value", design=f"one-sided, all {found.partitions:,} partitions")
    told = f"one-sided, {found.partitions - 1:,} random partitions, and the interval is of these alone"
    counts = [(found.as_large, found.partitions)]
    return from_counts("clopper-pearson", counts, n=n, unit="p-value", design=told)


def _as_published(found: Permuted, n: int) -> tuple[Estimate, Estimate]:
    """Both p-values of the publications: by counting partitions, and by a normal distribution."""
    large, of = published_p(found)
    counted = point(large / of, n=n, unit="p-value", design=f"as May et al. count {of:,} partitions")
    return counted, point(normal_p(found), n=n, unit="p-value", design="as a normal distribution has it")


def _read(words: Path | Sequence[Path]) -> WordFile:
    """Sets in the form of the publications, by the suffix of their files, or those of one's own."""
    paths = [words] if isinstance(words, Path) else list(words)
    if all(path.suffix.lower() in (".json", ".jsonl") for path in paths):
        return read_published(paths)
    if len(paths) > 1:
        raise DataError(
            f"suites.{_ID}.words: {len(paths)} files", remedy="expected one .yaml, or several .json or .jsonl"
        )
    return read_word_sets(paths[0])


def _mean(words: Sequence[str], values: Floats, place: Mapping[str, str], small: str | None) -> Measure:
    """The mean association of one target set, and that of each of its words."""
    items = Items(keys=tuple(words), strata=(place["set"],) * len(words), values=tuple(values.tolist()), unit="cosine")
    estimate = from_interval(stats.mean_interval(values), n=len(values), unit="cosine")
    return _indicator("mean-association", estimate, place, small, items)


def _indicator(
    metric: str, estimate: Estimate, place: Mapping[str, str], small: str | None, items: Items | None = None
) -> Measure:
    """One number that never gates."""
    return Measure(
        metric=metric,
        facets=place,
        estimate=estimate,
        mode="indicator",
        verdict=Verdict.INCONCLUSIVE if small else None,
        sub_reason=SubReason.SMALL_GROUP if small else None,
        why=small,
        items=items,
    )


def _unsaid(why: str, place: Mapping[str, str], *, constant: bool = False) -> Measure:
    """The effect size that there is not."""
    return Measure(
        metric="effect-size",
        facets=place,
        estimate=Estimate.missing(why, unit="sd"),
        mode="indicator",
        verdict=Verdict.NOT_APPLICABLE if constant else Verdict.ERROR,
        sub_reason=SubReason.NO_DYNAMIC_RANGE if constant else SubReason.INVALID_ANSWERS,
        why=why,
    )
