"""Files of a run, as pages hand them out: checked, never run by the browser."""

import mimetypes
from dataclasses import dataclass
from typing import BinaryIO

from orchestrator import storage
from orchestrator.access import artifact_for, artifacts_of
from orchestrator.models import Artifact, Execution
from tenants.actor import Actor
from tenants.errors import NotFound

# pictures that an <img> may show; everything else is only ever downloaded
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})


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
