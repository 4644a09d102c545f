"""The ways of `gpu_scoring.py` to answer the same prompts with one model, and what each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from llamas import Shape, random_llama, sizes_of
from scoring import naive, requests_of

from probandum.energy import Meter
from probandum.packing import packs
from probandum.targets.generating import Decoding, Draft
from probandum.targets.prompting import Asked, Prompter
from probandum.targets.scoring import Scorer
from probandum.targets.tries import Scored, plant
from probandum.targets.writing import write
from probandum_probes.bias.name_swap import NameSwap

#: Tokens a pass of rows at most, as a plan has it by default.
BATCH_TOKENS = 8192
Told = Sequence[Asked[Scored]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured: prompts and rounds, seconds of a round and way, prompts scored alone, texts and tokens."""

    requests: int = 40
    rounds: int = 5
    seconds: float = 3.0
    sample: int = 16
    texts: int = 64
    tokens: int = 32
    passes: tuple[int, ...] = (512, 1024, 2048, 4096, 8192)


TINY = Sizes(requests=2, rounds=2, seconds=0.0, sample=4, texts=4, tokens=8, passes=(64, 128))


class Clock:
    """When no further part begins, and what was left out for that."""

    def __init__(self, limit: float) -> None:
        self._end = time.perf_counter() + limit
        self.left_out: list[str] = []

    def allows(self, part: str) -> bool:
        """Whether there is time for a part; one that is left out is remembered."""
        if time.perf_counter() < self._end:
            return True
        self.left_out.append(part)
        return False


@dataclass(kw_only=True)
class Way:
    """A way to answer. ``tokens``: as without sharing, or written; ``computed`` and
    ``rows``: what goes through the layers and through the head."""

    run: Callable[[], Any]
    prompts: int
    tokens: int
    computed: int
    rows: int
    operations: int
    peak: int | None = None
    answers: Any = None
    seconds: list[float] = field(default_factory=list)
    joules: list[float] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """What was measured, a round a number: seconds and joules of one run, and the peak of memory in bytes."""
        names = ("prompts", "tokens", "computed", "rows", "operations", "peak", "seconds", "joules")
        return {name: getattr(self, name) for name in names}


class Bench:
    """One model, and the same prompts to it in every way."""

    def __init__(self, shape: Shape, tokenizer: Any, device: str, dtype: str, sizes: Sizes, meter: Meter) -> None:
        self._shape, self._device, self._sizes, self._meter = shape, device, sizes, meter
        self.model = random_llama(shape, tokenizer, device, dtype)
        self.scorer = Scorer(self.model, batch_tokens=BATCH_TOKENS)
        self._prompter = Prompter(tokenizer, template=None, system=None, limit=None)
        self._packs = packs(requests_of(NameSwap())[: sizes.requests])
        self.prompting: list[float] = []
        for _ in range(sizes.rounds):
            began = time.perf_counter()
            self._told = [[self._prompter.asked(request) for request in pack] for pack in self._packs]
            self.prompting.append(time.perf_counter() - began)
        self.ways = {
            "shared": self._shared(),
            "batched": self._batched(),
            "single": self._single(),
            "writing": self._writing(tokenizer),
        }

    def measure(self, clock: Clock, name: str) -> None:
        """Every way once for nothing, then all of them in turn, round by round."""
        for label, way in self.ways.items():
            if clock.allows(f"{name}: {label}"):
                self._first(way)
        for turn in range(self._sizes.rounds):
            for label, way in self.ways.items():
                if way.answers is not None and clock.allows(f"{name}: {label}, round {turn + 1}"):
                    self._timed(way)

    def apart(self) -> dict[str, float]:
        """The largest difference from the shared way over all options that both scored, in nats."""
        ours, found = self.ways["shared"].answers, {}
        for name, picked in (("batched", slice(0, len(self._options(self._told[0])))), ("single", self._picked)):
            theirs = self.ways[name].answers
            if ours is not None and theirs is not None:
                found[name] = float(np.abs(np.array(ours)[picked] - np.array(theirs)).max())
        return found

    def passes(self, clock: Clock, name: str) -> dict[str, list[float]]:
        """Prompts a second of the shared way by the tokens of a pass, the sizes in turn, after a round for nothing."""
        usual, found = self.scorer._pass_tokens, {str(size): [] for size in self._sizes.passes}
        some = self._told[: max(1, len(self._told) // 4)]
        prompts = sum(len(each.options) for pack in some for each in pack)
        for turn in range(self._sizes.rounds):
            if not clock.allows(f"{name}: tokens a pass, round {turn + 1}"):
                break
            for size in self._sizes.passes:
                self.scorer._pass_tokens = size
                began = time.perf_counter()
                for pack in some:
                    self.scorer.score(_sequences(pack))  # ends with numbers on the host
                if turn:
                    found[str(size)].append(prompts / (time.perf_counter() - began))
        self.scorer._pass_tokens = usual
        return found

    def _first(self, way: Way) -> None:
        """Kernels are chosen and memory is taken on the first run."""
        import torch

        way.run()
        if self._device == "cuda":
            torch.cuda.synchronize()
            held = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
        way.answers = way.run()
        if self._device == "cuda":
            torch.cuda.synchronize()
            way.peak = torch.cuda.max_memory_allocated() - held

    def _timed(self, way: Way) -> None:
        import torch

        token, began, runs = self._meter.begin(), time.perf_counter(), 0
        while not runs or time.perf_counter() - began < self._sizes.seconds:
            way.run()
            runs += 1
        if self._device == "cuda":
            torch.cuda.synchronize()
        way.seconds.append((time.perf_counter() - began) / runs)
        reading = self._meter.end(token)
        if reading.joules is not None:
            way.joules.append(reading.joules / runs)

    def _shared(self) -> Way:
        def run() -> list[list[float]]:
            return [row for pack in self._told for row in _by_option(pack, self.scorer.score(_sequences(pack)))]

        sizes = [sizes_of(plant(_sequences(pack))) for pack in self._told]
        nodes, rows, pairs = (sum(each) for each in zip(*sizes, strict=True))
        prompts = sum(len(self._options(pack)) for pack in self._told)
        tokens = sum(_tokens(_sequences(pack)) for pack in self._told)
        operations = self._shape.operations(nodes, rows, pairs)
        return Way(run=run, prompts=prompts, tokens=tokens, computed=nodes, rows=rows, operations=operations)

    def _batched(self) -> Way:
        pack = self._told[0]
        sequences = _sequences(pack)
        trie = plant(sequences)

        def run() -> list[list[float]]:
            found = self.scorer._rows(trie)
            return _by_option(pack, np.array([found[targets].sum() for targets in trie.of]))

        lengths = trie.depths[trie.leaves()] + 1
        computed, pairs = int(lengths.sum()), int((lengths * (lengths + 1) // 2).sum())
        rows = sizes_of(trie)[1]
        return Way(
            run=run,
            prompts=len(self._options(pack)),
            tokens=_tokens(sequences),
            computed=computed,
            rows=rows,
            operations=self._shape.operations(computed, rows, pairs),
        )

    def _single(self) -> Way:
        places = [place for pack in self._told for place in self._options(pack)]
        self._picked = list(range(0, len(places), max(1, len(places) // self._sizes.sample)))
        picked = [places[index] for index in self._picked]
        alone = [asked.sequences[index] for asked, row in picked for option in asked.options[row] for index in option]
        lengths = np.array([len(each.tokens) - 1 for each in alone])
        pairs = int((lengths * (lengths + 1) // 2).sum())
        rows = sum(len(each.continuation) for each in alone)
        operations = self._shape.operations(int(lengths.sum()), rows, pairs)
        return Way(
            run=lambda: [naive(self.model, asked, row) for asked, row in picked],
            prompts=len(picked),
            tokens=int(lengths.sum()),
            computed=int(lengths.sum()),
            rows=rows,
            operations=operations,
        )

    def _writing(self, tokenizer: Any) -> Way:
        """As many tokens of each text, whatever they are: none may end before."""
        most = self._sizes.tokens
        decoding = Decoding(max_new_tokens=most, min_new_tokens=most)
        contexts = [asked.sequences[options[0].start].context for asked, options in self._written()]
        drafts = [Draft(context=each, decoding=decoding, rng=np.random.default_rng(0), name="") for each in contexts]
        stops = frozenset({int(tokenizer.eos_token_id)})
        read = np.array([len(each) for each in contexts])
        lengths = read + most - 1  # the last token is not read again
        pairs = int((lengths * (lengths + 1) // 2).sum())
        return Way(
            run=lambda: write(self.model, drafts, stops=stops, batch_tokens=BATCH_TOKENS, padded=True),
            prompts=len(drafts),
            tokens=most * len(drafts),
            computed=int(lengths.sum()),
            rows=most * len(drafts),
            operations=self._shape.operations(int(lengths.sum()), most * len(drafts), pairs),
        )

    def _written(self) -> list[tuple[Asked[Scored], tuple[range, ...]]]:
        rows = [(asked, asked.options[row]) for pack in self._told for asked, row in self._options(pack)]
        return rows[:: max(1, len(rows) // self._sizes.texts)][: self._sizes.texts]

    @staticmethod
    def _options(pack: Told) -> list[tuple[Asked[Scored], int]]:
        return [(asked, row) for asked in pack for row in range(len(asked.options))]


def _sequences(pack: Told) -> list[Scored]:
    return [sequence for asked in pack for sequence in asked.sequences]


def _tokens(sequences: Sequence[Scored]) -> int:
    return sum(len(each.tokens) - 1 for each in sequences)


def _by_option(pack: Told, values: Any) -> list[list[float]]:
    """The log-probability of each option of each prompt, its spellings together."""
    rows, first = [], 0
    for asked in pack:
        mine = values[first : first + len(asked.sequences)]
        rows += [[float(np.logaddexp.reduce(mine[list(part)])) for part in options] for options in asked.options]
        first += len(asked.sequences)
    return rows
