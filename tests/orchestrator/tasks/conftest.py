"""A context for running task types for real: a working directory, a storage on disk, everything they say kept."""

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator import storage
from orchestrator.tasks.contract import Outcome, RunContext, TaskFailed
from orchestrator.tasks.registry import task_type
from orchestrator.tasks.scripts.process import STARTERS

TENANT = 7


class FilesHere:
    """Namespace files from a dict."""

    def __init__(self, files):
        self.files = files

    def list(self):
        return sorted(self.files)

    def open(self, path):
        if path not in self.files:
            raise TaskFailed(f"There is no namespace file {path}.")
        return (Path(self.files[path])).open("rb")


@dataclass
class Stage:
    """Runs a type and keeps what it did."""

    root: Path
    lines: list = field(default_factory=list)
    metrics: list = field(default_factory=list)
    files: storage.TaskRunFiles | None = None
    seconds: float = 0.0

    def context(self, **given) -> RunContext:
        folder = Path(tempfile.mkdtemp(dir=self.root))
        self.files = storage.TaskRunFiles(
            TENANT,
            storage.task_run_folder("company.team", "flow", "exec1", "task", "run1"),
            may_read=lambda uri: "/exec1/" in uri,
        )
        self.folder = folder
        return RunContext(
            **{
                "log": lambda level, message: self.lines.append((level, message)),
                "tenant_id": TENANT,
                "namespace": "company.team",
                "flow_id": "flow",
                "execution_id": "exec1",
                "task_run_id": "run1",
                "task_id": "task",
                "attempt": 3,
                "metric": lambda *metric: self.metrics.append(metric),
                "make_working_dir": lambda: folder,
                "storage": self.files,
                "data_dir": self.root / "data",
                "private_networks": ["127.0.0.0/8"],
                **given,
            }
        )

    def files_of_namespace(self, files) -> FilesHere:
        return FilesHere(files)

    def run(self, name, context=None, **properties) -> Outcome:
        self.lines.clear()
        self.metrics.clear()
        started = time.monotonic()
        outcome = task_type(name).perform(properties, context or self.context())
        self.seconds = time.monotonic() - started
        return outcome

    @property
    def said(self) -> str:
        return "\n".join(text for _, text in self.lines)

    def stored(self, uri) -> bytes:
        with self.files.open(uri) as file:
            return file.read()


@pytest.fixture(scope="session")
def shared_root():
    """A folder that other users may walk through; environments of scripts are built here once."""
    root = Path(tempfile.mkdtemp(prefix="portico-tasks-", dir="/var/tmp"))
    root.chmod(0o755)
    yield root
    STARTERS.close()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def stage(shared_root, settings):
    settings.STORAGE_URL = f"file://{shared_root}/storage"
    return Stage(shared_root)
