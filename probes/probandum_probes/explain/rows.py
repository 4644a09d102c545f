"""Table rows as columns that can be replaced by what other rows hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.errors import DataError, UsageError
from probandum.evidence import ATTRIBUTED_ROWS, Capability, Column, Floats, Request, Response, Table
from probandum.gaps import absent, alike
from probandum.probe import Ask
from probandum.subject import Bools, Codes, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.explain.worlds import (
    Attributed,
    Instance,
    Removal,
    World,
    answered,
    class_scores,
    distinct,
    in_rounds,
    packed,
    spread,
)

#: Rows of the subject that stand for "this value is not known".
BACKGROUND = 100


class RowWorld(World):
    """Rows of the subject. A removed column takes its value elsewhere, as if it were independent of the others.

    ``median``: the middle value of the background (text: the most frequent one), a gap being none. ``row``: one row of
    the background, drawn once for each instance. ``background``: every row of it in turn, and the mean of the answers:
    the interventional value function of Shapley values, and one that may build unlikely rows.
    """

    operators = ("median", "row")
    occlusions = ("median", "background")
    reference = "background"

    def __init__(
        self, ask: Ask, instances: Sequence[Instance], rows: Table, *, background: Table, drawn: Sequence[int]
    ) -> None:
        super().__init__(ask, instances)
        self.rows = rows
        self.background = background
        self.drawn = tuple(drawn)
        self._median = Table({name: _middle(column) for name, column in background.columns.items()})

    @classmethod
    def open(cls, ask: Ask, *, inputs: int, label: int | None = None) -> RowWorld:
        """``inputs`` rows of the subject, each decided class in its share, and a background of 100 seeded rows.

        ``label``: the class that is explained in every row; by default each row's own decision.
        """
        whole = Decided.by(ask)
        rows = [" ".join(each) for each in zip(whole.keys, whole.contents, strict=True)]
        chosen = spread(whole.labels, rows, inputs, ask.rng("inputs"))
        rng = ask.rng("background")
        background = np.sort(rng.permutation(len(rows))[:BACKGROUND])
        drawn = rng.integers(len(background), size=len(rows))  # a row's own, whichever others are chosen
        return cls.among(ask, whole, chosen, background=background, drawn=drawn[chosen].tolist(), label=label)

    @classmethod
    def among(
        cls,
        ask: Ask,
        whole: Decided,
        chosen: Codes,
        *,
        background: Codes,
        drawn: Sequence[int] | None = None,
        label: int | None = None,
    ) -> RowWorld:
        """The rows at the places ``chosen``, and those at ``background`` that stand for what is not known.

        ``drawn``: the row of the background whose values each is given, by default the first. ``label``: as ``open``.
        """
        labels = whole.labels[chosen] if label is None else np.full(len(chosen), label)
        scores = class_scores(answered(whole.answer, "rows")[chosen], labels)
        instances = [
            Instance(
                key=whole.keys[place],
                features=tuple(whole.features),
                label=int(label),
                stratum=whole.answer.labels[int(label)],
                probability=float(probability),
                score=float(score),
                content=whole.contents[place],
            )
            for place, label, probability, score in zip(chosen, labels, *scores, strict=True)
        ]
        return cls(
            ask,
            instances,
            whole.features.take(chosen),
            background=whole.features.take(background),
            drawn=[0] * len(chosen) if drawn is None else drawn,
        )

    def first(self, count: int) -> RowWorld:
        """The same world with its first ``count`` rows only."""
        return RowWorld(
            self.ask,
            self.instances[:count],
            self.rows.take(np.arange(min(count, len(self)))),
            background=self.background,
            drawn=self.drawn[:count],
        )

    def inputs(self, operator: str) -> int:
        """How many rows stand for one version, at most."""
        return len(self.background) if operator == "background" else 1

    def varying(self, instance: int) -> Bools:
        """Which columns hold another value in some row of the background."""
        return np.array(
            [not alike(self.background[name], self.rows[name][[instance]]).all() for name in self.rows], dtype=bool
        )

    def request(self, removal: Removal) -> tuple[Request, Codes]:
        """The rows that are left. Rows that come out equal, as where a substitute holds the same value, are one."""
        substitutes = self._substitutes(removal)
        own = self.rows.take([removal.instance])
        same = np.column_stack([alike(substitutes[name], own[name]) for name in self.rows])
        kept = removal.kept[:, None, :] | same
        versions, count, width = kept.shape
        stays = kept.reshape(-1, width)
        source = np.where(stays.all(axis=-1), 0, np.tile(np.arange(count), versions))
        first, places = distinct(stays, *np.divmod(source, 256))
        stays, source = stays[first], source[first]
        columns = {
            name: np.where(stays[:, place], own[name], substitutes[name][source])
            for place, name in enumerate(self.rows)
        }
        operator = f"{removal.operator} {substitutes.digest}"
        request = Request(kind=Capability.PREDICT, inputs=Table(columns), masks=packed(own.digest, removal, operator))
        return request, places.reshape(versions, count)

    def row_scores(self, blocks: Sequence[tuple[int, Table]]) -> list[Floats]:
        """f of any rows, each block for the class of one instance, for neighbours that are drawn and not masked.

        From one round, or from as few as hold no more than ``MOST_INPUTS`` rows each.
        """
        answers = [
            answer
            for part in in_rounds([len(rows) for _, rows in blocks])
            for answer in self.ask(
                [Request(kind=Capability.PREDICT, inputs=rows) for _, rows in blocks[part.start : part.stop]]
            )
        ]
        return [
            class_scores(answered(answer, self.instances[place].key), np.array(self.instances[place].label)).log_odds
            for (place, _), answer in zip(blocks, answers, strict=True)
        ]

    def attributed(self, method: str, instances: Sequence[int], **parameters: int | str) -> list[Attributed]:
        """What a model of trees says of rows, in one block: of its second class, and of its first with signs turned.

        Interventional values are those against the background, which stands in front of the rows.
        """
        if Capability.ATTRIBUTE not in self.ask.capabilities:
            able = "the targets sklearn, xgboost and lightgbm, of boosted trees with two classes"
            raise UsageError(f"{method}: this system gives no attributions of rows", remedy=f"these do: {able}")
        front = self.background.take(np.arange(len(self.background) if method == "tree-interventional" else 0))
        request = Request(
            kind=Capability.ATTRIBUTE,
            inputs=behind(front, self.rows.take(list(instances))),
            parameters={"method": method, "background": len(front), "class": self.ask.labels[1], **parameters},
        )
        (answer,) = self.ask([request])
        values, first = answered(answer, "rows"), len(ATTRIBUTED_ROWS[method])
        signs = np.array([1.0 if self.instances[place].label == 1 else -1.0 for place in instances])
        by_column = {name: values[:, place] for place, name in enumerate(answer.labels[first:], first)}
        nothing = np.zeros(len(values))  # what a column does that the model does not take
        attributions = np.column_stack([by_column.get(name, nothing) for name in self.rows]) * signs[:, None]
        bases = signs * values[:, answer.labels.index("base")]
        return [Attributed(row, base) for row, base in zip(attributions, bases.tolist(), strict=True)]

    def _substitutes(self, removal: Removal) -> Table:
        if removal.operator == "median":
            return self._median
        if removal.operator == "row":
            return self.background.take([self.drawn[removal.instance]])
        return self.background


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decided:
    """All rows of the subject: what the system takes of them, what it answers, and the class that is decided on."""

    features: Table
    request: Request
    answer: Response
    labels: Codes
    keys: Sequence[str]
    contents: Sequence[str]

    @classmethod
    def by(cls, ask: Ask) -> Decided:
        """As the system answers; DataError where there is no row, or nothing to take."""
        subject = ask.subject
        names = features_of(subject)
        if len(subject) == 0 or not names:
            raise DataError("the plan's data hold no row, or no feature, to explain", remedy="check data.features")
        features, keys = subject.table.select(names), subject.keys()
        request = Request(kind=Capability.PREDICT, inputs=features, keys=keys)
        answer = ask([request])[0]
        answered(answer, "rows")
        return cls(
            features=features,
            request=request,
            answer=answer,
            labels=decided(subject, answer),
            keys=keys,
            contents=subject.contents(),
        )


def decided(subject: Subject, response: Response) -> Codes:
    """The column of the class the system decided on: by the plan's threshold where it names one, else the likeliest."""
    values, labels, decision = response.values, response.labels, subject.decision
    if decision is None or decision.threshold is None or len(labels) != 2 or decision.positive not in labels:
        return np.asarray(values.argmax(axis=1))
    positive = labels.index(decision.positive)
    return np.where(values[:, positive] >= decision.threshold, positive, 1 - positive)


def behind(first: Table, second: Table) -> Table:
    """The rows of one table behind those of another with the same columns."""
    return Table({name: np.concatenate([first[name], second[name]]) for name in first})


def _middle(column: Column) -> Column:
    """The lower median, so that it is a value that occurs; of text the most frequent value, the first in order.

    It is that of the numbers there are; a column without any has none.
    """
    if column.dtype.kind == "f":
        stated = column[~absent(column)]
        return np.quantile(stated, [0.5], method="lower") if len(stated) else column[:1]
    values, counts = np.unique(column, return_counts=True)
    return values[[counts.argmax()]]
