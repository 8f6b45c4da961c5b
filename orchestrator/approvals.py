"""Deciding on approvals: who may, and what their answer does."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from orchestrator import dispatch, executor
from orchestrator.core.approvals import REJECT, outcome_of
from orchestrator.core.errors import InputInvalid
from orchestrator.core.inputs import bind
from orchestrator.core.snapshot import Fact, FactKind
from orchestrator.core.spec import InputSpec
from orchestrator.models import Approval, Decision, Execution, Seat
from orchestrator.revisions import revision_of
from tenants import access, audit, notices
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid

ACTIONS = ("app.approve", "execution.resume")


def visible_to(actor: Actor) -> QuerySet[Approval]:
    """Return the approvals on which the actor holds or held a seat."""
    if actor.user_id is None:
        return Approval.objects.in_tenant(actor).none()
    seats = Seat.objects.in_tenant(actor).filter(approval=OuterRef("pk"))
    named = Q(user_id=actor.user_id) | Q(group_id__in=actor.group_ids)
    by_name = Exists(seats.filter(named))
    found = Q(by_name)
    for action in ACTIONS:
        places = access.visible_to(actor, action, starter_field="requester_id")
        found |= Exists(seats.filter(action=action)) & places
    return Approval.objects.in_tenant(actor).filter(found)


def waiting_for(actor: Actor) -> QuerySet[Approval]:
    """Return the open approvals that the actor may decide, the oldest first; four eyes hold."""
    if actor.user_id is None:
        return Approval.objects.in_tenant(actor).none()
    own = Q(requester_id=actor.user_id, self_approval=False)
    decided = Decision.objects.in_tenant(actor).filter(approval=OuterRef("pk"), user_id=actor.user_id)
    return visible_to(actor).filter(closed_at=None).exclude(own).exclude(Exists(decided)).order_by("opened_at")


def why_not(actor: Actor, approval: Approval) -> str:
    """Return why the actor may not decide, in a sentence; empty when they may."""
    if approval.closed_at is not None:
        return _("It has been decided.")
    if approval.requester_id == actor.user_id and not approval.self_approval:
        return _("You asked for this yourself; somebody else has to decide.")
    if not visible_to(actor).filter(pk=approval.pk).exists():
        return _("Others were asked to decide this.")
    return ""


def form_of(approval: Approval) -> Sequence[InputSpec]:
    """Return the approver's own form."""
    revision = revision_of(Execution.across_tenants.values_list("revision_id", flat=True).get(pk=approval.execution_id))
    return revision.outline.task(approval.task_run.task_id).inputs


def decide(
    actor: Actor,
    approval: Approval,
    decision: str,
    reason: str = "",
    inputs: Mapping[str, object] | None = None,
) -> Decision:
    """Write the actor's answer (APPROVE or REJECT) down; when it closes the level, the execution goes on.

    Raises Forbidden with why not, Conflict when it was decided meanwhile, Invalid for a missing reason, InputInvalid.
    """
    if decision in approval.reason_required and not reason.strip():
        raise Invalid.in_field("reason", _("Say why, so that the person who asked can understand."))
    bound = bind(form_of(approval), inputs or {}, at=timezone.now(), zone=actor.zone)
    if bound.problems and decision != REJECT:
        raise InputInvalid(bound.problems)
    if actor.user_id is None:
        raise Forbidden("app.approve", namespace=approval.namespace)
    with transaction.atomic():
        # executions first, then what hangs on them: the order of locks that everyone keeps
        execution = Execution.across_tenants.select_for_update().get(pk=approval.execution_id)
        approval = Approval.objects.in_tenant(actor).select_for_update().get(pk=approval.pk)
        if approval.closed_at is not None:
            raise Conflict(_("It has been decided already."))
        refusal = why_not(actor, approval)
        if refusal:
            raise Forbidden("app.approve", message=refusal, namespace=approval.namespace)
        answer, new = Decision.across_tenants.get_or_create(
            tenant_id=actor.tenant_id,
            approval=approval,
            user_id=actor.user_id,
            defaults={
                "answer": decision,
                "reason": reason.strip(),
                "inputs": {} if bound.problems else bound.values,
            },
        )
        if not new:
            raise Conflict(_("You have decided this already."))
        audit.record(
            actor,
            "app.approve",
            "approval",
            str(approval.pk),
            namespace=approval.namespace,
            after={"execution": execution.pk, "answer": decision, "reason": reason.strip()},
        )
        _close_when_decided(actor, execution, approval)
        dispatch.changed(execution.tenant_id, execution.pk)
    return answer


def _close_when_decided(actor: Actor, execution: Execution, approval: Approval) -> None:
    decisions = list(approval.decisions.select_related("user").order_by("pk"))
    outcome = outcome_of(approval.need, [decision.answer for decision in decisions])
    if outcome is None:
        return
    approval.outcome = outcome
    approval.closed_at = timezone.now()
    approval.save(update_fields=["outcome", "closed_at"])
    last = decisions[-1]
    outputs = {
        "decision": outcome,
        "reason": last.reason,
        "by": last.user.email,
        "on": last.at.isoformat(),
        "inputs": last.inputs,
        "decisions": [
            {"by": one.user.email, "decision": one.answer, "reason": one.reason, "on": one.at.isoformat()}
            for one in decisions
        ],
    }
    error = ""
    if outcome == REJECT:
        error = _("%(name)s rejected it: %(reason)s") % {"name": actor.name, "reason": last.reason}
    if not executor.record_fact(approval.task_run_id, Fact(FactKind.DECIDED, outputs=outputs, error=error)):
        raise Conflict(_("It has been decided already."))
    executor.want_advance(execution.pk)
    if execution.started_by_id is not None and execution.started_by_id != actor.user_id:
        title = str(execution.cause.get("title") or execution.pk)
        approved, rejected = gettext_noop("“%(title)s” was approved"), gettext_noop("“%(title)s” was rejected")
        notices.tell(
            execution.tenant_id,
            [execution.started_by_id],
            "decided",
            thing=f"execution:{execution.pk}",
            text=rejected if outcome == REJECT else approved,
            values={"title": title},
            link=f"/ui/{actor.tenant}/runs/{execution.pk}",
        )
