"""Handing a stored file to a browser or a program: always as a download that cannot run anything here."""

import mimetypes
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, BinaryIO

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from orchestrator import storage
from orchestrator.changes import Line
from orchestrator.storage import FileAbsent
from tenants.errors import NotFound

if TYPE_CHECKING:
    from orchestrator.models import Artifact

CHUNK = 256 * 1024


def download(tenant_id: int, artifact: "Artifact") -> StreamingHttpResponse:
    """Return the answer that streams a file; raises NotFound when storage no longer has it."""
    try:
        file = storage.open(tenant_id, artifact.uri)
    except FileAbsent:
        raise NotFound from None
    kind, encoding = mimetypes.guess_type(artifact.name)
    answer = StreamingHttpResponse(
        chunks(file), content_type=kind if kind and not encoding else "application/octet-stream"
    )
    answer.headers["Content-Length"] = str(artifact.size)
    answer.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=artifact.name) or ""
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def text_download(execution_id: str, lines: Iterable[Line]) -> HttpResponse:
    """Return the answer that holds the log lines of an execution as a text file."""
    text = "".join(f"{line.at.isoformat()} {line.level:<5} {line.task_id} {line.message}\n" for line in lines)
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{execution_id}.log"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


async def chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file piece by piece, read in a thread, and close it however this ends."""
    try:
        while piece := await sync_to_async(file.read)(CHUNK):
            yield piece
    finally:
        await sync_to_async(file.close)()
