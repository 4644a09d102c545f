"""explain.counterfactuals: small changes that would have decided otherwise, and what they would cost whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np

from probandum.controls import Examined
from probandum.errors import UsageError
from probandum.evidence import Capability
from probandum.finding import Estimate, SubReason, Verdict
from probandum.keywords import Between, Distinct
from probandum.plan_names import Names
from probandum.probe import Ask, Measure, probe
from probandum_probes.bias.barring import Bar, judged, shown
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.requirements import DECISIONS
from probandum_probes.estimates import exactly
from probandum_probes.explain.counterfactual.answers import deciding
from probandum_probes.explain.counterfactual.burden import BURDEN, DIFFERENCE, UNIT, burdens
from probandum_probes.explain.counterfactual.controls import known_boundary, unchanged
from probandum_probes.explain.counterfactual.quality import (
    DRAWS,
    MOST_ROWS,
    NEIGHBOUR,
    NOISE,
    diversity,
    neighbour_percentiles,
    respected,
    steadiness,
)
from probandum_probes.explain.counterfactual.rows import WHERE, Explored, Search, against, explored
from probandum_probes.explain.counterfactual.search import MOST_ASKED
from probandum_probes.explain.counterfactual.space import Constraints
from probandum_probes.explain.counterfactual.texts import (
    ExploredTexts,
    TextSearch,
    explored_texts,
    measures_of,
    opened,
)
from probandum_probes.explain.counterfactual.words import NEUTRAL, OTHERS
from probandum_probes.explain.named_explainers import Of, Texts
from probandum_probes.explain.quality.base import kind_of
from probandum_probes.explain.texts import TextWorld

#: Features of the model, as a plan names them.
Features = Annotated[Sequence[Annotated[str, Names("feature")]], Distinct(), Of(Capability.PREDICT)]
#: Rows decided unfavourably, or texts, that a verdict needs.
FEWEST = 100


@probe(
    "explain.counterfactuals",
    version=1,
    requirements=(*DECISIONS, "ai-act:art-13:3:b:iv", "ai-act:art-86:1", "gdpr:15:1:h", "gdpr:22:3"),
    needs=(Capability.PREDICT, Capability.CLASSIFY),
    metrics={
        "validity": "share",
        "actionability": "share",
        "proximity": UNIT,
        "sparsity": "features",
        "edit-rate": "share",
        "neighbour-percentile": "share",
        "robustness": "share",
        "diversity": UNIT,
        BURDEN: UNIT,
        DIFFERENCE: f"{UNIT} difference",
    },
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("validity", "actionability", "burden-difference"),
)
class Counterfactuals:
    """Changes that turn an unfavourable decision, or the answer to a text: the smallest found, checked on the system.

    Of rows decided unfavourably, ``validity``: the share with a change that was found and, asked anew, is decided
    favourably (Clopper and Pearson 1934); rows without one count against it. ``actionability``: the share of all
    changes that respect what may not change, which must be 1: a feature that carries an attribute of the plan, or is
    ``immutable``, stays; ``increase_only`` and ``decrease_only`` move one way; numbers stay within those of the rows
    under audit, texts and numbers of up to 12 values are among theirs. Both may be judged.

    Shown, of the smallest change found of each row: ``proximity``, its cost (sum of |x - x'| / MAD, the median absolute
    deviation, or the mean one where that is 0; a text or a number of two values costs 1; Wachter et al. 2018),
    ``sparsity``, how many features it changes, ``neighbour-percentile``, the share of rows that lie no further from
    their fifth nearest neighbour than the changed row (about 0.5 is usual; near 1 nobody is like it), and
    ``robustness``, the share of copies with noise of a tenth MAD that stay favourable: a smallest change lies at the
    boundary, so that about a half is to be expected. Whether a retrained system would decide alike is not tested.
    ``diversity``: the mean cost between the ``alternatives`` of a row (Mothilal et al. 2020).

    ``burden``: the mean cost in a group; ``burden-difference``: that of a group less its reference (Welch; over persons
    CR2), which may be judged: a decision that is harder to turn for one group (Sharma et al. 2020). It takes 30 rows of
    both, and no verdict is given where more than one in twenty has no change, whose cost nobody knows.

    The fewest features first, then the least cost. Of one feature every value of the rows is tried that costs less
    than what was found (of more than 200 of them 200, spread evenly), and then the way from there is bisected: no
    nearer value of the rows turns the decision, though one between them may. Of two and three features (up to
    ``changes``) a search looks for small changes and knows of no smallest one, so that ``proximity`` and ``burden`` are
    upper bounds there. ``asks``: inputs a row at most; where it finds nothing there may still be something. A change
    counts where the decision lies clear of its edge (1e-9 in log-odds; where decisions of the rows lie on it
    themselves, on it, too, and then each is asked alone). ``inputs``: so many rows of all, and so many of each group; a
    verdict needs 100. A change says what the system would decide, not what becomes of a person who brings it about, nor
    how hard that is.

    Of a text classifier ``inputs`` of the ``texts`` (a file with one a line, by default the data set moderation_texts),
    each class in its share: a word is deleted, or replaced by a ``neutral`` one or by up to ``others`` that stand in
    its place in other texts, those first that by themselves speak most against the answer; punctuation stays. The
    fewest words first. ``validity`` is then the share of texts with edits that turn the answer to any other one,
    ``sparsity`` counts words, ``edit-rate`` is their share of a text's words. No part of these edits turns the answer
    by itself. Whether an edited text still reads naturally takes a language model, and is not measured. Nothing is
    immutable in a text, and no groups are compared.
    """

    controls = (
        Examined(name="unchanged inputs", kind="negative", function=unchanged),
        Examined(name="known boundary", kind="positive", function=known_boundary),
    )

    def __init__(
        self,
        *,
        immutable: Features = (),
        increase_only: Features = (),
        decrease_only: Features = (),
        inputs: Annotated[int, Between(least=2, most=100_000)] = 200,
        alternatives: Annotated[int, Between(least=1, most=10)] = 3,
        changes: Annotated[int, Between(least=1, most=3)] = 3,
        asks: Annotated[int, Between(least=2, most=1_000_000)] = MOST_ASKED,
        texts: Texts = None,
        neutral: Sequence[str] = NEUTRAL,
        others: Annotated[int, Between(least=0, most=100)] = OTHERS,
    ) -> None:
        for word in neutral:
            if len(word.split()) != 1:
                raise UsageError(f"neutral: {word!r} is no single word", remedy="name words without blanks")
        self.immutable = tuple(immutable)
        self.increase_only = tuple(increase_only)
        self.decrease_only = tuple(decrease_only)
        self.declared.refuse_twice(what=WHERE)
        self.inputs = inputs
        self.alternatives = alternatives
        self.changes = changes
        self.asks = asks
        self.texts = texts
        self.neutral = tuple(neutral)
        self.others = others

    @property
    def declared(self) -> Constraints:
        """What the plan allows beside what its attributes forbid."""
        return Constraints(immutable=self.immutable, increase_only=self.increase_only, decrease_only=self.decrease_only)

    @property
    def of_texts(self) -> TextSearch:
        """How edits of texts are looked for."""
        return TextSearch(
            texts=self.texts,
            inputs=self.inputs,
            changes=self.changes,
            asks=self.asks,
            neutral=self.neutral,
            others=self.others,
        )

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions, look for changes of unfavourable ones, or of texts, and say how good these are."""
        self._refuse_others(kind_of(ask))
        if kind_of(ask) is Capability.CLASSIFY:
            world, seen = opened(ask, self.of_texts)
            yield from measures_of(self.explored_texts(ask, world, seen, self.of_texts), FEWEST)
            return
        subject, features = ask.subject, features_of(ask.subject)
        if subject.answers or not features:
            recorded = "decisions were recorded, and nobody can ask how changed rows would have been decided"
            why = recorded if subject.answers else "no feature is read, so there is nothing to change"
            yield _unsaid(why, SubReason.NO_CAPABILITY, len(subject))
            return
        self.declared.refuse(subject.table.select(features), what=WHERE)
        _, answer = decisions(ask)
        if not against(subject, subject.outcomes(answer)).any():
            why = "no row is decided unfavourably, so there is nothing to turn"
            yield _unsaid(why, SubReason.TRIVIAL, len(subject))
            return
        found = self.explored(ask, self.declared, self.inputs)
        yield from _judged(found)
        yield from _shown(ask, found)
        for grouping in subject.groupings.values():
            yield from burdens(found, grouping, self.inputs)

    def _refuse_others(self, kind: Capability) -> None:
        """UsageError where an option speaks of rows, and the system reads texts, or the other way round."""
        of_rows = {
            "immutable": self.immutable,
            "increase_only": self.increase_only,
            "decrease_only": self.decrease_only,
        }
        of_texts = {"texts": self.texts}
        for name, value in (of_rows if kind is Capability.CLASSIFY else of_texts).items():
            if value:
                reads, means = ("texts", "columns of rows") if kind is Capability.CLASSIFY else ("rows", "texts")
                raise UsageError(
                    f"{WHERE}.{name}: names {means}, and this system reads {reads}", remedy="leave the option out"
                )

    def explored(self, ask: Ask, declared: Constraints, inputs: int) -> Explored:
        """The changes of ``inputs`` rows under constraints."""
        subject, answer = decisions(ask)
        search = Search(inputs=inputs, alternatives=self.alternatives, changes=self.changes, asks=self.asks)
        return explored(ask, features_of(subject), subject.outcomes(answer), declared, search)

    def explored_texts(self, ask: Ask, world: TextWorld, seen: Sequence[str], search: TextSearch) -> ExploredTexts:
        """The edits of the texts of a world."""
        return explored_texts(ask, world, seen, search)


def _judged(found: Explored) -> Iterator[Measure]:
    """Whether changes flip when they are asked again, and whether all of them are allowed."""
    sample, n = found.sampled, found.persons(found.sampled)
    bar, valid = _few(found, n), found.smallest[sample] >= 0
    yield judged(
        "validity",
        found.share(sample, valid),
        bar,
        items=found.items(sample, valid.astype(np.float64), unit="share"),
    )
    of, rows = found.found.of, len(found.rows)
    many = np.bincount(of, minlength=rows)
    has = np.flatnonzero(many[: found.sample])
    if not len(has):
        why = next(why for why in found.found.why if why is not None)
        missing = Estimate.missing(why, n=n, unit="share")
        yield judged("actionability", missing, (Verdict.INCONCLUSIVE, SubReason.NO_DATA, why))
        return
    allowed = respected(found.found.before, found.found.after, found.seen, found.constraints)
    shares = np.bincount(of, weights=allowed, minlength=rows)[has] / many[has]
    yield judged(
        "actionability",
        exactly(found.average(has, shares), n=found.persons(has), unit="share", design=found.design),
        bar if allowed.all() else None,
        items=found.items(has, shares, unit="share"),
    )


def _shown(ask: Ask, found: Explored) -> Iterator[Measure]:
    """How far, how many, how usual, how firm and how varied changes are."""
    has = np.flatnonzero(found.smallest[: found.sample] >= 0)
    if not len(has):
        return
    changes, first, space = found.found, found.smallest[has], found.space
    design = f"{found.tried}; {found.design}"
    yield shown("proximity", found.mean(has, changes.costs[first], unit=UNIT, design=design))
    changed = changes.changed[first].sum(axis=1).astype(np.float64)
    draw = ask.rng("bootstrap", "sparsity")
    yield shown("sparsity", found.resampled(has, changed, rng=draw, unit="features", design=found.design))
    after = space.encoded(changes.after.take(first))
    known = ask.rng("known").permutation(len(found.subject))[:MOST_ROWS]
    if len(known) > NEIGHBOUR:
        apart = found.rows[has][:, None] == known
        near = neighbour_percentiles(space, after, space.encoded(found.seen.take(known)), apart)
        draw, told = ask.rng("bootstrap", "neighbour-percentile"), f"of {len(known)} rows; {found.design}"
        yield shown("neighbour-percentile", found.resampled(has, near, rng=draw, unit="share", design=told))
    firm = steadiness(space, deciding(ask), after, ask.rng("noise"))
    told = f"{DRAWS} copies a row with noise of {NOISE:g} MAD; retraining was not tested"
    draw = ask.rng("bootstrap", "robustness")
    yield shown("robustness", found.resampled(has, firm, rng=draw, unit="share", design=f"{told}; {found.design}"))
    rows, varied = diversity(space, changes)
    inside = rows < found.sample
    told = f"{int(inside.sum())} rows with several changes"
    yield shown("diversity", found.mean(rows[inside], varied[inside], unit=UNIT, design=f"{told}; {found.design}"))


def _few(found: Explored, n: int) -> Bar | None:
    """The bar of too few rows."""
    who = "persons with rows" if found.subject.design else "rows"
    why = f"{n} {who} decided unfavourably; a verdict needs {FEWEST}"
    return None if n >= FEWEST else (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why)


def _unsaid(why: str, reason: SubReason, n: int) -> Measure:
    missing = Estimate.missing(why, n=n, unit="share")
    return judged("validity", missing, (Verdict.NOT_APPLICABLE, reason, why))
