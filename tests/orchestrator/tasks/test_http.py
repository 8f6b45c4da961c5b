"""HTTP tasks against a real server on this machine, and the addresses that they refuse."""

import gzip
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.core.states import State
from orchestrator.tasks.http.addresses import is_allowed


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code=200, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):  # noqa: C901  (a table)
        self.server.seen.append((self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        match path:
            case "/json":
                self.answer(body=b'{"a": 1}', Content_Type="application/json", X_Two="2")
            case "/moved":
                self.answer(302, Location="/json")
            case "/moved-inside":
                self.answer(302, Location=f"http://127.0.0.2:{self.server.server_port}/json")
            case "/moved-to-metadata":
                self.answer(302, Location="http://169.254.169.254/latest/meta-data/")
            case "/moved-to-file":
                self.answer(302, Location="file:///etc/passwd")
            case "/round":
                self.answer(302, Location="/round")
            case "/missing":
                self.answer(404, b"no such thing")
            case "/empty":
                self.answer()
            case "/big":
                self.answer(body=b"x" * 3_000_000, Content_Disposition='attachment; filename="big file.bin"')
            case "/bomb":
                self.answer(body=gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
            case "/slow":
                self.server.release.wait(20)
                self.answer(body=b"late")
            case "/endless":
                self.send_response(200)
                self.end_headers()
                while not self.server.release.wait(0.01):
                    self.wfile.write(b"x" * 1000)
            case _:
                self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(
            body=json.dumps(
                {
                    "type": self.headers["Content-Type"],
                    "body": body.decode(errors="replace"),
                    "auth": self.headers.get("Authorization"),
                }
            ).encode(),
        )


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen = []
    server.release = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()


def test_a_request_gives_code_headers_and_body(stage, server):
    outcome = stage.run("core.http.Request", uri=f"{server.url}/json?q=1", params={"p": "ä b"}, headers={"X-Mine": 5})
    assert outcome.state is State.SUCCESS, outcome
    assert outcome.outputs["code"] == 200
    assert outcome.outputs["body"] == '{"a": 1}'
    assert outcome.outputs["headers"]["x-two"] == ["2"]
    path, headers = server.seen[0]
    assert "p=%C3%A4" in path
    assert "q=1" in path
    assert headers["X-Mine"] == "5"


def test_structures_are_sent_as_json_and_texts_as_they_are(stage, server):
    said = json.loads(
        stage.run("core.http.Request", uri=server.url, method="POST", body={"n": [1, "ä"]}).outputs["body"]
    )
    assert said["type"] == "application/json"
    assert json.loads(said["body"]) == {"n": [1, "ä"]}
    outcome = stage.run(
        "core.http.Request",
        uri=server.url,
        method="post",
        body="x=1",
        contentType="text/x",
        options={"auth": {"type": "BEARER", "token": "t0k"}},
    )
    said = json.loads(outcome.outputs["body"])
    assert (said["type"], said["body"], said["auth"]) == ("text/x", "x=1", "Bearer t0k")


def test_forms_are_sent_with_their_files_from_storage(stage, server):
    said = json.loads(
        stage.run("core.http.Request", uri=server.url, method="POST", formData={"a": 1, "b": "ü"}).outputs["body"]
    )
    assert (said["type"], said["body"]) == ("application/x-www-form-urlencoded", "a=1&b=%C3%BC")
    context = stage.context()
    uri = context.storage.put("data.csv", b"1,2")
    outcome = stage.run("core.http.Request", context, uri=server.url, method="POST", formData={"a": 1, "f": uri})
    said = json.loads(outcome.outputs["body"])
    assert said["type"].startswith("multipart/form-data")
    assert "1,2" in said["body"]
    assert 'name="a"' in said["body"]


def test_a_bad_status_fails_the_task_with_what_was_said_unless_allowed(stage, server):
    outcome = stage.run("core.http.Request", uri=f"{server.url.replace('//', '//me:pw@')}/missing?key=s3cret")
    assert outcome.state is State.FAILED
    assert "404 Not Found. no such thing" in outcome.error
    assert "pw" not in outcome.error
    assert "s3cret" not in outcome.error
    assert outcome.outputs["code"] == 404
    assert (
        stage.run("core.http.Request", uri=f"{server.url}/missing", allowFailed=True).outputs["body"] == "no such thing"
    )
    options = {"allowedResponseCodes": [404]}
    assert stage.run("core.http.Request", uri=f"{server.url}/missing", options=options).state is State.SUCCESS


def test_redirects_are_followed_when_wanted_and_not_for_ever(stage, server):
    assert stage.run("core.http.Request", uri=f"{server.url}/moved").outputs["body"] == '{"a": 1}'
    outcome = stage.run("core.http.Request", uri=f"{server.url}/moved", options={"followRedirects": False})
    assert outcome.outputs["code"] == 302
    assert "more than 10 redirects" in stage.run("core.http.Request", uri=f"{server.url}/round").error


def test_a_download_is_stored_under_its_own_name(stage, server):
    outcome = stage.run("core.http.Download", uri=f"{server.url}/big")
    assert outcome.state is State.SUCCESS, outcome
    assert outcome.outputs["length"] == 3_000_000
    assert stage.stored(outcome.outputs["uri"]) == b"x" * 3_000_000
    assert [kept.name for kept in stage.files.stored] == ["big file.bin"]


def test_an_empty_download_fails_and_leaves_no_file_unless_allowed(stage, server):
    assert stage.run("core.http.Download", uri=f"{server.url}/empty").error == "The answer is empty."
    assert stage.files.stored == []
    assert stage.run("core.http.Download", uri=f"{server.url}/empty", failOnEmptyResponse=False).outputs["length"] == 0


def test_answers_that_are_too_large_are_refused_also_when_they_grow_by_unpacking(stage, server):
    assert "core.http.Download" in stage.run("core.http.Request", uri=f"{server.url}/big").error
    assert "longer than" in stage.run("core.http.Request", uri=f"{server.url}/bomb").error
    outcome = stage.run("core.http.Download", uri=f"{server.url}/bomb", options={"maxContentLength": 1_000_000})
    assert "longer than 1000000 bytes" in outcome.error
    assert stage.files.stored == []


@pytest.mark.parametrize("path", ["/slow", "/endless"])
def test_a_request_ends_when_the_task_is_stopped_and_at_its_timeout(stage, server, path):
    context = stage.context()
    threading.Timer(0.3, context.stop.set).start()
    options = {"maxContentLength": 10**9}
    assert stage.run("core.http.Request", context, uri=f"{server.url}{path}", options=options).state is State.KILLED
    assert stage.seconds < 2
    context = stage.context(deadline=time.monotonic() + 0.3)
    assert "timeout" in stage.run("core.http.Request", context, uri=f"{server.url}{path}", options=options).error
    assert stage.seconds < 2


def test_a_silent_server_is_given_up_after_the_read_timeout(stage, server):
    outcome = stage.run("core.http.Request", uri=f"{server.url}/slow", options={"readTimeout": "PT0.5S"})
    assert (outcome.state, "no answer in time" in outcome.error) == (State.FAILED, True)


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x", "unix:/run/x.sock", "//x", "x", ""]
)
def test_only_http_addresses_are_requested(stage, uri):
    assert "must begin with http:// or https://" in stage.run("core.http.Request", uri=uri).error


INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::1%25lo]", "127.0.0.1.", "LOCALHOST",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize("kind", ["core.http.Request", "core.http.Download"])
def test_no_spelling_of_this_machine_is_reached(stage, host, kind):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    uri = f"http://{host}:{listener.getsockname()[1]}/"
    try:
        outcome = stage.run(kind, stage.context(private_networks=[]), uri=uri)
        assert outcome.state is State.FAILED
        with pytest.raises(TimeoutError):
            listener.accept()
    finally:
        listener.close()


@pytest.mark.parametrize("path", ["/moved-inside", "/moved-to-metadata", "/moved-to-file"])
def test_a_redirect_does_not_lead_where_the_request_may_not_go(stage, server, path):
    outcome = stage.run(
        "core.http.Request", stage.context(private_networks=["127.0.0.1/32"]), uri=f"{server.url}{path}"
    )
    assert outcome.state is State.FAILED
    assert [seen for seen, _ in server.seen] == [path]


def test_a_name_that_changes_its_meaning_is_asked_only_once(stage, server, monkeypatch):
    asked = []

    def rebinding(host, port, *_args, **_more):
        asked.append(host)
        address = host if host[0].isdigit() else "127.0.0.1" if asked.count(host) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    uri = f"http://rebound.example:{server.server_port}/json"
    outcome = stage.run("core.http.Request", stage.context(private_networks=["127.0.0.1/32"]), uri=uri)
    assert outcome.state is State.SUCCESS, outcome
    assert asked.count("rebound.example") == 1
    assert server.seen[0][1]["Host"] == f"rebound.example:{server.server_port}"


def test_a_name_with_one_good_and_one_bad_address_is_refused(stage, monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: both)
    outcome = stage.run("core.http.Request", stage.context(private_networks=[]), uri="http://mixed.example/")
    assert "10.0.0.1, which is not on the public internet" in outcome.error


def test_proxies_of_the_environment_are_not_used(stage, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert stage.run("core.http.Request", uri=f"{server.url}/json").state is State.SUCCESS


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.1.1", "fd00:ec2::254",
        "fe80::1", "fc00::1", "224.0.0.1", "255.255.255.255", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
        "0.0.0.0", "198.18.0.1", "192.0.2.1", "::",
    ],
)  # fmt: skip
def test_addresses_that_are_not_on_the_public_internet_are_refused(stage, address):
    assert not is_allowed(address, stage.context(private_networks=[]))


def test_a_namespace_may_be_let_into_private_networks_but_never_to_the_clouds_own_doors(stage):
    context = stage.context(private_networks=[], allow_private_networks=True)
    assert is_allowed("10.1.2.3", context)
    assert is_allowed("fc00::1", context)
    assert is_allowed("8.8.8.8", context)
    for address in (
        "169.254.169.254",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "169.254.1.1",
        "0.0.0.0",
        "224.0.0.1",
    ):
        assert not is_allowed(address, context)
    assert is_allowed("10.1.2.3", stage.context(private_networks=["10.0.0.0/8", "fd00::/8"]))
    assert not is_allowed("192.168.1.1", stage.context(private_networks=["10.0.0.0/8"]))
