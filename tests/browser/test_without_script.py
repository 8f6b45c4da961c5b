"""Without JavaScript everything still works: submit with a file, follow, approve."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.flows import EXPENSES, OVER


def reload_until(page: Page, text: str, tries: int = 60) -> None:
    """Reload a page as a person without script does, until it says `text`."""
    for _try in range(tries):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text(text).first).to_be_visible()


def test_a_person_submits_follows_and_gets_the_result(clean: Callable[..., Page], watch: Watch, tmp_path: Path) -> None:
    watch.expect("status of 422")
    bea = clean("bea", java_script_enabled=False)
    bea.goto("/ui/demo/apps")
    bea.get_by_role("link", name="Expense check", exact=True).click()
    file = tmp_path / "expenses.csv"
    file.write_bytes(EXPENSES)
    bea.get_by_label("Expenses").set_input_files(file)
    bea.get_by_role("button", name="Submit").click()
    expect(bea.get_by_role("alert").get_by_role("link", name=re.compile("Limit for one person"))).to_be_visible()
    expect(bea.get_by_text("expenses.csv")).to_be_visible()  # kept by the server, as the field cannot
    bea.get_by_label("Limit for one person").fill("100")
    bea.get_by_role("button", name="Submit").click()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    number = bea.url.rpartition("/")[2]
    reload_until(bea, "Waiting for a decision of Finance")

    finn = clean("finn", java_script_enabled=False)
    finn.goto(f"/ui/demo/requests/{number}")
    finn.get_by_role("link", name="Approve…").first.click()
    finn.get_by_label("Remark").fill("Fine")
    finn.get_by_role("button", name="Approve").click()
    expect(finn.get_by_text("Approved.")).to_be_visible()

    reload_until(bea, "2 of 3")
    with bea.expect_download() as download:
        bea.get_by_role("link", name="over.csv").first.click()
    kept = tmp_path / "over.csv"
    download.value.save_as(kept)
    assert kept.read_bytes() == OVER


def test_a_field_that_depends_on_another_one_appears_with_the_submit(clean: Callable[..., Page], watch: Watch) -> None:
    watch.expect("status of 422")
    bea = clean("bea", java_script_enabled=False)
    bea.goto("/ui/demo/apps")
    bea.get_by_role("link", name="Access request").click()
    bea.get_by_label("System").select_option("Payroll")
    bea.get_by_label("Administer").check()
    bea.get_by_label("Why do you need it?").fill("The yearly audit of accounts")
    bea.get_by_role("button", name="Submit").click()
    expect(bea.get_by_label("Number of the change ticket")).to_be_visible()
    expect(bea.get_by_label("Why do you need it?")).to_have_value("The yearly audit of accounts")


def test_signing_in_and_out(clean: Callable[..., Page], portico: object) -> None:
    page = clean("", java_script_enabled=False)
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("dana@globex.example")
    page.get_by_label("Password", exact=True).fill("quiet-harbour-77")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/ui/globex"))
