"""Boosted trees of LightGBM, from its native format."""

from __future__ import annotations

import re
from pathlib import Path

from probandum.target import target
from probandum.targets.boosted import BoostedTarget
from probandum.targets.forms import no_lightgbm


@target("lightgbm")
class LightGBMTarget(BoostedTarget):
    """Class probabilities of a LightGBM model over table rows.

    ``path``: ``.txt``, as ``save_model`` writes it. ``labels``: class names in the order of the classes, by default
    their numbers. ``sha256``: what the file must be. Columns go by the names in the model, or in the order of
    ``data.features`` where it has none. The model runs in a process of its own, which is ended where one answer
    takes more than ``timeout`` seconds.
    """

    module = "lightgbm"
    packages = ("lightgbm",)
    extra = "lgbm"
    suffixes = (".txt",)
    objectives = "the objective binary or multiclass"

    @classmethod
    def no_model(cls, path: Path) -> str | None:
        """What to say of a file that LightGBM cannot have written."""
        return no_lightgbm(path)

    @classmethod
    def as_named(cls, column: str) -> str:
        """LightGBM writes an underscore for every space in a name.

        >>> LightGBMTarget.as_named("credit amount")
        'credit_amount'
        """
        return re.sub(r"\s", "_", column)
