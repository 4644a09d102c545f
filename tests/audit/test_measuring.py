"""What one probe leaves where the system left something unanswered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from fakes import FlagRate, KeywordClassifier, Through, run_probe
from probandum.controls import Examined
from probandum.evidence import Capability, Request, Response
from probandum.finding import SubReason, Verdict
from probandum.probe import Ask, Control, Measure, ProbeSpec
from probandum_probes.estimates import from_counts


class Survey:
    """Asks about ten notes, one a request, and makes do with the answers that came."""

    controls: ClassVar[tuple[Control, ...]] = (
        Examined(name="seen", kind="positive", function=lambda probe, ask: (True, "seen")),
        Examined(name="quiet", kind="negative", function=lambda probe, ask: (True, "quiet")),
    )
    spec: ClassVar[ProbeSpec] = replace(FlagRate.spec, id="robust.survey", metrics={"flags": "share", "told": "share"})

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One rate to judge, and the same to show."""
        asked = [Request(kind=Capability.CLASSIFY, inputs=(f"note {place}",)) for place in range(10)]
        came = [each for each in ask(asked) if each.error is None]
        rate = from_counts("wilson", ((0, len(came)),))
        yield Measure(metric="flags", estimate=rate)
        yield Measure(metric="told", estimate=rate, mode="disclosure")


class Deaf(Through):
    """Does not answer about some notes."""

    def __init__(self, *notes: str) -> None:
        super().__init__(KeywordClassifier())
        self._notes = notes

    def spoilt(self, request: Request, answer: Response) -> Response:
        """An error about these, the answer about the others."""
        return Response(error="out of memory") if request.texts[0] in self._notes else answer


@pytest.mark.parametrize("notes", [("note 3",), ("note 3", "note 7"), tuple(f"note {place}" for place in range(9))])
def test_one_input_without_an_answer_is_an_error(notes: tuple[str, ...]) -> None:
    """However few: what may be judged is an ERROR that says how many, and what is shown stays."""
    judged, shown = run_probe(Survey(), Deaf(*notes)).measures

    assert (Verdict.ERROR, SubReason.INVALID_ANSWERS) == (judged.verdict, judged.sub_reason)
    what = "1 input was" if len(notes) == 1 else f"{len(notes)} inputs were"
    assert f"{what} not answered: out of memory" == judged.why
    assert shown.verdict is None


def test_a_system_that_answers_is_left_to_its_limits() -> None:
    """Nothing is said beforehand of what was asked and answered."""
    assert [None, None] == [each.verdict for each in run_probe(Survey(), Deaf()).measures]
