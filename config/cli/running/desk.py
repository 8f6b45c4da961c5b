"""Where flow files are run: a tenant of their own, in which no trigger fires."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from config.cli.running.asked import Asked
from orchestrator import executions, flow_inputs, flows, storage
from orchestrator.core.flow_rules import problems_of, tasks_of
from orchestrator.core.spec import FlowSpec, Problem
from orchestrator.executions import Cause
from orchestrator.flow_inputs import Upload
from orchestrator.models import FlowRevision, Trigger
from orchestrator.saying import said
from orchestrator.tasks.registry import catalogue
from tenants.actor import Actor
from tenants.errors import Invalid, PorticoError
from tenants.models import Tenant
from tenants.tenancy import in_tenant

TENANT = "command-line"


@dataclass(frozen=True, slots=True)
class FlowFile:
    """A file as it was read: a flow that can be saved, or what is wrong with it."""

    path: Path
    source: str
    spec: FlowSpec | None
    problems: Sequence[Problem]  # without warnings

    @property
    def good(self) -> bool:
        """Tell whether it can be run."""
        return self.spec is not None and not self.problems


def read_file(path: Path) -> FlowFile:
    """Read and check a flow file. An expression that cannot be read is no problem until a run meets it."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        why = unreadable.strerror if isinstance(unreadable, OSError) else "it is no text in UTF-8"
        return FlowFile(path, "", None, [Problem(f"The file cannot be read: {why}.")])
    spec, found = problems_of(source, catalogue(), broken_expressions_warn=True)
    return FlowFile(path, source, spec, [problem for problem in found if not problem.warning])


def queues_of(files: Iterable[FlowFile]) -> list[str]:
    """Return the worker groups that the tasks of these flows name, the usual one first."""
    named = {task.worker_group for file in files if file.spec for task in tasks_of(file.spec) if task.worker_group}
    return ["default", *sorted(named - {"default"})]


class Desk:
    """Saves flows and starts executions, as nobody in particular."""

    def __init__(self) -> None:
        tenant, _made = Tenant.objects.get_or_create(slug=TENANT, defaults={"name": "Command line"})
        self.actor = Actor.system(tenant.pk)
        self._saved: dict[Path, FlowRevision] = {}

    def save(self, file: FlowFile) -> FlowRevision:
        """Save a good file's flow, without its triggers; the same file again gives the same revision."""
        if file.path not in self._saved:
            with in_tenant(self.actor.tenant_id):
                revision = flows.save(self.actor, file.source, broken_expressions_warn=True)
                Trigger.objects.in_tenant(self.actor).filter(flow=revision.flow).delete()
            self._saved[file.path] = revision
        return self._saved[file.path]

    def start(self, asked: Asked, file: FlowFile) -> str:
        """Start what is asked for and return the execution's id; raises PorticoError, Invalid for bad inputs."""
        revision = self.save(file)
        spec = flows.spec_of(revision.pk)
        unknown = sorted(set(asked.files) - {one.id for one in spec.inputs})
        if unknown:
            raise Invalid.in_field(unknown[0], f"The flow has no input {unknown[0]}.")
        with ExitStack() as opened:
            uploads = {
                name: Upload(path.name, path.stat().st_size, opened.enter_context(path.open("rb")))
                for name, path in asked.files.items()
            }
            given = flow_inputs.take(self.actor, spec, asked.inputs, uploads)
        try:
            return executions.start(
                self.actor,
                revision,
                given.values,
                cause=Cause("api"),
                execution_id=given.execution_id,
                files=given.files,
            ).pk
        except PorticoError:
            for kept in given.files:
                storage.delete(self.actor.tenant_id, kept.stored.uri)
            raise


def input_problems(refused: PorticoError, file: FlowFile) -> list[Problem]:
    """Return why an execution could not be started as problems of the flow's file, each at its input's place."""
    if not isinstance(refused, Invalid):
        return [Problem(said(refused.sentence))]
    places = file.spec.places if file.spec else None
    found = []
    for problem in refused.problems:
        path = tuple(getattr(problem, "path", ()))
        index = next((n for n, one in enumerate(file.spec.inputs) if one.id in path[:1]), None) if file.spec else None
        line, column = places.position(("inputs", index)) if places and index is not None else (1, 1)
        name = ".".join(str(part) for part in path)
        found.append(Problem(f"{name}: {problem.message}" if name else str(problem.message), line, column))
    return found
