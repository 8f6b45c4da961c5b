"""The only way flows and executions reach a door: holding the row is the proof of the right.

What an actor may not even see looks absent (NotFound); what they may see but not do is Forbidden, the action named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection
from django.db.models import F, Min, Q, QuerySet
from django.utils import timezone

from orchestrator.core.spec import InputSpec
from orchestrator.models import Artifact, Execution, Flow, FlowRevision, LogLine, Seat, TaskRun, Trigger
from tenants.access import allowed, in_places, require, visible_to
from tenants.actor import Actor
from tenants.errors import NotFound

MASK = "••••••"
LONGEST_ADDRESS = 2_000


class Part(StrEnum):
    """What of a run is shown apart from its states; each is a right of its own."""

    INPUTS = "inputs"
    OUTPUTS = "outputs"
    LOGS = "logs"
    FILES = "files"


# Who sees a part when the app says nothing about it. Logs are for engineers: running an app never includes them.
_USUAL: Mapping[Part, tuple[str, ...]] = {
    Part.INPUTS: ("requester", "approvers", "operators"),
    Part.OUTPUTS: ("requester", "approvers", "operators"),
    Part.LOGS: ("operators",),
    Part.FILES: ("requester", "approvers", "operators"),
}


def flow_for(actor: Actor, action: str, namespace: str, flow_id: str, *, ended: bool = False) -> Flow:
    """Return the living flow (with `ended`, also a deleted one) on which `actor` may do `action`."""
    if "\x00" in namespace or "\x00" in flow_id:  # a text column refuses it
        raise NotFound
    flow = Flow.objects.in_tenant(actor).filter(namespace=namespace, flow_id=flow_id).first()
    if flow is None or (flow.deleted_at is not None and not ended):
        raise NotFound
    if not allowed(actor, action, namespace):
        if not allowed(actor, "flow.view", namespace):
            raise NotFound
        require(actor, action, namespace, thing=flow)
    return flow


def flows_visible_to(actor: Actor, action: str = "flow.list") -> QuerySet[Flow]:
    """Return the living flows on which `actor` holds `action`."""
    return Flow.objects.in_tenant(actor).filter(visible_to(actor, action), deleted_at=None)


def flows_found(actor: Actor, text: str = "", namespace: str = "") -> QuerySet[Flow]:
    """Return the flows one may list whose id, namespace or description has every word of `text`.

    `namespace` keeps those in it and below.
    """
    rows = flows_visible_to(actor)
    for word in text.split()[:10]:
        rows = rows.filter(Q(flow_id__icontains=word) | Q(namespace__icontains=word) | Q(description__icontains=word))
    return rows.filter(in_places([namespace], "namespace")) if namespace else rows


def namespaces_of_flows(actor: Actor) -> list[str]:
    """Return the namespaces that have flows one may list, in order."""
    return list(flows_visible_to(actor).order_by("namespace").values_list("namespace", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow in a list, with its last runs (oldest first) as (id, state), and when a trigger fires next."""

    flow: Flow
    runs: Sequence[tuple[str, str]]
    next_at: datetime | None


_LAST_RUNS = """
SELECT flow.id, run.id, run.state
  FROM unnest(%s::bigint[], %s::boolean[]) AS flow(id, all_runs)
 CROSS JOIN LATERAL (
    SELECT id, state, created_at FROM orchestrator_execution
     WHERE flow_id = flow.id AND tenant_id = %s AND (flow.all_runs OR started_by_id = %s)
     ORDER BY created_at DESC LIMIT %s) run
 ORDER BY flow.id, run.created_at"""
STRIP = 20


def flow_rows(actor: Actor, flows: Sequence[Flow]) -> list[FlowRow]:
    """Return `flows` as rows of a list, with two queries however many they are."""
    seen = {flow.pk: allowed(actor, "execution.list", flow.namespace, started_by=actor.user_id) for flow in flows}
    shown = [flow for flow in flows if seen[flow.pk]]
    runs: dict[int, list[tuple[str, str]]] = {}
    with connection.cursor() as cursor:
        all_runs = [bool(allowed(actor, "execution.list", flow.namespace)) for flow in shown]
        cursor.execute(_LAST_RUNS, [[flow.pk for flow in shown], all_runs, actor.tenant_id, actor.user_id, STRIP])
        for flow_pk, execution_id, state in cursor.fetchall():
            runs.setdefault(flow_pk, []).append((execution_id, state))
    due = Trigger.objects.in_tenant(actor).filter(flow__in=flows, disabled=False, next_at__isnull=False)
    next_at = dict(due.values("flow_id").annotate(at=Min("next_at")).values_list("flow_id", "at"))
    return [FlowRow(flow, runs.get(flow.pk, ()), next_at.get(flow.pk)) for flow in flows]


def triggers_of(flow: Flow) -> QuerySet[Trigger]:
    """Return a flow's triggers; their definitions may hold keys, so doors show ids and types alone."""
    return Trigger.objects.in_tenant(flow.tenant_id).filter(flow=flow).defer("definition").order_by("trigger_id")


def executions_found(actor: Actor, asked: Mapping[str, str]) -> QuerySet[Execution]:
    """Return the executions one may list that match filters: state, flow (`namespace.id`), namespace, q, since, by.

    Several states are joined by commas; an unknown one matches nothing. `since` is a number of hours.
    """
    rows = executions_visible_to(actor).select_related("flow", "started_by")
    if states := asked.get("state"):
        rows = rows.filter(state__in=states.split(","))
    if flow := asked.get("flow"):
        rows = rows.filter(flow__in=_flow_named(actor, flow))
    if namespace := asked.get("namespace"):
        rows = rows.filter(in_places([namespace], "namespace"))
    if hours := asked.get("since"):
        rows = rows.filter(created_at__gte=timezone.now() - timedelta(hours=int(hours[:5]) if hours.isdecimal() else 0))
    if asked.get("by") == "me":
        rows = rows.filter(started_by_id=actor.user_id)
    for word in asked.get("q", "").split()[:5]:
        named = Flow.objects.in_tenant(actor).filter(flow_id__icontains=word).values("pk")
        rows = rows.filter(Q(id__startswith=word) | Q(flow__in=named) | Q(namespace__icontains=word))
    return rows.defer("variables", "inputs", "outputs", "history")


def _flow_named(actor: Actor, name: str) -> QuerySet[Flow]:
    """Return the flow that `namespace.id` names; ids may hold dots, so every way to part it counts."""
    parts = name.split(".")
    ways = [(".".join(parts[:n]), ".".join(parts[n:])) for n in range(1, len(parts))] or [("", name)]
    named = Q(pk__in=[])
    for namespace, flow_id in ways[:20]:
        named |= Q(namespace=namespace, flow_id=flow_id)
    return Flow.objects.in_tenant(actor).filter(named)


def revisions_of(flow: Flow) -> QuerySet[FlowRevision]:
    """Return a flow's revisions, newest first; whoever holds the flow may read its text."""
    return FlowRevision.objects.in_tenant(flow.tenant_id).filter(flow=flow).order_by("-number")


def with_heads(flows: Iterable[Flow]) -> list[tuple[Flow, FlowRevision]]:
    """Return each flow with its newest revision, with one query."""
    rows = list(flows)
    if not rows:
        return []
    heads = FlowRevision.objects.in_tenant(rows[0].tenant_id).filter(
        flow_id__in=[flow.pk for flow in rows],
        number=F("flow__head"),
    )
    by_flow = {head.flow_id: head for head in heads}
    return [(flow, by_flow[flow.pk]) for flow in rows if flow.pk in by_flow]


def execution_for(actor: Actor, action: str, execution_id: str) -> Execution:
    """Return the execution on which `actor` may do `action`, with its flow, revision and starter."""
    execution = _execution(actor, execution_id)
    if execution is None:
        raise NotFound
    place, starter = execution.namespace, execution.started_by_id
    if not allowed(actor, action, place, started_by=starter):
        if not allowed(actor, "execution.view", place, started_by=starter):
            raise NotFound
        require(actor, action, place, thing=execution)
    return execution


def execution_to_follow(actor: Actor, execution_id: str) -> Execution:
    """Return an execution whose states `actor` may watch.

    That is who may view it, who started it, and who holds or held a seat in one of its approvals.
    """
    execution = _execution(actor, execution_id)
    if execution is None or not may_follow(actor, execution):
        raise NotFound
    return execution


def may_follow(actor: Actor, execution: Execution) -> bool:
    """Say whether `actor` may watch the states of `execution`, in whatever view."""
    return (
        bool(allowed(actor, "execution.view", execution.namespace, started_by=execution.started_by_id))
        or _is_requester(actor, execution)
        or _is_approver(actor, execution)
    )


def executions_visible_to(actor: Actor, action: str = "execution.list") -> QuerySet[Execution]:
    """Return the executions on which `actor` holds `action`; own-only rights reach those they started."""
    return Execution.objects.in_tenant(actor).filter(visible_to(actor, action))


def seen_parts(actor: Actor, execution: Execution) -> frozenset[Part]:
    """Return the parts of `execution` that `actor` may see, asking for their seats at most once."""
    here: dict[str, bool] = {"requester": _is_requester(actor, execution), "nobody": False}
    seen: set[Part] = set()
    for part in Part:
        for audience in _audiences(execution, part):
            if audience == "approvers" and "approvers" not in here:
                here["approvers"] = _is_approver(actor, execution)
            if audience == "operators":
                right = f"execution.access_{part}"
                inside = bool(allowed(actor, right, execution.namespace, started_by=execution.started_by_id))
            elif audience.startswith("group:"):
                inside = audience.removeprefix("group:") in actor.group_names
            else:
                inside = here.get(audience, False)
            if inside:
                seen.add(part)
                break
    return frozenset(seen)


def may_see(actor: Actor, execution: Execution, part: str) -> bool:
    """Say whether `actor` may see one part (inputs, outputs, logs, files) of `execution`."""
    return Part(part) in seen_parts(actor, execution)


def inputs_shown(actor: Actor, execution: Execution, specs: Iterable[InputSpec]) -> dict[str, object]:
    """Return the inputs of `execution` as `actor` may read them: secrets and, for others, sensitive ones masked."""
    hidden = {spec.id for spec in specs if spec.type == "SECRET"}
    if not _is_requester(actor, execution):
        hidden |= set(execution.sensitive)
    return _masked(execution.inputs, hidden)


def artifact_for(actor: Actor, execution: Execution, uri: str) -> Artifact:
    """Return a file of `execution` that `actor` may download; raises NotFound also for another execution's file."""
    if not uri or "\x00" in uri or len(uri) > LONGEST_ADDRESS:
        raise NotFound
    artifact = Artifact.objects.in_tenant(actor).filter(execution_id=execution.id, uri=_our_scheme(uri)).first()
    if artifact is None or not may_see(actor, execution, Part.FILES):
        raise NotFound
    if artifact.input_id in execution.sensitive and not _is_requester(actor, execution):
        raise NotFound
    return artifact


def artifacts_of(execution: Execution) -> QuerySet[Artifact]:
    """Return the files of an execution, oldest first; ask `may_see(..., "files")` before showing them."""
    return (
        Artifact.objects.in_tenant(execution.tenant_id).filter(execution_id=execution.id).order_by("created_at", "id")
    )


def task_runs_of(execution: Execution) -> QuerySet[TaskRun]:
    """Return the task runs of an execution in the order of their creation, iterations of loops included."""
    return TaskRun.objects.in_tenant(execution.tenant_id).filter(execution=execution).order_by("position", "id")


def outputs_of(run: TaskRun) -> object:
    """Return the outputs of a task run; ask `may_see(..., "outputs")` before showing them."""
    return TaskRun.objects.in_tenant(run.tenant_id).values_list("outputs", flat=True).get(pk=run.pk)


def log_lines_of(execution: Execution) -> QuerySet[LogLine]:
    """Return what the tasks of an execution said; ask `may_see(..., "logs")` before showing it."""
    return LogLine.objects.in_tenant(execution.tenant_id).filter(execution_id=execution.id)


def _execution(actor: Actor, execution_id: str) -> Execution | None:
    if not _could_be_an_id(execution_id):
        return None
    rows = Execution.objects.in_tenant(actor).select_related("flow", "revision", "started_by")
    return rows.filter(id=execution_id).first()


def _could_be_an_id(text: str) -> bool:
    """Turn away what cannot be an id before it reaches the database, which refuses for instance NUL."""
    return text.isascii() and text.isalnum() and len(text) <= 22


def _audiences(execution: Execution, part: Part) -> Iterable[str]:
    said = execution.shown_to.get(part)
    return _USUAL[part] if said is None else said


def _is_requester(actor: Actor, execution: Execution) -> bool:
    return actor.is_system or (actor.user_id is not None and execution.started_by_id == actor.user_id)


def _is_approver(actor: Actor, execution: Execution) -> bool:
    """Say whether `actor` holds or held a seat in an approval of `execution`."""
    if actor.user_id is None:
        return actor.is_system
    seats = Seat.objects.in_tenant(actor).filter(approval__execution_id=execution.id)
    mine = Q(user_id=actor.user_id) | Q(group_id__in=actor.group_ids)
    places = seats.filter(mine | ~Q(action="")).values_list("action", "approval__namespace")
    return any(not action or bool(allowed(actor, action, namespace)) for action, namespace in places)


def _masked(values: Mapping[str, object], hidden: Iterable[str]) -> dict[str, object]:
    """Return `values` with the (perhaps dotted) ids in `hidden` masked where they are present."""
    shown = dict(values)
    for name in hidden:
        head, _, rest = name.partition(".")
        inside = shown.get(head)
        if rest and isinstance(inside, Mapping):
            shown[head] = _masked(inside, [rest])
        elif head in shown and not rest:
            shown[head] = MASK
    return shown


def _our_scheme(uri: str) -> str:
    return "portico" + uri.removeprefix("kestra") if uri.startswith("kestra://") else uri
