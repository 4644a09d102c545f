"""Controls: the same probe on a changed world, where one thing is changed and everything else is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from fakes import KeywordClassifier, Notes, Scorer, credit_world, estimated
from probandum.asking import Asker
from probandum.controls import AskThrough, ChangedAnswers, ChangedRequests, ChangedSubject, Examined, Rerun
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.measuring import measure
from probandum.probe import Ask, Measure, Probe, ProbeResult, probe

TEXTS = Request(kind=Capability.CLASSIFY, inputs=("stupid", "lovely"))


def ask() -> Ask:
    """A classifier's ask."""
    return Asker(KeywordClassifier(), seed=1, journal=Notes()).for_probe("bias.a")


def test_an_ask_is_passed_on_whole() -> None:
    """Capabilities, labels, rows, seeds, answers and windows are those of the audit."""
    world = credit_world(rows=20)
    inner = Asker(Scorer(), seed=1, subject=world, journal=Notes()).for_probe("bias.a")
    outer = AskThrough(inner)
    rows = [Request(kind=Capability.PREDICT, inputs=world.table)]

    assert (inner.capabilities, inner.labels) == (outer.capabilities, outer.labels)
    assert world is outer.subject
    assert inner.rng("x").integers(2**62) == outer.rng("x").integers(2**62)
    assert inner(rows)[0].digest == outer(rows)[0].digest
    made = list(outer.window(rows, repeats=2, seconds=0.001, warm_up=0))
    assert made == list(inner.window(rows, repeats=2, seconds=0.001, warm_up=0))


def test_changed_answers_see_request_and_answer_and_cost_no_request() -> None:
    """The world is changed behind the system, which is asked once."""
    inner = ask()
    before = inner([TEXTS])[0]
    seen: list[Request] = []

    def flipped(request: Request, answer: Response) -> Response:
        seen.append(request)
        return replace(answer, outputs=answer.values[:, ::-1])

    (after,) = ChangedAnswers(inner, flipped)([TEXTS])

    assert [TEXTS] == seen
    assert before.values[:, ::-1].tolist() == after.values.tolist()


def test_changed_requests_reach_the_system_changed() -> None:
    """Blinded texts are what is answered."""
    inner = ask()
    blind = ChangedRequests(inner, lambda request: replace(request, inputs=("person",) * len(request)))
    (answer,) = blind([TEXTS])

    assert answer.values[0].tolist() == answer.values[1].tolist()
    assert answer.values.tolist() != inner([TEXTS])[0].values.tolist()


def test_a_changed_subject_is_what_the_probe_sees() -> None:
    """The audit's own rows stay as they are; without rows there is nothing to change."""
    world = credit_world(rows=20)
    inner = Asker(Scorer(), seed=1, subject=world).for_probe("bias.a")
    fewer = ChangedSubject(inner, lambda subject: replace(subject, table=subject.table.take(np.arange(5))))

    assert (5, 20) == (len(fewer.subject), len(inner.subject))
    with pytest.raises(DataError, match="needs rows"):
        ChangedSubject(ask(), lambda subject: subject)


class Mean:
    """How many of two texts are rude."""

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One share."""
        (answer,) = ask([TEXTS])
        rude = int((answer.values[:, 1] > 0.5).sum())
        yield Measure(metric="rude", estimate=estimated("wilson", counts=[(rude, 2)]))


def more_rude(after: list[Measure], before: object) -> tuple[bool | None, str]:
    """Whether everything is rude in the changed world, and not in the real one."""
    assert callable(before)
    then, now = before()[0].estimate.value, after[0].estimate.value
    return now > then, f"{then} before, {now} after"


RUDE = Rerun(
    name="all rude",
    kind="positive",
    change=lambda ask: ChangedAnswers(
        ask, lambda request, answer: replace(answer, outputs=np.tile([0.0, 1.0], (len(request), 1)))
    ),
    check=more_rude,
)


def broken(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A control with a mistake in it."""
    raise KeyError("no such metric")


def audited(positive: Rerun | Examined) -> ProbeResult:
    """The probe with this positive control, after a run."""
    quiet = Examined(name="quiet", kind="negative", function=lambda probe, ask: (None, "too few"))
    cls = type("Rude", (Mean,), {"__doc__": "Rude texts.", "controls": (positive, quiet), "__module__": __name__})
    probe("bias.rude", version=1, requirements=[], needs=Capability.CLASSIFY, metrics={"rude": "share"})(cls)
    return measure(cls(), Asker(KeywordClassifier(), seed=1, journal=Notes()))


def test_a_control_reruns_the_probe_and_says_what_it_saw() -> None:
    """In words with the numbers; one that could not tell says None."""
    result = audited(RUDE)

    assert [(True, "0.5 before, 1.0 after"), (None, "too few")] == [(c.held, c.detail) for c in result.controls]
    assert ["all rude", "quiet"] == [control.name for control in result.controls]


def test_a_control_that_breaks_has_failed() -> None:
    """It showed nothing; the measures stay for those who look for the reason."""
    result = audited(Examined(name="broken", kind="positive", function=broken))

    assert (False, "it broke: KeyError: 'no such metric'") == (result.controls[0].held, result.controls[0].detail)
    assert "measured" == result.status
