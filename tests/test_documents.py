"""README and the other texts at the top: what they show is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from paths import ROOT
from probandum.cli import app
from probandum.plugins import load_plugins
from probandum.probe import ProbeSpec, known_probes

#: Where a module or a file may stand that a text names by the end of its path alone.
PARTS = ("audit", "probes", "reports", "templates", "datasets")
README = (ROOT / "README.md").read_text("utf-8")


def block(name: str) -> str:
    """What stands between two marks of the README."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)<!-- {name}:end -->", README, re.DOTALL)
    assert found is not None
    return found.group(1)


def shipped(spec: ProbeSpec) -> bool:
    """Whether a probe comes with the toolkit; other tests register some of their own."""
    return str(spec.cls.__module__).startswith("probandum_probes.")


def test_the_readme_lists_the_probes_that_there_are() -> None:
    """Each with its own sentence, as `probandum probes` prints them."""
    load_plugins()
    expected = [f"- `{name}`: {spec.summary}" for name, spec in known_probes().items() if shipped(spec)]

    assert expected == [line for line in block("probes").splitlines() if line]


def test_every_command_of_the_readme_exists() -> None:
    """`probandum WORD` in the text is a command of the program."""
    words = set(re.findall(r"`probandum ([a-z]+)", README))
    listed = CliRunner().invoke(app, ["--help"]).output

    assert words
    assert set() == {word for word in words if not re.search(rf"^  {word} ", listed, re.MULTILINE)}


def test_the_floors_of_the_architecture_are_the_ones_that_are_enforced() -> None:
    """Every module of the contract stands in the drawing, on a line of its own floor."""
    contract = re.search(r"layers = \[\n(.*?)\n\]", (ROOT / "pyproject.toml").read_text("utf-8"), re.DOTALL)
    drawn = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("## Floors of the core")[1].split("──")[0]
    assert contract is not None
    floors = [re.findall(r"probandum\.(\w+)", line) for line in contract.group(1).splitlines()]
    lines = [
        re.split(r"\s{3,}", line.strip())[0].split(" | ") for line in drawn.splitlines() if line.startswith("    ")
    ]

    assert floors == [[word.strip() for word in line] for line in lines if line != [""]]


def paths_in(text: str) -> set[str]:
    """What a text cites as a file or folder: a name in backticks with a slash at its end, a suffix, or a known root.

    >>> sorted(paths_in("`a.py`, `templates/<id>/`, `tests/contracts`, `probe/metric/change`, `.onnx`, [b](C.md)"))
    ['C.md', 'a.py', 'templates/*/', 'tests/contracts']
    """
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    named = re.findall(r"`([\w<][\w<>./-]*)`", prose) + re.findall(r"\]\((?!\w+:|#)([^)#]+)", prose)
    cited = {
        name
        for name in named
        if re.search(r"(/|\.(py|md|toml|ya?ml|jsonl?|png))$", name) or (ROOT / name.split("/")[0]).is_dir()
    }
    return {re.sub(r"<\w+>", "*", name) for name in cited}


def there_is(name: str) -> bool:
    """Whether a path stands in the repository, in one of its packages, or is one that the core writes or reads."""
    if any(ROOT.glob(name)) or any(any((ROOT / part).rglob(name)) for part in PARTS):
        return True
    last = name.rstrip("/").rpartition("/")[2]
    return any(f'"{last}"' in path.read_text("utf-8") for path in (ROOT / "audit").rglob("*.py"))


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_every_path_that_a_text_cites_exists(name: str) -> None:
    """A reader finds what a text points at: in the repository, or in a record that an audit leaves."""
    cited = paths_in((ROOT / name).read_text("utf-8"))

    assert [] == sorted(path for path in cited if not there_is(path))


def test_a_path_that_is_nowhere_is_found() -> None:
    """The check of cited paths sees a file that is missing and a folder that was renamed."""
    cited = paths_in("`benchmarks/results/none.md`, `tests/contrasts`, `audit/probandum/judging.py`, `no_module.py`")

    assert {"benchmarks/results/none.md", "tests/contrasts", "no_module.py"} == {
        path for path in cited if not there_is(path)
    }


def test_the_texts_speak_of_the_project_alone() -> None:
    """No path of somebody's machine, and no word that the product never says of a system as praise."""
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text("utf-8")
        assert None is re.search(r"/(root|home|work|opt|tmp)/", text), name


def test_the_probe_of_the_contributors_page_runs() -> None:
    """Whoever copies it has a probe that measures, and whose controls hold."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)
    code += (
        "from fakes import KeywordClassifier, run_probe\n"
        "from probandum.probe import make_probe\n"
        "result = run_probe(make_probe('safety.flags', {}), KeywordClassifier())\n"
        "print(result.status, result.measures[0].estimate.value, *(each.held for each in result.controls))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT / "tests"
    )  # in a process of its own: a probe that is registered stays so

    assert ("measured 0.0 True True", "") == (ended.stdout.strip(), ended.stderr)
