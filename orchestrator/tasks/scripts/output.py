"""What a script says: lines for the log, and the protocol lines that carry outputs, metrics and log entries."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.tasks.contract import RunContext
from orchestrator.tasks.properties import as_text

LOG_BYTES = 10 * 1024 * 1024  # per task; after that the script runs on, unheard
LINE_BYTES = 32 * 1024
OUTPUT_BYTES = 1024 * 1024
_PROTOCOL_BYTES = 2 * 1024 * 1024  # the longest protocol line that is understood
_METRICS = 10_000
_PROTOCOL = re.compile(rb"^::(\{.*\})::\s*$", re.DOTALL)
_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR", "FATAL": "ERROR"}
MASK = "********"


class Lines:
    """Cuts a stream of bytes into lines, never holding more than the longest that is of use."""

    def __init__(self, longest: int = LINE_BYTES) -> None:
        self._longest = longest
        self._begun = b""
        self._dropped = 0

    def feed(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        """Yield each line that `data` completes, and how many bytes of it were dropped."""
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._extend(part)
            yield from self._line()
        self._extend(rest)

    def end(self) -> Iterator[tuple[bytes, int]]:
        """Yield what stands after the last line break."""
        if self._begun or self._dropped:
            yield from self._line()

    def _extend(self, part: bytes) -> None:
        room = (_PROTOCOL_BYTES if (self._begun or part).startswith(b"::{") else self._longest) - len(self._begun)
        kept = part[: max(0, room)]
        self._begun += kept
        self._dropped += len(part) - len(kept)

    def _line(self) -> Iterator[tuple[bytes, int]]:
        line, dropped = self._begun.removesuffix(b"\r"), self._dropped
        self._begun, self._dropped = b"", 0
        yield line, dropped


class Transcript:
    """Sorts a script's lines: into the log as they come, into outputs and metrics when they say so."""

    def __init__(self, context: RunContext) -> None:
        self.variables: dict[str, object] = {}
        self.counts = {"stdout": 0, "stderr": 0}
        self.last_error = ""
        self.too_large = False
        self.keeper_lost = False  # nobody knows how the script ended
        self._context = context
        self._masks = sorted((mask for mask in context.masks if mask), key=len, reverse=True)
        longest = LINE_BYTES + max((len(mask.encode()) for mask in self._masks), default=0)
        self._lines = {"stdout": Lines(longest), "stderr": Lines(longest)}
        self._logged = 0
        self._variable_bytes = 0
        self._metrics = 0

    def hear(self, stream: str, data: bytes) -> None:
        """Take what a stream gave; no data means that it ended."""
        lines = self._lines[stream]
        for line, dropped in lines.feed(data) if data else lines.end():
            self.counts[stream] += 1
            if line.startswith(b"::{") and (found := _PROTOCOL.match(line)) and self._obey(found[1]):
                continue
            self._log(stream, line, dropped)

    def _log(self, stream: str, line: bytes, dropped: int) -> None:
        if self._logged > LOG_BYTES:
            return
        text = line.decode("utf-8", errors="backslashreplace")
        if dropped or len(line) > LINE_BYTES:
            for mask in self._masks:  # before cutting: half a secret would not be recognised later
                text = text.replace(mask, MASK)
            text = f"{text[:LINE_BYTES]} … (line cut, {dropped + max(0, len(text) - LINE_BYTES)} bytes more)"
        self._logged += len(line) + 1
        if stream == "stderr" and text.strip():
            self.last_error = text.strip()[:500]
        if self._logged > LOG_BYTES:
            self._context.log("WARN", f"The script has logged {LOG_BYTES // 1024**2} MB; the rest is not kept.")
            return
        self._context.log("INFO" if stream == "stdout" else "ERROR", text)

    def _obey(self, text: bytes) -> bool:
        if self.too_large and text.startswith(b'{"outputs"'):
            return True  # the task has failed; what else it would put out does not matter
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return False
        outputs, metrics, logs = (message.get(name) for name in ("outputs", "metrics", "logs"))
        if isinstance(outputs, dict):
            self._variable_bytes += len(text)
            self.too_large = self.too_large or self._variable_bytes > OUTPUT_BYTES
            if not self.too_large:
                self.variables.update(outputs)
        for metric in metrics if isinstance(metrics, list) else ():
            self._measure(metric)
        for entry in logs if isinstance(logs, list) else ():
            self._entry(entry)
        return True

    def _measure(self, metric: Mapping[str, Any]) -> None:
        if self._metrics >= _METRICS or not isinstance(metric, dict):
            return
        tags, value = metric.get("tags"), metric.get("value")
        if not isinstance(value, int | float) or not metric.get("name"):
            self._context.log("WARN", f"This is not a metric: {as_text(metric)[:200]}")
            return
        self._metrics += 1
        named = {str(key): as_text(tag) for key, tag in tags.items()} if isinstance(tags, dict) else {}
        self._context.metric(str(metric["name"])[:150], str(metric.get("type", "counter")), float(value), named)

    def _entry(self, entry: object) -> None:
        if not isinstance(entry, dict):
            entry = {"message": entry}
        level = str(entry.get("level", "INFO")).upper()
        level = _LEVELS.get(level, level if level in {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"} else "INFO")
        text = as_text(entry.get("message"))[:LINE_BYTES]
        self._logged += len(text)
        if self._logged <= LOG_BYTES:
            self._context.log(level, text)
