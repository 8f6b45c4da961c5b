"""With the keyboard alone, and what keys do."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def focus_by_tab(page: Page, role: str, name: str, most: int = 60) -> None:
    """Press Tab until something has the focus; its focus must be seen."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _press in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            style = wanted.evaluate("e => getComputedStyle(e).outlineStyle + getComputedStyle(e).boxShadow")
            assert style != "nonenone", f"the focus on {name} cannot be seen"
            return
    raise AssertionError(f"Tab does not lead to the {role} {name}")


def test_an_app_is_found_filled_in_and_submitted(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    bea.goto("/ui/demo/")
    bea.keyboard.press("Control+k")
    bea.keyboard.type("access")
    expect(bea.get_by_role("option", name=re.compile("Access request"))).to_be_visible()
    bea.keyboard.press("Enter")
    bea.wait_for_url(re.compile(r"/apps/\w+"))
    focus_by_tab(bea, "combobox", "System")
    bea.keyboard.type("Ledger")
    focus_by_tab(bea, "textbox", "Why do you need it?")
    bea.keyboard.type("To close the month of July")
    focus_by_tab(bea, "button", "Submit")
    bea.keyboard.press("Enter")
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    expect(bea.locator("#run-head")).to_contain_text("Succeeded", timeout=20_000)
    expect(bea.get_by_role("heading", level=1)).to_have_text("read access to Ledger")
    expect(bea.get_by_text("rule: reading is open to all staff")).to_be_visible()


def test_the_first_tab_leads_past_the_navigation(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    bea.goto("/ui/demo/apps")
    bea.keyboard.press("Tab")
    expect(bea.get_by_role("link", name="Skip to content")).to_be_focused()
    bea.keyboard.press("Enter")
    assert bea.evaluate("document.activeElement.id") == "main"


def test_keys_go_places_and_stay_out_of_fields(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    bea.goto("/ui/demo/")
    bea.keyboard.press("g")
    bea.keyboard.press("a")
    bea.wait_for_url(re.compile("/apps$"))
    bea.keyboard.press("/")
    search = bea.get_by_role("searchbox", name="Search apps")
    expect(search).to_be_focused()
    bea.keyboard.type("g h")
    expect(search).to_have_value("g h")
    assert bea.url.partition("?")[0].endswith("/apps")
