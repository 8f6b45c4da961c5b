"""Starting executions, and what people ask of running ones. Each records a fact; the machine decides what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orchestrator import dispatch, executor
from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import bind
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.spec import InputSpec
from orchestrator.core.states import FINAL, State
from orchestrator.ids import new_id
from orchestrator.json_text import dump
from orchestrator.models import Artifact, Execution, FlowRevision, TaskRun
from orchestrator.revisions import revision_of
from orchestrator.storage import Stored
from tenants import audit
from tenants.actor import Actor
from tenants.errors import Conflict

PAUSE = "core.flow.Pause"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an execution exists."""

    kind: str  # app | flow | webhook | api | schedule
    app: str = ""  # uid of the app it was submitted with
    title: str = ""  # what people call this run
    trigger: str = ""  # id of the trigger that fired
    variables: Mapping[str, object] = field(default_factory=dict)  # the trigger's, seen as `trigger`

    def as_json(self) -> dict[str, object]:
        """Return what is kept: fields that say something."""
        return {key: value for key, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file given for an input, stored already."""

    input_id: str
    stored: Stored


INSERT = """
INSERT INTO orchestrator_execution (
    id, tenant_id, namespace, flow_id, revision_id, state, round, version, counts, positions, inputs, variables, labels,
    cause, started_by_id, shown_to, sensitive, error, history, created_at, advance_at, advance_tries)
VALUES (%s, %s, %s, %s, %s, 'CREATED', 0, 0, '{}', 0, %s, '{}', %s, %s, %s, %s, %s, '', %s, %s, clock_timestamp(), 0)
"""


def insert(  # noqa: PLR0913 - an execution is made of exactly these
    tenant_id: int,
    revision_id: int,
    inputs: Mapping[str, object],
    *,
    cause: Cause,
    started_by: int | None = None,
    labels: Mapping[str, str] | None = None,
    shown_to: Mapping[str, Sequence[str]] | None = None,
    sensitive: Sequence[str] = (),
    execution_id: str | None = None,
) -> str:
    """Write a new execution and ring for it, in the caller's transaction; return its id. The lean part of `start`."""
    revision = revision_of(revision_id)
    execution_id = execution_id or new_id()
    at = datetime.now(UTC)
    every_label = {**revision.spec.labels, **(labels or {})}
    every_label.setdefault("system.correlationId", execution_id)
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            [
                execution_id,
                tenant_id,
                revision.spec.namespace,
                revision.flow_pk,
                revision_id,
                dump(inputs),
                dump(every_label),
                dump(cause.as_json()),
                started_by,
                dump(shown_to or {}),
                dump(list(sensitive)),
                dump([[State.CREATED, at.isoformat()]]),
                at,
            ],
        )
    dispatch.ring()
    dispatch.changed(tenant_id, execution_id)
    return execution_id


def start(  # noqa: PLR0913 - an execution is made of exactly these
    actor: Actor,
    revision: FlowRevision,
    inputs: Mapping[str, object],
    *,
    cause: Cause,
    labels: Mapping[str, str] | None = None,
    shown_to: Mapping[str, Sequence[str]] | None = None,
    sensitive: Sequence[str] = (),
    execution_id: str | None = None,
    files: Sequence[InputFile] = (),
) -> Execution:
    """Start an execution of `revision` with values that `inputs.bind` accepted.

    `files` are those given for inputs; their addresses stand in `inputs` already. Raises Conflict for a disabled flow.
    """
    flow = revision.flow
    if flow.disabled or flow.deleted_at is not None:
        raise Conflict(_("The flow is disabled."))
    with transaction.atomic():
        execution_id = insert(
            actor.tenant_id,
            revision.pk,
            inputs,
            cause=cause,
            started_by=actor.user_id,
            labels=labels,
            shown_to=shown_to,
            sensitive=sensitive,
            execution_id=execution_id,
        )
        Artifact.across_tenants.bulk_create(
            Artifact(
                tenant_id=actor.tenant_id,
                uri=file.stored.uri,
                execution_id=execution_id,
                input_id=file.input_id,
                name=file.stored.name[:300],
                size=file.stored.size,
                sha256=file.stored.sha256,
                created_at=timezone.now(),
            )
            for file in files
        )
        if actor.user_id is not None:
            audit.record(actor, "flow.execute", "execution", execution_id, namespace=flow.namespace)
    return Execution.objects.in_tenant(actor).get(pk=execution_id)


def kill(actor: Actor, execution: Execution) -> None:
    """Ask for `execution` to stop for good; it ends once its workers are still. Raises Conflict when it is over."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orchestrator_execution SET state = 'KILLING', version = version + 1, "
                "advance_at = clock_timestamp(), "
                "history = history || jsonb_build_array(jsonb_build_array('KILLING', clock_timestamp())) "
                "WHERE id = %s AND NOT state = ANY(%s)",
                [execution.pk, [*FINAL, State.KILLING]],
            )
            if not cursor.rowcount:
                raise Conflict(_("It has ended already."))
        audit.record(actor, "execution.kill", "execution", execution.pk, namespace=execution.namespace)
        dispatch.ring()
        dispatch.changed(execution.tenant_id, execution.pk)


def paused_at(execution: Execution) -> TaskRun | None:
    """Return the first pause that a person may resume, if the execution waits at one."""
    places = revision_of(execution.revision_id).outline.places
    waiting = TaskRun.objects.in_tenant(execution.tenant_id).filter(
        execution=execution,
        state=State.PAUSED,
        fact__isnull=True,
    )
    return next((run for run in waiting.order_by("position") if places[run.task_id].task.type == PAUSE), None)


def resume_inputs(run: TaskRun, execution: Execution) -> Sequence[InputSpec]:
    """Return the inputs that the pause at `run` asks for."""
    return revision_of(execution.revision_id).outline.task(run.task_id).inputs


def resume(actor: Actor, execution: Execution, inputs: Mapping[str, object]) -> None:
    """Let a paused execution go on with `inputs`; raises InputInvalid, and Conflict when it waits at no pause.

    An open approval is not a pause: only a decision closes it.
    """
    run = paused_at(execution)
    if run is None:
        raise Conflict(_("It is not paused."))
    bound = bind(resume_inputs(run, execution), inputs, at=timezone.now(), zone=actor.zone)
    if bound.problems:
        raise InputInvalid(bound.problems)
    with transaction.atomic():
        Execution.across_tenants.select_for_update().get(pk=execution.pk)
        if not executor.record_fact(run.pk, Fact(FactKind.RESUMED, outputs=bound.values)):
            raise Conflict(_("Somebody has resumed it already."))
        executor.want_advance(execution.pk)
        audit.record(
            actor,
            "execution.resume",
            "execution",
            execution.pk,
            namespace=execution.namespace,
            after={"task": run.task_id},
        )
        dispatch.changed(execution.tenant_id, execution.pk)
