"""From requests to token sequences: the chat template, the scripted prefix, and options in all their variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability, Floats, Request, Response
from probandum.packing import name_of
from probandum.targets.loading import said
from probandum.targets.tries import Scored, Tokens

S = TypeVar("S")
T = TypeVar("T")

#: What stands for a message where it is found out between what a template puts it.
_MESSAGE = "@@@@"


class Unanswerable(ValueError):
    """An input that cannot be asked; its message names the input and becomes the error of its response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[S]):
    """The sequences of one request. ``options[i][k]``: the indexes into ``sequences`` of option k of input i.

    ``input_tokens``: each prompt once and every continuation once, as if nothing were shared.
    """

    sequences: tuple[S, ...]
    options: tuple[tuple[range, ...], ...]
    input_tokens: int

    def by_input(self) -> list[tuple[S, ...]]:
        """The sequences of each input."""
        return [self.sequences[options[0].start : options[-1].stop] for options in self.options]


class Prompter:
    """Turns prompts into what the model reads.

    With the chat template a prompt is the user's message, after ``system`` where there is one, and the prefix
    starts the answer. Without it the text is the prompt and the prefix, on a new line where neither brings a
    space of its own. ``limit``: the most tokens that the model takes; None where it does not say.
    """

    def __init__(self, tokenizer: Any, *, template: bool | None, system: str | None, limit: int | None) -> None:
        text = tokenizer.get_chat_template() if getattr(tokenizer, "chat_template", None) else None
        if template and text is None:
            raise TargetError("target.chat_template: the tokenizer has none", remedy="leave it out, or say false")
        self._tokenizer = tokenizer
        self._system = system
        self.limit = limit
        self.template = text is not None if template is None else template
        self.digest = None if text is None or not self.template else codec.digest(text.encode())
        self.dated = self.template and text is not None and "strftime_now" in text
        if system is not None and not self.template:
            raise TargetError("target.system: needs a chat template", remedy="leave it out, or set chat_template: true")
        bos = tokenizer.bos_token_id
        self._bos = () if bos is None else (int(bos),)
        self._starts = tuple(tokenizer.encode(""))[:1] == self._bos != ()
        if self.template:
            try:
                self._chat("a")
            except Exception as error:  # a template is a program, and may refuse a system message
                raise TargetError(f"the chat template cannot be used: {said(error)}") from None

    def contexts(self, request: Request, *, room: int) -> list[Tokens]:
        """The tokens before each answer; Unanswerable where there are none, or less than ``room`` are left behind."""
        return self._contexts(request, self._prompts(request), room)

    def asked(self, request: Request) -> Asked[Scored]:
        """The sequences whose likelihoods answer a choose or score request."""
        unknown = [name for name in request.parameters if name != "chat_template"]
        if unknown:
            raise Unanswerable(f"parameter {unknown[0]}: not known to a {request.kind} request; known: chat_template")
        prompts = self._prompts(request)
        contexts = self._contexts(request, prompts, 0)
        wanted = wanted_by(request)
        wholes = self._wholes(request, prompts, wanted)
        sequences: list[Scored] = []
        options: list[tuple[range, ...]] = []
        for row, context in enumerate(contexts):
            ranges = []
            for variants in wanted[row]:
                found = [self._continuation(request, row, context, text, wholes[row, text]) for text in variants]
                first = len(sequences)
                sequences += [Scored(context=context, continuation=tokens) for tokens in disjoint(found)]
                ranges.append(range(first, len(sequences)))
            options.append(tuple(ranges))
        read = sum(map(len, contexts)) + sum(len(sequence.continuation) for sequence in sequences)
        return Asked(sequences=tuple(sequences), options=tuple(options), input_tokens=read)

    def spans(self, request: Request) -> list[list[tuple[int, int]]]:
        """For every token that stands before an answer, the characters of the input that it covers; (0, 0) for none."""
        prompts = self._prompts(request)
        starts = self._starts_of(request, prompts)
        found = self._tokenizer(prompts, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        spans = []
        for row, (text, prompt) in enumerate(zip(request.texts, prompts, strict=True)):
            first = self._first_character(request, row, text, prompt)
            own = [within(start - first, end - first, len(text)) for start, end in found[row]]
            spans.append([(0, 0)] * len(starts[row]) + own)
        return spans

    def _first_character(self, request: Request, row: int, text: str, prompt: str) -> int:
        """Where an input begins in what the model reads."""
        first = self._chat(_MESSAGE).rindex(_MESSAGE) if self._templated(request) else 0
        if prompt[first : first + len(text)] != text:
            raise Unanswerable(
                f"{name_of(request, row)}: the chat template changes the text; take blanks from its ends"
            )
        return first

    def _prompts(self, request: Request) -> list[str]:
        """What the model is to read before it answers, one text an input."""
        if self._templated(request):
            return [self._chat(text) + request.prefix for text in request.texts]
        return [before_answer(text, request.prefix) for text in request.texts]

    def _templated(self, request: Request) -> bool:
        """Whether this request is asked through the template; its parameter ``chat_template: false`` asks without."""
        template = request.parameters.get("chat_template", self.template)
        if template and not self.template:
            raise Unanswerable("parameter chat_template: this target asks without one")
        return bool(template)

    def _wholes(
        self, request: Request, prompts: list[str], wanted: Sequence[tuple[tuple[str, ...], ...]]
    ) -> dict[tuple[int, str], Tokens]:
        """The tokens of every prompt with every text behind it, by the place of the prompt and the text."""
        pairs = [(row, text) for row, options in enumerate(wanted) for texts in options for text in texts]
        starts = self._starts_of(request, prompts)
        tokens = self._encode([prompts[row] + text for row, text in pairs], [starts[row] for row, _ in pairs])
        return dict(zip(pairs, tokens, strict=True))

    def _contexts(self, request: Request, prompts: list[str], room: int) -> list[Tokens]:
        contexts = self._encode(prompts, self._starts_of(request, prompts))
        for row, context in enumerate(contexts):
            if not context:
                raise Unanswerable(f"{name_of(request, row)}: nothing stands before the answer")
            self._check_length(request, row, len(context) + room, "and the answer" if room else "")
        return contexts

    def _continuation(self, request: Request, row: int, context: Tokens, text: str, whole: Tokens) -> Tokens:
        """The tokens of ``text`` behind ``context``.

        Where the text around the seam tokenises to the context's tokens and more, these are the rest. Where a
        token would reach across the seam, the text is tokenised alone: the likelihood is then that of this
        spelling, after the prompt as it was asked.
        """
        start = len(context) if whole[: len(context)] == context else None
        tokens = whole[start:] if start is not None else self._alone(request, row, context, text, whole)
        if not tokens:
            raise Unanswerable(f"{name_of(request, row)}: the answer {text!r} tokenises to nothing")
        self._check_length(request, row, len(context) + len(tokens), f"and the answer {text!r}")
        return tokens

    def _alone(self, request: Request, row: int, context: Tokens, text: str, whole: Tokens) -> Tokens:
        tokens = tuple(self._tokenizer.encode(text, add_special_tokens=False))
        if tokens and self._tokenizer.decode([*context, *tokens]) != self._tokenizer.decode(list(whole)):
            raise Unanswerable(
                f"{name_of(request, row)}: the answer {text!r} cannot be told from the prompt in tokens; "
                "start it with a space, or end the prompt with one"
            )
        return tokens

    def _check_length(self, request: Request, row: int, length: int, what: str) -> None:
        if self.limit is not None and length > self.limit:
            raise Unanswerable(
                " ".join(f"{name_of(request, row)}: {length} tokens {what}".split()) + f", the model takes {self.limit}"
            )

    def _starts_of(self, request: Request, prompts: Sequence[str]) -> list[Tokens]:
        """What stands before each text: the start token where the tokenizer sets it, or where there is no prompt.

        A chat template writes its own.
        """
        always = self._starts and not self._templated(request)
        return [self._bos if always or not prompt else () for prompt in prompts]

    def _encode(self, texts: Sequence[str], starts: Sequence[Tokens]) -> list[Tokens]:
        """The tokens of each text, behind its start."""
        found = self._tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [(*start, *map(int, ids)) for start, ids in zip(starts, found, strict=True)]

    def _chat(self, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        if self._system is not None:
            messages.insert(0, {"role": "system", "content": self._system})
        made: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return made


def wanted_by(request: Request) -> Sequence[tuple[tuple[str, ...], ...]]:
    """The options of every input, each as its variants; a continuation is one option of one variant."""
    if request.kind is Capability.SCORE:
        if not request.continuations:
            raise Unanswerable("the request names no continuations")
        return [((text,),) for text in request.continuations]
    if not request.options or not all(request.options):
        raise Unanswerable("the request names no options, or one without a variant")
    return [request.options] * len(request)


def responses_of(requests: Sequence[Request], asked: Sequence[Asked[S] | str], values: Floats) -> list[Response]:
    """One response a request from the numbers of all sequences, in order; a text is why a request has none."""
    responses, first = [], 0
    for request, each in zip(requests, asked, strict=True):
        if isinstance(each, str):
            responses.append(Response(error=each))
            continue
        responses.append(_summed(request, each, values[first : first + len(each.sequences)]))
        first += len(each.sequences)
    return responses


def _summed(request: Request, asked: Asked[S], values: Floats) -> Response:
    """The log-probability of every option, over its variants; the error of the first input without a number."""
    with np.errstate(invalid="ignore"):  # NaN is named below
        outputs = np.array([[np.logaddexp.reduce(values[list(each)]) for each in options] for options in asked.options])
    sound = np.isfinite(outputs).all(axis=1)
    if not sound.all():
        name = name_of(request, int(np.argmin(sound)))
        return Response(error=f"{name}: the model's numbers are not finite")
    if request.kind is Capability.SCORE:
        outputs = outputs[:, 0]
    return Response(outputs=outputs, input_tokens=asked.input_tokens, output_tokens=0)


def attempt(make: Callable[[Request], T], request: Request) -> T | str:
    """What ``make`` gives, or why it cannot: the error of one response, while the others are answered."""
    try:
        return make(request)
    except (Unanswerable, TypeError) as error:
        return str(error)


def within(start: int, end: int, length: int) -> tuple[int, int]:
    """The characters from ``start`` to ``end`` that lie in a text of ``length``; (0, 0) where none does.

    >>> within(-3, 2, 10), within(8, 12, 10), within(12, 14, 10), within(-5, -2, 10)
    ((0, 2), (8, 10), (0, 0), (0, 0))
    """
    start, end = max(start, 0), min(end, length)
    return (start, end) if start < end else (0, 0)


def before_answer(prompt: str, prefix: str) -> str:
    """Prompt and prefix without a chat template.

    >>> before_answer("Yes or no?", "Answer:"), before_answer("Yes or no? ", "Answer:"), before_answer("Yes or no?", "")
    ('Yes or no?\\nAnswer:', 'Yes or no? Answer:', 'Yes or no?')
    """
    apart = not prompt or not prefix or prompt[-1].isspace() or prefix[0].isspace()
    return prompt + prefix if apart else f"{prompt}\n{prefix}"


def disjoint(variants: Sequence[tuple[T, ...]]) -> list[tuple[T, ...]]:
    """The variants of one option as events that exclude each other, so that their probabilities may be summed.

    A variant that continues another one is part of it.

    >>> disjoint([(4,), (4, 9), (7,), (7,)])
    [(4,), (7,)]
    """
    kept = dict.fromkeys(variants)
    return [each for each in kept if not any(other != each and each[: len(other)] == other for other in kept)]
