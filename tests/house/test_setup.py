"""The front door: the command line, settings from the environment, log lines. No server needed."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.celery import app, broker_url
from config.cli import SUBCOMMANDS, main
from config.embedded.home import EmbeddedFailed, open_home
from config.env import env_bool, env_int, env_text, secret_key
from config.logging import JsonLines, Lines, masked
from config.urls_of_servers import database_from_url
from tests.conftest import searchable_folder

ROOT = Path(__file__).resolve().parents[2]
FLOW = "id: hello\nnamespace: company.team\ntasks:\n  - id: say\n    type: core.log.{}\n    message: hi\n"


def portico(*words, **environment):
    """Run the command in a process of its own, as it chooses its role before the settings are read."""
    return subprocess.run(
        [sys.executable, "-m", "config.cli", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_help_names_every_subcommand_a_person_may_use(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all((name in said) == command.shown for name, command in SUBCOMMANDS.items())


def test_an_unknown_subcommand_is_refused_on_standard_error(capsys):
    assert main(["nonsense"]) == 2
    assert "'nonsense'" in capsys.readouterr().err


def test_a_good_flow_file_is_good(tmp_path):
    file = tmp_path / "hello.yaml"
    file.write_text(FLOW.format("Log"))
    answer = portico("validate", str(file))
    assert (answer.returncode, answer.stdout) == (0, f"{file}: good\n")


def test_a_wrong_flow_file_is_told_with_line_and_column_and_what_was_meant(tmp_path):
    file = tmp_path / "hello.yaml"
    file.write_text(FLOW.format("Lgo"))
    answer = portico("validate", str(file))
    assert answer.returncode == 1
    assert answer.stdout.startswith(f"{file}:5:")
    assert "core.log.Log" in answer.stdout


def test_a_missing_flow_file_is_said_in_one_line(tmp_path):
    answer = portico("validate", str(tmp_path / "absent.yaml"))
    assert (answer.returncode, answer.stderr.count("\n")) == (2, 1)


def test_demo_people_are_offered_to_this_machine_only():
    answer = portico("up", "--demo", "--host", "0.0.0.0")
    assert answer.returncode == 1
    assert "this machine only" in answer.stderr


def test_a_wrong_setting_stops_the_start_with_a_sentence():
    answer = portico("validate", "x.yaml", PORTICO_WORKERS="many")
    assert answer.returncode == 2
    assert answer.stderr == "portico validate: PORTICO_WORKERS is 'many'; it must be a whole number\n"


def test_the_doctor_finds_a_database_that_does_not_answer():
    answer = portico("doctor", "--json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    findings = {finding["what"]: finding for finding in json.loads(answer.stdout)}
    assert answer.returncode == 2
    assert findings["database"]["level"] == "FAIL"
    assert findings["database"]["remedy"]
    assert findings["storage"]["level"] == "OK"


def test_a_setting_may_be_kept_in_a_file(tmp_path, monkeypatch):
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv("PORTICO_THING_FILE", str(file))
    assert env_text("PORTICO_THING", "default") == "from the file"


@pytest.mark.parametrize(("read", "text"), [(env_int, "1.5"), (lambda name, _: env_bool(name, default=True), "maybe")])
def test_a_wrong_value_names_the_setting(read, text, monkeypatch):
    monkeypatch.setenv("PORTICO_THING", text)
    with pytest.raises(ImproperlyConfigured, match="PORTICO_THING"):
        read("PORTICO_THING", 1)


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path, monkeypatch):
    monkeypatch.delenv("PORTICO_SECRET_KEY", raising=False)
    first = secret_key(tmp_path / "var")
    assert secret_key(tmp_path / "var") == first
    assert (tmp_path / "var" / "secret-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("process", "role"), [("web", "portico_web"), ("engine", "portico_engine"), ("owner", None)])
def test_each_process_takes_its_database_role(process, role):
    options = database_from_url("postgresql://p:s%40cret@/portico?host=/run/x&port=5432", process)
    assert (options["HOST"], options["PASSWORD"]) == ("/run/x", "s@cret")
    assert options["OPTIONS"].get("options", "").startswith(f"-c role={role} " if role else "")


def test_the_embedded_servers_urls_are_understood_by_django_and_celery():
    assert broker_url("unix://:pass@/run/valkey.sock?db=3") == "redis+socket://:pass@/run/valkey.sock?virtual_host=3"
    assert broker_url("redis://127.0.0.1:6379/0") == "redis://127.0.0.1:6379/0"


def test_celery_holds_no_work_and_no_results():
    conf = app.conf
    assert (conf.task_ignore_result, conf.result_backend, conf.task_acks_late) == (True, None, False)
    assert (conf.worker_prefetch_multiplier, conf.accept_content) == (1, ["json"])
    assert conf.broker_connection_max_retries is None
    assert conf.task_publish_retry is False
    assert conf.broker_transport_options["socket_timeout"] <= 0.3


def test_passwords_in_urls_do_not_reach_the_log():
    line = "cannot reach postgresql://portico:s3cret@db:5432/portico and redis://:tops@cache"
    assert "tops" not in masked(line)
    assert "s3cret" not in masked(line)
    record = logging.LogRecord("portico", logging.ERROR, "", 1, "see redis://:%s@cache", ("tops",), None)
    assert "tops" not in Lines().format(record)
    assert json.loads(JsonLines("web").format(record))["message"] == "see redis://:***@cache"


@pytest.fixture
def open_folder():
    folder = searchable_folder("portico-home-")
    yield folder
    shutil.rmtree(folder)


def test_the_servers_home_is_noted_and_its_passwords_are_closed(open_folder):
    home = open_home(open_folder / "data")
    assert open_home(open_folder / "data") == home
    assert home.folder == open_folder / "data" / "servers"
    assert (home.folder / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert (open_folder / "data" / "servers-folder").read_text().strip() == str(home.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops the servers to another user")
def test_a_servers_home_that_became_unreachable_is_an_error_and_not_an_empty_database(open_folder):
    open_home(open_folder / "data")
    open_folder.chmod(0o700)
    with pytest.raises(EmbeddedFailed, match="can no longer reach"):
        open_home(open_folder / "data")


def test_every_setting_has_its_line_in_the_reference():
    read = (ROOT / "config" / "settings.py").read_text() + (ROOT / "config" / "cli" / "up.py").read_text()
    names = set(re.findall(r'(?:env_\w+\(\s*|environ\.get\()"([A-Z_]+)"', read))
    listed = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert "PORTICO_DATA" in names
    assert [name for name in sorted(names) if f"`{name}`" not in listed] == []


def test_the_static_files_need_no_collecting():
    assert settings.WHITENOISE_USE_FINDERS
