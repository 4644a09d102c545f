"""Small random models in the format of transformers, with a tokenizer trained on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from probandum.targets.hugging import transformers

TEMPLATE = (
    "{% for message in messages %}<s>{{ message['role'] }}\n{{ message['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)
_TEXTS = [
    "A bank reviews an application for a loan. Should it be granted? Answer yes or no. My answer is yes.",
    "The applicant is called Emily, Jamal, Aisha or Greg. No, the loan is not granted. Yes, it is.",
]


def save_tokenizer(folder: Path, *, template: str | None = None, bert: bool = False) -> None:
    """A byte-level tokenizer of 320 tokens; ``bert``: with ``[CLS]`` and ``[SEP]`` around a text, and ``[MASK]``."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"] if bert else ["<s>", "</s>"]
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        _TEXTS,
        trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    if bert:
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
        )
        names: dict[str, Any] = {
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        }
    else:
        names = {"bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = transformers().PreTrainedTokenizerFast(tokenizer_object=made, **names)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)


def save_llama(folder: Path, *, template: str | None = None, **config: Any) -> Path:
    """A random Llama of two layers that takes 256 tokens, its weights large enough to prefer some tokens."""
    library = transformers()
    import torch

    shape = {
        "vocab_size": 320,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "initializer_range": 0.4,
    }
    kind = config.pop("kind", "Llama")
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = getattr(library, f"{kind}ForCausalLM")(getattr(library, f"{kind}Config")(**{**shape, **config}))
    made.save_pretrained(folder)
    save_tokenizer(folder, template=template)
    return folder


def save_bert(folder: Path, **config: Any) -> Path:
    """A random BERT of two layers with the classes ``mild`` and ``rude``, which takes 64 tokens."""
    classes = {"id2label": {0: "mild", 1: "rude"}, "label2id": {"mild": 0, "rude": 1}}
    return save_encoder(folder, head="ForSequenceClassification", **{**classes, **config})


def save_encoder(folder: Path, *, kind: str = "Bert", head: str = "Model", **config: Any) -> Path:
    """A random encoder of two layers which takes 64 tokens; ``head``: ``Model`` for none, ``ForMaskedLM``."""
    library = transformers()
    import torch

    shape = {
        "vocab_size": 320,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "initializer_range": 0.4,
        "pad_token_id": 0,
    }
    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = getattr(library, f"{kind}{head}")(getattr(library, f"{kind}Config")(**{**shape, **config}))
    made.save_pretrained(folder)
    save_tokenizer(folder, bert=True)
    return folder
