"""Access keys: opened by the account's password, seen, created. A new secret is shown once."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st
from pydantic import SecretStr

from core.domain.regions import DEFAULT_REGION
from core.outscale.models import AccessKey
from core.services.access_keys import (
    DEFAULT_LIFE,
    KEYS_PER_USER,
    Created,
    Door,
    Opened,
    close_account,
    create_key,
    is_open,
    keep_key,
    kept_keys,
    known_accounts,
    list_keys,
    open_account,
)
from core.store.store import StoreError
from dashboard.navigation import ADD_CREDENTIALS, go
from dashboard.session import actor, workspace
from dashboard.widgets.credentials_form import carry_key
from dashboard.widgets.problems import above
from dashboard.widgets.text import local, safe

DOOR = "access_keys.opened"
NEW_KEY = "access_keys.new"
KEPT = "access_keys.kept"
CREATING = "access_keys.creating"
OTHER = "Another account …"


def main() -> None:
    """Show the screen."""
    st.title("Access keys")
    st.caption("Access keys sign requests to OUTSCALE. The account's password opens their list.")
    opened: Opened | None = st.session_state.get(DOOR)
    if opened and opened.door and is_open(opened.door):
        _keys(opened.door, opened)
        return
    if st.session_state.pop(DOOR, None):
        st.info("The password is no longer held. Confirm it again.", icon=":material/lock_clock:")
    _confirm()


def _confirm() -> None:
    known = {f"{account.email} · {account.region}": account for account in known_accounts(actor(), workspace())}
    regions = workspace().regions
    chosen = st.selectbox("Account", [*known, OTHER], key="access_keys.account")
    account = known.get(chosen)
    with st.form("access_keys.confirm", clear_on_submit=False):
        st.markdown("**:material/lock: Password confirmation**")
        if account:
            email, region = account.email, account.region
        else:
            left, right = st.columns(2)
            email = left.text_input("Email of the account", type="email", key="access_keys.email")
            names = [one.name for one in regions.open]
            region = right.selectbox(
                "Region",
                names,
                index=names.index(DEFAULT_REGION) if DEFAULT_REGION in names else 0,
                format_func=lambda name: str(regions[name]),
                key="access_keys.region",
            )
        number = st.session_state.get("access_keys.try", 0)
        password = st.text_input(
            "Current password", type="password", autocomplete="current-password", key=f"access_keys.password.{number}"
        )
        sent = st.form_submit_button("Confirm", type="primary", icon=":material/lock_open:")
    st.caption(
        "Held in memory for five minutes at most, never stored. Four wrong passwords lock an account for a while."
    )
    if problem := st.session_state.pop("access_keys.problem", None):
        above(problem)
    if not sent:
        return
    # A new number makes the field new, so that the password leaves the session's state.
    st.session_state["access_keys.try"] = number + 1
    try:
        with st.spinner("Asking OUTSCALE …"):
            opened = open_account(actor(), workspace(), email or "", SecretStr(password or ""), region or "")
    except StoreError as error:
        above_store(error)
        return
    if opened.problem:
        st.session_state["access_keys.problem"] = opened.problem
    else:
        st.session_state[DOOR] = opened
    st.rerun()


def above_store(error: StoreError) -> None:
    """Say what the store refused."""
    st.error(str(error), icon=":material/error:")


def _keys(door: Door, opened: Opened) -> None:
    _header(door)
    above(opened.problem)
    word = st.text_input("Search", type="search", placeholder="Access key or tag", key="access_keys.search")
    word = (word or "").strip().lower()
    kept = kept_keys(actor(), workspace(), door.region)
    shown = [key for key in opened.keys if word in f"{key.access_key_id} {key.tag or ''} {key.state}".lower()]
    if shown:
        _table(shown, kept)
    elif opened.keys:
        st.info("No key matches the search.", icon=":material/search_off:")
    elif not opened.problem:
        st.info("This account has no access key. Create the first one.", icon=":material/info:")
    st.caption(f"{len(shown)} of {len(opened.keys)} keys. OUTSCALE allows {KEYS_PER_USER} keys a user.")
    with st.container(horizontal=True):
        full = len(opened.keys) >= KEYS_PER_USER
        if st.button(
            "Create",
            type="primary",
            icon=":material/add:",
            disabled=full,
            help="The ten keys are used up: delete one in Cockpit first." if full else None,
        ):
            st.session_state.pop(NEW_KEY, None)
            st.session_state[CREATING] = True
        if st.button("Read again", icon=":material/refresh:"):
            st.session_state[DOOR] = list_keys(actor(), workspace(), door)
            st.rerun()
        if st.button("Close", icon=":material/lock:"):
            close_account(door)
            st.session_state.pop(DOOR, None)
            st.rerun()
    if CREATING in st.session_state:
        _create_dialog(door)


def _header(door: Door) -> None:
    region = workspace().regions[door.region]

    @st.fragment(run_every=5)
    def countdown() -> None:
        left = max(timedelta(), door.closes - datetime.now(UTC))
        if not left:
            st.rerun()
        minutes, seconds = divmod(int(left.total_seconds()), 60)
        st.caption(f":material/lock_open: {safe(door.email)} in {safe(str(region))} · closes in {minutes}:{seconds:02}")

    countdown()


def _table(keys: list[AccessKey], kept: set[str]) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "Access key": [key.access_key_id for key in keys],
                "State": [[key.state] for key in keys],
                "Created": [key.creation_date for key in keys],
                "Modified": [key.last_modification_date for key in keys],
                "Expires": [local(key.expiration_date) or "never" for key in keys],
                "Tag": [key.tag or "" for key in keys],
                "Secret": ["sealed here" if key.access_key_id in kept else "not here" for key in keys],
            }
        ),
        hide_index=True,
        alt="Access keys of the account",
        column_config={
            "State": st.column_config.MultiselectColumn(
                options=["ACTIVE", "INACTIVE"], color=["green", "gray"], disabled=True
            ),
            "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Modified": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )


def _forget_new_key() -> None:
    for name in (CREATING, NEW_KEY, KEPT):
        st.session_state.pop(name, None)


@st.dialog("Create an access key", icon=":material/key:", width="medium", on_dismiss=_forget_new_key)
def _create_dialog(door: Door) -> None:
    created: Created | None = st.session_state.get(NEW_KEY)
    if created and created.key:
        _secret_once(door, created)
        return
    st.markdown("A new key is ACTIVE at once. Its secret is shown a single time.")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    never = st.checkbox("Never expires", key="access_keys.never")
    expires = st.date_input(
        "Expires on (UTC)",
        datetime.now(UTC).date() + DEFAULT_LIFE,
        min_value=tomorrow,
        disabled=never,
        key="access_keys.expires",
    )
    tag = st.text_input("Tag", placeholder="Optional", max_chars=255, key="access_keys.tag")
    if created:
        above(created.problem)
    if st.button("Generate", type="primary", icon=":material/key:", key="access_keys.generate"):
        try:
            with st.spinner("Asking OUTSCALE …"):
                st.session_state[NEW_KEY] = create_key(
                    actor(), workspace(), door, expires=None if never else expires, tag=tag or ""
                )
        except StoreError as error:
            above_store(error)
            return
        st.session_state[DOOR] = list_keys(actor(), workspace(), door)
        st.rerun()


def _secret_once(door: Door, created: Created) -> None:
    key = created.key
    assert key is not None  # noqa: S101 - the caller has looked
    st.warning(
        "The secret key is shown this once. Copy it, download it or have it kept sealed.", icon=":material/warning:"
    )
    above(created.problem)
    st.markdown("Access key")
    st.code(key.access_key_id, language=None)
    st.markdown("Secret key")
    st.code(key.secret_key.get_secret_value(), language=None)
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            lambda: _key_csv(door, created).encode(),
            file_name=f"access-key-{key.access_key_id}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.session_state.get(KEPT) == key.access_key_id:
            st.markdown(":green[:material/lock: Kept sealed here]")
        elif st.button("Keep sealed here", icon=":material/lock:"):
            try:
                keep_key(actor(), workspace(), key, door.region, created.account_id)
            except StoreError as error:
                above_store(error)
            else:
                st.session_state[KEPT] = key.access_key_id
                st.rerun()
        if st.button("Use in Add credentials", type="primary", icon=":material/arrow_forward:"):
            carry_key(key.access_key_id, key.secret_key, created.account_id, door.region)
            _forget_new_key()
            go(ADD_CREDENTIALS)
        if st.button("Done"):
            _forget_new_key()
            st.rerun()


def _key_csv(door: Door, created: Created) -> str:
    key = created.key
    assert key is not None  # noqa: S101
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["access_key", "secret_key", "account_id", "region"])
    writer.writerow([key.access_key_id, key.secret_key.get_secret_value(), created.account_id, door.region])
    return out.getvalue()


main()
