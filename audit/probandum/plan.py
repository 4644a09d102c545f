"""A checked audit file: what the rest of the toolkit reads of it.

Its four parts have four digests. *ask* (target, data, groups, suites, execution, energy) keys the record;
*judge* (limits, gate), *declare* (card, documents) and *waive* can change without asking anything again. A tier's
options stand in *ask* in place of the plan's own. Budget and price stand in none: they end the asking and change no
question, so that with a larger budget the same record goes on.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.budget import Budget, Price
from probandum.document import ALL
from probandum.errors import PlanError, UsageError, meant_or_known
from probandum.finding import Limit, Waiver
from probandum.plan_checks import (
    Problem,
    contradictions,
    target_problems,
    unmatched_groups,
    untrue,
    written_target_problems,
)
from probandum.plan_file import Energy, Execution, LimitLine, PlanFile
from probandum.plan_reading import card_of, model_of
from probandum.resources import file_at
from probandum.resting import Conduct
from probandum.subject import Decision
from probandum.tables import REFUSED, Kept
from probandum.target import Target, TargetContext
from probandum.yaml_source import YamlSource, read_yaml

#: What a tier means for the gate, besides what the plan says it asks.
MODES: Mapping[str, str] = {"pr": "merge", "nightly": "release", "release": "release"}
_ASK = ("target", "data", "decision", "groups", "suites", "execution", "energy")
_JUDGE = ("limits", "gate")


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """One audit file, read and checked as far as that needs no model."""

    path: Path
    file: PlanFile
    card: Mapping[str, Any]
    yaml: YamlSource
    tier: str | None = None

    @classmethod
    def load(cls, path: Path, *, today: datetime.date | None = None) -> Plan:
        """The plan in ``path``; PlanError with every problem at once, each with its place.

        ``today``: the day by which a limit must have been set, by default this machine's.
        """
        plan, problems = cls.read(path, today=today)
        if plan is None or problems:
            raise PlanError(problems)
        return plan

    @classmethod
    def read(
        cls, path: Path, *, today: datetime.date | None = None, targets: Mapping[str, type[Target]] | None = None
    ) -> tuple[Plan | None, list[str]]:
        """The plan in ``path`` and every problem of it, each with its place; None where it does not fit its model.

        ``targets``: those there are; with them the keys under ``target:`` are checked too, whatever else is wrong.
        PlanError where the file is no mapping that one could look at.
        """
        source = read_yaml(path, collect=True)
        problems = [*source.problems, *source.undecided.values()]
        wrong: list[Problem] = [] if targets is None else written_target_problems(source.values, path.parent, targets)
        plan: Plan | None = None
        try:
            file = model_of(source)
            wrong += contradictions(file, path.parent, targets)
            wrong += unmatched_groups(file)
            wrong += untrue(file, source, today or datetime.date.today())
            plan = cls(path=path, file=file, card={}, yaml=source)
            plan = replace(plan, card=card_of(source, file))
        except PlanError as error:
            problems += error.problems
        told = [source.problem(place, text) for place, text in wrong if place not in source.undecided]
        return plan, [*problems, *told]

    def problem(self, problem: Problem) -> list[str]:
        """One line of a problem with its place; none where a person has yet to decide what stands there."""
        place, text = problem
        return [] if place in self.yaml.undecided else [self.yaml.problem(place, text)]

    # What is asked.

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.path.parent

    @property
    def source(self) -> bytes:
        """The file as written."""
        return self.yaml.data

    def at_tier(self, tier: str | None) -> Plan:
        """The plan as ``tier`` asks it: its options in place of the plan's own; without a tier the plan itself."""
        if tier is None:
            return self
        if tier not in MODES:
            raise UsageError(f"no tier {tier!r}", remedy=f"known: {', '.join(MODES)}")
        changed = self.tiers.get(tier, {})
        suites = {
            name: {**(options or {}), **changed[name]} if name in changed else options
            for name, options in self.suites.items()
        }
        return replace(self, file=self.file.model_copy(update={"suites": suites}), tier=tier)

    @property
    def tiers(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Options by probe of every tier that asks otherwise than the plan."""
        return {str(tier): line.suites for tier, line in self.file.tiers.items() if line.suites}

    def tier_in_words(self) -> str:
        """What the plan's tier changes, in one line; empty where none was chosen."""
        if self.tier is None:
            return ""
        if self.tier not in self.tiers:
            return f"tier {self.tier}: asks what the plan asks, for want of tiers.{self.tier}; only the gate follows it"
        changed = self.tiers[self.tier].items()
        told = [f"{name} with {', '.join(f'{key} {value}' for key, value in each.items())}" for name, each in changed]
        return f"tier {self.tier}: asks {'; '.join(told)}"

    def suite_place(self, name: str) -> tuple[str, ...]:
        """Where the options of a probe stand: in the tier where it changes them."""
        inside = self.tier is not None and name in self.tiers.get(self.tier, {})
        return ("tiers", str(self.tier), "suites", name) if inside else ("suites", name)

    @property
    def budget(self) -> Budget:
        """Where asking ends, and what tokens cost."""
        price = self.file.target.price
        return Budget(
            **self.file.execution.budget.model_dump(), price=None if price is None else Price(**price.model_dump())
        )

    @property
    def target_type(self) -> str:
        """The name of the target."""
        return self.file.target.type

    @property
    def target_options(self) -> dict[str, Any]:
        """The other keys under ``target:``."""
        return dict(self.file.target.model_extra or {})

    @property
    def suites(self) -> Mapping[str, Mapping[str, Any] | None]:
        """Options by probe, in the order of the file."""
        return self.file.suites

    @property
    def execution(self) -> Execution:
        """Seed, device, precision, threads, batch size and cache."""
        return self.file.execution

    @property
    def energy(self) -> Energy:
        """Which meter, and what grid intensity is taken from."""
        return self.file.energy

    @property
    def conduct(self) -> Conduct:
        """How long metered parts rest and warm up."""
        told = self.file.energy
        return Conduct(
            idle_seconds=told.idle_seconds,
            warm_up_seconds=told.warm_up_seconds,
            warm_up_at_most=told.warm_up_at_most,
        )

    @property
    def seed(self) -> int:
        """The root of every random choice."""
        return self.file.execution.seed

    @property
    def data_path(self) -> Path | None:
        """The rows under audit, where the target does not bring its own."""
        return None if self.file.data is None else self.resolve(self.file.data.path)

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that the model takes, in order."""
        return () if self.file.data is None else tuple(self.file.data.features)

    @property
    def kept(self) -> Kept:
        """The columns that the system is asked about, those whose missing values it may be given, and whether it is.

        Features that say nothing else of a row: a label, a name, a weight or a group without a value is refused.
        Those that the plan calls text are no numbers with a slip among them.
        """
        if self.file.data is None:
            return REFUSED
        features, says = set(self.features), self.file.data.missing == "keep"
        others = {self.label, self.row_id, self.weight, self.cluster, *self._group_columns()}
        text = set(self.file.data.text)
        return Kept(columns=features - others, says=says, asked=features - text, text=text)

    @property
    def row_id(self) -> str | None:
        """The column that names a row."""
        return self.file.data.id if self.file.data is not None else self._of_log("id")

    @property
    def weight(self) -> str | None:
        """The column of sampling weights."""
        return self.file.data.weight if self.file.data is not None else self._of_log("weight")

    @property
    def cluster(self) -> str | None:
        """The column of the person that a row is about."""
        return self.file.data.cluster if self.file.data is not None else self._of_log("cluster")

    def _of_log(self, key: str) -> str | None:
        """A column that a log names among its own keys."""
        named = (self.file.target.model_extra or {}).get(key) if self.target_type == "log" else None
        return named if isinstance(named, str) else None

    @property
    def label(self) -> str | None:
        """The column of the outcome."""
        if self.file.data is not None:
            return self.file.data.label
        label = (self.file.target.model_extra or {}).get("label")
        return label if isinstance(label, str) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the data that the plan names."""
        named = [*self.features, self.label, self.row_id, self.weight, self.cluster, *self._group_columns()]
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @property
    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """The attributes whose groups are compared, as declared."""
        return {name: group.model_dump(exclude_none=True) for name, group in self.file.groups.items()}

    @property
    def decision(self) -> Decision | None:
        """Which decision is good for the person, and where a score becomes one; None where not declared."""
        if self.file.decision is not None:
            data = self.file.data
            return Decision(
                favourable=str(self.file.decision.favourable),
                positive=str(1 if data is None else data.positive),
                assumed=data is None or "positive" not in data.model_fields_set,
                threshold=self.file.decision.threshold,
                numeric=self.file.decision.outcome == "numeric",
            )
        options = self.file.target.model_extra or {}
        if self.target_type == "log" and options.get("favourable") is not None:
            decision = options.get("decision")
            return Decision(
                favourable=str(options["favourable"]),
                positive=str(options.get("positive", 1)),
                assumed=options.get("positive") is None,
                numeric=isinstance(decision, Mapping) and "number" in decision,
            )
        return None

    def _group_columns(self) -> list[str]:
        return [group.column or name for name, group in self.file.groups.items()]

    # What is judged, declared and waived.

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The declared limits, each with its line."""
        return tuple(self._limit(index, line) for index, line in enumerate(self.file.limits))

    def _limit(self, index: int, line: LimitLine) -> Limit:
        direction, threshold = line.direction()
        return Limit(
            metric=line.metric,
            direction=direction,
            threshold=threshold,
            around=line.around,
            margin=line.margin,
            alpha=line.alpha,
            source=line.source,
            citation=line.citation,
            set_by=line.set_by,
            set_on=None if line.set_on is None else line.set_on.isoformat(),
            reason=line.reason,
            line=self.yaml.mark(("limits", index)).line,
            family=line.family,
            groups={key: str(value) for key, value in line.groups.items()},
        )

    @property
    def mode(self) -> str:
        """Which gate decides: release or merge; the tier's, where one was chosen."""
        return self.file.gate.mode if self.tier is None else MODES[self.tier]

    @property
    def baselines(self) -> Mapping[str, Path]:
        """The folders of the records that changes are measured against, by name: merged, release."""
        named = {} if self.file.gate.baseline is None else self.file.gate.baseline.model_dump(exclude_none=True)
        return {name: self.resolve(path) for name, path in named.items()}

    @cached_property
    def must_not_change(self) -> tuple[str, ...]:
        """The keys of the items whose answer may not change at all; PlanError where the file with them is missing.

        Read once: a file that is edited while the audit goes on would give its judgement another digest.
        """
        listed = self.file.gate.must_not_change
        if not isinstance(listed, str):
            return tuple(listed)
        try:
            lines = self.resolve(listed).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            where = self.located("gate", "must_not_change")
            raise PlanError([f"{where}: no text file {listed}; expected one key a line"]) from None
        return tuple(line.strip() for line in lines if line.strip())

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """Who accepted which finding until when."""
        return tuple(
            Waiver(
                finding=waiver.finding,
                owner=waiver.owner,
                reason=waiver.reason,
                set_on=waiver.set_on.isoformat(),
                expires=waiver.expires.isoformat(),
                worst=waiver.worst,
                line=self.yaml.mark(("waivers", index)).line,
            )
            for index, waiver in enumerate(self.file.waivers)
        )

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents to write."""
        return tuple(self.file.documents)

    def card_text(self, key: str) -> str:
        """A declared fact as text; empty where the card is silent."""
        value = self.card.get(key)
        return "" if value is None else str(value)

    @property
    def slug(self) -> str:
        """The system's name as part of a file name, of at most 60 characters: a digest behind it tells plans apart."""
        return re.sub(r"[^a-z0-9]+", "-", self.card_text("name").lower())[:60].strip("-") or "system"

    # The whole.

    def parts(self) -> dict[str, Any]:
        """The four parts as plain values, defaults filled in."""
        values = self.file.model_dump(mode="json", exclude_none=True)
        values["execution"].pop("budget")
        values["target"].pop("price", None)
        values["gate"]["must_not_change"] = list(self.must_not_change)  # the keys, wherever they stand
        return {
            "ask": {key: values[key] for key in _ASK if key in values},
            "judge": {key: values[key] for key in _JUDGE if key in values},
            "declare": {"system": dict(self.card), "documents": list(self.documents)},
            "waive": {"waivers": values["waivers"]},
        }

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each part."""
        return {name: codec.digest_of(part) for name, part in self.parts().items()}

    @property
    def lines(self) -> dict[str, int]:
        """The line of every value by its dotted path."""
        return {".".join(map(str, place)): mark.line for place, mark in self.yaml.marks.items() if place}

    def resolve(self, path: str) -> Path:
        """``path`` as the plan means it."""
        return file_at(self.folder, path)

    def located(self, *place: str | int) -> str:
        """``file:line:column: path`` of a value."""
        return f"{self.yaml.mark(place)}: {'.'.join(map(str, place))}"

    def check_names(
        self,
        *,
        probes: Iterable[str] | None = None,
        targets: Mapping[str, type[Any]] | None = None,
        documents: Iterable[str] | None = None,
    ) -> None:
        """PlanError for every probe, target, target key or document that nobody knows."""
        problems = []
        if targets is not None:
            context = TargetContext(folder=self.folder, features=self.features)
            wrong = target_problems(self.target_type, self.target_options, context, known=targets)
            problems = [line for each in wrong for line in self.problem(each)]
        suites = {("suites", name): name for name in self.suites}
        named = {("documents", index): name for index, name in enumerate(self.documents) if name != ALL}
        for what, known, places in (("probe", probes, suites), ("document", documents, named)):
            names = None if known is None else sorted(known)
            problems += [
                self.yaml.problem(place, f"unknown {what} {name!r}{meant_or_known(name, names)}")
                for place, name in places.items()
                if names is not None and name not in names
            ]
        if problems:
            raise PlanError(problems)
