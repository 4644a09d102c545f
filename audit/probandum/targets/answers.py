"""Answers that a system gave to the items of a benchmark, read from a file: no model at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from probandum import codec
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.keywords import Text
from probandum.public_records import PublicRecord, read_records
from probandum.target import Problem, Target, TargetContext, target
from probandum.targets.answering import unable

#: What to do about an item with two answers.
_ONE = "leave one of them"


@target("answers")
class AnswersTarget(Target):
    """Recorded answers of a CSV, TSV, JSON, JSON-lines or Parquet file, each found by the name of its item.

    ``item`` and ``answer``: the fields of an item's name and of the answer's text, "item" and "answer" where not
    given. A benchmark's probe says how it names its items. Of an item that the file lacks there is no answer, and the
    probe says how many these are; an item that occurs twice with two answers is an error, since nobody knows which
    of them counts.
    """

    capabilities = frozenset({Capability.RECALL})

    recorded = True
    labels = ("answered",)

    def __init__(self, context: TargetContext, *, path: Text, item: Text = "item", answer: Text = "answer") -> None:
        file = context.resolve(path)
        self._file = file.name
        self._answers: dict[str, str] = {}
        for record in read_records(file):
            if text := _two_answers(self._answers, record, record.text(item), record.text(answer)):
                raise DataError(f"target.path: {text}", remedy=_ONE)
        self._digest = codec.digest(file.read_bytes())
        self._fields = {"item": item, "answer": answer}

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """A file that cannot be read, a field that a record lacks, and every item with two answers."""
        try:
            records = read_records(context.resolve(options["path"]))
        except DataError as error:
            yield Problem(("path",), "; ".join(error.lines()))
            return
        fields = [(key, options.get(key, key)) for key in ("item", "answer")]
        lacking = [
            Problem((key,) if key in options else (), text) for key, name in fields if (text := _lacks(records, name))
        ]
        yield from lacking
        if not lacking:
            (_, item), (_, answer) = fields
            answers: dict[str, str] = {}
            for record in records:
                if text := _two_answers(answers, record, record.text(item), record.text(answer)):
                    yield Problem(("path",), f"{text}; {_ONE}")

    def identity(self) -> Mapping[str, Any]:
        """The digest of the file, and how it was read."""
        return {"file": self._file, "sha256": self._digest, **self._fields, "answers": len(self._answers)}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The recorded text of each item with a 1, or an empty text with a 0 where the file lacks the item."""
        return [self._recorded(request) for request in requests]

    def _recorded(self, request: Request) -> Response:
        if why := unable(self, request):
            return Response(error=why)
        found = np.array([[float(item in self._answers)] for item in request.texts])
        texts = tuple(self._answers.get(item, "") for item in request.texts)
        return Response(outputs=found, texts=texts, labels=self.labels)


def _two_answers(answers: dict[str, str], record: PublicRecord, item: str, answer: str) -> str | None:
    """The answer is added to the others; what to say where another is there for the same item."""
    if answers.setdefault(item, answer) == answer:
        return None
    return f"{record.where}: item {item!r} has two answers"


def _lacks(records: Sequence[PublicRecord], name: str) -> str | None:
    """What is wrong with a field of the first record that lacks it; None where all have it as text."""
    for record in records:
        try:
            record.text(name)
        except DataError as error:
            return "; ".join(error.lines())
    return None
