"""A model and its tokenizer, read from a folder: never code from there, never a pickle, nor weights that do not fit."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from probandum.errors import TargetError
from probandum.targets.checkpoints import CAUSAL, CLASSIFICATION, ENCODER, MASKED, Checkpoint
from probandum.targets.devices import out_of_memory
from probandum.targets.loading import said
from probandum.targets.quantising import Quantisation

#: Tokenizers write a number of this size where they know no limit.
_NO_LIMIT = 10**9
#: What loads a model for each task.
_LOADERS = {
    CAUSAL: "AutoModelForCausalLM",
    MASKED: "AutoModelForMaskedLM",
    CLASSIFICATION: "AutoModelForSequenceClassification",
    ENCODER: "AutoModel",
}


def load(
    library: Any, known: Checkpoint, dtype: Any, quantisation: Quantisation | None, where: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Model and tokenizer; TargetError where weights are missing or do not fit.

    ``where``: keywords of ``from_pretrained`` that place the weights; they lie on the CPU without.
    """
    if known.config["model_type"] not in library.CONFIG_MAPPING:
        what = "needs code of its own (trust_remote_code)" if "auto_map" in known.config else "is not known"
        raise TargetError(
            f"{known.name}: a model of type {known.config['model_type']!r} {what}",
            remedy="code from model folders is never run; use a newer transformers, or serve it behind an endpoint",
        )
    head = getattr(library, _LOADERS[known.task])
    local = {"local_files_only": True, "trust_remote_code": False}
    torch = importlib.import_module("torch")

    def outline() -> Any:
        config = library.AutoConfig.from_pretrained(known.folder, **local)
        with torch.device("meta"):
            return head.from_config(config)

    try:
        how = quantisation.loading(library, dtype, outline) if quantisation is not None else {}
        tokenizer = library.AutoTokenizer.from_pretrained(known.folder, **local)
        model, report = head.from_pretrained(
            known.folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **local, **how, **where
        )
    except Exception as error:  # damaged weights and configurations fail in many ways
        if out_of_memory(error):
            raise
        raise TargetError(f"{known.name}: cannot be loaded: {said(error)}") from None
    for key in ("missing_keys", "mismatched_keys", "error_msgs"):
        lacking = sorted(str(each) for each in report.get(key) or () if not _unused(known, str(each)))
        if lacking:
            example = lacking[0]
            raise TargetError(
                f"{known.name}: the weights do not fit the model: {key.replace('_', ' ')} such as {example}"
            )
    if model.config.is_encoder_decoder:
        raise TargetError(f"{known.name}: an encoder-decoder model; expected a decoder or an encoder")
    return model.eval().requires_grad_(False), tokenizer


def _unused(known: Checkpoint, key: str) -> bool:
    """Whether a weight is of the layer that some encoders put behind the hidden states, which no vector is made of."""
    return known.task == ENCODER and key.startswith("pooler.")


def limit_of(model: Any, tokenizer: Any) -> int | None:
    """The most tokens a model takes. RoBERTa and its kin count positions from behind that of the padding."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            most = module.num_embeddings - module.padding_idx - 1
    said_most = tokenizer.model_max_length
    known = [int(each) for each in (most, said_most) if each is not None and each < _NO_LIMIT]
    return min(known, default=None)


def stops_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end a text."""
    named = model.generation_config.eos_token_id
    ends = named if isinstance(named, list) else [named]
    return frozenset(int(token) for token in (*ends, tokenizer.eos_token_id) if token is not None)
