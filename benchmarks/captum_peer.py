"""Integrated gradients of a random text classifier, ours and captum's, for ``explaining.py``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from paired import Case

from probandum.asking import Asker
from probandum.target import TargetContext, make_target
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.texts import TextWorld, by_piece

STEPS = 50
#: Float32 sums of several hundred gradients.
NEAR = 1e-4


def save_classifier(folder: Path, texts: Sequence[str]) -> Path:
    """A random BERT of four layers, 256 wide, that tells two classes apart, with the words of ``texts`` as tokens."""
    import tokenizers
    import torch
    import transformers
    from tokenizers import models, pre_tokenizers, processors, trainers

    made = tokenizers.Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=made.get_vocab_size(),
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.05,
        pad_token_id=0,
    )
    torch.manual_seed(7)
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def captum_case(folder: Path, texts: Sequence[str]) -> Case:
    """50 points from the padding token to each text; captum's way as its tutorial on BERT shows it."""
    import torch
    import transformers
    from captum.attr import LayerIntegratedGradients

    from probandum.evidence import PerToken

    torch.set_num_threads(1)
    save_classifier(folder, texts)
    target = make_target("transformers", TargetContext(folder=folder, device="cpu", threads=1), {"path": str(folder)})
    world = TextWorld.open(Asker(target, seed=1).for_probe("explain.benchmark"), texts, inputs=len(texts))
    model = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def log_odds(ids: Any, label: int) -> Any:
        logits = model(ids).logits
        return logits[:, label] - logits[:, 1 - label]

    gradients = LayerIntegratedGradients(log_odds, model.bert.embeddings.word_embeddings)

    def theirs() -> list[np.ndarray]:
        found = []
        for place, (instance, text) in enumerate(zip(world.instances, world.texts, strict=True)):
            read = tokenizer(text, return_tensors="pt", return_offsets_mapping=True, return_special_tokens_mask=True)
            own = read.special_tokens_mask[0] == 0
            baseline = torch.where(own, tokenizer.pad_token_id, read.input_ids[0])[None]
            values = gradients.attribute(
                read.input_ids, baselines=baseline, additional_forward_args=(instance.label,), n_steps=STEPS
            )
            spans = read.offset_mapping[0][own].tolist()
            found.append(
                by_piece(
                    world.pieces(place),
                    PerToken(
                        tokens=("",) * len(spans),
                        starts=tuple(start for start, _ in spans),
                        ends=tuple(end for _, end in spans),
                        values=tuple(values[0].sum(-1)[own].tolist()),
                    ),
                )
            )
        return found

    def ours() -> list[np.ndarray]:
        world.ask = Asker(target, seed=1).for_probe("explain.benchmark")
        explainer = make_explainer("gradients.integrated-pad", samples=STEPS)
        return [each.attributions for each in explainer.explain(world, seed=1)]

    return Case(
        name="Integrated gradients, texts",
        made=f"{len(world)} texts, {STEPS} points, a random BERT of four layers",
        ours=ours,
        theirs=theirs,
        target=target,
        goal=("3c", 1.0),
        near=NEAR,
    )
