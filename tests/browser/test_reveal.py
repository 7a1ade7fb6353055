"""A sealed secret on the screen for its thirty seconds, and what the server's session holds then and after."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import SecretStr

from core.services.local_password import set_password
from core.services.workspace import open_workspace
from core.settings import Settings
from tests.browser.conftest import PICTURES, ROOT, await_health, idle, picture, press, visit
from tests.conftest import free_ports
from tests.services.conftest import ACTOR, project_row, projects, stored

PASSWORD = "a long local password"  # pragma: allowlist secret - made up
REASON = "The terraform pipeline lost its copy."


@dataclass
class Watched:
    """A dashboard whose sessions can be looked into."""

    address: str
    process: "subprocess.Popen[str]"

    def holds(self, secret: str) -> bool:
        """Whether any session holds this."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        while not (line := self.process.stdout.readline()).startswith("SESSIONS"):
            assert line, "the dashboard ended"
        return any(secret in text for texts in json.loads(line.removeprefix("SESSIONS")) for text in texts)


@pytest.fixture
def secret(settings: Settings, sandbox) -> str:
    """Of stored credentials."""
    workspace = open_workspace(settings)
    stored(workspace, projects(project_row(sandbox.account(0)), name="demo"))
    assert set_password(ACTOR, workspace, SecretStr(PASSWORD)) is None
    workspace.close()
    return sandbox.account(0)["access_keys"][0]["secret_key"]


@pytest.fixture
def watched(settings: Settings) -> Iterator[Watched]:
    port = free_ports(1)
    environment = os.environ | {
        "ONBOARDING_HOME": str(settings.home),
        "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
    }
    command = [sys.executable, "-m", "tests.browser.watched", "--server.port", str(port)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, text=True, **streams)
    address = f"http://127.0.0.1:{port}"
    await_health(process, address)
    yield Watched(address, process)
    process.kill()  # it waits for its input
    process.wait(20)


def begun(page: Page) -> Locator:
    """The dialog, opened and filled in."""
    press(page, "Reveal a secret")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Reason *").fill(REASON)
    return dialog


def revealed(page: Page, secret: str) -> Locator:
    dialog = begun(page)
    dialog.get_by_label("Your password *", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Reveal", exact=True).click()
    expect(dialog.get_by_text(secret)).to_be_visible()
    return dialog


def gone(page: Page, watched: Watched, secret: str) -> None:
    expect(page.get_by_role("dialog")).to_have_count(0)
    idle(page)
    assert secret not in page.content()
    deadline = time.monotonic() + 5  # the server hears of it a moment later
    while watched.holds(secret) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not watched.holds(secret)
    assert not watched.holds(PASSWORD)


def test_a_secret_is_shown_for_thirty_seconds(page: Page, watched: Watched, secret: str) -> None:
    page.goto(watched.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)
    visit(page, "Credentials")
    dialog = begun(page)
    picture(page, "50-reveal-asked")
    dialog.get_by_label("Your password *", exact=True).fill("a wrong password, typed")
    dialog.get_by_role("button", name="Reveal", exact=True).click()
    expect(dialog.get_by_text("This is not the password")).to_be_visible()
    picture(page, "51-reveal-refused")
    assert not watched.holds("a wrong password, typed")
    page.wait_for_timeout(2500)  # the wait after a wrong one
    dialog.get_by_label("Your password *", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Reveal", exact=True).click()
    expect(dialog.get_by_text(secret)).to_be_visible()
    begin = time.monotonic()
    assert watched.holds(secret)  # what is there is found
    assert not watched.holds(PASSWORD)
    expect(dialog.get_by_text("Hidden again in 2")).to_be_visible()
    page.wait_for_timeout(300)
    page.screenshot(path=PICTURES / "52-revealed.png")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "53-revealed-dark.png")
    expect(dialog.get_by_text("Hidden again in 1")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=40_000)
    assert 25 < time.monotonic() - begin < 40
    gone(page, watched, secret)
    picture(page, "54-hidden-again")


def test_closing_the_dialog_takes_the_secret_away(page: Page, watched: Watched, secret: str) -> None:
    page.goto(watched.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)
    visit(page, "Credentials")
    revealed(page, secret)
    assert watched.holds(secret)
    page.keyboard.press("Escape")
    gone(page, watched, secret)

    revealed(page, secret)
    page.get_by_role("dialog").get_by_role("button", name="Hide now").click()
    gone(page, watched, secret)

    revealed(page, secret)
    page.go_back()  # another page, in the same session, without closing the dialog
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible()
    gone(page, watched, secret)


def test_a_browser_that_is_gone_leaves_no_secret_on_the_server(page: Page, watched: Watched, secret: str) -> None:
    page.goto(watched.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)
    visit(page, "Credentials")
    revealed(page, secret)
    page.close()  # the session stays for a while, for a browser that comes back
    deadline = time.monotonic() + 35
    while watched.holds(secret):
        assert time.monotonic() < deadline
        time.sleep(1)


def test_other_dialogs_forget_their_secrets_too(page: Page, watched: Watched, sandbox) -> None:
    """A new key, a private key, and a key that an account is read with."""
    account = sandbox.account(0)
    page.goto(f"{watched.address}/access_keys")
    page.get_by_label("Current password", exact=True).fill(account["password"])
    press(page, "Confirm")
    expect(page.get_by_text("closes in")).to_be_visible()
    idle(page)
    assert not watched.holds(account["password"])
    press(page, "Create")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Generate").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    new = dialog.get_by_test_id("stCode").nth(1).inner_text().strip()
    assert watched.holds(new)
    page.keyboard.press("Escape")
    gone(page, watched, new)

    visit(page, "Accounts")
    press(page, "Read from a key")
    dialog.get_by_label("Access key *", exact=True).fill("not a key")
    dialog.get_by_label("Secret key *", exact=True).fill("typed secret key")
    dialog.get_by_role("button", name="Read", exact=True).click()
    expect(dialog.get_by_test_id("stMarkdown").get_by_text("access key").first).to_be_visible()
    idle(page)
    page.keyboard.press("Escape")
    gone(page, watched, "typed secret key")
