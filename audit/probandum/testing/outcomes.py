"""What a test of an audit ends with beside passing and failing; all three are skips to who does not know them."""

from __future__ import annotations

import pytest


class Unpassed(pytest.skip.Exception):  # type: ignore[name-defined, misc]
    """The lines that a person reads. ``outcome``: pytest's own word, or one of ours."""

    outcome = "skipped"
    blocks = False


class Inconclusive(Unpassed):
    """No verdict; ``blocks``: whether pytest may still end with 0."""

    outcome = "inconclusive"

    def __init__(self, text: str, *, blocks: bool) -> None:
        super().__init__(text)
        self.blocks = blocks


class Waived(Unpassed):
    """A broken limit or a missing verdict that somebody accepted, for a while and within a bound."""

    outcome = "waived"


class NotApplicable(Unpassed):
    """A question that the system cannot be asked."""
