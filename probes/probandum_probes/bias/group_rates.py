"""Decisions and errors by group: selection rates, error rates and precision, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator

from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping, Subject
from probandum_probes.bias.beside import COST, Cost, Costs
from probandum_probes.bias.counting import decisions, refuse_no_groups
from probandum_probes.bias.design_controls import no_gap, planted_gap
from probandum_probes.bias.rates import JUDGED, METRICS, measures_of
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample, sampled_rows


@probe(
    "bias.group-rates",
    version=1,
    requirements=PERFORMANCE,
    needs=Capability.PREDICT,
    metrics=METRICS,
    attributes="plan",
    honours=("weight", "cluster"),
    judged=JUDGED,
)
class GroupRates:
    """Shares of favourable decisions, of errors and of right detections per group, and how far they lie apart.

    Of each group, shown and never judged (Wilson): ``selection-rate`` = favourable / rows, ``tpr`` = found
    positive / positives, ``fpr`` = found positive / negatives, ``fnr`` = 1 - tpr, ``ppv`` = positives / found
    positive, ``npv`` = negatives / found negative. Of each group g and reference h: ``selection-difference``,
    ``tpr-difference``, ``fpr-difference``, ``ppv-difference``, ``npv-difference`` = rate of g - rate of h, from -1 to
    1, neutral 0 (Newcombe 1998, method 10); ``impact-ratio`` = selection rate of g / of h, ``tpr-ratio``,
    ``fpr-ratio``, ``ppv-ratio``, ``npv-ratio`` likewise, neutral 1 (Koopman 1984), which do not exist where the rate of
    h is 0. Without a declared reference every ordered pair is compared, and both orders of a difference are one
    hypothesis; above 12 groups a reference must be declared. Crossed groups are ``bias.intersections``'.

    Also shown: ``selection-p-value``, two-sided, of equal selection rates (two-sample z, from 30 rows and 5 expected
    in each cell on; Fisher's exact test with mid-p below; over persons Student's t); ``equalized-odds-difference`` =
    the larger of the gaps in tpr and fpr, ``equalized-odds-ratio`` = the smaller of their ratios, each the lower rate
    over the higher: single numbers that are biased away from parity, which a limit on both gaps judges. Where the plan
    states what errors cost (``cost_of_miss``, ``cost_of_false_alarm``): ``cost-difference`` = cost of a miss times the
    gap in fnr + cost of a false alarm times that in fpr (linearised, CR2), neutral 0.

    A verdict needs 30 rows in both groups and 5 favourable and 5 unfavourable decisions expected at their pooled
    rate; 30 positives and 30 negatives (tpr, fpr); 30 found positive (ppv) or negative (npv) among 100 rows. Smaller
    groups are shown and INCONCLUSIVE. Rows that state no group are counted and shown. The label may itself be biased,
    and then so are the rates that rest on it. Where decisions run against the labels (``overall-auc`` of the decisions,
    half of tpr + 1 - fpr over all rows, with its 99.8 % interval below 0.5) that is an ERROR before any rate, and no
    comparison of error rates gets a verdict. Scores are not asked about here: no rate rests on them.

    Where the plan declares ``weight``, ``cluster`` or both of its rows, rates are weighted shares of the population and
    their intervals rest on persons: linearised, CR2 (Pustejovsky and Tipton 2018) with Satterthwaite's degrees of
    freedom, on the logit for one rate and on the logarithm for the ratio. Every smallest number then counts persons,
    n is of persons, and beside it stands how many of equal weight would say as much (Kish 1965); a verdict also needs
    5 persons on either side of each rate.
    ``sample``: ask about so many rows only, drawn with the plan's seed; a smaller sample is part of a larger one.

    Hardt, Price and Srebro 2016 (error rates); Chouldechova 2017 (why not all gaps can vanish at once); Lydersen,
    Fagerland and Laake 2009 (mid-p).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="planted gap", kind="positive", function=planted_gap),
    )

    def __init__(
        self,
        *,
        cost_of_miss: Cost | None = None,
        cost_of_false_alarm: Cost | None = None,
        sample: int | None = None,
    ) -> None:
        refuse_sample("bias.group-rates", sample)
        self.cost_of_miss = cost_of_miss
        self.cost_of_false_alarm = cost_of_false_alarm
        self.costs = Costs.of("bias.group-rates", cost_of_miss, cost_of_false_alarm)
        self.own_metrics = COST if self.costs is not None else {}
        self.sample = sample

    def groupings(self, subject: Subject) -> list[Grouping]:
        """The attributes whose groups are compared: those that the plan declares."""
        return list(subject.groupings.values())

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, count, and compare."""
        subject, answer = decisions(sampled_rows(ask, self.sample))
        refuse_no_groups(subject)
        yield from measures_of(self.groupings(subject), subject, subject.outcomes(answer), self.costs)
