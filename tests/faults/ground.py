"""The ground on which the engine is attacked: servers of its own in a temporary folder, and real Portico processes.

Nothing is signalled or flushed before it was seen to belong to this folder.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import postgres, valkey
from config.embedded.binaries import postgres_for, valkey_for
from config.embedded.home import open_home
from config.processes import Program, launch, stop

ROOT = Path(__file__).resolve().parents[2]
HOOKS = Path(__file__).with_name("hooks")
PAUSE = threading.Event()
FULL = os.environ.get("PORTICO_FAULTS") == "full"
MUTANTS = os.environ.get("PORTICO_FAULTS") in {"full", "mutants"}  # "mutants": these too, at smoke size
mutant = pytest.mark.skipif(not MUTANTS, reason="mutants run with PORTICO_FAULTS=full or mutants")
FINAL = ["SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "SKIPPED", "RETRIED"]
# a killed server loses nothing that it had answered for; only the machine's death would
QUICK = {"fsync": "off", "full_page_writes": "off"}
LEASE = 4  # seconds; the product's default is 20
CLEARED = (
    "orchestrator_execution, orchestrator_logline, orchestrator_metric, orchestrator_artifact, "
    "orchestrator_workerprocess"
)


def sized(smoke, full):
    """Return the size of a test: small in `make test`, the design's in `make faults`."""
    return full if FULL else smoke


def must_be_red(ground, scenario, *arguments, **named):
    """See that a scenario fails, because of what it looks at and not because its edit no longer applies."""
    with pytest.raises(AssertionError) as red:
        scenario(ground, *arguments, **named)
    assert "sitecustomize" not in ground.story(), ground.story()
    print("red:", str(red.value).splitlines()[0][:150])


def until(holds, seconds, explain=lambda: ""):
    """Wait until something holds and return how long it took; fail with an explanation when it does not."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {explain()}"
        PAUSE.wait(0.05)
    return time.monotonic() - began


def alive(pid):
    """Tell whether a process exists and is no zombie."""
    return state_of(pid) not in {"", "Z"}


def state_of(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def children_of(pid):
    try:
        words = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    return [int(word) for word in " ".join(words).split()]


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


class Part:
    """A started process of the product."""

    def __init__(self, name, process, program, log):
        self.name, self.process, self.program, self.log = name, process, program, log

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        """Return the pids of a worker's child processes."""
        return children_of(self.pid)

    def said(self):
        return self.log.read_text(errors="replace")


class Ground:
    """Servers, parts and a person who acts, all below one folder."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "data").mkdir()
        self.home = open_home(folder / "data")
        self.output = (self.home.folder / "servers.log").open("ab")
        self.servers = {}
        self.parts = []
        self.started = 0
        self.edited = 0
        self.acts = None
        self.revisions = {}
        self.start_postgres(first=True)
        self.start_valkey()
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(("PORTICO_", "PYTEST"))},
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": postgres.url(self.home),
            "REDIS_URL": valkey.url(self.home),
            "PORTICO_DATA": str(folder / "data"),
            "PORTICO_LEASE_SECONDS": str(LEASE),
            "PORTICO_ISOLATION": "none",
            "ASSETS_REQUIRED": "0",
            "PYTHONPATH": str(HOOKS),
        }
        self.run("prepare", "owner")
        self.notes = folder / "notes"  # where scripts write what they did
        self.notes.touch()
        self.notes.chmod(0o666)

    # -- servers -------------------------------------------------------------------------------------------------------

    def start_postgres(self, *, first=False):
        found = postgres_for(self.home)
        postgres.clear_leftovers(self.home)
        if first:
            postgres.make_cluster(self.home, found)
        self._serve("postgres", postgres.program(self.home, found, QUICK))
        until(lambda: postgres.is_ready(self.home), 60)
        if first:
            postgres.make_database(self.home)

    def start_valkey(self):
        valkey.clear_leftovers(self.home)
        pid = self._serve("valkey", valkey.program(self.home, valkey_for(self.home)))
        valkey.note_pid(self.home, pid)
        until(lambda: valkey.is_ready(self.home), 60)

    def _serve(self, name, program):
        self.servers[name] = launch(program, self.output), program
        return self.servers[name][0].pid

    def signal_server(self, name, number):
        """Send a signal to one of our two servers."""
        process = self.servers[name][0]
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        assert str(self.home.folder) in words or str(self.home.run) in words, words
        os.kill(process.pid, number)
        if number not in {signal.SIGSTOP, signal.SIGCONT}:
            process.wait(30)

    def signal_backends(self, part, number):
        """Send a signal to those of our PostgreSQL's processes that serve a part; return how many there are."""
        serving = self.rows("SELECT pid FROM pg_stat_activity WHERE application_name = %s", part.name)
        ours = children_of(self.servers["postgres"][0].pid)
        for (pid,) in serving:
            assert pid in ours, f"{pid} is not below our PostgreSQL"
            os.kill(pid, number)
        return len(serving)

    def restart_postgres_at_once(self):
        """Let PostgreSQL end without a word to its clients, and recover."""
        assert self.value("SHOW data_directory") == str(self.home.postgres)
        self.signal_server("postgres", signal.SIGQUIT)
        self.start_postgres()

    def flush(self):
        """Throw away everything the broker holds."""
        with self.broker() as client:
            assert client.config_get("dir")["dir"].startswith(str(self.home.folder)), "this is not our broker"
            client.flushall()

    def broker(self):
        return redis.Redis.from_url(valkey.url(self.home), socket_timeout=5, decode_responses=True)

    # -- the database, as it is ----------------------------------------------------------------------------------------

    def rows(self, statement, *arguments):
        with postgres.admin_connection(self.home, postgres.DATABASE) as connection:
            answer = connection.execute(statement, arguments)
            return answer.fetchall() if answer.description else []

    def value(self, statement, *arguments):
        return self.rows(statement, *arguments)[0][0]

    # -- the product's processes ---------------------------------------------------------------------------------------

    def run(self, word, role):
        done = subprocess.run(
            [sys.executable, "-m", "config.cli", word], check=False, cwd=ROOT, capture_output=True, text=True,
            env={**self.environment, "PORTICO_PROCESS": role},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def crew(self, processes=2, every=0.5, **more):
        """Start a worker and a scheduler at the same time; return the worker."""
        worker = self._start("worker", ["worker", "--processes", str(processes)], **more)
        self.schedulers(1, every, **more)
        self._await_worker(worker, processes)
        return worker

    def worker(self, processes=2, **more):
        """Start a worker and wait until all its processes look for work."""
        part = self._start("worker", ["worker", "--processes", str(processes)], **more)
        self._await_worker(part, processes)
        return part

    def _await_worker(self, part, processes):
        until(lambda: len(self.looking(part)) >= processes, 60, lambda: self.story(part))

    def looking(self, part):
        """Return the pids of the worker's processes that have shown a sign of life."""
        seen = {pid for (pid,) in self.rows("SELECT pid FROM orchestrator_workerprocess")}
        return seen & set(part.children())

    def schedulers(self, number=1, every=0.5, **more):
        """Start schedulers at the same time and wait until they tick."""
        parts = [self._start("scheduler", ["scheduler", "--every", str(every)], **more) for _ in range(number)]
        until(lambda: all("ready" in part.said() for part in parts), 60, self.story)

    def _start(self, name, words, *, edits=None, env=None):
        self.started += 1
        name = f"{name}-{self.started}"
        environment = {**self.environment, "PORTICO_PROCESS": "engine", "PGAPPNAME": name, **(env or {})}
        environment |= self._edited(edits)
        program = Program(
            name, [sys.executable, "-m", "config.cli", *words], environment, str(ROOT), stop_seconds=30,
        )  # fmt: skip
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            part = Part(name, launch(program, out), program, log)
        self.parts.append(part)
        return part

    def kill(self, part, pid=None, number=signal.SIGKILL):
        """Signal a part of ours, or one of the processes below it."""
        pid = pid or part.pid
        assert part in self.parts
        assert pid == part.pid or pid in descendants_of(part.pid), f"{pid} is not below {part.name} {part.pid}"
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if pid == part.pid and number == signal.SIGKILL:
            part.process.wait(10)

    def story(self, part=None):
        """Return the last words of one part, or of all."""
        parts = [part] if part else self.parts
        return "\n".join(f"--- {one.name} {one.pid}\n{one.said()[-3000:]}" for one in parts)

    # -- acting --------------------------------------------------------------------------------------------------------

    def act(self, name, **arguments):
        """Let the acting process do something and return its answer."""
        self.acts = self.acts or self._start_acts()
        self.acts.stdin.write(json.dumps({"act": name, **arguments}) + "\n")
        self.acts.stdin.flush()
        answer = json.loads(self.acts.stdout.readline() or "{}")
        assert "answer" in answer, (answer, (self.folder / "acts.log").read_text()[-3000:])
        return answer["answer"]

    def _start_acts(self, edits=None):
        acts = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.acts"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.folder / "acts.log").open("w"),
            env={**self.environment, "PORTICO_PROCESS": "owner", **self._edited(edits)},
        )  # fmt: skip
        assert acts.stdout.readline().strip() == '"ready"', (self.folder / "acts.log").read_text()
        return acts

    @contextmanager
    def acting(self, edits):
        """Let a process with edited modules act meanwhile (None: the usual one)."""
        usual = self.acts
        if edits:
            self.acts = self._start_acts(edits)
        try:
            yield
        finally:
            if self.acts is not usual:
                self._end_acts()
                self.acts = usual

    def _end_acts(self):
        self.acts.kill()
        self.acts.wait()
        self.acts.stdin.close()
        self.acts.stdout.close()

    def _edited(self, edits):
        if not edits:
            return {}
        self.edited += 1
        file = self.folder / f"edits-{self.edited}.json"
        file.write_text(json.dumps(edits))
        return {"PORTICO_TEST_EDITS": str(file)}

    def flow(self, source, who="alice"):
        """Save a flow, once per run, and return its revision."""
        if (source, who) not in self.revisions:
            self.revisions[source, who] = self.act("save", source=source, who=who)
        return self.revisions[source, who]

    def start(self, source, count=1, who="alice", every=0.0):
        """Start executions of a flow and return their ids."""
        return self.act("start", revision=self.flow(source, who), count=count, who=who, every=every)["ids"]

    # -- looking -------------------------------------------------------------------------------------------------------

    def open(self):
        """Return how many executions have not ended."""
        return self.value("SELECT count(*) FROM orchestrator_execution WHERE NOT state = ANY(%s)", FINAL)

    def all_end(self, seconds):
        """Wait until every execution has ended; return how long it took."""
        return until(lambda: not self.open(), seconds, self.where_things_stand)

    def lines_of_good_attempts(self):
        """Return (task id, number of log lines) of each attempt that ended well."""
        counted = {
            (task_run, attempt): number
            for task_run, attempt, number in self.rows(
                "SELECT task_run_id, attempt, count(*) FROM orchestrator_logline GROUP BY 1, 2"
            )
        }
        return {
            (run["task_id"], counted.get((run["id"], one["attempt"]), 0))
            for run in self.task_runs()
            for one in run["attempts"]
            if one["state"] == "SUCCESS"
        }

    def where_things_stand(self):
        states = self.rows("SELECT state, count(*) FROM orchestrator_execution GROUP BY state")
        runs = self.rows(
            "SELECT state, queue, attempt, crashes, lease_until - clock_timestamp(), count(*) "
            "FROM orchestrator_taskrun GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC LIMIT 20"
        )
        return f"{states}\n{runs}\n{self.story()}"

    def task_runs(self):
        """Return every task run as a dictionary."""
        with postgres.admin_connection(self.home, postgres.DATABASE) as connection:
            cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
            return cursor.execute("SELECT * FROM orchestrator_taskrun ORDER BY execution_id, position").fetchall()

    def attempts(self):
        """Return (task run id, attempt, state) of every recorded attempt."""
        return [(run["id"], one["attempt"], one["state"]) for run in self.task_runs() for one in run["attempts"]]

    def attempts_that(self, state):
        return [one for one in self.attempts() if one[2] == state]

    def noted(self):
        """Return the lines that scripts wrote down, as words."""
        return [line.split() for line in self.notes.read_text().splitlines()]

    def check(self, *, tasks=None, good=True):
        """See that what is promised holds for every execution, each of `tasks` task runs; return figures.

        `good`: all must have ended with SUCCESS.
        """
        executions = self.rows("SELECT id, state, history, advance_at FROM orchestrator_execution")
        for execution, state, history, advance_at in executions:
            finals = [one for one, _ in history if one in FINAL]
            assert finals == [state], f"execution {execution} ended {len(finals)} times: {history}"
            assert advance_at is None, f"execution {execution} still wants something"
            assert not good or state == "SUCCESS", f"execution {execution} ended {state}\n{self.where_things_stand()}"
        runs = self.task_runs()
        for run in runs:
            self._check_run(run)
        assert tasks in {None, len(runs) / len(executions)}, f"{len(runs)} task runs of {len(executions)} executions"
        self._check_lines()
        deadlocks = self.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert deadlocks == 0, f"{deadlocks} deadlocks"
        assert "could not be advanced" not in self.story(), self.story()
        attempts = self.attempts()
        lost = [one for one in attempts if one[2] == "LOST"]
        return {"executions": len(executions), "attempts": len(attempts), "lost and run again": len(lost)}

    @staticmethod
    def _check_run(run):
        finals = [state for state, _ in run["history"] if state in FINAL]
        assert finals == [run["state"]], f"task run {run['id']} ended {len(finals)} times: {run['history']}"
        assert run["worker"] is None, run
        numbers = [one["attempt"] for one in run["attempts"]]
        assert numbers == list(range(1, run["attempt"] + 1)), f"recorded attempts {numbers} of {run['attempt']}"
        assert sum(one["state"] == "SUCCESS" for one in run["attempts"]) <= 1, run["attempts"]

    def _check_lines(self):
        """See that no log line is missing or doubled: each attempt's are numbered 0, 1, 2 ..."""
        gaps = self.rows(
            "SELECT task_run_id, attempt, count(*), max(n) FROM orchestrator_logline "
            "GROUP BY 1, 2 HAVING count(*) <> max(n) + 1"
        )
        assert gaps == [], f"lines lost or doubled: {gaps}"

    # -- between tests, and at the end ---------------------------------------------------------------------------------

    def clear(self):
        """End the parts and forget all executions."""
        self.end_parts()
        self.rows(f"TRUNCATE {CLEARED} CASCADE")
        self.flush()
        self.notes.write_text("")

    def end_parts(self):
        parts, self.parts = self.parts, []
        for part in parts:
            for pid in [part.pid, *descendants_of(part.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        for part in parts:
            part.process.kill()
        for part in parts:
            stop(part.process, part.program)

    def close(self):
        self.end_parts()
        if self.acts is not None:
            self._end_acts()
        for process, program in reversed(self.servers.values()):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            stop(process, program)
        self.output.close()
        shutil.rmtree(self.folder, ignore_errors=True)
