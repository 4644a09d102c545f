"""A dry run: the plan's probes ask as they will, and invented answers come back. The model is never asked.

What probes ask is counted as the runner would ask it: controls included, duplicates removed, packs the same. Where two
dry runs with other answers ask the same, so does every run; where they differ, the probe's questions follow from the
answers. A system whose answers stand in a file is asked itself.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from probandum import codec
from probandum.asking import Asker
from probandum.evidence import ATTRIBUTED, ATTRIBUTED_ROWS, Capability, PerToken, Reading, Request, Response, Table
from probandum.journal import RunJournal
from probandum.measuring import measure
from probandum.packing import letters, total
from probandum.plan import Plan
from probandum.probe import Probe, ProbeResult, Window
from probandum.record import pack_journal
from probandum.subject import NUMERIC, Subject
from probandum.target import Target

#: Packs of one probe that are kept to be timed; beyond them every other one is dropped.
KEPT = 64
#: Inputs of one probe whose tokens are all counted; of more, those of one pack in so many, and the rest by letters.
COUNTED, ONE_IN = 2048, 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """One pack as it will be asked. ``requests`` are kept of some packs only. ``written``: tokens at most."""

    name: str
    inputs: int
    tokens: int | None
    written: int | None
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeteredWork:
    """The energy windows of one probe: how many, of how many seconds at least, and the work of one round."""

    repeats: int
    seconds: float
    warm_up: int
    requests: tuple[Request, ...]


@dataclass(slots=True, kw_only=True)
class Counted:
    """What one probe asked in a dry run, what it said, and the CPU-seconds that it took itself.

    ``sizes``: inputs, letters and tokens of each request that was counted; ``guessed``: tokens by the former alone.
    """

    packs: list[Pack] = field(default_factory=list)
    sizes: list[tuple[int, int, int]] = field(default_factory=list)
    guessed: int = 0
    kept: list[Pack] = field(default_factory=list)
    stride: int = 1
    windows: list[MeteredWork] = field(default_factory=list)
    result: ProbeResult | None = None
    cpu_seconds: float = 0.0

    @property
    def inputs(self) -> int:
        """Prompts, texts and rows."""
        return sum(pack.inputs for pack in self.packs)

    @property
    def tokens(self) -> int | None:
        """Tokens read; None where the system does not count them."""
        return total([pack.tokens for pack in self.packs])

    @property
    def written(self) -> int | None:
        """Tokens written, at most; None where requests do not say."""
        return total([pack.written for pack in self.packs])

    @property
    def names(self) -> list[str]:
        """What the packs ask, in any order."""
        return sorted(pack.name for pack in self.packs)

    def guess(self, requests: Sequence[Request]) -> list[int] | None:
        """Tokens of requests, by so many an input and a letter (least squares); None until enough were counted."""
        known = np.array(self.sizes, dtype=np.float64).reshape(-1, 3)
        if known[:, 0].sum() < COUNTED:
            return None
        each = np.linalg.lstsq(known[:, :2], known[:, 2], rcond=None)[0]
        found = [max(0, round(float(each @ [len(request), letters(request)]))) for request in requests]
        self.guessed += sum(found)
        return found

    def add(self, pack: Pack) -> None:
        """Take note of a pack, and keep the requests of some, evenly spread."""
        if len(self.packs) % self.stride == 0:
            self.kept.append(pack)
        if len(self.kept) > KEPT:
            self.kept, self.stride = self.kept[::2], 2 * self.stride
        self.packs.append(Pack(name=pack.name, inputs=pack.inputs, tokens=pack.tokens, written=pack.written))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rehearsal:
    """A dry run: what each probe asked, tokens of each pack's requests by its name, the CPU-seconds of recording."""

    probes: Mapping[str, Counted]
    tokens: Mapping[str, Sequence[int | None]]
    recording_seconds: float


def rehearse(
    plan: Plan,
    probes: Mapping[str, Probe],
    target: Target,
    subject: Subject | None,
    *,
    world: int,
    recorded: bool,
    known: Mapping[str, Sequence[Response]] | None = None,
    tokens: Mapping[str, Sequence[int | None]] | None = None,
    metered: bool = False,
) -> Rehearsal:
    """One dry run in the world numbered ``world``; ``known``: real answers by the name of a pack, ``tokens``: counts.

    ``recorded``: also write and pack a journal, to see what that takes. ``metered``: whether windows will have joules.
    """
    counting = Counting(target, world=world, known=known or {}, tokens=tokens)
    with TemporaryDirectory(prefix="probandum-") as folder:
        path = Path(folder) / "journal.jsonl"
        journal = RunJournal(path) if recorded else None
        try:
            asker = _CountingAsker(counting, metered, seed=plan.seed, subject=subject, journal=journal)
            for name, probe in probes.items():
                counting.counted = asker.counted = Counted()
                counting.spent = 0.0
                before = time.process_time()
                counting.counted.result = measure(probe, asker)
                counting.counted.cpu_seconds = time.process_time() - before - counting.spent
                counting.found[name] = counting.counted
        finally:
            if journal is not None:
                journal.close()
        before = time.process_time()
        if recorded:
            pack_journal(path, Path(folder) / "packed")
        recording_seconds = time.process_time() - before
        return Rehearsal(probes=counting.found, tokens=counting.tokens_of, recording_seconds=recording_seconds)


class Counting(Target):
    """Another target's capabilities, classes and tokens, with invented answers: a function of request and world."""

    def __init__(
        self,
        real: Target,
        *,
        world: int,
        known: Mapping[str, Sequence[Response]],
        tokens: Mapping[str, Sequence[int | None]] | None = None,
    ) -> None:
        self.real = real
        self.name = real.name  # type: ignore[misc]
        self.capabilities = real.capabilities
        self.labels = real.labels
        self.shape = real.shape
        self.world = world
        self.known = known
        self.tokens_of: dict[str, Sequence[int | None]] = dict(tokens or {})
        self.counted = Counted()
        self.found: dict[str, Counted] = {}
        self.spent = 0.0

    def identity(self) -> Mapping[str, Any]:
        """The other's."""
        return self.real.identity()

    def table(self) -> Table | None:
        """The other's rows."""
        return self.real.table()

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Invented answers, or the real ones where they are known or cost nothing; the pack is counted."""
        before = time.process_time()
        name = codec.digest_of([request.digest for request in requests])
        tokens, written = self._tokens(name, requests), self.real.writes(requests)
        self.counted.add(
            Pack(
                name=name,
                inputs=sum(len(request) for request in requests),
                tokens=total(tokens),
                written=total(written),
                requests=tuple(requests),
            )
        )
        if self.real.recorded:
            answers = self.real.answer(requests)
        elif name in self.known:
            answers = list(self.known[name])
        else:
            counts = zip(requests, tokens, written, strict=True)
            answers = [self._invented(*each) for each in counts]
        self.spent += time.process_time() - before
        return answers

    def _tokens(self, name: str, requests: Sequence[Request]) -> Sequence[int | None]:
        """The tokens of each request: as the system counts them, or by letters where there are a great many."""
        if int(name[-8:], 16) % ONE_IN and (guessed := self.counted.guess(requests)) is not None:
            return guessed
        if name not in self.tokens_of:
            self.tokens_of[name] = self.real.tokens(requests)
        counts = list(zip(requests, self.tokens_of[name], strict=True))
        self.counted.sizes += [(len(each), letters(each), tokens) for each, tokens in counts if tokens is not None]
        return self.tokens_of[name]

    def _invented(self, request: Request, tokens: int | None, written: int | None) -> Response:
        material = hashlib.sha256(f"{self.world}/{request.digest}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(material[:16], "big"))
        n = len(request)
        if request.kind is Capability.GENERATE:
            return Response(texts=("text",) * n, input_tokens=tokens, output_tokens=written)
        if request.kind is Capability.CHOOSE:
            logits = rng.normal(size=(n, len(request.options)))
            return Response(outputs=logits - np.logaddexp.reduce(logits, axis=1, keepdims=True), input_tokens=tokens)
        if request.kind is Capability.SCORE:
            return Response(outputs=rng.uniform(-9.0, -3.0, size=n), input_tokens=tokens)
        if "favourable" in self.labels:  # decisions in place of probabilities
            decisions = rng.integers(0, 2, size=(n, len(self.labels))).astype(np.float64)
            return Response(outputs=decisions, labels=self.labels, input_tokens=tokens)
        if self.labels == (NUMERIC,):
            return Response(outputs=rng.normal(size=(n, 1)), labels=self.labels, input_tokens=tokens)
        if request.kind in (Capability.CLASSIFY, Capability.PREDICT, Capability.RANDOMISE) and not request.by_token:
            shares = rng.dirichlet(np.ones(max(2, len(self.labels))), size=n)
            return Response(outputs=shares, labels=self.labels, input_tokens=tokens)
        if request.kind is Capability.ATTRIBUTE and isinstance(request.inputs, Table):
            columns = (*ATTRIBUTED_ROWS.get(str(request.parameters.get("method")), ()), *request.inputs)
            return Response(outputs=rng.normal(size=(request.answers, len(columns))), labels=columns)
        if request.by_token:
            columns = ATTRIBUTED.get(str(request.parameters.get("method")), ())
            outputs = rng.normal(size=(n, len(columns)))
            if "explained" in columns:
                outputs[:, 0] = 0.0
            per_token = tuple(_words(text, rng) for text in request.texts)
            return Response(outputs=outputs, per_token=per_token, labels=columns, input_tokens=tokens)
        return Response(outputs=rng.normal(size=(n, 2)), input_tokens=tokens)


class _CountingAsker(Asker):
    """Energy windows are noted, and take no time."""

    def __init__(self, target: Target, metered: bool, **options: Any) -> None:
        super().__init__(target, **options)
        self.counted = Counted()
        self._metered = metered
        self._seen: set[str] = set()

    @property
    def metered(self) -> bool:
        """Whether the windows of the audit will have joules."""
        return self._metered

    def windows(
        self,
        probe: str,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[tuple[str, Window]]:
        """Windows in which every round of requests was answered once."""
        works = [requests, against] if against else [requests]
        keys = [
            codec.digest_of([probe, [request.digest for request in work], repeats, seconds, warm_up]) for work in works
        ]
        for key, each in zip(keys, works, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                work = MeteredWork(repeats=repeats, seconds=seconds, warm_up=warm_up, requests=tuple(each))
                self.counted.windows.append(work)
        why = dict.fromkeys(("gpu", "cpu", "dram"), "nothing is metered in a dry run")
        reading = Reading(seconds=seconds, meter="none", grade="D", why=why)
        for repeat in range(repeats):
            for key, each in zip(keys, works, strict=True):
                inputs = sum(len(request) for request in each)
                yield f"{key}:{repeat}", Window(reading=reading, requests=inputs, input_tokens=None, output_tokens=None)


def _words(text: str, rng: np.random.Generator) -> PerToken:
    """A number for each word of a text, in place of the tokens of a system that is not asked."""
    found = list(re.finditer(r"\S+", text))
    return PerToken(
        tokens=tuple(word.group() for word in found),
        starts=tuple(word.start() for word in found),
        ends=tuple(word.end() for word in found),
        values=tuple(rng.normal(size=len(found)).tolist()),
    )
