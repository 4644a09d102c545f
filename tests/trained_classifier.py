"""A small text classifier that was really trained: of words that speak for one class or the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explained_probes import VOCABULARY, WEIGHTS
from probandum.targets.hugging import transformers

STEPS = 120


def save_trained(folder: Path) -> Path:
    """A BERT of two layers, trained for two seconds on texts whose class the weights of their words decide."""
    library = transformers()
    import torch

    _save_tokenizer(folder)
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    rng = np.random.default_rng(3)
    words = np.array([rng.permutation(VOCABULARY)[:8] for _ in range(512)])
    tokens = torch.tensor(tokenizer([" ".join(each) for each in words])["input_ids"])
    sums = [sum(WEIGHTS[word] for word in each) for each in words]
    wanted = torch.tensor([int(total > 0) for total in sums])
    config = library.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.1,
        pad_token_id=0,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label={0: "kind", 1: "rude"},
        label2id={"kind": 0, "rude": 1},
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = library.BertForSequenceClassification(config)
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for step in range(STEPS):
            batch = torch.arange(64) + 64 * (step % 8)
            optimiser.zero_grad()
            model(input_ids=tokens[batch], labels=wanted[batch]).loss.backward()
            optimiser.step()
    model.eval().save_pretrained(folder)
    return folder


def _save_tokenizer(folder: Path) -> None:
    """A token a word."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, processors

    special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"]
    known = {name: place for place, name in enumerate((*special, *VOCABULARY))}
    made = tokenizers.Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    transformers().PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", **names).save_pretrained(folder)
