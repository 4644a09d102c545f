"""Gradients of a model's answer by what it reads: gradient times input, and integrated gradients.

The explained number is f, the log-odds of one class or option, as a function of the embeddings of the tokens.
Integrated gradients (Sundararajan, Taly, Yan 2017): of each token the sum over dimensions of (x - b) times the mean of
df/dx on the straight line from the baseline b to the embeddings x. Over all tokens they add up to f(x) - f(b), but for
the error of taking the mean over a few points (Gauss-Legendre), which is measured and given.

One input is computed at a time, in passes over points of its own line, so that what else is asked moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from probandum.evidence import Floats
from probandum.targets.devices import out_of_memory
from probandum.targets.scoring import TOLERANCE
from probandum.targets.tries import Tokens

#: From embeddings of shape (points, tokens, dimensions) to log-probabilities of shape (points, classes or options).
Scores = Callable[[Any], Any]


def log_odds(scores: Floats, which: int) -> float:
    """log p_k - log sum of the other p, in nats, from log-probabilities (k,); of a single one log p itself.

    >>> round(float(np.exp(log_odds(np.log([0.8, 0.15, 0.05]), 0))), 12)
    4.0
    """
    others = np.delete(scores, which)
    with np.errstate(invalid="ignore"):  # NaN is named by who asked
        return float(scores[which] - (np.logaddexp.reduce(others) if len(others) else 0.0))


def log_odds_at(scores: Any, which: int) -> Any:
    """The same at each of several points, shape (points, k), for a gradient to be taken of."""
    import torch

    if scores.shape[-1] == 1:
        return scores[..., 0]
    others = [place for place in range(scores.shape[-1]) if place != which]
    return scores[..., which] - torch.logsumexp(scores[..., others], dim=-1)


def scored(scores: Scores, embedded: Any) -> Floats:
    """The log-probabilities of one input, shape (classes or options,); ``embedded``: (tokens, dimensions)."""
    import torch

    with torch.no_grad(), plain_attention():
        found: Floats = scores(embedded[None])[0].double().cpu().numpy()
        return found


def gradient_times_input(scores: Scores, embedded: Any, which: int) -> Floats:
    """Of each token the sum over dimensions of x times df/dx, shape (tokens,)."""
    (slope,) = _slopes(scores, embedded[None], which)
    return _over_dimensions(slope, embedded)


def integrated_gradients(
    scores: Scores, embedded: Any, baseline: Any, which: int, *, steps: int, at_once: int
) -> Floats:
    """Of each token, shape (tokens,): ``steps`` points of the line, ``at_once`` of them a pass."""
    import torch

    nodes, weights = points(steps)
    total = np.zeros(tuple(embedded.shape))
    for part in np.split(np.arange(steps), range(at_once, steps, at_once)):
        along = torch.tensor(nodes[part], dtype=torch.float64, device=embedded.device)[:, None, None]
        line = baseline.double() + along * (embedded.double() - baseline.double())
        for place, slope in zip(part, _slopes(scores, line.to(embedded.dtype), which), strict=True):
            total += weights[place] * slope
    return _over_dimensions(total, embedded.double() - baseline.double())


def points(steps: int) -> tuple[Floats, Floats]:
    """The points in (0, 1), and their weights, at which the mean of a function is taken; exact for polynomials.

    >>> nodes, weights = points(2)
    >>> round(float((weights * nodes**3).sum()), 12)  # the mean of x^3 on (0, 1)
    0.25
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def _slopes(scores: Scores, embedded: Any, which: int) -> Iterator[Floats]:
    """df/dx at each point, in float64."""
    import torch

    with torch.enable_grad(), plain_attention():
        given = embedded.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(log_odds_at(scores(given), which).sum(), given)
    return iter(_doubled(found))


def _over_dimensions(slopes: Floats, way: Any) -> Floats:
    """Of each token the sum over dimensions of its slopes times the way."""
    found: Floats = (slopes * _doubled(way)).sum(axis=-1)
    return found


def _doubled(values: Any) -> Floats:
    found: Floats = values.double().cpu().numpy()
    return found


@contextmanager
def plain_attention() -> Iterator[None]:
    """Attention by plain matrix products: the faster kernels of some devices add up gradients in no fixed order."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        yield


def embeddings(model: Any, tokens: Sequence[int]) -> Any:
    """What the model makes of tokens before its first layer, shape (tokens, dimensions)."""
    import torch

    with torch.no_grad():
        return model.get_input_embeddings()(torch.tensor(list(tokens), device=model.device))


def takes_embeddings(model: Any) -> bool:
    """Whether the model gives the same numbers for the embeddings of tokens as for the tokens; it is tried out."""
    import torch

    draw = np.random.default_rng(2).integers(0, model.config.get_text_config().vocab_size, size=8)
    tokens: Tokens = tuple(map(int, draw))
    with torch.no_grad():
        own = model(input_ids=torch.tensor([tokens], device=model.device)).logits.float()
        try:
            found = model(inputs_embeds=embeddings(model, tokens)[None]).logits.float()
        except Exception as error:  # a model may know no embeddings, or ask for the tokens beside them
            if out_of_memory(error):
                raise
            return False
    near = TOLERANCE[str(model.dtype).removeprefix("torch.")] / 10 * own.abs().max()
    return found.shape == own.shape and bool(((found - own).abs() <= near).all())
