"""Every address of the product says which right it is about."""

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.core.actions import ACTIONS
from tenants.web.doors import MEMBER, WORDS, declared, door

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes(resolver=None, prefix=""):
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, path)
        elif isinstance(entry, URLPattern):
            yield path, entry.callback


def test_the_walk_finds_the_pages_we_know():
    assert {"sign-in", "ui/<str:tenant>/members", "api/v1/<str:tenant>/me", "health"} <= {path for path, _ in routes()}


def test_every_route_declares_its_action():
    undeclared = [
        f"{method} /{path}"
        for path, view in routes()
        for method in METHODS
        if declared(view, method) not in ACTIONS | WORDS
    ]
    assert undeclared == []


def test_rights_and_membership_are_asked_only_where_the_address_names_a_tenant():
    for path, view in routes():
        if {declared(view, method) for method in METHODS} & (ACTIONS | {MEMBER}):
            assert re.match(r"(ui|api/v1|p|ws)/<(str:|slug:)?tenant>", path), path


def test_a_door_for_a_right_that_does_not_exist_cannot_be_built():
    with pytest.raises(ValueError, match=r"flow\.fly"):
        door("flow.fly")
    with pytest.raises(ValueError, match=r"flow\.fly"):
        door("flow.view", POST="flow.fly")


def test_a_method_may_have_an_action_of_its_own():
    @door("flow.view", POST="flow.update")
    def view(request):
        return None

    assert [declared(view, method) for method in ("GET", "HEAD", "POST", "PUT")] == [
        "flow.view",
        "flow.view",
        "flow.update",
        "flow.view",
    ]
