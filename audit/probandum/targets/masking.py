"""Masked language models: how likely each token of a text is, given all others.

The pseudo-log-likelihood of a text is the sum over its tokens of log p(token | all other tokens), each hidden in turn
behind the mask (Salazar et al. 2020). It ranks texts; it is no log-probability, since the terms are no factors of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from probandum.errors import TargetError
from probandum.evidence import Capability, Floats, Request, Response
from probandum.packing import name_of
from probandum.targets.devices import out_of_memory
from probandum.targets.prompting import Asked, Unanswerable, attempt, before_answer, responses_of, wanted_by
from probandum.targets.rows import equal_rows
from probandum.targets.scoring import TOLERANCE, WHOLE_LOGITS
from probandum.targets.tries import Tokens

_PARAMETERS: Mapping[str, tuple[str | bool, ...]] = {"scored": ("all", "shared"), "chat_template": (False,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A text as its tokens, and the places of those that are scored."""

    tokens: Tokens
    places: tuple[int, ...]

    def hidden(self, mask: int) -> list[Tokens]:
        """The tokens with one of the places behind the mask, for each.

        >>> Filled(tokens=(1, 7, 8, 2), places=(1, 2)).hidden(0)
        [(1, 0, 8, 2), (1, 7, 0, 2)]
        """
        return [(*self.tokens[:place], mask, *self.tokens[place + 1 :]) for place in self.places]


def shared(one: Filled, other: Filled) -> tuple[Filled, Filled]:
    """Both, with only those places whose tokens they have in common: the unmodified ones of a pair of sentences.

    They are aligned as by the reference code of CrowS-Pairs (Nangia et al. 2020), on whole sequences.

    >>> pair = Filled(tokens=(1, 5, 6, 7, 2), places=(1, 2, 3)), Filled(tokens=(1, 5, 9, 8, 7, 2), places=(1, 2, 3, 4))
    >>> [each.places for each in shared(*pair)]
    [(1, 3), (1, 4)]
    """
    blocks = SequenceMatcher(None, one.tokens, other.tokens, autojunk=False).get_matching_blocks()
    pairs = [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]
    kept = [(here, there) for here, there in pairs if here in one.places and there in other.places]
    return (
        replace(one, places=tuple(here for here, _ in kept)),
        replace(other, places=tuple(there for _, there in kept)),
    )


class MaskedModel:
    """Answers choose and score requests by pseudo-log-likelihoods, in nats.

    An option or a continuation stands behind the prompt and ends the text, and only its own tokens are scored. Variants
    of an option are summed as if they excluded each other, which holds where each is one token. A score request of two
    continuations with ``scored: shared`` scores in each the tokens that both have in common (CrowS-Pairs). Tokens are
    counted as often as they are read: a text as often as one of its tokens is hidden.
    """

    unit = "nats a token"

    def __init__(self, model: Any, tokenizer: Any, *, limit: int | None, batch_tokens: int, alone: bool) -> None:
        if tokenizer.mask_token_id is None or not tokenizer.is_fast:
            lacks = "mask token" if tokenizer.is_fast else "tokenizer.json, which tells the places of tokens"
            raise TargetError(f"a masked language model: its tokenizer has no {lacks}")
        self._tokenizer = tokenizer
        self._limit = limit
        self._alone = alone
        self._scorer = MaskedScorer(model, mask=int(tokenizer.mask_token_id), batch_tokens=batch_tokens)
        #: How far the numbers of a batch were from those of single passes when it was tried out, in nats a token.
        self.apart = self._scorer.apart

    def use_batches(self, tokens: int) -> None:
        """Bound the tokens of a pass from now on."""
        self._scorer.batch_tokens = tokens

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request; texts that are alike with the same token hidden are read once a pack."""
        asked = [attempt(self.asked, request) for request in requests]
        every = [each for each in asked if not isinstance(each, str)]
        if self._alone:
            parts = [self._scorer.score(filled) for each in every for filled in each.by_input()]
        else:
            parts = [self._scorer.score([filled for each in every for filled in each.sequences])]
        return responses_of(requests, asked, np.concatenate([np.zeros(0), *parts]))

    def count(self, request: Request) -> int:
        """How many tokens the model reads for a request; 0 where it cannot be asked."""
        asked = attempt(self.asked, request)
        return 0 if isinstance(asked, str) else asked.input_tokens

    def asked(self, request: Request) -> Asked[Filled]:
        """The texts that answer a request; Unanswerable says why there are none."""
        for name, value in request.parameters.items():
            if value not in _PARAMETERS.get(name, ()):
                known = "; ".join(f"{key} {' or '.join(map(repr, values))}" for key, values in _PARAMETERS.items())
                raise Unanswerable(f"parameter {name}: {value!r} is not known to a masked model; known: {known}")
        wanted = wanted_by(request)
        prompts = [before_answer(text, request.prefix) for text in request.texts]
        pairs = [(row, text) for row, options in enumerate(wanted) for variants in options for text in variants]
        filled = dict(zip(pairs, self._filled(request, prompts, pairs), strict=True))
        sequences: list[Filled] = []
        options: list[tuple[range, ...]] = []
        for row, names in enumerate(wanted):
            ranges = []
            for variants in names:
                first = len(sequences)
                sequences += dict.fromkeys(filled[row, text] for text in variants)
                ranges.append(range(first, len(sequences)))
            options.append(tuple(ranges))
        if request.parameters.get("scored") == "shared":
            sequences = self._shared(request, sequences)
        read = sum(len(each.tokens) * len(each.places) for each in sequences)
        return Asked(sequences=tuple(sequences), options=tuple(options), input_tokens=read)

    def _shared(self, request: Request, sequences: Sequence[Filled]) -> list[Filled]:
        if request.kind is not Capability.SCORE or len(sequences) != 2:
            raise Unanswerable("parameter scored: 'shared' is for a score request of two continuations")
        pair = shared(*sequences)
        if not pair[0].places:
            raise Unanswerable(f"{name_of(request, 0)}: the two texts share no token that could be scored")
        return list(pair)

    def _filled(self, request: Request, prompts: Sequence[str], pairs: Sequence[tuple[int, str]]) -> list[Filled]:
        """Each prompt with a text behind it, the tokens of the text being scored."""
        wholes = [prompts[row] + text for row, text in pairs]
        found = self._tokenizer(wholes, return_offsets_mapping=True, return_special_tokens_mask=True)
        made = []
        for place, (row, text) in enumerate(pairs):
            tokens = tuple(map(int, found["input_ids"][place]))
            name, seam = name_of(request, row), len(prompts[row])
            if self._limit is not None and len(tokens) > self._limit:
                raise Unanswerable(f"{name}: {len(tokens)} tokens and the answer, the model takes {self._limit}")
            own = []
            for index, (start, end) in enumerate(found["offset_mapping"][place]):
                reaches = start < seam < end and wholes[place][start:seam].strip()
                if reaches and not found["special_tokens_mask"][place][index]:
                    raise Unanswerable(
                        f"{name}: the answer {text!r} cannot be told from the prompt in tokens; "
                        "start it with a space, or end the prompt with one"
                    )
                if (start >= seam or start < seam < end) and not found["special_tokens_mask"][place][index]:
                    own.append(index)
            if not own:
                raise Unanswerable(f"{name}: the answer {text!r} tokenises to nothing")
            made.append(Filled(tokens=tokens, places=tuple(own)))
        return made


class MaskedScorer:
    """Pseudo-log-likelihoods of many texts. Rows of equal length share a pass, and equal rows are read once.

    Logits are made of the hidden tokens alone, where that gives the model's own numbers (which is tried out when it is
    loaded). They are normalised in float32 and summed in float64. ``batch_tokens`` bounds the tokens of a pass.
    """

    def __init__(self, model: Any, *, mask: int, batch_tokens: int) -> None:
        self._model = model
        self._mask = mask
        self.batch_tokens = batch_tokens
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        self._narrow = self._narrows()
        self.apart = self._apart()

    def score(self, texts: Sequence[Filled]) -> Floats:
        """The pseudo-log-likelihood of each text over its places, in nats; not finite where the model is not."""
        rows: dict[tuple[Tokens, int], int] = {}
        asked: dict[tuple[int, int], int] = {}
        of = []
        for text in texts:
            targets = []
            for place, hidden in zip(text.places, text.hidden(self._mask), strict=True):
                row = rows.setdefault((hidden, place), len(rows))
                targets.append(asked.setdefault((row, text.tokens[place]), len(asked)))
            of.append(targets)
        if not rows:
            return np.zeros(len(texts))
        found = self._log_probabilities(list(rows), list(asked))
        return np.array([found[targets].sum() for targets in of])

    def _log_probabilities(self, rows: Sequence[tuple[Tokens, int]], asked: Sequence[tuple[int, int]]) -> Floats:
        """log p of token ``asked[i][1]`` in the hidden place of row ``asked[i][0]``, in float64."""
        import torch

        wanted = np.array(asked, dtype=np.int64)
        order = np.argsort(wanted[:, 0], kind="stable")
        starts = np.searchsorted(wanted[order, 0], np.arange(len(rows) + 1))
        values = np.empty(len(asked))
        longest = max(len(tokens) for tokens, _ in rows)
        most = WHOLE_LOGITS // (self._vocabulary * (1 if self._narrow else longest))
        device = self._model.device
        with torch.inference_mode():
            for batch in equal_rows([tokens for tokens, _ in rows], self.batch_tokens, most=most):
                tokens = torch.tensor([rows[row][0] for row in batch], device=device)
                places = torch.tensor([rows[row][1] for row in batch], device=device)
                logits = self._logits(tokens, places)
                targets = [order[starts[row] : starts[row + 1]] for row in batch]
                inside = torch.tensor(np.repeat(np.arange(len(batch)), list(map(len, targets))), device=device)
                every = np.concatenate(targets)
                picked = logits[inside, torch.tensor(wanted[every, 1], device=device)]
                values[every] = (picked - torch.logsumexp(logits, dim=-1)[inside]).double().cpu().numpy()
        return values

    def _logits(self, tokens: Any, places: Any) -> Any:
        """In float32, shape (rows, vocabulary), each of one place of its row."""
        import torch

        rows = torch.arange(len(tokens), device=tokens.device)
        if not self._narrow:
            return self._model(input_ids=tokens).logits[rows, places].float()

        def narrow(module: Any, arguments: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state[rows, places][:, None]
            return output

        hook = self._model.base_model.register_forward_hook(narrow)
        try:
            return self._model(input_ids=tokens).logits[:, 0].float()
        finally:
            hook.remove()

    def _narrows(self) -> bool:
        """Whether the head makes the same logits of one place alone as of the whole row."""
        import torch

        draw = np.random.default_rng(0).integers(0, self._vocabulary, size=(3, 8))
        tokens = torch.from_numpy(draw).to(self._model.device)
        places = torch.tensor([0, 3, 7], device=self._model.device)
        with torch.inference_mode():
            self._narrow = False
            own = self._logits(tokens, places)
            self._narrow = self._model.base_model is not self._model
            try:
                found = self._logits(tokens, places)
            except Exception as error:  # a head may look at more than one place
                if out_of_memory(error):
                    raise
                return False
        near = TOLERANCE[str(self._model.dtype).removeprefix("torch.")] / 10 * own.abs().max()
        return found.shape == own.shape and bool(((found - own).abs() <= near).all())

    def _apart(self) -> float | None:
        """The largest difference, a token, between eight random texts together and each alone; None of no numbers."""
        draw = np.random.default_rng(1).integers(0, self._vocabulary, size=(8, 12)).tolist()
        texts = [Filled(tokens=tuple(map(int, row)), places=(4,)) for row in draw]
        apart = float(np.abs(self.score(texts) - np.concatenate([self.score([text]) for text in texts])).max())
        return apart if np.isfinite(apart) else None
