"""Answer requests with a WSGI application in a fixed number of threads, from inside an ASGI server.

A thread is taken only when the whole body is here and given back before the answer is sent, so that neither a slow
upload nor a slow download holds one. Each thread keeps its database connection from request to request.
"""

import asyncio
import contextvars
import functools
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

log = logging.getLogger("portico.web")

Environ = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class WsgiThreads:
    """A WSGI application behind `threads` threads; more than `queue` waiting requests are sent away with a 503."""

    def __init__(self, application: WsgiApplication, threads: int, queue: int) -> None:
        """Make the threads when they are first needed."""
        self._application = application
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._room = threads + queue

    async def __call__(self, scope: Scope, body: IO[bytes], length: int, send: Send) -> None:
        """Answer one request whose body of `length` bytes is in `body`."""
        if self._room <= 0:
            await send_text(
                send, 503, "Too many requests are waiting; try again in a moment.", [(b"retry-after", b"1")]
            )
            return
        self._room -= 1
        try:
            environ = environ_of(scope, body, length)
            answer = functools.partial(contextvars.copy_context().run, self._answer, environ)
            status, headers, content = await asyncio.get_running_loop().run_in_executor(self._pool, answer)
        finally:
            self._room += 1
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        self._pool.shutdown(wait=False)

    def _answer(self, environ: Environ) -> tuple[int, Headers, bytes]:
        """Run the application in this thread; returns status, headers and the whole content."""
        begun: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:  # noqa: ARG001
            code = int(status.split(" ", 1)[0])
            begun.append((code, [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]))

        try:
            chunks = self._application(environ, start_response)
            try:
                content = b"".join(chunks)
            finally:
                close = getattr(chunks, "close", None)
                if close is not None:
                    close()
        except Exception:
            log.exception("a request failed outside Django")
            return 500, [(b"content-type", b"text/plain; charset=utf-8")], b"Something went wrong on our side."
        status, headers = begun[-1]
        return status, headers, content


def environ_of(scope: Scope, body: IO[bytes], length: int) -> Environ:
    """Return the WSGI environ of an ASGI request."""
    host, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", "").encode().decode("latin-1"),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_text in scope["headers"]:
        name = raw_name.decode("latin-1")
        if "_" in name:  # X_Forwarded_For would pass for X-Forwarded-For
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        text = raw_text.decode("latin-1")
        if key in environ:
            text = environ[key] + ("; " if key == "HTTP_COOKIE" else ",") + text
        environ[key] = text
    if "HTTP_CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(length)
    return environ


async def send_text(send: Send, status: int, sentence: str, more: Headers | None = None) -> None:
    """Send a sentence as the whole answer and close the connection."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sentence.encode()})
