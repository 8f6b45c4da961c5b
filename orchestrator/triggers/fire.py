"""Start one execution for one trigger and one key.

The key's row is written first: of several at the same moment one writes it and starts the execution in the same
transaction, the others wait for that transaction and then return its execution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import bind
from orchestrator.executions import Cause, insert
from orchestrator.flow_inputs import Renderer
from orchestrator.ids import new_id
from orchestrator.revisions import revision_of
from orchestrator.saying import as_invalid, reason
from tenants.errors import Conflict, FieldProblem, Invalid


@dataclass(frozen=True, slots=True)
class Due:
    """A trigger that is to be fired, and what it is fired with."""

    tenant_id: int
    trigger_pk: int
    trigger_id: str
    kind: str  # of the cause: webhook | schedule | ...
    revision_pk: int
    variables: Mapping[str, object]  # what expressions see as `trigger`
    inputs: Mapping[str, object]  # as the trigger's author wrote them
    key: str = ""  # delivery id, idempotency key or scheduled time; empty: every call is a new one
    body_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Fired:
    """The execution of a key; `first` is false when an earlier call started it."""

    execution_id: str
    revision_pk: int
    first: bool


_TAKE = """
INSERT INTO orchestrator_fire (tenant_id, trigger_id, key, body_sha256, execution_id, at)
VALUES (%s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (trigger_id, key) DO NOTHING
RETURNING 1"""
_TAKEN = "SELECT execution_id, body_sha256 FROM orchestrator_fire WHERE tenant_id = %s AND trigger_id = %s AND key = %s"


def fire(due: Due) -> Fired:
    """Start the execution of `due`, or return the one its key has started before.

    Raises Conflict when the key was used with another body, Invalid when the trigger's inputs do not fit the flow's.
    """
    execution_id = new_id()
    with transaction.atomic(savepoint=False):
        if due.key and not _take(due, execution_id):
            return _taken(due)
        insert(
            due.tenant_id,
            due.revision_pk,
            _inputs(due, timezone.now()),
            cause=Cause(kind=due.kind, trigger=due.trigger_id, variables=due.variables),
            execution_id=execution_id,
        )
    return Fired(execution_id, due.revision_pk, first=True)


def _take(due: Due, execution_id: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [due.tenant_id, due.trigger_pk, due.key, due.body_sha256, execution_id])
        return cursor.fetchone() is not None


def _taken(due: Due) -> Fired:
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN, [due.tenant_id, due.trigger_pk, due.key])
        row = cursor.fetchone()
    if row is None:  # it was removed in between, with its trigger
        raise Conflict
    execution_id, body_sha256 = row
    if body_sha256 != due.body_sha256:
        raise Conflict(_("This delivery id was used before with another body."))
    return Fired(execution_id, due.revision_pk, first=False)


def _inputs(due: Due, at: datetime) -> Mapping[str, object]:
    """Return the flow's inputs: those that the trigger's author wrote, rendered, and the flow's own defaults."""
    spec = revision_of(due.revision_pk).spec
    if not spec.inputs:
        return {}
    render = Renderer(spec, at)
    try:
        given = {name: _rendered(value, render, {"trigger": due.variables}) for name, value in due.inputs.items()}
    except ValueError as error:
        raise Invalid([FieldProblem(reason(error), ("trigger", due.trigger_id, "inputs"))]) from None
    bound = bind(spec.inputs, given, at=at, render=render)
    if bound.problems:
        raise as_invalid(InputInvalid(bound.problems))
    return bound.values


def _rendered(value: object, render: Renderer, scope: Mapping[str, object]) -> object:
    if isinstance(value, str):
        return render(value, scope) if "{" in value else value
    if isinstance(value, Mapping):
        return {key: _rendered(item, render, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(item, render, scope) for item in value]
    return value
