"""Scripts as people write them: files in, log lines, outputs and files out."""

import os

import pytest

from orchestrator.core.states import State
from orchestrator.tasks.files import matches
from orchestrator.tasks.registry import task_type
from orchestrator.tasks.scripts.output import Transcript


def test_a_python_script_logs_gives_outputs_and_keeps_files(stage):
    outcome = stage.run(
        "scripts.python.Script",
        script="""
import json, sys, pathlib
rows = json.loads(pathlib.Path("data/in.json").read_text())
print("read", len(rows), "rows")
print('::{"outputs": {"total": %d, "names": ["a"]}}::' % sum(rows))
print('::{"metrics": [{"name": "rows", "type": "counter", "value": 3, "tags": {"k": "v"}}]}::')
print('::{"logs": [{"level": "WARNING", "message": "careful"}]}::', file=sys.stderr)
pathlib.Path("out").mkdir(); pathlib.Path("out/result.csv").write_text("x\\n6\\n")
pathlib.Path("junk.tmp").write_text("")
""",
        inputFiles={"data/in.json": [1, 2, 3]},
        outputFiles=["*.csv"],
    )
    assert outcome.state is State.SUCCESS, (outcome, stage.lines)
    assert outcome.outputs["vars"] == {"total": 6, "names": ["a"]}
    assert outcome.outputs["exitCode"] == 0
    assert stage.lines == [("INFO", "read 3 rows"), ("WARN", "careful")]
    assert stage.metrics == [("rows", "counter", 3.0, {"k": "v"})]
    assert list(outcome.outputs["outputFiles"]) == ["out/result.csv"]
    assert stage.stored(outcome.outputs["outputFiles"]["out/result.csv"]) == b"x\n6\n"
    assert [kept.name for kept in stage.files.stored] == ["out/result.csv"]


def test_a_failing_script_tells_its_exit_code_and_last_words_and_nothing_of_our_own_files(stage):
    outcome = stage.run("scripts.python.Script", script="import sys\ndef f():\n    raise ValueError('no rows')\nf()")
    assert outcome.state is State.FAILED
    assert outcome.outputs["exitCode"] == 1
    assert outcome.error == "The script ended with exit code 1. It said: ValueError: no rows"
    assert "starter" not in stage.said
    assert 'script.py", line 3, in f' in stage.said
    assert {level for level, _ in stage.lines} == {"ERROR"}


@pytest.mark.parametrize(
    ("script", "code"),
    [("import sys; sys.exit(7)", 7), ("raise SystemExit('bye')", 1), ("import os; os._exit(3)", 3), ("def(", 1)],
)
def test_python_ends_with_the_exit_code_that_the_interpreter_would_give(stage, script, code):
    assert stage.run("scripts.python.Script", script=script).outputs["exitCode"] == code


def test_a_warm_script_behaves_like_one_started_by_name(stage):
    outcome = stage.run(
        "scripts.python.Script",
        script="""
import sys, os, atexit, threading, __main__
assert __name__ == "__main__" and __main__.marker is marker if "marker" in dir() else True
assert os.path.basename(__file__) == "script.py" and sys.argv == [__file__]
assert os.getcwd() == os.environ["WORKING_DIR"] == sys.path[0]
import helper
atexit.register(lambda: print("last words"))
threading.Thread(target=lambda: (threading.Event().wait(0.1), print("from a thread"))).start()
print(helper.NAME, os.environ["EXECUTION_ID"], os.environ["TASKRUN_ID"], os.environ["ATTEMPT"], os.environ["MINE"])
""",
        inputFiles={"helper.py": "NAME = 'helped'"},
        env={"MINE": 5},
    )
    assert outcome.state is State.SUCCESS, stage.lines
    assert stage.said.splitlines() == ["helped exec1 run1 3 5", "from a thread", "last words"]


def test_two_scripts_share_nothing_though_both_start_warm(stage):
    stage.run(
        "scripts.python.Script", script="import os, sys, json\nos.environ['LEFT'] = '1'\njson.left = 1\nsys.left = 1"
    )
    outcome = stage.run(
        "scripts.python.Script",
        script="import os, sys, json, random\nprint('LEFT' in os.environ, hasattr(json, 'left'), hasattr(sys, 'left'))",
    )
    assert outcome.state is State.SUCCESS
    assert stage.said == "False False False"


def test_before_commands_run_first_in_the_same_shell(stage):
    outcome = stage.run(
        "scripts.python.Script", script="import os; print(os.environ['X'])", beforeCommands=["export X=set"]
    )
    assert outcome.state is State.SUCCESS, stage.lines
    assert stage.said == "set"


def test_commands_end_at_the_first_that_fails_unless_told_otherwise(stage):
    outcome = stage.run("scripts.shell.Commands", commands=["echo one", "false", "echo two"])
    assert (outcome.state, stage.said) == (State.FAILED, "one")
    outcome = stage.run("scripts.shell.Commands", commands=["echo one", "false", "echo two"], failFast=False)
    assert (outcome.state, stage.said) == (State.SUCCESS, "one\ntwo")


def test_python_commands_find_the_environments_python(stage):
    outcome = stage.run(
        "scripts.python.Commands",
        commands=["python main.py"],
        inputFiles={"main.py": "from kestra import Kestra\nKestra.outputs({'n': 1})\nKestra.logger().warning('hm')"},
    )
    assert outcome.outputs["vars"] == {"n": 1}
    assert stage.lines == [("WARN", "hm")]


def test_a_shell_takes_another_interpreter_and_its_text_is_no_argument(stage):
    outcome = stage.run(
        "scripts.shell.Script",
        script="echo ${BASH_VERSION:0:1}; tr '\\0' ' ' </proc/$$/cmdline",
        interpreter=["/bin/bash", "-c"],
    )
    assert outcome.state is State.SUCCESS, stage.lines
    assert stage.said.startswith("5")
    assert "BASH_VERSION" not in stage.said


def test_node_runs_javascript(stage):
    outcome = stage.run(
        "scripts.node.Script", script="console.log('::' + JSON.stringify({outputs: {n: [1, 2].length}}) + '::')"
    )
    assert outcome.outputs["vars"] == {"n": 2}, (outcome, stage.lines)


def test_input_files_come_from_storage_and_from_the_namespace(stage):
    context = stage.context()
    uri = context.storage.put("in.txt", b"from storage")
    shared = stage.root / "shared.sql"
    shared.write_text("from namespace")
    context.namespace_files = stage.files_of_namespace(
        {"sql/shared.sql": shared, "sql/other.sql": shared, "big.bin": shared}
    )
    outcome = stage.run(
        "scripts.shell.Script",
        context,
        script="cat a.txt; echo; cat sql/shared.sql; echo; cat b.sql; echo; ls sql; test ! -e big.bin",
        inputFiles={"a.txt": uri.replace("portico:", "kestra:"), "b.sql": "nsfile:///sql/other.sql"},
        namespaceFiles={"enabled": True, "include": ["sql/**"], "exclude": "*other*"},
    )
    assert outcome.state is State.SUCCESS, (outcome, stage.lines)
    assert stage.said.splitlines() == ["from storage", "from namespace", "from namespace", "shared.sql"]


@pytest.mark.parametrize("name", ["../out.txt", "/etc/x", "a/../../b", ".portico/script.py", "", "."])
def test_an_input_file_cannot_lie_outside_the_working_directory(stage, name):
    outcome = stage.run("scripts.shell.Script", script="true", inputFiles={name: "x"})
    assert outcome.state is State.FAILED
    assert "is not a place for a file" in outcome.error


def test_an_output_file_cannot_be_a_way_to_read_the_workers_files(stage):
    (stage.root / "secret.txt").write_text("worker's own")
    script = f"ln -s {stage.root}/secret.txt a.txt; ln -s {stage.root} d; ln -s real.txt b.txt; echo mine > real.txt"
    outcome = stage.run("scripts.shell.Script", script=script, outputFiles=["**/*.txt", "*.txt", "d/*"])
    assert outcome.state is State.SUCCESS, (outcome, stage.lines)
    assert sorted(outcome.outputs["outputFiles"]) == ["b.txt", "real.txt"]
    assert stage.stored(outcome.outputs["outputFiles"]["b.txt"]) == b"mine\n"
    outcome = stage.run("scripts.shell.Script", script="mkfifo p.txt", outputFiles=["*.txt"])
    assert (outcome.state, "not a plain file" in outcome.error) == (State.FAILED, True)


def test_standard_error_is_an_error_line_but_no_failure(stage):
    outcome = stage.run("scripts.shell.Script", script="echo hm >&2")
    assert (outcome.state, stage.lines) == (State.SUCCESS, [("ERROR", "hm")])
    assert stage.run("scripts.shell.Script", script="echo hm >&2", warningOnStdErr=True).state is State.WARNING


def test_packages_are_installed_once_and_are_there_when_the_script_starts_warm(stage):
    script = "import iniconfig, sys; print(iniconfig.__name__); assert 'pytest' not in sys.modules"
    outcome = stage.run("scripts.python.Script", script=script, dependencies=["iniconfig"])
    if outcome.state is State.FAILED and "package index" in outcome.error:
        pytest.skip("no package index in reach")
    assert outcome.state is State.SUCCESS, (outcome, stage.lines)
    assert stage.said.endswith("iniconfig")
    stage.run("scripts.python.Script", script=script, dependencies=["iniconfig"])
    assert stage.said == "iniconfig"  # no line about installing
    assert stage.seconds < 2


def test_packages_that_cannot_be_had_fail_the_task_with_the_reason(stage, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    outcome = stage.run("scripts.python.Script", script="pass", dependencies=["a-package-that-nobody-has-written-yet"])
    assert outcome.state is State.FAILED
    assert "could not be installed" in outcome.error
    assert "does this worker reach a package index?" in outcome.error


@pytest.mark.parametrize("package", ["-r /etc/passwd", "--index-url=http://evil", ""])
def test_a_dependency_is_the_name_of_a_package_and_no_option(stage, package):
    outcome = stage.run("scripts.python.Script", script="pass", dependencies=[package])
    assert outcome.error == f"{package!r} is not the name of a package."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps scripts apart by users")
@pytest.mark.parametrize("package", ["x @ file:///etc", "git+https://h/x", "here/there"])
def test_where_scripts_are_kept_apart_packages_come_from_the_index_only(stage, package):
    outcome = stage.run("scripts.python.Script", stage.context(isolation="uid"), script="pass", dependencies=[package])
    assert "packages come from the package index here" in outcome.error


def test_properties_for_containers_are_accepted(stage):
    found = task_type("scripts.python.Script").check(
        {
            "script": "x",
            "containerImage": "python:slim",
            "taskRunner": {"type": "scripts.runner.docker.Docker"},
            "docker": {},
        },
    )
    assert found == []
    assert stage.run("scripts.shell.Script", script="true", containerImage="alpine").state is State.SUCCESS
    assert "the container image is not used" in stage.said


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a.csv", "*.csv", True),
        ("d/a.csv", "*.csv", True),
        ("d/a.csv", "d/*.csv", True),
        ("d/e/a.csv", "d/*.csv", False),
        ("d/e/a.csv", "d/**", True),
        ("a.csv", "**/*.csv", True),
        ("a.txt", "{a,b}.txt", True),
        ("c.txt", "{a,b}.txt", False),
        ("a1.txt", "a[0-9].txt", True),
        ("a1.txt", "a?.txt", True),
        ("a1.txt", "a(1).txt", False),
        ("x/" * 40 + "a", "**/" * 30 + "b", False),
    ],
)
def test_globs_mean_what_people_expect(path, glob, fits):
    assert matches(path, [glob]) is fits


def test_a_secret_is_masked_even_where_a_line_is_cut(stage):
    context = stage.context(masks=["s3cr3t-password"])
    transcript = Transcript(context)
    line = b"x" * (32 * 1024 - 5) + b"s3cr3t-password" + b"y" * 100 + b"\n"
    transcript.hear("stdout", line[:20_000])
    transcript.hear("stdout", line[20_000:])
    assert "s3cr" not in stage.said
    assert stage.said.endswith("bytes more)")


def test_protocol_lines_that_are_broken_are_just_lines(stage):
    transcript = Transcript(stage.context())
    for line in (
        b"::{broken}::",
        b"::[1]::",
        b'::{"metrics": [5, {"name": "x", "value": "many"}]}::',
        b'::{"outputs": 3}::',
    ):
        transcript.hear("stdout", line + b"\n")
    assert transcript.variables == {}
    assert [text for _, text in stage.lines][:2] == ["::{broken}::", "::[1]::"]
    assert stage.metrics == []
