"""Sockets and streams: what they say, to whom, for how long, and what happens when words get lost."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings as django_settings
from django.test import AsyncClient, Client

from orchestrator import consumers, dispatch, executions, hub, watching
from orchestrator.api import streams
from orchestrator.models import Execution, LogLine, TaskRun
from tenants.models import Binding, Membership
from tests import factories
from tests.cast import HOME, Cast, cast
from tests.orchestrator.sockets import Socket
from tests.orchestrator.stage import WAITING, hello, program, saved, settle

pytestmark = pytest.mark.django_db(transaction=True)
application = AllowedHostsOriginValidator(URLRouter(consumers.routes))


@pytest.fixture
def stage():
    return cast()


@pytest.fixture
def waiting(stage: Cast) -> str:
    saved(stage, WAITING)
    answer = program(stage, "bob").post(f"/api/v1/acme/executions/{HOME}/waiting")
    settle()
    return answer.json()["id"]


def socket(stage: Cast, name: str, path: str, origin: str = "http://testserver") -> Socket:
    headers = [(b"origin", origin.encode())] if origin else []
    if name != "nobody":
        client = Client()
        client.force_login(getattr(stage, name))
        key = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={key}".encode()))
    return Socket(application, path, headers)


def live(play: Callable[[], Awaitable[None]]) -> None:
    async_to_sync(play)()


async def in_db(act: Callable[..., object], *args: object) -> object:
    return await database_sync_to_async(act)(*args)


async def opened(connection: Socket) -> None:
    """Open and hear the first word: nothing changed, but lines may be new since the page was made."""
    assert await connection.connect()
    assert json.loads(await connection.receive_from(3)) == {"logs": True}


async def closing_code(connection: Socket, timeout: float = 3) -> int:
    while True:
        output = await connection.receive_output(timeout)
        if output["type"] == "websocket.close":
            return output["code"]


def versions(stage: Cast, execution_id: str) -> int:
    return Execution.objects.in_tenant(stage.tenant.pk).values_list("version", flat=True).get(pk=execution_id)


def change_silently(stage: Cast, execution_id: str) -> None:
    """Change an execution as if the word about it got lost."""
    run = Execution.objects.in_tenant(stage.tenant.pk).get(pk=execution_id)
    run.version += 1
    run.save(update_fields=["version"])


def kill_and_settle(stage: Cast, execution_id: str) -> None:
    actor = stage.actor("admin")
    executions.kill(actor, Execution.objects.in_tenant(actor).get(pk=execution_id))
    settle()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("alice", None),
        ("bob", None),
        ("admin", None),
        ("charlie", 4404),
        ("dana", 4404),
        ("otto", 4404),
        ("nobody", 4401),
    ],
)
def test_who_may_listen(stage: Cast, waiting: str, name: str, code: int | None):
    connection = socket(stage, name, f"/ws/acme/executions/{waiting}?since=-1")

    async def play() -> None:
        assert await connection.connect()
        if code is None:
            assert json.loads(await connection.receive_from(3))["version"] >= 0
            await connection.disconnect()
        else:
            assert await closing_code(connection) == code

    live(play)


@pytest.mark.parametrize(
    "path", ["/ws/acme/executions/unknown", "/ws/acme/executions/..", "/ws/nowhere/executions/x", "/ws/globex/"]
)
def test_what_is_unknown_is_4404(stage: Cast, path: str):
    connection = socket(stage, "alice", path)

    async def play() -> None:
        await connection.connect()
        assert await closing_code(connection) == 4404

    live(play)


def test_another_sites_page_cannot_listen(stage: Cast, waiting: str):
    for origin in ("https://evil.example", ""):
        connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}", origin=origin)

        async def play(connection: Socket = connection) -> None:
            assert not await connection.connect()

        live(play)


def test_the_starter_may_listen_without_any_right_on_executions(stage: Cast, waiting: str):
    Execution.objects.in_tenant(stage.tenant.pk).filter(pk=waiting).update(started_by=stage.charlie)
    connection = socket(stage, "charlie", f"/ws/acme/executions/{waiting}?since=-1")

    async def play() -> None:
        await connection.connect()
        assert not json.loads(await connection.receive_from(3))["final"]
        await connection.disconnect()

    live(play)


def test_a_change_is_heard_and_the_last_word_says_final(stage: Cast, waiting: str):
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since={versions(stage, waiting)}")

    async def play() -> None:
        await opened(connection)
        assert await connection.receive_nothing(0.3)
        await in_db(kill_and_settle, stage, waiting)
        said = {}
        while not said.get("final"):
            said = json.loads(await connection.receive_from(3))
        assert await closing_code(connection) == 1000

    live(play)
    assert versions(stage, waiting) > 0


def test_who_comes_late_hears_the_end_at_once(stage: Cast, waiting: str):
    kill_and_settle(stage, waiting)
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since=0")

    async def play() -> None:
        await connection.connect()
        assert json.loads(await connection.receive_from(3))["final"]
        assert await closing_code(connection) == 1000

    live(play)


def test_a_word_that_got_lost_is_made_up_for_from_the_database(stage: Cast, waiting: str):
    before = versions(stage, waiting)
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since={before}")

    async def play() -> None:
        await opened(connection)
        await in_db(change_silently, stage, waiting)
        assert json.loads(await connection.receive_from(hub.LOOK_EVERY + 2))["version"] == before + 1
        await connection.disconnect()

    live(play)


def test_without_redis_the_page_is_a_little_later_and_nothing_else(stage: Cast, waiting: str, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    before = versions(stage, waiting)
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since={before}")

    async def play() -> None:
        await opened(connection)
        await in_db(change_silently, stage, waiting)
        said = json.loads(await connection.receive_from(hub.LOOK_EVERY + 2))
        while "version" not in said:
            said = json.loads(await connection.receive_from(hub.LOOK_EVERY + 2))
        assert said["version"] == before + 1
        await connection.disconnect()

    live(play)


def test_new_lines_are_announced_though_no_state_changed(stage: Cast, waiting: str):
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since={versions(stage, waiting)}")

    async def play() -> None:
        await opened(connection)
        await asyncio.sleep(0.5)
        await in_db(dispatch.changed, stage.tenant.pk, waiting)
        assert json.loads(await connection.receive_from(3)) == {"logs": True}
        await connection.disconnect()

    live(play)


@pytest.mark.parametrize(
    ("lose", "code"),
    [
        (lambda stage: Binding.objects.in_tenant(stage.tenant.pk).filter(user=stage.bob).delete(), 4403),
        (lambda stage: Membership.objects.filter(user=stage.bob).delete(), 4403),
        (lambda stage: factories.User.objects.filter(pk=stage.bob.pk).update(is_active=False), 4401),
        (lambda stage: stage.bob.set_password("another") or stage.bob.save(), 4401),
    ],
)
def test_a_lost_right_closes_the_socket(
    stage: Cast,
    waiting: str,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Cast], object],
    code: int,
):
    monkeypatch.setattr(consumers, "AGAIN", 0.2)
    Execution.objects.in_tenant(stage.tenant.pk).update(started_by=stage.alice)
    connection = socket(stage, "bob", f"/ws/acme/executions/{waiting}?since={versions(stage, waiting)}")

    def lose_it() -> None:
        lose(stage)
        factories.tenancy.Tenant.objects.filter(pk=stage.tenant.pk).update(permission_version=10**9)

    async def play() -> None:
        await opened(connection)
        assert await connection.receive_nothing(0.5)
        await in_db(lose_it)
        assert await closing_code(connection) == code

    assert watching.AGAIN <= 5
    live(play)


def test_the_tenants_lists_are_announced_to_members_only(stage: Cast, waiting: str):
    charlie, dana = socket(stage, "charlie", "/ws/acme/hints"), socket(stage, "dana", "/ws/globex/")

    async def play() -> None:
        await charlie.connect()
        await dana.connect()
        await asyncio.sleep(0.5)
        for _ in range(20):
            await in_db(dispatch.changed, stage.tenant.pk, waiting)
        assert json.loads(await charlie.receive_from(3)) == {"lists": ["executions", "approvals"]}
        assert await dana.receive_nothing(1)
        assert await charlie.receive_nothing(0.5)
        await charlie.disconnect()
        await dana.disconnect()

    live(play)


def test_many_sockets_share_one_connection_to_redis_and_leave_nothing_behind(stage: Cast, waiting: str):
    connections = [socket(stage, "alice", f"/ws/acme/executions/{waiting}?since=999999") for _ in range(10)]

    async def play() -> None:
        before = dispatch.broker().pubsub_numpat()
        for connection in connections:
            await connection.connect()
        await asyncio.sleep(0.5)
        assert dispatch.broker().pubsub_numpat() <= before + 1
        assert len({id(task) for task in hub.hub()._tasks}) == 2
        for connection in connections:
            await connection.disconnect()
        assert hub.hub()._tasks == []
        assert not hub.hub()._watchers

    live(play)


def test_a_quiet_socket_is_pinged(stage: Cast, waiting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(consumers, "PING_EVERY", 0.2)
    connection = socket(stage, "alice", f"/ws/acme/executions/{waiting}?since=999999")

    async def play() -> None:
        await opened(connection)
        assert json.loads(await connection.receive_from(3)) == {"ping": True}
        await connection.disconnect()

    live(play)


# Streams ------------------------------------------------------------------------------------------------------------


def bearer(stage: Cast, name: str) -> dict[str, str]:
    tenant = stage.other_tenant if name == "dana" else stage.tenant
    return {"authorization": f"Bearer {factories.token(tenant=tenant, user=getattr(stage, name))[1]}"}


async def events(answer) -> list[tuple[str, dict]]:
    text = b"".join([piece async for piece in answer.streaming_content]).decode()
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_an_execution_is_followed_to_its_end(stage: Cast, waiting: str, monkeypatch: pytest.MonkeyPatch):
    headers = bearer(stage, "bob")

    async def play() -> None:
        answer = await AsyncClient().get(f"/api/v1/acme/executions/{waiting}/follow", headers=headers)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/event-stream")
        reading = asyncio.create_task(events(answer))
        await asyncio.sleep(0.5)
        await in_db(kill_and_settle, stage, waiting)
        found = await asyncio.wait_for(reading, 10)
        assert found[0][0] == "start"
        assert found[0][1]["state"]["current"] == "PAUSED"
        assert found[-1][0] == "end"
        assert found[-1][1]["state"]["current"] == "KILLED"

    live(play)


def test_logs_are_followed_from_the_first_line_to_the_last(stage: Cast):
    saved(stage, hello())
    run = program(stage, "bob").post(f"/api/v1/acme/executions/{HOME}/hello").json()["id"]
    settle()
    headers = bearer(stage, "bob")

    async def play() -> None:
        answer = await AsyncClient().get(f"/api/v1/acme/logs/{run}/follow", headers=headers)
        found = await asyncio.wait_for(events(answer), 10)
        assert [(name, data.get("message")) for name, data in found] == [("progress", "Hello"), ("end", None)]

    live(play)


@pytest.mark.parametrize(("name", "status"), [("charlie", 404), ("dana", 404)])
def test_a_stream_is_refused_before_it_begins(stage: Cast, waiting: str, name: str, status: int):
    headers = bearer(stage, name)

    async def play() -> None:
        for path in (f"executions/{waiting}/follow", f"logs/{waiting}/follow", f"executions/{waiting}/file?path=x"):
            answer = await AsyncClient().get(f"/api/v1/acme/{path}", headers=headers)
            assert answer.status_code == status, path
        assert (await AsyncClient().get(f"/api/v1/acme/executions/{waiting}/follow")).status_code == 401

    live(play)


def test_a_stream_ends_with_the_token_it_was_opened_with(stage: Cast, waiting: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "AGAIN", 0.2)
    token, secret = factories.token(tenant=stage.tenant, user=stage.bob)

    def revoke() -> None:
        type(token).objects.filter(pk=token.pk).update(revoked_at="2020-01-01T00:00:00Z")

    async def play() -> None:
        headers = {"authorization": f"Bearer {secret}"}
        answer = await AsyncClient().get(f"/api/v1/acme/executions/{waiting}/follow", headers=headers)
        reading = asyncio.create_task(events(answer))
        await asyncio.sleep(0.6)
        assert not reading.done()
        await in_db(revoke)
        found = await asyncio.wait_for(reading, 5)
        assert [name for name, _ in found] == ["start"]

    live(play)


def test_lines_said_while_a_stream_is_open_come_once_each(stage: Cast, waiting: str):
    headers = bearer(stage, "alice")
    task_run = TaskRun.objects.in_tenant(stage.tenant.pk).get()

    def say(n: int) -> None:
        LogLine.across_tenants.create(
            tenant=stage.tenant,
            execution_id=waiting,
            task_run_id=task_run.pk,
            attempt=1,
            n=n,
            at="2026-01-01T00:00:00Z",
            level="INFO",
            message=f"line {n}",
        )
        dispatch.changed(stage.tenant.pk, waiting)

    async def play() -> None:
        answer = await AsyncClient().get(f"/api/v1/acme/logs/{waiting}/follow", headers=headers)
        reading = asyncio.create_task(events(answer))
        for n in range(20):
            await in_db(say, n)
            await asyncio.sleep(0.02)
        await in_db(kill_and_settle, stage, waiting)
        found = await asyncio.wait_for(reading, 10)
        assert [data["message"] for name, data in found if name == "progress"] == [f"line {n}" for n in range(20)]

    live(play)
