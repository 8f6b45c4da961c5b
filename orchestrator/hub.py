"""Carries "something changed" to the open sockets and streams of one web process.

One Redis connection, however many watchers. Its words may get lost, doubled or late, so they only say where to look:
versions are read from the database, once for all watchers of a tenant, and every two seconds also without a word.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings
from redis.exceptions import RedisError

from orchestrator.core.states import FINAL, State
from orchestrator.models import Execution
from tenants.tenancy import in_tenant

_log = logging.getLogger(__name__)

CHANNEL = "portico:changed:"
LOOK_EVERY = 2.0  # seconds
GATHER = 0.05  # seconds for which words are gathered before the database is asked
GATHER_LISTS = 0.5


@dataclass(frozen=True, slots=True)
class News:
    """What a watcher is told. `version` is None when the states stayed and log lines may be new, and for lists."""

    version: int | None = None
    final: bool = False


class Watcher:
    """One open socket or stream: a queue of one, because only the newest word counts."""

    def __init__(self, tenant_id: int, execution_id: str | None, version: int) -> None:
        self.tenant_id = tenant_id
        self.execution_id = execution_id  # None: the lists of the tenant
        self.version = version
        self.final = False
        self._event = asyncio.Event()
        self._news: News | None = None

    def tell(self, news: News) -> None:
        """Leave a word; one that was not fetched yet is replaced, a version is not by a mere "look"."""
        if news.version is None and self._news is not None:
            return
        self._news = news
        self._event.set()

    async def wait(self, seconds: float) -> News | None:
        """Return the newest word as soon as there is one; None after `seconds` without."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        news, self._news = self._news, None
        self._event.clear()
        return news


class Hub:
    """All watchers of one event loop. It listens while there is at least one."""

    def __init__(self) -> None:
        self._watchers: dict[tuple[int, str | None], set[Watcher]] = defaultdict(set)
        self._dirty: set[tuple[int, str]] = set()
        self._stirred = asyncio.Event()
        self._listening = False
        self._tasks: list[asyncio.Task[None]] = []
        self._lists_due: set[int] = set()

    async def watch(self, tenant_id: int, execution_id: str | None, version: int = -1) -> Watcher:
        """Begin to watch an execution from `version` on, or with None the lists of the tenant."""
        watcher = Watcher(tenant_id, execution_id, version)
        self._watchers[tenant_id, execution_id].add(watcher)
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]
        if execution_id is not None:
            self._dirty.add((tenant_id, execution_id))
            self._stirred.set()
        return watcher

    async def leave(self, watcher: Watcher) -> None:
        """Stop watching; with the last watcher the Redis connection is given up too."""
        key = (watcher.tenant_id, watcher.execution_id)
        self._watchers[key].discard(watcher)
        if not self._watchers[key]:
            del self._watchers[key]
        if not self._watchers:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # Redis ---------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Gather the words of Redis for as long as this lives; without Redis the database is asked all the same."""
        pause = 0.2
        while True:
            try:
                await self._listen_once()
                pause = 0.2
            except (RedisError, OSError) as error:
                if self._listening:
                    _log.warning("no news from Redis, looking into the database instead: %s", error)
            self._listening = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _listen_once(self) -> None:
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1.0)
        try:
            async with client.pubsub() as words:
                await words.psubscribe(f"{CHANNEL}*")
                self._listening = True
                while True:
                    word = await words.get_message(ignore_subscribe_messages=True, timeout=10.0)
                    if word is not None:
                        self._heard(word["channel"])
        finally:
            await client.aclose()

    def _heard(self, channel: bytes | str) -> None:
        name = channel.decode() if isinstance(channel, bytes) else channel
        tenant, _, execution_id = name.removeprefix(CHANNEL).partition(":")
        if not tenant.isdecimal():
            return
        if not execution_id:
            self._lists_changed(int(tenant))
        elif (int(tenant), execution_id) in self._watchers:
            self._dirty.add((int(tenant), execution_id))
            self._stirred.set()

    def _lists_changed(self, tenant_id: int) -> None:
        """Tell the tenant's lists a moment later, once for all the words that come in until then."""
        if tenant_id not in self._lists_due and (tenant_id, None) in self._watchers:
            self._lists_due.add(tenant_id)
            asyncio.get_running_loop().call_later(GATHER_LISTS, self._tell_lists, tenant_id)

    def _tell_lists(self, tenant_id: int) -> None:
        self._lists_due.discard(tenant_id)
        for watcher in self._watchers.get((tenant_id, None), ()):
            watcher.tell(News())

    # The database --------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            heard = True
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._stirred.wait()
            except TimeoutError:
                heard = False
            if heard:
                await asyncio.sleep(GATHER)
            self._stirred.clear()
            dirty, self._dirty = self._dirty, set()
            if not heard:
                dirty = {(tenant, execution) for tenant, execution in self._watchers if execution is not None}
                self._tell_lists_without_redis()
            try:
                await self._tell_versions(dirty, heard=heard or not self._listening)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - the database may be away for a while
                _log.exception("could not read the versions of watched executions")
                await asyncio.sleep(LOOK_EVERY)

    def _tell_lists_without_redis(self) -> None:
        if not self._listening:
            for tenant_id in {tenant for tenant, execution in self._watchers if execution is None}:
                self._tell_lists(tenant_id)

    async def _tell_versions(self, keys: Iterable[tuple[int, str]], *, heard: bool) -> None:
        by_tenant: dict[int, list[str]] = defaultdict(list)
        for tenant_id, execution_id in keys:
            by_tenant[tenant_id].append(execution_id)
        for tenant_id, ids in by_tenant.items():
            for execution_id, version, state in await database_sync_to_async(_versions)(tenant_id, ids):
                final = State(state) in FINAL
                for watcher in self._watchers.get((tenant_id, execution_id), ()):
                    if version > watcher.version or final != watcher.final:
                        watcher.version, watcher.final = version, final
                        watcher.tell(News(version, final))
                    elif heard and not final:
                        watcher.tell(News())


def _versions(tenant_id: int, ids: list[str]) -> list[tuple[str, int, str]]:
    with in_tenant(tenant_id):
        rows = Execution.objects.in_tenant(tenant_id).filter(id__in=ids)
        return list(rows.values_list("id", "version", "state"))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop; a web process has one loop and so one hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
