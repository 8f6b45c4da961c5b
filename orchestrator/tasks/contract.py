"""What a task type is, what it is given when it runs, and what it gives back."""

import builtins
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, Protocol, TypeVar

from pydantic import ValidationError

from orchestrator.core.states import State
from orchestrator.tasks.properties import WRITTEN, Found, TaskProperties, sentences

_log = logging.getLogger(__name__)


class Effects(StrEnum):
    """What running a type can change outside: decides what may be tried without asking."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


class TaskFailed(Exception):
    """The task could not do what it was asked; the sentence goes to the person who runs the flow."""

    def __init__(self, message: str, outputs: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.outputs = dict(outputs or {})


class TaskStopped(Exception):
    """The task saw `context.stop` and gave up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt of a task ended with."""

    state: State = State.SUCCESS
    outputs: Mapping[str, object] = field(default_factory=dict)
    error: str | None = None  # a sentence, when the state is not good
    labels: Mapping[str, str] | None = None  # to add to the execution


class TaskStorage(Protocol):
    """The files a running task may write and read; keys and tenants are the worker's business."""

    def put(self, name: str, file: BinaryIO | bytes) -> str:
        """Keep a file of this task run and return its address."""

    def open(self, uri: str) -> BinaryIO:
        """Open a stored file for reading; raise TaskFailed when it is absent or not this execution's to read."""

    def size(self, uri: str) -> int:
        """Return a stored file's length in bytes."""


class NamespaceFiles(Protocol):
    """The files that engineers keep beside their flows."""

    def list(self) -> Sequence[str]:
        """Return the paths of all files, relative, with `/`."""

    def open(self, path: str) -> BinaryIO:
        """Open one of them for reading."""


class NoStorage:
    """Storage of a context that has none: an instant type does no I/O."""

    def put(self, name: str, file: BinaryIO | bytes) -> str:
        """Refuse."""
        raise RuntimeError(f"this task has no storage for {name} ({file!r:.20})")

    def open(self, uri: str) -> BinaryIO:
        """Refuse."""
        raise RuntimeError(f"this task has no storage to open {uri}")

    def size(self, uri: str) -> int:
        """Refuse."""
        raise RuntimeError(f"this task has no storage to measure {uri}")


class NoNamespaceFiles:
    """Namespace files of a context that has none."""

    def list(self) -> Sequence[str]:
        """Return nothing."""
        return ()

    def open(self, path: str) -> BinaryIO:
        """Refuse."""
        raise TaskFailed(f"There is no namespace file {path}.")


def _no_working_dir() -> Path:
    raise RuntimeError("this task has no working directory")


def _ignore_metric(_name: str, _kind: str, _value: float, _tags: Mapping[str, str]) -> None:
    return None


def _unrendered(text: str) -> str:
    return text


@dataclass(slots=True)
class RunContext:
    """Everything a running task may know and do: plain values and callables, made by whoever runs it.

    The executor fills in the first part for instant types; a worker all of it.
    """

    log: Callable[[str, str], None]  # (level TRACE DEBUG INFO WARN ERROR, message); the receiver masks secrets
    tenant_id: int = 0
    tenant: str = ""
    namespace: str = ""
    flow_id: str = ""
    execution_id: str = ""
    task_run_id: str = ""
    task_id: str = ""
    attempt: int = 1

    metric: Callable[[str, str, float, Mapping[str, str]], None] = (
        _ignore_metric  # (name, counter|timer|gauge, value, tags)
    )
    make_working_dir: Callable[[], Path] = _no_working_dir  # the maker also removes it
    storage: TaskStorage = field(default_factory=NoStorage)
    namespace_files: NamespaceFiles = field(default_factory=NoNamespaceFiles)
    render: Callable[[str], str] = _unrendered  # for the rare property that is rendered while running
    stop: threading.Event = field(default_factory=threading.Event)  # set on kill, lost lease and timeout
    deadline: float | None = None  # time.monotonic() at which the attempt's timeout ends
    allow_private_networks: bool = False  # the namespace may talk to addresses inside
    private_networks: Sequence[str] = ()  # networks that everyone may talk to: the operator's PORTICO_PRIVATE_NETWORKS
    masks: Sequence[str] = ()  # secret texts that must not be seen
    isolation: str = "auto"  # PORTICO_ISOLATION: auto | bubblewrap | uid | none
    data_dir: Path = Path("var")  # where environments of scripts are cached
    _working_dir: Path | None = None

    @property
    def working_dir(self) -> Path:
        """The task's own directory, made when first asked for."""
        if self._working_dir is None:
            self._working_dir = self.make_working_dir()
        return self._working_dir

    def raise_if_stopped(self) -> None:
        """Raise TaskStopped when the task has been told to end."""
        if self.stop.is_set():
            raise TaskStopped


P = TypeVar("P", bound=TaskProperties)


class TaskType(ABC, Generic[P]):
    """One kind of task. A subclass says its name and properties and runs; it holds no state."""

    type: ClassVar[str]  # canonical name, for instance "core.log.Log"
    aliases: ClassVar[tuple[str, ...]] = ()  # other canonical names that mean it
    instant: ClassVar[bool] = False  # no I/O and fast: run by the executor itself, in batches
    effects: ClassVar[Effects] = Effects.WRITE
    title: ClassVar[str] = ""
    icon: ClassVar[str] = "box"  # name in frontend/src/icons.json

    Properties: builtins.type[P]

    @abstractmethod
    def run(self, properties: P, context: RunContext) -> Outcome:
        """Do the work; raise TaskFailed with a sentence when it cannot be done."""

    def check(self, written: Mapping[str, Any]) -> list[Found]:
        """Return what is wrong in properties as an author wrote them, expressions allowed: (path, sentence) each."""
        try:
            self.Properties.model_validate(dict(written), context=WRITTEN)
        except ValidationError as error:
            return sentences(error)
        return []

    def read(self, rendered: Mapping[str, Any]) -> P:
        """Return the properties after rendering; raise TaskFailed naming each one that does not fit."""
        try:
            return self.Properties.model_validate(rendered)
        except ValidationError as error:
            found = sentences(error)
            raise TaskFailed(
                " ".join(f"{'.'.join(map(str, path))}: {text}".removeprefix(": ") for path, text in found)
            ) from None

    def perform(self, rendered: Mapping[str, Any], context: RunContext) -> Outcome:
        """Read the rendered properties and run, turning whatever happens into an outcome.

        A task that was stopped ends KILLED; who stopped it (a timeout, a person, a lost lease) the caller knows.
        """
        try:
            return self.run(self.read(rendered), context)
        except TaskStopped:
            return Outcome(State.KILLED, error="The task was stopped.")
        except TaskFailed as failure:
            return Outcome(State.FAILED, outputs=failure.outputs, error=str(failure))
        except Exception as failure:  # noqa: BLE001  (a type's fault is the task's failure, never the worker's)
            _log.exception("%s failed in task run %s", self.type, context.task_run_id)
            return Outcome(State.FAILED, error=f"{type(failure).__name__}: {failure}")
