"""How many operations an answer of a language model or text classifier takes, counted from its shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from probandum.controls import ChangedAnswers, Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.finding import Estimate
from probandum.probe import Ask, Measure, Probe, probe
from probandum.shapes import Shape, Shapeless
from probandum_probes.energy.prompts import prompts, written
from probandum_probes.estimates import exactly

ID = "energy.compute"
_GIGA = 1e9
_UNCOUNTED = "the system does not say how many tokens it read and wrote"
_COUNTED = (
    "counted from the model's shape, not measured: 2 FLOP for each weight a token passes and for each of the output "
    "layer a token written, 4 for each pair of tokens and dimension of attention, with a cache of what was read; left "
    "out: normalisation, activation, softmax, embeddings, biases and padding"
)
_DECLARED = (
    "estimated, not counted: 2 FLOP for each of {active:g} billion parameters in use, as the plan declares, and token; "
    "left out: attention over the text"
)


def _with_tokens(change: Callable[[int | None], int | None]) -> Callable[[Request, Response], Response]:
    return lambda request, answer: replace(
        answer, input_tokens=change(answer.input_tokens), output_tokens=change(answer.output_tokens)
    )


def _per_request(probe: Probe, ask: Ask) -> float | None:
    return next(each.estimate.value for each in probe.measure(ask) if each.metric == "gigaflop-per-request")


def _finds_more(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    real = _per_request(probe, ask)
    twice = _per_request(probe, ChangedAnswers(ask, _with_tokens(lambda count: count and 2 * count)))
    if real is None or twice is None:
        return None, "nothing was counted"
    ratio = twice / real  # the layers take twice, attention up to four times
    return bool(1.5 < ratio < 4.01), f"twice the tokens: {ratio:.4f} times the operations"


def _says_nothing(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    found = _per_request(probe, ChangedAnswers(ask, _with_tokens(lambda count: None)))
    return found is None, "no tokens, no operations" if found is None else f"no tokens, and yet {found:g} GFLOP"


@probe(
    ID,
    version=1,
    requirements=["ai-act:annex-iv:2:c", "ai-act:annex-xi:s1:2:e"],
    needs=(Capability.GENERATE, Capability.CLASSIFY),
    metrics={"gigaflop-per-request": "gigaflop", "gigaflop-per-output-token": "gigaflop"},
    judged=(),
    followed=(),
)
class Compute:
    """How many operations (FLOP) a request takes, counted from the shape of the model and the tokens of an answer.

    The formula and what it leaves out stand in ``probandum.shapes``; no meter is needed, and no hardware counts. A
    model that runs here in the format of transformers shows its shape. Of another one, such as a hosted one, ``active``
    declares how many billions of parameters are in use for a token: 2 FLOP for each of them and token, as an estimate.

    ``texts``: a file with one prompt a line in place of the shipped ones; ``tokens``: how many are written for each.
    """

    controls = (
        Examined(name="twice the tokens take more than half as much again", kind="positive", function=_finds_more),
        Examined(name="without counted tokens nothing is said", kind="negative", function=_says_nothing),
    )

    def __init__(self, *, active: float = 0.0, texts: Path | None = None, tokens: int = 32) -> None:
        if active < 0 or tokens < 1:
            raise DataError(
                f"{ID}: active {active:g}, tokens {tokens}",
                remedy="expected billions of parameters and at least 1 token",
            )
        self.active = active
        self.texts = texts
        self.tokens = tokens

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """The prompts once, each alone; both quantities are disclosures."""
        texts = prompts(self.texts)
        writes = Capability.GENERATE in ask.capabilities
        answers = ask([self._asked(ask, text) for text in texts])
        shape, design = self._shape(ask.shape)
        why = shape.why if isinstance(shape, Shapeless) else ""
        why = next((f"a text was not answered: {answer.error}" for answer in answers if answer.error), why)
        read = [answer.input_tokens for answer in answers]
        wrote = [answer.output_tokens if writes else 0 for answer in answers]
        if not why and (not all(read) or None in wrote):
            why = _UNCOUNTED
        counts: Sequence[float] = ()
        if not why and isinstance(shape, Shape):
            pairs = zip(read, wrote, strict=True)
            counts = [shape.operations(before or 0, after or 0) / _GIGA for before, after in pairs]
        yield _counted("gigaflop-per-request", float(np.mean(counts)) if counts else None, len(texts), design, why)
        if writes:
            tokens = sum(count or 0 for count in wrote)
            each = sum(counts) / tokens if counts and tokens else None
            told = f"{design}; the reading of the prompt shared among the tokens written"
            yield _counted("gigaflop-per-output-token", each, len(texts), told, why or _UNCOUNTED)

    def _asked(self, ask: Ask, text: str) -> Request:
        if Capability.GENERATE in ask.capabilities:
            return written(ask, (text,), self.tokens)
        return Request(kind=Capability.CLASSIFY, inputs=(text,))

    def _shape(self, told: Shape | Shapeless) -> tuple[Shape | Shapeless, str]:
        """The shape that the model shows, else what the plan declares; how the count comes about."""
        if isinstance(told, Shape):
            return told, f"{_COUNTED}; {told.per_token:,} and {told.per_answer:,} weights"
        if not self.active:
            return Shapeless(why=f"{told.why}; suites.{ID}.active: billions of parameters in use for a token"), ""
        declared = Shape(per_token=round(self.active * _GIGA), per_answer=0, attention=0)
        return declared, _DECLARED.format(active=self.active)


def _counted(metric: str, value: float | None, n: int, design: str, why: str) -> Measure:
    if value is None:
        missing = Estimate.missing(why, unit="gigaflop")
        return Measure(metric=metric, estimate=missing, mode="disclosure", why=why)
    return Measure(metric=metric, estimate=exactly(value, n=n, unit="gigaflop", design=design), mode="disclosure")
