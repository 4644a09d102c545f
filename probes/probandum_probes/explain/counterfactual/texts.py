"""What the smallest edits that turn the answers to texts are worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum import stats
from probandum.errors import DataError
from probandum.evidence import Floats
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.subject import Bools
from probandum_probes.bias.barring import Bar, judged, shown
from probandum_probes.estimates import from_counts, from_draws
from probandum_probes.explain.counterfactual.text_search import FoundTexts, text_counterfactuals
from probandum_probes.explain.counterfactual.words import Wording, deciding_texts
from probandum_probes.explain.quality.base import items_of
from probandum_probes.explain.texts import TextWorld, read_texts

#: What nothing here says of an edited text.
NOT_MEASURED = "how natural the edited texts read was not measured: no language model is at hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSearch:
    """How edits are looked for: texts that are explained and their file, words that may change together, the budget.

    ``neutral``: words for any place. ``others``: words of other texts in each place.
    """

    texts: Path | None
    inputs: int
    changes: int
    asks: int
    neutral: Sequence[str]
    others: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExploredTexts:
    """Texts, each predicted class in its share, with the edits that were found for them."""

    world: TextWorld
    found: FoundTexts

    @property
    def valid(self) -> Bools:
        """Which texts have edits that turned the answer once more."""
        return np.array([bool(own) and own[0].valid for own in self.found.of_text])

    @property
    def changed(self) -> Floats:
        """How many words the smallest edits of each of these change."""
        return np.array([float(len(own[0].edits)) for own in self.found.of_text if own and own[0].valid])

    @property
    def design(self) -> str:
        """What was looked at, and for how many nothing was found, in words."""
        stuck = sum(not own for own in self.found.of_text)
        left = self.world.left_out
        said = [f"{len(self.world)} texts, each class in its share", *([f"none found for {stuck}"] if stuck else [])]
        return "; ".join([*said, *([f"{left} without a word left out"] if left else [])])


def opened(ask: Ask, search: TextSearch) -> tuple[TextWorld, tuple[str, ...]]:
    """``search.inputs`` texts, each predicted class in its share, and all texts of the file."""
    texts = read_texts(search.texts)
    world = TextWorld.open(ask, texts, inputs=search.inputs)
    if len(world) < 2:
        raise DataError("1 text is no sample of explanations", remedy="name a file with 2 texts at least")
    return world, texts


def explored_texts(ask: Ask, world: TextWorld, seen: Sequence[str], search: TextSearch) -> ExploredTexts:
    """The smallest edits of the texts of a world; ``seen``: texts whose words may stand in them."""
    answers = deciding_texts(ask)
    wording = Wording.of(answers, world.texts, seen, neutral=search.neutral, others=search.others)
    found = text_counterfactuals(answers, world.texts, wording, wanted=1, most_words=search.changes, most=search.asks)
    return ExploredTexts(world=world, found=found)


def measures_of(found: ExploredTexts, fewest: int) -> Iterator[Measure]:
    """Whether edits turn answers when they are asked again, and how many words they take."""
    valid, n = found.valid, len(found.world)
    why = f"{n} texts; a verdict needs {fewest}"
    bar: Bar | None = None if n >= fewest else (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why)
    yield judged(
        "validity",
        from_counts("clopper-pearson", ((int(valid.sum()), n),), design=found.design),
        bar,
        items=items_of(found.world, valid.astype(np.float64), "share"),
    )
    words = np.array(found.found.words, dtype=np.float64)[valid]
    yield _mean(found, "sparsity", found.changed, unit="features", design=f"words; {found.design}")
    yield _mean(found, "edit-rate", found.changed / words, unit="share", design=f"{found.design}; {NOT_MEASURED}")


def _mean(found: ExploredTexts, metric: str, values: Floats, *, unit: str, design: str) -> Measure:
    """The mean over texts, which are resampled: no bound lies below one word; missing where there are no two."""
    n = len(values)
    if n < 2:
        return shown(metric, Estimate.missing(f"{n} texts have edits that turn the answer", n=n, unit=unit))
    draws = stats.mean_draws(values, rng=found.world.ask.rng("bootstrap", metric))
    return shown(metric, from_draws("bootstrap", float(values.mean()), draws, n=n, unit=unit, design=design))
