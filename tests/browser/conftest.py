"""The dashboard as a person meets it: started by its own command, seen in Chromium."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from core.settings import Settings
from tests.browser.axe import DRAWN, serious_in_both_themes
from tests.browser.lived_in import live_in
from tests.browser.visitor import visitor
from tests.conftest import Sandbox, free_ports

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "screenshots"
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROW_HEIGHT = 35
expect.set_options(timeout=20_000)


@dataclass
class Dashboard:
    """A running dashboard: its address and its home."""

    address: str
    home: Path
    process: subprocess.Popen[bytes]


@pytest.fixture
def dashboard(settings: Settings) -> Iterator[Dashboard]:
    """The dashboard, run by `onboarding run` in front of the session's sandbox."""
    with started(settings) as running:
        yield running


@contextmanager
def started(settings: Settings, **more: str) -> Iterator[Dashboard]:
    """A dashboard with these settings in its environment, until the end of the block."""
    port = free_ports(1)
    environment = os.environ | {
        "ONBOARDING_HOME": str(settings.home),
        "ONBOARDING_PORT": str(port),
        "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
    }
    environment |= more
    port = int(environment["ONBOARDING_PORT"])
    command = [Path(sys.executable).with_name("onboarding"), "run"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    await_health(process, address)
    try:
        yield Dashboard(address, settings.home, process)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def await_health(process: subprocess.Popen[Any], address: str) -> None:
    """Wait until a dashboard answers."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the dashboard ended"
        assert time.monotonic() < deadline, "the dashboard did not answer"
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory, session_sandbox: Sandbox) -> Settings:
    """Settings of a home in which all screens have something to show."""
    home = tmp_path_factory.mktemp("lived-in") / "home"
    home.mkdir(mode=0o700)
    (home / "sandbox.json").symlink_to(session_sandbox.settings.sandbox_file)
    settings = Settings(home=home, sandbox_port=session_sandbox.settings.sandbox_port)
    live_in(settings, session_sandbox.info)
    return settings


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next(found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with visitor(browser, viewport={"width": 1280, "height": 1400}) as page:
        yield page


def idle(page: Page) -> None:
    """Wait until Streamlit has drawn everything."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def picture(page: Page, name: str) -> None:
    """Leave a screenshot of the whole screen in build/screenshots; axe finds nothing serious on it."""
    idle(page)
    page.evaluate(DRAWN)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    assert not (found := serious_in_both_themes(page)), f"{name}: " + "\n".join(found)


def visit(page: Page, title: str) -> None:
    """Open a screen through the navigation."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
    expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
    idle(page)


def fill(page: Page, label: str, value: str, index: int = 0) -> None:
    """Type into the n-th field of this label and leave it."""
    field = page.get_by_label(label, exact=True).nth(index)
    field.fill(value)
    field.press("Tab")
    page.wait_for_timeout(400)  # a secret is sent a quarter of a second after its last letter
    idle(page)


def choose(page: Page, label: str, option: str, index: int = 0) -> None:
    """Choose in the n-th selection of this label."""
    page.get_by_role("combobox", name=label).nth(index).click()
    page.get_by_role("option", name=option).first.click()
    idle(page)


def press(page: Page, label: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=label, exact=True).last.click()


def pick(table: Locator, row: int, *, checkbox: bool = True) -> None:
    """Select a row of a table, which Streamlit draws on a canvas: its checkbox stands first in the row."""
    table.scroll_into_view_if_needed()
    table.click(position={"x": 18, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT / 2})


def click(table: Locator, row: int) -> None:
    """Click the first cell of a row, right of its checkbox."""
    page = table.page
    idle(page)
    page.wait_for_timeout(1000)  # the canvas takes clicks a while after it is drawn
    table.scroll_into_view_if_needed()
    table.hover(position={"x": 60, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT / 2})
    table.click(position={"x": 60, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT / 2})
    page.wait_for_timeout(300)
    idle(page)
