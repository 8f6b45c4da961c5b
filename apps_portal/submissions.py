"""One use of an app by one person: checked, numbered, titled, started, written down, all in one transaction."""

import hashlib
from collections.abc import Mapping, Sequence

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps_portal import forms
from apps_portal.access import is_open, may_run, submissions_of
from apps_portal.core.app_spec import AppSpec, LimitsSpec
from apps_portal.core.form import value_at, with_nulls
from apps_portal.core.values import MASK
from apps_portal.forms import Opened, Sheet
from apps_portal.models import App, StagedUpload, Submission
from apps_portal.search import words_beginning
from orchestrator import executions, storage
from orchestrator.core.expressions import ExpressionFailed
from orchestrator.core.states import FINAL, State
from orchestrator.executions import Cause, InputFile
from orchestrator.ids import new_id
from orchestrator.storage import Stored
from tenants import audit
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid, TooMany

PAGE = 30
LONGEST_TITLE = 300
STATES: Mapping[str, frozenset[State]] = {
    "waiting": frozenset({State.PAUSED, State.BREAKPOINT}),
    "running": frozenset(State) - FINAL - {State.PAUSED, State.BREAKPOINT},
    "succeeded": frozenset({State.SUCCESS, State.WARNING, State.SKIPPED}),
    "failed": frozenset({State.FAILED, State.KILLED, State.CANCELLED, State.RETRIED}),
}


class FormInvalid(Invalid):
    """What was filled in cannot be sent; `sheet` is the form with what is wrong in each field."""

    def __init__(self, sheet: Sheet, message: str = "") -> None:
        super().__init__(sheet.filled.problems, message)
        self.sheet = sheet


def submit(
    actor: Actor,
    app: App,
    raw: Mapping[str, object],
    *,
    key: str = "",
    url: str = "",
    opened: Opened | None = None,
) -> Submission:
    """Start the app's flow with what a person filled in, as that person, and return the submission.

    `raw`: values by input; a file's is the id of its staged upload. The same `key` twice is one submission. Raises
    FormInvalid with the form as it is now, Forbidden, Conflict for an app that is closed, TooMany beyond its limits.
    """
    if not may_run(actor, app):
        raise Forbidden("app.execute")
    digest = hashlib.sha256(key.encode()).hexdigest() if key else None
    before = _sent_before(actor, app, digest)
    if before is not None:
        return before
    if not is_open(app):
        raise Conflict(_("This app is closed just now."))
    opened = opened or forms.open_app(app)
    sheet = forms.fill(actor, opened, raw, url=url)
    if sheet.filled.problems:
        raise FormInvalid(sheet)
    try:
        with transaction.atomic():
            return _started(actor, sheet, digest, url)
    except IntegrityError:
        before = _sent_before(actor, app, digest)  # the other click was first
        if before is None:
            raise
        return before


def _sent_before(actor: Actor, app: App, digest: str | None) -> Submission | None:
    if digest is None or actor.user_id is None:
        return None
    rows = Submission.objects.in_tenant(actor).filter(app=app, user_id=actor.user_id, key=digest)
    return rows.select_related("execution").first()


def _started(actor: Actor, sheet: Sheet, digest: str | None, url: str) -> Submission:
    opened, app, spec = sheet.opened, sheet.opened.app, sheet.opened.spec
    _count_against_limits(actor, app, spec.limits)
    execution_id = new_id()
    values, files = _with_files(actor, sheet, execution_id)
    title = _title(actor, sheet, url)
    secrets = {one.id for one in opened.inputs if one.type == "SECRET"}
    execution = executions.start(
        actor,
        opened.flow_revision,
        values,
        cause=Cause(kind="app", app=app.uid, title=title),
        labels={"system.app": app.app_id},
        shown_to=dict(spec.visibility) or None,
        sensitive=sorted({*spec.sensitive, *secrets} & {one.id for one in opened.inputs}),
        execution_id=execution_id,
        files=files,
    )
    submission = Submission.across_tenants.create(
        tenant_id=actor.tenant_id,
        number=_next_number(actor.tenant_id),
        title=title,
        app=app,
        revision=opened.revision,
        execution=execution,
        user_id=actor.user_id,
        key=digest,
    )
    after = {"number": submission.number, "execution": execution.pk, "revision": opened.revision.number}
    audit.record(actor, "app.execute", "app", app.uid, namespace=app.namespace, after=after)
    return submission


def _with_files(actor: Actor, sheet: Sheet, execution_id: str) -> tuple[dict[str, object], list[InputFile]]:
    """Copy the staged files to where the execution may read them; return the values with their new addresses."""
    app = sheet.opened.app
    values: dict[str, object] = dict(sheet.filled.values)
    files: list[InputFile] = []
    used: list[StagedUpload] = []
    for spec in sheet.opened.inputs:
        row = sheet.staged.get(str(value_at(values, spec.id))) if spec.type == "FILE" else None
        if row is None:
            continue
        folder = storage.input_folder(app.namespace, app.flow.flow_id, execution_id, spec.id)
        with storage.open(actor.tenant_id, row.uri) as source:
            kept = storage.put(actor.tenant_id, (*folder, storage.fresh_name(row.name)), source, name=row.name)
        values = _replaced(values, spec.id.split("."), kept.uri)
        files.append(InputFile(spec.id, Stored(kept.uri, row.name, kept.size, kept.sha256)))
        used.append(row)
    for row in used:
        row.expires_at = timezone.now()  # the tick drops the copy; a rolled back submit leaves it as it was
        row.save(update_fields=["expires_at"])
    return values, files


def _replaced(values: Mapping[str, object], path: Sequence[str], value: object) -> dict[str, object]:
    head, *rest = path
    inner = values.get(head)
    return {**values, head: _replaced(inner, rest, value) if rest and isinstance(inner, Mapping) else value}


def _title(actor: Actor, sheet: Sheet, url: str) -> str:
    """Return what people call this run: the app's `title`, rendered; where that comes to nothing the app's name."""
    opened = sheet.opened
    if not opened.spec.title:
        return opened.app.display_name
    inputs = with_nulls(opened.inputs, _unmasked(opened.spec, sheet))
    context = forms.context_of(actor, opened, timezone.now(), url=url)
    try:
        title = str(context.render(opened.spec.title, {"inputs": inputs})).strip()
    except ExpressionFailed:
        title = ""
    return " ".join(title.split())[:LONGEST_TITLE] or opened.app.display_name


def _unmasked(spec: AppSpec, sheet: Sheet) -> Mapping[str, object]:
    """A title is seen by everyone who may see the run, so sensitive values do not get into it."""
    values: dict[str, object] = dict(sheet.filled.values)
    secrets = {one.id for one in sheet.opened.inputs if one.type == "SECRET"}
    for input_id in {*spec.sensitive, *secrets}:
        if value_at(values, input_id) is not None:
            values = _replaced(values, input_id.split("."), MASK)
    return values


def _count_against_limits(actor: Actor, app: App, limits: LimitsSpec) -> None:
    if actor.user_id is None:
        return
    mine = Submission.objects.in_tenant(actor).filter(app=app, user_id=actor.user_id)
    if limits.running_per_user is not None:
        running = mine.filter(execution__isnull=False).exclude(execution__state__in=[*FINAL]).count()
        if running >= limits.running_per_user:
            words = {"most": limits.running_per_user}
            raise TooMany(60, _("%(most)s runs of yours are still going; this app allows no more at once.") % words)
    if limits.per_user is not None:
        most, within = limits.per_user
        if mine.filter(created_at__gt=timezone.now() - within).count() >= most:
            raise TooMany(within.total_seconds(), _("You have used this app as often as it allows. Try again later."))


def _next_number(tenant_id: int) -> int:
    """Return the tenant's next number; others who submit in the same tenant wait until this transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO apps_portal_submissioncounter (tenant_id, last) VALUES (%s, 1) "
            "ON CONFLICT (tenant_id) DO UPDATE SET last = apps_portal_submissioncounter.last + 1 RETURNING last",
            [tenant_id],
        )
        number: int = cursor.fetchone()[0]
        return number


# My requests ------------------------------------------------------------------------------------------------------


def mine(actor: Actor, text: str = "", state: str = "", before: int | None = None) -> QuerySet[Submission]:
    """Return the actor's own submissions, newest first, below number `before`; `state` is a key of STATES."""
    rows = submissions_of(actor)
    if text.strip():
        rows = rows.filter(_matching(text))
    if state in STATES:
        rows = rows.filter(execution__state__in=[*STATES[state]])
    return rows if before is None else rows.filter(number__lt=before)


def running(actor: Actor, limit: int = 10) -> list[Submission]:
    """Return the actor's runs that have not ended, newest first."""
    if actor.user_id is None:
        return []
    rows = submissions_of(actor).filter(execution__isnull=False).exclude(execution__state__in=[*FINAL])
    return list(rows[:limit])


def of_app(actor: Actor, app: App, limit: int = 5) -> list[Submission]:
    """Return the actor's last runs of one app."""
    return list(submissions_of(actor).filter(app=app)[:limit]) if actor.user_id is not None else []


def find(actor: Actor, text: str, limit: int) -> list[Submission]:
    """Return the actor's runs by number or by words of their title, for the palette."""
    return list(mine(actor, text)[:limit]) if actor.user_id is not None else []


def _matching(text: str) -> Q:
    number = text.strip().lstrip("#")
    found = Q(number=int(number)) if number.isdecimal() and len(number) < 18 else Q(pk__in=[])
    query = words_beginning(text)
    if query is not None:
        found |= Q(search=query) | Q(app__search=query)
    return found
