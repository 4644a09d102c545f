"""Asking an OpenAI-compatible server: rounds side by side, each answer in its place, and what is left of a break."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from probandum.errors import TargetError
from probandum.evidence import Request, Response
from probandum.packing import name_of, part
from probandum.target import Piece
from probandum.targets.acquainted import Handshake
from probandum.targets.dialect import Answer, Unreadable
from probandum.targets.endpoint import Call, Endpoint, Reply
from probandum.targets.phrasing import Bodies
from probandum.targets.prompting import Unanswerable, attempt
from probandum.targets.usage import counted, used

#: What is made of the answers to one request.
Read = Callable[[Request, Sequence[Answer]], Response]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Time:
    """One time that some requests were asked. ``made``: what was sent for each; ``came``: None while it goes on."""

    requests: Sequence[Request]
    made: Sequence[Bodies | str]
    read: Read
    came: Sequence[Reply | None] | None = None


class Asking:
    """One server as the handshake met it. ``changed``: why it is another one; ``seen``: its fingerprints so far.

    Of the last round: ``attempts``, the most tries that one ask took; ``came``, all replies.
    """

    def __init__(self, endpoint: Endpoint, met: Handshake) -> None:
        self._endpoint, self._met = endpoint, met
        self.changed: str | None = None
        self.seen = set(met.fingerprints)
        self.attempts = 1
        self.came: list[Reply | None] = []
        self._round: Sequence[Request] = ()
        #: What was asked in this round, one time after the other, and what came.
        self._times: list[_Time] = []

    def begin(self, requests: Sequence[Request]) -> None:
        """A round of these requests."""
        self.attempts, self.came, self._round, self._times = 1, [], requests, []

    def ask(self, requests: Sequence[Request], bodies: Callable[[Request], Bodies], read: Read) -> list[Response]:
        """What ``read`` makes of the answers to the ``bodies`` of each request, all of them sent side by side."""
        made = [attempt(bodies, request) for request in requests]
        path = self._met.dialect.path
        calls = [Call(path=path, body=body) for each in made if not isinstance(each, str) for body in each]
        self._endpoint.came = []
        self._times.append(_Time(requests=requests, made=made, read=read))
        try:
            replies = iter(self._endpoint.send(calls))
            return [
                Response(error=each)
                if isinstance(each, str)
                else self._read(request, [next(replies) for _ in each], read)
                for request, each in zip(requests, made, strict=True)
            ]
        finally:
            self._times[-1] = replace(self._times[-1], came=self._endpoint.came)
            self.came += self._endpoint.came
            self.attempts = max(self.attempts, self._endpoint.attempts)

    @property
    def kept(self) -> Iterator[Piece]:
        """Each input of the round whose asks were all answered; of a request that was asked two times, the last."""
        for number, time in enumerate(self._times):
            later = [id(each) for then in self._times[number + 1 :] for each in then.requests]
            came = iter(self._endpoint.came if time.came is None else time.came)
            for request, bodies in zip(time.requests, time.made, strict=True):
                asks = 0 if isinstance(bodies, str) else len(bodies) // len(request)
                place = next(place for place, each in enumerate(self._round) if each is request)
                for row in range(len(request) if asks else 0):
                    replies = [reply for reply in itertools.islice(came, asks) if reply is not None]
                    if len(replies) < asks or id(request) in later:
                        continue
                    with contextlib.suppress(TargetError):  # another system's, or what no ask of this model is answered
                        response = self._read(part(request, row, row + 1), replies, time.read)
                        if response.error is not None or response.outputs is not None or response.texts:
                            yield Piece(place=place, inputs=range(row, row + 1), response=response)

    def _read(self, request: Request, replies: Sequence[Reply], read: Read) -> Response:
        asks = len(replies) // len(request)
        answers: list[Answer] = []
        try:
            for place, reply in enumerate(replies):
                answers.append(self._answer(reply, name_of(request, place // asks)))
            refused = dict.fromkeys(place // asks for place, answer in enumerate(answers) if answer.refused)
            response = replace(read(request, answers), refused=tuple(refused))
            return counted(response, [(each.input_tokens, each.output_tokens) for each in answers])
        except Unanswerable as error:
            return counted(Response(error=str(error)), used(replies))

    def _answer(self, reply: Reply, name: str) -> Answer:
        """One answer; Unanswerable where this one is none, TargetError where it is another system's."""
        if reply.status == 404:
            raise TargetError(f"{self._endpoint.base}{self._met.dialect.path}: {reply.problem()}")
        try:
            if not reply.well:
                raise Unreadable(reply.problem())
            answer = Answer.read(reply.json())
        except ValueError as error:
            raise Unanswerable(f"{name}: {error}") from None
        self.changed = self.changed or self._met.changed(answer)
        if self.changed is not None:
            raise TargetError(f"{self._endpoint.base}: {self.changed}", remedy="audit one system at a time")
        if answer.fingerprint is not None:
            self.seen.add(answer.fingerprint)
        return answer
