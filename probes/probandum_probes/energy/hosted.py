"""What a hosted language model may take for an answer: an estimate from its size and its tokens, of grade D."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from probandum.controls import ChangedAnswers, Examined
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Ask, Measure, Probe, probe
from probandum.units import JOULES_PER_WATT_HOUR
from probandum_probes.energy.emissions import EMISSIONS, drawn, emitted
from probandum_probes.energy.footprint import ESTIMATED_FACTOR, LEVEL
from probandum_probes.energy.hosted_model import SOURCE, joules_per_token
from probandum_probes.energy.meters import NOT_COMPARABLE
from probandum_probes.energy.prompts import prompts

ID = "energy.hosted"
_UNDECLARED = "the size of the model is not declared; suites.energy.hosted.parameters: billions of parameters"
_UNCOUNTED = "the system does not say how many tokens it wrote"
_HERE = "the model runs here and nobody hosts it: its joules are metered by energy.inference, and not estimated"
_GRADE = {"grade": "D"}


def _with_tokens(change: Callable[[int | None], int | None]) -> Callable[[Request, Response], Response]:
    return lambda request, answer: replace(answer, output_tokens=change(answer.output_tokens))


def _per_request(probe: Probe, ask: Ask) -> float | None:
    measures = probe.measure(ask)
    return next(each.estimate.value for each in measures if each.metric == "estimated-joules-per-request")


def _finds_twice(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    real = _per_request(probe, ask)
    twice = _per_request(probe, ChangedAnswers(ask, _with_tokens(lambda count: count and 2 * count)))
    if real is None or twice is None:
        return None, "nothing was estimated"
    return bool(np.isclose(twice, 2 * real)), f"twice the tokens: {twice / real:.4f} times the joules"


def _says_nothing(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    found = _per_request(probe, ChangedAnswers(ask, _with_tokens(lambda count: None)))
    return found is None, "no tokens counted, no joules" if found is None else f"no tokens counted, and yet {found:g} J"


@probe(
    ID,
    version=1,
    requirements=["ai-act:annex-iv:2:c"],
    needs=(Capability.GENERATE,),
    metrics={
        "estimated-joules-per-output-token": "joule",
        "estimated-joules-per-request": "joule",
        "estimated-watt-hours-per-1000-requests": "watt-hour",
        **EMISSIONS,
    },
    facets=("grade", "grid", "factor"),
    judged=(),
    followed=(),
)
class Hosted:
    """Estimated joules of an answer of a hosted language model, from its declared size and the tokens it wrote.

    The energy of a model behind an address cannot be measured from outside. This is a model of it, of grade D, from
    half to twice by convention and wrong by more where the provider's machine or its load is another: it never gates,
    not by a change either, and is comparable with no measured figure. The joules are the server's, without the
    facility. Of a model whose weights are on this machine it says nothing: what that takes ``energy.inference`` meters.

    ``parameters``: billions of parameters, as declared; without them nothing is estimated. ``active``: those in use
    for a token, where they are fewer. ``bits``: of a weight. ``texts``: a file with one prompt a line in place of the
    shipped ones; ``tokens``: how many are written for each at most.
    """

    controls = (
        Examined(name="twice the tokens take twice the joules", kind="positive", function=_finds_twice),
        Examined(name="without counted tokens nothing is said", kind="negative", function=_says_nothing),
    )

    def __init__(
        self,
        *,
        parameters: float = 0.0,
        active: float | None = None,
        bits: int = 16,
        texts: Path | None = None,
        tokens: int = 32,
    ) -> None:
        if parameters < 0 or bits < 1 or tokens < 1 or (active is not None and not 0 < active <= parameters):
            raise DataError(
                f"{ID}: parameters {parameters:g}, active {active}, bits {bits}, tokens {tokens}",
                remedy="expected billions of parameters, no more of them active, at least 1 bit and 1 token",
            )
        self.parameters = parameters
        self.active = active
        self.bits = bits
        self.texts = texts
        self.tokens = tokens

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """The prompts once; every quantity is a disclosure."""
        if ask.weights_here:
            yield Measure(
                metric="estimated-joules-per-request",
                facets=_GRADE,
                estimate=Estimate.missing(_HERE, unit="joule"),
                mode="disclosure",
                verdict=Verdict.NOT_APPLICABLE,
                sub_reason=SubReason.GRADE_D,
                why=_HERE,
            )
            return
        texts = prompts(self.texts)
        answers = ask(
            [Request(kind=Capability.GENERATE, inputs=texts, parameters={"max_new_tokens": self.tokens}, fresh=True)]
        )
        written = [answer.output_tokens for answer in answers]
        why = _UNDECLARED if not self.parameters else _UNCOUNTED if not all(written) else ""
        token = 0.0 if why else joules_per_token(self.active or self.parameters, self.parameters, bits=self.bits)
        each = sum(count or 0 for count in written) / len(texts)
        yield self._estimated("estimated-joules-per-output-token", token, "joule", why, len(texts))
        per_request = self._estimated("estimated-joules-per-request", token * each, "joule", why, len(texts))
        yield per_request
        hours = token * each * 1000 / JOULES_PER_WATT_HOUR
        scored = self._estimated("estimated-watt-hours-per-1000-requests", hours, "watt-hour", why, len(texts))
        design = f"{scored.estimate.design}; {NOT_COMPARABLE}" if not why else scored.estimate.design
        yield replace(scored, estimate=replace(scored.estimate, design=design))
        yield from emitted(ask.site, per_request.estimate, rng=ask.rng("emissions"), facets=_GRADE)

    def _estimated(self, metric: str, value: float, unit: str, why: str, n: int) -> Measure:
        """A figure from half to twice; None with the reason where it cannot be estimated."""
        if why:
            return Measure(
                metric=metric, facets=_GRADE, estimate=Estimate.missing(why, unit=unit), mode="disclosure", why=why
            )
        design = (
            f"estimated, not measured: {SOURCE}; {self.parameters:g} billion parameters, "
            f"{self.active or self.parameters:g} in use for a token, {self.bits} bits, as the plan declares; the "
            "interval is half to twice the figure by convention"
        )
        around = value * (ESTIMATED_FACTOR ** (1 / LEVEL)) ** np.linspace(-1, 1, 201)
        estimate = drawn(value, around, n=n, unit=unit, design=design)
        return Measure(metric=metric, facets=_GRADE, estimate=estimate, mode="disclosure")
