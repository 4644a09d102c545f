"""Explainers, and probes that test explanations: one a file."""
