"""Settings that all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# The same examples in every run; no deadline, because machines that build are slow and shared.
settings.register_profile("probandum", derandomize=True, deadline=None)
settings.load_profile("probandum")

# Shells start what runs in the background with Ctrl-C ignored, and commands that the tests interrupt would inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
