"""The doorway: which side a request goes to, and what a slow, large or silent client gets. No server, no database."""

import asyncio
import io
import threading

import pytest
from django.urls import URLPattern, get_resolver

from config.asgi import WAITING
from config.doorway import Doorway
from config.wsgi_threads import WsgiThreads, environ_of
from tenants.web.doors import is_stream

LIMIT = 1000


def scope_of(path="/health", headers=(), method="POST"):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"a=1",
        "http_version": "1.1",
        "scheme": "http",
        "headers": [(name.encode(), text.encode()) for name, text in headers],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5000),
    }


class Client:
    """Sends given chunks and then nothing more; keeps what it is answered."""

    def __init__(self, *chunks, whole=True):
        self.messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        if whole and self.messages:
            self.messages[-1]["more_body"] = False
        self.answer = []
        self.asked = 0

    async def receive(self):
        self.asked += 1
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message):
        self.answer.append(message)

    @property
    def status(self):
        return self.answer[0]["status"]

    @property
    def text(self):
        return b"".join(message.get("body", b"") for message in self.answer).decode()


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read(), b" in ", threading.current_thread().name.encode()]


async def stream(scope, receive, send):
    body = b""
    more = True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body + b" streamed"})


def doorway(*, application=echo, threads=2, queue=5, silence=0.2):
    return Doorway(WsgiThreads(application, threads, queue), stream, frozenset({"health"}), LIMIT, silence)


def knock(client, scope, door=None):
    asyncio.run((door or doorway())(scope, client.receive, client.send))
    return client


def test_a_short_request_runs_in_a_thread_with_its_whole_body():
    client = knock(Client(b"one ", b"two"), scope_of("/sign-in", [("content-length", "7")]))
    assert client.status == 200
    assert client.text.startswith("one two in web")


def test_a_waiting_route_is_streamed_whatever_its_path_looks_like():
    client = knock(Client(b"x"), scope_of("/health", [("content-length", "1")]))
    assert client.text == "x streamed"


def test_an_address_that_leads_nowhere_goes_to_the_threads():
    assert "in web" in knock(Client(), scope_of("/nowhere/at/all")).text


@pytest.mark.parametrize("path", ["/sign-in", "/health"])
def test_a_body_announced_too_large_is_refused_on_both_sides(path):
    size = LIMIT * 2
    client = knock(Client(b"x" * size), scope_of(path, [("content-length", str(size))]))
    assert client.status == 413
    assert client.messages == [], "the body was read to its end, so that the client sees the answer"


@pytest.mark.parametrize("path", ["/sign-in", "/health"])
def test_a_body_without_a_length_is_refused_once_it_is_too_large(path):
    chunks = [b"x" * 300] * 5
    client = knock(Client(*chunks), scope_of(path, [("transfer-encoding", "chunked")]))
    assert client.status == 413


def test_an_endless_body_is_not_read_for_ever():
    client = knock(Client(*[b"x" * LIMIT] * 50, whole=False), scope_of("/sign-in", [("transfer-encoding", "chunked")]))
    assert client.status == 413
    assert len(client.messages) > 40


def test_a_client_that_asks_first_is_refused_before_it_sends():
    headers = [("content-length", str(LIMIT * 2)), ("expect", "100-continue")]
    client = knock(Client(b"x" * LIMIT * 2), scope_of("/sign-in", headers))
    assert client.status == 413
    assert client.asked == 0


@pytest.mark.parametrize("path", ["/sign-in", "/health"])
def test_a_body_that_stops_arriving_gets_a_408(path):
    client = knock(Client(b"x", whole=False), scope_of(path, [("content-length", "10")]))
    assert client.status == 408


def test_a_client_that_leaves_takes_no_thread():
    client = Client(b"x", whole=False)
    client.messages.append({"type": "http.disconnect"})
    knock(client, scope_of("/sign-in", [("content-length", "10")]))
    assert client.answer == []


def test_silent_uploads_do_not_keep_others_waiting():
    async def crowd():
        door = doorway(threads=1, silence=5)
        silent = [Client(b"x", whole=False) for _ in range(20)]
        waiting = [
            asyncio.create_task(door(scope_of("/sign-in", [("content-length", "10")]), client.receive, client.send))
            for client in silent
        ]
        await asyncio.sleep(0.05)
        quick = Client()
        await asyncio.wait_for(door(scope_of("/sign-in"), quick.receive, quick.send), 1)
        for task in waiting:
            task.cancel()
        return quick

    assert asyncio.run(crowd()).status == 200


def test_a_slow_reader_does_not_hold_a_thread():
    async def crowd():
        door = doorway(threads=1)
        never = asyncio.Event()

        async def slow_send(_message):
            await never.wait()

        slow = asyncio.create_task(door(scope_of("/sign-in"), Client().receive, slow_send))
        await asyncio.sleep(0.05)
        quick = Client()
        await asyncio.wait_for(door(scope_of("/sign-in"), quick.receive, quick.send), 1)
        slow.cancel()
        return quick

    assert asyncio.run(crowd()).status == 200


def test_more_than_the_queue_is_sent_away_with_a_503():
    held = threading.Event()

    def slow(environ, start_response):
        held.wait(5)
        return echo(environ, start_response)

    async def crowd():
        door = doorway(application=slow, threads=1, queue=1)
        clients = [Client() for _ in range(3)]
        tasks = [asyncio.create_task(door(scope_of("/sign-in"), one.receive, one.send)) for one in clients]
        await asyncio.sleep(0.05)
        held.set()
        await asyncio.gather(*tasks)
        return [client.status for client in clients]

    assert asyncio.run(crowd()) == [200, 200, 503]


def test_a_fault_outside_django_is_a_500_and_the_thread_lives_on():
    def broken(_environ, _start_response):
        raise RuntimeError("broken")

    door = doorway(application=broken, threads=1)
    assert knock(Client(), scope_of("/sign-in"), door).status == 500
    assert knock(Client(), scope_of("/sign-in"), door).status == 500


def test_a_header_with_an_underscore_cannot_pass_for_another():
    environ = environ_of(
        scope_of(headers=[("x_forwarded_for", "6.6.6.6"), ("cookie", "a=1"), ("cookie", "b=2")]), io.BytesIO(), 0
    )
    assert "HTTP_X_FORWARDED_FOR" not in environ
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def patterns(entries):
    for entry in entries:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from patterns(entry.url_patterns)


def test_every_stream_is_on_the_list_of_waiting_routes():
    streams = [entry for entry in patterns(get_resolver().url_patterns) if is_stream(entry.callback)]
    assert streams
    assert [str(entry.pattern) for entry in streams if entry.name not in WAITING] == []


def test_the_list_of_waiting_routes_names_only_what_exists():
    names = {entry.name for entry in patterns(get_resolver().url_patterns)}
    assert WAITING - names == frozenset()
