"""Statistics: intervals, tests, corrections and power, as plain functions of counts and values.

Shares are of 1, differences are group minus reference, ratios group over reference. Every interval comes with
p-values that invert it, and no function returns NaN.
"""

from probandum.stats.basis import METHODS, bounds, p_value
from probandum.stats.intervals import (
    Interval,
    difference_interval,
    paired_difference_interval,
    proportion_interval,
    ratio_interval,
)
from probandum.stats.means import log_mean_interval, mean_interval, welch_interval
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
)
from probandum.stats.testing import equivalence, mcnemar
from probandum.stats.two_way import two_way_interval

__all__ = [
    "METHODS",
    "Interval",
    "benjamini_hochberg",
    "bounds",
    "can_pass",
    "detectable",
    "difference_interval",
    "equivalence",
    "has_dynamic_range",
    "holm",
    "log_mean_interval",
    "mcnemar",
    "mean_draws",
    "mean_interval",
    "minimum_detectable_effect",
    "multinomial_draws",
    "n_for_equivalence",
    "n_for_verdict",
    "n_for_zero_events",
    "p_value",
    "paired_difference_interval",
    "percentile_interval",
    "proportion_interval",
    "ratio_interval",
    "ratio_of_means_draws",
    "two_way_interval",
    "welch_interval",
]
