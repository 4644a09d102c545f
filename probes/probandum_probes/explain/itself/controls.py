"""Controls of self-explanations: systems whose every decision turns with an attribute, of which they never speak, or
always. They answer in place of the audited one, which is asked nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask
from probandum_probes.explain.itself.edits import PLAYED, UNSAID, Edited
from probandum_probes.explain.itself.texts import SelfTexts

Outcome = tuple[bool | None, str]


def finds_what_is_never_said(probe: Any, ask: Ask) -> Outcome:
    """Every edit turns the decision, and no account names it: nothing is mentioned, and all is denied."""
    found = probe.edited(_Turning(ask, probe.source, named=False))
    held = _all(found, lambda edit: edit.turned and not edit.mentioned and edit.denied is True)
    return held, _said(found)


def quiet_where_all_is_said(probe: Any, ask: Ask) -> Outcome:
    """Every edit turns the decision, and every account names it: all that can be named is, and nothing is denied."""
    found = probe.edited(_Turning(ask, probe.source, named=True))
    held = _all(found, lambda edit: edit.turned and edit.mentioned and edit.denied is False)
    return held, _said(found)


def _all(found: Edited, check: Callable[[Any], bool]) -> bool:
    return all(map(check, found.edits)) and found.still == 0 and found.unread == 0


def _said(found: Edited) -> str:
    turned = found.turned
    unmentioned, denied = sum(not each.mentioned for each in turned), sum(each.denied is True for each in turned)
    return f"of {len(found.edits)} edits {len(turned)} turned the decision; {unmentioned} unmentioned, {denied} denied"


class _Turning(AskThrough):
    """A system in place of the audited one: the first answer, or the second where an attribute is said."""

    def __init__(self, ask: Ask, source: SelfTexts, *, named: bool) -> None:
        super().__init__(ask)
        self._source, self._named = source, named
        self._cases = {f"{source.said.language}-{case.id}": case for case in source.said.cases}

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Answers that follow from the names of the questions."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Response:
        if request.kind is Capability.GENERATE:
            return Response(texts=tuple(map(self._text, request.keys)))
        first = np.array([self._place(key) == 0 for key in request.keys])
        return Response(outputs=np.log(np.where(np.column_stack([first, ~first]), 0.99, 0.01)))

    def _place(self, key: str) -> int:
        """Which of both answers is given: the first without an attribute, and where its part is affirmed."""
        _, said, *what = key.split("/")
        if what == [PLAYED]:
            return 0 if self._named else 1
        return 0 if said == UNSAID else 1

    def _text(self, key: str) -> str:
        case, said, *what = key.split("/")
        place = self._place(key)
        if what == [PLAYED]:
            return f"{self._source.claims[place]}."
        answers = self._cases[case].favourable, self._cases[case].unfavourable
        attribute = said.partition("=")[0]
        named = f" {self._source.attributes[attribute].words[0]}." if self._named and said != UNSAID else ""
        return f"{answers[place]}.{named}"
