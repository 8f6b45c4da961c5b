"""What every test may use: the embedded pair of servers, started once per run when a test first needs a database.

With DATABASE_URL and REDIS_URL given, those servers are used instead.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from config.celery import app as celery_app
from config.celery import broker_url
from config.embedded import postgres
from config.embedded.pair import running_pair
from config.languages import compile_all
from config.urls_of_servers import database_from_url

# Tests lose nothing when the machine does
UNSAFE_AND_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure() -> None:
    """Compile the catalogues that changed since, so that tests read what is written."""
    compile_all()


@dataclass(frozen=True)
class Servers:
    """The servers of this test run, as a child process would get them."""

    database_url: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """Return the variables for a child process."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}


def searchable_folder(prefix: str) -> Path:
    """Make a temporary folder that the servers' user can walk into; a test's tmp_path is closed to it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A PostgreSQL and a Redis for this run."""
    given = Servers(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", ""))
    if given.database_url and given.redis_url:
        _make_roles(given.database_url)
        yield given
        return
    folder = searchable_folder("portico-tests-")
    try:
        with running_pair(folder, UNSAFE_AND_QUICK) as pair:
            made = Servers(given.database_url or pair.database_url, given.redis_url or pair.redis_url)
            os.environ.update(made.environment())
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_roles(url: str) -> None:
    """Make the roles of our processes where the given server lets us; migrations grant rights to them."""
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        row = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if row and row[1]:
            postgres.make_roles(connection, row[0])


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, servers: Servers) -> None:
    """Point Django and Celery at this run's servers before the test database is made."""
    settings.DATABASES["default"].update(database_from_url(servers.database_url, settings.PROCESS))
    settings.REDIS_URL = servers.redis_url
    celery_app.conf.broker_url = broker_url(servers.redis_url)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests with real transactions empty the tables afterwards: the audit log refuses that everywhere else."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER audit_never_empties")
