"""From requests to the asks that answer them, in the dialect of one server."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probandum.evidence import Capability, Request
from probandum.targets.dialect import Dialect
from probandum.targets.generating import Decoding
from probandum.targets.prompting import Unanswerable, before_answer

#: The bodies of all asks that one request needs; those of its first input come first.
Bodies = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasing:
    """Says requests in a dialect. ``decoding``, ``seed``: where they do not say otherwise; ``top``: tokens listed."""

    dialect: Dialect
    decoding: Decoding
    seed: int
    top: int

    def drafts(self, request: Request) -> Bodies:
        """One ask an input; what samples has a seed of its own, so that it depends on the request alone."""
        self._refuse_template(request)
        if (left_out := next((name for name in request.parameters if name in self.dialect.omit), None)) is not None:
            raise Unanswerable(f"parameter {left_out}: target.omit leaves it out of every ask")
        default = {"temperature": self.decoding.temperature, "top_p": self.decoding.top_p}
        said = {**default, **request.parameters}
        decoding = Decoding.of(said, max_new_tokens=self.decoding.max_new_tokens)
        if decoding.min_new_tokens:
            raise Unanswerable("parameter min_new_tokens: the protocol has nothing to ask for it with")
        if request.prefix and self.dialect.api == "chat":
            raise Unanswerable("a chat cannot be made to begin its answer with a scripted start")
        return [
            self.dialect.body(
                text, decoding, seed=self.seed if decoding.temperature == 0 else self._seed_of(request, row)
            )
            for row, text in enumerate(self._prompts(request))
        ]

    def firsts(self, request: Request) -> Bodies:
        """One ask an input, for the most probable first tokens of its answer."""
        self._refuse_parameters(request)
        options_of(request, 0)
        return [self._one_token(text, top=self.top) for text in self._prompts(request)]

    def echoes(self, request: Request) -> Bodies:
        """One ask for every text that may follow an input, behind it and echoed."""
        self._refuse_parameters(request)
        prompts = self._prompts(request)
        return [
            self._one_token(prompt + text, top=1, echo=True)
            for row, prompt in enumerate(prompts)
            for text in _texts_after(request, row)
        ]

    def _one_token(self, text: str, *, top: int, echo: bool = False) -> dict[str, Any]:
        return self.dialect.body(text, Decoding(max_new_tokens=1), seed=self.seed, top=top, echo=echo)

    def _prompts(self, request: Request) -> list[str]:
        """What is sent for each input: in a chat the message alone."""
        if self.dialect.api == "chat":
            return list(request.texts)
        return [before_answer(text, request.prefix) for text in request.texts]

    def _refuse_parameters(self, request: Request) -> None:
        unknown = [name for name in request.parameters if name != "chat_template"]
        if unknown:
            raise Unanswerable(f"parameter {unknown[0]}: not known to a {request.kind} request; known: chat_template")
        self._refuse_template(request)

    def _refuse_template(self, request: Request) -> None:
        """A chat API always goes through the server's template, a completion never."""
        if request.parameters.get("chat_template", self.dialect.api == "chat") != (self.dialect.api == "chat"):
            raise Unanswerable(f"parameter chat_template: target.api is {self.dialect.api}")

    def _seed_of(self, request: Request, row: int) -> int:
        """However a block is cut into parts: the seed is that of the input in the block."""
        named = f"{request.block or request.digest}/{request.start + row}/{self.seed}"
        digest = hashlib.sha256(named.encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1


def _texts_after(request: Request, row: int) -> list[str]:
    return [text for variants in options_of(request, row) for text in variants]


def options_of(request: Request, row: int) -> Sequence[Sequence[str]]:
    """The options of an input, each as its variants; the continuation of a score request is the only one."""
    if request.kind is Capability.SCORE:
        if not request.continuations:
            raise Unanswerable("a score request names no continuations")
        return ((request.continuations[row],),)
    if not request.options or not all(request.options):
        raise Unanswerable("a choose request names no options, or one without a variant")
    return request.options
