from __future__ import annotations

import pytest

from dossiers import make_dossier
from probandum.dossier import Dossier


@pytest.fixture(scope="session")
def dossier() -> Dossier:
    """A dossier with findings of every verdict, a withheld cell, a waiver and an energy window."""
    return make_dossier()
