"""Weights in 8 or 4 bits: quantised when they are loaded, or in their files already.

What the plan asks for is done by bitsandbytes, which runs on CPUs and on CUDA: 8 bits are LLM.int8() (Dettmers et al.
2022, arXiv 2208.07339), 4 bits NormalFloat with a scale a block (Dettmers et al. 2023, arXiv 2305.14314). What is
quantised are the linear layers of the model's body; embeddings and whatever stands behind the body stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from probandum.errors import UsageError
from probandum.targets.loading import need

Bits = Literal["8bit", "4bit"]

_PACKAGE = "bitsandbytes"
#: Inputs of a layer that are larger than this are multiplied in 16 bits, as those who deploy LLM.int8() do.
_OUTLIER = 6.0
#: Layers whose outputs and inputs are no multiples of these stay as they are in 4 bits: not every CPU can run them.
_OUTPUTS, _INPUTS = 32, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantisation:
    """``method``: whose arithmetic. ``bits``: None where the files do not say. ``stored``: what quantised files say."""

    method: str
    bits: int | None
    stored: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, config: Mapping[str, Any], wanted: Bits | None, *, name: str, download: bool = False
    ) -> Quantisation | None:
        """What ``config`` states or the plan wants; None of plain weights.

        UsageError where both speak, MissingDependency where the package is not here.
        """
        stored = config.get("quantization_config") or config.get("compression_config")
        if stored and wanted:
            raise UsageError(
                f"target.quantisation: {name} is quantised already ({stored.get('quant_method')})",
                remedy="leave target.quantisation out: it runs as it is stored",
            )
        if not stored and not wanted:
            return None
        method = str(stored.get("quant_method", "unknown")) if stored else _PACKAGE
        if method == _PACKAGE:
            what = f"target.quantisation: {wanted}" if wanted else name
            need("accelerate", needed_for=what, extra="hf")
            if download and find_spec("kernels") is not None:  # with both, the package fetches machine code to run
                raise UsageError(
                    "target.download: with the package kernels installed, bitsandbytes would fetch and run code",
                    remedy="fetch the model once without quantisation, then leave download out",
                )
            logging.getLogger(_PACKAGE).setLevel(logging.ERROR)
            need(_PACKAGE, needed_for=what, extra="quantised")
        if wanted:
            return cls(method=method, bits=8 if wanted == "8bit" else 4)
        return cls(method=method, bits=_stored_bits(stored or {}), stored=stored)

    def loading(self, library: Any, dtype: Any, outline: Callable[[], Any]) -> Mapping[str, Any]:
        """Keywords of ``from_pretrained``; files that are quantised say it themselves. ``outline``: without weights."""
        if self.stored is not None:
            return {}
        how = {"load_in_8bit": True} if self.bits == 8 else {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
        made = library.BitsAndBytesConfig(
            **how,
            llm_int8_threshold=_OUTLIER,
            llm_int8_skip_modules=_plain(outline(), self.bits),
            bnb_4bit_compute_dtype=dtype,
        )
        return {"quantization_config": made}

    def identity(self, dtype: str, device: str) -> Mapping[str, Any]:
        """What the files state, or what was done to plain weights; in 4 bits also the precision of the arithmetic."""
        if self.stored is not None:
            return self.stored
        if self.bits == 8:
            return {"quant_method": self.method, "bits": 8, "outlier_threshold": _OUTLIER}
        in_half = device == "cpu" and need("bitsandbytes.functional", needed_for="", extra="quantised").has_avx512bf16()
        return {"quant_method": self.method, "bits": 4, "type": "nf4", "compute": "bfloat16" if in_half else dtype}

    def precision(self, others: str) -> str:
        """In words; ``others``: the precision of what is not quantised.

        >>> Quantisation(method="bitsandbytes", bits=8).precision("bfloat16")
        'linear layers in 8 bits (bitsandbytes), the rest in bfloat16'
        """
        return f"linear layers {self._how}, the rest in {others}"

    @property
    def _how(self) -> str:
        return f"quantised ({self.method})" if self.bits is None else f"in {self.bits} bits ({self.method})"

    @property
    def caution(self) -> str:
        """What every report says of it."""
        found = (
            f"What ran is quantised: its linear layers are {self._how}. Its probabilities differ from those of plain "
            f"weights, and its energy and speed are those of this library's kernels."
        )
        if self.method == _PACKAGE and self.bits == 8:
            found += (
                " Which of a layer's inputs count as outliers is decided over a whole batch, so that those in one "
                "move each other's numbers by more than rounding; execution.batch_invariant: true asks each alone."
            )
        return found


def _plain(model: Any, bits: int | None) -> list[str]:
    """The linear layers that are not quantised."""
    body = {id(module) for module in model.base_model.modules()}
    found = []
    for name, module in model.named_modules():
        if type(module).__name__ == "Linear":
            odd = bits == 4 and (module.out_features % _OUTPUTS or module.in_features % _INPUTS)
            if odd or id(module) not in body:
                found.append(name)
    return found


def _stored_bits(stored: Mapping[str, Any]) -> int | None:
    """How many bits a checkpoint's own configuration states.

    >>> _stored_bits({"quant_method": "gptq", "bits": 4}), _stored_bits({"load_in_8bit": True}), _stored_bits({})
    (4, 8, None)
    """
    for key, bits in (("load_in_4bit", 4), ("load_in_8bit", 8)):
        if stored.get(key):
            return bits
    found = stored.get("bits", stored.get("w_bit"))
    return found if isinstance(found, int) else None
