"""The shape of a language model: what one pass multiplies, and how many operations an answer takes by it.

A multiplication and an addition are two operations (FLOP). For R tokens read and W written, with a cache of what was
read, N weights multiplied for each token, n for each token written (the output layer) or for each text (the head of a
classifier), and A the sum of heads times their width over all layers:

    T = R + max(W - 1, 0)                         tokens that pass through the layers: the last one written does not
    FLOP = 2 N T + 2 n max(W, 1) + 4 A (R^2 + sum of R + j for j = 1 .. W - 1)

The last term is attention: keys and values of all tokens before, 2 products each; the R tokens read make a full square,
as kernels compute it, and no mask or window saves anything. Left out are normalisation, activation, softmax, rotation,
the look-up of embeddings, biases, and padding: all of them grow with single widths and not with their products.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What one pass multiplies: weights a token, weights a written token or a text, and heads times width by layer."""

    per_token: int
    per_answer: int
    attention: int

    def operations(self, read: int, written: int) -> int:
        """FLOP of a text with so many tokens read and written; 0 written of a classifier.

        Two tokens read and two written, by hand: three pass (60), two outputs (16), and attention of 2 x 2 and 3 (28).

        >>> Shape(per_token=10, per_answer=4, attention=1).operations(2, 2)
        104
        """
        more = max(written - 1, 0)
        pairs = read**2 + more * read + more * (more + 1) // 2
        passing = 2 * self.per_token * (read + more) + 2 * self.per_answer * max(written, 1)
        return passing + 4 * self.attention * pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapeless:
    """``why`` the shape of a model is not known, or does not tell how many operations an answer takes."""

    why: str
