"""`portico up` as a person runs it: killed in every way, started twice, started after a crash."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import pytest

from config.embedded import postgres
from config.embedded.binaries import postgres_for
from config.embedded.home import open_home
from tests.conftest import searchable_folder

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
PAUSE = threading.Event()


class Portico:
    """One data folder, and the `portico up` that runs on it."""

    def __init__(self, data: Path):
        self.data = data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None
        self.log = data.parent / "console.log"

    def command(self):
        return [sys.executable, "-m", "config.cli", "up", "--port", str(self.port), "--data", str(self.data)]

    def environment(self):
        without = {"DATABASE_URL", "REDIS_URL", "PORTICO_PROCESS", "PORTICO_PUBLIC_URL"}
        kept = {name: text for name, text in os.environ.items() if name not in without}
        return {**kept, "PORTICO_WORKERS": "1", "ASSETS_REQUIRED": "0"}

    def start(self):
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                self.command(), cwd=ROOT, env=self.environment(), stdout=out, stderr=out, start_new_session=True
            )
        wait_for(lambda: "Portico is ready" in self.said() or self.process.poll() is not None, 90, self.said)
        assert self.process.poll() is None, self.said()

    def said(self):
        return self.log.read_text()

    def healthy(self):
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=3) as answer:
                return b'"redis": true' in answer.read()
        except (URLError, OSError):
            return False

    def query(self, statement):
        with postgres.admin_connection(open_home(self.data), "portico") as connection:
            answer = connection.execute(statement)
            return answer.fetchone() if answer.description else None

    def processes(self):
        """Return the pids of everything that works on this data folder, with what they are."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                except OSError:
                    continue
                if str(self.data).encode() in words and state != "Z":
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def pid_of(self, word):
        parent = str(self.process.pid)
        for pid, command in self.processes().items():
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if word in command and status[1] == parent:
                return pid
        raise AssertionError(f"no {word} among {self.processes()}")

    def end_everything(self):
        assert str(self.data).startswith("/tmp/portico-up-")
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.process is not None:
            self.process.wait(20)


def wait_for(holds, seconds, explain=lambda: ""):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, explain()
        PAUSE.wait(0.05)


@pytest.fixture(scope="module")
def portico():
    folder = searchable_folder("portico-up-")
    house = Portico(folder / "data")
    house.start()
    house.query("CREATE TABLE kept (id int)")
    yield house
    house.end_everything()
    shutil.rmtree(folder)


def test_a_second_start_on_the_same_data_is_refused_with_a_sentence(portico):
    second = subprocess.run(
        portico.command(), check=False, cwd=ROOT, env=portico.environment(), capture_output=True, text=True
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "already runs" in second.stderr
    assert str(portico.process.pid) in second.stderr


def test_a_taken_port_is_refused_with_a_sentence(portico):
    other = [*portico.command()[:-1], str(portico.data.parent / "other")]
    second = subprocess.run(other, check=False, cwd=ROOT, env=portico.environment(), capture_output=True, text=True)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{portico.port}" in second.stderr


def test_eight_silent_uploads_and_eight_slow_readers_leave_health_quick(portico):
    upload = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\nx"
    reader = b"GET /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50
    slow = []
    try:
        for words in [upload] * 12 + [reader] * 12:
            one = socket.create_connection(("127.0.0.1", portico.port), timeout=5)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.sendall(words)
            slow.append(one)
        began = time.monotonic()
        assert portico.healthy()
        assert time.monotonic() - began < 2  # a second, and one for a busy machine
    finally:
        for one in slow:
            one.close()


def test_an_upload_of_twice_the_limit_is_refused_with_a_sentence(portico):
    answer = b""
    with socket.create_connection(("127.0.0.1", portico.port), timeout=60) as client:
        size = 202 * 1024 * 1024
        client.sendall(f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(202):
            client.sendall(b"x" * 1024 * 1024)
        while chunk := client.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"too large" in answer


@pytest.mark.parametrize("word", ["config.cli web", "config.cli worker", "config.cli scheduler"])
def test_a_killed_part_is_back_soon_and_leaves_no_children(portico, word):
    before = portico.pid_of(word)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: before not in portico.processes(), 10)
    wait_for(lambda: any(word in command for command in portico.processes().values()), 20)
    wait_for(portico.healthy, 30, portico.said)
    assert all(command for pid, command in portico.processes().items() if pid == before) is True


def test_a_killed_database_recovers_and_is_served_again(portico):
    portico.query("INSERT INTO kept VALUES (1)")
    os.kill(portico.pid_of("postgres -D"), signal.SIGKILL)
    wait_for(lambda: "postgres ended" in portico.said(), 10)
    wait_for(portico.healthy, 60, portico.said)
    assert portico.query("SELECT count(*) FROM kept WHERE id = 1") == (1,)


def test_a_killed_broker_is_back_with_its_password(portico):
    os.kill(portico.pid_of("valkey.sock"), signal.SIGKILL)
    wait_for(lambda: "valkey ended" in portico.said(), 10)
    wait_for(portico.healthy, 30, portico.said)


def test_kill_9_of_the_supervisor_leaves_nobody_and_the_next_start_finds_all_data(portico):
    portico.query("INSERT INTO kept VALUES (2)")
    wait_for(lambda: len(portico.processes()) > 6, 30, lambda: str(portico.processes()))  # the worker's child too
    portico.process.kill()
    portico.process.wait()
    wait_for(lambda: not portico.processes(), 15, lambda: str(portico.processes()))
    portico.start()
    assert portico.query("SELECT count(*) FROM kept WHERE id = 2") == (1,)


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(portico):
    portico.query("INSERT INTO kept VALUES (3)")
    portico.end_everything()
    home = open_home(portico.data)
    sleeper = subprocess.Popen(["sleep", "300"], user=home.account.uid if home.account else None, cwd="/")
    try:
        (home.postgres / "postmaster.pid").write_text(f"{sleeper.pid}\n{home.postgres}\n1\n5432\n{home.run}\n")
        (home.run / ".s.PGSQL.5432.lock").write_text(f"{sleeper.pid}\n{home.postgres}\n1\n5432\n{home.run}\n")
        (home.folder / "valkey.pid").write_text(str(sleeper.pid))
        portico.start()
        assert sleeper.poll() is None, "a stranger was killed"
    finally:
        sleeper.kill()
        sleeper.wait()
    assert portico.query("SELECT count(*) FROM kept WHERE id = 3") == (1,)


def test_a_server_that_outlived_its_supervisor_is_ended_before_the_next_start(portico):
    portico.end_everything()
    home = open_home(portico.data)
    postgres.clear_leftovers(home)  # the killed server may be a zombie, which PostgreSQL takes for alive
    orphan = subprocess.Popen(
        [*postgres.program(home, postgres_for(home)).command], cwd="/", stderr=subprocess.DEVNULL,
        user=home.account.uid if home.account else None, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: postgres.is_ready(home), 30)
    portico.start()
    assert orphan.wait(5) is not None
    assert portico.query("SELECT count(*) FROM kept")[0] == 3


def test_an_interrupted_first_start_leaves_no_half_made_database(portico):
    folder = portico.data.parent / "interrupted"
    (folder / "servers" / "postgres.new" / "cluster").mkdir(parents=True)
    (folder / "servers" / "postgres.new" / "cluster" / "PG_VERSION").write_text("15")
    (folder / "servers").chmod(0o711)
    (folder / "servers-folder").write_text(str(folder / "servers"))
    home = open_home(folder)
    assert postgres.make_cluster(home, postgres_for(home)) is True
    assert not (folder / "servers" / "postgres.new").exists()


def test_the_web_role_cannot_be_left_for_the_superuser(portico):
    home = open_home(portico.data)
    with psycopg.connect(postgres.url(home) + "&options=-c%20role%3Dportico_web") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("portico_web",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE portico_admin")


def test_no_wrong_password_opens_the_servers(portico):
    home = open_home(portico.data)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(home.run), port=5432, user="portico", password="wrong", dbname="portico")


def test_ctrl_c_ends_everything_without_a_recovery_at_the_next_start(portico):
    portico.process.send_signal(signal.SIGINT)
    assert portico.process.wait(40) == 0
    assert not portico.processes()
    assert "Stopped." in portico.said()
    portico.start()
    assert portico.query("SELECT pg_is_in_recovery()") == (False,)
