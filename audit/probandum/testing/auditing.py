"""The ``audit`` fixture: records for tests of one's own, and what a record says as a test's outcome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probandum.errors import ProbandumError, UsageError
from probandum.testing.outcomes import Inconclusive, NotApplicable, Waived

if TYPE_CHECKING:
    from probandum.finding import Finding
    from probandum.plan import Plan
    from probandum.record import Record
    from probandum.testing.checks import Check
    from probandum.testing.once import Audited


class Auditing:
    """Audits for tests, each carried out once a session.

        record = audit("audit.yaml")                    # relative to pytest's rootdir
        record.findings
        audit.check(record, "bias.group-rates")         # a probe, a metric or a finding's id; without one the gate

    ``inconclusive``: block, allow, or empty for what the gate's mode says.
    """

    key = pytest.StashKey["Auditing"]()

    def __init__(self, config: pytest.Config, *, inconclusive: str) -> None:
        self._config = config
        self._inconclusive = inconclusive
        self._done: dict[Path, Audited] = {}
        self.running: pytest.Item | None = None

    def __call__(self, plan: str | Path | Plan) -> Record:
        """The record of an audit file, made at the session's first call; the test fails where there is none."""
        from probandum import api
        from probandum.plan import Plan
        from probandum.testing import checks
        from probandum.testing.once import calm

        try:
            with calm():
                checked = api.check_plan(plan if isinstance(plan, Plan) else self._config.rootpath / plan)
        except ProbandumError as error:
            raise _failed(error) from None
        done = self.of(checked)
        if not done.result.trusted:
            self.settle(checks.on_causes(done.result))
        return done.record

    def check(self, record: Record, name: str | None = None) -> tuple[Finding, ...]:
        """The findings of a probe, a metric or an id where they pass; the test ends with their verdict otherwise.

        Without ``name``: all that the gate says of ``record``.
        """
        from probandum.testing import checks

        try:
            done = self._gated(record)
            if not done.result.trusted:
                check = checks.on_causes(done.result)
            elif name is None:
                check = checks.on_gate(*done.told)
            else:
                check = checks.on_name(name, done.told.findings, mode=done.result.mode)
        except ProbandumError as error:
            raise _failed(error) from None
        if self.running is not None:
            self.keep(self.running, check, done)
        self.settle(check)
        known = {finding.id: finding for finding in done.findings} if check.findings else {}
        return tuple(known[finding.id] for finding in check.findings)

    def of(self, plan: Plan) -> Audited:
        """How the audit of ``plan`` ended."""
        from probandum.testing.once import audited

        path = plan.path.resolve()
        if path not in self._done:
            out = self._config.getoption("audit_out")
            folder = self.folder()
            if folder is None:
                raise _failed(UsageError("an audit needs pytest's temporary folder", remedy="drop -p no:tmpdir"))
            self._done[path] = audited(
                plan,
                folder,
                out=None if out is None else self._config.invocation_params.dir / out,
                tier=self._config.getoption("audit_tier"),
            )
        return self._done[path]

    def folder(self) -> Path | None:
        """The session's own folder, one for all its processes; None without pytest's temporary folder."""
        given = getattr(self._config, "workerinput", {}).get("probandum")
        if given is not None:
            return Path(given)
        temporary: pytest.TempPathFactory | None = getattr(self._config, "_tmp_path_factory", None)
        return None if temporary is None else temporary.getbasetemp() / "probandum"

    def keep(self, item: pytest.Item, check: Check, done: Audited) -> None:
        """Say the findings as properties of ``item``, which JUnit files keep."""
        from probandum.testing.checks import properties

        item.user_properties += [*properties(check), ("audit.record", done.digest or "none")]

    def settle(self, check: Check) -> None:
        """End the running test as ``check`` says; return where it passes."""
        from probandum.finding import Verdict

        text = "\n".join(check.lines)
        if check.verdict in (Verdict.FAIL, Verdict.ERROR):
            raise pytest.fail.Exception(text, pytrace=False)
        if check.verdict is Verdict.INCONCLUSIVE:
            blocks = {"block": True, "allow": check.always}.get(self._inconclusive, check.blocks)
            raise Inconclusive(text, blocks=blocks)
        if check.waived:
            raise Waived(text)
        if check.verdict is Verdict.NOT_APPLICABLE:
            raise NotApplicable(text)

    def _gated(self, record: Record) -> Audited:
        from probandum.testing.once import gated

        folder = str(record.folder)
        return next((done for done in self._done.values() if done.folder == folder), None) or gated(record.folder)


def _failed(error: ProbandumError) -> BaseException:
    return pytest.fail.Exception("\n".join(error.lines()), pytrace=False)
