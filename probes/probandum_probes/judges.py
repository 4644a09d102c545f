"""Judges of what a system writes, as a file describes them: words, a target that classifies, a model that is asked.

    lexicon: words.txt                       # one a line, beside the judge's file; or
    target: {type: transformers, path: toxicity-model}
    class_name: toxic                        # whose probability is the judgement, by default the last class; or
    question: "Is this text insulting? {text}"   # for a target that chooses between answers: P(yes) of yes and no
    worst: You are an idiot.                 # a text that the judge must find; positive controls plant it
    rates:                                   # what a validation by people found, group by group, as counts
      women: {sensitivity: [45, 50], specificity: [96, 100]}

A judge is part of the instrument, runs beside the audited system, and is asked nothing through the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from probandum import codec
from probandum.errors import DataError, PlanError, TargetError, UnknownName
from probandum.evidence import Capability, Floats, Request
from probandum.resources import dataset
from probandum.target import Target, TargetContext, make_target, target_sources
from probandum.targets import load_builtin
from probandum.yaml_source import YamlSource, read_yaml
from probandum_probes.judging_texts import TextJudge, read_lexicon

_KEYS = ("lexicon", "target", "class_name", "question", "worst", "rates")
_BLOCK = 64
_ANSWERS = ((" yes", " Yes", " YES"), (" no", " No", " NO"))

#: Events and trials.
Counts = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Of texts about one group, how many bad ones the judge flagged and how many harmless ones it left alone."""

    sensitivity: Counts
    specificity: Counts

    @property
    def sees(self) -> float:
        """Youden's J = sensitivity + specificity - 1; a judge that sees nothing has 0.

        >>> round(Rates(sensitivity=(9, 10), specificity=(8, 10)).sees, 9)
        0.7
        """
        return self.sensitivity[0] / self.sensitivity[1] + self.specificity[0] / self.specificity[1] - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A judge, and what is known of its errors by group; empty where nobody validated it."""

    judge: TextJudge
    rates: Mapping[str, Rates] = field(default_factory=dict)


class Asked:
    """A judge that is a target: the probability of a class, or that a question about the text is answered with yes."""

    def __init__(self, target: Target, *, class_name: str | None, question: str | None, worst: str) -> None:
        self.worst = worst
        self._target = target
        self._question = question
        self._class_name = class_name
        needed = Capability.CLASSIFY if question is None else Capability.CHOOSE
        if needed not in target.capabilities:
            what = "classifies no texts; with question: a model is asked" if question is None else "chooses no answers"
            raise DataError(f"judge: target {target.name} {what}", remedy="name another target")
        said = f"P({self._labels[self._place]})" if question is None else "P(yes)"
        digest = codec.digest_of(codec.builtins(target.identity())).removeprefix("sha256:")[:12]
        self.name = f"target {target.name} {digest}, {said}"

    @property
    def _labels(self) -> tuple[str, ...]:
        return self._target.labels

    @cached_property
    def _place(self) -> int:
        name = self._class_name or (self._labels[-1] if self._labels else None)
        if name is None:
            raise DataError("judge: the target names no classes", remedy="set labels under target:")
        if name not in self._labels:
            raise UnknownName("class of the judge", name, self._labels)
        return self._labels.index(name)

    def shares(self, texts: Sequence[str]) -> Floats:
        """The judgement of each text, from 0 to 1, shape (texts,); TargetError where the judge does not answer."""
        blocks = [tuple(texts[start : start + _BLOCK]) for start in range(0, len(texts), _BLOCK)]
        found: list[Floats] = [np.zeros(0)]
        for response in self._target.answer([self._request(block) for block in blocks]):
            if response.error is not None or response.refused or response.outputs is None:
                raise TargetError(f"the judge gave no answer: {response.error or 'it declined texts'}")
            values = np.asarray(response.outputs, dtype=np.float64)
            if self._question is None:
                found.append(values[:, self._place])
            else:
                found.append(1.0 / (1.0 + np.exp(values[:, 1] - values[:, 0])))
        shares = np.concatenate(found)
        if len(shares) != len(texts) or not np.isfinite(shares).all():
            raise TargetError("the judge's answers are no probabilities")
        return shares

    def _request(self, block: tuple[str, ...]) -> Request:
        if self._question is None:
            return Request(kind=Capability.CLASSIFY, inputs=block)
        prompts = tuple(self._question.replace("{text}", text) for text in block)
        return Request(kind=Capability.CHOOSE, inputs=prompts, options=_ANSWERS, prefix="Answer:")


class Remembered:
    """A judge that is asked about each text once: controls look at the same texts again."""

    def __init__(self, judge: TextJudge) -> None:
        self._judge = judge
        self._known: dict[str, float] = {}

    @property
    def name(self) -> str:
        """The judge's."""
        return self._judge.name

    @property
    def worst(self) -> str:
        """The judge's."""
        return self._judge.worst

    def shares(self, texts: Sequence[str]) -> Floats:
        """The judgement of each text, shape (texts,)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._judge.shares(new).tolist(), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float64)


def own_judge() -> Described:
    """The project's list of rude words in English: what it flags holds one of them, what it misses does not."""
    return Described(judge=read_lexicon(dataset("rude_words") / "words.txt"))


def read_judge(path: Path) -> Described:
    """The judge that a file describes; PlanError with lines for what is wrong with it, DataError for its target."""
    source = read_yaml(path)
    values = source.values
    problems = [source.problem((key,), f"unknown key; known: {', '.join(_KEYS)}") for key in values if key not in _KEYS]
    if ("lexicon" in values) == ("target" in values):
        problems.append(source.problem((), "expected either lexicon or target"))
    texts = [key for key in ("lexicon", "class_name", "question", "worst") if key in values]
    problems += [source.problem((key,), "expected a text") for key in texts if not isinstance(values[key], str)]
    if "question" in values and "{text}" not in str(values["question"]):
        problems.append(source.problem(("question",), "the slot {text} is missing"))
    if "target" in values and "worst" not in values:
        problems.append(source.problem(("target",), "expected worst: beside it, a text that the judge must find"))
    rates = _rates(source, problems)
    if problems:
        raise PlanError(problems)
    if "lexicon" in values:
        return Described(judge=read_lexicon(path.parent / str(values["lexicon"])), rates=rates)
    options = values["target"]
    if not isinstance(options, dict) or not isinstance(options.get("type"), str):
        raise PlanError([source.problem(("target",), "expected type: and the keys of that target")])
    load_builtin()
    rest = {key: value for key, value in options.items() if key != "type"}
    target = make_target(options["type"], TargetContext(folder=path.parent), rest)
    judge = Asked(
        target,
        class_name=values.get("class_name"),
        question=values.get("question"),
        worst=str(values["worst"]),
    )
    return Described(judge=judge, rates=rates)


def judge_files(path: Path | None) -> tuple[Path, ...]:
    """The files that the file of a judge names: its words, or what its target is loaded from; none without a file."""
    if path is None:
        return ()
    values = read_yaml(path).values
    if "lexicon" in values:
        return (path.parent / str(values["lexicon"]),)
    load_builtin()
    options = dict(values.get("target") or {})
    return target_sources(str(options.pop("type", "")), TargetContext(folder=path.parent), options)


def _rates(source: YamlSource, problems: list[str]) -> dict[str, Rates]:
    given = source.values.get("rates", {})
    if not isinstance(given, dict):
        problems.append(source.problem(("rates",), "expected sensitivity and specificity by group"))
        return {}
    found: dict[str, Rates] = {}
    for group, each in given.items():
        sides = [_counts(each.get(name)) for name in ("sensitivity", "specificity")] if isinstance(each, dict) else []
        if len(sides) != 2 or sides[0] is None or sides[1] is None:
            said = "expected sensitivity and specificity, each as [right, of how many]"
            problems.append(source.problem(("rates", str(group)), said))
        else:
            found[str(group)] = Rates(sensitivity=sides[0], specificity=sides[1])
    return found


def _counts(value: object) -> Counts | None:
    if isinstance(value, list) and len(value) == 2 and all(type(number) is int for number in value):
        right, of = value
        return (right, of) if 0 <= right <= of and of > 0 else None
    return None
