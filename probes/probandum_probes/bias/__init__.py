"""Probes of unequal treatment: one a file."""
