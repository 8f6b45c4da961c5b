"""The ground for tests that kill, freeze and flush."""

import pytest

from tests.conftest import searchable_folder
from tests.faults.ground import Ground


@pytest.fixture(scope="session")
def servers_to_break():
    """One pair of servers for all fault tests of a run."""
    ground = Ground(searchable_folder("portico-faults-"))
    yield ground
    ground.close()


@pytest.fixture
def ground(servers_to_break):
    """An empty ground; what a test starts is ended after it."""
    yield servers_to_break
    servers_to_break.clear()
