"""What benchmarks of stereotypes cannot say, in the words of those who looked: said beside every such number."""

from __future__ import annotations

#: Blodgett, Lopez, Olteanu, Sim and Wallach (ACL 2021), of CrowS-Pairs, StereoSet, WinoBias and Winogender.
PITFALLS = (
    "Blodgett et al. (2021) find that such benchmarks “frequently lack clear articulations of what is being "
    "measured”, with “ambiguities and unstated assumptions that affect how these benchmarks conceptualize and "
    "operationalize stereotyping”"
)
#: Goldfarb-Tarrant et al. (ACL 2021), of association tests.
WEAK_LINK = "associations of vectors have a weak link to what a system does with people (Goldfarb-Tarrant et al. 2021)"
