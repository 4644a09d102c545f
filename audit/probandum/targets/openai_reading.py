"""What an OpenAI-compatible server answered, as the response to a request: texts, or numbers of options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.packing import name_of
from probandum.targets.choosing import Open, by_echo, by_first_token
from probandum.targets.dialect import Answer
from probandum.targets.phrasing import options_of
from probandum.targets.prompting import Unanswerable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How answers are read. ``chat``: no answer begins with a space; ``echo``: echoed prompts say what first tokens
    leave open.
    """

    chat: bool
    echo: bool

    def texts(self, request: Request, answers: Sequence[Answer]) -> Response:
        """One text an input."""
        return Response(texts=tuple(answer.text for answer in answers))

    def by_first_token(self, request: Request, answers: Sequence[Answer]) -> Response:
        """From the listed tokens of one answer an input; neither numbers nor an error where an echo has to say them."""
        options = [[text.lstrip() if self.chat else text for text in variants] for variants in request.options]
        try:
            rows = [self._row(request, row, each, options) for row, each in enumerate(answers)]
        except Open:
            if self.echo:
                return Response()
            raise
        return Response(outputs=np.array(rows))

    def _row(self, request: Request, row: int, answer: Answer, options: Sequence[Sequence[str]]) -> list[float]:
        if answer.refused:  # marked as such; its numbers say nothing
            return [-math.log(len(options))] * len(options)
        try:
            if not answer.tops or len(answer.tops[0]) < 2:
                raise Unanswerable("log-probabilities came in the handshake, and do not come now")
            return by_first_token(answer.tops[0], options, whole=self.echo)
        except Unanswerable as error:
            raise type(error)(f"{name_of(request, row)}: {error}") from None

    def by_echo(self, request: Request, answers: Sequence[Answer]) -> Response:
        """From one echoed prompt a variant of every option, those of the first input first."""
        given = iter(answers)
        rows = []
        for row in range(len(request)):
            try:
                rows.append(
                    [by_echo([(text, next(given)) for text in variants]) for variants in options_of(request, row)]
                )
            except Unanswerable as error:
                raise Unanswerable(f"{name_of(request, row)}: {error}") from None
        outputs = np.array(rows)
        return Response(outputs=outputs[:, 0] if request.kind is Capability.SCORE else outputs)
