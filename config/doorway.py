"""One port, three kinds of traffic: short requests, requests that wait or stream, and sockets.

Short requests run in WSGI threads. The named routes of WAITING are served by Django's ASGI handler with the same
middleware, so that a hundred open streams hold no thread. The choice is made by the resolved route, never by the text
of the path (reliability.md 12).
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.urls import Resolver404, resolve

from config.wsgi_threads import Scope, Send, WsgiThreads, send_text

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

SILENCE_SECONDS = 30.0
KEPT_IN_MEMORY = 1024 * 1024
DRAINED = 3  # a body this many times the limit is read to its end before the refusal, else clients see no answer


class BodyRefused(Exception):
    """A request's body is too large or does not arrive; carries the answer."""

    def __init__(self, status: int, sentence: str) -> None:
        """Remember the HTTP status and the sentence to send."""
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class ClientLeft(Exception):
    """The client closed the connection before its body was here."""


class StreamingHandler(ASGIHandler):
    """Django's ASGI handler, giving the database connection back at the end of each request.

    Its synchronous parts run in a thread that lives for one request, so nothing else would close it.
    """

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # Django's own types
        """Answer one request."""
        try:
            await super().handle(scope, receive, send)
        finally:
            await sync_to_async(connections.close_all)()


class GuardedBody:
    """The `receive` of a request, with a limit on size and on silence until the body is complete."""

    def __init__(self, scope: Scope, receive: Receive, limit: int, silence: float) -> None:
        """Read the announced length; nothing is received yet."""
        self._receive = receive
        self._limit = limit
        self._silence = silence
        self._read = 0
        headers = dict(scope["headers"])
        announced = headers.get(b"content-length", b"")
        self._announced = int(announced) if announced.isdigit() else None
        self._asks_first = headers.get(b"expect", b"").lower() == b"100-continue"
        self.complete = self._announced in {None, 0} and b"transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """Return the next message; raises BodyRefused. After the body it waits for the client's end, as usual."""
        if self.complete:
            return await self._receive()
        if self._announced is not None and self._announced > self._limit:
            await self._refuse_size()
        message = await self._next()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self._read > self._limit:
                await self._refuse_size()
        return message

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(self._silence):
                return await self._receive()
        except TimeoutError:
            raise BodyRefused(408, f"The request's body did not arrive: {self._silence:.0f} s of silence.") from None

    async def _refuse_size(self) -> None:
        while not self.complete and not self._asks_first and self._read <= DRAINED * self._limit:
            message = await self._next()
            if message["type"] == "http.disconnect":
                break
            self._read += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        raise BodyRefused(413, f"The request is too large; at most {self._limit // (1024 * 1024)} MB are accepted.")

    async def to_file(self) -> "tempfile.SpooledTemporaryFile[bytes]":
        """Read the whole body into a temporary file (in memory while small); raises BodyRefused, ClientLeft."""
        file = tempfile.SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115  # closed with the request
        while not self.complete:
            message = await self()
            if message["type"] == "http.disconnect":
                file.close()
                raise ClientLeft
            file.write(message.get("body", b""))
        self.length = file.tell()
        file.seek(0)
        return file


class Doorway:
    """Sends each HTTP request to the threads or to the streaming handler."""

    def __init__(
        self,
        threads: WsgiThreads,
        streams: Callable[..., Awaitable[None]],
        waiting: frozenset[str],
        limit: int,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        """Send the routes named in `waiting` to `streams`; refuse bodies of more than `limit` bytes."""
        self._threads = threads
        self._streams = streams
        self._waiting = waiting
        self._limit = limit
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = GuardedBody(scope, receive, self._limit, self._silence)
        try:
            if self.waits(scope["path"]):
                await self._streams(scope, body, send)
                return
            with await body.to_file() as file:
                await self._threads(scope, file, body.length, send)
        except BodyRefused as refused:
            await send_text(send, refused.status, refused.sentence)
        except ClientLeft:
            return

    def waits(self, path: str) -> bool:
        """Tell whether the route behind `path` waits or streams."""
        try:
            return resolve(path).view_name in self._waiting
        except Resolver404:
            return False
