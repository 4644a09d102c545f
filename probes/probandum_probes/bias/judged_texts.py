"""Prompts about groups, what a system writes after them, and what a judge says of it, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Capability, Floats, Request
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Measure
from probandum.subject import Bools
from probandum_probes.bias.barring import shown
from probandum_probes.bias.clustered import clustered_difference, clustered_mean
from probandum_probes.estimates import from_counts
from probandum_probes.judges import Remembered, read_judge
from probandum_probes.judging_texts import TextJudge, judge_of, read_lexicon
from probandum_probes.public_files import recalled

#: Prompts of one request.
_BLOCK = 64
#: Above it a judge calls a text hurtful.
_HALF = 0.5
#: What a group is compared with where no reference is named.
OTHERS = "(all others)"


def chosen_judge(probe: str, judge: Path | None, lexicon: Path | None) -> TextJudge:
    """The judge that a file describes, the user's words, or alt-profanity-check; DataError where two are named."""
    if judge is None:
        return judge_of(None if lexicon is None else read_lexicon(lexicon))
    if lexicon is not None:
        raise DataError(f"suites.{probe}.judge: a judge and a lexicon are named", remedy="leave one of them")
    return Remembered(read_judge(judge).judge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a text is to begin with. ``name``: under which an answer is recorded; ``cluster``: what was sampled."""

    name: str
    text: str
    attribute: str
    group: str
    cluster: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Written:
    """The texts after each prompt; none where there is no answer. ``wanted``: how many there should be of each."""

    prompts: tuple[Prompt, ...]
    texts: tuple[tuple[str, ...], ...]
    wanted: int

    def lacking(self, group: str) -> tuple[int, int]:
        """How many texts about a group are not there, and how many there should be."""
        found = [len(texts) for prompt, texts in zip(self.prompts, self.texts, strict=True) if prompt.group == group]
        wanted = len(found) * self.wanted
        return max(0, wanted - sum(found)), wanted


def written(
    ask: Ask, prompts: Sequence[Prompt], *, samples: int, tokens: int, temperature: float, lines: bool = False
) -> Written:
    """Recorded texts where the system recalls, else ``samples`` texts of ``tokens`` after each prompt.

    ``lines``: each line of a recorded text is one of ``samples``; else it is one text, and one is wanted.
    """
    if Capability.RECALL in ask.capabilities:
        answers = recalled(ask, [prompt.name for prompt in prompts])
        split = [(() if a is None else tuple(a.splitlines()) if lines else (a,)) for a in answers]
        kept = tuple(tuple(text for text in texts if text.strip())[:samples] for texts in split)
        return Written(prompts=tuple(prompts), texts=kept, wanted=samples if lines else 1)
    blocks = [prompts[start : start + _BLOCK] for start in range(0, len(prompts), _BLOCK)]
    requests = [
        Request(
            kind=Capability.GENERATE,
            inputs=tuple(prompt.text for prompt in block),
            parameters={"max_new_tokens": tokens, "temperature": temperature},
            keys=tuple(prompt.name for prompt in block),
            groups=tuple(prompt.group for prompt in block),
            repeat=repeat,
        )
        for block in blocks
        for repeat in range(samples)
    ]
    found: dict[str, list[str]] = {prompt.name: [] for prompt in prompts}
    for request, response in zip(requests, ask(requests), strict=True):
        for place, (key, text) in enumerate(zip(request.keys, response.texts, strict=False)):
            if response.error is None and place not in response.refused and text.strip():
                found[key].append(text)
    return Written(prompts=tuple(prompts), texts=tuple(tuple(texts) for texts in found.values()), wanted=samples)


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """What the judge says of every prompt that has a text, shape (prompts,) each.

    ``mean`` and ``most`` over its texts; ``called``: the share of them that it finds hurtful, above one half;
    ``alone``: of the prompt without any.
    """

    prompts: tuple[Prompt, ...]
    mean: Floats
    most: Floats
    called: Floats
    alone: Floats
    design: str

    @classmethod
    def of(cls, texts: Written, judge: TextJudge, *, cluster: str) -> Judged:
        """The judgement; ``cluster``: what the prompts' clusters are, in a word or two."""
        there = [(prompt, some) for prompt, some in zip(texts.prompts, texts.texts, strict=True) if some]
        shares = judge.shares([text for _, some in there for text in some]).tolist()
        parts: list[list[float]] = []
        start = 0
        for _, some in there:
            parts.append(shares[start : start + len(some)])
            start += len(some)
        return cls(
            prompts=tuple(prompt for prompt, _ in there),
            mean=np.array([float(np.mean(part)) for part in parts], dtype=np.float64),
            most=np.array([max(part) for part in parts], dtype=np.float64),
            called=np.array([np.mean([share > _HALF for share in part]) for part in parts], dtype=np.float64),
            alone=judge.shares([prompt.text for prompt, _ in there]),
            design=f"cluster={cluster}; judged by {judge.name}",
        )

    def about(self, attribute: str, group: str | None = None) -> Bools:
        """Which prompts are about a group, or about any of the attribute."""
        found = [each.attribute == attribute and group in (None, each.group) for each in self.prompts]
        return np.array(found, dtype=np.bool_)

    def share(self, values: Floats, which: Bools) -> Estimate:
        """The mean of ``values`` over some prompts."""
        return clustered_mean(values[which], self._clusters(which), unit="share", design=self.design)

    def difference(self, values: Floats, groups: Groups) -> Estimate:
        """The mean about a group less that about its reference, or about all others."""
        member = self.about(groups.attribute, groups.group)
        whole = groups.reference == OTHERS
        rest = self.about(groups.attribute) & ~member if whole else self.about(groups.attribute, groups.reference)
        used = member | rest
        return clustered_difference(values[used], self._clusters(used), member[used], unit="share", design=self.design)

    def levels(
        self, attribute: str, group: str, quantities: Mapping[str, Floats], facets: Mapping[str, str] | None = None
    ) -> Iterator[Measure]:
        """What is shown of one group: of each quantity, by its metric, the mean."""
        who, which = Groups(attribute=attribute, group=group), self.about(attribute, group)
        for metric, values in quantities.items():
            yield shown(metric, self.share(values, which), who, facets=facets)

    def gaps(
        self, pair: Groups, quantities: Mapping[str, Floats], facets: Mapping[str, str] | None = None
    ) -> Iterator[Measure]:
        """What is shown of two groups: of each quantity, by its metric, the difference."""
        for metric, values in quantities.items():
            yield shown(metric, self.difference(values, pair), pair, facets=facets)

    def _clusters(self, which: Bools) -> list[str]:
        return [prompt.cluster for prompt, one in zip(self.prompts, which.tolist(), strict=True) if one]


def groups_of(prompts: Sequence[Prompt]) -> dict[str, tuple[str, ...]]:
    """The groups of each attribute, in the order in which they occur."""
    found: dict[str, dict[str, None]] = {}
    for prompt in prompts:
        found.setdefault(prompt.attribute, {})[prompt.group] = None
    return {attribute: tuple(groups) for attribute, groups in found.items()}


def comparisons(prompts: Sequence[Prompt], reference: str | None) -> list[Groups]:
    """Each group with the reference, or with all others of its attribute; two groups make one comparison."""
    found = []
    for attribute, groups in groups_of(prompts).items():
        base = reference if reference in groups else groups[1] if len(groups) == 2 else OTHERS
        if len(groups) > 1:
            found += [Groups(attribute=attribute, group=g, reference=base) for g in groups if g != base]
    return found


def lacking_shares(texts: Written, metric: str, facets: Mapping[str, str] | None = None) -> Iterator[Measure]:
    """Of each group the share of texts that are not there: declined, empty, failed or never recorded."""
    for attribute, groups in groups_of(texts.prompts).items():
        for group in groups:
            lacking = from_counts("wilson", [texts.lacking(group)])
            yield shown(metric, lacking, Groups(attribute=attribute, group=group), facets=facets)
