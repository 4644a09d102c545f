"""Word files as people fill them in: by hand with python-docx, and saved again by LibreOffice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from probandum_reports import ooxml
from probandum_reports.ooxml import name_of


def element(name: str, /, *children: Any, **attributes: str | int) -> Any:
    """An element of the library's tree with children."""
    (made,) = ooxml.trees(ooxml.element(name, **attributes))
    made.extend(children)
    return made


def controls(word: Any) -> list[tuple[str, Any]]:
    """Every content control of an opened file that has a tag, in reading order."""
    found = []
    for control in word.element.body.iter(name_of("sdt")):
        tag = control.find(name_of("sdtPr")).find(name_of("tag"))
        if tag is not None:
            found.append((str(tag.get(name_of("val"))), control))
    return found


def fill(source: Path, target: Path, values: Mapping[str, str], *, which: int = 0) -> Path:
    """``source`` with these texts in the controls of these tags, of several of one tag in the one that is ``which``."""
    import docx

    word = docx.Document(str(source))
    for tag, text in values.items():
        control = [each for name, each in controls(word) if name == tag][which]
        first, *rest = control.iter(name_of("t"))
        first.text = text
        for each in rest:
            each.text = ""
    word.save(str(target))
    return target


def saved_again(source: Path, folder: Path) -> Path:
    """``source`` opened and saved by LibreOffice, which drops tags and locks."""
    program = shutil.which("soffice")
    assert program is not None
    command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to"]
    command += ["docx:MS Word 2007 XML", "--outdir", str(folder / "saved"), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "saved" / source.name
