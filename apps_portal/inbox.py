"""Approvals as people see them: what waits for me, for my groups, what was decided; one of them with all it needs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps_portal.core.app_spec import AppSpec
from apps_portal.core.form import Context, Form, fill_in, form_of, start_values
from apps_portal.models import Submission
from orchestrator import approvals
from orchestrator.core.graph import title_of
from orchestrator.core.spec import InputSpec
from orchestrator.models import Approval, Decision, Execution, Seat
from orchestrator.revisions import revision_of
from orchestrator.saying import said
from tenants.actor import Actor
from tenants.errors import NotFound

PAGE = 50
TABS = ("mine", "groups", "done")
_NO_APP = AppSpec(id="", namespace="", flow_id="", display_name="")


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody decided."""

    name: str
    approved: bool
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """One approval as a person reads it."""

    approval: Approval
    title: str  # of the run
    what: str  # of the approval itself
    asked_by: str
    asked: tuple[str, ...]  # whose decision is wanted
    answers: tuple[Answered, ...]
    submission: Submission | None
    may_decide: bool
    why_not: str = ""

    @property
    def open(self) -> bool:
        """Say whether it still waits."""
        return self.approval.closed_at is None

    @property
    def reason_needed(self) -> bool:
        """Say whether a rejection must say why."""
        return "REJECT" in self.approval.reason_required


def listed(actor: Actor, tab: str = "mine") -> list[Request]:
    """Return one list of the inbox: what waits for the actor by name, through groups or rights, or what is decided."""
    if actor.user_id is None:
        return []
    by_name = Exists(Seat.objects.in_tenant(actor).filter(approval=OuterRef("pk"), user_id=actor.user_id))
    if tab == "done":
        own = Exists(Decision.objects.in_tenant(actor).filter(approval=OuterRef("pk"), user_id=actor.user_id))
        rows = approvals.visible_to(actor).filter(Q(closed_at__isnull=False) | own).order_by("-opened_at")
    else:
        waiting = approvals.waiting_for(actor)
        rows = waiting.filter(by_name) if tab == "mine" else waiting.exclude(by_name)
    return requests_of(actor, _whole(rows)[:PAGE])


def waiting(actor: Actor, limit: int = 5) -> list[Request]:
    """Return what waits for the actor, the oldest first."""
    return requests_of(actor, _whole(approvals.waiting_for(actor))[:limit]) if actor.user_id is not None else []


def count(actor: Actor) -> int:
    """Return how many approvals wait for the actor: the number beside the navigation's entry."""
    return approvals.waiting_for(actor).count() if actor.user_id is not None else 0


def request_for(actor: Actor, approval_id: int) -> Request:
    """Return an approval that the actor may see: they hold or held a seat, or asked for it. Raises NotFound."""
    rows = _whole(Approval.objects.in_tenant(actor).filter(pk=approval_id))
    approval = rows.first()
    if approval is None:
        raise NotFound
    mine = actor.user_id is not None and approval.requester_id == actor.user_id
    if not mine and not approvals.visible_to(actor).filter(pk=approval_id).exists():
        raise NotFound
    return requests_of(actor, [approval])[0]


def of_execution(actor: Actor, execution: Execution) -> list[Request]:
    """Return the approvals of a run that the actor holds, open ones first."""
    rows = _whole(Approval.objects.in_tenant(actor).filter(execution=execution))
    found = requests_of(actor, rows.order_by("-opened_at"))
    return sorted(found, key=lambda request: not request.open)


def requests_of(actor: Actor, rows: Iterable[Approval]) -> list[Request]:
    """Return approvals as people read them; a fixed number of queries for any number of rows."""
    found = list(rows)
    ids = [row.execution_id for row in found]
    submissions = {
        str(row.execution_id): row
        for row in Submission.objects.in_tenant(actor).filter(execution_id__in=ids).select_related("app")
    }
    may = set(approvals.waiting_for(actor).filter(pk__in=[row.pk for row in found]).values_list("pk", flat=True))
    return [_request(actor, row, submissions, may=row.pk in may) for row in found]


def form_for(
    actor: Actor, request: Request, raw: Mapping[str, object] | None = None
) -> tuple[Form, Sequence[InputSpec]]:
    """Return the approver's own form, begun or with what was posted, and its inputs."""
    return own_form(actor, approvals.form_of(request.approval), raw)


def own_form(
    actor: Actor,
    specs: Sequence[InputSpec],
    raw: Mapping[str, object] | None = None,
) -> tuple[Form, Sequence[InputSpec]]:
    """Return the form of inputs that belong to no app: an approver's, or a pause's."""
    context = Context(at=timezone.now(), zone=actor.zone, said=said)
    given = start_values(_NO_APP, specs, context, {}) if raw is None else raw
    filled = fill_in(_NO_APP, specs, given, context)
    return form_of(_NO_APP, specs, filled, context, show_problems=raw is not None), specs


def _whole(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.select_related("execution", "requester", "task_run").prefetch_related(
        "seats__user",
        "seats__group",
        "decisions__user",
    )


def _request(actor: Actor, row: Approval, submissions: Mapping[str, Submission], *, may: bool) -> Request:
    submission = submissions.get(row.execution_id)
    task = revision_of(row.execution.revision_id).outline.task(row.task_run.task_id)
    return Request(
        approval=row,
        title=submission.title if submission else str(row.execution.cause.get("title") or task.id),
        what=row.name or title_of(task),
        asked_by=row.requester.name if row.requester else "",
        asked=tuple(dict.fromkeys(_seat(seat) for seat in row.seats.all())),
        answers=tuple(
            Answered(one.user.name, one.answer == Decision.Answer.APPROVE, one.reason, one.at)
            for one in sorted(row.decisions.all(), key=lambda one: one.pk)
        ),
        submission=submission,
        may_decide=may,
        why_not="" if may else _why_not(actor, row),
    )


def _seat(seat: Seat) -> str:
    if seat.user is not None:
        return seat.user.name
    if seat.group is not None:
        return seat.group.name
    return _("everyone who may approve here")


def _why_not(actor: Actor, row: Approval) -> str:
    if row.closed_at is not None:
        return _("It has been decided.")
    if row.requester_id == actor.user_id and not row.self_approval:
        return _("You asked for this yourself; somebody else has to decide.")
    if any(one.user_id == actor.user_id for one in row.decisions.all()):
        return _("You have decided; others are still asked.")
    return _("Others were asked to decide this.")
