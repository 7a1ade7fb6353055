"""The screens: file, title, icon, and who sees them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.session import actor, may

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
WALKTHROUGH = Screen("walkthrough", "Walkthrough", ":material/tour:", "walkthrough.show_tour")
REQUEST_ACCOUNT = Screen(
    "request_account", "Request account", ":material/outgoing_mail:", "request_views.list_requests"
)
ACCOUNTS = Screen("accounts", "Accounts", ":material/account_balance:", "accounts.list_accounts")
ACCESS_KEYS = Screen("access_keys", "Access keys", ":material/key:", "key_intents.open_intents")
ADD_CREDENTIALS = Screen("add_credentials", "Add credentials", ":material/add_circle:", "onboarding.add_credentials")
CREDENTIALS = Screen("credentials", "Credentials", ":material/badge:", "credentials.list_credentials")
BILLING_BUCKETS = Screen("billing_buckets", "Billing buckets", ":material/folder_open:", "billing.bucket_choices")
COSTS = Screen("costs", "Costs", ":material/bar_chart:", "costs.costs")
ACTIVITY = Screen("activity", "Activity", ":material/history:", "audit.list_trail")
ADMINISTRATION = Screen("administration", "Administration", ":material/tune:", "policy.show_policy")
HELP = Screen("help", "Help", ":material/help:", "help.find_help")

SCREENS = (
    HOME,
    WALKTHROUGH,
    REQUEST_ACCOUNT,
    ACCOUNTS,
    ACCESS_KEYS,
    ADD_CREDENTIALS,
    CREDENTIALS,
    BILLING_BUCKETS,
    COSTS,
    ACTIVITY,
    ADMINISTRATION,
    HELP,
)


def path(screen: Screen) -> Path:
    """The screen's file."""
    return _PAGES / f"{screen.file}.py"


def sees(screen: Screen) -> bool:
    """Whether the person at this screen sees that one: ways to others are not offered."""
    return may(screen.shows)


def pages() -> list[st.Page]:
    """The screens that the person sees as Streamlit's navigation takes them. The address of another one says that it is
    not for them.

    One list in the order of the path: the sections that Streamlit can show are no list for a screen reader."""
    return [_page(screen) for screen in SCREENS]


def _page(screen: Screen) -> st.Page:
    if sees(screen):
        return st.Page(path(screen), title=screen.title, icon=screen.icon, default=screen is HOME)
    return st.Page(partial(_not_for, screen), title=screen.title, url_path=screen.file, visibility="hidden")


def _not_for(screen: Screen) -> None:
    st.title("OUTSCALE onboarding")
    role = actor().role.value
    st.warning(f"The screen **{screen.title}** is not for your role, {role}.", icon=":material/block:")
    st.caption("An administrator gives roles, at the sign-in provider. What is for you stands in the navigation.")
    link(HOME)


def nowhere() -> None:
    """Show a way to no screen. Each address is still known, so that whoever must sign in first is not told that the
    page does not exist."""
    st.navigation(
        [st.Page(path(screen), title="Sign in", default=screen is HOME) for screen in SCREENS], position="hidden"
    )


def go(screen: Screen) -> None:
    """Show another screen now, after something was done here."""
    st.switch_page(path(screen))


def link(
    screen: Screen, label: str = "", says: dict[str, str] | None = None, *, icon: str = "", disabled: bool = False
) -> None:
    """Show a way to another screen, at the address that says this (see `dashboard.address`), for who sees it.

    Unlike `go` it leaves this screen's address as it is, so that the browser's back leads to what was left."""
    if sees(screen):
        st.page_link(
            path(screen),
            label=label or screen.title,
            icon=icon or screen.icon,
            disabled=disabled,
            query_params=says,
        )
