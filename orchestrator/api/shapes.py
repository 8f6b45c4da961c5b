"""Rows as the JSON that the field's clients expect."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.duration import duration_iso_string

from orchestrator import flows
from orchestrator.access import Part
from orchestrator.changes import Line
from orchestrator.core.flow_yaml import load

if TYPE_CHECKING:
    from orchestrator.models import Execution, Flow, FlowRevision, TaskRun

Json = dict[str, Any]
_LISTS_OF_PAIRS = ("labels",)


def flow_json(flow: "Flow", revision: "FlowRevision", *, source: bool = False) -> Json:
    """Return a flow as it was written, with its revision; with `source` also its text."""
    body: Json = {
        **written(revision.pk, revision.source),
        "id": flow.flow_id,
        "namespace": flow.namespace,
        "revision": revision.number,
        "disabled": flow.disabled,
        "deleted": flow.deleted_at is not None,
        "draft": False,
        "updated": time_of(revision.created_at),
    }
    if source:
        body["source"] = revision.source
    return body


@lru_cache(maxsize=512)
def written(revision_id: int, source: str) -> Json:  # noqa: ARG001 - the id makes the key cheap to compare
    """Return a saved text's own structure, labels as the list of pairs that clients read."""
    value = load(source).value
    body: Json = dict(value) if isinstance(value, Mapping) else {}
    for name in _LISTS_OF_PAIRS:
        if isinstance(body.get(name), Mapping):
            body[name] = pairs(body[name])
    return body


def pairs(labels: Mapping[str, object]) -> list[Json]:
    """Return labels as `[{key, value}]`."""
    return [{"key": key, "value": str(value)} for key, value in labels.items()]


def execution_json(
    execution: "Execution",
    tenant: str,
    seen: frozenset[Part],
    inputs: Mapping[str, object],
    runs: Sequence["TaskRun"],
) -> Json:
    """Return an execution with its task runs; parts that the reader may not see are left empty."""
    body = light_execution_json(execution, tenant)
    see_outputs = Part.OUTPUTS in seen
    body |= {
        "taskRunList": [task_run_json(execution, run, outputs=see_outputs) for run in runs],
        "inputs": dict(inputs) if Part.INPUTS in seen else {},
        "outputs": (execution.outputs or {}) if see_outputs else {},
        "variables": execution.variables if see_outputs else {},
        "metadata": {"attemptNumber": execution.round + 1, "originalCreatedDate": time_of(execution.created_at)},
        "deleted": False,
    }
    if execution.error:
        body["error"] = execution.error
    return body


def light_execution_json(execution: "Execution", tenant: str) -> Json:
    """Return an execution as lists show it: no task runs, no values."""
    cause = execution.cause
    body: Json = {
        "tenantId": tenant,
        "id": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow.flow_id,
        "flowRevision": execution.revision.number,
        "labels": pairs(execution.labels),
        "state": state_json(
            execution.state,
            execution.history,
            execution.created_at,
            execution.started_at,
            execution.ended_at,
        ),
        "originalId": cause.get("original") or execution.id,
        "url": f"{settings.PUBLIC_URL}/ui/{tenant}/executions/{execution.id}",
    }
    if cause.get("parent"):
        body["parentId"] = cause["parent"]
    if cause.get("trigger"):
        body["trigger"] = {"id": cause["trigger"], "type": cause.get("type", cause.get("kind", ""))}
    return body


def task_run_json(execution: "Execution", run: "TaskRun", *, outputs: bool) -> Json:
    """Return one task run with its finished attempts."""
    body: Json = {
        "id": run.id,
        "executionId": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow.flow_id,
        "taskId": run.task_id,
        "state": state_json(run.state, run.history, run.created_at, run.started_at, run.ended_at),
        "attempts": [
            {
                "state": {
                    "current": attempt.get("state"),
                    "startDate": attempt.get("start"),
                    "endDate": attempt.get("end"),
                }
            }
            for attempt in run.attempts
        ],
    }
    if run.value is not None:
        body["value"] = run.value
    if run.iteration is not None:
        body["iteration"] = run.iteration
    if outputs:
        body["outputs"] = run.outputs or {}
    if run.error:
        body["error"] = run.error
    return body


def state_json(
    state: str,
    history: Iterable[Sequence[str]],
    created: datetime,
    started: datetime | None,
    ended: datetime | None,
) -> Json:
    """Return a state with its history and times."""
    begun = started or created
    body: Json = {
        "current": state,
        "histories": [{"state": name, "date": at} for name, at in history],
        "startDate": time_of(begun),
    }
    if not body["histories"]:
        body["histories"] = [{"state": state, "date": time_of(begun)}]
    if ended is not None:
        body["endDate"] = time_of(ended)
        body["duration"] = duration_iso_string(max(ended - begun, timedelta(0)))
    return body


def line_json(execution: "Execution", line: Line) -> Json:
    """Return one log line."""
    return {
        "namespace": execution.namespace,
        "flowId": execution.flow.flow_id,
        "executionId": execution.id,
        "taskId": line.task_id or None,
        "taskRunId": line.task_run_id or None,
        "attemptNumber": line.attempt,
        "timestamp": time_of(line.at),
        "level": line.level,
        "message": line.message,
    }


def graph_json(graph: Mapping[str, Any]) -> Json:
    """Return a flow's graph: the field's names for nodes and edges, beside our own."""
    return {
        **graph,
        "nodes": [{**node, "uid": node["id"], "type": node.get("type", "")} for node in graph["nodes"]],
        "edges": [{**edge, "source": edge["from"], "target": edge["to"]} for edge in graph["edges"]],
        "clusters": [],
        "flowables": [],
    }


def time_of(at: datetime | str | None) -> str | None:
    """Return a moment as clients read it, in UTC."""
    if isinstance(at, str):
        at = parse_datetime(at)
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def head_json(flow: "Flow") -> Json:
    """Return a flow with its newest text."""
    return flow_json(flow, flows.head_of(flow), source=True)
