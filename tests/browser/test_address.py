"""The address of a screen: walked back and forward, reloaded, sent to somebody else."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, expect

from core.services.bill_pull import pull
from core.services.workspace import open_workspace
from core.settings import Settings
from tests.browser.conftest import Dashboard, choose, click, idle, pick, visit
from tests.browser.visitor import visitor
from tests.services.conftest import ACTOR, billing, project_row, projects, stored

FIELDS = (
    """() => JSON.stringify([...document.querySelectorAll('[data-testid=stMain] input')].map((one) => one.value))"""
)


@dataclass
class Step:
    """One entry of the browser's history: its address, and what is seen there."""

    address: str
    headings: list[str]
    fields: str

    def is_seen(self, page: Page) -> None:
        page.wait_for_url(self.address)
        idle(page)
        expect(page.get_by_role("heading")).to_have_text(self.headings)
        page.wait_for_function(f"(wanted) => ({FIELDS})() === wanted", arg=self.fields)


def step(page: Page, path: str, heading: str, **says: str) -> Step:
    """Wait until the address says this and nothing else, and the last heading is this one."""
    wanted = {name: [value] for name, value in says.items()}
    page.wait_for_url(lambda url: urlsplit(url).path == path and parse_qs(urlsplit(url).query) == wanted)
    idle(page)
    expect(page.get_by_role("heading").last).to_have_text(heading)
    return Step(page.url, page.get_by_role("heading").all_inner_texts(), page.evaluate(FIELDS))


def now(page: Page, part: str) -> Step:
    """Wait until the address has this in it."""
    page.wait_for_url(lambda url: part in url)
    idle(page)
    return Step(page.url, page.get_by_role("heading").all_inner_texts(), page.evaluate(FIELDS))


def test_an_address_is_walked_reloaded_and_sent(
    page: Page, browser: Browser, dashboard: Dashboard, settings: Settings, sandbox
) -> None:
    workspace = open_workspace(settings)
    stored(workspace, projects(project_row(sandbox.account(0)), name="one"))
    stored(workspace, projects(project_row(sandbox.account(2)), name="two"))
    stored(workspace, billing(sandbox.info))
    pull(ACTOR, workspace)
    workspace.close()
    page.goto(dashboard.address)
    idle(page)

    steps = [*_credentials(page), *_accounts(page, sandbox.account(0)), *_buckets(page), *_costs(page)]
    for one in reversed(steps[:-1]):
        page.go_back()
        one.is_seen(page)
    for one in steps[1:]:
        page.go_forward()
        one.is_seen(page)

    page.reload()
    steps[-1].is_seen(page)
    with visitor(browser, viewport={"width": 1280, "height": 1400}) as colleague:
        for one in steps[2::3]:
            colleague.goto(one.address)
            one.is_seen(colleague)

        colleague.goto(f"{dashboard.address}/credentials?opened=gone&kind=Projects&opend=one&state=%3Cb%3E")
        expect(colleague.get_by_text("The address asks for what is not here")).to_contain_text(
            "state “<b>”; opened “gone”; “opend”"
        )
        expect(colleague.get_by_text("2 shown.")).to_be_visible()
        pick(colleague.get_by_test_id("stDataFrame").first, 0)
        step(colleague, "/credentials", "one", kind="Projects", opened="one")
        expect(colleague.get_by_text("The address asks for")).to_have_count(0)
        expect(colleague.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def _credentials(page: Page) -> list[Step]:
    visit(page, "Credentials")
    steps = [step(page, "/credentials", "Credentials")]
    choose(page, "Kind", "Projects")
    steps.append(step(page, "/credentials", "Credentials", kind="Projects"))
    table = page.get_by_test_id("stDataFrame").first
    pick(table, 0)
    steps.append(step(page, "/credentials", "one", kind="Projects", opened="one"))
    pick(table, 0)
    steps.append(step(page, "/credentials", "Credentials", kind="Projects"))
    pick(table, 1)
    steps.append(step(page, "/credentials", "two", kind="Projects", opened="two"))
    page.get_by_role("link", name="Edit").click()
    steps.append(step(page, "/add_credentials", "Project credentials *", edit="two"))
    return steps


def _accounts(page: Page, account: dict) -> list[Step]:
    visit(page, "Accounts")
    steps = [step(page, "/accounts", "Accounts")]
    page.get_by_placeholder("Account ID, company").fill(account["account_id"])
    page.keyboard.press("Enter")
    steps.append(step(page, "/accounts", "Accounts", search=account["account_id"]))
    pick(page.get_by_test_id("stDataFrame").first, 0)
    place = f"{account['account_id']}.{account['region']}"
    opened = step(page, "/accounts", account["account_id"], search=account["account_id"], account=place)
    page.get_by_role("link", name="See access keys").click()
    expect(page.get_by_text("OUTSCALE allows 10 keys a user")).to_be_visible()
    return [*steps, opened, step(page, "/access_keys", "Access keys", account=place)]


def _costs(page: Page) -> list[Step]:
    visit(page, "Costs")
    expect(page.get_by_text("Forecast of")).to_be_visible()
    steps = [step(page, "/costs", "Costs")]
    choose(page, "Split by", "Account")
    steps.append(step(page, "/costs", "Costs", split="account"))
    pick(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_role("heading", name=re.compile("Where .* comes from"))).to_be_visible()
    steps.append(now(page, "line="))
    pick(page.get_by_test_id("stDataFrame").last, 0)
    expect(page.get_by_text(re.compile(r"\d lines, "))).to_be_visible()
    steps.append(now(page, "file="))
    page.get_by_test_id("stButtonGroup").first.get_by_text("Files", exact=True).click()
    steps.append(step(page, "/costs", "Costs", view="Files"))
    pick(page.get_by_test_id("stDataFrame").first, 0)
    steps.append(now(page, "file="))
    page.get_by_role("link", name="Look into it").click()
    expect(page.get_by_text("The first 100 rows")).to_be_visible()
    return [*steps, now(page, "folder=")]


def _buckets(page: Page) -> list[Step]:
    visit(page, "Billing buckets")
    steps = [step(page, "/billing_buckets", "Billing buckets")]
    click(page.get_by_test_id("stDataFrame").first, 1)
    expect(page.get_by_text(re.compile("24 folders"))).to_be_visible()
    steps.append(now(page, "bucket="))
    click(page.get_by_test_id("stDataFrame").first, 2)
    steps.append(now(page, "folder="))
    click(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_text("The first 100 rows")).to_be_visible()
    steps.append(now(page, "file="))
    page.get_by_placeholder("Words of the name, in all folders").fill("parquet")
    page.keyboard.press("Enter")
    steps.append(now(page, "search=parquet"))
    return steps
