"""Whether explanations hold: checks of explainers, each a probe."""
