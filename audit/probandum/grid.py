"""The carbon intensity of a country's grid, as codecarbon's table has it, with the year that it is of."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from probandum.errors import MissingDependency, UsageError


def grid_intensity(country: str) -> tuple[float, int]:
    """Grams of CO2e per kWh of a country's grid by codecarbon's table, and the year they are of.

    UsageError where the table lacks the country: codecarbon itself would take the world average without a word.
    """
    if problem := unknown_country(country):
        raise UsageError(f"energy.country: {problem}")
    table = _table()
    if not table:
        raise MissingDependency("codecarbon", needed_for="energy.country", extra="energy")
    found = table[country]
    return float(found["carbon_intensity"]), int(found["year"])


def unknown_country(country: str) -> str | None:
    """What is wrong with a country's code; None where codecarbon's table has it, or is not installed to ask.

    >>> unknown_country("DEU"), unknown_country("GER")
    (None, "codecarbon's table has no 'GER', did you mean 'DEU' (Germany)?")
    """
    names = {code: str(facts.get("country_name", code)) for code, facts in _table().items()}
    if not names or country in names:
        return None
    like = [code for code, name in names.items() if name.upper().startswith(country)]
    like += difflib.get_close_matches(country, names, n=1)
    hint = f", did you mean {like[0]!r} ({names[like[0]]})?" if like else ""
    return f"codecarbon's table has no {country!r}{hint or '; give an ISO 3166 alpha-3 code such as DEU'}"


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """codecarbon's grid intensities by country, read without loading codecarbon; empty where it is not installed."""
    spec = find_spec("codecarbon")
    if spec is None or spec.origin is None:
        return {}
    table = Path(spec.origin).parent / "data" / "private_infra" / "global_energy_mix.json"
    mix: Mapping[str, Mapping[str, Any]] = json.loads(table.read_text("utf-8"))
    return mix
