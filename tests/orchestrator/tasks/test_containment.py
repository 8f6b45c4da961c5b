"""Scripts that misbehave: whatever they do, they end, the worker lives on, and nothing of them is left."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest

from orchestrator.core.states import State
from orchestrator.tasks.scripts.isolation import USERS, take_user
from orchestrator.tasks.scripts.process import STARTERS, Launch, Limits, Starter

ROOT = os.geteuid() == 0
LEVELS = ["uid", "none"] if ROOT else ["none"]
needs_root = pytest.mark.skipif(not ROOT, reason="only root can give scripts users of their own")


@pytest.fixture(params=LEVELS)
def isolation(request):
    return request.param


@pytest.fixture
def marker():
    """A text that stands in the arguments of every process a test starts; all of them must be gone at its end."""
    text = f"marked-{uuid.uuid4().hex}"
    yield text
    left = processes_with(text)
    for pid in left:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    assert left == []


def processes_with(text):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if text.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found


def wait_until(condition, seconds=10.0):
    until = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < until:
        if condition():
            return True
        pause.wait(0.02)
    return False


def stopped_after(seconds, context):
    threading.Timer(seconds, context.stop.set).start()
    return context


# Ending -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "exec sh -c 'sleep 1000; : {m}'",
        "exec sh -c 'trap \"\" TERM INT HUP; while true; do sleep 1; : {m}; done'",
        "setsid sh -c 'sleep 1000; : {m}' & sleep 1000; : {m}",
        "(setsid setsid sh -c 'trap \"\" TERM; sleep 1000; : {m}' &) ; wait; sleep 1000; : {m}",
    ],
    ids=["sleeps", "ignores TERM", "leaves its session", "daemonises and ignores TERM"],
)
def test_a_stopped_script_leaves_no_process(stage, isolation, marker, script):
    context = stage.context(isolation=isolation)
    watcher = threading.Thread(target=lambda: wait_until(lambda: processes_with(marker)) and context.stop.set())
    watcher.start()
    outcome = stage.run("scripts.shell.Script", context, script=script.format(m=marker))
    watcher.join()
    assert outcome.state is State.KILLED, (outcome, stage.lines)
    assert stage.seconds < 5
    assert processes_with(marker) == []


def test_a_python_script_that_forks_without_exec_is_ended_with_all_its_children(stage, isolation):
    script = """
import os, signal, sys, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid(); signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
print("forked", flush=True)
time.sleep(1000)
"""
    outcome = stage.run("scripts.python.Script", stopped_after(0.6, stage.context(isolation=isolation)), script=script)
    assert (outcome.state, stage.said) == (State.KILLED, "forked")
    assert wait_until(only_idle_pairs)


def only_idle_pairs():
    """Nothing is below the starters but the keeper and the script's process that each keeps ready."""
    return all(len(descendants(starter.process.pid)) == 2 for starter in STARTERS._living.values())


def descendants(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def test_what_a_finished_script_left_running_is_ended(stage, isolation, marker):
    script = f"setsid sleep 1000 & nohup sh -c 'sleep 1000; : {marker}' >/dev/null 2>&1 & echo done"
    outcome = stage.run("scripts.shell.Script", stage.context(isolation=isolation), script=script)
    assert (outcome.state, stage.said) == (State.SUCCESS, "done")
    assert processes_with(marker) == []


def test_a_script_ends_at_its_tasks_timeout(stage):
    context = stage.context(deadline=time.monotonic() + 0.5)
    outcome = stage.run("scripts.python.Script", context, script="while True: pass")
    assert (outcome.state, "longer than its timeout" in outcome.error) == (State.FAILED, True)
    assert stage.seconds < 4


def test_a_script_gets_the_chance_to_end_by_itself(stage):
    script = "trap 'echo tidied up; exit 0' TERM; echo ready; while true; do sleep 0.05; done"
    outcome = stage.run("scripts.shell.Script", stopped_after(0.4, stage.context()), script=script)
    assert outcome.state is State.KILLED
    assert ("INFO", "tidied up") in stage.lines


def test_a_fork_bomb_is_contained_and_ended(stage, isolation):
    if isolation == "none" and ROOT:
        pytest.skip("root has no limit of processes; this level is for trusted authors")
    script = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    outcome = stage.run("scripts.python.Script", stopped_after(1.0, stage.context(isolation=isolation)), script=script)
    assert outcome.state is State.KILLED
    assert stage.seconds < 15
    assert wait_until(only_idle_pairs)
    assert stage.run("scripts.python.Script", script="print('next')").state is State.SUCCESS


@needs_root
def test_a_script_cannot_start_more_processes_than_its_limit(stage):
    script = """
import os, time
started = 0
try:
    while started < 2000:
        if os.fork() == 0:
            time.sleep(1000)
        started += 1
except OSError:
    pass
print(started)
"""
    assert stage.run("scripts.python.Script", script=script).state is State.SUCCESS
    assert 200 < int(stage.said) <= 256


# Floods -----------------------------------------------------------------------------------------------------------


def test_a_script_that_prints_100_mb_ends_with_10_mb_of_log_and_its_outputs(stage):
    script = """
import sys
line = "x" * 999 + "\\n"
for _ in range(1000):
    sys.stdout.write(line * 100)
print('::{"outputs": {"end": true}}::')
"""
    outcome = stage.run("scripts.python.Script", script=script)
    assert outcome.state is State.SUCCESS
    assert outcome.outputs["vars"] == {"end": True}
    assert outcome.outputs["stdOutLineCount"] == 100_001
    assert sum(len(text) for _, text in stage.lines) <= 10 * 1024 * 1024 + 1000
    assert stage.lines[-1] == ("WARN", "The script has logged 10 MB; the rest is not kept.")
    print(f"100 MB of log: {stage.seconds:.1f} s")
    assert stage.seconds < 20


def test_one_endless_line_is_cut(stage):
    outcome = stage.run("scripts.shell.Script", script="head -c 50000000 /dev/zero | tr '\\0' 'x'; echo; echo after")
    assert outcome.state is State.SUCCESS
    assert len(stage.lines) == 2
    assert len(stage.lines[0][1]) < 40_000
    assert "bytes more" in stage.lines[0][1]
    assert stage.lines[1] == ("INFO", "after")


def test_too_many_outputs_fail_the_task_and_not_the_worker(stage):
    script = 'for i in range(300_000): print(\'::{"outputs": {"k%d": 1}}::\' % i)'
    outcome = stage.run("scripts.python.Script", script=script)
    assert outcome.state is State.FAILED
    assert "larger than 1 MB" in outcome.error


def test_a_script_that_takes_too_much_memory_fails_alone(stage, monkeypatch):
    monkeypatch.setattr("orchestrator.tasks.scripts.runner.Limits", Limits)
    outcome = stage.run("scripts.python.Script", script="x = bytearray(6 * 1024**3)")
    assert outcome.state is State.FAILED
    assert "MemoryError" in stage.said


def test_a_file_cannot_grow_beyond_its_limit(stage, tmp_path):
    starter = Starter(Path(sys._base_executable))
    try:
        limits = Limits(file_size=1024 * 1024)
        argv = ["/bin/sh", "-c", "head -c 5000000 /dev/zero > big; ls -l big | cut -d' ' -f5"]
        script = starter.start(Launch(tmp_path, {"PATH": os.defpath}, argv, limits=limits))
        assert script.stdout.read() == b"1048576\n"
        assert script.wait().left == 0
        script.close()
    finally:
        starter.close()


# Deaths -----------------------------------------------------------------------------------------------------------

WORKER = """
import sys, tempfile
from pathlib import Path
from orchestrator.tasks.contract import RunContext
from orchestrator.tasks.registry import task_type
folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
context = RunContext(log=lambda level, text: print(text, flush=True), tenant_id=1, make_working_dir=lambda: folder,
                     data_dir=Path(sys.argv[1]) / "data", isolation=sys.argv[2])
print(task_type("scripts.shell.Script").perform({"script": sys.argv[3]}, context), flush=True)
"""


def start_worker(stage, isolation, script):
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(stage.root), isolation, script], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "running\n"
    return process


def test_when_the_worker_dies_its_scripts_die_with_it(stage, isolation, marker):
    script = f"setsid sh -c 'trap \"\" TERM; sleep 1000; : {marker}' & echo running; sleep 1000; : {marker}"
    worker = start_worker(stage, isolation, script)
    assert processes_with(marker)
    starters = [pid for pid in descendants(worker.pid) if b"starter.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    worker.kill()
    worker.wait()
    started = time.monotonic()
    assert wait_until(lambda: not [pid for pid in processes_with(marker) if pid != worker.pid])
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in starters))
    print(f"gone {time.monotonic() - started:.2f} s after the worker")


def test_when_the_worker_dies_a_starter_that_is_stuck_does_not_keep_the_script_alive(stage, isolation, marker):
    worker = start_worker(stage, isolation, f"sh -c 'echo running; sleep 1000; : {marker}'")
    starter = int(Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()[0])
    os.kill(starter, signal.SIGSTOP)
    try:
        worker.kill()
        worker.wait()
        assert wait_until(lambda: not processes_with(marker))
    finally:
        os.kill(starter, signal.SIGKILL)


@pytest.mark.parametrize("victim", ["starter", "keeper", "starter and keeper", "keeper and worker"])
def test_killing_any_process_of_the_chain_leaves_no_script(stage, isolation, marker, victim):
    script = f"setsid sh -c 'sleep 1000; : {marker}' & echo running; sleep 1000; : {marker}"
    worker = start_worker(stage, isolation, script)
    starter = int(Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()[0])
    keepers = [int(pid) for pid in Path(f"/proc/{starter}/task/{starter}/children").read_text().split()]
    for name, pids in (("keeper", keepers), ("starter", [starter]), ("worker", [worker.pid])):
        if name in victim:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
    worker.wait(timeout=15)
    assert wait_until(lambda: not processes_with(marker))


def test_a_starter_that_died_is_replaced(stage):
    assert stage.run("scripts.shell.Script", script="true").state is State.SUCCESS
    for starter in STARTERS._living.values():
        starter.process.kill()
        starter.process.wait()
    assert stage.run("scripts.shell.Script", script="true").state is State.SUCCESS


def test_scripts_run_side_by_side_and_each_gets_its_own_end(stage):
    results = {}

    def run(number):
        one = type(stage)(stage.root)
        context = one.context()
        results[number] = (
            one.run("scripts.python.Script", context, script=f"print({number}); raise SystemExit({number})"),
            one.said,
        )

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: (outcome.outputs["exitCode"], said) for number, (outcome, said) in results.items()} == {
        number: (number, str(number)) for number in range(1, 25)
    }


# Walls ------------------------------------------------------------------------------------------------------------

SNOOP = """
import os, glob
seen = []
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/maps"):
    if path.split("/")[2] == str(os.getpid()):
        continue
    try:
        seen.append(open(path, "rb").read())
    except OSError:
        pass
print(b"CANARY" in b"".join(seen) or "CANARY" in str(os.environ), len(os.listdir("/proc/self/fd")))
"""


def test_a_script_sees_nothing_of_the_workers_environment(stage, monkeypatch):
    for name in ("PORTICO_SECRET_KEY", "DATABASE_URL", "REDIS_URL", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, f"CANARY-{name}")
    monkeypatch.setenv("HTTP_PROXY", "http://user:CANARY@proxy:3128")
    for kind in ("scripts.shell.Script", "scripts.python.Script"):
        text = "env" if "shell" in kind else "import os\nfor item in os.environ.items(): print(*item)"
        stage.run(kind, script=text)
        assert "CANARY" not in stage.said
        assert "EXECUTION_ID" in stage.said


@needs_root
def test_under_its_own_user_a_script_reads_no_other_processs_memory_or_environment(stage, tmp_path):
    canary = subprocess.Popen(["sleep", "60"], env={"SECRET": "CANARY"})
    other = stage.root / "other-task"
    other.mkdir(mode=0o700)
    (other / "data.csv").write_text("CANARY")
    try:
        outcome = stage.run("scripts.python.Script", script=SNOOP)
        assert stage.said.split()[0] == "False", (outcome, stage.lines)
        assert int(stage.said.split()[1]) <= 4  # three streams and the listing itself
        script = f"cat {other}/data.csv {stage.root}/storage/*/*; cat /etc/shadow; kill -9 {canary.pid} {os.getpid()}"
        script += "; id -u"
        stage.run("scripts.shell.Script", script=script, failFast=False)
        assert "CANARY" not in stage.said
        assert "root:" not in stage.said
        assert int(stage.lines[-1][1]) in USERS
        assert canary.poll() is None
    finally:
        canary.kill()
        canary.wait()


@needs_root
def test_two_scripts_never_share_a_user_while_both_run(stage):
    taken = [take_user() for _ in range(20)]
    try:
        assert len({user.uid for user in taken}) == 20
        stage.run("scripts.shell.Script", script="id -u")
        assert int(stage.said) not in {user.uid for user in taken}
    finally:
        for user in taken:
            user.release()


def test_a_script_gains_no_rights_and_no_input(stage):
    stage.run("scripts.shell.Script", script="grep NoNewPrivs /proc/self/status; cat; umask; ulimit -c")
    assert stage.said.split() == ["NoNewPrivs:", "1", "0077", "0"]


def test_level_uid_is_refused_where_it_cannot_be(stage):
    outcome = stage.run("scripts.shell.Script", stage.context(isolation="strong"), script="true")
    assert (outcome.state, "must be auto, bubblewrap, uid or none" in outcome.error) == (State.FAILED, True)


def test_a_warm_start_is_much_cheaper_than_a_cold_one(stage):
    def cost(**properties):
        seconds = []
        for _ in range(15):
            assert stage.run("scripts.python.Script", script="pass", **properties).state is State.SUCCESS
            seconds.append(stage.seconds)
        return sorted(seconds)[len(seconds) // 2] * 1000

    warm, cold = cost(), cost(beforeCommands=["true"])
    print(f"a script: warm {warm:.1f} ms, cold {cold:.1f} ms")
    assert warm < cold
