"""Places: the line of every suite and limit, in the file in which it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from probandum.places import Spot, from_root, spot_on, spots
from probandum.yaml_source import read_yaml

BASE = """\
suites: {bias.base: {}}
limits:
  - {metric: bias.base/a, at_most: 1}
  - {metric: bias.base/b, at_most: 1}
  - {metric: bias.base/c, at_most: 1}
"""


def write(folder: Path, **files: str) -> Path:
    """A repository with these YAML files in ``audits/``; the path of the last."""
    (folder / ".git").mkdir()
    (folder / "audits").mkdir()
    for name, text in files.items():
        (folder / "audits" / f"{name}.yaml").write_text(text, "utf-8")
    return folder / "audits" / f"{list(files)[-1]}.yaml"


def test_limits_and_suites_stand_where_they_were_written(tmp_path: Path) -> None:
    """From the repository's root, with the column behind the line's last character in UTF-16 units."""
    plan = write(tmp_path, plan="# 😀\n" + BASE)
    found = spots(read_yaml(plan))

    assert Spot(path="audits/plan.yaml", line=1, end=5) == found[""]
    assert Spot(path="audits/plan.yaml", line=2, end=24) == found["suites.bias.base"]
    assert Spot(path="audits/plan.yaml", line=5, end=38) == found["limits.1"]
    assert found["limits.1"] == spot_on(found, "limits", 5)
    assert spot_on(found, "limits", 2) is None
    assert spot_on(found, "waivers", 5) is None
    assert spot_on(found, "limits", None) is None


def test_what_is_inherited_stands_in_the_file_it_comes_from(tmp_path: Path) -> None:
    """And a list that was replaced leaves no place behind."""
    plan = write(
        tmp_path, base=BASE, plan="extends: base.yaml\nsuites: {bias.own: {}}\nlimits: [{metric: bias.own/a}]\n"
    )
    found = spots(read_yaml(plan))

    assert ("audits/base.yaml", 1) == (found["suites.bias.base"].path, found["suites.bias.base"].line)
    assert ("audits/plan.yaml", 2) == (found["suites.bias.own"].path, found["suites.bias.own"].line)
    assert ["limits.0"] == [place for place in found if place.startswith("limits.")]


def test_outside_of_a_repository_the_name_alone_is_said(tmp_path: Path) -> None:
    """No path of somebody's machine."""
    assert "audit.yaml" == from_root(tmp_path / "deep" / "audit.yaml")


@pytest.mark.parametrize(("path", "line", "end"), [("", 1, 1), ("a", 0, 1), ("a", 1, 0)])
def test_what_is_no_line_of_a_file_is_refused(path: str, line: int, end: int) -> None:
    """A damaged record cannot make a file that no reader takes."""
    with pytest.raises(ValueError, match="no line of a file"):
        Spot(path=path, line=line, end=end)
