"""Whole journeys through the engine, with a worker cranked by hand."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test.utils import override_settings

from tests.conftest import searchable_folder
from tests.orchestrator.engine.conftest import crank as crank  # the fixture


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A data folder of its own, with the storage in it."""
    folder = searchable_folder("portico-journey-")
    with override_settings(DATA_DIR=folder, STORAGE_URL=f"file://{folder}/storage"):
        yield folder
    shutil.rmtree(folder, ignore_errors=True)
