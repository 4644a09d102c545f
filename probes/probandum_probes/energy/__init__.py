"""Probes of what an answer takes: one a file."""
