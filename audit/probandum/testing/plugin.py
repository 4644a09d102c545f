"""What pytest calls: options, the marker and the fixture, what is collected, and how outcomes are told.

It loads in every run of pytest wherever the package is installed: it imports nothing but pytest and names, and says
nothing in a suite that does not ask for an audit.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from probandum.testing.auditing import Auditing
from probandum.testing.outcomes import Unpassed

if TYPE_CHECKING:
    from probandum.testing.items import AuditFile

_SETTINGS = ("block", "allow")
_LETTERS = {"inconclusive": ("I", "INCONCLUSIVE"), "waived": ("W", "WAIVED")}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options begin with ``--audit``, settings with ``audit_``."""
    group = parser.getgroup("probandum", "audits of deployed models")
    group.addoption(
        "--audit", dest="audit_plans", action="append", default=[], metavar="PLAN",
        help="Run this audit file as tests: one a probe, one a limit, one for the accounting; may be repeated.",
    )  # fmt: skip
    group.addoption(
        "--audit-out", metavar="DIR",
        help="Keep the records here; a complete one of the same plan, model and data is judged again and not asked. "
        "By default each session asks anew, in its temporary folder.",
    )  # fmt: skip
    group.addoption("--audit-tier", choices=("pr", "nightly", "release"), help="By default the plan's gate.mode.")
    group.addoption(
        "--audit-inconclusive", choices=_SETTINGS,
        help="Whether pytest ends with 1 where a verdict is INCONCLUSIVE; by default as the plan's gate.mode says.",
    )  # fmt: skip
    parser.addini("audit_plans", type="paths", default=[], help="Audit files that are collected with the tests.")
    parser.addini("audit_inconclusive", default="", help="block or allow, as --audit-inconclusive.")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and what watches the outcomes."""
    config.addinivalue_line("markers", "audit: checks of an audit file, which may take long")
    inconclusive = config.getoption("audit_inconclusive") or config.getini("audit_inconclusive")
    if inconclusive not in ("", *_SETTINGS):
        raise pytest.UsageError(f"audit_inconclusive: expected {' or '.join(_SETTINGS)}, got {inconclusive!r}")
    config.stash[Auditing.key] = Auditing(config, inconclusive=inconclusive)
    config.pluginmanager.register(_Collecting(config), "probandum-collecting")
    config.pluginmanager.register(_Telling(config), "probandum-telling")


@pytest.fixture(scope="session")
def audit(pytestconfig: pytest.Config) -> Auditing:
    """Carries out audit files, each once a session: ``record = audit("audit.yaml")``, ``audit.check(record, ...)``."""
    return pytestconfig.stash[Auditing.key]


class _Collecting:
    """Audit files that were named, and no other YAML file.

    Those of ``--audit`` are always collected; those of the settings where an argument leads to them, and where the
    command line names no tests, as with ``testpaths``.
    """

    def __init__(self, config: pytest.Config) -> None:
        base = config.invocation_params.dir
        self._asked = [Path(os.path.normpath(base / plan)) for plan in config.getoption("audit_plans")]
        self._listed = [Path(os.path.normpath(plan)) for plan in config.getini("audit_plans")]
        self._met: set[Path] = set()

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> AuditFile | None:
        """An audit file that collecting meets."""
        return _collector(parent, file_path) if file_path in self._asked or file_path in self._listed else None

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Know which were met: a mistaken one leaves no tests."""
        self._met.add(collector.path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """The others, before anything is deselected: no setting of where to look for tests may hide an audit."""
        wanted = self._asked if config.args_source is config.ArgsSource.ARGS else [*self._asked, *self._listed]
        for path in dict.fromkeys(wanted):
            if path not in self._met:
                items += session.genitems(_collector(session, path))


class _Telling:
    """Reports of checks without a verdict, or with a waived one, on their way to the terminal, JUnit and exit code."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told: list[tuple[str, dict[str, Any], str]] = []

    @property
    def _worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the session's records are."""
        folder = self._config.stash[Auditing.key].folder()
        if folder is not None:
            node.workerinput["probandum"] = str(folder)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Know whose properties a check in a test belongs to."""
        auditing = self._config.stash[Auditing.key]
        auditing.running = item
        try:
            return (yield)
        finally:
            auditing.running = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mark what is a skip to pytest and not to us."""
        report = yield
        ended = None if call.excinfo is None else call.excinfo.value
        if isinstance(ended, Unpassed) and report.skipped:
            path, line, _ = item.reportinfo()
            report.longrepr = (str(path), (line or 0) + 1, str(ended))
            if ended.outcome in _LETTERS:
                report.probandum = {"outcome": ended.outcome, "blocks": ended.blocks}  # type: ignore[attr-defined]
                item.user_properties.append(("audit.outcome", ended.outcome))
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """A category, a letter and a word of their own."""
        told = getattr(report, "probandum", None)
        if told is None:
            return None
        letter, word = _LETTERS[told["outcome"]]
        return told["outcome"], letter, (word, {"yellow": True})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep them for the end."""
        told = getattr(report, "probandum", None)
        if told is not None and isinstance(report.longrepr, tuple):
            self._told.append((report.nodeid, told, report.longrepr[2]))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """End with 1 where a verdict is missing that blocks, and name its kind in the JUnit file."""
        ended = yield
        if self._told and not self._worker:
            if any(told["blocks"] for _, told, _ in self._told) and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            written = self._config.getoption("xmlpath", None)
            if written:
                _name_kinds(Path(os.path.expandvars(written)).expanduser())
        return ended

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The gate of every audit with its record, and what has no verdict or is waived."""
        folder = self._config.stash[Auditing.key].folder()
        made = folder is not None and folder.is_dir()
        if made or self._told:
            terminalreporter.section("audits")
        if folder is not None and made:
            from probandum.testing.once import gate_lines

            for line in gate_lines(folder):
                terminalreporter.line(line)
        for nodeid, told, text in self._told:
            word = _LETTERS[told["outcome"]][1] + (" (blocks)" if told["blocks"] else "")
            for line in text.splitlines():
                terminalreporter.line(f"{word} {nodeid}: {line}", yellow=True)


def _collector(parent: pytest.Session | pytest.Collector, path: Path) -> AuditFile:
    from probandum.testing.items import AuditFile

    made: AuditFile = AuditFile.from_parent(parent, path=path)
    return made


def _name_kinds(path: Path) -> None:
    """Give every skip that is none its own type: pytest writes one for all."""
    tree = ET.parse(path)
    for case in tree.iter("testcase"):
        skipped = case.find("skipped")
        for each in case.iterfind("properties/property[@name='audit.outcome']"):
            if skipped is not None:
                skipped.set("type", each.attrib["value"])
    tree.write(path, encoding="utf-8", xml_declaration=True)
