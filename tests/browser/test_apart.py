"""What belongs to one person stays theirs: files, what is typed, and text that is meant to do harm."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from core.domain.accounts import AccountDraft
from core.services.accounts import add_account
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.browser.conftest import Dashboard, click, idle, pick, press, started, visit
from tests.browser.signing_in import leave_provider, menu, sign_in
from tests.browser.visitor import visitor
from tests.oidc import Provider
from tests.services.conftest import ACTOR, billing, stored

HARM = "<img src=x onerror=\"document.title='owned'\"><b>*bold*</b> [a](javascript:alert(1))"


@dataclass
class Place:
    """A dashboard whose people sign in, and its provider."""

    dashboard: Dashboard
    provider: Provider
    workspace: Workspace

    @property
    def address(self) -> str:
        return self.dashboard.address


@pytest.fixture
def place(settings: Settings) -> Iterator[Place]:
    provider = Provider()
    workspace = open_workspace(settings)
    with started(settings, **provider.environment()) as dashboard:
        yield Place(dashboard, provider, workspace)
    workspace.close()
    provider.stop()


def offered(page: Page) -> str:
    """Fetch two files as a zip; the address under which it waits to be saved."""
    visit(page, "Billing buckets")
    click(page.get_by_test_id("stDataFrame").first, 1)
    expect(page.get_by_text(re.compile("24 folders"))).to_be_visible()
    page.get_by_placeholder("Words of the name, in all folders").fill("parquet")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("match"))).to_be_visible()
    page.wait_for_timeout(1000)  # the canvas takes clicks a while after it is drawn
    table = page.get_by_test_id("stDataFrame").first
    pick(table, 0)
    idle(page)
    pick(table, 1)
    idle(page)
    press(page, "Download as a zip")
    link = page.get_by_role("link", name="Save it")
    expect(link).to_be_visible()
    return str(link.get_attribute("href"))


def test_a_file_is_for_the_browser_that_asked(place: Place, browser: Browser, sandbox) -> None:
    stored(place.workspace, billing(sandbox.info))
    with visitor(browser) as fiona, visitor(browser) as ada:
        sign_in(fiona, place.address, "fiona")
        sign_in(ada, place.address, "ada")
        address = f"{place.address}/{offered(fiona).lstrip('./')}"
        assert "/downloads/" in address
        assert httpx.get(address).status_code == 403
        assert ada.context.request.get(address).status == 404
        own = fiona.context.request.get(address)
        assert (own.status, own.body()[:2]) == (200, b"PK")
        assert httpx.get(f"{place.address}/media/none").status_code == 403
        assert ada.context.request.get(f"{place.address}/media/none").status == 404

        before = {cookie["name"]: cookie["value"] for cookie in fiona.context.cookies()}
        menu(fiona, "fiona")
        fiona.get_by_role("button", name="Sign out", exact=True).click()
        leave_provider(fiona, place.address)
        assert httpx.get(address, cookies=before).status_code == 403  # the cookie was copied, and it ended


def test_what_one_types_the_other_does_not_see(place: Place, browser: Browser) -> None:
    with visitor(browser) as fiona, visitor(browser) as ada:
        for page, who in ((ada, "ada"), (fiona, "fiona")):
            sign_in(page, place.address, who)
            visit(page, "Add credentials")
        ada.get_by_label("Credentials name *", exact=True).fill("of-ada")
        ada.get_by_label("Secret key", exact=True).first.fill("A" * 40)
        ada.keyboard.press("Tab")
        idle(ada)
        fiona.get_by_role("button", name="Check").first.click()
        idle(fiona)
        expect(fiona.get_by_label("Credentials name *", exact=True)).to_have_value("")
        expect(fiona.get_by_label("Billing secret key *", exact=True)).to_have_value("")
        expect(fiona.get_by_text("of-ada")).to_have_count(0)
        expect(fiona.get_by_test_id("stSidebar").get_by_text("fiona · finance")).to_be_visible()


def test_harmful_text_is_shown_as_text(place: Place, browser: Browser, sandbox) -> None:
    place.provider.set_person("eve", preferred_username=HARM, groups=[HARM])
    place.provider.set_person("mal", preferred_username=HARM, groups=["cloud-admins"])
    account = sandbox.account(0)
    draft = AccountDraft(account_id=account["account_id"], region=account["region"], owner=HARM[:60], notes=HARM)
    assert add_account(ACTOR, place.workspace, draft) == []
    with visitor(browser) as page:
        sign_in(page, place.address, "eve")
        expect(page.get_by_text("which holds <img src=x")).to_be_visible()
        _unharmed(page)
    with visitor(browser) as page:
        sign_in(page, place.address, "mal")
        expect(page.get_by_test_id("stSidebar").get_by_text("<img src=x").first).to_be_visible()
        for title in ("Administration", "Accounts"):
            visit(page, title)
            _unharmed(page)
        click(page.get_by_test_id("stDataFrame").first, 0)
        _unharmed(page)


def _unharmed(page: Page) -> None:
    idle(page)
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.title() != "owned"
