"""One guarded HTTP exchange: checked addresses, limits on time and size, ended when the task is told to stop."""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from orchestrator.tasks.contract import RunContext, TaskFailed
from orchestrator.tasks.http.addresses import allowed_addresses

REDIRECTS = 10
_SLICE = 0.25  # seconds between two looks at the stop event while waiting for bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """What to send, and how patient to be."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, Any, str]] | None = None  # name -> (file name, content, content type)
    auth: tuple[str, str] | None = None
    follow_redirects: bool = True
    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    verify: bool = True
    proxy: str = ""


@contextmanager
def answer_to(exchange: Exchange, context: RunContext) -> Iterator[httpx.Response]:
    """Send and yield the answer, its body not yet read.

    Raises TaskFailed for every address that is refused and everything that goes wrong on the way, TaskStopped on stop.
    """
    scheme = httpx.URL(exchange.url).scheme
    if scheme not in {"http", "https"}:
        raise TaskFailed(f"{scheme or 'This'} is not an address for HTTP: it must begin with http:// or https://.")
    timeout = httpx.Timeout(exchange.read_seconds, connect=exchange.connect_seconds)
    with httpx.Client(
        transport=_Transport(exchange, context),
        follow_redirects=exchange.follow_redirects,
        max_redirects=REDIRECTS,
        timeout=timeout,
        trust_env=False,
        auth=exchange.auth,
    ) as client:
        try:
            with client.stream(
                exchange.method,
                httpx.URL(exchange.url).copy_merge_params(dict(exchange.params)) if exchange.params else exchange.url,
                headers=dict(exchange.headers),
                content=exchange.content,
                data=dict(exchange.form) if exchange.form is not None else None,
                files=dict(exchange.files) if exchange.files else None,
            ) as response:
                yield response
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise TaskFailed(f"{exchange.method} {_shown(exchange.url)}: {_reason(error)}") from error


def body_of(response: httpx.Response, most: int, context: RunContext) -> Iterator[bytes]:
    """Yield the body in parts; raise TaskFailed when it is longer than `most` bytes."""
    length = 0
    for part in response.iter_bytes(64 * 1024):
        context.raise_if_stopped()
        length += len(part)
        if length > most:
            raise TaskFailed(f"The answer is longer than {most} bytes.")
        yield part


def _shown(url: str) -> str:
    return str(httpx.URL(url).copy_with(username=None, password=None, query=None))


def _reason(error: Exception) -> str:
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return "no connection in time"
        case httpx.ReadTimeout():
            return "no answer in time"
        case httpx.TooManyRedirects():
            return f"more than {REDIRECTS} redirects"
        case _:
            return str(error) or type(error).__name__


@lru_cache(maxsize=2)
def _tls(*, verify: bool) -> ssl.SSLContext:
    """Return the rules for certificates; reading the authorities costs more than a request."""
    secure = ssl.create_default_context()
    if not verify:
        secure.check_hostname = False
        secure.verify_mode = ssl.CERT_NONE
    return secure


class _Transport(httpx.HTTPTransport):
    """httpx over connections that go to checked addresses only; redirects come through here again."""

    def __init__(self, exchange: Exchange, context: RunContext) -> None:
        secure = _tls(verify=exchange.verify)
        super().__init__(verify=secure, trust_env=False)
        self._context = context
        self._direct = not exchange.proxy
        backend = _Backend(context)
        self._pool = (
            httpcore.ConnectionPool(ssl_context=secure, network_backend=backend)
            if self._direct
            else httpcore.HTTPProxy(exchange.proxy, ssl_context=secure, network_backend=backend)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._direct:  # the proxy will connect, so the target is checked here
            port = request.url.port or (443 if request.url.scheme == "https" else 80)
            allowed_addresses(request.url.host, port, self._context)
        return super().handle_request(request)


class _Backend(httpcore.NetworkBackend):
    """Connects to the first checked address of a name that answers."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"no connection to {host}")
        until = time.monotonic() + (timeout or 60.0)
        for address in allowed_addresses(host, port, self._context):
            self._context.raise_if_stopped()
            try:
                left = max(0.1, until - time.monotonic())
                return _Stream(
                    self._inner.connect_tcp(address, port, left, local_address, socket_options), self._context
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError(f"{path} is not on the network")


class _Stream(httpcore.NetworkStream):
    """A connection that looks at the stop event and the deadline while it waits."""

    def __init__(self, inner: httpcore.NetworkStream, context: RunContext) -> None:
        self._inner = inner
        self._context = context

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        until = time.monotonic() + (timeout or 60.0)
        while True:
            self._context.raise_if_stopped()
            deadline = self._context.deadline
            if deadline is not None and time.monotonic() > deadline:
                raise TaskFailed("The request took longer than the task's timeout.")
            try:
                return self._inner.read(max_bytes, timeout=_SLICE)
            except httpcore.ReadTimeout:
                if time.monotonic() >= until:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._context.raise_if_stopped()
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._context)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401
        return self._inner.get_extra_info(info)


def headers_of(response: httpx.Response) -> dict[str, list[str]]:
    """Return the answer's headers, each with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in response.headers.multi_items():
        found.setdefault(name, []).append(value)
    return found


def accepted(code: int, *, allow_failed: bool, codes: Sequence[int]) -> bool:
    """Tell whether a status code lets the task go on."""
    return allow_failed or code in codes or code < 400
