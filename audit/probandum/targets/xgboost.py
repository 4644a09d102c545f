"""Boosted trees of XGBoost, from its native formats."""

from __future__ import annotations

from pathlib import Path

from probandum.target import target
from probandum.targets.boosted import BoostedTarget
from probandum.targets.forms import no_xgboost


@target("xgboost")
class XGBoostTarget(BoostedTarget):
    """Class probabilities of an XGBoost model over table rows.

    ``path``: ``.ubj`` or ``.json``, as ``save_model`` writes them. ``labels``: class names in the order of the
    classes, by default their numbers. ``sha256``: what the file must be. Columns go by the names in the model, or in
    the order of ``data.features`` where it has none. After early stopping the rounds up to the best one answer. The
    model runs in a process of its own, which is ended where one answer takes more than ``timeout`` seconds.
    """

    module = "xgboost"
    packages = ("xgboost", "xgboost-cpu")
    extra = "xgb"
    suffixes = (".ubj", ".json")
    objectives = "binary:logistic or multi:softprob"

    @classmethod
    def no_model(cls, path: Path) -> str | None:
        """What to say of a file that XGBoost cannot have written."""
        return no_xgboost(path)
