"""From the request for an account to a rotated key, in one walk."""

import re
import uuid
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Dashboard, choose, fill, idle, pick, picture, press, visit


def test_from_a_request_to_a_rotated_key(page: Page, dashboard: Dashboard, sandbox) -> None:
    problems: list[str] = []
    seen: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(dashboard.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)

    account = _ask_for_an_account(page, sandbox)
    _open_by_password(page, account)
    seen.append(_make_a_key(page))
    _use_it(page)
    _rotate(page)
    _bring_back(page)
    _delete_the_key(page)

    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert problems == []
    _nowhere(dashboard.home, [*seen, account["password"]])


def _ask_for_an_account(page: Page, sandbox) -> dict:
    visit(page, "Request account")
    picture(page, "20-request")
    press(page, "Send")
    expect(page.get_by_text("8 fields need your attention")).to_be_visible()
    picture(page, "21-request-unfinished")
    email = f"{uuid.uuid4().hex[:8]}@walk.example"
    for label, value in (
        ("Full name *", "Ada van Dijk"),
        ("Job title *", "Head of cloud"),
        ("Company name *", "Harbour Works"),
        ("Email *", email),
        ("Phone number *", "+33 1 23 45 67 89"),
        ("Subject *", "An account for measurements"),
        ("Description *", "Buoys send water levels, and we keep them for ten years."),
    ):
        fill(page, label, value)
    choose(page, "Region wanted *", "sandbox-west-1")
    page.get_by_text("I confirm that I have read").click()
    idle(page)
    press(page, "Send")
    expect(page.get_by_text("The sandbox answers within")).to_be_visible()
    picture(page, "22-request-sent")
    expect(page.get_by_text("granted as the account")).to_be_visible(timeout=30_000)
    picture(page, "23-request-granted")
    account = next(one for one in sandbox.info["accounts"] if one["email"] == email)
    expect(page.get_by_text(account["password"])).to_be_visible()
    return account


def _open_by_password(page: Page, account: dict) -> None:
    page.get_by_role("link", name="See the account").click()
    expect(page.get_by_role("heading", name="Accounts", exact=True, level=1)).to_be_visible()
    expect(page.get_by_role("heading", name=account["account_id"])).to_be_visible()
    picture(page, "30-account")
    page.get_by_role("link", name="See access keys").click()
    expect(page.get_by_role("heading", name="Access keys", exact=True, level=1)).to_be_visible()
    page.get_by_label("Current password", exact=True).fill(account["password"])
    press(page, "Confirm")
    expect(page.get_by_text("closes in")).to_be_visible()
    idle(page)
    picture(page, "31-access-keys")


def _make_a_key(page: Page) -> str:
    press(page, "Create")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tag", exact=True).fill("walk")
    dialog.get_by_role("button", name="Generate").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    dialog.get_by_role("button", name="QR code").click()
    expect(page.get_by_text("a line each")).to_be_visible()
    picture(page, "32-new-key")
    secret = dialog.get_by_test_id("stCode").nth(1).inner_text().strip()
    assert re.fullmatch("[A-Z0-9]{40}", secret)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_text("secret was not taken yet")).to_be_visible()
    idle(page)
    picture(page, "33-secret-waits")
    press(page, "Show it")
    expect(dialog.get_by_text(secret)).to_be_visible()
    dialog.get_by_role("button", name="Use in Add credentials").click()
    return secret


def _use_it(page: Page) -> None:
    expect(page.get_by_role("heading", name="Add credentials", level=1)).to_be_visible()
    idle(page)
    fill(page, "Credentials name *", "walk")
    press(page, "Add")
    expect(page.get_by_text("walk was added.").first).to_be_visible()


def _rotate(page: Page) -> None:
    visit(page, "Access keys")
    fill(page, "Search", "walk")
    expect(page.get_by_text(re.compile(r"^1 of \d+ keys"))).to_be_visible()
    press(page, "Read again")
    idle(page)
    pick(_table(page), 0)
    idle(page)
    press(page, "Rotate")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Used by walk")).to_be_visible()
    picture(page, "34-rotate")
    dialog.get_by_role("button", name="Rotate").click()
    expect(page.get_by_text("the old key is INACTIVE")).to_be_visible(timeout=30_000)
    idle(page)
    picture(page, "35-rotated")


def _bring_back(page: Page) -> None:
    press(page, "Bring the old key back")
    expect(page.get_by_text("is back, the new key is deleted")).to_be_visible()
    idle(page)
    picture(page, "36-brought-back")


def _delete_the_key(page: Page) -> None:
    pick(_table(page), 0)
    idle(page)
    press(page, "Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Still used by the credentials walk")).to_be_visible()
    picture(page, "37-delete")
    page.keyboard.press("Escape")


def _table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").last


def _nowhere(home: Path, secrets: list[str]) -> None:
    """No secret of the walk is in any file but the sandbox's own."""
    kept = [path for path in home.rglob("*") if path.is_file() and path.name != "sandbox.json"]
    assert any(path.name == "onboarding.db" for path in kept)
    for path in kept:
        content = path.read_bytes()
        assert not [one for one in secrets if one.encode() in content], path
