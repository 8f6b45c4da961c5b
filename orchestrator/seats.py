"""Who may decide: opens the level of an approval that the machine has paused at, and tells those who hold a seat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_noop

from orchestrator.core.flowables.approval import WHO, first_level
from orchestrator.core.snapshot import ROOT, TaskRun
from orchestrator.core.spec import TaskSpec
from orchestrator.core.states import State
from orchestrator.models import Approval, Seat
from orchestrator.revisions import revision_of
from orchestrator.snapshots import Turn
from tenants import notices
from tenants.models import Group, GroupMember, Tenant, User

APPROVAL = "core.flow.Approval"
ACTION_OF_APPS = "app.approve"
ACTION_OF_FLOWS = "execution.resume"


@dataclass(frozen=True, slots=True)
class Who:
    """Whose decision is asked for, as names that a person wrote."""

    users: tuple[str, ...] = ()  # e-mail addresses
    groups: tuple[str, ...] = ()

    @classmethod
    def read(cls, rendered: object) -> "Who":
        """Return the people named by a rendered `who`; `group:NAME` names a group in an expression too."""
        if not isinstance(rendered, Mapping):
            return cls()
        named = [*_texts(rendered.get("users")), *_texts(rendered.get("expression"))]
        groups = [*_texts(rendered.get("groups")), *(name[6:] for name in named if name.startswith("group:"))]
        return cls(tuple(name for name in named if not name.startswith("group:")), tuple(groups))


def _texts(value: object) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, Iterable) else [str(value)]


def open_levels(turn: Turn) -> None:
    """Open the approvals at which this turn paused, and close those it ended (killed, cancelled)."""
    places = None
    for path, run in turn.after.runs.items():
        if path == ROOT or run.hidden:
            continue
        before = turn.before.runs.get(path)
        if before is run:
            continue
        places = places or revision_of(turn.row.revision_id).outline.places
        task = places[run.task_id].task
        if task.type != APPROVAL:
            continue
        if run.state is State.PAUSED and (before is None or before.state is not State.PAUSED):
            _open(turn, run, task)
        elif before is not None and before.state is State.PAUSED:
            Approval.across_tenants.filter(task_run_id=run.id, closed_at=None).update(closed_at=run.ended_at)


def _open(turn: Turn, run: TaskRun, task: TaskSpec) -> None:
    row = turn.row
    level = first_level(task)
    approval = Approval.across_tenants.create(
        tenant_id=row.tenant_id,
        execution_id=row.id,
        task_run_id=run.id,
        name=str((run.outputs or {}).get("level") or task.description or ""),
        need=_whole(level.get("need"), 1),
        reason_required=level.get("reasonRequired") or ["REJECT"],
        self_approval=level.get("selfApproval") is True,
        namespace=row.namespace,
        requester_id=row.started_by,
        opened_at=run.moves[-1][1],
    )
    people = _take_seats(approval, Who.read((run.outputs or {}).get(WHO)), from_app="app" in row.cause)
    title = str(row.cause.get("title") or revision_of(row.revision_id).spec.id)
    notices.tell(
        row.tenant_id,
        people - ({row.started_by} if row.started_by and not approval.self_approval else set()),
        "approval",
        thing=f"approval:{approval.pk}",
        text=gettext_noop("“%(title)s” waits for your decision"),
        values={"title": title},
        link=f"/ui/{_slug(row.tenant_id)}/approvals/{approval.pk}",
    )


def _take_seats(approval: Approval, who: Who, *, from_app: bool) -> set[int]:
    """Write the seats and return the people on them; names nobody bears leave the seat to who holds the action."""
    tenant_id = approval.tenant_id
    users = dict(
        User.objects.filter(
            email__in=who.users,
            memberships__tenant_id=tenant_id,
            memberships__ended_at=None,
            deleted_at=None,
        ).values_list("pk", "email"),
    )
    groups = list(
        Group.objects.in_tenant(tenant_id).filter(name__in=who.groups, deleted_at=None).values_list("pk", flat=True),
    )
    seats = [Seat(tenant_id=tenant_id, approval=approval, user_id=user) for user in users]
    seats += [Seat(tenant_id=tenant_id, approval=approval, group_id=group) for group in groups]
    if not seats:
        action = ACTION_OF_APPS if from_app else ACTION_OF_FLOWS
        seats = [Seat(tenant_id=tenant_id, approval=approval, action=action)]
    Seat.across_tenants.bulk_create(seats)
    members = GroupMember.across_tenants.filter(group_id__in=groups).values_list("user_id", flat=True)
    return {*users, *members}


@cache
def _slug(tenant_id: int) -> str:
    return Tenant.objects.values_list("slug", flat=True).get(pk=tenant_id)


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
