"""What probes are told that have a system write on, or recall what it wrote, and have the texts judged."""

# Annotations are types here and not text: a probe's constructor carries them into a module that does not know them.
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from probandum.errors import DataError
from probandum.probe import Ask, ProbeSpec
from probandum_probes.bias.judged_texts import Judged, Prompt, Written, chosen_judge, written
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.judges import judge_files
from probandum_probes.judging_texts import TextJudge


@dataclass(kw_only=True, eq=False)
class WritingOptions:
    """A file of prompts, how they are continued, and who judges the texts.

    A probe is a dataclass of these and of its own, and calls ``refuse`` before it reads files.
    """

    spec: ClassVar[ProbeSpec]

    data: Path | None = None
    judge: Path | None = None
    lexicon: Path | None = None
    samples: int = 5
    tokens: int = 30
    temperature: float = 1.0
    sample: int | None = None

    def refuse(self) -> None:
        """DataError where there would be no text, or too few prompts."""
        refuse_sample(self.spec.id, self.sample)
        if min(self.samples, self.tokens) < 1:
            raise DataError(
                f"suites.{self.spec.id}: {self.samples} samples of {self.tokens} tokens",
                remedy="expected at least 1 of each",
            )

    @cached_property
    def judging(self) -> TextJudge:
        """The judge of texts, loaded when it is first needed."""
        return chosen_judge(self.spec.id, self.judge, self.lexicon)

    def files(self) -> tuple[Path, ...]:
        """The files that the file of the judge names."""
        return judge_files(self.judge)

    def judged(self, ask: Ask, prompts: Sequence[Prompt], *, cluster: str) -> tuple[Written, Judged]:
        """What follows each prompt, and what the judge says of it; ``cluster`` as in ``Judged.of``."""
        texts = written(ask, prompts, samples=self.samples, tokens=self.tokens, temperature=self.temperature)
        return texts, Judged.of(texts, self.judging, cluster=cluster)
