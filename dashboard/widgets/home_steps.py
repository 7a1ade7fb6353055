"""Home: the ways to begin, ticked as far as they are done, and the ways on."""

from collections.abc import Collection
from dataclasses import dataclass

import streamlit as st

from core.services.overview import Step
from dashboard.navigation import (
    ACCESS_KEYS,
    ACTIVITY,
    ADD_CREDENTIALS,
    BILLING_BUCKETS,
    COSTS,
    REQUEST_ACCOUNT,
    Screen,
    go,
)
from dashboard.session import may


@dataclass(frozen=True)
class _Way:
    """A way to a screen: for whom (who may use this service function), its title, what is done there, and the first
    step that this is."""

    needed: str
    screen: Screen
    title: str
    text: str
    step: Step | None = None


_ONBOARDING = (
    _Way(
        "requests.send",
        REQUEST_ACCOUNT,
        "Have an account",
        "Ask OUTSCALE for one, in the Region where you need it.",
        Step.ACCOUNT,
    ),
    _Way(
        "access_keys.create_key",
        ACCESS_KEYS,
        "Get an access key",
        "Confirm the account's password, and create a key.",
        Step.KEY,
    ),
    _Way(
        "onboarding.add_credentials",
        ADD_CREDENTIALS,
        "Add credentials",
        "Paste keys that you have, too. All is checked before it is stored.",
        Step.CREDENTIALS,
    ),
)
_FINANCE = (
    _Way(
        "onboarding.add_credentials",
        ADD_CREDENTIALS,
        "Add the billing key",
        "With the buckets that bills are delivered to.",
        Step.BILLING,
    ),
    _Way(
        "bill_pull.pull", BILLING_BUCKETS, "Look into a bucket", "Its folders and files, each previewed.", Step.BUCKET
    ),
    _Way("bill_pull.pull", COSTS, "Read the bills", "See what they come to, by month and service.", Step.BILLS),
)
_WAYS_ON = (
    _Way(
        "access_keys.create_key",
        ACCESS_KEYS,
        "Keys",
        "Confirm an account's password, see its keys, create and rotate them.",
    ),
    _Way(
        "onboarding.add_credentials",
        ADD_CREDENTIALS,
        "More credentials",
        "Every key, Region, proxy and bucket is checked before it is stored.",
    ),
    _Way("preview.preview", BILLING_BUCKETS, "Bills", "Walk the billing buckets, preview and download files."),
    _Way("costs.costs", COSTS, "Costs", "By month, account and service, down to the lines of a bill."),
    _Way("audit.list_trail", ACTIVITY, "What was done", "By whom, from where, and whether the record of it is whole."),
)
_SHOWN = 3


def show_first_steps(done: Collection[Step]) -> bool:
    """Show the three steps to a first success with those ticked that are done; whether the person has steps that are
    not all done. Who may do none of them is shown nothing."""
    steps = _ONBOARDING if may("access_keys.create_key") else _FINANCE
    if not all(may(way.needed) for way in steps) or steps[-1].step in done:
        return False
    st.header("Three steps to begin")
    first = next(way for way in steps if way.step not in done)
    for number, (column, way) in enumerate(zip(st.columns(len(steps)), steps, strict=True), 1):
        ticked = way.step in done
        sign = ":green[:material/check_circle: Done]" if ticked else f":gray[Step {number}]"
        with column:
            _card(way, sign, way is first)
    return True


def show_ways_on() -> None:
    """Show the first few ways on that the person has."""
    st.header("Go on")
    ways = [way for way in _WAYS_ON if may(way.needed)][:_SHOWN]
    for column, way in zip(st.columns(_SHOWN), ways, strict=False):
        with column:
            _card(way, "", way.screen is ADD_CREDENTIALS)


def _card(way: _Way, sign: str, primary: bool) -> None:
    with st.container(border=True, height="stretch"):
        if sign:
            st.markdown(sign)
        st.markdown(f"**{way.screen.icon} {way.title}**")
        st.caption(way.text)
        if st.button(way.screen.title, key=f"home.{way.screen.file}", type="primary" if primary else "secondary"):
            go(way.screen)
