"""Where bad input meets the whole engine: the hand-cranked worker of the engine's tests, and people at their doors."""

import pytest

from tests.cast import Cast
from tests.orchestrator.engine.conftest import Crank, crank

__all__ = ["crank"]


@pytest.fixture
def stage(crank: Crank, settings, tmp_path) -> Cast:
    """The cast, with storage of its own."""
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    return crank.cast
