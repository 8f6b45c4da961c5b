"""The form of an app for one person: what it begins with, what it comes to, and what is wrong with it.

Every door that fills in an app goes through `fill`: pages, the state they ask for while a person types, and the API.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils import timezone

from apps_portal import publishing, uploads
from apps_portal.core.app_spec import AppSpec
from apps_portal.core.form import Context, Field, Filled, Form, fill_in, form_of, start_values, value_at, with_errors
from apps_portal.models import App, AppRevision, StagedUpload, Submission
from orchestrator import flows
from orchestrator.core.inputs import raw_from_form
from orchestrator.core.spec import FlowSpec, InputProblem, InputSpec
from orchestrator.models import FlowRevision
from orchestrator.saying import said
from orchestrator.scopes import Requester
from tenants.actor import Actor
from tenants.errors import NotFound

# names of a form's own hidden fields; inputs cannot begin with `_`
SEEN = "_seen"
KEY = "_key"


@dataclass(frozen=True, slots=True)
class Opened:
    """An app opened for use: its live revision and the flow revision that a submit would start."""

    app: App
    revision: AppRevision
    spec: AppSpec
    flow_revision: FlowRevision
    flow: FlowSpec

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """Return the inputs of the flow."""
        return self.flow.inputs

    def input(self, input_id: str) -> InputSpec:
        """Return one input; raises NotFound."""
        for spec in self.inputs:
            if spec.id == input_id:
                return spec
        raise NotFound


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form being filled in: what it comes to and how it is laid out."""

    opened: Opened
    filled: Filled
    form: Form
    staged: Mapping[str, StagedUpload] = field(default_factory=dict)  # by address

    @property
    def shown(self) -> tuple[str, ...]:
        """Return the ids of the fields that are there."""
        return tuple(one.name for one in self.form.fields if not one.hidden)


def open_app(app: App) -> Opened:
    """Return what a use of `app` would start now; raises NotFound when its flow is gone."""
    revision = AppRevision.objects.in_tenant(app.tenant_id).get(app=app, number=app.head)
    spec = publishing.spec_of(revision)
    flow_revision = flows.revision(app.flow, spec.flow_revision)
    return Opened(app, revision, spec, flow_revision, flows.spec_of(flow_revision.pk))


def context_of(
    actor: Actor,
    opened: Opened,
    at: datetime,
    staged: dict[str, StagedUpload] | None = None,
    url: str = "",
) -> Context:
    """Return what the form's expressions may use: requester, app and namespace; inputs come as they are filled in."""
    app = opened.app
    return Context(
        at=at,
        zone=actor.zone,
        scope={
            "requester": Requester(actor.user_id),
            "app": {"id": app.app_id, "uid": app.uid, "name": app.display_name, "url": url},
            "namespace": {"id": app.namespace},
            "flow": {"id": app.flow.flow_id, "namespace": app.namespace},
        },
        said=said,
        files=uploads.finder(actor, app, opened.inputs, {} if staged is None else staged),
    )


def begin(actor: Actor, opened: Opened, earlier: Submission | None = None) -> Sheet:
    """Return the fresh form, begun with the values of an `earlier` run when one is given."""
    context = context_of(actor, opened, timezone.now())
    given = values_of(opened, earlier) if earlier is not None else {}
    raw = start_values(opened.spec, opened.inputs, context, given)
    return _sheet(actor, opened, raw, context, {}, show_problems=False)


def fill(
    actor: Actor,
    opened: Opened,
    raw: Mapping[str, object],
    *,
    show_problems: bool = True,
    url: str = "",
) -> Sheet:
    """Return the form as it is with what was given: which fields are there, what they come to, what is wrong."""
    staged: dict[str, StagedUpload] = {}
    context = context_of(actor, opened, timezone.now(), staged, url)
    return _sheet(actor, opened, raw, context, staged, show_problems=show_problems)


def read_post(opened: Opened, posted: Mapping[str, list[str]], seen: Collection[str]) -> dict[str, object]:
    """Return what a posted form says, by input. `seen`: the fields that were on the page."""
    return raw_from_form(opened.inputs, posted, seen)


def appeared(sheet: Sheet, seen: Collection[str]) -> tuple[str, ...]:
    """Return fields that are there now but were not on the page: the person must see them before anything is sent."""
    return tuple(field_id for field_id in sheet.shown if field_id not in seen)


def values_of(opened: Opened, earlier: Submission) -> dict[str, object]:
    """Return what an earlier run of the app was given, as far as it may be used again: no secrets, no files."""
    if earlier.execution is None or earlier.app_id != opened.app.pk:
        return {}
    masked = set(earlier.execution.sensitive)
    return {
        spec.id: value
        for spec in opened.inputs
        if spec.type not in {"SECRET", "FILE"} and spec.id not in masked
        if (value := value_at(earlier.execution.inputs, spec.id)) is not None
    }


def _sheet(
    actor: Actor,
    opened: Opened,
    raw: Mapping[str, object],
    context: Context,
    staged: dict[str, StagedUpload],
    *,
    show_problems: bool,
) -> Sheet:
    filled = fill_in(opened.spec, opened.inputs, raw, context)
    by_id = {spec.id: spec for spec in opened.inputs}
    held = uploads.shown(actor, opened.app, by_id, filled.raw)
    form = form_of(opened.spec, opened.inputs, filled, context, show_problems=show_problems, uploads=held)
    return Sheet(opened, filled, form, staged)


def with_problems(sheet: Sheet, problems: list[InputProblem]) -> Sheet:
    """Return the sheet with more problems, which take the place of what was said about the same fields."""
    named = {problem.input_id for problem in problems}
    kept = [problem for problem in sheet.filled.problems if problem.input_id not in named]
    filled = replace(sheet.filled, problems=(*kept, *problems))
    spoken = [InputProblem(problem.input_id, said(problem.message)) for problem in filled.problems]
    return replace(sheet, filled=filled, form=with_errors(sheet.form, spoken))


def may_change(sheet: Sheet, one: Field, seen: Collection[str]) -> bool:
    """Say whether a field may look different now than on the page: it depends on others.

    Secrets and files that are on the page stay as they are there: the server does not give their values back.
    """
    if one.type in {"SECRET", "FILE"} and one.name in seen and not one.hidden:
        return False
    spec = sheet.opened.input(one.name)
    written = sheet.opened.spec.form.fields.get(one.name)
    texts: list[object] = [spec.condition, spec.expression]
    if written is not None:
        texts += [written.show_if, written.fixed, written.options.expression if written.options else None]
    return any(texts) or bool(spec.depends_on)
