"""What expressions ask for from outside: files, and what went wrong so far. Fetched outside of any transaction."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection

from orchestrator import storage
from orchestrator.core.expressions import Call, ExpressionFailed
from orchestrator.core.sentences import say
from orchestrator.core.states import State
from orchestrator.revisions import revision_of
from orchestrator.snapshots import ExecutionRow
from orchestrator.storage import StorageError

LONGEST_READ = 1_000_000  # bytes that `read()` returns at most


def fetch(call: Call, row: ExecutionRow) -> object:
    """Return the value of `call` for an execution; ExpressionFailed says why there is none."""
    try:
        kind = FETCHERS[call.name]
    except KeyError:
        message = say("`%(name)s()` is not available in this release.", name=call.name)
        raise ExpressionFailed(message, expression=call.name) from None
    try:
        return kind(row, call.given)
    except (StorageError, UnicodeDecodeError) as failure:
        raise ExpressionFailed(f"`{call.name}()`: {failure}", expression=call.name) from failure


def may_read(row: ExecutionRow, uri: str) -> bool:
    """Tell whether an execution may read a stored file: its own, and those of the namespaces it is in."""
    spec = revision_of(row.revision_id).spec
    parts = storage.parts_of(uri)
    own = storage.execution_folder(spec.namespace, spec.id, row.id)
    if parts[: len(own)] == own:
        return True
    names = spec.namespace.split(".")
    return any(parts[: depth + 1] == (*names[:depth], "_files") for depth in range(1, len(names) + 1))


def _file(row: ExecutionRow, given: Mapping[str, Any]) -> str:
    uri = str(next(iter(given.values())))
    if not storage.is_stored(uri):
        uri = storage.uri_of(storage.namespace_file(row.namespace, uri))
    if not may_read(row, uri):
        raise storage.AddressRefused(f"{uri} is not a file that this execution may read")
    return uri


def _read(row: ExecutionRow, given: Mapping[str, Any]) -> str:
    with storage.open(row.tenant_id, _file(row, given)) as file:
        content = file.read(LONGEST_READ + 1)
    if len(content) > LONGEST_READ:
        message = say("The file is larger than %(most)s bytes; read it in a task.", most=LONGEST_READ)
        raise ExpressionFailed(message, expression="read")
    return content.decode()


def _size(row: ExecutionRow, given: Mapping[str, Any]) -> int:
    return storage.size(row.tenant_id, _file(row, given))


def _exists(row: ExecutionRow, given: Mapping[str, Any]) -> bool:
    try:
        _size(row, given)
    except storage.FileAbsent:
        return False
    return True


def _is_empty(row: ExecutionRow, given: Mapping[str, Any]) -> bool:
    return _size(row, given) == 0


def _file_uri(row: ExecutionRow, given: Mapping[str, Any]) -> str:
    return _file(row, given)


def _error_logs(row: ExecutionRow, _given: Mapping[str, Any]) -> list[dict[str, object]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.task_id, coalesce(l.message, r.error), r.id FROM orchestrator_taskrun r "
            "LEFT JOIN orchestrator_logline l ON l.execution_id = r.execution_id AND l.task_run_id = r.id "
            "AND l.level = 'ERROR' WHERE r.execution_id = %s AND r.state = %s ORDER BY r.position, l.n LIMIT 100",
            [row.id, State.FAILED.value],
        )
        return [
            {"taskId": task_id, "message": message, "taskRunId": run_id}
            for task_id, message, run_id in cursor.fetchall()
        ]


FETCHERS: Mapping[str, Callable[[ExecutionRow, Mapping[str, Any]], object]] = {
    "read": _read,
    "fileSize": _size,
    "fileExists": _exists,
    "isFileEmpty": _is_empty,
    "fileURI": _file_uri,
    "errorLogs": _error_logs,
}
