"""What every SQL task can be given, and how rows become outputs."""

import base64
import json
import math
import tempfile
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, TypeVar
from uuid import UUID

from orchestrator.tasks.contract import Outcome, RunContext, TaskFailed, TaskType
from orchestrator.tasks.jdbc.statements import statements
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text, TextOrNone

INLINE = 1024 * 1024  # bytes of rows that fit into outputs
BATCH = 1000
FetchType = Literal["NONE", "FETCH", "FETCH_ONE", "STORE"]


class QueryProperties(TaskProperties):
    """What to ask whom, and what to do with the answer."""

    url: Text
    username: TextOrNone = None
    password: TextOrNone = None
    sql: Text
    parameters: Dynamic[dict[str, object]] | None = None
    fetch_type: Dynamic[FetchType] = "NONE"
    fetch: Dynamic[bool] = False  # older spellings of fetchType
    fetch_one: Dynamic[bool] = False
    store: Dynamic[bool] = False
    fetch_size: Dynamic[int] = 10_000
    time_zone_id: TextOrNone = None

    def wanted(self) -> FetchType:
        """Return the fetch type, whichever way it was said."""
        if self.fetch_type != "NONE":
            return self.fetch_type
        return "STORE" if self.store else "FETCH_ONE" if self.fetch_one else "FETCH" if self.fetch else "NONE"


P = TypeVar("P", bound=QueryProperties)


@dataclass(slots=True)
class Answer:
    """What one statement gave: rows in batches, read while the connection is open."""

    columns: Sequence[str] = ()
    batches: Iterable[Sequence[Sequence[Any]]] = ()
    changed: int = -1  # rows that the statement touched, when the engine knows

    def close(self) -> None:
        """Leave the rest of the rows unread; some engines hold the connection until then."""
        if isinstance(self.batches, Generator):
            self.batches.close()


class Database(Protocol):
    """An open connection."""

    def ask(self, sql: str, parameters: Mapping[str, object], *, rows: bool) -> Answer:
        """Run one statement; rows are only wanted when `rows` is true."""

    def interrupt(self) -> None:
        """End the running statement, from another thread."""

    def commit(self) -> None:
        """Make what was done last."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What differs between engines."""

    name: str
    icon: str = "database"
    errors: tuple[type[Exception], ...] = field(default=())


class SqlTask(TaskType[P]):
    """Runs statements against one engine. `many` gives each statement its outputs, else only the last one counts."""

    engine: ClassVar[Engine]
    many: ClassVar[bool] = False
    icon = "database"

    @abstractmethod
    def connect(self, properties: P, context: RunContext) -> AbstractContextManager[Database]:
        """Open the database; leaving without commit undoes what was not committed."""

    def after(self, properties: P, context: RunContext) -> Mapping[str, object]:
        """Return outputs that exist once the connection is closed, for instance the database's file."""
        del properties, context
        return {}

    def run(self, properties: P, context: RunContext) -> Outcome:
        """Run every statement in order, in one transaction; parameters are bound, never pasted."""
        texts = statements(properties.sql)
        if not texts:
            raise TaskFailed("There is no SQL statement.")
        results: list[dict[str, object]] = []
        try:
            with self.connect(properties, context) as database, interrupted_on_stop(database, context):
                for number, text in enumerate(texts):
                    wanted = properties.wanted() if self.many or number == len(texts) - 1 else "NONE"
                    with closing(database.ask(text, properties.parameters or {}, rows=wanted != "NONE")) as answer:
                        results.append(_kept(answer, wanted, context))
                database.commit()
        except self.engine.errors as error:
            context.raise_if_stopped()
            if context.deadline is not None and time.monotonic() >= context.deadline:
                raise TaskFailed("The statement ran longer than the task's timeout and was ended.") from None
            raise TaskFailed(f"{self.engine.name}: {str(error).strip()}") from error
        context.raise_if_stopped()
        outputs: dict[str, object] = {"outputs": results} if self.many else results[-1]
        return Outcome(outputs={**outputs, **self.after(properties, context)})


@contextmanager
def interrupted_on_stop(database: Database, context: RunContext) -> Iterator[None]:
    """While inside, interrupt the running statement when the context says stop or its time is over."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            late = context.deadline is not None and time.monotonic() >= context.deadline
            if late or context.stop.is_set():
                database.interrupt()  # again and again: the next statement may have begun

    watcher = threading.Thread(target=watch, name="sql-stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


# Rows -------------------------------------------------------------------------------------------------------------


def _kept(answer: Answer, wanted: FetchType, context: RunContext) -> dict[str, object]:
    match wanted:
        case "FETCH":
            rows = list(_within(INLINE, _rows(answer)))
            return {"rows": rows, "size": len(rows)}
        case "FETCH_ONE":
            row = next(_rows(answer), None)
            return {"row": row, "size": 0 if row is None else 1}
        case "STORE":
            return _stored(answer, context)
        case "NONE":
            return {"size": answer.changed} if answer.changed >= 0 else {}


def _rows(answer: Answer) -> Iterator[dict[str, object]]:
    for batch in answer.batches:
        for row in batch:
            yield {name: as_json(value) for name, value in zip(answer.columns, row, strict=True)}


def _within(most: int, rows: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    size = 0
    for row in rows:
        size += len(json.dumps(row, ensure_ascii=False))
        if size > most:
            raise TaskFailed("The rows are larger than 1 MB; use fetchType STORE, which writes them to a file.")
        yield row


def _stored(answer: Answer, context: RunContext) -> dict[str, object]:
    """Write one JSON object a line, never holding more than a batch."""
    count = 0
    with tempfile.TemporaryFile(dir=context.working_dir) as file:
        for row in _rows(answer):
            if count % BATCH == 0:
                context.raise_if_stopped()
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        file.seek(0)
        return {"uri": context.storage.put("rows.jsonl", file), "size": count}


def _number(number: Decimal) -> object:
    if not number.is_finite():
        return None
    if number == number.to_integral_value() and abs(number) < 10**18:
        return int(number)
    return float(number) if Decimal(repr(float(number))) == number else str(number)


def _duration(span: timedelta) -> str:
    return f"PT{span.total_seconds():g}S"


_PLAIN: Mapping[type, Callable[[Any], object]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time_of_day: time_of_day.isoformat,
    UUID: str,
    Decimal: _number,
    float: lambda number: number if math.isfinite(number) else None,
    bytes: lambda data: base64.b64encode(data).decode(),
    bytearray: lambda data: base64.b64encode(data).decode(),
    memoryview: lambda data: base64.b64encode(data).decode(),
    timedelta: _duration,
}


def as_json(value: Any) -> object:  # noqa: ANN401
    """Return a database's value as JSON can hold it: dates as ISO 8601, bytes as base64, exact numbers kept exact."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if (plain := _PLAIN.get(type(value))) is not None:
        return plain(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [as_json(item) for item in value]
    return str(value)
