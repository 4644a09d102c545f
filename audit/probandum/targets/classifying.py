"""Class probabilities of texts, from a transformer with a classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probandum.errors import TargetError
from probandum.evidence import Floats, Table
from probandum.targets.answering import Inputs, named_twice
from probandum.targets.misfit import Misfit
from probandum.targets.rows import equal_rows
from probandum.targets.tries import Tokens
from probandum.units import counted


class TextClassifier:
    """Softmax over the classes of a model. Equal texts are asked once; rows of equal length share a pass.

    Without padding nothing is assumed of the model, and what a text gets does not depend on longer ones.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str, limit: int | None, batch_tokens: int) -> None:
        config = model.config
        kind = getattr(config, "problem_type", None)
        if config.num_labels < 2 or kind not in (None, "single_label_classification"):
            raise TargetError(
                f"{name}: {counted(config.num_labels, 'output')} ({kind or 'a score'}), expected classes that exclude "
                "each other"
            )
        if config.pad_token_id is None:
            config.pad_token_id = -1  # a head that looks for the last token finds it: no row holds padding
        self._model = model
        self._tokenizer = tokenizer
        self._limit = limit
        self.use_batches(batch_tokens)
        self.labels = tuple(str(config.id2label[index]) for index in range(config.num_labels))
        if (twice := named_twice(self.labels)) is not None:
            raise TargetError(
                f"{name}: two of its classes are called {twice!r}",
                remedy="name each differently in id2label of config.json",
            )
        #: How far the probabilities of a batch were from those of single texts when it was tried out.
        self.apart = self._apart()

    def use_batches(self, batch_tokens: int) -> None:
        """Bound the tokens of a pass from now on; 0 asks every text alone."""
        self._batch_tokens = batch_tokens

    def probabilities(self, inputs: Inputs) -> Floats:
        """Shape (texts, classes); ValueError names the first text that is empty or too long."""
        if isinstance(inputs, Table):
            raise TypeError("expected texts, got rows")
        tokens = self._encode(inputs)
        for index, each in enumerate(tokens):
            if not each:
                raise Misfit(index, "the text has no tokens")
            if self._limit is not None and len(each) > self._limit:
                raise Misfit(index, f"{len(each)} tokens, the model takes {self._limit}")
        distinct = list(dict.fromkeys(tokens))
        place = {each: index for index, each in enumerate(distinct)}
        return self._asked(distinct)[[place[each] for each in tokens]]

    def count(self, texts: Sequence[str]) -> int:
        """How many tokens the model reads."""
        return sum(map(len, self._encode(texts)))

    def _encode(self, texts: Sequence[str]) -> list[Tokens]:
        return [tuple(ids) for ids in self._tokenizer(list(texts))["input_ids"]]

    def _apart(self) -> float | None:
        """The largest difference between eight random texts together and each alone; None of no numbers."""
        draw = np.random.default_rng(0).integers(0, self._model.config.vocab_size, size=(8, 12)).tolist()
        texts = [tuple(map(int, row)) for row in draw]
        apart = float(np.abs(self._asked(texts) - np.concatenate([self._asked([text]) for text in texts])).max())
        return apart if np.isfinite(apart) else None

    def _asked(self, rows: Sequence[Tokens]) -> Floats:
        import torch

        found = np.empty((len(rows), len(self.labels)))
        with torch.inference_mode():
            for batch in equal_rows(rows, self._batch_tokens):
                tokens = torch.tensor([rows[index] for index in batch], device=self._model.device)
                logits = self._model(input_ids=tokens).logits
                found[batch] = torch.softmax(logits.double(), dim=-1).cpu().numpy()
        return found
