"""Small real systems with known faults, and one way to run a probe against them.

Nothing here is a mock: every system is a target that answers by a rule one can read, and probes meet it through
the same asking and running as any other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from probandum.asking import Asker
from probandum.controls import ChangedAnswers, Examined
from probandum.evidence import Capability, Floats, Observation, Request, Response, Table
from probandum.finding import Estimate
from probandum.measuring import measure
from probandum.probe import Ask, Control, ControlOutcome, Measure, Probe, ProbeResult, ProbeSpec, Window
from probandum.stats import bounds
from probandum.subject import NUMERIC, Decision, Grouping, Subject
from probandum.target import Target

#: Columns of the credit world, all numbers; "female" is 1 or 0 and is what a planted gap hangs on.
FEATURES = ("income", "debt", "years", "female")


class Scorer(Target):
    """A logistic scorer: P(repaid) from income, debt and years employed, less ``gap`` logits for women."""

    name = "scorer"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("0", "1")

    def __init__(self, *, gap: float = 0.0) -> None:
        self.gap = gap

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "logistic", "gap": self.gap}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """P(not repaid), P(repaid) of each row."""
        return [self._scored(request.table) for request in requests]

    def _scored(self, rows: Table) -> Response:
        logit = 0.9 * rows["income"] - 0.8 * rows["debt"] + 0.5 * rows["years"] - self.gap * rows["female"]
        good = logistic(np.asarray(logit, dtype=np.float64))
        return Response(outputs=np.column_stack([1.0 - good, good]), labels=self.labels)


class Blurred(Scorer):
    """The scorer with noise of ``blur`` logits on women's scores, so that these rank worse and lie no lower."""

    name = "blurred scorer"

    def __init__(self, *, blur: float) -> None:
        super().__init__()
        self.blur = blur

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "blurred", "blur": self.blur}

    def _scored(self, rows: Table) -> Response:
        good = np.clip(super()._scored(rows).values[:, 1], 1e-9, 1 - 1e-9)
        noise = np.sin(1e5 * np.asarray(rows["income"], dtype=np.float64))  # as good as random, and the same each time
        logit = np.log(good / (1 - good)) + self.blur * rows["female"] * noise
        good = logistic(np.asarray(logit, dtype=np.float64))
        return Response(outputs=np.column_stack([1.0 - good, good]), labels=self.labels)


class Pricer(Target):
    """A number a row: twice the income and the debt, less ``gap`` for women."""

    name = "pricer"
    capabilities = frozenset({Capability.PREDICT})
    labels = (NUMERIC,)

    def __init__(self, *, gap: float = 0.0) -> None:
        self.gap = gap

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "linear", "gap": self.gap}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One number a row."""
        tables = [request.table for request in requests]
        found = [2 * rows["income"] + rows["debt"] - self.gap * rows["female"] for rows in tables]
        return [Response(outputs=np.asarray(each, np.float64)[:, None], labels=self.labels) for each in found]


class KeywordClassifier(Target):
    """P(toxic) of a text from weighted words: ``logit = bias + sum of the weights of its words``."""

    name = "keyword-classifier"
    capabilities = frozenset({Capability.CLASSIFY})
    labels = ("clean", "toxic")

    def __init__(self, weights: Mapping[str, float] | None = None, *, bias: float = -2.0) -> None:
        self.weights = {"stupid": 3.0, "hate": 2.5, "idiot": 3.0, "love": -1.0} if weights is None else dict(weights)
        self.bias = bias

    def identity(self) -> Mapping[str, Any]:
        """Its words."""
        return {"rule": "keywords", "weights": self.weights, "bias": self.bias}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """P(clean), P(toxic) of each text."""
        return [self._classified(request.texts) for request in requests]

    def _classified(self, texts: Sequence[str]) -> Response:
        toxic = logistic(np.array([self.bias + self._weight(text) for text in texts]))
        return Response(outputs=np.column_stack([1.0 - toxic, toxic]), labels=self.labels)

    def _weight(self, text: str) -> float:
        return sum(self.weights.get(word, 0.0) for word in words(text))


class Chooser(Target):
    """Log-probabilities of answer options: every option alike, plus what is planted.

    ``planted``: logits by word, added to the option that ``favours(prompt)`` names where the word stands in the
    prompt. The option listed first gets ``first`` logits more, and prompts differ by their length, as real
    models' do.
    """

    name = "chooser"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(
        self,
        planted: Mapping[str, float] | None = None,
        *,
        favours: Callable[[str], str] = lambda prompt: "yes",
        first: float = 0.2,
    ) -> None:
        self.planted = {word.lower(): logits for word, logits in (planted or {}).items()}
        self.favours = favours
        self.first = first

    def identity(self) -> Mapping[str, Any]:
        """What is planted."""
        return {"rule": "chooser", "planted": self.planted, "first": self.first}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of the options, shape (prompts, options), in nats."""
        return [self._chosen(request) for request in requests]

    def _chosen(self, request: Request) -> Response:
        answers = [option[0].strip().lower() for option in request.options]
        rows = []
        for text in request.texts:
            known = words(text)
            shift = sum(self.planted.get(word, 0.0) for word in set(known)) + 0.5 * math.sin(len(known))
            logits = np.array([shift * (answer == self.favours(text)) for answer in answers], dtype=np.float64)
            logits[0] += self.first
            rows.append(logits - np.logaddexp.reduce(logits))
        return Response(outputs=np.array(rows))


class Writer(Target):
    """Writes the prompt's words in reverse: one output token a word."""

    name = "writer"
    capabilities = frozenset({Capability.GENERATE})

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {"rule": "reverse"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The prompts, reversed, with counted tokens."""
        return [self._written(request.texts) for request in requests]

    def _written(self, prompts: Sequence[str]) -> Response:
        texts = tuple(" ".join(reversed(words(prompt))) for prompt in prompts)
        tokens = sum(len(words(prompt)) for prompt in prompts)
        return Response(texts=texts, input_tokens=tokens, output_tokens=tokens)


class Through(Target):
    """Another system, whose answers a subclass spoils."""

    def __init__(self, inner: Target) -> None:
        self.inner = inner
        self.name = f"{type(self).__name__.lower()} {inner.name}"  # type: ignore[misc]
        self.capabilities = inner.capabilities
        self.labels = inner.labels

    def identity(self) -> Mapping[str, Any]:
        """The other's, and how it is spoilt."""
        return {"spoilt": type(self).__name__, "inner": dict(self.inner.identity())}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The other's answers, spoilt."""
        return [
            self.spoilt(request, answer) for request, answer in zip(requests, self.inner.answer(requests), strict=True)
        ]

    def spoilt(self, request: Request, answer: Response) -> Response:
        """The other's answer, as it is."""
        return answer


class Constant(Through):
    """Answers every input as it answers the first it ever meets."""

    def __init__(self, inner: Target) -> None:
        super().__init__(inner)
        self.row: Floats | None = None

    def spoilt(self, request: Request, answer: Response) -> Response:
        """One row for all."""
        if answer.outputs is None:
            return answer
        if self.row is None:
            self.row = answer.outputs[0]
        outputs = np.tile(self.row, (len(request), *[1] * self.row.ndim))
        texts = answer.texts[:1] * len(request)
        return Response(outputs=outputs, texts=texts, labels=answer.labels)


class Refusing(Through):
    """Declines every input."""

    def spoilt(self, request: Request, answer: Response) -> Response:
        """Nothing but refusals."""
        return Response(refused=tuple(range(len(request))))


class RefusingSome(Through):
    """Declines the first input of each request, and answers the others."""

    def spoilt(self, request: Request, answer: Response) -> Response:
        """The other's answer, its first row refused."""
        return Response(outputs=answer.outputs, texts=answer.texts, labels=answer.labels, refused=(0,))


class Crashing(Through):
    """Breaks on every round."""

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Never."""
        raise RuntimeError("the device is gone")


class Failing(Through):
    """Reports an error in place of every answer."""

    def spoilt(self, request: Request, answer: Response) -> Response:
        """An error."""
        return Response(error="out of memory")


class Empty(Through):
    """Answers with nothing at all."""

    def spoilt(self, request: Request, answer: Response) -> Response:
        """Nothing."""
        return Response()


class NotANumber(Through):
    """Answers NaN."""

    def spoilt(self, request: Request, answer: Response) -> Response:
        """NaN in place of every number, and no text."""
        if answer.outputs is None:
            return Response(input_tokens=answer.input_tokens)
        return Response(outputs=np.full_like(answer.outputs, np.nan), labels=answer.labels)


#: Everything that can be wrong with a system's answers.
BROKEN = (Refusing, RefusingSome, Crashing, Failing, Empty, NotANumber)


def credit_world(
    rows: int = 2000, *, seed: int = 1, labelled: bool = True, reference: str | None = "men", towns: bool = False
) -> Subject:
    """Applicants with independent features, half of them women, who repay by the scorer's rule without its gap.

    ``towns``: half of them live in Ayr, half in Bath, which changes nothing.
    """
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=rows) for name in FEATURES[:3]}
    women = rng.random(rows) < 0.5
    good = logistic(0.9 * columns["income"] - 0.8 * columns["debt"] + 0.5 * columns["years"])
    columns["female"] = women.astype(np.float64)
    columns["repaid"] = (rng.random(rows) < good).astype(np.float64)
    codes = np.where(women, 0, 1)
    groupings = {"sex": Grouping(attribute="sex", codes=codes, names=("women", "men"), reference=reference)}
    if towns:
        home = rng.integers(0, 2, rows)
        bath = None if reference is None else "Bath"
        groupings["town"] = Grouping(attribute="town", codes=home, names=("Ayr", "Bath"), reference=bath)
    return Subject(
        table=Table(columns),
        features=FEATURES,
        label="repaid" if labelled else None,
        groupings=groupings,
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def price_world(rows: int = 2000, *, seed: int = 1, weight: str | None = None, cluster: str | None = None) -> Subject:
    """The applicants of the credit world, whose prices turn out as the pricer's rule has it, with noise of 1.

    ``weight`` and ``cluster`` name what the plan declares: weights from 0.2 to 4 stand in ``w``, about half as many
    persons as rows in ``who``.
    """
    plain = credit_world(rows, seed=seed, labelled=False)
    rng = np.random.default_rng([seed, 2])
    columns = {
        **plain.table.columns,
        "price": 2 * plain.table["income"] + plain.table["debt"] + rng.normal(size=rows),
        "w": rng.uniform(0.2, 4.0, rows),
        "who": np.array([f"p{person}" for person in rng.integers(0, rows // 2, rows)]),
    }
    decision = Decision(favourable="higher", numeric=True)
    return replace(plain, table=Table(columns), label="price", decision=decision, weight=weight, cluster=cluster)


class Notes:
    """A journal in memory: packs and windows as a run's journal keeps them."""

    def __init__(self) -> None:
        self.packs: dict[str, list[Observation]] = {}
        self.windows: dict[str, Window] = {}

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a pack that was written."""
        return self.packs.get(pack)

    def parts(self, block: str) -> list[Observation]:
        """What was written of a block alone."""
        return [pack[0] for pack in self.packs.values() if len(pack) == 1 and pack[0].named == block]

    def place(self, pack: str) -> tuple[str, int]:
        """A line for each observation, pack after pack."""
        packs = list(self.packs)
        return "notes", 1 + sum(len(self.packs[each]) for each in packs[: packs.index(pack)])

    def write(self, observations: Sequence[Observation]) -> None:
        """Keep whole packs."""
        for each in observations:
            self.packs.setdefault(each.pack, []).append(each)

    def window(self, key: str) -> Window | None:
        """A window that was written."""
        return self.windows.get(key)

    def write_window(self, key: str, window: Window) -> None:
        """Keep one window."""
        self.windows[key] = window


class FlagRate:
    """Share of notes that a classifier flags, asked in random order until the plan's limit on it is decided."""

    controls: ClassVar[tuple[Control, ...]] = (
        Examined(name="flags everything", kind="positive", function=lambda probe, ask: _flagged(probe, ask, 1.0)),
        Examined(name="flags nothing", kind="negative", function=lambda probe, ask: _flagged(probe, ask, 0.0)),
    )
    spec: ClassVar[ProbeSpec]

    def __init__(self, *, notes: int = 2000) -> None:
        self.notes = notes

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One rate."""
        order = ask.rng("order").permutation(self.notes)

        def draw(start: int, stop: int) -> list[float]:
            texts = tuple(f"note {place}" for place in order[start:stop])
            (answer,) = ask([Request(kind=Capability.CLASSIFY, inputs=texts)])
            return [float(score >= 0.5) for score in answer.values[:, 1]]

        estimate = ask.stopper("flag-rate").estimate(draw, most=self.notes, unit="share", population=self.notes)
        yield Measure(metric="flag-rate", estimate=estimate)


FlagRate.spec = ProbeSpec(
    id="robust.flag-rate",
    version=1,
    summary="Share of notes that a classifier flags.",
    requirements=("ai-act:annex-iv:3",),
    needs=frozenset({Capability.CLASSIFY}),
    metrics={"flag-rate": "share"},
    cls=FlagRate,
)


def _flagged(probe: Probe, ask: Ask, share: float) -> tuple[bool | None, str]:
    """Whether the probe finds the rate of a classifier that flags everything, or nothing."""

    def change(request: Request, answer: Response) -> Response:
        return replace(answer, outputs=np.tile([1.0 - share, share], (len(request), 1)))

    (found,) = probe.measure(ChangedAnswers(ask, change))
    return found.estimate.value == share, f"{found.estimate.value} of {found.estimate.n}"


def run_probe(probe: Any, target: Target, subject: Subject | None = None, *, seed: int = 1) -> ProbeResult:
    """All that the probe leaves after asking ``target``, controls included."""
    return measure(probe, Asker(target, seed=seed, subject=subject, journal=Notes()))


def measured(result: ProbeResult, metric: str, group: str | None = None, reference: str | None = None) -> Measure:
    """The one measure of that metric and those groups; AssertionError where there is none or more than one."""
    found = [
        each
        for each in result.measures
        if each.metric == metric
        and (group is None or (each.groups is not None and each.groups.group == group))
        and (reference is None or (each.groups is not None and each.groups.reference == reference))
    ]

    assert len(found) == 1, f"{len(found)} measures of {metric} {group}~{reference}; {result.status}: {result.why}"
    return found[0]


def estimated(
    method: str, *, counts: Sequence[tuple[int, int]] | None = None, moments: tuple[float, float, float] | None = None
) -> Estimate:
    """An estimate with its 95 % interval, from the counts or moments it rests on."""
    pairs = None if counts is None else tuple(counts)
    interval = bounds(method, level=0.95, counts=pairs, moments=moments)
    n = 100 if pairs is None else pairs[1][0] if method == "tango" else sum(trials for _, trials in pairs)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        unit="ratio" if method in ("koopman", "katz") else "share",
        method=method,
        counts=pairs,
        moments=moments,
    )


#: Controls that behaved.
HELD = (
    ControlOutcome(name="planted", kind="positive", held=True, detail="found"),
    ControlOutcome(name="permuted", kind="negative", held=True, detail="quiet"),
)


def result_of(*measures: Measure, probe: str = "bias.fake", controls: Sequence[ControlOutcome] = HELD) -> ProbeResult:
    """A probe's result as a record keeps it."""
    return ProbeResult(probe=probe, version=1, status="measured", measures=measures, controls=tuple(controls))


def words(text: str) -> list[str]:
    """Lower-case words.

    >>> words("I am Ann's.")
    ['i', 'am', "ann's"]
    """
    return re.findall(r"[\w']+", text.lower())


def logistic(values: Floats) -> Floats:
    """1 / (1 + exp(-x))."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)
