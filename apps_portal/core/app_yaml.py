"""Read an app's YAML: every property of portal.md, every problem with its line, column and what to do about it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from apps_portal.core.app_spec import AccessSpec, AppSpec, LimitsSpec
from apps_portal.core.audiences import ASPECTS
from apps_portal.core.form_yaml import read_form
from apps_portal.core.layout_yaml import read_layout
from apps_portal.core.reading import audiences, template
from orchestrator.core.documents import Document, load
from orchestrator.core.durations import read_duration
from orchestrator.core.errors import DocumentInvalid
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import Problem
from orchestrator.core.yaml_fields import Fields, Reading

TYPE = "apps.Execution"
_TYPES = (TYPE, "io.kestra.plugin.ee.apps.Execution", "io.kestra.ee.apps.Execution")
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*", re.ASCII)
_FLOW_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_LIMIT = re.compile(r"(\d{1,6})\s*/\s*(P\S+)", re.ASCII)

# known, checked for their shape only, and kept until a release acts on them
KEPT: Mapping[str, tuple[type, ...]] = {
    "approval": (dict,),
    "notify": (list,),
    "estimate": (dict,),
    "undo": (dict,),
    "window": (dict,),
    "stepUp": (str, bool),
    "agent": (str, bool),
    "texts": (dict,),
}
# what stands between a person and the flow: an app that asks for it must not run without it
GATES = frozenset({"approval", "window", "stepUp"})
KEYS = (
    *("id", "type", "namespace", "flowId", "flowRevision", "executionId", "displayName", "title", "description"),
    *("icon", "thumbnail", "owner", "category", "tags", "access", "expiration", "disabled", "form", "visibility"),
    *("limits", "layout"),
    *KEPT,
)

Value = TypeVar("Value")


class AppInvalid(DocumentInvalid):
    """An app's source cannot be used."""

    code = "app_invalid"


@dataclass(frozen=True, slots=True)
class AppRead:
    """A source as far as it could be read; `spec` is None where it cannot be used."""

    spec: AppSpec | None
    problems: tuple[Problem, ...]  # warnings too, in the order of the text
    places: Document | None = None


def parse(source: str | bytes) -> AppSpec:
    """Return the app that `source` says; raise `AppInvalid` with every problem that is no warning."""
    found = read(source)
    if found.spec is None:
        raise AppInvalid(problem for problem in found.problems if not problem.warning)
    return found.spec


def read(source: str | bytes) -> AppRead:
    """Read `source` as an app, collecting every problem; never raises."""
    try:
        document = load(source)
    except DocumentInvalid as error:
        return AppRead(None, error.problems)
    if not isinstance(document.value, dict):
        message = say("An app is a map: it begins with `id:`, `type:`, `namespace:` and `flowId:`.")
        return AppRead(None, (Problem(message),), document)
    reading = Reading(document)
    spec = _app(reading.fields(document.value, (), say("An app")))
    problems = tuple(sorted(reading.problems, key=lambda problem: (problem.line, problem.column)))
    usable = all(problem.warning for problem in problems)
    return AppRead(spec if usable else None, problems, document)


def _app(fields: Fields) -> AppSpec:
    fields.refuse_unknown(KEYS)
    _check_type(fields)
    for key, kinds in {**KEPT, "executionId": (str,), "thumbnail": (str,)}.items():
        if key in fields.values:
            _keep(fields, key, kinds)
    expiration = _below(fields, "expiration", ("startDate", "endDate"))
    app_id = _name(fields, "id", _ID, 150, say("Use letters, digits, `_` and `-`."))
    when = say("Write a date with time and zone, for instance 2026-01-31T18:00:00Z.")
    return AppSpec(
        id=app_id,
        namespace=_name(fields, "namespace", _NAMESPACE, 150, say("Use lower-case words joined by dots.")),
        flow_id=_name(fields, "flowId", _FLOW_ID, 100, say("It is the id of a flow in the same namespace.")),
        display_name=_short(fields, "displayName", 150) or app_id,
        flow_revision=fields.whole("flowRevision", least=1),
        execution_id=_short(fields, "executionId", 64),
        title=template(fields, "title"),
        description=fields.text("description") or "",
        icon=_short(fields, "icon", 60),
        thumbnail=_short(fields, "thumbnail", 500),
        owner=_short(fields, "owner", 150),
        category=_short(fields, "category", 100),
        tags=_tags(fields),
        access=_access(fields),
        starts_at=_read_as(expiration, "startDate", _moment, when),
        ends_at=_read_as(expiration, "endDate", _moment, when),
        disabled=fields.flag("disabled"),
        form=read_form(fields),
        visibility=_visibility(fields),
        limits=_limits(fields),
        layout=read_layout(fields),
        extra={key: fields.values[key] for key in KEPT if key in fields.values},
    )


def _below(fields: Fields, key: str, known: tuple[str, ...]) -> Fields:
    inner = fields.reading.fields(fields.map(key), fields.at(key), f"`{key}`")
    inner.refuse_unknown(known)
    return inner


def _short(fields: Fields, key: str, most: int) -> str:
    text = fields.text(key) or ""
    if len(text) > most:
        fields.problem(key, say("`%(key)s` has at most %(most)s characters.", key=key, most=most))
    return text


def _name(fields: Fields, key: str, form: re.Pattern[str], most: int, allowed: str) -> str:
    text = fields.needed(key)
    if text and (len(text) > most or not form.fullmatch(text)):
        fields.problem(key, say("`%(key)s` cannot be `%(text)s`.", key=key, text=text[:80]), mend=allowed)
    return text


def _read_as(fields: Fields, key: str, reader: Callable[[str], Value], form: str) -> Value | None:
    text = fields.text(key)
    if not text:
        return None
    try:
        return reader(text)
    except ValueError:
        fields.problem(key, say("`%(key)s` cannot be read: `%(text)s`.", key=key, text=text[:80]), mend=form)
        return None


def _check_type(fields: Fields) -> None:
    written = fields.needed("type")
    if written and written not in _TYPES:
        mend = did_you_mean(written, _TYPES) or say("Write `type: apps.Execution`.")
        fields.problem("type", say("There is no app type `%(type)s`.", type=written[:80]), mend=mend)


def _keep(fields: Fields, key: str, kinds: tuple[type, ...]) -> None:
    if not isinstance(fields.values[key], kinds):
        fields.problem(key, say("`%(key)s` does not have the right shape.", key=key))
        return
    if key in GATES:
        message = say("`%(key)s` is not available in this release; without it the app would run unguarded.", key=key)
        mend = say("Put a core.flow.Approval into the flow.") if key == "approval" else ""
        fields.reading.problem(fields.at(key), message, at_key=True, mend=mend)
        return
    message = say("`%(key)s` is kept, but this release does not act on it yet.", key=key)
    fields.reading.problem(fields.at(key), message, at_key=True, warning=True)


def _tags(fields: Fields) -> tuple[str, ...]:
    tags = fields.texts("tags")
    for number, tag in enumerate(tags):
        if len(tag) > 60:
            fields.reading.problem((*fields.at("tags"), number), say("A tag has at most 60 characters."))
    return tags


def _access(fields: Fields) -> AccessSpec:
    if isinstance(fields.values.get("access"), str):  # the form of the first releases: `access: PUBLIC`
        return AccessSpec(public=_is_public(fields, "access"))
    access = _below(fields, "access", ("type", "groups", "catalog"))
    public = _is_public(access, "type")
    groups = access.texts("groups")
    if public and groups:
        access.problem("groups", say("A public app is open to everyone; `groups` says otherwise."))
    return AccessSpec(public=public, groups=groups, listed=access.flag("catalog", default=True))


def _is_public(fields: Fields, key: str) -> bool:
    return fields.choice(key, ("PUBLIC", "PRIVATE")) == "PUBLIC"


def _visibility(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    visibility = _below(fields, "visibility", ASPECTS)
    return {aspect: audiences(visibility, aspect) for aspect in ASPECTS if aspect in visibility.values}


def _limits(fields: Fields) -> LimitsSpec:
    limits = _below(fields, "limits", ("perUser", "runningPerUser", "sameInputsWithin"))
    if "sameInputsWithin" in limits.values:
        message = say("`sameInputsWithin` is kept, but this release does not act on it yet.")
        limits.reading.problem(limits.at("sameInputsWithin"), message, at_key=True, warning=True)
    return LimitsSpec(
        per_user=_read_as(limits, "perUser", _per_time, say("Write a number and a time: `20/PT1H`.")),
        running_per_user=limits.whole("runningPerUser", least=1),
        same_inputs_within=limits.duration("sameInputsWithin"),
    )


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _per_time(text: str) -> tuple[int, timedelta]:
    found = _LIMIT.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]), read_duration(found[2])
