"""Who is kept out, and what they see."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch

FLOW = "/ui/demo/flows/harbour.operations/delay_compensation"
INSIDE = ("/ui/demo/", "/ui/demo/apps", "/ui/demo/flows", FLOW, "/ui/demo/requests/1", "/ui/demo/approvals")


@pytest.mark.parametrize("address", INSIDE)
def test_somebody_of_another_tenant_finds_nothing(address: str, clean: Callable[..., Page], watch: Watch) -> None:
    watch.expect("status of 404")
    dana = clean("dana")
    answer = dana.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(dana.get_by_role("heading", level=1)).to_be_visible()
    expect(dana.locator("body")).not_to_contain_text("Harbour")


def test_nobody_is_asked_to_sign_in_and_led_back(clean: Callable[..., Page]) -> None:
    page = clean()
    page.goto("/ui/demo/apps")
    page.wait_for_url(re.compile("/sign-in"))
    assert "next=" in page.url


def test_a_member_without_rights_sees_an_empty_catalog_and_no_engineers_pages(
    clean: Callable[..., Page], watch: Watch
) -> None:
    watch.expect("status of 40[34]")
    charlie = clean("charlie")
    charlie.goto("/ui/demo/apps")
    expect(charlie.get_by_role("link", name="Delay compensation review")).to_have_count(0)
    answer = charlie.goto(FLOW)
    assert answer is not None
    assert answer.status == 404
    answer = charlie.goto("/ui/demo/members")
    assert answer is not None
    assert answer.status == 403
    expect(charlie.locator("main")).to_contain_text("Ada Lindqvist")  # who can give it


def test_a_business_user_does_not_see_the_engineers_navigation(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    bea.goto("/ui/demo/")
    navigation = bea.get_by_role("navigation").first
    expect(navigation.get_by_role("link", name="Apps")).to_be_visible()
    expect(navigation.get_by_role("link", name="Flows")).to_have_count(0)
    expect(navigation.get_by_role("link", name="Members")).to_have_count(0)


def test_an_app_hands_out_what_its_page_offers_and_nothing_else(clean: Callable[..., Page], watch: Watch) -> None:
    watch.expect("status of 404")
    bea = clean("bea")
    bea.goto("/ui/demo/apps")
    bea.get_by_role("link", name="Delay compensation review").click()
    bea.wait_for_url(re.compile(r"/apps/\w+"))
    files = f"{bea.url}/files"
    assert bea.request.get(f"{files}/samples/claims-july-2013.csv").status == 200
    for path in ("flights.csv", "samples/../flights.csv", "samples/claims-july-2013.csv/x"):
        assert bea.request.get(f"{files}/{path}").status == 404
    dana = clean("dana")
    assert dana.request.get(f"{files}/samples/claims-july-2013.csv").status == 404
