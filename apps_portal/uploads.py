"""Files chosen in a form: stored at once, kept a day for this person and this app; the submit makes them artifacts."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps_portal.access import staged_for
from apps_portal.core.form import Upload
from apps_portal.models import App, StagedUpload
from orchestrator import storage
from orchestrator.core.input_types import FoundFile, Unfit
from orchestrator.core.sentences import say
from orchestrator.core.spec import InputSpec
from tenants.actor import Actor
from tenants.errors import Invalid, NotFound, TooLarge, TooMany

LIFE = timedelta(hours=24)
MOST_PER_PERSON = 200
FOLDER = "_uploads"
SWEPT_AT_ONCE = 500


def limit_of(spec: InputSpec) -> int:
    """Return how many bytes a file for this input may have."""
    return min(spec.max_size or settings.UPLOAD_LIMIT, settings.UPLOAD_LIMIT)


def stage(actor: Actor, app: App, spec: InputSpec, name: str, size: int, file: BinaryIO, at: datetime) -> StagedUpload:
    """Keep a file that a person chose for an input of an app; raises TooLarge, Invalid for a wrong ending, TooMany."""
    name = _plain_name(name)
    most = limit_of(spec)
    if size > most:
        words = {"name": name, "size": megabytes(size), "most": megabytes(most)}
        raise TooLarge(_("“%(name)s” has %(size)s; a file may have %(most)s here.") % words)
    if spec.extensions and not name.lower().endswith(tuple(one.lower() for one in spec.extensions)):
        words = {"name": name, "endings": ", ".join(spec.extensions)}
        raise Invalid.in_field(spec.id, _("“%(name)s” is not one of the files asked for: %(endings)s.") % words)
    mine = StagedUpload.objects.in_tenant(actor).filter(user_id=actor.user_id or 0, expires_at__gt=at)
    if mine.count() >= MOST_PER_PERSON:
        raise TooMany(3600, _("There are too many files of yours waiting to be submitted. Try again later."))
    key = uuid.uuid4()
    kept = storage.put(actor.tenant_id, (FOLDER, str(key), storage.fresh_name(name)), file, name=name)
    return StagedUpload.across_tenants.create(
        id=key,
        tenant_id=actor.tenant_id,
        app=app,
        user_id=actor.user_id,
        input_id=spec.id,
        name=name,
        size=kept.size,
        sha256=kept.sha256,
        uri=kept.uri,
        expires_at=at + LIFE,
    )


def finder(
    actor: Actor,
    app: App,
    specs: Sequence[InputSpec],
    found: dict[str, StagedUpload],
) -> Callable[[str], FoundFile]:
    """Return how binding finds the file that a form's value names: by the id of a staged upload.

    An address of a stored file is refused, or a person could name files of others; the one that the flow's author wrote
    as the default is not. `found` gathers the rows by address.
    """
    defaults = {spec.defaults for spec in specs if spec.type == "FILE" and isinstance(spec.defaults, str)}

    def find(text: str) -> FoundFile:
        if text in defaults:
            return FoundFile(text, text.rpartition("/")[2])
        try:
            row = staged_for(actor, app, text)
        except NotFound:
            raise Unfit(say("This file is no longer kept. Choose it again.")) from None
        found[row.uri] = row
        return FoundFile(row.uri, row.name, row.size)

    return find


def shown(actor: Actor, app: App, specs: Mapping[str, InputSpec], raw: Mapping[str, object]) -> dict[str, Upload]:
    """Return the files that a form holds already, by input."""
    held: dict[str, Upload] = {}
    for input_id, value in raw.items():
        spec = specs.get(input_id)
        if spec is None or spec.type != "FILE" or not isinstance(value, str) or not value:
            continue
        try:
            row = staged_for(actor, app, value)
        except NotFound:
            continue
        held[input_id] = Upload(str(row.pk), row.name, row.size)
    return held


def sweep(at: datetime) -> int:
    """Drop staged files whose day is over, of all tenants; returns how many. Called by the tick."""
    rows = list(StagedUpload.across_tenants.filter(expires_at__lte=at).order_by("expires_at")[:SWEPT_AT_ONCE])
    for row in rows:
        storage.delete(row.tenant_id, row.uri)
    StagedUpload.across_tenants.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def megabytes(size: int) -> str:
    """Return a number of bytes as people say it: `100 MB`, `3.4 MB`, `12 kB`."""
    if size >= 1024 * 1024:
        rounded = round(size / (1024 * 1024), 1)
        return f"{number_format(rounded, 0 if rounded.is_integer() else 1)} MB"
    return f"{max(1, round(size / 1024))} kB"


def _plain_name(name: str) -> str:
    plain = name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "").strip()
    return plain[-300:] or "file"
