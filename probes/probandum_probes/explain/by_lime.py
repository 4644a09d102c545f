"""Local linear models by the lime library. Its weighted R2 always comes along: without it a list is no evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Capability, Column, Floats, Table
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import World

#: A column with at most so many different values in the background is one of categories: none lies between two.
MOST_CATEGORIES = 10


@explainer("lime.text", explains=Capability.CLASSIFY)
class LimeText(Explainer):
    """Weights of a ridge regression over versions of a text with words deleted, near ones counting more.

    The library's defaults (kernel width 25 on the cosine distance, all words kept as features); it is given
    numbered words, so that a word that occurs twice is two features, as for every other explainer.
    """

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance; one round each."""
        library = _lime("lime_text")
        found = []
        for index, instance in enumerate(world.instances):
            own = instance.seed(seed)
            width = len(instance)
            if width == 1:
                found.append(_lone_word(world, index, own))
                continue

            def classify(versions: Sequence[str], index: int = index, own: int = own, width: int = width) -> Floats:
                kept = np.zeros((len(versions), width), dtype=bool)
                for row, version in zip(kept, versions, strict=True):
                    row[[int(word) for word in re.findall(r"\d+", version)]] = True
                return world.value(index, "delete", kept, seed=own)[:, None]

            explained = library.LimeTextExplainer(random_state=own, feature_selection="none").explain_instance(
                " ".join(f"w{word}" for word in range(width)),
                classify,
                labels=(0,),
                num_features=width,
                num_samples=self.samples,
            )
            found.append(_explanation(explained, 0, width, self.samples, own))
        return found


@explainer("lime.tabular", explains=Capability.PREDICT)
class LimeTabular(Explainer):
    """Weights of a ridge regression over rows drawn around one: does each column stay in its own quartile or not?

    The library's defaults (kernel width 0.75 sqrt(d), quartiles of a background of 100 rows). Text, and columns
    of at most 10 different values, are categories. Rows are drawn and not masked: they may be unlikely ones.
    """

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance; one round each."""
        assert isinstance(world, RowWorld)
        library = _lime("lime_tabular")
        coding = _Coding(world.background, world.rows)
        background, rows = coding.encode(world.background), coding.encode(world.rows)
        width = rows.shape[1]
        found = []
        for index, instance in enumerate(world.instances):
            own = instance.seed(seed)

            def predict(versions: Floats, index: int = index) -> Floats:
                return world.log_odds_of(index, coding.decode(versions))

            explained = library.LimeTabularExplainer(
                background,
                mode="regression",
                feature_selection="none",
                categorical_features=coding.categories,
                random_state=own,
            ).explain_instance(rows[index], predict, num_features=width, num_samples=self.samples)
            found.append(_explanation(explained, 1, width, self.samples, own))
        return found


class _Coding:
    """Columns as the numbers that the library takes, and back; categories are numbered in sorted order."""

    def __init__(self, *tables: Table) -> None:
        first = tables[0]
        self._values: dict[str, Column] = {}
        for name, column in first.columns.items():
            if column.dtype.kind != "f" or len(np.unique(column)) <= MOST_CATEGORIES:
                self._values[name] = np.unique(np.concatenate([table[name] for table in tables]))
        self._names = tuple(first)
        self.categories = [place for place, name in enumerate(first) if name in self._values]

    def encode(self, table: Table) -> Floats:
        """Shape (rows, columns)."""
        columns = [
            np.searchsorted(self._values[name], table[name]) if name in self._values else table[name]
            for name in self._names
        ]
        return np.column_stack(columns).astype(np.float64)

    def decode(self, matrix: Floats) -> Table:
        """The rows behind the numbers."""
        return Table(
            {
                name: self._values[name][matrix[:, place].astype(np.int64)]
                if name in self._values
                else np.ascontiguousarray(matrix[:, place])
                for place, name in enumerate(self._names)
            }
        )


def _explanation(found: Any, label: int, width: int, samples: int, seed: int) -> Explanation:
    attributions = np.zeros(width)
    for place, weight in found.local_exp[label]:
        attributions[int(place)] = weight
    return Explanation(
        attributions=attributions,
        base=float(found.intercept[label]),
        local_fit=float(found.score),
        evaluations=samples,
        seed=seed,
    )


def _lone_word(world: World, index: int, seed: int) -> Explanation:
    """A text of one word leaves nothing to fit: the line through both its versions is exact."""
    without, whole = world.value(index, "delete", np.array([[False], [True]]), seed=seed)
    return Explanation(
        attributions=np.array([whole - without]), base=float(without), local_fit=1.0, evaluations=2, seed=seed
    )


def _lime(module: str) -> ModuleType:
    try:
        from importlib import import_module

        return import_module(f"lime.{module}")
    except ImportError:
        raise MissingDependency("lime", needed_for="the explainers lime.*", extra="explain") from None
