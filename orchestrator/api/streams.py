"""Following by server-sent events, and files: answers that stay open, served apart from short requests."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from channels.db import database_sync_to_async
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from orchestrator import access, changes
from orchestrator.access import Part
from orchestrator.api.executions import whole_json
from orchestrator.api.shapes import line_json
from orchestrator.changes import Lines
from orchestrator.core.states import FINAL, State
from orchestrator.downloads import download
from orchestrator.hub import hub
from orchestrator.watching import AGAIN, Visitor
from tenants.actor import Actor
from tenants.errors import NotFound, PorticoError
from tenants.tenancy import in_tenant
from tenants.web.doors import door
from tenants.web.who import bearer_of

STILL_HERE = ": still here\n\n"  # a comment of the format, which keeps proxies from closing the connection


@require_safe
@door("execution.follow", stream=True)
def follow_execution(request: HttpRequest, tenant: str, execution_id: str) -> StreamingHttpResponse:
    """Send the execution now, after every change, and last when it has ended."""
    actor = _actor(request)
    with in_tenant(actor.tenant_id):
        access.execution_for(actor, "execution.follow", execution_id)
    return _stream(_executions(visitor_of(request, tenant), actor, tenant, execution_id))


@require_safe
@door("execution.follow", stream=True)
def follow_logs(request: HttpRequest, tenant: str, execution_id: str) -> StreamingHttpResponse:
    """Send every log line so far, then new ones, until the execution has ended."""
    actor = _actor(request)
    with in_tenant(actor.tenant_id):
        execution = access.execution_for(actor, "execution.follow", execution_id)
        if not access.may_see(actor, execution, Part.LOGS):
            raise NotFound
    return _stream(_lines(visitor_of(request, tenant), actor, execution_id))


@require_safe
@door("execution.access_files", stream=True)
def file(request: HttpRequest, tenant: str, execution_id: str) -> StreamingHttpResponse:  # noqa: ARG001
    """Send a file of the execution, named by `path`, as a download."""
    actor = _actor(request)
    with in_tenant(actor.tenant_id):
        execution = access.execution_to_follow(actor, execution_id)
        artifact = access.artifact_for(actor, execution, request.GET.get("path", ""))
    return download(actor.tenant_id, artifact)


@require_safe
@door("execution.access_files")
def file_metas(request: HttpRequest, tenant: str, execution_id: str) -> JsonResponse:  # noqa: ARG001
    """Return the size of a file of the execution."""
    actor = _actor(request)
    artifact = access.artifact_for(actor, access.execution_to_follow(actor, execution_id), request.GET.get("path", ""))
    return JsonResponse({"size": artifact.size, "name": artifact.name, "sha256": artifact.sha256})


def visitor_of(request: HttpRequest, tenant: str) -> Visitor:
    """Return who sent a request, in a form that can be asked for again."""
    bearer = bearer_of(request)
    return Visitor(tenant, bearer=bearer, session_key=None if bearer else request.session.session_key)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor | None = request.actor  # type: ignore[attr-defined]  # set by our middleware
    if actor is None:
        raise NotFound
    return actor


def _stream(events: AsyncIterator[str]) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8")
    answer.headers["Cache-Control"] = "no-cache, no-transform"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _event(name: str, data: object) -> str:
    return f"id: {name}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False, default=str)}\n\n"


async def _executions(visitor: Visitor, actor: Actor, tenant: str, execution_id: str) -> AsyncIterator[str]:
    def look(actor: Actor) -> dict[str, Any]:
        with in_tenant(actor.tenant_id):
            return whole_json(actor, access.execution_for(actor, "execution.follow", execution_id), tenant)

    shown: dict[str, Any] | None = None
    async with aclosing(_moments(visitor, actor, execution_id)) as moments:
        async for now in moments:
            try:
                execution = await database_sync_to_async(look)(now)
            except PorticoError:  # the right was lost
                return
            over = State(execution["state"]["current"]) in FINAL
            if execution != shown:
                yield _event("end" if over else "start" if shown is None else "progress", execution)
            else:
                yield STILL_HERE
            shown = execution
            if over:
                return


async def _lines(visitor: Visitor, actor: Actor, execution_id: str) -> AsyncIterator[str]:
    read = Lines()

    def look(actor: Actor) -> tuple[list[dict[str, Any]], Lines, bool, bool]:
        with in_tenant(actor.tenant_id):
            execution = access.execution_for(actor, "execution.follow", execution_id)
            if not access.may_see(actor, execution, Part.LOGS):
                raise NotFound
            found = changes.changes_since(actor, execution, execution.version, read)
            return [line_json(execution, line) for line in found.lines], found.cursor, found.final, found.more

    async with aclosing(_moments(visitor, actor, execution_id)) as moments:
        async for now in moments:
            more = True
            while more:
                try:
                    lines, read, over, more = await database_sync_to_async(look)(now)
                except PorticoError:
                    return
                for line in lines:
                    yield _event("progress", line)
                if over and not more:
                    yield _event("end", {})
                    return
            if not lines:
                yield STILL_HERE


async def _moments(visitor: Visitor, actor: Actor, execution_id: str) -> AsyncGenerator[Actor]:
    """Yield the actor, with the rights of that moment, now and whenever it is worth to look; end with the right."""
    watcher = await hub().watch(actor.tenant_id, execution_id)
    checked = asyncio.get_running_loop().time()
    now: Actor | None = actor
    try:
        while now is not None:
            yield now
            await watcher.wait(AGAIN)
            if asyncio.get_running_loop().time() >= checked + AGAIN:
                checked = asyncio.get_running_loop().time()
                now = await database_sync_to_async(visitor.actor)()
    finally:
        await hub().leave(watcher)
