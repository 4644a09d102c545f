"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run; no deadline, because machines that build are slow and shared.
settings.register_profile("probandum", derandomize=True, deadline=None)
settings.load_profile("probandum")
