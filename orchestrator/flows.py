"""Flows as their authors handle them: save, read, disable, enable, delete, and what is wrong with a text.

A revision is never changed, so its parsed form is kept per process. Every change is audited in its own transaction.
"""

import hashlib
import re

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orchestrator.core.flow_rules import problems_of, tasks_of
from orchestrator.core.spec import FlowSpec, Problem, TaskSpec, TriggerSpec
from orchestrator.models import Flow, FlowRevision, Trigger
from orchestrator.revisions import revision_of
from orchestrator.saying import spoken
from orchestrator.tasks.registry import catalogue
from tenants import audit
from tenants.access import allowed, require
from tenants.actor import Actor
from tenants.core.namespaces import is_namespace
from tenants.errors import Conflict, Invalid, NotFound
from tenants.models import Namespace

_CALLS = frozenset({"core.flow.Subflow", "core.flow.ForEachItem"})
_SECRET = re.compile(r"\bsecret\s*\(")


def problems(actor: Actor, source: str) -> list[Problem]:
    """Return what is wrong with a flow's text, in its order, warnings included.

    A right that saving it would need is a problem too, so that an editor can say so early.
    """
    spec, found = _examined(source)
    if spec is None:
        return found
    rights = {(_right_to_save(_row(actor, spec)), spec.namespace)} if spec.namespace else set()
    for action, namespace in sorted(rights | _rights_needed(actor, spec, source)):
        if not allowed(actor, action, namespace):
            place = namespace or _("the whole tenant")
            said = _("Saving this needs the right %(action)s in %(place)s.") % {"action": action, "place": place}
            found.append(Problem(said, mend=_("Ask someone who may give it.")))
    return found


def _examined(
    source: str,
    *,
    broken_expressions_warn: bool = False,
) -> tuple[FlowSpec | None, list[Problem]]:
    """Return what could be read of a text and all that is wrong in it, in its order."""
    spec, found = problems_of(source, catalogue(), broken_expressions_warn=broken_expressions_warn)
    if spec is not None and spec.namespace and not is_namespace(spec.namespace):
        line, column = spec.places.position(("namespace",)) if spec.places else (1, 1)
        message = _("A namespace has lower-case words joined by dots, such as finance.reports.")
        found.append(Problem(message, line, column, ("namespace",)))
    return spec, found


def save(
    actor: Actor,
    source: str,
    *,
    expected_revision: int | None = None,
    broken_expressions_warn: bool = False,
) -> FlowRevision:
    """Save a flow's text as its next revision and return it; the same text again returns the newest one.

    With `expected_revision` (0: none yet) a text that somebody else changed in between raises Conflict. Raises Invalid
    with every problem, and Forbidden for the first right that is missing: `flow.create` or `flow.update` in its
    namespace, `flow.execute` where it has triggers or calls flows, `secret.use` where it names secrets. With
    `broken_expressions_warn` an expression that cannot be read fails the run that meets it, as in the field.
    """
    spec, found = _examined(source, broken_expressions_warn=broken_expressions_warn)
    if spec is not None and spec.namespace:
        require(actor, _right_to_save(_row(actor, spec)), spec.namespace)
    wrong = [problem for problem in found if not problem.warning]
    if spec is None or wrong:
        raise Invalid(spoken(wrong))
    for action, namespace in sorted(_rights_needed(actor, spec, source)):
        require(actor, action, namespace)
    with transaction.atomic():
        flow = _row(actor, spec, lock=True) or _made(actor, spec)
        require(actor, _right_to_save(flow), spec.namespace)
        _refuse_if_changed(flow, expected_revision)
        return _saved(actor, flow, spec, source)


def revision(flow: Flow, number: int | None = None) -> FlowRevision:
    """Return one revision of a flow, its newest when no number is given; raises NotFound."""
    wanted = flow.head if number is None else number
    found = FlowRevision.objects.in_tenant(flow.tenant_id).filter(flow=flow, number=wanted).first()
    if found is None:
        raise NotFound
    return found


def head_of(flow: Flow) -> FlowRevision:
    """Return the newest revision of a flow."""
    return FlowRevision.objects.in_tenant(flow.tenant_id).get(flow=flow, number=flow.head)


def spec_of(revision_id: int) -> FlowSpec:
    """Return the parsed text of a revision, from this process's memory when it was read before."""
    return revision_of(revision_id).spec


def disable(actor: Actor, flow: Flow) -> Flow:
    """Stop a flow from being started by anyone or anything; running executions go on."""
    require(actor, "flow.disable", flow.namespace, thing=flow)
    return _set_disabled(actor, flow, "flow.disable", disabled=True)


def enable(actor: Actor, flow: Flow) -> Flow:
    """Let a flow be started again; raises Conflict when its own text says `disabled: true`."""
    require(actor, "flow.enable", flow.namespace, thing=flow)
    if spec_of(head_of(flow).pk).disabled:
        raise Conflict(_("The flow's text says `disabled: true`; change it there."))
    return _set_disabled(actor, flow, "flow.enable", disabled=False)


def delete(actor: Actor, flow: Flow) -> None:
    """End a flow: its triggers rest, its runs and revisions stay. Saving its id again goes on with its revisions."""
    require(actor, "flow.delete", flow.namespace, thing=flow)
    with transaction.atomic():
        flow = Flow.objects.in_tenant(flow.tenant_id).select_for_update().get(pk=flow.pk)
        if flow.deleted_at is not None:
            return
        flow.deleted_at = timezone.now()
        flow.save(update_fields=["deleted_at", "updated_at"])
        Trigger.objects.in_tenant(flow.tenant_id).filter(flow=flow).update(disabled=True, next_at=None)
        audit.record(
            actor,
            "flow.delete",
            "flow",
            str(flow),
            namespace=flow.namespace,
            before={"revision": flow.head},
            after={},
        )
        transaction.on_commit(_announce_change)


class _Generation:
    """A number that grows whenever this process changed a flow."""

    number = 0


def generation() -> int:
    """Return a number that grows whenever this process changed a flow, for caches that must notice at once."""
    return _Generation.number


def _announce_change() -> None:
    _Generation.number += 1


def _set_disabled(actor: Actor, flow: Flow, action: str, *, disabled: bool) -> Flow:
    with transaction.atomic():
        flow = Flow.objects.in_tenant(flow.tenant_id).select_for_update().get(pk=flow.pk)
        if flow.disabled != disabled:
            audit.record(
                actor,
                action,
                "flow",
                str(flow),
                namespace=flow.namespace,
                before={"disabled": flow.disabled},
                after={"disabled": disabled},
            )
            flow.disabled = disabled
            flow.save(update_fields=["disabled", "updated_at"])
            transaction.on_commit(_announce_change)
    return flow


# Saving -----------------------------------------------------------------------------------------------------------


def _row(actor: Actor, spec: FlowSpec, *, lock: bool = False) -> Flow | None:
    rows = Flow.objects.in_tenant(actor).filter(namespace=spec.namespace, flow_id=spec.id)
    return (rows.select_for_update() if lock else rows).first()


def _right_to_save(flow: Flow | None) -> str:
    return "flow.create" if flow is None or flow.head == 0 or flow.deleted_at is not None else "flow.update"


def _made(actor: Actor, spec: FlowSpec) -> Flow:
    """Make the row of a new flow; of two who save it first at the same moment, one waits here for the other."""
    Namespace.across_tenants.bulk_create(
        [Namespace(tenant_id=actor.tenant_id, path=spec.namespace)],
        ignore_conflicts=True,
    )
    Flow.across_tenants.bulk_create(
        [Flow(tenant_id=actor.tenant_id, namespace=spec.namespace, flow_id=spec.id)],
        ignore_conflicts=True,
    )
    return Flow.objects.in_tenant(actor).select_for_update().get(namespace=spec.namespace, flow_id=spec.id)


def _refuse_if_changed(flow: Flow, expected_revision: int | None) -> None:
    present = flow.head if flow.deleted_at is None else 0
    if expected_revision is None or expected_revision == present:
        return
    if present == 0:
        raise Conflict(_("This flow was deleted in between."))
    raise Conflict(
        _("Somebody else saved revision %(number)s in between. Compare, then save again.") % {"number": present},
    )


def _saved(actor: Actor, flow: Flow, spec: FlowSpec, source: str) -> FlowRevision:
    head = head_of(flow) if flow.head else None
    living = head is not None and flow.deleted_at is None
    digest = hashlib.sha256(source.encode()).hexdigest()
    if head is not None and living and head.digest == digest:
        return head
    # What a button disabled stays so when the text is saved; what the text disabled goes with the text.
    by_hand = head is not None and living and flow.disabled and not spec_of(head.pk).disabled
    flow.head += 1
    flow.description = spec.description
    flow.labels = dict(spec.labels)
    flow.disabled = spec.disabled or by_hand
    flow.deleted_at = None
    flow.save()
    revision = FlowRevision.across_tenants.create(
        tenant_id=flow.tenant_id,
        flow=flow,
        number=flow.head,
        source=source,
        digest=digest,
        created_by_id=actor.user_id,
    )
    _write_triggers(flow, spec.triggers)
    audit.record(
        actor,
        "flow.update" if living else "flow.create",
        "flow",
        str(flow),
        namespace=flow.namespace,
        before={"revision": head.number, "digest": head.digest} if head is not None and living else None,
        after={"revision": flow.head, "digest": digest},
    )
    transaction.on_commit(_announce_change)
    return revision


def _write_triggers(flow: Flow, specs: tuple[TriggerSpec, ...]) -> None:
    """Make the trigger rows what the text says; one whose definition stayed keeps its next moment."""
    rows = Trigger.objects.in_tenant(flow.tenant_id).filter(flow=flow)
    old = {row.trigger_id: row for row in rows}
    rows.exclude(trigger_id__in=[spec.id for spec in specs]).delete()
    for spec in specs:
        row = old.get(spec.id) or Trigger(tenant_id=flow.tenant_id, flow=flow, trigger_id=spec.id)
        definition = definition_of(spec)
        if row.type != spec.type or row.definition != definition:
            row.next_at = None
        row.type, row.definition, row.disabled = spec.type, definition, spec.disabled
        row.save()


def definition_of(spec: TriggerSpec) -> dict[str, object]:
    """Return a trigger as its row keeps it: its own properties, with `inputs` and `conditions` where it has them."""
    definition: dict[str, object] = dict(spec.properties)
    if spec.inputs:
        definition["inputs"] = dict(spec.inputs)
    if spec.conditions:
        definition["conditions"] = [dict(condition) for condition in spec.conditions]
    return definition


# Rights that a text needs -----------------------------------------------------------------------------------------


def _rights_needed(actor: Actor, spec: FlowSpec, source: str) -> set[tuple[str, str]]:
    """Return (action, namespace) of all that saving `spec` needs besides creating or changing the flow itself."""
    if actor.is_system:
        return set()
    needed: set[tuple[str, str]] = set()
    called = {_namespace_called(task) for task in tasks_of(spec) if task.type in _CALLS}
    if spec.triggers or called:
        needed.add(("flow.execute", spec.namespace))
    needed |= {("flow.execute", namespace) for namespace in called}
    if _SECRET.search(source):
        needed.add(("secret.use", spec.namespace))
    return needed


def _namespace_called(task: TaskSpec) -> str:
    """Return the namespace a task starts flows in; one that only a run will know could be any, so the whole tenant."""
    namespace = task.properties.get("namespace")
    return namespace if isinstance(namespace, str) and "{" not in namespace else ""


def address_of(revision: FlowRevision) -> tuple[str, str]:
    """Return namespace and id of the flow that a revision belongs to."""
    return revision.flow.namespace, revision.flow.flow_id
