"""The screens: file, title, icon, section, and who sees them."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.session import may

_PAGES = Path(__file__).parents[1] / "pages"


@dataclass(frozen=True)
class Screen:
    """One screen. `file` is its name in `pages/` and its address; whoever may use the service function `shows` sees
    it."""

    file: str
    title: str
    icon: str
    section: str
    shows: str


HOME = Screen("home", "Home", ":material/home:", "", "attention.attention")
REQUEST_ACCOUNT = Screen(
    "request_account", "Request account", ":material/outgoing_mail:", "Onboarding", "requests.list_requests"
)
ACCOUNTS = Screen("accounts", "Accounts", ":material/account_balance:", "Onboarding", "accounts.list_accounts")
ACCESS_KEYS = Screen("access_keys", "Access keys", ":material/key:", "Onboarding", "key_intents.open_intents")
ADD_CREDENTIALS = Screen(
    "add_credentials", "Add credentials", ":material/add_circle:", "Onboarding", "onboarding.add_credentials"
)
CREDENTIALS = Screen("credentials", "Credentials", ":material/badge:", "Onboarding", "credentials.list_credentials")
BILLING_BUCKETS = Screen(
    "billing_buckets", "Billing buckets", ":material/folder_open:", "Finance", "billing.bucket_choices"
)
COSTS = Screen("costs", "Costs", ":material/bar_chart:", "Finance", "costs.costs")
ACTIVITY = Screen("activity", "Activity", ":material/history:", "Administration", "audit.list_trail")
ADMINISTRATION = Screen("administration", "Administration", ":material/tune:", "Administration", "policy.show_policy")

SCREENS = (
    HOME,
    REQUEST_ACCOUNT,
    ACCOUNTS,
    ACCESS_KEYS,
    ADD_CREDENTIALS,
    CREDENTIALS,
    BILLING_BUCKETS,
    COSTS,
    ACTIVITY,
    ADMINISTRATION,
)


def path(screen: Screen) -> Path:
    """The screen's file."""
    return _PAGES / f"{screen.file}.py"


def sees(screen: Screen) -> bool:
    """Whether the person at this screen sees that one: ways to others are not offered."""
    return may(screen.shows)


def sections() -> dict[str, list[st.Page]]:
    """The screens that the person sees as Streamlit's navigation takes them, by section. The others have no address."""
    pages: dict[str, list[st.Page]] = {}
    for screen in filter(sees, SCREENS):
        page = st.Page(path(screen), title=screen.title, icon=screen.icon, default=screen is HOME)
        pages.setdefault(screen.section, []).append(page)
    return pages


def nowhere() -> None:
    """Show a way to no screen. Each address is still known, so that whoever must sign in first is not told that the
    page does not exist."""
    st.navigation(
        [st.Page(path(screen), title="Sign in", default=screen is HOME) for screen in SCREENS], position="hidden"
    )


def go(screen: Screen, **says: str) -> None:
    """Show another screen now, at the address that says this; see `dashboard.address`."""
    st.switch_page(path(screen), query_params=says)
