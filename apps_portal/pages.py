"""What an app or a request shows now, to this person: stage, blocks, and the facts that the blocks draw.

`run_page` is the one way; the page, its changes for the live view, and the API all show what it returns.
"""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _

from apps_portal import files, inbox, publishing, submissions
from apps_portal.core.app_spec import AppSpec, BlockSpec, Stage
from apps_portal.core.audiences import ASPECTS, Viewer
from apps_portal.core.blocks import Fact
from apps_portal.core.form import Form, value_at, with_nulls
from apps_portal.core.outside import Fetch, Source, nothing
from apps_portal.core.page import Facts, Page, needs_of, page_at, results_of, written_for
from apps_portal.core.stage import stage_of
from apps_portal.core.steps import Progress, Seen, progress_of
from apps_portal.core.values import Presented, Shape, present
from apps_portal.inbox import Request
from apps_portal.models import App, Submission
from orchestrator import changes, executions, fetching
from orchestrator.access import Part, inputs_shown, seen_parts
from orchestrator.core.graph import humanised
from orchestrator.core.snapshot import ITERATIONS, ROOT
from orchestrator.core.spec import InputSpec
from orchestrator.core.states import FINAL, State
from orchestrator.models import Artifact, Execution, TaskRun
from orchestrator.revisions import revision_of
from orchestrator.scopes import Scene
from orchestrator.snapshots import ExecutionRow
from tenants.access import allowed
from tenants.actor import Actor

LOG_LINES = 300


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that the viewer may let go on, with its form."""

    task_run: TaskRun
    form: Form


@dataclass(frozen=True, slots=True)
class RunPage:
    """A request as one person sees it."""

    submission: Submission
    app: App
    spec: AppSpec
    execution: Execution
    state: State
    page: Page
    progress: Progress
    holder: str
    requests: tuple[Request, ...]
    pause: Pause | None
    inputs: tuple[Presented, ...]
    results: tuple[Presented, ...]
    files: tuple[Artifact, ...]
    files_by_uri: Mapping[str, Artifact]
    seen: frozenset[str]
    may_cancel: bool
    is_mine: bool
    may_look_inside: bool  # the technical view
    related: tuple[Submission, ...] = ()
    logs: tuple[changes.Line, ...] = ()
    history: tuple[tuple[str, str], ...] = ()

    @property
    def final(self) -> bool:
        """Say whether the run is over."""
        return self.state in FINAL

    @property
    def took(self) -> timedelta | None:
        """Return how long it took from the submit on, None while it runs."""
        run = self.execution
        return run.ended_at - run.created_at if run.ended_at else None

    @property
    def percent(self) -> int:
        """Return how much of it is done."""
        return round(100 * self.progress.done / self.progress.total) if self.progress.total else 100 * self.final

    @property
    def request(self) -> Request | None:
        """Return the approval that waits, if one does."""
        return next((one for one in self.requests if one.open), None)

    @property
    def what_went_wrong(self) -> str:
        """Return the failure in plain words, empty when there is none."""
        return _what_went_wrong(self)


def run_page(actor: Actor, submission: Submission, *, url: str = "") -> RunPage | None:
    """Return the page of a request for `actor`; None when its execution is gone (retention)."""
    execution = submission.execution
    if execution is None:
        return None
    spec = publishing.spec_of(submission.revision)
    flow = revision_of(execution.revision_id).spec
    state = State(execution.state)
    requests = inbox.of_execution(actor, execution)
    may_decide = any(one.may_decide for one in requests)
    seen = seen_parts(actor, execution)
    viewer = _viewer(actor, execution, requests)
    pause = _pause(actor, submission, spec, viewer) if state in {State.PAUSED, State.RUNNING} else None
    was_paused = any(name == State.PAUSED for name, _at in execution.history)
    stage = stage_of(state, may_decide=may_decide or pause is not None, was_paused=was_paused, written=spec.layout)
    needs = needs_of(spec, stage, may_decide=may_decide)
    runs = changes.task_runs(execution)
    artifacts = files.of_run(execution) if Part.FILES in seen else []
    shown = inputs_shown(actor, execution, flow.inputs) if Part.INPUTS in seen else {}
    facts = Facts(
        scope=_scope(submission, execution, flow.inputs, shown, seen, url),
        source=Source(_fetch(execution, seen)),
        withheld=frozenset(aspect for aspect in ASPECTS if Part(aspect) not in seen),
        may_decide=may_decide,
    )
    page = page_at(spec, stage, facts, viewer)
    progress = progress_of(flow, [_seen(run) for run in runs], over=state in FINAL)
    declared = [(one.id, one.type, one.display_name or humanised(one.id), one.description) for one in flow.outputs]
    outputs = execution.outputs or {} if Part.OUTPUTS in seen else {}
    mine = actor.user_id is not None and submission.user_id == actor.user_id
    return RunPage(
        submission=submission,
        app=submission.app,
        spec=spec,
        execution=execution,
        state=state,
        page=page,
        progress=progress,
        holder=_holder(state, progress, requests),
        requests=tuple(requests),
        pause=pause,
        inputs=tuple(_inputs(spec, flow.inputs, shown)) if Part.INPUTS in seen else (),
        results=results_of(declared, outputs, None),
        files=tuple(one for one in artifacts if one.task_run_id),
        files_by_uri={one.uri: one for one in artifacts},
        seen=frozenset(seen),
        may_cancel=state not in FINAL and state is not State.KILLING and may_cancel(actor, submission),
        is_mine=mine,
        may_look_inside=bool(allowed(actor, "execution.view", execution.namespace, started_by=execution.started_by_id)),
        related=tuple(submissions.of_app(actor, submission.app)) if Fact.RELATED in needs else (),
        logs=_logs(execution) if Fact.LOGS in needs and Part.LOGS in seen else (),
        history=tuple((name, at) for name, at in execution.history) if Fact.HISTORY in needs else (),
    )


def may_cancel(actor: Actor, submission: Submission) -> bool:
    """Say whether the actor may stop the run: it is their own, or they may kill executions there."""
    if actor.user_id is not None and submission.user_id == actor.user_id:
        return True
    return bool(allowed(actor, "execution.kill", submission.app.namespace, started_by=submission.user_id))


def may_resume(actor: Actor, submission: Submission, spec: AppSpec, viewer: Viewer) -> bool:
    """Say whether the actor may let a paused run go on.

    They hold `execution.resume` or `app.approve` there, or the app's own page offers it to them by `visibleTo`.
    """
    place, starter = submission.app.namespace, submission.user_id
    if allowed(actor, "execution.resume", place, started_by=starter):
        return True
    if allowed(actor, "app.approve", place, app_id=submission.app_id):
        return True
    return any(
        block.visible_to is not None and viewer.is_one_of(block.visible_to)
        for block in _flat(written_for(spec, Stage.PAUSE))
        if block.name in {"ResumeExecutionForm", "ResumeExecutionButton"}
    )


def pause_for(actor: Actor, submission: Submission) -> Pause | None:
    """Return the pause that the actor may let go on now."""
    execution = submission.execution
    if execution is None:
        return None
    viewer = _viewer(actor, execution, inbox.of_execution(actor, execution))
    return _pause(actor, submission, publishing.spec_of(submission.revision), viewer)


def _flat(blocks: tuple[BlockSpec, ...]) -> list[BlockSpec]:
    return [one for block in blocks for one in (block, *_flat(tuple(b for _t, inner in block.parts for b in inner)))]


def _pause(actor: Actor, submission: Submission, spec: AppSpec, viewer: Viewer) -> Pause | None:
    execution = submission.execution
    if execution is None or not may_resume(actor, submission, spec, viewer):
        return None
    run = executions.paused_at(execution)
    if run is None:
        return None
    form, _specs = inbox.own_form(actor, executions.resume_inputs(run, execution))
    return Pause(run, form)


def _viewer(actor: Actor, execution: Execution, requests: list[Request]) -> Viewer:
    mine = actor.user_id is not None and execution.started_by_id == actor.user_id
    operates = {
        aspect
        for aspect in ASPECTS
        if allowed(actor, f"execution.access_{aspect}", execution.namespace, started_by=execution.started_by_id)
    }
    return Viewer(
        user_id=actor.user_id,
        is_requester=mine,
        is_approver=any(_sits(actor, request) for request in requests),
        groups=frozenset(actor.group_names),
        operates=frozenset(operates),
    )


def _sits(actor: Actor, request: Request) -> bool:
    if request.may_decide:
        return True
    return any(
        seat.user_id == actor.user_id or seat.group_id in actor.group_ids for seat in request.approval.seats.all()
    )


def _scope(
    submission: Submission,
    execution: Execution,
    specs: tuple[InputSpec, ...],
    inputs: Mapping[str, object],
    seen: frozenset[Part],
    url: str,
) -> Mapping[str, object]:
    """Return what the blocks' expressions see. `outputs` are the flow's own, and below them those of its tasks."""
    app = submission.app
    scene = Scene(_row(execution), revision_of(execution.revision_id), timezone.now())
    scope = scene.scope(ROOT)
    own = dict(execution.outputs or {})
    scope["outputs"] = ChainMap(own, scope["outputs"]) if Part.OUTPUTS in seen else {}  # type: ignore[arg-type]
    scope["inputs"] = with_nulls(specs, inputs)
    scope["app"] = {"id": app.app_id, "uid": app.uid, "name": app.display_name, "url": url}
    scope["namespace"] = {"id": app.namespace}
    scope.pop("vars", None)
    scope.pop("trigger", None)
    return scope


def _row(execution: Execution) -> ExecutionRow:
    return ExecutionRow(
        id=execution.pk,
        tenant_id=execution.tenant_id,
        namespace=execution.namespace,
        flow_pk=execution.flow_id,
        revision_id=execution.revision_id,
        state=State(execution.state),
        version=execution.version,
        counts=execution.counts,
        positions=execution.positions,
        inputs=execution.inputs,
        outputs=execution.outputs,
        labels=execution.labels,
        variables=execution.variables,
        cause=execution.cause,
        started_by=execution.started_by_id,
        created_at=execution.created_at,
        started_at=execution.started_at,
        wake_at=execution.wake_at,
        tries=execution.advance_tries,
    )


def _fetch(execution: Execution, seen: frozenset[Part]) -> Fetch:
    return partial(fetching.fetch, row=_row(execution)) if Part.FILES in seen else nothing


def _seen(run: TaskRun) -> Seen:
    rounds = run.counts.get(ITERATIONS) or {}
    return Seen(run.path, State(run.state), run.started_at, run.ended_at, run.error, rounds)


def _inputs(spec: AppSpec, specs: tuple[InputSpec, ...], shown: Mapping[str, object]) -> list[Presented]:
    rows = []
    for one in specs:
        value = value_at(shown, one.id)
        said = spec.form.fields.get(one.id)
        label = (said.label if said else "") or one.display_name or humanised(one.id.rpartition(".")[2])
        row = present(value, one.type, label=label, value_id=one.id)
        if row.shape is not Shape.EMPTY:
            rows.append(row)
    return rows


def _logs(execution: Execution) -> tuple[changes.Line, ...]:
    return tuple(changes.lines_after(execution.tenant_id, execution.pk, changes.Lines(), limit=LOG_LINES))


def _holder(state: State, progress: Progress, requests: list[Request]) -> str:
    """Return who or what the run waits for now, in words."""
    waiting = next((one for one in requests if one.open), None)
    if waiting is not None:
        return _("Waiting for a decision of %(names)s") % {"names": ", ".join(waiting.asked)}
    if state in FINAL:
        return ""
    now = progress.now
    if state in {State.PAUSED, State.BREAKPOINT}:
        return _("Paused: %(step)s") % {"step": now[0].label} if now else _("Paused")
    if any(step.state is State.RETRYING for step in now):
        return _("Trying again soon: %(step)s") % {"step": now[0].label}
    if now and all(step.state is State.SUBMITTED for step in now):
        return _("Waiting for a free worker")
    if now:
        return _("Now: %(steps)s") % {"steps": ", ".join(step.label for step in now[:3])}
    return _("Starting") if state in {State.CREATED, State.QUEUED} else ""


def _what_went_wrong(run: RunPage) -> str:
    if run.state is State.KILLED:
        return _("This run was stopped before it was done.")
    if run.state is State.CANCELLED:
        return _("This run was cancelled.")
    if run.state not in {State.FAILED, State.RETRIED}:
        return ""
    rejected = next((answer for one in run.requests for answer in one.answers if not answer.approved), None)
    if rejected is not None:
        words = {"name": rejected.name, "reason": rejected.reason}
        return _("%(name)s rejected it: %(reason)s") % words if rejected.reason else _("%(name)s rejected it.") % words
    step = run.progress.failed
    if step is None:
        return run.execution.error or _("This run did not work.")
    reason = step.error.strip().split("\n")[0][:300]
    if not reason:
        return _("“%(step)s” did not work.") % {"step": step.label}
    return _("“%(step)s” did not work: %(reason)s") % {"step": step.label, "reason": reason}
