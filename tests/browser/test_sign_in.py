"""Signing in by OpenID Connect at a real provider, in Chromium: who gets in, for how long, and what does not count."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydantic import SecretStr

from core.services.kept_keys import keep
from core.services.use_case import changing
from core.services.workspace import open_workspace
from core.settings import Settings
from tests import oidc
from tests.browser.conftest import Dashboard, idle, picture, started, visit
from tests.browser.signing_in import at_provider, events, go_to_provider, leave_provider, menu, sign_in
from tests.browser.visitor import visitor
from tests.conftest import free_ports
from tests.oidc import PEOPLE, Provider
from tests.services.conftest import ACTOR


@pytest.fixture(scope="module")
def module_provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture
def provider(module_provider: Provider) -> Iterator[Provider]:
    """The provider; it tells the truth again after the test."""
    yield module_provider
    module_provider.lie = None
    for who, claims in PEOPLE.items():
        module_provider.set_person(who, **claims)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory, module_provider: Provider) -> Iterator[Dashboard]:
    home = tmp_path_factory.mktemp("home") / "home"
    with started(Settings(home=home), ONBOARDING_SANDBOX="false", **module_provider.environment()) as running:
        yield running


@pytest.fixture(scope="module")
def read_before(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that keeps the program it has read."""
    with visitor(browser) as opened:
        yield opened.context


@pytest.fixture
def page(read_before: BrowserContext) -> Iterator[Page]:
    """A page in which nobody is signed in, neither here nor at the provider."""
    read_before.clear_cookies()
    opened = read_before.new_page()
    yield opened
    opened.close()


def put_back(home: Path, column: str, minutes: int) -> None:
    """Put a moment of every sign-in back."""
    with sqlite3.connect(home / "onboarding.db") as database:
        database.execute(f"UPDATE sign_in SET {column} = datetime({column}, '-{minutes} minutes') || '.000000'")  # noqa: S608
    database.close()


def outside(page: Page, says: str) -> None:
    """Nothing is shown but the sign-in screen, which says why."""
    expect(page.get_by_text(says)).to_be_visible()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)


def again(page: Page) -> None:
    """Look at a screen anew, as the next click does."""
    page.reload()
    idle(page)


def people(page: Page) -> None:
    """Turn to the section People of the screen Administration."""
    visit(page, "Administration")
    page.get_by_role("radio", name="People").click()
    expect(page.get_by_role("heading", name="People", exact=True)).to_be_visible()
    idle(page)


def test_a_trusted_proxy_tells_the_address(dashboard: Dashboard, provider: Provider, browser: Browser) -> None:
    with visitor(browser, extra_http_headers={"X-Forwarded-For": "203.0.113.9"}) as page:
        sign_in(page, dashboard.address, "otto")
        expect(page.get_by_text("otto · operator")).to_be_visible()
    with sqlite3.connect(dashboard.home / "onboarding.db") as database:
        rows = database.execute("SELECT address FROM sign_in WHERE address <> ''").fetchall()
    database.close()
    assert rows == [("203.0.113.9",)]


def test_nobody_gets_in_without_signing_in(dashboard: Dashboard, page: Page) -> None:
    for address in ("", "/costs", "/administration"):
        page.goto(dashboard.address + address)
        idle(page)
        outside(page, "Sign in with your organisation's account.")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_follows_a_link_signs_in_and_is_there(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    asked = f"{dashboard.address}/activity?who=ada&outcome=refused&outcome=done"
    go_to_provider(page, asked)
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "onboarding_came_from"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/oauth2callback"
    at_provider(page, "ada")
    expect(page.get_by_role("heading", name="Activity", exact=True, level=1)).to_be_visible()
    expect(page.get_by_label("Who", exact=True)).to_have_value("ada")
    assert page.url == asked
    assert "onboarding_came_from" not in {one["name"] for one in page.context.cookies()}


def test_who_has_no_role_is_told_so(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    sign_in(page, dashboard.address, "nina")
    outside(page, "Looked at: the claim groups, which holds kitchen.")
    expect(page.get_by_text("Signed in at the provider as nina.")).to_be_visible()
    picture(page, "sign-in-no-role")
    page.get_by_role("button", name="Sign out").click()
    leave_provider(page, dashboard.address)
    outside(page, "Sign in with your organisation's account.")


def test_sign_out(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    sign_in(page, dashboard.address, "ada")
    cookies = page.context.cookies()
    menu(page, "ada")
    page.get_by_role("button", name="Sign out", exact=True).click()
    leave_provider(page, dashboard.address)
    outside(page, "Sign in with your organisation's account.")
    page.context.add_cookies([cookie for cookie in cookies if cookie["name"].startswith("_streamlit_user")])
    again(page)
    outside(page, "You signed out.")  # a copy of the cookie is worth nothing
    page.get_by_role("button", name="Sign in", exact=True).click()
    at_provider(page, "ada")
    expect(page.get_by_text("ada · administrator")).to_be_visible()


def test_sign_out_everywhere(dashboard: Dashboard, provider: Provider, browser: Browser, page: Page) -> None:
    sign_in(page, dashboard.address, "otto")
    with visitor(browser) as other, visitor(browser) as stranger:
        sign_in(other, dashboard.address, "otto")
        sign_in(stranger, dashboard.address, "fiona")
        visit(other, "Costs")
        menu(page, "otto")
        page.get_by_role("button", name="Sign out everywhere").click()
        leave_provider(page, dashboard.address)
        other.get_by_test_id("stSidebarNav").get_by_role("link", name="Billing buckets").click()
        outside(other, "All your sessions were ended.")
        again(stranger)
        expect(stranger.get_by_text("fiona · finance")).to_be_visible()


def test_an_administrator_ends_and_blocks(
    dashboard: Dashboard, provider: Provider, browser: Browser, page: Page
) -> None:
    with visitor(browser) as other:
        sign_in(other, dashboard.address, "petra")
        sign_in(page, dashboard.address, "ada")
        people(page)
        table = page.get_by_test_id("stDataFrame").last
        names = sorted(
            row[0] for row in sqlite3.connect(dashboard.home / "onboarding.db").execute("SELECT name FROM person")
        )
        page.wait_for_timeout(1000)  # the canvas takes clicks a while after it is drawn
        table.scroll_into_view_if_needed()
        table.click(position={"x": 18, "y": 35 * (names.index("petra") + 1) + 17})
        idle(page)
        page.get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_role("dialog").get_by_text("petra")).to_be_visible()
        picture(page, "people-block")
        page.get_by_role("dialog").get_by_role("button", name="Block", exact=True).click()
        expect(page.get_by_text("petra is blocked.")).to_be_visible()
        again(other)
        outside(other, "An administrator of this dashboard blocked you.")
        sign_in(other, dashboard.address, "petra")
        outside(other, "An administrator of this dashboard blocked you.")
    assert "blocked" in [one["why"] for one in events(dashboard.home, "refused.sign_in")]


def test_a_role_taken_away_ends_the_session(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    sign_in(page, dashboard.address, "axel")
    provider.set_person("axel", preferred_username="axel", groups=["kitchen"])
    visit(page, "Costs")
    put_back(dashboard.home, "asked", 6)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Credentials", exact=True).click()
    outside(page, "Your role here was taken away")


@pytest.mark.parametrize(
    ("lie", "says", "why"),
    [
        (oidc.forged, "not to be trusted", "signature"),
        (oidc.expired, "token was over already", "time is over"),
        (oidc.replayed, "not to be trusted", "content is wrong"),
        (oidc.for_another, "not to be trusted", "content is wrong"),
    ],
    ids=["forged", "expired", "replayed", "for another"],
)
def test_a_false_token_lets_nobody_in(
    dashboard: Dashboard, provider: Provider, page: Page, lie: oidc.Lie, says: str, why: str
) -> None:
    provider.lie = lie
    sign_in(page, dashboard.address, "ada")
    outside(page, says)
    assert why in str(events(dashboard.home, "refused.sign_in")[-1]["why"])
    assert not [cookie for cookie in page.context.cookies() if cookie["name"].startswith("_streamlit_user")]
    provider.lie = None
    page.get_by_role("button", name="Sign in", exact=True).click()
    at_provider(page, "ada")
    expect(page.get_by_text("ada · administrator")).to_be_visible()
    expect(page.get_by_text(says)).to_have_count(0)


def test_a_token_for_another_program_that_names_us_lets_nobody_in(
    dashboard: Dashboard, provider: Provider, page: Page
) -> None:
    provider.lie = oidc.for_another_by_us
    sign_in(page, dashboard.address, "ada")
    outside(page, "not meant for this dashboard")


def test_a_callback_that_was_used_lets_nobody_in(
    dashboard: Dashboard, provider: Provider, browser: Browser, page: Page
) -> None:
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/oauth2callback?" in request.url else None)
    sign_in(page, dashboard.address, "ada")
    (callback,) = seen
    page.goto(callback)
    idle(page)
    expect(page.get_by_text("ada · administrator")).to_be_visible()  # it changes nothing for who is in
    with visitor(browser) as other:
        other.goto(callback)
        idle(other)
        outside(other, "This sign-in was used before, or it took too long.")
    assert "no sign-in that this browser began" in str(events(dashboard.home, "refused.sign_in")[-1]["why"])


def test_who_is_not_let_in_by_the_provider_is_told_so(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    go_to_provider(page, dashboard.address)
    page.get_by_role("button", name="Deny").click()
    outside(page, "The sign-in provider did not let you in")
    assert "access_denied" in str(events(dashboard.home, "refused.sign_in")[-1]["why"])


def test_while_the_provider_is_down(dashboard: Dashboard, provider: Provider, browser: Browser, page: Page) -> None:
    sign_in(page, dashboard.address, "ada")
    provider.stop()
    try:
        put_back(dashboard.home, "asked", 6)
        visit(page, "Costs")  # who is in works on
        with visitor(browser) as other:
            other.goto(dashboard.address)
            idle(other)
            other.get_by_role("button", name="Sign in", exact=True).click()
            outside(other, "The sign-in provider does not answer.")
            picture(other, "sign-in-provider-down")
        put_back(dashboard.home, "asked", 6)
        put_back(dashboard.home, "confirmed", 60)
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Credentials", exact=True).click()
        outside(page, "has not answered for an hour")
    finally:
        provider.start()


def test_a_session_ends_with_its_time_and_a_restart_ends_none(
    tmp_path: Path, provider: Provider, browser: Browser, page: Page
) -> None:
    settings = Settings(home=tmp_path / "home", port=free_ports(1))
    more = {"ONBOARDING_SANDBOX": "false", "ONBOARDING_PORT": str(settings.port)} | provider.environment()
    with started(settings, **more) as dashboard:
        sign_in(page, dashboard.address, "ada")
        assert (settings.home / "cookie.key").stat().st_mode & 0o777 == 0o600
    with started(settings, **more) as dashboard:
        page.goto(dashboard.address)
        idle(page)
        expect(page.get_by_text("ada · administrator")).to_be_visible()
    time.sleep(1)
    with started(settings, **more, ONBOARDING_SESSION_HOURS="0.0001") as dashboard:
        page.goto(dashboard.address)
        idle(page)
        outside(page, "Your session is over")


def test_who_reveals_a_secret_signs_in_afresh(dashboard: Dashboard, provider: Provider, page: Page) -> None:
    workspace = open_workspace(Settings(home=dashboard.home))
    with changing(ACTOR, workspace, "test.keep") as change:
        keep(change.session, workspace, "KEPT", SecretStr("the kept secret"), "eu-west-2", "1")
        change.record("KEPT")
    workspace.close()
    provider.lie = oidc.proved_long_ago
    sign_in(page, dashboard.address, "ada")
    provider.lie = None
    visit(page, "Credentials")
    page.get_by_role("button", name="Reveal a secret").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("within the last 5 minutes")).to_be_visible()
    expect(dialog.get_by_role("textbox")).to_have_count(0)
    picture(page, "reveal-sign-in-again")
    with page.expect_request(lambda one: one.url.startswith(f"{provider.issuer}/oauth2/authorize")) as asked:
        dialog.get_by_role("button", name="Sign in again").click()
    assert "prompt=login" in asked.value.url
    at_provider(page, "ada")
    page.wait_for_url(f"{dashboard.address}/**")
    idle(page)
    visit(page, "Credentials")
    page.get_by_role("button", name="Reveal a secret").click()
    expect(dialog.get_by_label("Your password *", exact=True)).to_have_count(0)
    dialog.get_by_role("textbox", name="Reason *").fill("The terraform pipeline lost its copy.")
    dialog.get_by_role("button", name="Reveal", exact=True).click()
    expect(dialog.get_by_text("the kept secret")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(dashboard: Dashboard, provider: Provider, browser: Browser, scheme: str) -> None:
    with visitor(browser, color_scheme=scheme) as page:
        page.goto(dashboard.address)
        picture(page, f"sign-in-{scheme}")
        sign_in(page, dashboard.address, "ada")
        people(page)
        page.get_by_test_id("stDataFrame").last.scroll_into_view_if_needed()
        menu(page, "ada")
        picture(page, f"people-{scheme}")
        expect(page.get_by_role("button", name="Sign out everywhere")).to_be_visible()
