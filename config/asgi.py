"""What `portico web` serves: pages and API, streams, and sockets."""

import importlib
import importlib.util
import multiprocessing
import os
import signal
from typing import Any

import django
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.urls import re_path

from config.doorway import Doorway, StreamingHandler
from config.processes import die_with_parent
from config.wsgi import application as wsgi_application
from config.wsgi_threads import WsgiThreads

# Every route that waits, streams or moves files. All other routes must be short: they hold one of a few threads.
WAITING = frozenset(
    {
        "api:execution-follow",
        "api:logs-follow",
        "api:execution-wait",
        "api:webhook-wait",
        "api:file",
        "api:files",
        "file",
        "file-download",
        "upload",
        "staged-upload",
        "option-source",
        "execution-follow",
        "log-follow",
    },
)
SOCKET_ROUTES = ("orchestrator.consumers", "apps_portal.consumers")
NOT_FOUND = 4404


async def _no_such_socket(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await send({"type": "websocket.close", "code": NOT_FOUND, "reason": None})


def _socket_routes() -> list[Any]:
    """Return each room's `routes` (a list of Django paths to consumers)."""
    found: list[Any] = []
    for name in SOCKET_ROUTES:
        if importlib.util.find_spec(name) is not None:
            found.extend(importlib.import_module(name).routes)
    return [*found, re_path(r"", _no_such_socket)]  # type: ignore[arg-type]


class Application:
    """The ASGI application: chooses by the kind of connection."""

    def __init__(self) -> None:
        """Load Django and the rooms' routes."""
        django.setup(set_prefix=False)
        self._threads = WsgiThreads(wsgi_application, settings.WEB_THREADS, settings.WEB_QUEUE)
        limit = settings.UPLOAD_LIMIT + 1024 * 1024  # a form around the file
        self._http = Doorway(self._threads, StreamingHandler(), WAITING, limit)
        self._socket = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(_socket_routes())))

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
