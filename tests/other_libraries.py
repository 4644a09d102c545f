"""Toy cases as captum and Quantus compute them, for the tests of explainers and of what is said about their quality.

    python tests/other_libraries.py > tests/golden/other_libraries.json

It runs under a Python with numpy, torch, captum 0.9 and Quantus 0.6, which need not be that of the toolkit; its name
stands in PROBANDUM_CAPTUM_PYTHON where the test is to run it again. Definitions coincide where they are compared here:

- Shapley values and occlusion with one row of a background in place of what is gone, averaged over its rows;
- gradient times input, and integrated gradients at the points of Gauss and Legendre;
- infidelity over given removals, I the features that are gone, and with the best scale; maximal sensitivity over given
  neighbours;
- Quantus' Complexity and Sparseness, and its MaxSensitivity under Frobenius' norm.

Elsewhere they differ, and nothing is compared: Quantus' Infidelity averages patches of pixels over their sizes;
FaithfulnessCorrelation correlates what comprehensiveness averages; PixelFlipping takes features one by one or by equal
steps, where areas here are read at 1, 5, 10, 20 and 50 %; captum's FeatureAblation and Occlusion know one baseline.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

#: From rows of a matrix to log-odds, for numpy's arrays and torch's tensors alike; ``tanh`` is that of either.
Rule = Callable[[Any, Callable[[Any], Any]], Any]

_WEIGHTS = np.random.RandomState(5)
_FIRST, _SECOND = _WEIGHTS.normal(size=(4, 5)), _WEIGHTS.normal(size=5)
LINEAR = np.array([1.5, -2.0, 0.25, 0.0])


def linear(rows: Any, tanh: Callable[[Any], Any]) -> Any:
    """Four columns with weights, one of them 0."""
    return sum(weight * rows[..., place] for place, weight in enumerate(LINEAR.tolist())) + 0.5


def gate(rows: Any, tanh: Callable[[Any], Any]) -> Any:
    """x1 AND x2, and 1."""
    return rows[..., 0] * rows[..., 1] + 1.0


def network(rows: Any, tanh: Callable[[Any], Any]) -> Any:
    """Five hidden units of tanh over four columns."""
    units = [
        tanh(sum(float(_FIRST[place, unit]) * rows[..., place] for place in range(4))) * float(_SECOND[unit])
        for unit in range(5)
    ]
    return 2 * sum(units) + 0.3


RULES: Mapping[str, Rule] = {"linear": linear, "gate": gate, "network": network}
_ROWS = np.random.RandomState(6).normal(size=(7, 4))
#: The rows of each toy: what is explained, and the background.
TABLES: Mapping[str, Any] = {
    "linear": _ROWS,
    "gate": np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    "network": _ROWS,
}
#: Removals of each input, and how far its neighbours lie from it.
NEIGHBOURS = 6


def removals(width: int) -> Any:
    """Which features each removal takes: every set of one and more, shape (removals, features)."""
    return np.array([[bool(number >> place & 1) for place in range(width)] for number in range(1, 2**width)])


def shifts(width: int) -> Any:
    """The ways to the neighbours of every row, shape (neighbours, features)."""
    return np.random.RandomState(7).uniform(-0.02, 0.02, size=(NEIGHBOURS, width))


def middle(rows: Any) -> Any:
    """The lower median of each column."""
    return np.quantile(rows, 0.5, axis=0, method="lower")


def computed() -> dict[str, Any]:
    """All figures, as the libraries give them."""
    toys = {name: _toy(rule, TABLES[name]) for name, rule in RULES.items()}
    return {"captum": version("captum"), "quantus": version("quantus"), "toys": toys}


def _toy(rule: Rule, rows: Any) -> dict[str, Any]:
    import torch
    from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients, Occlusion, ShapleyValues
    from captum.metrics import infidelity, sensitivity_max

    width = rows.shape[1]
    at, median = torch.tensor(rows), torch.tensor(middle(rows))[None]
    gone, ways = torch.tensor(removals(width)), torch.tensor(shifts(width))

    def forward(inputs: Any) -> Any:
        return rule(inputs, torch.tanh)

    def over(method: Any, **options: Any) -> Any:
        """An attribution with each row as the baseline, averaged."""
        return sum(method.attribute(at, baselines=each[None], **options) for each in at) / len(at)

    def without(inputs: Any) -> Any:
        return FeatureAblation(forward).attribute(inputs, baselines=median)

    def taken(inputs: Any) -> Any:
        masks = gone.repeat(len(inputs) // len(gone), 1)
        return masks.to(inputs.dtype), torch.where(masks, median, inputs)

    def moved(inputs: Any) -> Any:
        return inputs + ways.repeat(len(inputs) // len(ways), 1)

    ablation, count = without(at), len(gone)
    scaled = infidelity(forward, taken, at, ablation, n_perturb_samples=count, normalize=True)
    # Quantus refuses attributions that are all 1, as the gate has them.
    others = {} if rule is gate else _quantus(rule, rows, ablation.numpy(), without)
    return {
        "shapley": _told(over(ShapleyValues(forward))),
        "ablation": _told(ablation),
        "occlusion": _told(over(Occlusion(forward), sliding_window_shapes=(1,))),
        "input_x_gradient": _told(InputXGradient(forward).attribute(at.clone().requires_grad_())),
        "integrated_gradients": _told(IntegratedGradients(forward).attribute(at, baselines=median, n_steps=50)),
        "infidelity": _told(infidelity(forward, taken, at, ablation, n_perturb_samples=count)),
        "infidelity_scaled": _told(scaled),
        "sensitivity_max": _told(sensitivity_max(without, at, moved, n_perturb_samples=len(ways))),
        **others,
    }


def _quantus(rule: Rule, rows: Any, attributions: Any, without: Callable[[Any], Any]) -> dict[str, Any]:
    """Complexity, Sparseness and MaxSensitivity of the attributions by leaving out."""
    import quantus
    import torch
    from quantus.functions.norm_func import fro_norm

    class Classes(torch.nn.Module):  # type: ignore[misc]
        """Log-odds of the second class; the first has 0."""

        def forward(self, inputs: Any) -> Any:
            score = rule(inputs.double(), torch.tanh)
            return torch.stack([torch.zeros_like(score), score], dim=-1)

    model = Classes().eval()
    labels = model(torch.tensor(rows)).argmax(dim=-1).numpy()
    quiet = {"display_progressbar": False, "disable_warnings": True}
    options: dict[str, Any] = {"model": model, "x_batch": rows[:, None, :], "y_batch": labels, "device": "cpu"}
    spread = {"abs": True, "normalise": False, **quiet}
    given = attributions[:, None, :]
    steps = iter(shifts(rows.shape[1]).tolist() * len(rows))

    def moved(arr: Any, **_: Any) -> Any:
        return arr + np.array(next(steps))[None, None, :].reshape(1, -1)

    sensitivity = quantus.MaxSensitivity(
        nr_samples=NEIGHBOURS,
        perturb_func=moved,
        norm_numerator=fro_norm,
        norm_denominator=fro_norm,
        abs=False,
        normalise=False,
        **quiet,
    )
    return {
        "complexity": _told(quantus.Complexity(**spread)(a_batch=given.copy(), **options)),
        "sparseness": _told(quantus.Sparseness(**spread)(a_batch=given.copy(), **options)),
        "max_sensitivity": [
            _told(
                sensitivity(
                    **{**options, "x_batch": rows[[place]][:, None, :], "y_batch": labels[[place]]},
                    a_batch=attributions[[place]][:, None, :],
                    explain_func=lambda model, inputs, targets, **_: without(
                        torch.tensor(np.asarray(inputs)[:, 0, :])
                    ).numpy()[:, None, :],
                )
            )[0]
            for place in range(len(rows))
        ],
    }


def _told(values: Any) -> Any:
    """As JSON has it, to 12 digits; None for no number."""
    found = np.asarray(values.detach().numpy() if hasattr(values, "detach") else values, dtype=np.float64)
    return [_told(each) for each in found] if found.ndim else None if math.isnan(found) else float(f"{found:.12g}")


if __name__ == "__main__":
    json.dump(computed(), sys.stdout, indent=1)
    sys.stdout.write("\n")
