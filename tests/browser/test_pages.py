"""Every page of the portal, looked at by axe, in light and dark, on a desk and on a phone."""

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESK, PHONE

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
ALL = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
OF_LOOKS = {"runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}, "resultTypes": ["violations"]}
SETTLED = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const changes = document.getAnimations().filter((one) => one instanceof CSSTransition);
  await Promise.allSettled(changes.map((one) => one.finished));
}"""
LOOKS = (("light", DESK, ALL), ("dark", DESK, OF_LOOKS), ("dark", PHONE, ALL), ("light", PHONE, OF_LOOKS))
FLOW = "/ui/demo/flows/harbour.operations/delay_compensation"

PAGES = {
    "sign-in": ("", "/sign-in"),
    "home of a business user": ("bea", "/ui/demo/"),
    "home of an engineer": ("emil", "/ui/demo/"),
    "catalog": ("bea", "/ui/demo/apps"),
    "my requests": ("bea", "/ui/demo/requests"),
    "approvals": ("finn", "/ui/demo/approvals"),
    "notices": ("finn", "/ui/demo/notices"),
    "flows": ("emil", "/ui/demo/flows"),
    "flow": ("emil", FLOW),
    "editor": ("emil", f"{FLOW}/edit"),
    "revisions": ("emil", f"{FLOW}/revisions"),
    "flow's form": ("emil", f"{FLOW}/run"),
    "publish": ("emil", f"{FLOW}/publish"),
    "executions": ("emil", "/ui/demo/executions"),
    "members": ("ada", "/ui/demo/members"),
    "groups": ("ada", "/ui/demo/groups"),
    "access": ("ada", "/ui/demo/access"),
    "audit": ("ada", "/ui/demo/audit"),
    "me": ("bea", "/ui/demo/me"),
}


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with a page in each look: axe's findings, and parts that stick out sideways.

    All rules in two looks; the other two are asked for what a look can change: contrast and the size of targets.
    """
    found = []
    page.evaluate(AXE)
    for scheme, size, options in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        page.evaluate(SETTLED)  # colours change over a millisecond even with reduced motion
        look = f"{scheme} {size['width']}"
        for one in page.evaluate("options => axe.run(document, options)", options)["violations"]:
            where = "; ".join(f"{node['target']} {node['failureSummary']}" for node in one["nodes"][:3])
            found.append(f"{look}: {one['id']}: {one['help']}: {where}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{look}: {wide} px stick out sideways")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_in_every_look(name: str, clean: Callable[..., Page]) -> None:
    person, address = PAGES[name]
    page = clean(person)
    answer = page.goto(address)
    assert answer is not None
    assert answer.ok, answer.status
    assert page.get_by_role("heading", level=1).count() == 1
    assert faults_of(page) == []


@pytest.mark.parametrize("app", ["Delay compensation review", "Access request", "Weather and delays"])
def test_a_form_is_accessible_in_every_look(app: str, clean: Callable[..., Page]) -> None:
    page = clean("bea")
    page.goto("/ui/demo/apps")
    page.get_by_role("link", name=app).click()
    page.wait_for_url(re.compile(r"/apps/\w+"))
    assert faults_of(page) == []
