"""Explainers: each attributes an answer to the features of one input."""
