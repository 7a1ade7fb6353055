"""The walkthrough as it is recorded, and how short the way is for a newcomer."""

import json
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from core.services.walkthrough_steps import Step
from core.settings import Settings
from tests.browser.axe import serious_in_both_themes
from tests.browser.conftest import PICTURES, Dashboard, choose, idle, started
from tests.browser.test_walk import no_secret_in
from tests.conftest import free_ports

RECORDED = PICTURES / "walkthrough"
MOST_ACTS = 12
STEPS = 9


def test_it_is_recorded_within_three_minutes(tmp_path: Path, page: Page) -> None:
    home, folder = tmp_path / "home", tmp_path / "pictures"
    command = [Path(sys.executable).with_name("onboarding"), "demo", "record", folder, "--home", home, "--json"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < 180
    pictures = json.loads(done.stdout)["pictures"]
    RECORDED.mkdir(parents=True, exist_ok=True)
    for old in RECORDED.glob("*.png"):
        old.unlink()
    for name in pictures:
        (folder / name).rename(RECORDED / name)
    assert sum(name.endswith("-done.png") for name in pictures) == STEPS
    assert [name[3:] for name in pictures[-5:]] == [
        "home.png",
        "credentials.png",
        "billing-buckets.png",
        "costs.png",
        "activity.png",
    ]
    no_secret_in(home, json.loads((home / "sandbox.json").read_text()))
    _each_step_can_be_read(page, Settings(home=home, sandbox_port=free_ports(4)))


def _each_step_can_be_read(page: Page, settings: Settings) -> None:
    """Each step as it is when it was done, with what was sent for it."""
    found = []
    with started(settings) as again:
        for step in Step:
            page.goto(f"{again.address}/walkthrough?step={step}&notes=shown")
            page.get_by_text("What was sent").click(timeout=60_000)
            idle(page)
            found += [f"{step}: {one}" for one in serious_in_both_themes(page)]
    assert found == []


class Newcomer:
    """Counts what a person does: presses, and fields that are filled or chosen; values that are pasted apart."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.acts = 0

    def press(self, label: str, role: str = "button") -> None:
        self.acts += 1
        self.page.get_by_role(role, name=label, exact=True).last.click()  # type: ignore[arg-type]
        idle(self.page)

    def choose(self, label: str, option: str) -> None:
        self.acts += 1
        choose(self.page, label, option)

    def type(self, label: str, value: str, *, pasted: bool = False) -> None:
        self.acts += not pasted
        field = self.page.get_by_label(label, exact=True).first
        field.fill(value)
        field.press("Tab")
        self.page.wait_for_timeout(400)  # a secret is sent a quarter of a second after its last letter
        idle(self.page)


def test_a_newcomer_has_few_acts_to_the_first_credentials(page: Page, dashboard: Dashboard, sandbox) -> None:
    account = sandbox.account(0)
    key = account["access_keys"][0]
    page.goto(dashboard.address)
    expect(page.get_by_role("heading", name="Three steps to begin")).to_be_visible(timeout=30_000)
    idle(page)
    person = Newcomer(page)
    person.press("Add credentials")
    expect(page.get_by_role("heading", name="Add credentials", level=1)).to_be_visible()
    person.type("Credentials name *", "first")
    person.type("Access key", key["access_key_id"], pasted=True)
    person.type("Secret key", key["secret_key"], pasted=True)
    person.type("Account ID", account["account_id"], pasted=True)
    person.choose("Region", account["region"])
    person.press("Add")
    expect(page.get_by_text("first was added.").first).to_be_visible()
    assert person.acts <= MOST_ACTS
