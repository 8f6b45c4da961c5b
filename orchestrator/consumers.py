"""Sockets: they only say that something changed; what changed is fetched by HTTP, with HTTP's own checks.

Close codes: 4401 not signed in, 4403 the right was lost, 4404 unknown (or not to be known), 1000 the run is over.
"""

import asyncio
import json
import logging
import re
from http.cookies import CookieError, SimpleCookie
from typing import Any, ClassVar
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.urls import path

from orchestrator import access
from orchestrator.hub import News, Watcher, hub
from orchestrator.watching import AGAIN, Visitor
from tenants.actor import Actor
from tenants.errors import NotFound
from tenants.tenancy import in_tenant

_log = logging.getLogger(__name__)

SIGNED_OUT = 4401
REFUSED = 4403
UNKNOWN = 4404
OVER = 1000
PING_EVERY = 20.0  # seconds
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """A socket of a signed-in person in a tenant; a subclass says what it watches."""

    action: ClassVar[str] = "member"

    async def connect(self) -> None:
        """Accept and look who it is; a refusal is a close code, which browsers can read only after accepting."""
        self._task: asyncio.Task[None] | None = None
        await self.accept()
        self.tenant: str = self.scope["url_route"]["kwargs"]["tenant"]
        self.visitor = Visitor(self.tenant, session_key=session_key_of(self.scope))
        actor = await self.admitted(SIGNED_OUT, UNKNOWN)
        if actor is not None:
            self._task = asyncio.create_task(self._serve(actor))

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - Channels' shape
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore what browsers say: there is nothing to ask for."""

    async def admitted(self, signed_out: int, unknown: int) -> Actor | None:
        """Return the actor with the rights of now; else close and return None."""
        if await database_sync_to_async(self.visitor.user_id)() is None:
            await self.close(code=signed_out)
            return None
        actor: Actor | None = await database_sync_to_async(self.visitor.actor)()
        if actor is None or not await database_sync_to_async(self._may)(actor):
            await self.close(code=unknown)
            return None
        return actor

    def _may(self, actor: Actor) -> bool:
        with in_tenant(actor.tenant_id):
            return self.may(actor)

    async def _serve(self, actor: Actor) -> None:
        watcher = await self.watch(actor)
        try:
            await self._tell(watcher)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the browser comes back
            _log.exception("a socket of %s failed", self.tenant)
            await self.close(code=1011)
        finally:
            await hub().leave(watcher)

    async def _tell(self, watcher: Watcher) -> None:
        loop = asyncio.get_running_loop()
        check_at, ping_at = loop.time() + AGAIN, loop.time() + PING_EVERY
        while True:
            news = await watcher.wait(max(0.0, min(check_at, ping_at) - loop.time()))
            if loop.time() >= check_at:
                check_at = loop.time() + AGAIN
                if await self.admitted(SIGNED_OUT, REFUSED) is None:
                    return
            if loop.time() >= ping_at:
                ping_at = loop.time() + PING_EVERY
                await self.send(text_data='{"ping": true}')
            if news is not None and await self.say(news):
                await self.close(code=OVER)
                return

    # What a subclass gives ------------------------------------------------------------------------------------------

    def may(self, actor: Actor) -> bool:
        """Say whether `actor` may watch this; runs in the tenant's transaction."""
        raise NotImplementedError

    async def watch(self, actor: Actor) -> Watcher:
        """Begin to watch."""
        raise NotImplementedError

    async def say(self, news: News) -> bool:
        """Send a word; return whether it was the last one."""
        raise NotImplementedError


class ExecutionConsumer(LiveConsumer):
    """`/ws/{tenant}/executions/{id}?since=`: `{"version": n, "final": bool}`, or `{"logs": true}` for new lines."""

    action = "execution.follow"

    def may(self, actor: Actor) -> bool:
        """Who may watch the states of the execution, in whatever view."""
        try:
            access.execution_to_follow(actor, self.scope["url_route"]["kwargs"]["execution_id"])
        except NotFound:
            return False
        return True

    async def watch(self, actor: Actor) -> Watcher:
        """Begin behind the version that the page shows already."""
        given = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("since", ["-1"])[-1]
        since = int(given) if _NUMBER.fullmatch(given) else -1
        return await hub().watch(actor.tenant_id, self.scope["url_route"]["kwargs"]["execution_id"], since)

    async def say(self, news: News) -> bool:
        """Send the version; the last word says final."""
        if news.version is None:
            await self.send(text_data='{"logs": true}')
            return False
        await self.send(text_data=json.dumps({"version": news.version, "final": news.final}))
        return news.final


class HintsConsumer(LiveConsumer):
    """`/ws/{tenant}/`: `{"lists": ["executions", "approvals"]}` when lists of the tenant may have changed."""

    def may(self, actor: Actor) -> bool:  # noqa: ARG002 - being a member is enough: a hint says nothing else
        """Every member."""
        return True

    async def watch(self, actor: Actor) -> Watcher:
        """Watch the tenant."""
        return await hub().watch(actor.tenant_id, None)

    async def say(self, news: News) -> bool:  # noqa: ARG002
        """Send the hint."""
        await self.send(text_data='{"lists": ["executions", "approvals"]}')
        return False


def session_key_of(scope: dict[str, Any]) -> str | None:
    """Return the session id in a socket's cookies."""
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
            except CookieError:
                return None
            return None if cookie is None else cookie.value
    return None


routes = [
    path("ws/<str:tenant>/executions/<str:execution_id>", ExecutionConsumer.as_asgi()),
    path("ws/<str:tenant>/hints", HintsConsumer.as_asgi()),
    path("ws/<str:tenant>/", HintsConsumer.as_asgi()),
]
