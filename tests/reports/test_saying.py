from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from probandum.finding import Estimate, Judgement, SubReason, Verdict
from probandum.plugins import author, load_plugins
from probandum.probe import ProbeSpec, known_probes
from probandum_reports import estimate_words, judgement_words, metric_names, saying, titles


def judgement(**changes: object) -> Judgement:
    """A limit as it was applied."""
    fields: dict[str, object] = {
        "direction": "band",
        "threshold": 0.05,
        "around": 0.0,
        "margin": 0.0,
        "effective": 0.05,
        "alpha_fail": 0.05,
        "alpha_pass": 0.05,
        "lower": 0.0,
        "upper": 0.0,
        "p_fail": 0.5,
        "p_adjusted": 1.0,
        "hypotheses": 2,
        "family": "audit",
        "source": "project",
        "citation": None,
        "set_by": "The board",
        "set_on": "2026-10-01",
        "reason": "Decision 14",
        "line": 3,
    }
    return Judgement(**{**fields, **changes})  # type: ignore[arg-type]


def shipped_probes() -> dict[str, ProbeSpec]:
    """The probes of the toolkit, whatever other tests of this process have registered."""
    load_plugins()
    return {name: spec for name, spec in known_probes().items() if author(spec.cls.__module__) == ""}


def test_every_verdict_has_a_word() -> None:
    """Each verdict is said in a word of its own."""
    words = [saying.verdict(verdict) for verdict in Verdict]

    assert len(words) == len(set(words))


def test_every_sub_reason_has_a_sentence() -> None:
    """No sub-reason is shown as its code."""
    sentences = [judgement_words.sub_reason(reason) for reason in SubReason]

    assert all(" " in sentence and "_" not in sentence for sentence in sentences)


@pytest.mark.parametrize("method", stats.METHODS)
def test_every_interval_method_is_named(method: str) -> None:
    """Each method of the statistics has its name in words."""
    estimate = Estimate(value=0.5, low=0.4, high=0.6, n=10, unit="share", method=method)

    assert estimate_words.method(estimate) != method


@given(st.floats(min_value=-1e6, max_value=1e6), st.integers(min_value=0, max_value=6))
def test_a_figure_reads_back(value: float, places: int) -> None:
    """What is printed is the value, rounded to the places it is said with."""
    text = saying.figure(value, f",.{places}f").replace(",", "").replace("−", "-")

    assert abs(float(text) - value) <= 0.5 * 10**-places * (1 + 1e-9) + 1e-9


@given(st.floats(min_value=1e-300, max_value=1e9), st.sampled_from(["share", "ratio", "logit", "joule", "second"]))
def test_no_number_that_is_not_zero_is_said_as_zero(value: float, unit: str) -> None:
    """A small value keeps at least one digit that is not zero."""
    text = saying.amount(value, unit)

    assert any(digit in text for digit in "123456789")


@given(st.floats(min_value=0, max_value=1))
def test_a_p_value_is_never_said_to_be_zero(p: float) -> None:
    """However small, a p-value is bounded and not rounded away."""
    assert "= 0.000" not in saying.p_value(p)


def test_value_and_interval_share_their_decimals() -> None:
    """A value near zero is said as coarsely as its interval allows."""
    estimate = Estimate(value=0.00012, low=-0.05, high=0.05, n=100, unit="share", method="newcombe")

    assert ("0.000", "95 % interval −0.050 to 0.050") == (
        estimate_words.value(estimate),
        estimate_words.interval(estimate),
    )


def test_a_posterior_is_no_interval_of_an_error_rate() -> None:
    """Its range and what is computed from it are said to be of a posterior, and to have no error rate."""
    ranged = Estimate(value=0.03, low=0.02, high=0.05, n=66, unit="share", method="posterior")
    told = Estimate(value=1.0, low=1.0, high=1.0, n=66, unit="share", method="exact", design="of the posterior")

    assert "95 % of a posterior 0.020 to 0.050, without an error rate" == estimate_words.interval(ranged)
    assert "of a posterior, no interval" == estimate_words.interval(told)
    assert "of the posterior: for display, without an error rate" == estimate_words.method(told)


def test_an_extreme_of_estimates_is_not_called_exact() -> None:
    """It is said that no interval is computed of it, and why."""
    found = Estimate(value=0.2, low=0.2, high=0.2, n=500, unit="share", method="extreme", design="the larger gap")

    assert "an extreme of estimates, no interval is computed" == estimate_words.interval(found)
    assert "no interval is computed: an extreme of several estimates is biased" in estimate_words.method(found)
    assert "exact" not in estimate_words.method(found)


@pytest.mark.parametrize(("unit", "told"), [("p-value", "p-value, no interval"), ("share", "no interval is computed")])
def test_what_rests_on_a_sample_and_has_no_interval_is_not_called_exact(unit: str, told: str) -> None:
    """A p-value by approximation, or a mean over sampled rows, is no number without sampling error."""
    found = Estimate(value=0.046, low=0.046, high=0.046, n=500, unit=unit, method="point", design="chi-squared 6.17")

    assert not found.bounded
    assert told == estimate_words.interval(found)
    assert "no interval is computed of it, though it rests on a sample; chi-squared" in estimate_words.method(found)


def test_the_title_of_a_p_value_says_that_it_is_one() -> None:
    """Else a reader takes it for the difference that it tests."""
    load_plugins()
    named = [
        saying.metric(f"{name}/{metric}")
        for name, spec in shipped_probes().items()
        for metric, unit in spec.metrics.items()
        if unit == "p-value"
    ]

    assert named
    assert [] == [each for each in named if not each.startswith("p-value ")]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(8.15e-14, "score", "8.2e−14"), (0.0000321, "second", "3.21e−05 s"), (631.8, "samples", "632 samples")],
)
def test_a_very_small_number_is_said_in_powers_of_ten(value: float, unit: str, expected: str) -> None:
    """No row of noughts; a count is said without decimals."""
    assert expected == saying.amount(value, unit)


@pytest.mark.parametrize(
    "name",
    ["signed-shift", "gap-over-placebo", "log-odds-difference", "comprehensiveness-over-occlusion", "samples-needed"],
)
def test_metrics_of_the_shipped_probes_have_titles(name: str) -> None:
    """A title is words, and not the metric's own name with blanks for hyphens."""
    title = saying.metric(f"some.probe/{name}")

    assert name.replace("-", " ").capitalize() != title
    assert "-" not in title.replace("log-odds", "")


def test_titles_by_probe_are_of_metrics_that_it_measures() -> None:
    """A metric that was renamed takes its title along, none is without one, and no two of a probe are called alike."""
    load_plugins()
    declared = {f"{name}/{metric}" for name, spec in shipped_probes().items() for metric in spec.metrics}

    assert set() == titles.TITLES.keys() - declared
    assert set() == {name for name in declared - titles.TITLES.keys() if _last(name) not in metric_names.METRICS}
    for probe in {name.rpartition("/")[0] for name in titles.TITLES}:
        said = [saying.metric(name) for name in declared if name.startswith(f"{probe}/")]
        assert len(said) == len(set(said))


#: Metrics of one name that several probes measure, and that are the same quantity in each of them.
ALIKE = {
    "attribute-flip-rate": {"bias.attribute-flip", "explain.reliance"},
    "comprehensiveness-normalised": {"explain.agreement", "explain.faithfulness"},
    "feature-contribution": {"bias.proxies", "explain.reliance"},
    "grams-co2e-per-1000-requests": {"energy.hosted", "energy.inference"},
    "local-fit": {"explain.faithfulness", "explain.seed-stability"},
    "overall-auc": {"bias.auc-gap", "bias.group-rates", "bias.intersections"},
    "position-bias": {"bias.name-swap", "bias.sampled-swap", "bias.winobias", "bias.winogender"},
    "referent-mass": {"bias.winobias", "bias.winogender"},
    "score-gap": {"bias.proxies", "explain.reliance"},
    "scored-share": {"bias.crows-pairs", "bias.stereoset"},
    "selection-difference": {"bias.group-rates", "bias.intersections", "bias.proxies"},
    "selection-rate": {"bias.group-rates", "bias.intersections", "bias.ll144"},
    "variance-share": {"energy.hosted", "energy.inference"},
}


def test_a_metric_of_one_name_in_two_probes_has_a_title_in_each_unless_it_is_the_same_quantity() -> None:
    """No probe's figure is told in words of another's: who adds a name that exists says which of both it is."""
    load_plugins()
    sharing: dict[str, set[str]] = {}
    for name, spec in shipped_probes().items():
        for metric in spec.metrics:
            if f"{name}/{metric}" not in titles.TITLES:
                sharing.setdefault(metric, set()).add(name)
    crossed = {"bias.group-rates", "bias.intersections"}  # one set of rates, of groups and of their crossings
    several = {metric: probes for metric, probes in sharing.items() if len(probes) > 1 and probes != crossed}

    assert several == ALIKE


@pytest.mark.parametrize("index", ["top-overlap", "sign-agreement", "kendall"])
def test_agreement_of_two_explainers_is_not_told_as_that_over_seeds(index: str) -> None:
    """No seed changes between two explainers."""
    assert "over seeds" in saying.metric(f"explain.seed-stability/{index}")
    assert "two explainers" in saying.metric(f"explain.agreement/{index}")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"effective": 0.0214}, "within ±0.05 (for a pass within ±0.0214)"),
        ({"effective": 0.0214, "direction": "at_most"}, "at most 0.05 (for a pass at most 0.0214)"),
        (
            {"effective": -0.0214, "direction": "at_least", "threshold": -0.05},
            "at least −0.05 (for a pass at least −0.0214)",
        ),
        ({}, "within ±0.05"),
        (
            {"effective": None, "lower": None, "upper": None, "hypotheses": 0},
            "within ±0.05 (not applied: the data allow no verdict)",
        ),
        (
            {"effective": None, "direction": "at_most", "margin": 0.01},
            "at most 0.05, margin 0.01 (not applied: the data allow no verdict)",
        ),
        ({"direction": "at_most"}, "at most 0.05"),
        (
            {"effective": -0.05 - 0.01, "direction": "at_least", "threshold": -0.05, "margin": 0.01},
            "at least −0.05, margin 0.01",
        ),
    ],
)
def test_a_limit_that_was_narrowed_for_a_pass_says_so(changes: dict[str, object], expected: str) -> None:
    """The tolerance that a PASS had to show stands beside the declared one, on whichever side."""
    assert expected == judgement_words.limit(judgement(**changes))


def test_a_withheld_figure_is_not_told_by_its_limit() -> None:
    """What a limit was narrowed to is a fifth of the larger rate, and stays out with it."""
    assert "within ±0.05" == judgement_words.limit(judgement(effective=0.0214), withheld=True)


@pytest.mark.parametrize(
    ("source", "metric", "expected"),
    [
        ("foreign-guideline", "bias.group-rates/impact-ratio", "US guideline used here as screening value"),
        ("foreign-guideline", "bias.other/thing", "foreign guideline used here as screening value"),
        ("project", "bias.group-rates/fpr-difference", "Tolerance set by The board on 2026-10-01"),
        ("convention", "x.y/z", "it is no legal limit"),
        ("standard", "x.y/z", "it is no legal limit"),
        ("law", "x.y/z", "without a citation"),
    ],
)
def test_a_limit_says_whose_it_is(source: str, metric: str, expected: str) -> None:
    """Each kind of source has its sentence, and none makes a guideline or a convention law."""
    text = judgement_words.limit_source(judgement(source=source), metric)

    assert expected in text
    assert "Decision 14" in text


def test_a_limit_of_nobody_says_so() -> None:
    """A limit without owner and date does not pass for somebody's."""
    text = judgement_words.limit_source(judgement(set_by=None, set_on=None, reason=None), "x.y/z")

    assert text == "Tolerance set by somebody the plan does not name, undated."
