"""One vector a text: the last hidden states of its tokens, pooled. Nothing is padded and nothing is normalised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from probandum.evidence import Floats, Request, Response
from probandum.packing import name_of
from probandum.targets.pooling import Pooled
from probandum.targets.prompting import Unanswerable, attempt
from probandum.targets.rows import equal_rows
from probandum.targets.tries import Tokens


class Embedder:
    """Answers embed requests. Equal texts are asked once; rows of equal length share a pass of ``batch_tokens``.

    A text is read as the tokenizer frames it, with special tokens. With ``batch_tokens`` 0 each is asked alone.
    """

    unit = "of a vector's length"

    def __init__(self, model: Any, tokenizer: Any, *, pooling: Pooled, limit: int | None, batch_tokens: int) -> None:
        self._body = model.base_model
        self._tokenizer = tokenizer
        self._pooling = pooling
        self._limit = limit
        self._batch_tokens = batch_tokens

    def use_batches(self, tokens: int) -> None:
        """Bound the tokens of a pass from now on."""
        self._batch_tokens = tokens if self._batch_tokens else 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request, each with shape (texts, dimensions)."""
        asked = [attempt(self._asked, request) for request in requests]
        distinct = list(dict.fromkeys(row for each in asked if not isinstance(each, str) for row in each))
        place = {row: index for index, row in enumerate(distinct)}
        vectors = self.vectors(distinct)
        responses = []
        for request, each in zip(requests, asked, strict=True):
            if isinstance(each, str):
                responses.append(Response(error=each))
                continue
            outputs = vectors[[place[row] for row in each]]
            sound = np.isfinite(outputs).all(axis=1)
            if sound.all():
                responses.append(Response(outputs=outputs, input_tokens=sum(map(len, each)), output_tokens=0))
            else:
                name = name_of(request, int(np.argmin(sound)))
                responses.append(Response(error=f"{name}: the model's numbers are not finite"))
        return responses

    def count(self, request: Request) -> int:
        """How many tokens the model reads for a request; 0 where it cannot be asked."""
        asked = attempt(self._asked, request)
        return 0 if isinstance(asked, str) else sum(map(len, asked))

    def apart(self) -> float | None:
        """The largest distance between the vectors of eight random texts together and alone, as a part of their length.

        None where the model gives no numbers.
        """
        most = int(self._body.config.get_text_config().vocab_size)
        draw = np.random.default_rng(0).integers(0, most, size=(8, 12)).tolist()
        rows = [tuple(map(int, row)) for row in draw]
        together, alone = self.vectors(rows), np.concatenate([self.vectors([row]) for row in rows])
        apart = float((np.linalg.norm(together - alone, axis=1) / np.linalg.norm(alone, axis=1)).max())
        return apart if np.isfinite(apart) else None

    def vectors(self, rows: Sequence[Tokens]) -> Floats:
        """Of each row of tokens."""
        import torch

        found = np.zeros((len(rows), 0))
        with torch.inference_mode():
            for batch in equal_rows(rows, self._batch_tokens):
                tokens = torch.tensor([rows[index] for index in batch], device=self._body.device)
                states = self._body(input_ids=tokens).last_hidden_state
                pooled = _pooled(states, self._pooling).double().cpu().numpy()
                if not found.size:
                    found = np.empty((len(rows), pooled.shape[1]))
                found[batch] = pooled
        return found

    def _asked(self, request: Request) -> list[Tokens]:
        """The tokens of each text; Unanswerable where one has none, or too many."""
        if request.parameters or request.prefix or request.options or request.continuations:
            raise Unanswerable("an embed request holds texts alone: no parameters, prefix, options or continuations")
        rows = [tuple(map(int, ids)) for ids in self._tokenizer(list(request.texts))["input_ids"]]
        for index, row in enumerate(rows):
            if not row:
                raise Unanswerable(f"{name_of(request, index)}: the text has no tokens")
            if self._limit is not None and len(row) > self._limit:
                raise Unanswerable(f"{name_of(request, index)}: {len(row)} tokens, the model takes {self._limit}")
        return rows


def _pooled(states: Any, way: Pooled) -> Any:
    """Hidden states of shape (rows, tokens, dimensions) as one vector a row; the mean is taken in float32."""
    if way == "mean":
        return states.float().mean(dim=1)
    return states[:, 0 if way == "cls" else -1]
