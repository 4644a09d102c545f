"""Decisions and errors by group: selection rates, error rates and precision, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping, Subject
from probandum_probes.bias.areas import overall_area
from probandum_probes.bias.counting import decisions, refuse_no_groups
from probandum_probes.bias.design_controls import no_gap, planted_gap
from probandum_probes.bias.rates import METRICS, measures_of
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample, sampled_rows
from probandum_probes.bias.scored import OVERALL

#: Decisions may have nothing to do with the label, and chance alone must not call that an error.
CERTAIN = 0.998


@probe(
    "bias.group-rates",
    version=1,
    requirements=PERFORMANCE,
    needs=Capability.PREDICT,
    metrics={**METRICS, OVERALL: "share"},
    attributes="plan",
    honours=("weight", "cluster"),
)
class GroupRates:
    """Shares of favourable decisions, of errors and of right detections per group, and how far they lie apart.

    Of each group, shown and never judged (Wilson): ``selection-rate`` = favourable / rows, ``tpr`` = found
    positive / positives, ``fpr`` = found positive / negatives, ``fnr`` = 1 - tpr, ``ppv`` = positives / found
    positive, ``npv`` = negatives / found negative. Of each group g and reference h: ``selection-difference``,
    ``tpr-difference``, ``fpr-difference``, ``ppv-difference``, ``npv-difference`` = rate of g - rate of h, from -1 to
    1, neutral 0 (Newcombe 1998, method 10); ``impact-ratio`` = selection rate of g / of h, neutral 1 (Koopman 1984),
    which does not exist where nobody in h was selected. Without a declared reference every ordered pair is compared.
    Crossed groups are ``bias.intersections``'.

    A verdict needs 30 rows in both groups and 5 favourable and 5 unfavourable decisions expected at their pooled
    rate; 30 positives (tpr) or negatives (fpr); 30 found positive (ppv) or negative (npv) among 100 rows. Smaller
    groups are shown and INCONCLUSIVE. Rows that state no group are counted and shown. The label may itself be biased,
    and then so are the rates that rest on it. Where decisions run against the labels (``overall-auc`` of the decisions,
    half of tpr + 1 - fpr over all rows, with its 99.8 % interval below 0.5) that is an ERROR before any rate.

    Where the plan declares ``weight``, ``cluster`` or both of its rows, rates are weighted shares of the population and
    their intervals rest on persons: linearised, CR2 (Pustejovsky and Tipton 2018) with Satterthwaite's degrees of
    freedom, on the logit for one rate and on the logarithm for the ratio. Every smallest number then counts persons,
    n is of persons, and beside it stands how many of equal weight would say as much (Kish 1965); a verdict also needs
    5 persons on either side of each rate.
    ``sample``: ask about so many rows only, drawn with the plan's seed; a smaller sample is part of a larger one.

    Hardt, Price and Srebro 2016 (error rates); Chouldechova 2017 (why not all gaps can vanish at once).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="planted gap", kind="positive", function=planted_gap),
    )

    def __init__(self, *, sample: int | None = None) -> None:
        refuse_sample("bias.group-rates", sample)
        self.sample = sample

    def groupings(self, subject: Subject) -> list[Grouping]:
        """The attributes whose groups are compared: those that the plan declares."""
        return list(subject.groupings.values())

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, count, and compare."""
        subject, answer = decisions(sampled_rows(ask, self.sample))
        refuse_no_groups(subject)
        outcomes = subject.outcomes(answer)
        if outcomes.positive is not None:
            said = outcomes.detected.astype(np.float64)
            ranked = overall_area(subject, said, outcomes.positive, what="decisions", level=CERTAIN)
            if ranked is not None and ranked.verdict is not None:
                yield ranked
        yield from measures_of(self.groupings(subject), subject, outcomes)
