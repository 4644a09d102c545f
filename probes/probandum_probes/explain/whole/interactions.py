"""How much of what a system says is no sum over features: Friedman and Popescu's H-statistic, squared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from probandum.evidence import Floats
from probandum_probes.explain.worlds import Removal, World

#: A variance of f below this is what rounding leaves of none.
NOTHING = 1e-18
#: So is a part of it that is no sum, below this share of the whole.
ROUNDING = 1e-18


class Parts(NamedTuple):
    """f of every input and its partial dependences, centred: ``alone`` and ``rest``, shape (inputs, features)."""

    whole: Floats
    alone: Floats
    rest: Floats

    @property
    def varies(self) -> bool:
        """Whether f does at all."""
        return float((self.whole**2).mean()) > NOTHING

    def missed(self, feature: int | None) -> Floats:
        """Squares of what is no sum, input by input: of one feature and all others, or of all features alone.

        >>> x = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> product = Parts(x.prod(axis=1), 0 * x, 0 * x)
        >>> product.missed(0).tolist(), product.missed(None).tolist()
        ([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0])
        """
        added = self.alone.sum(axis=1) if feature is None else self.alone[:, feature] + self.rest[:, feature]
        missed: Floats = (self.whole - added) ** 2
        missed[missed <= ROUNDING * float((self.whole**2).mean())] = 0.0
        return missed


def parts(world: World) -> Parts:
    """2 d + 1 versions of every input over the background, in one round.

    ``alone``: partial dependence on one feature, the mean of f with the others from the background; ``rest``: on all
    but that one. Both are taken at the inputs and over the background alike, as Friedman and Popescu 2008 do.
    """
    removals = []
    for index, instance in enumerate(world.instances):
        lone = np.eye(len(instance), dtype=bool)
        kept = np.concatenate([np.ones((1, len(instance)), dtype=bool), lone, ~lone])
        removals.append(Removal(instance=index, operator=world.reference, kept=kept))
    values = np.array([each.log_odds for each in world.scores(removals)])
    centred = values - values.mean(axis=0)
    width = (values.shape[1] - 1) // 2
    return Parts(centred[:, 0], centred[:, 1 : 1 + width], centred[:, 1 + width :])
