"""The dialog in which an access key is created, and the one time that its secret is shown."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from core.domain.accounts import TAG_RULE
from core.outscale.models import CreatedAccessKey
from core.services import key_intents
from core.services.access_keys import Created, KeyList, create_key
from core.services.doors import Door
from core.services.key_files import key_csv, key_profile, key_qr
from core.services.key_rules import DEFAULT_LIFE, latest_day
from dashboard.navigation import ADD_CREDENTIALS, go
from dashboard.session import PLAIN, actor, workspace
from dashboard.widgets.credentials_form import carry_key
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import safe

CREATING = "access_keys.creating"
NEW_KEY = "access_keys.new"
SHOWN_REGION = "access_keys.new.region"


def forget_new_key() -> None:
    """Drop the new key and its secret from the session. Until it is taken, the secret waits sealed in the store."""
    for name in (CREATING, NEW_KEY, SHOWN_REGION):
        st.session_state.pop(name, None)


def show_again(intent: str, access_key: str, account_id: str, region: str) -> None:
    """Show the secret of a key that nobody has taken yet."""
    try:
        secret = key_intents.waiting_secret(actor(), workspace(), intent)
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    if secret is not None:
        key = CreatedAccessKey(access_key_id=access_key, state="ACTIVE", secret_key=secret)
        st.session_state[NEW_KEY] = Created(key=key, intent=intent, account_id=account_id)
        st.session_state[SHOWN_REGION] = region
        st.rerun()


@st.dialog("Create an access key", icon=":material/key:", width="medium", on_dismiss=forget_new_key)
def create_dialog(door: Door, listed: KeyList, user_name: str) -> None:
    """Ask for tag and expiration, create the key, show it."""
    created: Created | None = st.session_state.get(NEW_KEY)
    if created and created.key:
        _secret_once(created, door.region)
        return
    whose = f"the EIM user **{safe(user_name)}**" if user_name else "**the account**"
    st.markdown(f"A key of {whose}. It is ACTIVE at once, and its secret is shown a single time.")
    today, last = datetime.now(UTC).date(), latest_day(listed.longest_life)
    never = st.checkbox(
        "Never expires",
        disabled=last is not None,
        help="The account's policy demands an expiration." if last else None,
        key="access_keys.never",
    )
    expires = st.date_input(
        "Expires on (UTC)",
        min(today + DEFAULT_LIFE, last or today + DEFAULT_LIFE),
        min_value=today + timedelta(days=1),
        max_value=last,
        disabled=never,
        key="access_keys.expires",
    )
    problem = created.problem if created else None
    beside([problem] if problem else [], "expires")
    tag = st.text_input(
        "Tag", placeholder="Optional, for people: what it is for", max_chars=255, key="access_keys.tag", help=TAG_RULE
    )
    if problem and problem.field != "expires":
        above(problem)
    if st.button("Generate", type="primary", icon=":material/key:", key="access_keys.generate"):
        try:
            with st.spinner("Asking OUTSCALE …"):
                day = None if never else expires
                made = create_key(actor(), workspace(), door, expires=day, tag=tag or "", user_name=user_name)
        except PLAIN as error:
            st.error(str(error), icon=":material/error:")
            return
        st.session_state[NEW_KEY] = made
        st.session_state.pop("access_keys.list", None)  # read again
        st.rerun()


@st.dialog("A new access key", icon=":material/key:", width="medium", on_dismiss=forget_new_key)
def secret_dialog() -> None:
    """Show a key whose secret waited."""
    _secret_once(st.session_state[NEW_KEY], st.session_state[SHOWN_REGION])


def _secret_once(created: Created, region: str) -> None:
    key = created.key
    assert key is not None  # noqa: S101 - the callers have looked
    st.warning(
        "The secret is shown this once. Take it one of these ways; until you do, it waits here, sealed.",
        icon=":material/warning:",
    )
    above(created.problem)
    st.markdown("Access key")
    st.code(key.access_key_id, language=None)
    st.markdown("Secret key")
    st.code(key.secret_key.get_secret_value(), language=None)
    files = st.container(horizontal=True)
    files.download_button(
        "CSV",
        lambda: key_csv(key, created.account_id, region).encode(),
        file_name=f"access-key-{key.access_key_id}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    files.download_button(
        "osc profile",
        lambda: key_profile(workspace(), key, region).encode(),
        file_name="config.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
        help="For ~/.osc/config.json, which OUTSCALE's SDK and command line read.",
    )
    with files.popover("QR code", icon=":material/qr_code:"):
        st.image(key_qr(key), caption="Access key and secret key, a line each", alt="QR code of the access key")
    carry = st.button("Use in Add credentials", type="primary", icon=":material/arrow_forward:", width="stretch")
    if carry and _take(created, sealed=True):
        carry_key(key.access_key_id, key.secret_key, created.account_id, region)
        forget_new_key()
        go(ADD_CREDENTIALS)
    ends = st.container(horizontal=True)
    if ends.button("Keep sealed here", icon=":material/lock:") and _take(created, sealed=True):
        forget_new_key()
        st.rerun()
    if ends.button("I have it", icon=":material/check:") and _take(created, sealed=False):
        forget_new_key()
        st.rerun()


def _take(created: Created, *, sealed: bool) -> bool:
    try:
        key_intents.take(
            actor(),
            workspace(),
            created.intent,
            account_id=created.account_id,
            sealed=sealed,
            created=created.key,
        )
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return False
    return True
