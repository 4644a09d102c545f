"""Shapley and Owen values by the shap library, which sees masks and never the inputs behind them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.errors import MissingDependency
from probandum.evidence import Capability, Floats
from probandum.subject import Bools
from probandum_probes.explain.explaining import Explainer, Explanation, explainer
from probandum_probes.explain.worlds import World


class _Masker:
    """Gives the library its own mask back as "the masked input", so that the system's side is ours alone."""

    immutable_outputs = True

    def __init__(self, width: int, clustering: Floats | None = None) -> None:
        self._width = width
        self.clustering = clustering

    def shape(self, _: object) -> tuple[int, int]:
        """One background row, ``width`` features."""
        return 1, self._width

    def __call__(self, mask: npt.ArrayLike, _: object) -> tuple[Bools]:
        return (np.asarray(mask, dtype=bool)[None, :],)


@explainer("shap.permutation", explains=Capability.PREDICT)
class Permutation(Explainer):
    """Interventional Shapley values by antithetic permutations over a background of 100 rows.

    Exact for models whose log-odds hold interactions of two columns at most. A permutation there and back takes
    2 d + 1 versions, each asked over the whole background; ``samples`` is rounded down to whole permutations, one
    at least, which is the default: ``explain.seed-stability`` says whether a system needs more.
    """

    complete = True
    default_samples = 1

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance, so that the others do not matter."""
        make = _shap().explainers.Permutation
        found = []
        for index, instance in enumerate(world.instances):
            own = instance.seed(seed)
            width = len(instance)
            value = _Value(world, index, "background", own)
            with _seeded(own):
                values = make(value, _Masker(width), seed=own).explain_row(
                    np.zeros(width),
                    max_evals=max(self.samples, 2 * width + 1),
                    main_effects=False,
                    error_bounds=False,
                    batch_size=self.samples + 2 * width + 1,
                    outputs=None,
                    silent=True,
                )
            found.append(_explanation(values, value.count, own))
        return found


@explainer("shap.partition", explains=Capability.CLASSIFY)
class Partition(Explainer):
    """Owen values of the words over the library's own tree of neighbouring words; absent words are three dots.

    ``samples`` versions at most: beyond them, words that stand close share what their group is worth.
    """

    complete = True
    default_samples = 500

    def explain(self, world: World, *, seed: int) -> list[Explanation]:
        """Seeded by instance: only the order of equally important groups depends on it."""
        shap = _shap()
        found = []
        for index, instance in enumerate(world.instances):
            own = instance.seed(seed)
            width = len(instance)
            value = _Value(world, index, "mask", own)
            if width == 1:
                found.append(_lone_word(value, own))
                continue
            tree = _words_tree(shap, world.pieces(index))
            with _seeded(own):
                values = shap.explainers.Partition(value, _Masker(width, tree)).explain_row(
                    np.zeros(width),
                    max_evals=self.samples,
                    main_effects=False,
                    error_bounds=False,
                    batch_size=self.samples,
                    outputs=None,
                    silent=True,
                )
            found.append(_explanation(values, value.count, own))
        return found


class _Value:
    """The log-odds of one instance as a function of what is kept, and how many versions it was asked for."""

    def __init__(self, world: World, instance: int, operator: str, seed: int) -> None:
        self._world, self._instance, self._operator, self._seed = world, instance, operator, seed
        self.count = 0

    def __call__(self, kept: npt.ArrayLike) -> Floats:
        masks = np.asarray(kept, dtype=bool)
        self.count += len(masks)
        return self._world.value(self._instance, self._operator, masks, seed=self._seed)


def _explanation(found: Any, evaluations: int, seed: int) -> Explanation:
    return Explanation(
        attributions=np.asarray(found["values"], dtype=np.float64).reshape(-1),
        base=float(np.asarray(found["expected_values"]).reshape(-1)[0]),
        evaluations=evaluations,
        seed=seed,
    )


def _lone_word(value: _Value, seed: int) -> Explanation:
    """A text of one word has nothing to share out: the word is worth f(x) - f(nothing)."""
    without, whole = value(np.array([[False], [True]]))
    return Explanation(attributions=np.array([whole - without]), base=float(without), evaluations=2, seed=seed)


def _words_tree(shap: ModuleType, words: tuple[str, ...]) -> Floats:
    """The library's tree of a text (which neighbours to join first), shape (words - 1, 4)."""

    def tokenizer(text: str, return_offsets_mapping: bool = True) -> dict[str, Any]:
        ends = np.cumsum([len(word) for word in words]).tolist() if text else []
        return {"input_ids": list(words) if text else [], "offset_mapping": list(zip([0, *ends], ends, strict=False))}

    tree: Floats = shap.maskers.Text(tokenizer).clustering("".join(words))
    return tree


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """numpy's global generator, which the library draws from, seeded inside and as it was outside."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def _shap() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the library's own imports deprecate among themselves
            import shap
    except ImportError:
        raise MissingDependency("shap", needed_for="the explainers shap.*", extra="explain") from None
    module: ModuleType = shap
    return module
