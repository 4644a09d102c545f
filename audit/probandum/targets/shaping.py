"""The shape of a transformer, from its layers: which weights are multiplied for each token, and which once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from probandum.shapes import Shape, Shapeless

#: Settings of architectures whose products the shape does not tell, and what they are.
_OTHERS = {
    "num_experts": "of its experts only some are at work for a token",
    "num_local_experts": "of its experts only some are at work for a token",
    "n_routed_experts": "of its experts only some are at work for a token",
    "kv_lora_rank": "its keys and values are compressed",
    "pos_att_type": "its attention multiplies positions as well",
}


def shape_of(model: Any) -> Shape | Shapeless:
    """What one pass of a causal model or a text classifier multiplies; why that is not known of another one.

    Layers stand in one list, as many as the configuration says; what lies in them is multiplied for each token, as are
    projections of embeddings and the ``score`` of decoders. The output layer is for each token written, and pooler and
    classifier for each text.
    """
    config = model.config.get_text_config()
    for setting, why in _OTHERS.items():
        if getattr(config, setting, None):
            return Shapeless(why=f"the shape of {type(model).__name__} does not tell it: {why}")
    prefix = _layers(model, config.num_hidden_layers)
    if prefix is None:
        return Shapeless(why=f"{type(model).__name__} does not list {config.num_hidden_layers} layers")
    per_token = per_answer = 0
    for name, weights in _multiplied(model):
        if name.startswith(prefix) or "embed" in name or name == "score":
            per_token += weights
        else:
            per_answer += weights
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Shape(per_token=per_token, per_answer=per_answer, attention=config.num_hidden_layers * heads * width)


def _layers(model: Any, wanted: int) -> str | None:
    """How the names of all modules in the layers begin."""
    from torch.nn import ModuleList

    lists = [name for name, each in model.named_modules() if isinstance(each, ModuleList) and len(each) == wanted]
    return f"{lists[0]}." if lists else None


def _multiplied(model: Any) -> Iterator[tuple[str, int]]:
    """Modules that multiply by a matrix, with the numbers in it."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    for name, module in model.named_modules():
        if isinstance(module, Linear):
            yield name, module.in_features * module.out_features
        elif isinstance(module, Conv1D):
            yield name, int(module.weight.numel())
