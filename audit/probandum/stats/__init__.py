"""Statistics: intervals, tests, corrections and power, as plain functions of counts and values.

Shares are of 1, differences are group minus reference, ratios group over reference. Every interval comes with
p-values that invert it, and no function returns NaN.
"""

from probandum.stats.auc import (
    Area,
    SubgroupAreas,
    area,
    auc_difference_interval,
    auc_interval,
    subgroup_areas,
)
from probandum.stats.basis import METHODS, bounds, p_value
from probandum.stats.betting import confidence_sequence
from probandum.stats.calibration import (
    Reliability,
    StabilityIndex,
    calibration_in_the_large,
    calibration_null,
    clustered_calibration_in_the_large,
    debiased_ece,
    psi,
    reliability,
)
from probandum.stats.clusters import (
    Clustering,
    bca_draws,
    cluster_difference_interval,
    cluster_mean_interval,
    design_effect,
)
from probandum.stats.evalues import e_benjamini_hochberg, e_holm, e_mean, e_product, e_to_p
from probandum.stats.exposure import exposure_ratio_draws
from probandum.stats.homogeneity import Homogeneity, breslow_day, woolf
from probandum.stats.intervals import (
    Interval,
    difference_interval,
    paired_difference_interval,
    proportion_interval,
    ratio_interval,
)
from probandum.stats.linearised import ClusterSums, Linearised
from probandum.stats.means import log_mean_interval, mean_interval, relative_change_interval, welch_interval
from probandum.stats.multiplicity import benjamini_hochberg, holm
from probandum.stats.power import (
    can_pass,
    detectable,
    minimum_detectable_effect,
    n_for_equivalence,
    n_for_verdict,
    n_for_zero_events,
)
from probandum.stats.resampling import (
    has_dynamic_range,
    mean_draws,
    multinomial_draws,
    percentile_interval,
    ratio_of_means_draws,
    resampled_tables,
)
from probandum.stats.sequential import SequentialTest
from probandum.stats.shrinkage import Shrunk, differential_fairness, shrunk_rates
from probandum.stats.stratified import odds_ratio_interval, stratified_difference_interval, stratified_ratio_interval
from probandum.stats.testing import equivalence, mcnemar, no_difference
from probandum.stats.two_way import ROUNDING, filled, kept, two_way_interval, variance_of, without_rounding
from probandum.stats.weighted_auc import WeightedArea, clustered_area, weighted_area
from probandum.stats.weighted_strata import ClusteredStrata

__all__ = [
    "METHODS",
    "ROUNDING",
    "Area",
    "ClusterSums",
    "ClusteredStrata",
    "Clustering",
    "Homogeneity",
    "Interval",
    "Linearised",
    "Reliability",
    "SequentialTest",
    "Shrunk",
    "StabilityIndex",
    "SubgroupAreas",
    "WeightedArea",
    "area",
    "auc_difference_interval",
    "auc_interval",
    "bca_draws",
    "benjamini_hochberg",
    "bounds",
    "breslow_day",
    "calibration_in_the_large",
    "calibration_null",
    "can_pass",
    "cluster_difference_interval",
    "cluster_mean_interval",
    "clustered_area",
    "clustered_calibration_in_the_large",
    "confidence_sequence",
    "debiased_ece",
    "design_effect",
    "detectable",
    "difference_interval",
    "differential_fairness",
    "e_benjamini_hochberg",
    "e_holm",
    "e_mean",
    "e_product",
    "e_to_p",
    "equivalence",
    "exposure_ratio_draws",
    "filled",
    "has_dynamic_range",
    "holm",
    "kept",
    "log_mean_interval",
    "mcnemar",
    "mean_draws",
    "mean_interval",
    "minimum_detectable_effect",
    "multinomial_draws",
    "n_for_equivalence",
    "n_for_verdict",
    "n_for_zero_events",
    "no_difference",
    "odds_ratio_interval",
    "p_value",
    "paired_difference_interval",
    "percentile_interval",
    "proportion_interval",
    "psi",
    "ratio_interval",
    "ratio_of_means_draws",
    "relative_change_interval",
    "reliability",
    "resampled_tables",
    "shrunk_rates",
    "stratified_difference_interval",
    "stratified_ratio_interval",
    "subgroup_areas",
    "two_way_interval",
    "variance_of",
    "weighted_area",
    "welch_interval",
    "without_rounding",
    "woolf",
]
