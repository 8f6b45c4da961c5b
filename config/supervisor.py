"""Run Portico's parts as one: start them in order, show their logs in one console, start them again when they die.

One thread, one loop: children are bound to the thread that started them (config.processes), and nothing here may wait
for a child without listening to the others. Whatever way this process ends, nothing it started is left.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from config.processes import Program, end_group, launch

LONGEST_LINE = 64 * 1024
KEPT_LINES = 40
CALM_SECONDS = 60.0  # a part that lived this long is started again at once
PATIENCE = (0.2, 1.0, 2.0, 5.0, 10.0)  # waits before the restarts of a part that keeps dying
START_TRIES = 3
STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
COLOURS = {"postgres": 34, "valkey": 35, "web": 32, "worker": 36, "scheduler": 33}


class PartFailed(Exception):
    """A part could not be brought up or kept up; the text says which and shows its last lines."""


class Stopped(Exception):
    """A person or the system asked us to stop."""


@dataclass
class Part:
    """A program that should run for as long as we do.

    `before` runs ahead of each start (it clears what a crash left), `after` once the process exists, `shown` decides
    which of its lines reach the console (all are kept for the case that it fails).
    """

    program: Program
    before: Callable[[], None] = lambda: None
    after: Callable[[int], None] = lambda _pid: None
    shown: Callable[[str], bool] = lambda _line: True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float | None = None
    rest: bytes = b""
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    @property
    def name(self) -> str:
        """The name shown before its lines."""
        return self.program.name


class Console:
    """Where the lines of all parts come together, each with the name of who said it."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        """Write to `out`; `as_json` passes JSON lines on as they are and wraps the others."""
        self._out = out
        self._json = as_json
        self._colour = out.isatty() and not as_json and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        """Show one line."""
        if self._json:
            self._write(text if text.startswith("{") else self._wrapped(name, text))
            return
        label = f"{name:<9} |"
        if self._colour:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        self._write(f"{label} {text}")

    def say(self, text: str) -> None:
        """Show what the supervisor itself has to say."""
        if self._json:
            self._write(self._wrapped("portico", text))
            return
        self._write(text)

    def _wrapped(self, name: str, text: str) -> str:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return json.dumps({"at": at, "process": name, "level": "info", "message": text}, ensure_ascii=False)

    def _write(self, text: str) -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except OSError:  # the terminal is gone; SIGHUP follows
            self._out = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # kept until we end


class Supervisor:
    """Starts parts, watches them, and ends them in the reverse order of their start."""

    def __init__(self, console: Console) -> None:
        """Take over the stop signals until `close`."""
        self._console = console
        self._parts: list[Part] = []
        self._selector = selectors.DefaultSelector()
        self._asked: signal.Signals | None = None
        self._asked_count = 0
        self._asked_at = 0.0
        self._closing = False
        self._bell, self._ringer = socket.socketpair()
        for end in (self._bell, self._ringer):
            end.settimeout(0)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._old_bell = signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._note) for number in STOPPING}
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _note(self, number: int, _frame: object) -> None:
        now = time.monotonic()
        if now - self._asked_at > 1.0:  # make, the terminal and systemd may each tell us of the same wish
            self._asked_count += 1
        self._asked_at = now
        self._asked = signal.Signals(number)

    def start(self, part: Part, ready: Callable[[], bool], seconds: float) -> None:
        """Start a part and return when `ready()`; raise PartFailed when it ends before that or takes too long."""
        self._parts.append(part)
        self._launch(part)
        since = time.monotonic()
        told = since
        while not ready():
            self._turn(0.05)
            now = time.monotonic()
            if part.process is None and part.start_again_at is None:
                raise PartFailed(self._obituary(part))
            if part.deaths >= START_TRIES or now - since > seconds:
                raise PartFailed(self._obituary(part))
            if now - told > 10:
                told = now
                self._console.say(f"  still waiting for {part.name} ({now - since:.0f} s)")

    def run_to_end(self, program: Program) -> None:
        """Run a program once, showing its lines, and wait for it; raise PartFailed when it reports failure."""
        part = Part(program)
        self._launch(part)
        while part.process is not None and part.process.poll() is None:
            self._turn(0.05, extra=part)
        self._drain(part)
        code = part.process.returncode if part.process else 1
        part.process = None
        if code != 0:
            raise PartFailed(f"{program.name} ended with code {code}")

    def watch(self) -> None:
        """Keep all parts running; raises Stopped when asked to end, PartFailed when one cannot be kept up."""
        while True:
            self._turn(1.0)
            for part in self._parts:
                if part.deaths >= len(PATIENCE):
                    raise PartFailed(self._obituary(part))

    def close(self) -> None:
        """End all parts, the youngest first; a second stop signal meanwhile kills what is left at once."""
        self._closing = True
        asked = self._asked_count
        for part in reversed(self._parts):
            self._end(part, asked)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_bell)
        self._selector.close()
        self._bell.close()
        self._ringer.close()

    def _end(self, part: Part, asked: int) -> None:
        process = part.process
        if process is None:
            return
        process.send_signal(part.program.stop_signal)
        until = time.monotonic() + part.program.stop_seconds
        while process.poll() is None and time.monotonic() < until and self._asked_count == asked:
            self._turn(0.05)
        if process.poll() is None:
            self._console.say(f"{part.name} did not end in time and is killed")
        end_group(process.pid)
        process.wait()
        self._drain(part)
        part.process = None

    def _launch(self, part: Part) -> None:
        part.before()
        part.start_again_at = None
        part.process = launch(part.program, subprocess.PIPE)
        part.started_at = time.monotonic()
        part.after(part.process.pid)
        stream = part.process.stdout
        if stream is not None:
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, part)

    def _turn(self, seconds: float, extra: Part | None = None) -> None:
        """Wait for something to happen, at most `seconds`, and deal with all of it."""
        for key, _ in self._selector.select(self._until_next_start(seconds)):
            if key.data is None:
                self._hush()
            else:
                self._read(key.data)
        if self._closing:
            return
        if self._asked is not None:
            raise Stopped(self._asked.name)
        for part in self._parts:
            if part is not extra:
                self._revive(part)

    def _until_next_start(self, seconds: float) -> float:
        now = time.monotonic()
        waits = [part.start_again_at - now for part in self._parts if part.start_again_at is not None]
        return max(0.0, min([seconds, *waits]))

    def _hush(self) -> None:
        try:
            while self._bell.recv(4096):
                pass
        except BlockingIOError:
            return

    def _revive(self, part: Part) -> None:
        now = time.monotonic()
        if part.process is not None and part.process.poll() is not None:
            self._drain(part)
            end_group(part.process.pid)
            if now - part.started_at > CALM_SECONDS:
                part.deaths = 0
            wait = PATIENCE[min(part.deaths, len(PATIENCE) - 1)]
            part.deaths += 1
            self._console.say(
                f"{part.name} ended ({_how(part.process.returncode)}); it is started again in {wait:g} s",
            )
            part.process = None
            part.start_again_at = now + wait
        if part.start_again_at is not None and now >= part.start_again_at and part.deaths < len(PATIENCE):
            self._launch(part)

    def _read(self, part: Part) -> None:
        stream = part.process.stdout if part.process else None
        if stream is None:
            return
        try:
            data = os.read(stream.fileno(), LONGEST_LINE)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(stream)
            stream.close()
            return
        *lines, part.rest = (part.rest + data).split(b"\n")
        if len(part.rest) > LONGEST_LINE:
            lines.append(part.rest)
            part.rest = b""
        for line in lines:
            self._hear(part, line)

    def _hear(self, part: Part, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace").rstrip()
        if text:
            part.last_lines.append(text)
            if part.shown(text):
                self._console.line(part.name, text)

    def _drain(self, part: Part) -> None:
        """Read what an ended part had still to say; a grandchild may hold the pipe open, so only what is there."""
        stream = part.process.stdout if part.process else None
        while stream is not None and not stream.closed:
            before = stream.fileno()
            ready = [key for key, _ in self._selector.select(0) if key.fileobj is stream]
            if not ready:
                self._selector.unregister(stream)
                stream.close()
                break
            self._read(part)
            if not stream.closed and stream.fileno() != before:
                break
        if part.rest:
            self._hear(part, part.rest)
            part.rest = b""

    def _obituary(self, part: Part) -> str:
        silent = [line for line in part.last_lines if not part.shown(line)]
        tail = "".join(f"\n  {line}" for line in silent[-10:])
        return f"{part.name} could not be started or kept running{tail}"


def _how(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"code {code}"


def console_for_stdout(*, as_json: bool) -> Console:
    """Return a console on standard output."""
    return Console(sys.stdout, as_json=as_json)
