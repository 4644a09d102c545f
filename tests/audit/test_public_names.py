"""Public names, the tree of errors, and what importing costs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest

import probandum
from probandum import errors
from probandum.errors import ProbandumError, UnknownName, did_you_mean

#: What no plan check and no listing may wait for.
HEAVY = ("numpy", "scipy", "pydantic", "torch", "transformers", "sklearn", "pandas", "shap", "lime", "matplotlib")


def modules() -> list[str]:
    """Every module of the core."""
    found = pkgutil.walk_packages(probandum.__path__, prefix="probandum.")
    return sorted(module.name for module in found if "_shipped" not in module.name)


def tree_drawn() -> dict[str, tuple[str, int]]:
    """Class, its base and its exit code, as the docstring of ``errors`` draws them."""
    drawn: dict[str, tuple[str, int]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"    ([│├└─ ]*)(\w+) +(\d) .*", line)
        if found:
            depth = len(found[1]) // 4
            above = [*above[:depth], found[2]]
            drawn[found[2]] = (above[-2] if depth else "Exception", int(found[3]))
    return drawn


def classes() -> list[type[ProbandumError]]:
    """Every error of the package, wherever it is defined."""
    for name in modules():
        importlib.import_module(name)
    made: list[type[ProbandumError]] = [ProbandumError]
    for cls in made:
        made += [sub for sub in cls.__subclasses__() if sub.__module__.startswith("probandum") and sub not in made]
    return made


def test_public_names_are_sorted_and_each_is_there() -> None:
    """What ``__all__`` promises can be imported, has a docstring, and is the thing of that name."""
    assert sorted(probandum.__all__) == list(probandum.__all__)
    for name in probandum.__all__:
        value = getattr(probandum, name)
        assert name == value.__name__
        assert inspect.getdoc(value)
        assert name in dir(probandum)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="module 'probandum' has no attribute 'audits'"):
        _ = probandum.audits


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Names are loaded when they are used; the errors, which the command line needs, are light."""
    program = f"import sys, probandum, probandum.errors, probandum.cli; print([m for m in {HEAVY} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert "[]" == out.strip()


def test_the_drawn_tree_of_errors_is_the_tree() -> None:
    """Every class with its base and its exit code, and no class more."""
    actual = {cls.__name__: (cls.__bases__[0].__name__, cls.exit_code) for cls in classes()}

    assert actual == tree_drawn()


def test_an_error_is_one_line_with_its_remedy_behind_it() -> None:
    """What, where, expected, got; then what to do."""
    plain, mended = errors.TargetError("model.skops: no model"), errors.DataError("rows.csv: empty", remedy="fill it")

    assert ["model.skops: no model"] == plain.lines()
    assert ["rows.csv: empty; fill it"] == mended.lines()
    assert "rows.csv: empty" == str(mended) == mended.message
    assert ["a:1:2: x", "a:3:4: y"] == errors.PlanError(["a:1:2: x", "a:3:4: y"]).lines()


def test_errors_are_what_python_calls_them_too() -> None:
    """Whoever catches the built-in class catches ours."""
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(errors.UnknownName, LookupError)
    assert issubclass(errors.UnsafeRefused, PermissionError)
    assert issubclass(errors.MissingDependency, ImportError)
    assert issubclass(errors.RecordError, ValueError)


def test_an_unknown_name_suggests_the_nearest() -> None:
    """And lists what is known, sorted."""
    error = UnknownName("probe", "bias.group-rate", ["energy.inference", "bias.group-rates"])

    assert (
        "unknown probe 'bias.group-rate', did you mean 'bias.group-rates'?; known: bias.group-rates, energy.inference"
        == error.lines()[0]
    )
    assert "" == did_you_mean("x", [])


def test_a_missing_package_says_how_to_install_it() -> None:
    """With the extra's name."""
    error = errors.MissingDependency("skops", needed_for="model.skops", extra="skops")

    assert ["skops is not installed, and model.skops needs it; install it with: pip install 'probandum[skops]'"] == (
        error.lines()
    )
