"""Table rows as columns that can be replaced by what other rows hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Capability, Column, Floats, Request, Response, Table
from probandum.probe import Ask
from probandum.subject import Codes, Subject
from probandum_probes.explain.worlds import Instance, Removal, World, answered, class_scores, packed, spread

#: Rows of the subject that stand for "this value is not known".
BACKGROUND = 100


class RowWorld(World):
    """Rows of the subject. A removed column takes its value elsewhere, as if it were independent of the others.

    ``median``: the middle value of the background (text: the most frequent one). ``row``: one row of the
    background, drawn once for each instance. ``background``: every row of it in turn, and the mean of the
    answers: the interventional value function of Shapley values, and one that may build unlikely rows.
    """

    operators = ("median", "row")
    occlusions = ("median",)

    def __init__(
        self, ask: Ask, instances: Sequence[Instance], rows: Table, *, background: Table, drawn: Sequence[int]
    ) -> None:
        super().__init__(ask, instances)
        self.rows = rows
        self.background = background
        self._drawn = tuple(drawn)
        self._median = Table({name: _middle(column) for name, column in background.columns.items()})

    @classmethod
    def open(cls, ask: Ask, *, inputs: int) -> RowWorld:
        """``inputs`` rows of the subject, each decided class in its share, and a background of 100 seeded rows."""
        subject = ask.subject
        names = subject.features or tuple(n for n in subject.table if n not in (subject.label, subject.row_id))
        if len(subject) == 0 or not names:
            raise DataError("the plan's data hold no row, or no feature, to explain", remedy="check data.features")
        features = subject.table.select(names)
        keys = subject.keys()
        answer = ask([Request(kind=Capability.PREDICT, inputs=features, keys=keys)])[0]
        probabilities = answered(answer, "rows")
        labels = decided(subject, answer)
        contents = subject.contents()
        rows = [" ".join(each) for each in zip(keys, contents, strict=True)]
        chosen = spread(labels, rows, inputs, ask.rng("inputs"))
        scores = class_scores(probabilities[chosen], labels[chosen])
        rng = ask.rng("background")
        background = np.sort(rng.permutation(len(subject))[:BACKGROUND])
        drawn = rng.integers(len(background), size=len(subject))  # a row's own, whichever others are chosen
        instances = [
            Instance(
                key=keys[place],
                features=names,
                label=int(labels[place]),
                stratum=answer.labels[int(labels[place])],
                probability=float(probability),
                score=float(score),
                content=contents[place],
            )
            for place, probability, score in zip(chosen, *scores, strict=True)
        ]
        return cls(
            ask,
            instances,
            features.take(chosen),
            background=features.take(background),
            drawn=drawn[chosen].tolist(),
        )

    def first(self, count: int) -> RowWorld:
        """The same world with its first ``count`` rows only."""
        return RowWorld(
            self.ask,
            self.instances[:count],
            self.rows.take(np.arange(min(count, len(self)))),
            background=self.background,
            drawn=self._drawn[:count],
        )

    def request(self, removal: Removal) -> tuple[Request, Codes]:
        """The rows that are left. Rows that come out equal, as where a substitute holds the same value, are one."""
        substitutes = self._substitutes(removal)
        own = self.rows.take([removal.instance])
        same = np.column_stack([substitutes[name] == own[name] for name in self.rows])
        kept = removal.kept[:, None, :] | same
        versions, count, width = kept.shape
        source = np.where(kept.all(axis=-1), 0, np.arange(count))
        codes = np.concatenate([np.packbits(kept, axis=-1), np.stack(np.divmod(source, 256), axis=-1)], axis=-1)
        flat = np.ascontiguousarray(codes.astype(np.uint8).reshape(versions * count, -1))
        _, first, places = np.unique(flat, axis=0, return_index=True, return_inverse=True)
        stays, source = kept.reshape(-1, width)[first], source.reshape(-1)[first]
        columns = {
            name: np.where(stays[:, place], own[name], substitutes[name][source])
            for place, name in enumerate(self.rows)
        }
        operator = f"{removal.operator} {substitutes.digest}"
        request = Request(kind=Capability.PREDICT, inputs=Table(columns), masks=packed(own.digest, removal, operator))
        return request, places.reshape(versions, count)

    def log_odds_of(self, instance: int, rows: Table) -> Floats:
        """f of any rows, for a library that makes its own neighbours of an instance; a round of its own."""
        found = self.instances[instance]
        answer = self.ask([Request(kind=Capability.PREDICT, inputs=rows)])[0]
        return class_scores(answered(answer, found.key), np.array(found.label)).log_odds

    def _substitutes(self, removal: Removal) -> Table:
        if removal.operator == "median":
            return self._median
        if removal.operator == "row":
            return self.background.take([self._drawn[removal.instance]])
        return self.background


def decided(subject: Subject, response: Response) -> Codes:
    """The column of the class the system decided on: by the plan's threshold where it names one, else the likeliest."""
    values, labels, decision = response.values, response.labels, subject.decision
    if decision is None or decision.threshold is None or len(labels) != 2 or decision.positive not in labels:
        return np.asarray(values.argmax(axis=1))
    positive = labels.index(decision.positive)
    return np.where(values[:, positive] >= decision.threshold, positive, 1 - positive)


def _middle(column: Column) -> Column:
    """The lower median, so that it is a value that occurs; of text the most frequent value, the first in order."""
    if column.dtype.kind == "f":
        return np.quantile(column, [0.5], method="lower")
    values, counts = np.unique(column, return_counts=True)
    return values[[counts.argmax()]]
