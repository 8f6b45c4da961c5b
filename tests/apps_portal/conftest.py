"""One stage for each test of the portal."""

import pytest

from orchestrator import revisions
from tests.apps_portal import stage as house


@pytest.fixture
def stage(db, settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    revisions.forget_all()
    house.publishing.forget_all()
    return house.cast()
