"""What is explained, for attributions: the classes of a text classifier, or the options of a language model.

Both are log-probabilities as a function of the embeddings of what is read, so that a gradient can be taken of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from probandum.evidence import Capability, Request
from probandum.packing import name_of
from probandum.targets.gradients import embeddings
from probandum.targets.prompting import Prompter, Unanswerable
from probandum.targets.tries import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is read of one input, without the answer. ``spans``: the characters of the text that each token covers.

    (0, 0) is a token that is none of the text's: a special one, or of a chat template. ``options``: each as the tokens
    of its variants; none for a classifier.
    """

    tokens: Tokens
    spans: tuple[tuple[int, int], ...]
    options: tuple[tuple[Tokens, ...], ...] = ()

    @property
    def places(self) -> list[int]:
        """The places of the text's own tokens."""
        return [place for place, (start, end) in enumerate(self.spans) if end > start]

    @property
    def beginnings(self) -> list[Tokens]:
        """What is read behind the passage: variants without their last token, each once."""
        return list(dict.fromkeys(tokens[:-1] for variants in self.options for tokens in variants)) or [()]

    @property
    def read(self) -> int:
        """How many tokens are read to compute the answer once."""
        return sum(len(self.tokens) + len(each) for each in self.beginnings)


class Explained(Protocol):
    """What is explained of one kind of model. ``parameters``: those that a request may name it by."""

    parameters: tuple[str, ...]

    def passages(self, request: Request) -> list[Passage]:
        """What is read, one an input; Unanswerable says why it cannot be asked."""

    def scores(self, passage: Passage, embedded: Any) -> Any:
        """Log-probabilities (points, classes or options) of embeddings (points, tokens, dimensions)."""

    def wanted(self, request: Request) -> int | None:
        """The class or option that the request names; None: the most probable of each input."""


class Classes:
    """The classes of a text classifier; the request's parameter ``class`` names one."""

    parameters: tuple[str, ...] = ("class",)

    def __init__(self, model: Any, tokenizer: Any, *, labels: Sequence[str], limit: int | None) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._labels = list(labels)
        self._limit = limit

    def passages(self, request: Request) -> list[Passage]:
        """The texts as the tokenizer frames them."""
        if request.options or request.continuations or request.prefix:
            raise Unanswerable("a text classifier has classes: no options, continuations or prefix")
        found = self._tokenizer(list(request.texts), return_offsets_mapping=True, return_special_tokens_mask=True)
        made = []
        for row, tokens in enumerate(found["input_ids"]):
            if self._limit is not None and len(tokens) > self._limit:
                raise Unanswerable(f"{name_of(request, row)}: {len(tokens)} tokens, the model takes {self._limit}")
            pairs = zip(found["offset_mapping"][row], found["special_tokens_mask"][row], strict=True)
            spans = tuple((0, 0) if special else (int(span[0]), int(span[1])) for span, special in pairs)
            made.append(Passage(tokens=tuple(map(int, tokens)), spans=spans))
        return made

    def scores(self, passage: Passage, embedded: Any) -> Any:
        """Log-probabilities of the classes, in float64."""
        import torch

        return torch.log_softmax(self._model(inputs_embeds=embedded).logits.double(), dim=-1)

    def wanted(self, request: Request) -> int | None:
        """The place of the class."""
        name = request.parameters.get("class")
        if name is None:
            return None
        if name not in self._labels:
            raise Unanswerable(f"parameter class: {name!r} is no class; known: {', '.join(self._labels)}")
        return self._labels.index(str(name))


class Options:
    """The options, or the one continuation, of a causal language model; the parameter ``option`` is a place from 0."""

    parameters: tuple[str, ...] = ("option", "chat_template")

    def __init__(self, model: Any, prompter: Prompter) -> None:
        self._model = model
        self._prompter = prompter

    def passages(self, request: Request) -> list[Passage]:
        """The prompts as they are read, with the options behind them."""
        own = {name: value for name, value in request.parameters.items() if name == "chat_template"}
        kind = Capability.SCORE if request.continuations else Capability.CHOOSE
        same = replace(request, kind=kind, parameters=own)
        asked = self._prompter.asked(same)
        return [
            Passage(
                tokens=asked.sequences[options[0].start].context,
                spans=tuple(spans),
                options=tuple(tuple(asked.sequences[place].continuation for place in each) for each in options),
            )
            for options, spans in zip(asked.options, self._prompter.spans(same), strict=True)
        ]

    def scores(self, passage: Passage, embedded: Any) -> Any:
        """Log-probabilities of the options, over their variants; what stands before the last tokens is read once."""
        import torch

        found: dict[Tokens, Any] = {}
        for beginning in passage.beginnings:
            table = self._table(embedded, beginning)
            before = sum((table[:, place, token] for place, token in enumerate(beginning)), table.new_zeros(len(table)))
            for variants in passage.options:
                for tokens in variants:
                    if tokens[:-1] == beginning:
                        found[tokens] = before + table[:, -1, tokens[-1]]
        each = [torch.logsumexp(torch.stack([found[tokens] for tokens in variants]), 0) for variants in passage.options]
        return torch.stack(each, dim=-1)

    def _table(self, embedded: Any, beginning: Tokens) -> Any:
        """log p of every token behind the passage and behind each token of ``beginning``; at least in float32."""
        import torch

        behind = embeddings(self._model, beginning) if beginning else embedded.new_zeros((0, embedded.shape[-1]))
        whole = torch.cat([embedded, behind.expand(len(embedded), *behind.shape)], dim=1)
        kept = torch.arange(embedded.shape[1] - 1, whole.shape[1], device=whole.device)
        logits = self._model(inputs_embeds=whole, use_cache=False, **self._last(kept)).logits
        if logits.shape[1] != len(kept):
            logits = logits[:, kept]
        return torch.log_softmax(logits, dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))

    def _last(self, kept: Any) -> dict[str, Any]:
        """Logits of these places alone, where the model can."""
        import inspect

        return {"logits_to_keep": kept} if "logits_to_keep" in inspect.signature(self._model.forward).parameters else {}

    def wanted(self, request: Request) -> int | None:
        """The option."""
        place = request.parameters.get("option")
        known = 1 if request.continuations else len(request.options)
        if place is not None and (not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < known):
            raise Unanswerable(f"parameter option: {place!r}, expected a whole number from 0 to {known - 1}")
        return place
