"""How people sign in at the local provider, in Chromium."""

import json
import sqlite3
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import idle


def at_provider(page: Page, who: str) -> None:
    """Say at the provider who it is."""
    page.get_by_placeholder("sub").fill(who)
    page.get_by_role("button", name="Authorize").click()


def go_to_provider(page: Page, address: str) -> None:
    """Open the dashboard and press Sign in."""
    page.goto(address)
    button = page.get_by_role("button", name="Sign in", exact=True)
    expect(button).to_be_visible(timeout=60_000)  # the first visit after a start
    button.click()
    expect(page.get_by_placeholder("sub")).to_be_visible()


def sign_in(page: Page, address: str, who: str) -> None:
    """Sign in, and be where the dashboard sends one."""
    go_to_provider(page, address)
    at_provider(page, who)
    page.wait_for_url(f"{address}/**")
    idle(page)


def menu(page: Page, who: str) -> None:
    """Open the menu of the person."""
    page.get_by_test_id("stSidebar").get_by_role("button", name=who).click()


def leave_provider(page: Page, address: str) -> None:
    """The provider asks whether to end its own session too."""
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{address}/**")
    idle(page)


def events(home: Path, action: str) -> list[dict[str, object]]:
    """The details of what was recorded under a name, the newest last."""
    with sqlite3.connect(home / "onboarding.db") as database:
        rows = database.execute("SELECT details FROM event WHERE action = ? ORDER BY id", [action]).fetchall()
    database.close()
    return [json.loads(row[0]) for row in rows]
