"""Every screen as each kind of person sees it, empty and lived in: it can be read, it fits, it asks no other host."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from core.settings import Settings
from dashboard.navigation import SCREENS
from tests.browser.conftest import Dashboard, idle, started, visit
from tests.browser.looking import Watch, still
from tests.browser.signing_in import at_provider, events, go_to_provider, sign_in
from tests.oidc import ROLE_OF, Provider

EVERYTHING = {screen.title for screen in SCREENS}
PAGES = {
    "administrator": EVERYTHING,
    "operator": EVERYTHING - {"Activity", "Administration"},
    "finance": {"Home", "Help", "Add credentials", "Credentials", "Billing buckets", "Costs"},
    "presenter": EVERYTHING - {"Activity", "Administration"},
    "auditor": EVERYTHING - {"Add credentials", "Walkthrough"},
}
"""The screens of each role."""
VIEWS = {"Costs": ("Files", "Reconcile", "Budgets"), "Administration": ("People", "Allowed hosts", "Rights")}
"""What else a screen shows, looked at by who may see all of it."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shared(lived_in: Settings, provider: Provider) -> Iterator[Dashboard]:
    """The dashboard of many, who sign in."""
    with started(lived_in, **provider.environment()) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with still(browser) as opened:
        yield opened


@pytest.mark.parametrize("who", [who for who, role in ROLE_OF.items() if role])
def test_each_screen_of_each_role(shared: Dashboard, page: Page, who: str) -> None:
    role = str(ROLE_OF[who])
    sign_in(page, shared.address, who)
    assert events(shared.home, "person.sign_in")[-1]["as_role"] == role
    expect(page.get_by_test_id("stSidebar").get_by_text(f"{who} · {role}")).to_be_visible()
    assert _titles(page) == PAGES[role]
    watch = Watch(page, shared.address.removeprefix("http://"))
    _walk(watch, role, views=role == "administrator")
    for screen in (one for one in SCREENS if one.title not in PAGES[role]):
        page.goto(f"{shared.address}/{screen.file}")
        expect(page.get_by_role("heading", name="OUTSCALE onboarding", level=1)).to_be_visible()
        expect(page.get_by_text(f"The screen {screen.title} is not for your role, {role}.")).to_be_visible()
        expect(page.get_by_role("heading", name=screen.title, exact=True, level=1)).to_have_count(0)
    assert not watch.wrong, "\n".join(watch.wrong)


def test_each_screen_before_anything_is_there(dashboard: Dashboard, page: Page) -> None:
    watch = Watch(page, dashboard.address.removeprefix("http://"))
    page.goto(dashboard.address)
    expect(page.get_by_test_id("stSidebarNav")).to_be_visible(timeout=60_000)
    _walk(watch, "empty", views=False)
    assert not watch.wrong, "\n".join(watch.wrong)


def test_the_screen_of_who_is_not_in(shared: Dashboard, page: Page) -> None:
    watch = Watch(page, shared.address.removeprefix("http://"))
    page.goto(shared.address)
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible(timeout=60_000)
    watch.look("nobody-sign-in")
    assert not watch.wrong, "\n".join(watch.wrong)
    go_to_provider(page, shared.address)
    at_provider(page, "nina")
    page.wait_for_url(f"{shared.address}/**")
    watch.look("nobody-turned-away")
    assert not [one for one in watch.wrong if "asked" not in one], "\n".join(watch.wrong)


def _titles(page: Page) -> set[str]:
    """The screens that the navigation leads to."""
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    return {title.strip().split("\n")[-1] for title in links.all_inner_texts()}


def _walk(watch: Watch, name: str, *, views: bool) -> None:
    page = watch.page
    seen = _titles(page)
    for screen in SCREENS:
        if screen.title not in seen:
            continue
        if screen.file == "home":
            page.get_by_test_id("stSidebarNav").get_by_role("link", name="Home", exact=True).click()
        else:
            visit(page, screen.title)
        watch.look(f"{name}-{screen.file}", extremes=views)
        for view in VIEWS.get(screen.title, ()) if views else ():
            page.get_by_role("radiogroup").first.get_by_text(view, exact=True).click()
            idle(page)
            watch.look(f"{name}-{screen.file}-{view.lower().replace(' ', '-')}", widths=(390, 1280))
