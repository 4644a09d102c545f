from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier, make_windows
from probandum import codec
from probandum.document import Document, Fact, Gap, Number
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.finding import Limit, Verdict
from probandum.withholding import WITHHELD, WITHHELD_TOO
from probandum_reports import facts
from probandum_reports.build import build
from probandum_reports.view import View, mark_of

OF_LIMITS = (Verdict.PASS, Verdict.FAIL)
UNSEEN = "not seen: the system answers behind an address"
WITHHELD_ID = "bias.group-rates/impact-ratio?nationality=CH~AT"
RATIO = "bias.group-rates/impact-ratio?age=25 or younger~over 25"


def view_of(dossier: Dossier) -> View:
    """A view without a document's own content."""
    return View(Document(id="none", title="", subtitle="", status="", front=(), nodes=()), dossier)


def test_a_finding_is_said_in_words(dossier: Dossier) -> None:
    """Title, groups, value, interval, n, verdict and limit come from the finding alone."""
    shown = view_of(dossier).shown(RATIO)

    assert ("Impact ratio", "age: 25 or younger against over 25") == (shown.title, shown.about)
    assert ("0.880", "95 % interval 0.744 to 1.009", "n = 500") == (shown.value, shown.interval, shown.n)
    assert ("Inconclusive", "at least 0.8") == (shown.verdict, shown.limit)
    assert "A verdict at this value would need about n = " in shown.reason


def test_an_unknown_finding_is_an_error(dossier: Dossier) -> None:
    """A number without a finding cannot be shown."""
    with pytest.raises(RecordError, match="no finding bias/none"):
        view_of(dossier).shown("bias/none")


def test_anchors_are_unique_and_safe_in_an_address(dossier: Dossier) -> None:
    """Every finding has an anchor of its own, of letters, digits and hyphens."""
    view = view_of(dossier)
    anchors = [view.shown(finding.id).anchor for finding in dossier.findings]

    assert len(anchors) == len(set(anchors))
    assert all(re.fullmatch(r"[a-z0-9-]+", anchor) for anchor in anchors)


def test_a_withheld_finding_shows_no_figure(dossier: Dossier) -> None:
    """Value, interval and n of a small cell, and what would tell its size, are not shown in any string."""
    shown = view_of(dossier).shown(WITHHELD_ID)

    assert shown.suppressed
    assert (WITHHELD, WITHHELD, WITHHELD) == (shown.value, shown.interval, shown.n)
    assert shown.reason == "A group is too small for a verdict."
    assert "at least 0.8 (not applied: the data allow no verdict)" == shown.limit


def test_a_complementary_cell_is_not_called_small(dossier: Dossier) -> None:
    """What is withheld only because it would give away a small group says so, and not that it is small."""
    shown = view_of(dossier).shown("bias.group-rates/selection-rate?nationality=DE")

    assert (WITHHELD_TOO, WITHHELD_TOO) == (shown.value, shown.n)


def test_a_withheld_finding_is_published_without_figures(dossier: Dossier) -> None:
    """The published JSON of a withheld finding holds no number of it, and its limit as the plan declares it."""
    public = view_of(dossier).public(WITHHELD_ID)
    computed = ("effective", "lower", "upper", "p_fail", "p_adjusted")

    assert {"value": None, "unit": "ratio", "why": WITHHELD} == public["estimate"]
    assert (None, None) == (public["why"], public["n_needed"])
    assert [None] * 5 == [public["limit"][name] for name in computed]
    assert ("at_least", 0.8) == (public["limit"]["direction"], public["limit"]["threshold"])


def test_a_limit_that_was_changed_after_the_run_is_not_called_prior(dossier: Dossier) -> None:
    """Without a lock the plan shows that it stood there, and not that it was fixed before."""
    changed = codec.builtins(dossier.plan)
    changed["judge"]["limits"][0]["at_least"] = 0.7
    before, after = view_of(dossier), view_of(replace(dossier, plan=changed))

    assert "no lock shows that it was fixed before" in before.shown(RATIO).limit_source
    assert "Not fixed before testing" in after.shown(RATIO).limit_source


def test_only_a_lock_that_precedes_the_run_makes_a_limit_fixed_before_testing(dossier: Dossier) -> None:
    """A limit that the lock does not hold, and a lock that came too late, do not."""
    held = Limit(metric=RATIO.partition("?")[0], direction="at_least", threshold=0.8)
    lock = {"made": "2026-10-02T08:00:00+00:00", "precedes": True, "signed": True, "key_id": "0a1b", "held": [held]}
    lock["amendments"] = []

    def source(**changes: object) -> str:
        return view_of(replace(dossier, lock={**lock, **changes})).shown(RATIO).limit_source

    assert "Fixed before testing: locked on 2026-10-02, signed with key 0a1b" in source()
    assert "changed or added after the lock of 2026-10-02" in source(held=[])
    assert "no lock shows that it was fixed before" in source(precedes=False)


def test_an_energy_figure_says_its_grade() -> None:
    """Grade D is worded as estimated, and every grade is described."""
    windows = {
        key: replace(window, reading=replace(window.reading, grade="D")) for key, window in make_windows().items()
    }
    measured = view_of(make_dossier()).shown("energy.inference/joules-per-request")
    dossier = make_dossier(windows=windows)
    estimated = view_of(dossier).shown("energy.inference/joules-per-request")

    assert "grade B: hardware counters" in measured.method
    assert estimated.value.startswith("estimated ")

    joules = estimated.finding
    seconds = replace(joules, id="energy.inference/seconds", estimate=replace(joules.estimate, unit="second"))
    timed = view_of(replace(dossier, findings=(seconds,))).shown(seconds.id)

    assert ("0.0412 s", "Student t interval") == (timed.value, timed.method)


@pytest.mark.parametrize("design", [None, "of the posterior"])
def test_an_exact_value_keeps_or_breaks_a_limit_without_a_bound(dossier: Dossier, design: str | None) -> None:
    """It has no interval, so that none of its bounds can lie anywhere; what is of a posterior is no exact value."""
    judged = next(each for each in dossier.findings if each.judged and each.verdict is Verdict.FAIL)
    exact = replace(judged, estimate=replace(judged.estimate, method="exact", design=design))
    kept, broken = (view_of(replace(dossier, findings=(replace(exact, verdict=verdict),))) for verdict in OF_LIMITS)

    for view, does in ((kept, "keeps"), (broken, "breaks")):
        assert (design is None) == view.shown(judged.id).reason.startswith(f"The exact value {does} the limit.")
        assert (design is None) == ("bound" not in view.shown(judged.id).reason)


def test_what_the_writing_of_documents_decides_no_run_recorded(dossier: Dossier) -> None:
    """The day and the text of the law that documents are written by bear no mark in any of them."""
    view = view_of(replace(dossier, as_of="2027-06-30"))
    written = [fact for name in ("lia", "summary") for fact in build(name, view.dossier).front]
    marks = {fact.path: (mark_of(fact), view.provenance(fact)) for fact in written}

    assert (None, "") == marks["run.as_of"] == marks["run.law"]
    assert ("recorded", "recorded by the run") == marks["run.digest.record"]


@pytest.mark.parametrize(
    ("target", "precision", "device"),
    [
        ({"identity": {"precision": "float64"}}, "float64", None),
        ({"identity": {"dtype": "float32", "device": "cpu"}}, "float32", "cpu"),
        ({"identity": {}}, None, None),
        ({"identity": {}, "endpoints": ["a.example"]}, UNSEEN, UNSEEN),
    ],
)
def test_how_it_ran_is_what_the_target_said(
    dossier: Dossier, target: dict[str, Any], precision: str | None, device: str | None
) -> None:
    """And not what the plan wished, which may be "auto"."""
    plan = {**dossier.plan, "ask": {**dossier.plan["ask"], "execution": {"dtype": "auto", "device": "cuda"}}}
    environment = {**dossier.environment, "target": {**dossier.environment["target"], **target}}
    known = facts.run_facts(replace(dossier, plan=plan, environment=environment))

    assert (precision, device) == (known.get("precision"), known.get("device"))


def test_a_statement_says_where_it_comes_from(dossier: Dossier) -> None:
    """Measured, recorded, declared, proposed, human and missing are told apart in words."""
    view = view_of(dossier)
    gap = Gap(what="x", citation="y", supplier="z", field_id="f")
    said = [
        view.provenance(node)
        for node in (
            Number(finding=RATIO),
            Fact(path="name", value="n", by="A", on="2026-01-01"),
            Fact(path="name", value="n"),
            Fact(path="proposal:T1", value="2", origin="proposed"),
            Fact(path="run.tool", value="probandum 9", origin="measured"),
            gap,
            replace(gap, origin="human"),
        )
    ]

    assert len(said) == len(set(said))
    assert said[1:3] == ["declared by A on 2026-01-01", "declared by nobody named, undated"]
