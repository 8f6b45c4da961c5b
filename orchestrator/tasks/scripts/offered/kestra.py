"""Tell the engine about outputs, metrics and log lines from a script: `from kestra import Kestra`.

Each call prints one line of the protocol that every script may print by itself: `::{"outputs": {...}}::`.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any


class Kestra:
    """The calls that scripts know from the field."""

    @staticmethod
    def _send(message: Mapping[str, Any]) -> None:
        sys.stdout.write(f"::{json.dumps(message, default=str)}::\n")
        sys.stdout.flush()

    @staticmethod
    def outputs(values: Mapping[str, Any]) -> None:
        """Give values to later tasks, as `outputs.<task>.vars`."""
        Kestra._send({"outputs": values})

    @staticmethod
    def counter(name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Add to a count."""
        Kestra._send({"metrics": [{"name": name, "type": "counter", "value": value, "tags": tags or {}}]})

    @staticmethod
    def timer(name: str, duration: Any, tags: Mapping[str, str] | None = None) -> None:  # noqa: ANN401
        """Report how long something took, in seconds; a function is called and measured."""
        if callable(duration):
            start = time.perf_counter()
            duration()
            duration = time.perf_counter() - start
        Kestra._send({"metrics": [{"name": name, "type": "timer", "value": duration, "tags": tags or {}}]})

    @staticmethod
    def logger() -> logging.Logger:
        """Return a logger whose lines keep their level."""
        logger = logging.getLogger("Kestra")
        if not logger.handlers:
            logger.addHandler(_Lines())
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        return logger


class _Lines(logging.Handler):
    _LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record as one line of the protocol."""
        level = self._LEVELS.get(record.levelname, record.levelname)
        Kestra._send({"logs": [{"level": level, "message": self.format(record)}]})  # noqa: SLF001
