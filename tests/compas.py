"""ProPublica's file of COMPAS scores as a log of decisions, for tests that need a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paths import test_data
from probandum.matching import make_subject
from probandum.subject import Decision, Subject
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin

LOG = "compas-scores-two-years.deidentified.csv"


def compas(*, scored: bool = True, favourable: int = 0) -> tuple[Target, Subject]:
    """The unfiltered file: high risk from decile 5 on, the low risk is favourable, and the decile is the score."""
    load_builtin()
    options: Mapping[str, Any] = {
        "path": LOG,
        "decision": {"column": "decile_score", "at_least": 5},
        "favourable": favourable,
        "label": "two_year_recid",
        "positive": 1,
        **({"score": "decile_score"} if scored else {}),
    }
    target = make_target("log", TargetContext(folder=test_data("compas")), options)
    table = target.table()
    assert table is not None
    subject = make_subject(
        table=table,
        groups={"race": {"column": "race", "reference": "Caucasian"}, "sex": {"column": "sex"}},
        label="two_year_recid",
        decision=Decision(favourable=str(favourable), positive="1"),
    )
    return target, subject
