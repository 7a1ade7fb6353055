"""Access keys of an account or an EIM user: seen, created, changed, rotated, deleted. A new secret is shown once."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st
from pydantic import SecretStr

from core.domain.credentials import REGION_RULE
from core.domain.regions import DEFAULT_REGION
from core.services.access_keys import KeyList, list_keys, list_users
from core.services.accounts import list_accounts
from core.services.doors import (
    Door,
    Opened,
    close_door,
    demo_sign_in,
    is_open,
    known_accounts,
    open_with_key,
    open_with_password,
)
from core.services.key_rules import KEYS_PER_USER
from core.services.key_views import KeyView, Mark
from core.services.signing import signing_keys
from dashboard import address
from dashboard.navigation import ACCESS_KEYS
from dashboard.session import PLAIN, actor, may, regions, workspace
from dashboard.widgets.facts import show_facts
from dashboard.widgets.key_dialogs import (
    DOING,
    SAID,
    change_dialog,
    deactivate_dialog,
    delete_dialog,
    set_state,
)
from dashboard.widgets.lost_keys import show_open
from dashboard.widgets.new_key import CREATING, NEW_KEY, SHOWN_REGION, create_dialog, secret_dialog
from dashboard.widgets.problems import above
from dashboard.widgets.rotations import ROTATING, rotate_dialog, show_rotations
from dashboard.widgets.seen_keys import show_seen
from dashboard.widgets.states import bad, doubtful, good, neutral, state_column
from dashboard.widgets.text import literal, local, safe

DOOR = "access_keys.opened"
LIST = "access_keys.list"
LOOKED = "access_keys.looked"
"""Account ID and Region of the account that the address names, or that is opened."""
USER, WORD, STATE = "access_keys.user", "access_keys.search", "access_keys.state"
KEY_STATES = ("All", "ACTIVE", "INACTIVE")
OTHER = "Another account …"
PASSWORD, STORED = "Password", "Stored key"
_STATES = {"ACTIVE": good("ACTIVE"), "INACTIVE": neutral("INACTIVE", "pause_circle")}
_AGES = {Mark.OVER: doubtful("old", "history")}
_EXPIRIES = {Mark.SOON: doubtful("expires soon", "schedule"), Mark.OVER: bad("expired", "event_busy")}


def main() -> None:
    """Show the screen."""
    st.title("Access keys")
    st.caption("Access keys sign requests to OUTSCALE. The account's password opens their list, or a key that is here.")
    if said := st.session_state.pop(SAID, None):
        st.success(safe(said), icon=":material/check_circle:")
    door: Door | None = st.session_state.get(DOOR)
    if door and not is_open(door):
        _shut(door)
        st.info("The password is no longer held. Confirm it again.", icon=":material/lock_clock:")
        door = None
    parts = _parts()
    if address.arrive(ACCESS_KEYS, parts):
        if not st.session_state.get(USER):
            st.session_state.pop(USER, None)  # the field then shows whose keys these are
        _asked_for(door)
    if door and (door := st.session_state.get(DOOR)) and door.account_id:
        st.session_state[LOOKED] = (door.account_id, door.region)
    address.keep(parts)
    show_open(door)
    show_rotations()
    if SHOWN_REGION in st.session_state and NEW_KEY in st.session_state:
        secret_dialog()
    if not may("access_keys.list_keys"):
        show_seen(LOOKED)
        address.keep(parts)
    elif door:
        _keys(door)
    else:
        _open()


def _parts() -> list[address.Part]:
    """What the address tells: the account, and who may open it has its filters too."""
    account = address.place("account", LOOKED, _known)
    if not may("access_keys.list_keys"):
        return [account]
    # The name of an EIM user has no blank; the words for the one who signs do.
    user = address.Part("user", USER, lambda words: words[-1], lambda name: [name] if name and " " not in name else [])
    return [account, user, address.text("search", WORD), address.one_of("state", STATE, lambda: KEY_STATES, "All")]


def _known() -> list[address.Place]:
    """The accounts that may be asked for."""
    places = [(one.account_id, one.region) for one in list_accounts(actor(), workspace())]
    if may("access_keys.list_keys"):
        places += [(one.account_id, one.region) for one in known_accounts(actor(), workspace())]
        places += [(one.account_id, one.region) for one in signing_keys(actor(), workspace())]
    return places


def _asked_for(door: Door | None) -> None:
    """Open the account that the address names by a stored key, or make its password's form ready."""
    wanted: address.Place | None = st.session_state[LOOKED]
    if wanted is None or not may("access_keys.list_keys") or (door and (door.account_id, door.region) == wanted):
        return
    if door:
        _shut(door)
    st.session_state[LOOKED] = wanted
    account_id, region = wanted
    keys = signing_keys(actor(), workspace(), account_id, region)
    if keys:
        _enter(open_with_key(actor(), workspace(), keys[0].access_key, region))
        return
    known = [
        one for one in known_accounts(actor(), workspace()) if (one.account_id, one.region) == (account_id, region)
    ]
    st.session_state["access_keys.way"] = PASSWORD
    if known:
        st.session_state["access_keys.account"] = _named(known[0].email, region)


def _open() -> None:
    stored = {
        f"{key.access_key} · {key.account_id or 'account not known'} · {key.region} · {key.source}": key
        for key in signing_keys(actor(), workspace())
    }
    way = PASSWORD
    if stored:
        way = st.segmented_control("Open with", [PASSWORD, STORED], default=PASSWORD, key="access_keys.way") or PASSWORD
    if problem := st.session_state.pop("access_keys.problem", None):
        above(problem)
    if way == PASSWORD:
        _confirm()
        return
    with st.form("access_keys.stored"):
        chosen = st.selectbox("Access key", list(stored), key="access_keys.stored_key")
        st.caption("Its secret is sealed here and signs the requests. It cannot deactivate or delete itself.")
        if st.form_submit_button("Open", type="primary", icon=":material/key:"):
            key = stored[chosen]
            _enter(open_with_key(actor(), workspace(), key.access_key, key.region))


def _confirm() -> None:
    known = {_named(account.email, account.region): account for account in known_accounts(actor(), workspace())}
    places = regions()
    chosen = st.selectbox("Account", [*known, OTHER], key="access_keys.account")
    account = known.get(chosen)
    with st.form("access_keys.confirm", clear_on_submit=False):
        st.markdown("**:material/lock: Password confirmation**")
        if account:
            email, region = account.email, account.region
        else:
            left, right = st.columns(2)
            email = left.text_input(
                "Email of the account", type="email", key="access_keys.email", help="What the root user signs in with."
            )
            names = [one.name for one in places.open]
            region = right.selectbox(
                "Region",
                names,
                index=names.index(DEFAULT_REGION) if DEFAULT_REGION in names else 0,
                format_func=lambda name: str(places[name]),
                key="access_keys.region",
                help=REGION_RULE,
            )
        number = st.session_state.get("access_keys.try", 0)
        password = st.text_input(
            "Current password",
            type="password",
            autocomplete="current-password",
            key=f"access_keys.password.{number}",
            help="That of the root user, as in Cockpit. An EIM user has none.",
        )
        if account and (demo := demo_sign_in(workspace(), region, email)):
            st.caption(f"An account of the sandbox. Its password: `{demo[1].get_secret_value()}`")
        sent = st.form_submit_button("Confirm", type="primary", icon=":material/lock_open:")
    st.caption(
        "Held in memory for five minutes at most, never stored. Four wrong passwords lock an account for a while."
    )
    if not sent:
        return
    # A new number makes the field new, so that the password leaves the session's state.
    st.session_state["access_keys.try"] = number + 1
    try:
        with st.spinner("Asking OUTSCALE …"):
            opened = open_with_password(actor(), workspace(), email or "", SecretStr(password or ""), region or "")
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    _enter(opened)


def _enter(opened: Opened) -> None:
    for name in (LIST, DOING, ROTATING, CREATING):
        st.session_state.pop(name, None)
    if opened.problem:
        st.session_state["access_keys.problem"] = opened.problem
    else:
        st.session_state[DOOR] = opened.door
    st.rerun()


def _shut(door: Door) -> None:
    close_door(door)
    for name in (DOOR, LIST, USER, LOOKED):
        st.session_state.pop(name, None)


def _keys(door: Door) -> None:
    _header(door)
    user = _user(door)
    listed: KeyList | None = st.session_state.get(LIST)
    if listed is None or st.session_state.get("access_keys.listed_user") != user:
        try:
            with st.spinner("Reading the keys …"):
                listed = list_keys(actor(), workspace(), door, user)
        except PLAIN as error:
            st.error(str(error), icon=":material/error:")
            return
        st.session_state[LIST], st.session_state["access_keys.listed_user"] = listed, user
    above(listed.problem)
    left, right = st.columns([3, 1])
    word = left.text_input("Search", type="search", placeholder="Access key, tag or credentials", key=WORD)
    state = right.selectbox("State", KEY_STATES, key=STATE)
    word = (word or "").strip().lower()
    shown = [
        key
        for key in listed.keys
        if word in " ".join([key.access_key, key.tag, *key.used_by]).lower() and state in {"All", key.state}
    ]
    chosen = _table(shown, _own(door)) if shown else None
    if listed.keys and not shown:
        st.info("No key matches the search.", icon=":material/search_off:")
    elif not listed.keys and not listed.problem:
        st.info("There is no access key. Create the first one.", icon=":material/info:")
    st.caption(
        f"{len(shown)} of {len(listed.keys)} keys. OUTSCALE allows {KEYS_PER_USER} keys a user. "
        "Select one to change, rotate or delete it."
    )
    if chosen:
        show_facts({"Access key": chosen.access_key, "Owner": chosen.owner or _own(door)})
    _actions(door, listed, chosen)
    _dialogs(door, listed, chosen, user)


def _user(door: Door) -> str:
    """Whose keys: of the one who signs, or of an EIM user. Names are offered when the key may read them."""
    names = st.session_state.get("access_keys.users")
    if names is None or st.session_state.get("access_keys.users_of") != door.token:
        names = list_users(actor(), workspace(), door)
        st.session_state["access_keys.users"], st.session_state["access_keys.users_of"] = names, door.token
    own = _own(door)
    chosen = st.selectbox(
        "Keys of",
        [own, *names],
        accept_new_options=True,
        key=USER,
        help="Choose or type the name of an EIM user to see that user's keys.",
    )
    return "" if chosen in (None, own) else str(chosen).strip()


def _own(door: Door) -> str:
    """Whose keys are read without a name: a password is the root user's, and a key may be any user's."""
    return f"The user of {door.signed_by}" if door.signed_by else "Root user"


def _actions(door: Door, listed: KeyList, key: KeyView | None) -> None:
    none = key is None
    with st.container(horizontal=True):
        full = len(listed.keys) >= KEYS_PER_USER
        if st.button(
            "Create",
            type="primary",
            icon=":material/add:",
            disabled=full,
            help="The ten keys are used up: delete one that nothing uses first." if full else None,
        ):
            st.session_state.pop(NEW_KEY, None)
            st.session_state[CREATING] = True
        can_rotate = key is not None and key.sealed and not key.rotation
        why = None if can_rotate or none else "A rotation needs the key's secret here, and none under way."
        if st.button("Rotate", icon=":material/sync:", disabled=not can_rotate, help=why):
            st.session_state[ROTATING] = True
        if key is not None and key.state == "INACTIVE":
            if st.button("Activate", icon=":material/toggle_on:"):
                set_state(door, key, "ACTIVE")
        elif st.button("Deactivate", icon=":material/toggle_off:", disabled=none):
            st.session_state[DOING] = "deactivate"
        if st.button("Change", icon=":material/edit:", disabled=none):
            st.session_state[DOING] = "change"
        if st.button("Delete", icon=":material/delete:", disabled=none):
            st.session_state[DOING] = "delete"
        if st.button("Read again", icon=":material/refresh:"):
            st.session_state.pop(LIST, None)
            st.rerun()
        if st.button("Close", icon=":material/lock:"):
            _shut(door)
            st.rerun()


def _dialogs(door: Door, listed: KeyList, key: KeyView | None, user: str) -> None:
    doing = st.session_state.get(DOING)
    if CREATING in st.session_state:
        create_dialog(door, listed, user)
    elif key is None:
        return
    elif ROTATING in st.session_state:
        rotate_dialog(key, door.region, listed.longest_life)
    elif doing == "change":
        change_dialog(door, listed, key)
    elif doing == "deactivate":
        deactivate_dialog(door, key)
    elif doing == "delete":
        delete_dialog(door, listed, key)


def _header(door: Door) -> None:
    region = safe(str(regions().get(door.region) or door.region))
    who = literal(door.account_id or door.email)
    if door.signed_by:
        st.caption(f":material/key: {who} in {region} · signed by {safe(door.signed_by)}")
        return

    @st.fragment(run_every=5)
    def countdown() -> None:
        left = max(timedelta(), (door.closes or datetime.now(UTC)) - datetime.now(UTC))
        if not left:
            st.rerun()
        minutes, seconds = divmod(int(left.total_seconds()), 60)
        st.caption(f":material/lock_open: {literal(door.email)} in {region} · closes in {minutes}:{seconds:02}")

    countdown()


def _table(keys: list[KeyView], own: str) -> KeyView | None:
    table = pd.DataFrame(
        {
            "Access key": [key.access_key for key in keys],
            "State": [_state(key) for key in keys],
            "Age": pd.array([key.age_days for key in keys], dtype="Int64"),
            "Expires": [local(key.expires) or "never" for key in keys],
            "Last used": [_used(key) for key in keys],
            "Used by": [", ".join(key.used_by) for key in keys],
            "Secret": ["sealed here" if key.sealed else "not here" for key in keys],
            "Tag": [key.tag for key in keys],
            "Owner": [key.owner or own for key in keys],
            "Created": [local(key.created) for key in keys],
        }
    )
    event = st.dataframe(
        table,
        key=f"access_keys.table.{'.'.join(key.access_key[-4:] for key in keys)}",
        hide_index=True,
        height=38 + 35 * len(keys),
        on_select="rerun",
        selection_mode="single-row",
        alt="Access keys",
        placeholder="",
        column_config={
            "Access key": st.column_config.TextColumn(pinned=True),
            "State": state_column([*_STATES.values(), *_AGES.values(), *_EXPIRIES.values()]),
            "Age": st.column_config.NumberColumn(format="%d days"),
        },
    )
    rows = event["selection"]["rows"]
    return keys[rows[0]] if rows and rows[0] < len(keys) else None


def _state(key: KeyView) -> str:
    marks = [_STATES.get(key.state), _AGES.get(key.age), _EXPIRIES.get(key.expiry)]
    return ",".join(look.word for look in marks if look)


def _used(key: KeyView) -> str:
    if key.last_used:
        return local(key.last_used)
    return f"not since {local(key.quiet_since)}" if key.quiet_since else "not known"


def _named(email: str, region: str) -> str:
    return f"{email} · {region}"


main()
