"""The screens: file, title, icon, and who sees them."""

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
    shows: str


HOME = Screen("home", "Home", ":material/home:", "attention.attention")
REQUEST_ACCOUNT = Screen("request_account", "Request account", ":material/outgoing_mail:", "requests.list_requests")
ACCOUNTS = Screen("accounts", "Accounts", ":material/account_balance:", "accounts.list_accounts")
ACCESS_KEYS = Screen("access_keys", "Access keys", ":material/key:", "key_intents.open_intents")
ADD_CREDENTIALS = Screen("add_credentials", "Add credentials", ":material/add_circle:", "onboarding.add_credentials")
CREDENTIALS = Screen("credentials", "Credentials", ":material/badge:", "credentials.list_credentials")
BILLING_BUCKETS = Screen("billing_buckets", "Billing buckets", ":material/folder_open:", "billing.bucket_choices")
COSTS = Screen("costs", "Costs", ":material/bar_chart:", "costs.costs")
ACTIVITY = Screen("activity", "Activity", ":material/history:", "audit.list_trail")
ADMINISTRATION = Screen("administration", "Administration", ":material/tune:", "policy.show_policy")

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


def pages() -> list[st.Page]:
    """The screens that the person sees as Streamlit's navigation takes them. The others have no address.

    One list in the order of the path: the sections that Streamlit can show are no list for a screen reader."""
    return [
        st.Page(path(screen), title=screen.title, icon=screen.icon, default=screen is HOME)
        for screen in filter(sees, SCREENS)
    ]


def nowhere() -> None:
    """Show a way to no screen. Each address is still known, so that whoever must sign in first is not told that the
    page does not exist."""
    st.navigation(
        [st.Page(path(screen), title="Sign in", default=screen is HOME) for screen in SCREENS], position="hidden"
    )


def go(screen: Screen) -> None:
    """Show another screen now."""
    st.switch_page(path(screen))
