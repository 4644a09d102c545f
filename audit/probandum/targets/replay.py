"""A recorded audit, answering again: everything above the model runs without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability, Observation, Request, Response
from probandum.journal import compared_entries
from probandum.keywords import Text
from probandum.packing import whole
from probandum.record import Record, read_bytes
from probandum.target import Problem, Target, TargetContext, target

_ANSWERED = "name a record that still has them"


@target("replay")
class ReplayTarget(Target):
    """The answers that stand in the record of an earlier audit, found by the digest of what was asked.

    ``record``: the folder of the audit. A request that was never recorded raises TargetError: a replay does
    not guess. Of an ask that was recorded more than once (``fresh`` ones) the first answer is given. RecordError where
    a recorded answer is not the one whose digest stands beside it.
    """

    recorded = True

    def __init__(self, context: TargetContext, *, record: Text) -> None:
        self._record = Record.open(context.resolve(record))
        recorded = self._record.environment.get("target", {})
        self._of = dict(recorded)
        self._answers: dict[str, dict[range, Response]] = {}
        for observation in compared_entries(self._record.observed):
            if not isinstance(observation, Observation):
                continue
            if observation.purged:
                raise TargetError(f"{record}: its answers were purged", remedy=_ANSWERED)
            self._answers.setdefault(observation.named, {}).setdefault(observation.places, observation.answer)
        if not self._answers:
            raise TargetError(f"{record}: the record holds no answers", remedy="name the record of a finished audit")
        self.capabilities = frozenset(Capability(kind) for kind in recorded.get("capabilities", ()))
        self.why_not = {Capability(kind): why for kind, why in recorded.get("why_not", {}).items()}
        self.labels = tuple(recorded.get("labels", ()))
        self._digest = codec.digest(read_bytes(self._record.observed))
        self.cautions = (
            *recorded.get("cautions", ()),
            "Answers were replayed from a recorded audit; the system itself was not asked.",
        )

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The recorded answers."""
        return (Record.open(context.resolve(str(options["record"]))).observed,)

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """Whether the answers were deleted."""
        if (context.resolve(options["record"]) / "purge.dsse.json").is_file():
            yield Problem(("record",), f"{options['record']}: its answers were purged; {_ANSWERED}")

    def identity(self) -> Mapping[str, Any]:
        """The digest of the recorded answers, and what gave them."""
        return {
            "sha256": self._digest,
            "answers": len(self._answers),
            "recorded_type": self._of.get("type"),
            "recorded_identity": self._of.get("identity"),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """What was answered then."""
        return [self._recorded(request) for request in requests]

    def _recorded(self, request: Request) -> Response:
        answers = self._answers.get(request.digest, {})
        if sum(map(len, answers)) != len(request):
            raise TargetError(
                f"{self._record.folder}: no recorded answer to {request.kind} request {request.digest}",
                remedy="replay the plan that was recorded, with the same probes, options and seed",
            )
        places = sorted(answers, key=lambda each: each.start)  # of a pack that broke pieces were recorded first
        return whole(places, [answers[each] for each in places])
