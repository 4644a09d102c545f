"""An audit file as pytest collects it: a test a probe, one a limit, and one for the accounting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from probandum import api
from probandum.errors import ProbandumError
from probandum.finding import Limit, Verdict
from probandum.plan import Plan
from probandum.testing import checks
from probandum.testing.auditing import Auditing
from probandum.testing.checks import Check
from probandum.testing.once import Audited, calm
from probandum.yaml_source import Mark

Look = Callable[[Audited], Check]


class AuditFile(pytest.File):
    """An audit file; a mistake in it is a collection error of the lines that `plan check` prints."""

    def collect(self) -> Iterator[AuditItem]:
        """What the plan says is tested, in its order; nothing is asked for it."""
        try:
            with calm():
                plan = api.check_plan(self.path)
        except ProbandumError as error:
            base = f"{self.config.invocation_params.dir}/"
            raise self.CollectError("\n".join(text.removeprefix(base) for text in error.lines())) from None
        limits = plan.limits
        for name in plan.suites:
            yield self._item(plan, name, partial(_on_probe, name), plan.yaml.mark(("suites", name)))
        for index, limit in enumerate(limits):
            look = partial(_on_limit, limit, limits)
            yield self._item(plan, _limit_name(limit), look, plan.yaml.mark(("limits", index)))
        yield self._item(plan, "accounting", partial(_on_accounting, limits), plan.yaml.mark(()))

    def _item(self, plan: Plan, name: str, look: Look, mark: Mark) -> AuditItem:
        item: AuditItem = AuditItem.from_parent(self, name=name, plan=plan, look=look, mark=mark)
        return item


class AuditItem(pytest.Item):
    """One thing that an audit says; the first of its file to run carries the audit out."""

    def __init__(self, *, plan: Plan, look: Look, mark: Mark, **others: Any) -> None:
        super().__init__(**others)
        self.add_marker("audit")
        self._plan, self._look, self._mark = plan, look, mark
        self._check: Check | None = None

    def setup(self) -> None:
        """Make or read the record: what is in error ends here, as pytest's own errors do."""
        auditing = self.config.stash[Auditing.key]
        done = auditing.of(self._plan)
        self._check = self._look(done) if done.result.trusted else checks.on_causes(done.result)
        auditing.keep(self, self._check, done)
        if self._check.verdict is Verdict.ERROR:
            auditing.settle(self._check)

    def runtest(self) -> None:
        """Say it."""
        assert self._check is not None
        self.config.stash[Auditing.key].settle(self._check)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the plan, from 0, and a heading."""
        return Path(self._mark.file), self._mark.line - 1, f"{self.name} ({self._plan.card_text('name')})"


def _on_probe(name: str, done: Audited) -> Check:
    return checks.on_probe(name, done.record.results, done.told.findings)


def _on_limit(limit: Limit, limits: tuple[Limit, ...], done: Audited) -> Check:
    return checks.on_limit(limit, limits, done.told.findings, mode=done.result.mode)


def _on_accounting(limits: tuple[Limit, ...], done: Audited) -> Check:
    return checks.on_accounting(limits, *done.told)


def _limit_name(limit: Limit) -> str:
    """The metric, and what narrows it, as a test's name.

    >>> _limit_name(Limit(metric="p/m", direction="at_most", threshold=1, groups={"group": "F", "attribute": "sex"}))
    'p/m[attribute=sex,group=F]'
    """
    narrowed = ",".join(f"{key}={value}" for key, value in sorted(limit.groups.items()))
    return f"{limit.metric}[{narrowed}]" if narrowed else limit.metric
