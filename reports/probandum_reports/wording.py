"""The words themselves: verdicts, units, interval methods, reasons and families of probes, as tables.

A family, method or unit that stands in none of them is said by its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from probandum.document import Origin
from probandum.finding import SubReason, Verdict
from probandum_reports.messages import Spoken

#: How a statement is marked: by its origin, except that what the run recorded of itself is no measurement.
Mark = Origin | Literal["recorded"]

VERDICTS: Mapping[Verdict, str] = Spoken(
    {
        Verdict.PASS: "Pass",
        Verdict.FAIL: "Fail",
        Verdict.INCONCLUSIVE: "Inconclusive",
        Verdict.NOT_APPLICABLE: "Not judged",
        Verdict.ERROR: "Error",
    }
)

#: Where a statement comes from, as a word and in a sentence; a drawn mark says the same by its shape.
ORIGINS: Mapping[Mark, tuple[str, str]] = Spoken(
    {
        "measured": (
            "Measured",
            "By this audit, from recorded answers. Each figure stands with its interval, its n and its finding's id.",
        ),
        "recorded": (
            "Recorded by the run",
            "What the record says of the run itself, such as versions, digests and energy; no figure of the system.",
        ),
        "declared": ("Declared", "By the person named, on the day given. Quoted, and not checked by the audit."),
        "proposed": ("Proposed", "By a rule, for a person to accept or to change."),
        "human": ("To be written", "By a named person, and by nobody else: no audit can answer it."),
        "missing": ("Missing", "A fact that nobody has supplied yet, with its provision and who can supply it."),
    }
)

#: In one word, where that is another.
BRIEFLY: Mapping[Mark, str] = Spoken({"recorded": "Recorded"})

#: What some of these say in the explanation of one decision.
EXPLAINED: Mapping[Mark, str] = Spoken(
    {
        "measured": "By asking the model that made the decision again; the annex says how, and with what uncertainty.",
        "recorded": "What the record says of the audit itself, such as when it was and by which version.",
    }
)

#: Units as they stand behind a number; those without one are pure numbers.
UNITS: Mapping[str, str] = Spoken(
    {
        "share": "",
        "ratio": "",
        "relative": "",
        "score": "",
        "rank": "",
        "index": "",
        "slope": "",
        "p-value": "",
        "cost": "",
        "correlation": "",
        "cosine": "",
        "sd": "standard deviations",
        "outcome": "",
        "standard deviation": "SD",
        "median deviation": "MAD",
        "logit": "logits",
        "nat": "nats",
        "bit": "bits",
        "joule": "J",
        "watt": "W",
        "watt-hour": "Wh",
        "kilowatt-hour": "kWh",
        "second": "s",
        "millisecond": "ms",
        "gigaflop": "GFLOP",
        "gram": "g",
        "kilogram": "kg",
        "token": "tokens",
        "samples": "samples",
        "features": "features",
        "grade": "grade",
        "squared logit": "squared logit",
    }
)
#: What a chart of several quantities of one unit shows, where that is not the unit.
PLURALS: Mapping[str, str] = Spoken(
    {"share": "shares and differences", "ratio": "ratios", "score": "scores", "logit": "log-odds"}
)
#: First words of titles that are names of people, and keep their capital inside a sentence.
NAMES = frozenset({"Breslow", "Cohen's", "Cramer's", "Woolf's"})
#: Physical quantities and counts are said to three significant digits; all others to three decimals.
COUNTED = frozenset({"joule", "watt", "watt-hour", "kilowatt-hour", "second", "millisecond", "gram", "kilogram"})
COUNTED |= {"gigaflop", "token", "samples"}

METHODS: Mapping[str, str] = Spoken(
    {
        "wilson": "Wilson score interval",
        "clopper-pearson": "Clopper-Pearson exact interval",
        "newcombe": "Newcombe hybrid score interval",
        "miettinen-nurminen": "Miettinen-Nurminen score interval",
        "hypergeometric": "exact interval of a noncentral hypergeometric distribution",
        "koopman": "Koopman score interval",
        "katz": "Katz log interval",
        "tango": "Tango score interval for pairs",
        "mcnemar-tango": "Tango score interval for pairs, McNemar's exact test at 0",
        "paired-gap": "adjusted interval of a difference of paired differences (Bonett-Price)",
        "stratified-miettinen-nurminen": "Miettinen-Nurminen score interval over strata",
        "mantel-haenszel-difference": "Mantel-Haenszel difference, Sato variance",
        "mantel-haenszel-ratio": "Mantel-Haenszel ratio, log interval",
        "mantel-haenszel-odds": "Mantel-Haenszel odds ratio, log interval",
        "t": "Student t interval",
        "welch": "Welch t interval",
        "share-t": "Student t interval, within 0 and 1",
        "share-difference-t": "Student t interval, within -1 and 1",
        "amount-t": "Student t interval, not below 0",
        "log-t": "Student t interval on the logarithm",
        "log-change": "Welch t interval on the logarithm",
        "two-way": "two-way interval over templates and names",
        "cr2": "cluster-robust t interval (CR2)",
        "cr2-logit": "cluster-robust t interval (CR2) on the logit",
        "korn-graubard": "exact interval of the effective number of persons (Korn-Graubard)",
        "delong": "DeLong interval on the logit",
        "delong-difference": "DeLong interval of a difference",
        "bootstrap": "bootstrap percentile interval",
        "bca": "BCa bootstrap interval over clusters",
        "inverted": "inverted tests of a race for places (Plackett and Luce)",
        "posterior": "credible interval of a posterior: for display, without an error rate",
        "monte-carlo": "percentiles of draws of every uncertain factor (Monte Carlo)",
        "sequential": "confidence sequence, valid however often one looks",
        "exact": "exact: deterministic, no sampling error",
        "point": "no interval is computed of it, though it rests on a sample",
        "extreme": "no interval is computed: an extreme of several estimates is biased, and so is a bootstrap of it",
    }
)

SUB_REASONS: Mapping[SubReason, str] = Spoken(
    {
        SubReason.SMALL_GROUP: "a group is too small for a verdict",
        SubReason.UNDERPOWERED: "even the best possible data of this size could not have passed",
        SubReason.BUDGET: "the planned number of asks ran out before the data decided",
        SubReason.NEAR_THRESHOLD: "the interval contains the limit",
        SubReason.UNDERDESIGNED: "the check is too small for the drop that its limit declares",
        SubReason.NO_LIMIT: "no limit applies to it",
        SubReason.NO_DATA: "there are no data to measure it on",
        SubReason.NO_CAPABILITY: "the system cannot answer what this probe asks",
        SubReason.NO_DYNAMIC_RANGE: "the measure cannot tell good from random on this system",
        SubReason.BAND_UNINFORMATIVE: "the tolerated band is too wide for outcomes this rare",
        SubReason.NOT_COMPARABLE: "the baseline was measured otherwise, so that no change can be told",
        SubReason.CROWDED: "other work on the machine may be what was metered",
        SubReason.CONTROL_FAILED: "a control of the probe failed or is missing, so that its figures are no evidence",
        SubReason.CONTROL_INCONCLUSIVE: "a control of the probe could not tell, which bars a pass",
        SubReason.CRASHED: "the probe broke",
        SubReason.INVALID_ANSWERS: "too many answers could not be used",
        SubReason.UNANSWERED: "the system did not answer all that it was asked, and is asked again by the same command",
        SubReason.EXPLANATION_CONTRADICTION: "the explanation contradicts the decision it explains",
        SubReason.GRADE_D: "an estimated energy figure cannot be judged",
        SubReason.AGAINST_LABELS: "scores run against the labels: figures by group would be read the wrong way round",
        SubReason.PROMPT_UNSTABLE: "one half of the wordings lies within the limit and the other beyond it",
        SubReason.TRIVIAL: "the result follows from how the system is built and shows nothing",
    }
)

GRADES: Mapping[str, str] = Spoken(
    {
        "A": "an external meter",
        "B": "hardware counters",
        "C": "power samples added up",
        "D": "estimated from a model of the machine, not measured",
    }
)

#: Where the judge's own words say all that the sub-reason would.
SAID_BY_JUDGE = frozenset(
    {
        SubReason.NEAR_THRESHOLD,
        SubReason.UNDERPOWERED,
        SubReason.UNDERDESIGNED,
        SubReason.NO_LIMIT,
        SubReason.BAND_UNINFORMATIVE,
        SubReason.CONTROL_INCONCLUSIVE,
    }
)

#: Both kinds of control by how they ended.
CONTROLS: Mapping[tuple[str, str], str] = Spoken(
    {
        ("positive", "held"): "positive control held",
        ("positive", "failed"): "positive control failed",
        ("positive", "inconclusive"): "positive control inconclusive",
        ("positive", "missing"): "positive control missing",
        ("negative", "held"): "negative control held",
        ("negative", "failed"): "negative control failed",
        ("negative", "inconclusive"): "negative control inconclusive",
        ("negative", "missing"): "negative control missing",
    }
)

#: Words of a metric's name that is said word by word.
WORDS: Mapping[str, str] = Spoken(
    {
        "tpr": "true-positive-rate",
        "fpr": "false-positive-rate",
        "tnr": "true-negative-rate",
        "fnr": "false-negative-rate",
        "ppv": "positive-predictive-value",
        "npv": "negative-predictive-value",
        "auc": "AUC",
        "ece": "ECE",
        "psi": "PSI",
        "aopc": "AOPC",
        "gpu": "GPU",
        "cpu": "CPU",
        "dram": "DRAM",
        "wh": "Wh",
        "kwh": "kWh",
        "co2e": "CO2e",
        "lime": "LIME",
        "shap": "SHAP",
        "sci": "SCI",
    }
)

#: What provisions ask to be measured, by its name in the law pack, where its words alone would not say it.
ASKED: Mapping[str, str] = Spoken(
    {
        "accuracy_with_ci": "accuracy with its interval",
        "bias.demographic_parity_difference": "difference between selection rates",
        "bias.equalized_odds_difference": "difference between error rates",
        "bias.synthetic_vs_real_gap": "gap between synthetic and real data",
        "bias_detection_method_results": "results of bias detection",
        "csam_safeguard_presence": "safeguards against child sexual abuse material",
        "demographic_parity_difference": "difference between selection rates",
        "dp_epsilon": "epsilon of differential privacy",
        "energy.kwh_per_1000_inferences": "energy of a thousand requests in kWh",
        "energy_inference_kwh_per_request": "energy of a request in kWh",
        "energy_training_kwh": "energy of training in kWh",
        "equalized_odds_difference": "difference between error rates",
        "fairness_gap": "gap between groups",
        "flops_inference_benchmark": "computation of a benchmarked request in FLOP",
        "flops_training": "computation of training in FLOP",
        "flops_training_estimate": "estimated computation of training in FLOP",
        "log_field_present:matched_input": "the matched input in the log",
        "log_field_present:reference_database": "the reference database in the log",
        "log_field_present:use_period": "the period of use in the log",
        "log_field_present:verifier_identity": "the identity of the verifying persons in the log",
        "membership_inference_auc": "AUC of membership inference",
        "metric_before_after_mitigation": "figures before and after mitigation",
        "notice.jargon_hits": "jargon in the notice",
        "notice.length_words": "length of the notice in words",
        "ood_performance_drop": "loss of performance on data unlike those of the test",
        "oversight.score_decision_agreement": "how far decisions follow the score",
        "overall_accuracy_with_ci": "overall accuracy with its interval",
        "per_age_group_performance": "performance by age group",
        "per_group_accuracy": "accuracy by group",
        "per_group_ci": "intervals by group",
        "per_group_error_rates": "error rates by group",
        "per_group_performance": "performance by group",
        "per_region_performance": "performance by region",
        "pii_leakage_rate": "how often personal data leak",
        "privacy.k_anonymity": "k-anonymity",
        "privacy.membership_inference_auc": "AUC of membership inference",
        "privacy.membership_inference_tpr_at_fpr": "membership inference at a low false-positive rate",
        "privacy.pii_output_rate": "how often outputs hold personal data",
        "privacy.suite_result": "results of tests of privacy",
        "red_team_results": "results of red teams",
        "red_team_success_rate": "how often red teams succeed",
        "robust.suite_result": "results of tests of robustness",
        "sci_score": "software carbon intensity",
        "systemic_risk_eval_results": "results of evaluations of systemic risk",
        "tradeoff_curve_accuracy_fairness": "accuracy against gaps between groups",
    }
)

#: Families of probes.
PROBES: Mapping[str, str] = Spoken(
    {
        "bias": "Bias",
        "explain": "Explanations",
        "energy": "Energy",
        "robust": "Robustness",
        "privacy": "Privacy",
        "performance": "Performance",
        "drift": "Drift",
        "data": "Data",
        "oversight": "Human oversight",
        "run": "Run",
    }
)
