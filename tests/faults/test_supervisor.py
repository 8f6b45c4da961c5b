"""The supervisor with small stand-in programs: real processes, killed for real."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from config.processes import is_ours

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]

# Starts two parts that write their pids, one of which has a child of its own, and watches them
HOUSE = """
import sys, signal
from pathlib import Path
from config.processes import Program
from config.supervisor import Console, Part, PartFailed, Stopped, Supervisor

folder = Path(sys.argv[1])
body = '''
import os, signal, subprocess, sys
folder, name = sys.argv[1:]
child = subprocess.Popen(["sleep", "600"]) if name == "parent" else None
with open(f"{folder}/{name}", "w") as out:
    out.write(f"{os.getpid()} {child.pid if child else 0}")
print("ready " + name, flush=True)
signal.sigwait({signal.SIGTERM})
with open(f"{folder}/ended", "a") as out:
    out.write(name + " ")
'''
def part(name):
    import os
    block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\\n"
    return Part(Program(name, [sys.executable, "-c", block + body, str(folder), name], env=dict(os.environ),
                        stop_seconds=5))

supervisor = Supervisor(Console(sys.stdout, as_json=False))
try:
    for name in ("first", "parent"):
        supervisor.start(part(name), lambda name=name: (folder / name).exists(), 20)
    print("up", flush=True)
    supervisor.watch()
except Stopped as stop:
    print("stopped by", stop, flush=True)
except PartFailed as failed:
    print("failed:", failed, flush=True)
    sys.exit(1)
finally:
    supervisor.close()
"""


class House:
    """A supervisor process and what it started."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOUSE, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.wait_for(lambda: "up" in self.lines)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, holds, seconds=20):
        pause = threading.Event()
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, self.lines
            pause.wait(0.02)

    def pids(self, name):
        return [int(word) for word in (self.folder / name).read_text().split() if word != "0"]

    def everybody(self):
        return [*self.pids("first"), *self.pids("parent")]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    if house.process.poll() is None:
        house.process.kill()
    house.process.wait()
    house.process.stdout.close()


def test_ctrl_c_ends_the_parts_in_the_reverse_order_of_their_start(house):
    everybody = house.everybody()
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(20) == 0
    assert (house.folder / "ended").read_text() == "parent first "
    assert not any(alive(pid) for pid in everybody), "a grandchild outlived its part"


def test_kill_9_of_the_supervisor_leaves_none_of_its_parts(house):
    parts = [house.pids("first")[0], house.pids("parent")[0]]
    house.process.kill()
    house.process.wait()
    house.wait_for(lambda: not any(alive(pid) for pid in parts), 5)
    for pid in house.everybody():  # the stand-in's own sleep is bound to nobody
        if is_ours(pid, frozenset({"sleep"}), "600"):
            os.kill(pid, signal.SIGKILL)


def test_a_killed_part_is_started_again_and_what_it_left_is_ended(house):
    before = house.everybody()
    first, child = house.pids("parent")
    os.kill(first, signal.SIGKILL)
    house.wait_for(lambda: house.pids("parent") and house.pids("parent")[0] != first)
    house.wait_for(lambda: not alive(child))
    assert house.pids("first") == before[:1], "the other part was left alone"
    assert any("parent ended (signal SIGKILL)" in line for line in house.lines)


def test_a_part_that_keeps_dying_ends_the_house_with_its_name(house):
    (house.folder / "parent").unlink()
    seen = set()

    def killed_often():
        try:
            pid = house.pids("parent")[0]
        except (OSError, IndexError):
            return house.process.poll() is not None
        if pid not in seen and is_ours(pid, frozenset({Path(sys.executable).resolve().name}), str(house.folder)):
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
        return house.process.poll() is not None

    first = [pid for pid in children_of(house.process.pid) if pid != house.pids("first")[0]]
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    house.wait_for(killed_often, 40)
    assert house.process.returncode == 1
    house.reader.join(5)
    assert any("failed: parent" in line for line in house.lines)
    assert not alive(house.pids("first")[0])


def children_of(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
