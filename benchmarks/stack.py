"""Our own stack for a measurement: real servers with fsync, real processes, a temporary folder."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded.pair import Pair, running_pair

PROCESSES = 8  # as many as the peer has


@dataclass(frozen=True)
class Stack:
    """A running Portico."""

    pair: Pair
    folder: Path
    port: int


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def servers() -> Iterator[tuple[Pair, Path]]:
    """Run the embedded pair in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="portico-bench-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with running_pair(folder / "pair", {"shared_buffers": "256MB"}) as pair:
            os.environ.update(
                pair.environment(),
                PORTICO_DATA=str(folder / "data"),
                PORTICO_WORKERS=str(PROCESSES),
                DJANGO_SETTINGS_MODULE="config.settings",
                PORTICO_PROCESS="owner",
            )
            yield pair, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def portico(pair: Pair, folder: Path, *, web: bool) -> Iterator[Stack]:
    """Run worker, scheduler and perhaps web against the pair."""
    port = free_port()
    commands = [["worker"], ["scheduler"], *([["web", "--port", str(port)]] if web else [])]
    running = []
    with (folder / "portico.log").open("wb") as log:
        for command in commands:
            process = "web" if command[0] == "web" else "engine"
            environment = {**os.environ, "PORTICO_PROCESS": process, "PORTICO_WEB_PROCESSES": "2"}
            environment["PORTICO_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "config.cli", *command], stdout=log, stderr=log, env=environment
                )
            )
        try:
            if web:
                _await_health(port, folder / "portico.log")
            yield Stack(pair, folder, port)
        finally:
            for one in reversed(running):
                one.send_signal(signal.SIGTERM)
            for one in running:
                try:
                    one.wait(20)
                except subprocess.TimeoutExpired:
                    one.kill()


def _await_health(port: int, log: Path) -> None:
    pause = threading.Event()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            pause.wait(0.1)
    raise SystemExit(f"Portico did not become ready:\n{log.read_text(errors='replace')[-3000:]}")
