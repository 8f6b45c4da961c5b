"""Files as pages hand them out, those of a run and those that an app offers: checked, never run by the browser."""

import mimetypes
import re
from dataclasses import dataclass
from typing import BinaryIO

from apps_portal.access import head_of
from apps_portal.models import App
from orchestrator import namespace_files, storage
from orchestrator.access import artifact_for, artifacts_of
from orchestrator.models import Artifact, Execution
from tenants.actor import Actor
from tenants.errors import NotFound

# pictures that an <img> may show; everything else is only ever downloaded
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
# how an app's text offers a file of its namespace: [a sample]({{ app.url }}/files/samples/claims.csv)
_OFFERED = re.compile(r"\{\{\s*app\.url\s*\}\}/files/([\w./-]*\w)")


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way to a person."""

    name: str
    size: int
    content_type: str
    stream: BinaryIO


def of_run(execution: Execution) -> list[Artifact]:
    """Return the files of a run, oldest first; who asks has looked whether they may be shown."""
    return list(artifacts_of(execution)[:500])


def open_file(actor: Actor, execution: Execution, file_id: int) -> Download:
    """Return a file of a run that the actor may download; raises NotFound for anything else."""
    row = artifacts_of(execution).filter(pk=file_id).first()
    if row is None:
        raise NotFound
    checked = artifact_for(actor, execution, row.uri)
    try:
        stream = storage.open(actor.tenant_id, checked.uri)
    except storage.FileAbsent:
        raise NotFound from None
    guessed = mimetypes.guess_type(checked.name)[0] or ""
    kind = guessed if guessed in PICTURES else "application/octet-stream"
    return Download(checked.name, checked.size, kind, stream)


def open_offered(actor: Actor, app: App, path: str) -> Download:
    """Return a file of the app's namespace that its live text links to; raises NotFound for every other one.

    The link is the author's consent: whoever holds the app may have what it offers, and nothing else of the namespace.
    """
    row = namespace_files.find(actor, app.namespace, path) if path in _OFFERED.findall(head_of(app).source) else None
    if row is None:
        raise NotFound
    try:
        stream = storage.open(actor.tenant_id, row.uri)
    except storage.FileAbsent:
        raise NotFound from None
    return Download(path.rpartition("/")[2], row.size, "application/octet-stream", stream)
