"""`portico validate` and `portico run`, as a person or another program calls them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[3]
GREET = """
id: greet
namespace: company.team
inputs:
  - id: who
    type: STRING
  - id: letter
    type: FILE
    required: false
triggers:
  - id: often
    type: core.trigger.Webhook
    key: abcdefghijklmnop
outputs:
  - id: said
    type: STRING
    value: "{{ outputs.say.value }}"
tasks:
  - id: say
    type: core.debug.Return
    format: "Hello {{ inputs.who }}"
  - id: nap
    type: core.flow.Sleep
    duration: PT0.05S
"""
FAILS = "id: fails\nnamespace: company.team\ntasks:\n  - id: stop\n    type: core.execution.Fail\n"
WAITS = "id: waits\nnamespace: company.team\ntasks:\n  - id: ask\n    type: core.flow.Pause\n"
WRONG = "id: wrong\nnamespace: company.team\ntasks:\n  - id: a\n    type: core.log.Lgo\n"
LATE = "id: late\nnamespace: company.team\ntasks:\n  - id: a\n    type: core.debug.Return\n    format: '{{ 1 + }}'\n"


def portico(*words, **environment):
    """Call the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "config.cli", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(scope="module")
def store(servers):
    """A database of its own, brought up to date."""
    url = urlsplit(servers.database_url)
    name = f"portico_run_{os.getpid()}"
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        store = {"DATABASE_URL": url._replace(path=f"/{name}").geturl(), "REDIS_URL": servers.redis_url}
        assert portico("prepare", **store, PORTICO_PROCESS="owner").returncode == 0
        yield store
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def flow(tmp_path):
    """Write a flow to a file."""

    def write(name, source):
        file = tmp_path / name
        file.write_text(source)
        return file

    return write


def results(answer):
    """The lines of JSON by the id of what was asked."""
    return {row["id"]: row for row in map(json.loads, answer.stdout.splitlines())}


def test_a_flow_runs_to_its_end_and_gives_its_outputs(store, flow, tmp_path):
    letter = flow("letter.txt", "Dear Alice")
    file = flow("greet.yaml", GREET)
    answer = portico(
        *("run", file, "--inputs", '{"who": "Alice"}', "--file", f"letter={letter}", "--json"),
        **store,
        STORAGE_URL=f"file://{tmp_path}/storage",
    )
    assert answer.returncode == 0, answer.stderr
    row = results(answer)[str(file)]
    assert row["state"] == "SUCCESS"
    assert row["outputs"] == {"said": "Hello Alice"}
    assert row["taskRunList"] == [
        {"taskId": "say", "value": None, "state": "SUCCESS", "attempts": 1, "outputs": {"value": "Hello Alice"}},
        {"taskId": "nap", "value": None, "state": "SUCCESS", "attempts": 1, "outputs": {}},
    ]
    with psycopg.connect(store["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM orchestrator_trigger").fetchone() == (0,)


def test_a_person_sees_each_task_and_how_long_it_took(store, flow):
    file = flow("greet.yaml", GREET)
    answer = portico("run", file, "--inputs", f"@{flow('inputs.json', json.dumps({'who': 'Bob'}))}", **store)
    lines = answer.stdout.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["SUCCESS", "say"], ["SUCCESS", "nap"]]
    assert lines[1].endswith(" s")
    assert lines[2].startswith(f"SUCCESS {file}")
    assert lines[3] == "  said: Hello Bob"


def test_many_runs_come_back_each_under_its_name_and_the_worst_decides_the_exit_status(store, flow, tmp_path):
    flow("greet.yaml", GREET)
    flow("fails.yaml", FAILS)
    flow("waits.yaml", WAITS)
    flow("wrong.yaml", WRONG)
    flow("late.yaml", LATE)
    asked = [
        {"id": "good", "file": f"{tmp_path}/greet.yaml", "inputs": {"who": "Alice"}},
        {"id": "failed", "file": f"{tmp_path}/fails.yaml", "inputs": None},
        {"id": "paused", "file": f"{tmp_path}/waits.yaml"},
        {"id": "late", "file": f"{tmp_path}/late.yaml"},
    ]
    asked += [
        {"id": "no flow", "file": f"{tmp_path}/wrong.yaml"},
        {"id": "no input", "file": f"{tmp_path}/greet.yaml", "inputs": {}},
        {"id": "no file", "file": f"{tmp_path}/absent.yaml"},
    ]
    requests = flow("requests.jsonl", "\n".join(map(json.dumps, asked)))
    answer = portico("run", "--requests", requests, "--json", **store)
    rows = results(answer)
    assert answer.returncode == 2
    assert {name: row["state"] for name, row in rows.items()} == {
        "good": "SUCCESS",
        "failed": "FAILED",
        "paused": "PAUSED",
        "late": "FAILED",
        "no flow": "INVALID",
        "no input": "INVALID",
        "no file": "INVALID",
    }
    assert rows["no flow"]["problems"][0]["line"] == 5
    assert rows["no input"]["problems"][0]["message"].startswith("who: ")
    assert rows["no input"]["problems"][0]["line"] == 5


def test_a_hundred_flows_of_one_task_take_seconds(store, flow):
    source = "id: one\nnamespace: company.team\ntasks:\n  - id: nap\n    type: core.flow.Sleep\n    duration: PT0S\n"
    file = str(flow("one.yaml", source))
    requests = flow("requests.jsonl", "\n".join(json.dumps({"id": n, "file": file}) for n in map(str, range(100))))
    began = time.monotonic()
    answer = portico("run", "--requests", requests, "--json", **store)
    assert [row["state"] for row in results(answer).values()] == ["SUCCESS"] * 100
    assert time.monotonic() - began < 60  # the start included, on a busy machine


def test_without_servers_a_throw_away_store_is_made_and_removed(flow, tmp_path):
    file = flow("fails.yaml", FAILS)
    environment = {"DATABASE_URL": "", "REDIS_URL": "", "PORTICO_DATA": f"{tmp_path}/var", "TMPDIR": "/tmp"}
    before = set(Path("/tmp").glob("portico-run-*"))
    answer = portico("run", file, "--json", **environment)
    assert (answer.returncode, results(answer)[str(file)]["state"]) == (1, "FAILED"), answer.stderr
    assert set(Path("/tmp").glob("portico-run-*")) <= before


@pytest.mark.parametrize("words", [(), ("--inputs", "{"), ("--file", "nothing"), ("--requests", "absent.jsonl")])
def test_words_that_cannot_be_understood_are_said_in_one_line(flow, words):
    files = [flow("greet.yaml", GREET)] if words else []
    answer = portico("run", *files, *words)
    assert (answer.returncode, answer.stderr.count("\n")) == (2, 1)


def test_a_folder_is_checked_file_by_file_with_lines_and_columns(flow, tmp_path):
    flow("good.yaml", FAILS)
    wrong = flow("wrong.yml", WRONG)
    flow("notes.txt", "no flow")
    answer = portico("validate", tmp_path, "--json")
    rows = {Path(row["file"]).name: row for row in map(json.loads, answer.stdout.splitlines())}
    assert answer.returncode == 1
    assert {name: row["valid"] for name, row in rows.items()} == {"good.yaml": True, "wrong.yml": False}
    (problem,) = rows["wrong.yml"]["problems"]
    assert (problem["line"], problem["column"], problem["warning"]) == (5, 11, False)
    assert "core.log.Log" in problem["mend"]
    assert portico("validate", wrong).stdout.startswith(f"{wrong}:5:11: ")
