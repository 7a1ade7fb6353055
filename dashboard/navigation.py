"""The screens: file, title, icon, section."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

_PAGES = Path(__file__).parents[1] / "pages"


@dataclass(frozen=True)
class Screen:
    """One screen. `file` is its name in `pages/` and its address."""

    file: str
    title: str
    icon: str
    section: str


HOME = Screen("home", "Home", ":material/home:", "")
REQUEST_ACCOUNT = Screen("request_account", "Request account", ":material/outgoing_mail:", "Onboarding")
ACCOUNTS = Screen("accounts", "Accounts", ":material/account_balance:", "Onboarding")
ACCESS_KEYS = Screen("access_keys", "Access keys", ":material/key:", "Onboarding")
ADD_CREDENTIALS = Screen("add_credentials", "Add credentials", ":material/add_circle:", "Onboarding")
CREDENTIALS = Screen("credentials", "Credentials", ":material/badge:", "Onboarding")
BILLING_BUCKETS = Screen("billing_buckets", "Billing buckets", ":material/folder_open:", "Finance")
COSTS = Screen("costs", "Costs", ":material/bar_chart:", "Finance")
ADMINISTRATION = Screen("administration", "Administration", ":material/tune:", "Administration")

SCREENS = (
    HOME,
    REQUEST_ACCOUNT,
    ACCOUNTS,
    ACCESS_KEYS,
    ADD_CREDENTIALS,
    CREDENTIALS,
    BILLING_BUCKETS,
    COSTS,
    ADMINISTRATION,
)


def path(screen: Screen) -> Path:
    """The screen's file."""
    return _PAGES / f"{screen.file}.py"


def sections() -> dict[str, list[st.Page]]:
    """The screens as Streamlit's navigation takes them, by section."""
    pages: dict[str, list[st.Page]] = {}
    for screen in SCREENS:
        page = st.Page(path(screen), title=screen.title, icon=screen.icon, default=screen is HOME)
        pages.setdefault(screen.section, []).append(page)
    return pages


def nowhere() -> None:
    """Show a way to no screen. Each address is still known, so that whoever must sign in first is not told that the
    page does not exist."""
    st.navigation(
        [st.Page(path(screen), title="Sign in", default=screen is HOME) for screen in SCREENS], position="hidden"
    )


def go(screen: Screen) -> None:
    """Show another screen now."""
    st.switch_page(path(screen))
