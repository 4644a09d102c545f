"""The words themselves: verdicts, units, interval methods, reasons and metric names, as tables.

A metric, probe or unit that stands in none of them is said by its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from probandum.document import Origin
from probandum.finding import SubReason, Verdict

#: How a statement is marked: by its origin, except that what the run recorded of itself is no measurement.
Mark = Origin | Literal["recorded"]

VERDICTS: Mapping[Verdict, str] = {
    Verdict.PASS: "Pass",
    Verdict.FAIL: "Fail",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.NOT_APPLICABLE: "Not judged",
    Verdict.ERROR: "Error",
}

#: Where a statement comes from, as a word and in a sentence; a drawn mark says the same by its shape.
ORIGINS: Mapping[Mark, tuple[str, str]] = {
    "measured": (
        "Measured",
        "By this audit, from recorded answers. Each figure stands with its interval, its n and its finding's id.",
    ),
    "recorded": (
        "Recorded by the run",
        "What the record says of the run itself, such as versions, digests and energy; no measurement of the system.",
    ),
    "declared": ("Declared", "By the person named, on the day given. Quoted, and not checked by the audit."),
    "proposed": ("Proposed", "By a rule, for a person to accept or to change."),
    "human": ("To be written", "By a named person, and by nobody else: no audit can answer it."),
    "missing": ("Missing", "A fact that nobody has supplied yet, with its provision and who can supply it."),
}

#: Units as they stand behind a number; those without one are pure numbers.
UNITS: Mapping[str, str] = {
    "share": "",
    "ratio": "",
    "relative": "",
    "score": "",
    "rank": "",
    "index": "",
    "slope": "",
    "p-value": "",
    "correlation": "",
    "logit": "logits",
    "nat": "nats",
    "bit": "bits",
    "joule": "J",
    "watt": "W",
    "watt-hour": "Wh",
    "kilowatt-hour": "kWh",
    "second": "s",
    "millisecond": "ms",
    "gram": "g",
    "kilogram": "kg",
    "token": "tokens",
}
#: Physical quantities and counts are said to three significant digits; all others to three decimals.
COUNTED = frozenset({"J", "W", "Wh", "kWh", "s", "ms", "g", "kg", "tokens", "samples"})

METHODS: Mapping[str, str] = {
    "wilson": "Wilson score interval",
    "clopper-pearson": "Clopper-Pearson exact interval",
    "newcombe": "Newcombe hybrid score interval",
    "miettinen-nurminen": "Miettinen-Nurminen score interval",
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
    "log-t": "Student t interval on the logarithm",
    "log-change": "Welch t interval on the logarithm",
    "two-way": "two-way interval over templates and names",
    "cr2": "cluster-robust t interval (CR2)",
    "delong": "DeLong interval on the logit",
    "delong-difference": "DeLong interval of a difference",
    "bootstrap": "bootstrap percentile interval",
    "bca": "BCa bootstrap interval over clusters",
    "posterior": "credible interval of a posterior: for display, without an error rate",
    "sequential": "confidence sequence, valid however often one looks",
    "exact": "exact: deterministic, no sampling error",
}

SUB_REASONS: Mapping[SubReason, str] = {
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
    SubReason.CONTROL_FAILED: "a control of the probe failed or is missing, so that its figures are no evidence",
    SubReason.CONTROL_INCONCLUSIVE: "a control of the probe could not tell, which bars a pass",
    SubReason.CRASHED: "the probe broke",
    SubReason.INVALID_ANSWERS: "too many answers could not be used",
    SubReason.EXPLANATION_CONTRADICTION: "the explanation contradicts the decision it explains",
    SubReason.GRADE_D: "an estimated energy figure cannot be judged",
    SubReason.AGAINST_LABELS: "scores run against the labels, and figures by group would be read the wrong way round",
    SubReason.TRIVIAL: "the result follows from how the system is built and shows nothing",
}

GRADES: Mapping[str, str] = {
    "A": "an external meter",
    "B": "hardware counters",
    "C": "power samples added up",
    "D": "estimated from a model of the machine, not measured",
}

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

#: Whole metric names that word-by-word rules would say badly.
METRICS: Mapping[str, str] = {
    "impact-ratio": "Impact ratio",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "ppv-difference": "Difference in positive predictive value",
    "npv-difference": "Difference in negative predictive value",
    "overall-auc": "AUC over all rows",
    "auc": "AUC within the group",
    "xauc": "AUC of the group's positives over the other's negatives",
    "auc-difference": "Difference in AUC",
    "xauc-difference": "Difference in AUC across groups",
    "calibration-in-the-large": "What came true beyond what was predicted",
    "calibration-difference": "Difference in what came true beyond what was predicted",
    "recalibration-p-value": "Likelihood-ratio test of one recalibration for all groups",
    "debiased-ece": "Debiased calibration error",
    "predicted-rate": "Mean prediction",
    "observed-rate": "Share that came true",
    "multicalibration-error": "Furthest from its prediction, of all groups and bins",
    "shrunk-selection-rate": "Selection rate, shrunk",
    "probability-below-four-fifths": "Probability of an impact ratio below 0.8, after shrinking",
    "differential-fairness": "Differential fairness, epsilon",
    "lowest-selection-rate": "Lowest selection rate of a crossing",
    "highest-error-rate": "Highest error rate of a crossing",
    "groups-too-small": "Share of crossed groups that are too small to be judged",
    "attribute-flip-rate": "Share of decisions changed by the attribute alone (not causal)",
    "attribute-shift": "Shift of favourable decisions by the attribute alone (not causal)",
    "attribute-logit-shift": "Shift of the log-odds by the attribute alone (not causal)",
    "crude-difference": "Difference in selection rate, crude",
    "adjusted-difference": "Difference in selection rate within strata",
    "stratum-difference": "Difference in selection rate in one stratum",
    "crude-ratio": "Ratio of selection rates, crude",
    "adjusted-ratio": "Ratio of selection rates within strata",
    "crude-odds-ratio": "Odds ratio of selection, crude",
    "adjusted-odds-ratio": "Odds ratio of selection within strata",
    "breslow-day": "Breslow and Day's test of one odds ratio in all strata",
    "woolf": "Woolf's test of one odds ratio in all strata",
    "sign-reversal": "Crude and adjusted difference reversed",
    "compared-share": "Share of rows in strata that are compared",
    "selection-impact-ratio": "Impact ratio of selection rates",
    "scoring-impact-ratio": "Impact ratio of scoring rates",
    "scoring-rate": "Share above the median score",
    "at-the-median": "Share at the median score",
    "not-stated": "Rows that state no category",
    "log-odds-difference": "Difference in log-odds of the favourable answer",
    "probability-difference": "Difference in probability of the favourable answer",
    "scenario-spread": "Spread of the difference over applications",
    "name-spread": "Spread over the names of a group",
    "invalid-share": "Share of unusable answers",
    "position-bias": "Preference for the answer listed first",
    "signed-shift": "Shift of the score by one word",
    "flip-rate": "Share of labels changed by one word",
    "gap-over-placebo": "Shift by words for people beyond that by neutral words",
    "score": "Mean score with one word",
    "residual": "Efficiency residual",
    "comprehensiveness-normalised": "Normalised comprehensiveness",
    "sufficiency-normalised": "Normalised sufficiency",
    "deletion-normalised": "Normalised deletion",
    "comprehensiveness-over-occlusion": "Normalised comprehensiveness beyond occlusion's",
    "local-fit": "Fit of the local model",
    "relative-noise": "Relative noise over seeds",
    "sign-agreement": "Agreement of signs over seeds",
    "top-overlap": "Overlap of the leading features over seeds",
    "samples-needed": "Samples needed for a noise of 0.1",
    "joules-per-request": "Energy of a request",
    "net-joules-per-request": "Energy of a request beyond idle power",
    "gpu-joules-per-request": "Energy of a request, GPU",
    "watt-hours-per-1000-requests": "Energy of 1,000 requests",
    "joules-per-output-token": "Energy of an output token",
    "seconds-per-request": "Time of a request",
    "seconds-per-output-token": "Time of an output token",
    "run": "Probe run",
    "must-not-change": "Items that may not change",
}
WORDS: Mapping[str, str] = {
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
PROBES: Mapping[str, str] = {
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
