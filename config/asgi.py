"""What `portico web` serves: pages and API, streams, and sockets."""

import multiprocessing
import os
import signal
from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.urls import re_path

from config.doorway import Doorway, StreamingHandler
from config.processes import die_with_parent
from config.wsgi import application as wsgi_application  # loads Django, which what follows needs
from config.wsgi_threads import WsgiThreads
from orchestrator.consumers import routes as socket_routes

# Every route that waits, streams or moves files, by name. All others must be short: they hold one of a few threads.
WAITING = frozenset(
    {"execution-follow", "log-follow", "log-download", "execution-log-file", "file", "file-download", "upload"},
)
NOT_FOUND = 4404


async def _no_such_socket(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.close", "code": NOT_FOUND, "reason": None})


class Application:
    """The ASGI application: chooses by the kind of connection."""

    def __init__(self) -> None:
        """Take the threads and the rooms' routes."""
        self._threads = WsgiThreads(wsgi_application, settings.WEB_THREADS, settings.WEB_QUEUE)
        limit = settings.UPLOAD_LIMIT + 1024 * 1024  # a form around the file
        self._http = Doorway(self._threads, StreamingHandler(), WAITING, limit)
        nowhere = re_path(r"", _no_such_socket)  # type: ignore[arg-type]  # Django's type knows views only
        # the consumers look up the session themselves, on connecting and again while they are open
        self._socket = AllowedHostsOriginValidator(URLRouter([*socket_routes, nowhere]))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI's own shapes
        """Serve one connection, or the server's start and end."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._live(receive, send)

    async def _live(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        if multiprocessing.parent_process() is not None:  # one of several processes of `portico web`
            die_with_parent(signal.SIGKILL, os.getppid())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._threads.close()
        await send({"type": "lifespan.shutdown.complete"})


application = Application()
