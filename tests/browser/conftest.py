"""Chromium against a real Portico. A page that logs an error or breaks the Content-Security-Policy fails its test."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, expect

from tests.browser.ground import Portico, free_port
from tests.browser_setup import browser as chromium
from tests.conftest import searchable_folder

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE = 15_000  # milliseconds; the machine may be busy

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark ours and put them last: the browser's event loop would be in the way of tests that use the database."""
    ours = [item for item in items if "tests/browser/" in item.nodeid]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    items[:] = [item for item in items if item not in ours] + ours


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Take the machine's Chromium: nothing is downloaded."""
    return {**browser_type_launch_args, "executable_path": chromium(), "args": list(FLAGS)}


@pytest.fixture(scope="session")
def portico() -> Iterator[Portico]:
    """A Portico with its demo, for all tests of this session."""
    folder = searchable_folder("portico-browser-")
    running = Portico(folder / "var", free_port())
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Watch:
    """What a page complained about; `expected` are patterns of complaints that the test causes on purpose."""

    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Hear all that a page says."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        refused = "Content Security Policy" in message.text or "Content-Security-Policy" in message.text
        if message.type == "error" or refused:
            self.complaints.append(f"{message.location.get('url', '')}: {message.text}")

    def expect(self, pattern: str) -> None:
        """Say that a complaint is part of the test."""
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        """Return the complaints that nobody expected."""
        return [one for one in self.complaints if not any(re.search(pattern, one) for pattern in self.expected)]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What the pages of a test complain about; anything unexpected fails it."""
    watching = Watch()
    yield watching
    assert watching.unexpected() == []


class People:
    """Opens windows in which demo people have signed in; each signs in once per session."""

    def __init__(self, browser: Browser, portico: Portico, signed_in: dict[str, StorageState]) -> None:
        self._browser = browser
        self._portico = portico
        self._signed_in = signed_in
        self._contexts: list[BrowserContext] = []
        self.watch = Watch()

    def window(self, name: str = "", **options: Any) -> Page:
        """Return a page of a new window. `name`: the first part of an address, nobody when empty."""
        given = {"viewport": DESK, "base_url": self._portico.address, **options}
        if name:
            given["storage_state"] = self._state_of(name)
        context = self._browser.new_context(**given)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        self.watch.follow(page)
        return page

    def _state_of(self, name: str) -> StorageState:
        if name not in self._signed_in:
            context = self._browser.new_context(base_url=self._portico.address)
            page = context.new_page()
            self.watch.follow(page)
            sign_in(page, self._portico, name)
            self._signed_in[name] = context.storage_state()
            context.close()
        return self._signed_in[name]

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()


def sign_in(page: Page, portico: Portico, name: str) -> None:
    """Sign in on the sign-in page."""
    email = next(email for email in portico.passwords if email.startswith(f"{name}@"))
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(portico.passwords[email])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/ui/"))


@pytest.fixture(scope="session")
def _signed_in() -> dict[str, StorageState]:
    return {}


@pytest.fixture
def people(browser: Browser, portico: Portico, _signed_in: dict[str, StorageState], watch: Watch) -> Iterator[People]:
    """Windows for this test."""
    them = People(browser, portico, _signed_in)
    them.watch = watch
    yield them
    them.close()


@pytest.fixture
def clean(people: People) -> Callable[..., Page]:
    """Open a window of somebody: `clean("bea")`; a complaint on any of its pages fails the test."""
    return people.window
