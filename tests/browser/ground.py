"""A whole Portico for the browser: `portico up --demo` as a person starts it, on a port and in a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.pair import addresses_beside

ROOT = Path(__file__).resolve().parents[2]
PAUSE = threading.Event()
NOT_OURS = ("DATABASE_URL", "REDIS_URL", "PORTICO_PROCESS", "PORTICO_PUBLIC_URL", "PORTICO_DATA", "STORAGE_URL")
MOST_SECONDS = 180
# Who is not in the demo but must be kept out of it
STRANGER = "dana@globex.example"  # the admin of another tenant
IDLE = "charlie@harbour.example"  # a member without any right
PASSWORD = "quiet-harbour-77"


@dataclass
class Portico:
    """A running Portico and who can sign in to it."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What its console says."""
        return self.data.parent / "console.log"

    def environment(self) -> dict[str, str]:
        """The environment of everything that belongs to it."""
        kept = {name: text for name, text in os.environ.items() if name not in NOT_OURS}
        return {**kept, "PORTICO_WORKERS": "2", "PORTICO_DATA": str(self.data)}

    def start(self) -> None:
        """Start it and wait until it says that it is ready; then let in the people that only tests need."""
        words = ["up", "--demo", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.cli", *words], cwd=ROOT, env=self.environment(), stdout=out, stderr=out
            )
        until = time.monotonic() + MOST_SECONDS
        while "Portico is ready" not in self.said():
            assert self.process.poll() is None, f"portico up ended: {self.said()[-3000:]}"
            assert time.monotonic() < until, f"portico up is not ready: {self.said()[-3000:]}"
            PAUSE.wait(0.1)
        people = json.loads((self.data / "demo-people.json").read_text())
        self.passwords = {email: one["password"] for email, one in people.items()}
        self.run("tests.browser.extras")
        self.passwords |= {STRANGER: PASSWORD, IDLE: PASSWORD}

    def run(self, module: str, *words: str) -> str:
        """Run one of our modules beside it, as the owner of its database, and return what it printed."""
        environment = {**self.environment(), **addresses_beside(self.data), "PORTICO_PROCESS": "owner"}
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)

    def said(self) -> str:
        """Return what its console says."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
