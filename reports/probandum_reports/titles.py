"""What documents call quantities by probe and metric, where a metric's own name says little outside its probe.

So it is of probes of texts and of language models: ``rate`` is that of flagged texts in one and of refusals in another.
Two probes whose metrics of one name measure different things, such as agreement between explainers and between seeds,
have their titles here.
"""

from __future__ import annotations

from collections.abc import Mapping

from probandum_reports.messages import Spoken

_MISSING = "Items without a recorded answer"
#: By probe; what is not here is called as :mod:`probandum_reports.metric_names` says.
_BY_PROBE: Mapping[str, Mapping[str, str]] = {
    "bias.bbq": {
        "bias-ambiguous": "Bias where the text decides nothing (s_AMB)",
        "bias-disambiguated": "Bias where the text decides (s_DIS)",
        "accuracy-ambiguous": "Right answers where the text decides nothing",
        "accuracy-disambiguated": "Right answers where the text decides",
        "bias-ambiguous-unscaled": "Bias where the text decides nothing, of answers that name a person",
        "alignment-gap": "Right answers that fit the stereotype, less those that do not",
        "bias-ambiguous-as-published": "s_AMB, as published",
        "accuracy-ambiguous-as-published": "Right answers where the text decides nothing, as published",
        "accuracy-disambiguated-as-published": "Right answers where the text decides, as published",
        "unread-share": "Answers that could not be read",
        "found-share": "Answers that stand among other words",
        "missing-share": _MISSING,
        "untargeted-share": "Answers to items without a target",
        "position-share": "Answers at each position of the list",
        "noise-floor": "Answers that change when the same is asked twice",
    },
    "bias.bold": {
        "judged-share": "Mean judgement of texts",
        "expected-maximum": "Mean of the worst judgement of each prompt",
        "prompt-share": "Judgement of the prompts themselves",
        "called-share-as-published": "Texts that the judge calls hurtful, as published",
        "judged-difference": "Mean judgement of texts beyond the others'",
        "difference-over-prompts": "Mean judgement beyond the others', less that of the prompts",
        "missing-share": "Texts that are not there",
    },
    "bias.equity-corpus": {
        "intensity": "Mean intensity that is read into sentences",
        "intensity-difference": "Intensity beyond the reference's",
    },
    "bias.generation": {
        "rate": "Flagged texts",
        "score": "Mean judgement of texts",
        "any-rate": "Prompts with a flagged text",
        "expected-maximum": "Mean of the worst judgement of each prompt",
        "rate-difference": "Flagged texts beyond the reference's, less the judge's own bias",
        "score-difference": "Mean judgement beyond the reference's, less the judge's own bias",
        "any-rate-difference": "Prompts with a flagged text beyond the reference's",
        "expected-maximum-difference": "Worst judgement of each prompt beyond the reference's",
        "estimated-rate-difference": "Bad texts beyond the reference's, by the judge's known errors",
        "judge-rate-difference": "Harmless sentences that the judge flags beyond the reference's",
        "judge-score-difference": "Mean judgement of harmless sentences beyond the reference's",
        "halves-difference": "Difference between two halves of the prompts",
        "noise-floor": "Distance between samples of the same prompt",
        "missing-share": "Texts that were declined or empty",
    },
    "bias.calibration": {
        "overall-auc": "AUC over the rows of calibration",
    },
    "explain.agreement": {
        "kendall": "Rank correlation of two explainers (Kendall)",
        "rank-biased-overlap": "Overlap of two explainers' rankings (rank-biased)",
        "sign-agreement": "Agreement of signs between two explainers",
        "spearman": "Rank correlation of two explainers (Spearman)",
        "top-overlap": "Overlap of the leading features of two explainers",
    },
    "explain.challenger": {
        "auc": "AUC, mean over five folds",
    },
    "bias.hatecheck": {
        "accuracy": "Right cases",
        "functionality-accuracy": "Right cases of one kind",
        "target-accuracy": "Right cases, by targeted group",
        "target-accuracy-difference": "Right cases about one group, less those about others",
        "missing-share": "Cases without a recorded answer",
        "found-share": "Answers in other words than the labels",
    },
    "bias.holistic-bias": {
        "differing-pairs-as-published": "Pairs of descriptors that differ in likelihood, as published",
        "differing-pairs": "Pairs of descriptors that differ in likelihood",
        "log-perplexity-difference": "Log-perplexity beyond the other descriptors'",
        "judged-share": "Mean judgement of texts",
        "judged-difference": "Mean judgement of texts beyond the other descriptors'",
        "judged-spread": "Spread of the judgement over descriptors",
        "missing-share": "Texts that are not there",
    },
    "bias.honest": {
        "honest-score": "Hurtful completions (HONEST score)",
        "honest-score-as-published": "Hurtful completions (HONEST score), as published",
        "hurtful-share": "Hurtful completions, by identity",
        "hurtful-difference": "Hurtful completions beyond the other identity's",
        "missing-share": "Completions that are not there",
    },
    "bias.refusals": {
        "refusal-rate": "Requests that are refused",
        "over-refusal-difference": "Safe requests that are refused, beyond the reference's",
        "under-refusal-difference": "Unsafe requests that are answered, beyond the reference's",
        "length-ratio": "Length of answers, as a ratio to the reference's",
        "grade-difference": "Reading grade of answers beyond the reference's",
        "hedging-difference": "Answers that hedge, beyond the reference's",
        "noise-floor": "Requests that are refused only once of twice",
        "detector-sensitivity": "Labelled refusals that the phrases find",
        "detector-specificity": "Labelled answers that the phrases leave alone",
        "empty-share": "Answers that are empty",
    },
    "bias.mitigation": {
        "selection-rate": "Selection rate beside a remedy that is not applied",
        "selection-difference": "Selection difference beside a remedy that is not applied",
        "tpr-difference": "True-positive-rate difference beside a remedy that is not applied",
        "fpr-difference": "False-positive-rate difference beside a remedy that is not applied",
    },
    "bias.name-swap": {
        "variance-share": "Share of the spread of effects that one component makes",
    },
    "bias.sampled-swap": {
        "variance-share": "Share of the spread of effects that one component makes",
    },
    "bias.subgroup-auc": {
        "overall-auc": "AUC of all texts",
        "subgroup-auc": "AUC: among texts that mention it",
        "bpsn-auc": "AUC: its harmless texts against others' bad ones (BPSN)",
        "bnsp-auc": "AUC: its bad texts against others' harmless ones (BNSP)",
        "subgroup-auc-gap": "AUC gap: among texts that mention it",
        "bpsn-auc-gap": "AUC gap: its harmless texts against others' bad ones (BPSN)",
        "bnsp-auc-gap": "AUC gap: its bad texts against others' harmless ones (BNSP)",
        "positive-aeg": "Average equality gap of bad texts",
        "negative-aeg": "Average equality gap of harmless texts",
        "subgroup-auc-mean": "AUC: among texts that mention it, mean over identities",
        "bpsn-auc-mean": "AUC: harmless texts against others' bad ones (BPSN), mean over identities",
        "bnsp-auc-mean": "AUC: bad texts against others' harmless ones (BNSP), mean over identities",
    },
    "bias.winobias": {"missing-share": _MISSING, "unread-share": "Answers that name neither person or both"},
    "bias.winogender": {
        "accuracy": "Pronouns that are understood",
        "missing-share": _MISSING,
        "unread-share": "Answers that name neither person or both",
    },
    "explain.prompt-attribution": {
        "attribution-share": "Share of attribution",
        "leave-one-out-share": "Share of attribution by leaving out",
        "share-over-placebo": "Share of attribution beyond that of an irrelevant sentence",
        "placebo-p-value": "p-value that it is no more than that of an irrelevant sentence",
        "log-odds-attribution": "What it adds to the log-odds of the favourable answer",
        "probability-attribution": "What it adds to the share of favourable answers",
        "noise-share": "Share of attribution that noise alone would give",
        "invalid-share": "Answers without a decision",
    },
    "explain.seed-stability": {
        "kendall": "Rank correlation over seeds (Kendall)",
        "sign-agreement": "Agreement of signs over seeds",
        "top-overlap": "Overlap of the leading features over seeds",
    },
    "explain.self-explanation": {
        "denied-share": "Decisions that an attribute turned, which the system denies",
        "unmentioned-share": "Decisions that an attribute turned, whose account leaves it out",
        "turn-rate": "Decisions that an inserted attribute turns",
        "noise-turn-rate": "Decisions that turn with nothing inserted",
        "cue-change-rate": "Answers that change behind examples with a pattern",
        "cue-unmentioned-share": "Answers that follow a pattern, whose account leaves it out",
        "same-answer-share": "Answers that stay with part of the reasoning",
        "early-answering-area": "Area over the curve of early answers",
        "unread-share": "Answers without a decision",
    },
}
TITLES: Mapping[str, str] = Spoken(
    {f"{probe}/{metric}": title for probe, titles in _BY_PROBE.items() for metric, title in titles.items()}
)
