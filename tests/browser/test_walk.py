"""One walk through the main job: a key is created, both kinds of credentials are onboarded, managed, and browsed."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Dashboard, choose, click, fill, idle, pick, picture, press, visit


def test_the_main_job_in_one_walk(page: Page, dashboard: Dashboard, sandbox) -> None:
    account = sandbox.account(0)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(dashboard.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)
    picture(page, "01-home-empty")

    _create_a_key(page, account)
    _carry_it_into_credentials(page)
    _add_billing_credentials(page, sandbox.info["billing"][0])
    _manage_credentials(page)
    _browse_buckets(page)

    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    picture(page, "14-home")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert problems == []
    no_secret_in(dashboard.home, sandbox.info)


def _create_a_key(page: Page, account: dict) -> None:
    visit(page, "Access keys")
    choose(page, "Account", account["email"])
    picture(page, "02-access-keys-password")
    page.get_by_label("Current password", exact=True).fill(account["password"])
    press(page, "Confirm")
    expect(page.get_by_text("closes in")).to_be_visible()
    picture(page, "03-access-keys")
    press(page, "Create")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("its secret is shown a single time")).to_be_visible()
    picture(page, "04-create-key")
    dialog.get_by_role("button", name="Generate").click()
    expect(dialog.get_by_text("shown this once")).to_be_visible()
    picture(page, "05-secret-once")
    dialog.get_by_role("button", name="Use in Add credentials").click()


def _carry_it_into_credentials(page: Page) -> None:
    expect(page.get_by_role("heading", name="Add credentials", level=1)).to_be_visible()
    idle(page)
    expect(page.get_by_label("Access key", exact=True)).to_have_value(re.compile("^[A-Z0-9]{20}$"))
    fill(page, "Credentials name *", "demo-west")
    press(page, "Check")
    expect(page.get_by_text("Nothing failed: these credentials can be stored.")).to_be_visible()
    picture(page, "06-add-credentials-checked")
    press(page, "Add")
    expect(page.get_by_text("demo-west was added.").first).to_be_visible()
    picture(page, "07-credentials-added")


def _add_billing_credentials(page: Page, key: dict) -> None:
    visit(page, "Add credentials")
    fill(page, "Credentials name *", "demo-bills")
    page.get_by_text("Billing only", exact=True).click()
    expect(page.get_by_label("Billing access key *", exact=True)).to_be_visible()
    fill(page, "Billing access key *", key["access_key_id"])
    fill(page, "Billing secret key *", key["secret_key"])
    for index, bucket in enumerate(key["buckets"]):
        if index:
            press(page, "Add a row")
            expect(page.get_by_label("Name", exact=True)).to_have_count(index + 1)
        fill(page, "Name", bucket["name"], index)
        choose(page, "Region", bucket["region"], index)
    picture(page, "08-add-billing")
    press(page, "Add")
    expect(page.get_by_text("demo-bills was added.").first).to_be_visible()


def _manage_credentials(page: Page) -> None:
    visit(page, "Credentials")
    table = page.get_by_test_id("stDataFrame").first
    pick(table, 0)
    idle(page)
    expect(page.get_by_role("heading", name="demo-bills")).to_be_visible()
    picture(page, "09-credentials-details")
    press(page, "Disable")
    expect(page.get_by_text("demo-bills: disabled.").first).to_be_visible()
    idle(page)
    press(page, "Enable")
    expect(page.get_by_text("demo-bills: enabled.").first).to_be_visible()
    idle(page)
    fill(page, "Keyword", "demo-west")
    expect(page.get_by_text("1 shown.")).to_be_visible()
    pick(table, 0)
    expect(page.get_by_role("heading", name="demo-west")).to_be_visible()
    idle(page)
    press(page, "Check again")
    idle(page)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("tab", name="Events").click()
    picture(page, "10-credentials-checked-again")


def _browse_buckets(page: Page) -> None:
    visit(page, "Billing buckets")
    click(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_text("24 folders, 72 files")).to_be_visible()
    picture(page, "11-bucket")
    click(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_text(re.compile(r"^3 files"))).to_be_visible()
    picture(page, "12-folder")
    click(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_text("The first 100 rows")).to_be_visible()
    picture(page, "13-preview")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    assert waiting.value.path().stat().st_size > 0


def no_secret_in(home: Path, info: dict) -> None:
    secrets = [key["secret_key"] for account in info["accounts"] for key in account["access_keys"]]
    secrets += [one["secret_key"] for one in [*info["billing"], *info["special"].values()]]
    secrets += [account["password"] for account in info["accounts"]]
    own = {"sandbox", "sandbox.json"}  # the sandbox's, which stands for the cloud
    kept = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] not in own]
    assert any(path.name == "onboarding.db" for path in kept)
    assert any(path.parent.name == "logs" for path in kept)
    for path in kept:
        content = path.read_bytes()
        assert not [one for one in secrets if one.encode() in content], path
