"""What all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from guard.demo import People

# A loaded machine is no failure of the code, so examples have no deadline; the count keeps one file within seconds.
settings.register_profile("guard", deadline=None, max_examples=50)
settings.load_profile("guard")


@pytest.fixture
def people() -> People:
    """Synthetic people, the same in every run."""
    return People(2026)
