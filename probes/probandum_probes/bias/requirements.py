"""What in the law a comparison of groups gives evidence for: identifiers of the catalogue, said once for all probes."""

from __future__ import annotations

#: Differences between groups that a system makes, whatever it is.
DIFFERENCES = (
    "ai-act:art-9:6",
    "ai-act:art-10:2:f",
    "ai-act:annex-iv:2:g",
    "ai-act:annex-iv:3",
    "gdpr:5:1:a",
    "gdpr:35:7:c",
)
#: Differences in decisions on persons, as a deployer's impact assessment asks for them.
DECISIONS = (*DIFFERENCES, "ai-act:art-27:1:d")
#: How well a system does for each group.
PERFORMANCE = (*DECISIONS, "ai-act:art-13:3:b:v")
