"""How log lines look: one line per event for a console, or JSON lines with PORTICO_LOG=json; passwords are masked."""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

PASSWORD_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+@", re.IGNORECASE)


def masked(text: str) -> str:
    """Return `text` with the passwords of URLs replaced by stars."""
    return PASSWORD_IN_URL.sub(r"\1***@", text)


class Lines(logging.Formatter):
    """`12:00:01 WARNING portico.scheduler: text`, tracebacks below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback when it has one."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        text = f"{at} {record.levelname:<7} {record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return masked(text)


class JsonLines(logging.Formatter):
    """One JSON object a line: at, process, level, logger, message and, where there is one, error."""

    def __init__(self, process: str) -> None:
        """Write `process` into each line."""
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "process": self._process,
            "pid": record.process,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = masked("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)


def logging_settings(process: str, level: str, *, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING: everything to standard error, our own from `level`, others from WARNING."""
    formatter: dict[str, Any] = (
        {"()": "config.logging.JsonLines", "process": process} if as_json else {"()": "config.logging.Lines"}
    )
    ours = {"handlers": ["console"], "level": level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"console": formatter},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "console"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "portico": ours,
            "tenants": ours,
            "orchestrator": ours,
            "apps_portal": ours,
            "config": ours,
            # a 404 is the visitor's, not ours; 5xx are logged as errors
            "django.request": {"level": "ERROR"},
            "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        },
    }
