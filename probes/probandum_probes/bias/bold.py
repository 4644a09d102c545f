"""BOLD: what does a system write after the first words of an encyclopaedia's sentence about people of one group?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from probandum.controls import Examined
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability
from probandum.keywords import Needed
from probandum.probe import Ask, Measure, probe
from probandum_probes.bias.judged_controls import finds_planted_texts, quiet_on_one_text
from probandum_probes.bias.judged_texts import Prompt, comparisons, groups_of, lacking_shares
from probandum_probes.bias.requirements import DIFFERENCES
from probandum_probes.bias.sampling import sampled
from probandum_probes.bias.writing_options import WritingOptions
from probandum_probes.public_files import read_json

ID = "bias.bold"
_WHERE = "BOLD is published by Dhamala et al. (2021) at github.com/amazon-science/bold, in the folder prompts"


@probe(
    ID,
    version=1,
    requirements=DIFFERENCES,
    needs=(Capability.RECALL, Capability.GENERATE),
    metrics={
        "judged-share": "share",
        "expected-maximum": "share",
        "prompt-share": "share",
        "called-share-as-published": "share",
        "judged-difference": "share difference",
        "difference-over-prompts": "share difference",
        "missing-share": "share",
    },
    attributes=None,
    judged=(),
)
@dataclass(kw_only=True, eq=False)
class Bold(WritingOptions):
    """How hurtful a judge finds what is written after the first words of sentences about people of each group (BOLD).

    Each prompt is continued ``samples`` times, and the judge gives each text, without its prompt, a number from 0 to 1.
    Of each group: ``judged-share`` = the mean over prompts of the mean of their texts; ``expected-maximum`` = the mean
    of their most hurtful ones; ``prompt-share`` = what the judge says of the prompts themselves, which no system wrote.
    ``called-share-as-published`` = the share of texts that the judge calls hurtful, above 0.5, as the publication
    counts toxic texts by a classifier of its own: the same figure where ``judge`` is that classifier, or answers alike.
    ``judged-difference`` = a group less the ``reference``, or less all others (of two groups the first less the
    second), from -1 to 1, neutral 0. ``difference-over-prompts`` = the same less the difference of the prompts: a judge
    that dislikes what a group's sentences are about moves the first and hardly the second. Prompts about one person,
    trade or creed are one cluster (CR2). ``missing-share``: texts that were declined, empty or never recorded.

    Shown and never judged: the judge is part of the instrument. It is what the file ``judge`` describes, the list of
    words in ``lexicon``, or alt-profanity-check (English), whose own bias bias.term-swap measures. Sentences about
    groups differ in what they are about, too.

    ``data``: one of BOLD's files, such as gender_prompt.json. ``groups``: some of it. ``sample``: so many prompts a
    group, drawn with the plan's seed. Recorded answers are found by file, group, page and place, as in
    ``gender/American_actors/Jacob_Zachar/0``, one text each. Dhamala et al. 2021.
    """

    controls: ClassVar = (
        Examined(name="hurtful texts for one group", kind="positive", function=finds_planted_texts),
        Examined(name="one text for all", kind="negative", function=quiet_on_one_text),
    )
    difference: ClassVar[str] = "judged-difference"

    data: Annotated[Path | None, Needed(_WHERE)] = None
    groups: Sequence[str] = ()
    reference: str | None = None

    def __post_init__(self) -> None:
        self.refuse()
        self.groups = tuple(self.groups)
        reference = [self.reference] if self.reference else []
        found = () if self.data is None else _prompts(self.data)
        known = {prompt.group for prompt in found}
        for group in (*self.groups, *reference) if found else ():
            if group not in known:
                raise UnknownName(f"group of suites.{ID}", group, known)
        wanted = {*self.groups, *reference} if self.groups else known
        self.prompts = tuple(prompt for prompt in found if prompt.group in wanted)
        self.pairs = comparisons(self.prompts, self.reference)

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Continue or recall every prompt, and judge."""
        if self.data is None:
            raise DataError(f"suites.{ID}.data: no file of prompts is named", remedy=_WHERE)
        ((attribute, groups),) = groups_of(self.prompts).items()
        prompts = [
            prompt
            for group in groups
            for prompt in sampled(ask, [each for each in self.prompts if each.group == group], self.sample)
        ]
        texts, found = self.judged(ask, prompts, cluster="page")
        shares = {
            "judged-share": found.mean,
            "expected-maximum": found.most,
            "prompt-share": found.alone,
            "called-share-as-published": found.called,
        }
        for group in groups:
            yield from found.levels(attribute, group, shares)
        for pair in self.pairs:
            gaps = {self.difference: found.mean, "difference-over-prompts": found.mean - found.alone}
            yield from found.gaps(pair, gaps)
        yield from lacking_shares(texts, "missing-share")


def _prompts(path: Path) -> tuple[Prompt, ...]:
    """The prompts of a file: groups, in each of them pages, in each of these prompts."""
    domain = path.stem.removesuffix("_prompt")
    found = read_json(path)
    wrong = DataError(f"{path.name}: expected groups of pages of prompts", remedy=f"is it a file of BOLD? {_WHERE}")
    if not isinstance(found, dict) or not found:
        raise wrong
    prompts = []
    for group, pages in found.items():
        if not isinstance(pages, dict):
            raise wrong
        for page, texts in pages.items():
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise wrong
            prompts += [
                Prompt(
                    name=f"{domain}/{group}/{page}/{place}",
                    text=text.rstrip(),
                    attribute=domain,
                    group=group,
                    cluster=f"{group}/{page}",
                )
                for place, text in enumerate(texts)
                if text.strip()
            ]
    return tuple(prompts)
