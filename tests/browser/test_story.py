"""The whole story in a real browser: an engineer publishes a flow, a colleague uses it, another approves it."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.flows import EXPENSES, OVER, flow_text, fresh_name
from tests.browser.test_pages import faults_of


def write_in_editor(page: Page, text: str) -> None:
    """Paste a text over what stands in the editor."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("yaml-editor .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")


def test_a_flow_becomes_an_app_and_a_person_runs_it(clean: Callable[..., Page], watch: Watch, tmp_path: Path) -> None:
    flow_id = fresh_name()
    app = flow_id.replace("_", " ").capitalize()
    emil = clean("emil")
    save_with_a_problem_on_the_way(emil, flow_id)
    publish_with_two_clicks(emil, app)

    bea = clean("bea")
    fill_in_with_one_mistake(bea, app, watch, tmp_path)
    submit_and_follow_until_finance_is_asked(bea)

    finn = clean("finn")
    approve_from_the_inbox(finn, app)

    the_result_is_there(bea, tmp_path)
    the_engineer_looks_inside(emil, flow_id)


def save_with_a_problem_on_the_way(emil: Page, flow_id: str) -> None:
    text = flow_text(flow_id)
    emil.goto("/ui/demo/flows")
    emil.get_by_role("link", name="New flow").first.click()
    write_in_editor(emil, text.replace("scripts.shell.Commands", "scripts.shell.Comands"))
    problems = emil.get_by_role("region", name="Problems")
    expect(problems).to_contain_text("scripts.shell.Commands")  # did you mean
    expect(problems).to_contain_text(re.compile(r"line 4\d"))
    write_in_editor(emil, text)
    expect(problems).to_contain_text("No problems")
    expect(emil.locator("flow-graph")).to_contain_text("finance_ok")
    emil.get_by_role("button", name="Save").click()
    emil.wait_for_url(re.compile(f"harbour.operations/{flow_id}"))
    emil.get_by_role("link", name="Overview").click()


def publish_with_two_clicks(emil: Page, app: str) -> None:
    emil.get_by_role("link", name="Publish as app").click()
    emil.get_by_role("button", name="Publish").click()
    expect(emil.get_by_role("heading", level=1)).to_contain_text(app)


def fill_in_with_one_mistake(bea: Page, app: str, watch: Watch, tmp_path: Path) -> None:
    watch.expect("status of 422")
    bea.goto("/ui/demo/apps")
    bea.get_by_role("searchbox", name="Search apps").fill(app)
    bea.get_by_role("link", name=app).click()
    file = tmp_path / "expenses.csv"
    file.write_bytes(EXPENSES)
    bea.get_by_label("Expenses").set_input_files(file)
    expect(bea.get_by_text("expenses.csv")).to_be_visible()
    bea.get_by_label("Limit for one person").fill("0")
    bea.get_by_role("button", name="Submit").click()
    summary = bea.get_by_role("alert").filter(has_text="needs a change")
    expect(summary).to_be_visible()
    summary.get_by_role("link", name=re.compile("Limit for one person")).click()
    expect(bea.get_by_label("Limit for one person")).to_be_focused()
    expect(bea.get_by_text("expenses.csv")).to_be_visible()  # the file is kept
    bea.get_by_label("Limit for one person").fill("100")


def submit_and_follow_until_finance_is_asked(bea: Page) -> None:
    bea.get_by_role("button", name="Submit").click()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    bea.evaluate("window.neverReloaded = true")
    expect(bea.get_by_text("Waiting for a decision of Finance")).to_be_visible(timeout=30_000)
    expect(bea.get_by_text("somebody else has to decide")).to_be_visible()


def approve_from_the_inbox(finn: Page, app: str) -> None:
    finn.goto("/ui/demo")
    expect(finn.get_by_role("link", name=re.compile("Approvals"))).to_contain_text(re.compile("[1-9]"))
    finn.get_by_role("link", name=re.compile("Approvals")).click()
    finn.get_by_role("link", name=app).click()
    finn.get_by_role("link", name="Approve…").click()
    dialog = finn.get_by_role("dialog")
    dialog.get_by_label("Remark").fill("Looks right")
    dialog.get_by_role("button", name="Approve").click()
    expect(finn.get_by_text("Approved.")).to_be_visible()


def the_result_is_there(bea: Page, tmp_path: Path) -> None:
    expect(bea.get_by_text("2 of 3")).to_be_visible(timeout=30_000)  # the report
    assert bea.evaluate("window.neverReloaded")
    table = bea.get_by_role("table", name="People")
    expect(table.get_by_role("row", name=re.compile("Cleo"))).to_contain_text("300")
    expect(bea.locator("canvas")).to_be_visible()
    with bea.expect_download() as download:
        bea.get_by_role("link", name="over.csv").first.click()
    kept = tmp_path / "over.csv"
    download.value.save_as(kept)
    assert kept.read_bytes() == OVER


def the_engineer_looks_inside(emil: Page, flow_id: str) -> None:
    emil.goto("/ui/demo/executions")
    emil.get_by_role("row").filter(has_text=flow_id).get_by_role("link").first.click()
    expect(emil.get_by_text("read Cleo")).to_be_visible()
    assert faults_of(emil) == []
