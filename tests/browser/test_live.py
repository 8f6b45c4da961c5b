"""A run's page follows the run; whatever happens to its socket, nothing is lost and nothing is shown twice."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Watch
from tests.browser.flows import LINES

ALL = [f"line-{number}" for number in range(1, LINES + 1)]


def start_counting(emil: Page) -> None:
    emil.goto("/ui/demo/flows/harbour.operations/slow_count/run")
    emil.get_by_role("main").get_by_role("button", name="Run").click()
    emil.wait_for_url(re.compile(r"/executions/\w+"))
    expect(emil.get_by_role("log")).to_contain_text("line-")


READ_LOG = """async () => {
  const box = document.querySelector("[role=log]");
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const seen = {};
  for (let top = 0; top < box.scrollHeight; top += box.clientHeight / 2) {
    box.scrollTop = top;
    await frame();
    for (const row of box.querySelectorAll("li"))
      seen[row.getAttribute("aria-posinset")] = row.querySelector(".x").textContent;
  }
  return Object.keys(seen).sort((a, b) => a - b).map((at) => seen[at]);
}"""


def lines_of(emil: Page) -> list[str]:
    """Return every line that the log view holds, in its order; only those in sight are in the document at once."""
    lines: list[str] = emil.evaluate(READ_LOG)
    return [line for line in lines if line.startswith("line-")]


def the_run_ends_with_all_lines(emil: Page) -> None:
    expect(emil.locator("#run-head")).to_contain_text("Succeeded", timeout=30_000)
    emil.get_by_text("counted", exact=True).wait_for()
    assert lines_of(emil) == ALL


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds, while the page goes on."""
    for _try in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it does not come to hold")


def test_a_socket_that_is_cut_in_the_middle_loses_nothing(clean: Callable[..., Page]) -> None:
    emil = clean("emil")
    cut: list[WebSocketRoute] = []

    def pass_on(route: WebSocketRoute) -> None:
        route.connect_to_server()
        cut.append(route)

    emil.route_web_socket(re.compile("/ws/demo/executions/"), pass_on)
    start_counting(emil)
    for known in (1, 2):
        assert len(cut) == known
        cut[-1].close(code=1011)
        until(emil, lambda: len(cut) > known)  # noqa: B023 - called at once
    the_run_ends_with_all_lines(emil)


def test_a_network_that_is_away_for_a_while_loses_nothing(clean: Callable[..., Page], watch: Watch) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    emil = clean("emil")
    start_counting(emil)
    emil.context.set_offline(True)
    emil.wait_for_timeout(2_500)
    emil.context.set_offline(False)
    the_run_ends_with_all_lines(emil)


def test_a_closed_window_misses_nothing(clean: Callable[..., Page]) -> None:
    emil = clean("emil")
    start_counting(emil)
    address = emil.url
    emil.goto("about:blank")
    emil.wait_for_timeout(1_000)
    emil.goto(address)
    the_run_ends_with_all_lines(emil)
