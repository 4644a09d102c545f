"""Numbers for the tokens of a text: what each did to an answer, or how much attention it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import ATTRIBUTED, Floats, PerToken, Request, Response
from probandum.packing import name_of
from probandum.targets.attending import attention
from probandum.targets.devices import out_of_memory
from probandum.targets.explained import Explained, Passage
from probandum.targets.gradients import (
    embeddings,
    gradient_times_input,
    integrated_gradients,
    log_odds,
    scored,
    takes_embeddings,
)
from probandum.targets.loading import said
from probandum.targets.prompting import Unanswerable, attempt
from probandum.targets.scoring import WHOLE_LOGITS

_INTEGRATED = "integrated-gradients"
_BASELINES = ("zero", "pad", "mask", "eos")
_STEPS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How numbers are made. ``baseline``: the embedding that stands for no text: ``zero``, or of the token pad or mask.

    ``steps``: points at which integrated gradients take the gradient.
    """

    name: str
    baseline: str = "zero"
    steps: int = _STEPS

    @classmethod
    def of(cls, request: Request, known: Sequence[str]) -> Method:
        """What the parameters of a request say; Unanswerable names the first that cannot be meant."""
        given = request.parameters
        name, baseline, steps = given.get("method"), given.get("baseline", "zero"), given.get("steps", _STEPS)
        if name not in ATTRIBUTED:
            raise Unanswerable(f"parameter method: {name!r}, expected {', '.join(ATTRIBUTED)}")
        fitting = ["method", *known] if "explained" in ATTRIBUTED[str(name)] else ["method", "chat_template"]
        fitting += ["baseline", "steps"] if name == _INTEGRATED else []
        unknown = next((each for each in given if each not in fitting), None)
        if unknown is not None:
            raise Unanswerable(f"parameter {unknown}: not known to {name}; known: {', '.join(fitting)}")
        if baseline not in _BASELINES:
            raise Unanswerable(f"parameter baseline: {baseline!r}, expected {', '.join(_BASELINES)}")
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise Unanswerable(f"parameter steps: {steps!r}, expected a whole number from 1")
        return cls(name=str(name), baseline=str(baseline), steps=steps)

    @property
    def passes(self) -> int:
        """How often what is read goes through the model."""
        return {"gradient-x-input": 2, _INTEGRATED: self.steps + 2}.get(self.name, 1)


class Attributor:
    """Answers attribute requests of one model. ``batch_tokens`` bounds the tokens of a pass.

    Only the tokens of the text itself have numbers and are replaced by the baseline; special tokens, a chat template
    and the answer stay as they are. Each input is computed alone. Tokens are counted as often as they are read.
    """

    def __init__(self, model: Any, tokenizer: Any, explained: Explained, *, batch_tokens: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._explained = explained
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        self.use_batches(batch_tokens)

    @staticmethod
    def why_not(model: Any, tokenizer: Any) -> str | None:
        """Why this model's answers cannot be attributed; None where they can."""
        if not tokenizer.is_fast:
            return "its tokenizer does not say where in a text its tokens stand"
        return None if takes_embeddings(model) else "it does not take embeddings in place of tokens"

    def use_batches(self, tokens: int) -> None:
        """Bound the tokens of a pass from now on."""
        self._batch_tokens = tokens

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request; a model that allows no gradient says so, which is its answer's error."""

        responses = []
        for request in requests:
            try:
                found = attempt(self._attributed, request)
            except Exception as error:
                if out_of_memory(error):
                    raise
                found = said(error)
            responses.append(Response(error=found) if isinstance(found, str) else found)
        return responses

    def count(self, request: Request) -> int:
        """How many tokens the model reads for a request; 0 where it cannot be asked."""
        asked = attempt(self._asked, request)
        return 0 if isinstance(asked, str) else self._read(*asked)

    def _asked(self, request: Request) -> tuple[Method, list[Passage]]:
        """How, and what is read; Unanswerable where an input has no token of its own."""
        method = Method.of(request, self._explained.parameters)
        self._explained.wanted(request)
        passages = self._explained.passages(request)
        for row, passage in enumerate(passages):
            if not passage.places:
                raise Unanswerable(f"{name_of(request, row)}: the text has no tokens")
        return method, passages

    def _read(self, method: Method, passages: Sequence[Passage]) -> int:
        explains = "explained" in ATTRIBUTED[method.name]
        return sum(method.passes * each.read if explains else len(each.tokens) for each in passages)

    def _attributed(self, request: Request) -> Response:
        method, passages = self._asked(request)
        wanted = self._explained.wanted(request)
        done: dict[Passage, tuple[list[float], Floats]] = {}
        rows, per_token = [], []
        for row, passage in enumerate(passages):
            if passage not in done:
                done[passage] = self._computed(method, passage, wanted)
            whole, values = done[passage]
            if not np.isfinite([*whole, *values]).all():
                raise Unanswerable(f"{name_of(request, row)}: the model's numbers are not finite")
            places = passage.places
            rows.append(whole)
            per_token.append(
                PerToken(
                    tokens=tuple(self._tokenizer.convert_ids_to_tokens([passage.tokens[place] for place in places])),
                    starts=tuple(passage.spans[place][0] for place in places),
                    ends=tuple(passage.spans[place][1] for place in places),
                    values=tuple(values[places].tolist()),
                )
            )
        return Response(
            outputs=np.array(rows),
            per_token=tuple(per_token),
            labels=ATTRIBUTED[method.name],
            input_tokens=self._read(method, passages),
            output_tokens=0,
        )

    def _computed(self, method: Method, passage: Passage, wanted: int | None) -> tuple[list[float], Floats]:
        """What is said of the whole input, and a number for each token that is read."""
        if "explained" not in ATTRIBUTED[method.name]:
            values = attention(self._model, passage.tokens, rolled=method.name == "attention-rollout")
            return [float(values[passage.places].sum())], values
        embedded = embeddings(self._model, passage.tokens)

        def scores(given: Any) -> Any:
            return self._explained.scores(passage, given)

        found = scored(scores, embedded)
        which = int(np.argmax(found)) if wanted is None else wanted
        score = log_odds(found, which)
        if method.name != _INTEGRATED:
            return [float(which), score], gradient_times_input(scores, embedded, which)
        baseline = embedded.clone()
        baseline[passage.places] = self._baseline(method.baseline, embedded)
        base = log_odds(scored(scores, baseline), which)
        at_once = self._at_once(passage)
        values = integrated_gradients(scores, embedded, baseline, which, steps=method.steps, at_once=at_once)
        return [float(which), score, base, float(values.sum()) + base - score], values

    def _at_once(self, passage: Passage) -> int:
        """How many points of the line go into one pass."""
        made = self._vocabulary * (
            passage.read - len(passage.tokens) * len(passage.beginnings) + len(passage.beginnings)
        )
        return max(1, min(self._batch_tokens // passage.read, WHOLE_LOGITS // made if passage.options else 2**31))

    def _baseline(self, name: str, embedded: Any) -> Any:
        """The embedding that stands in place of the text's tokens."""
        if name == "zero":
            return embedded.new_zeros(embedded.shape[-1])
        token = getattr(self._tokenizer, f"{name}_token_id")
        if token is None:
            raise Unanswerable(f"parameter baseline: the tokenizer has no {name} token; zero needs none")
        return embeddings(self._model, [token])[0]
