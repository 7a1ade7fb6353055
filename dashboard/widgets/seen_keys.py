"""The access keys of an account as they were listed last, for who does not ask OUTSCALE."""

import pandas as pd
import streamlit as st

from core.services.accounts import list_accounts
from core.services.seen import seen_keys
from dashboard.session import actor, workspace
from dashboard.widgets.text import local

_CHOSEN = "access_keys.seen"


def show_seen(looked: str) -> None:
    """Show them. The session's state has under `looked` which account's; the first one's when it has none."""
    st.info("Opening an account asks OUTSCALE, which your role does not do.", icon=":material/info:")
    places = {
        " · ".join(filter(None, (one.account_id, one.region, one.company))): one
        for one in list_accounts(actor(), workspace())
        if one.active_keys is not None
    }
    if not places:
        st.caption("No account's keys were listed here yet.")
        return
    names = {(place.account_id, place.region): name for name, place in places.items()}
    wanted = st.session_state.get(looked)
    if wanted in names:
        st.session_state[_CHOSEN] = names[wanted]
    chosen = st.selectbox(
        "Keys of an account, as they were listed last",
        list(places),
        key=_CHOSEN,
        on_change=lambda: st.session_state.pop(looked, None),
    )
    place = places[chosen]
    st.session_state[looked] = None if chosen == next(iter(places)) else (place.account_id, place.region)
    keys = seen_keys(actor(), workspace(), place.account_id, place.region)
    st.dataframe(
        pd.DataFrame(
            {
                "Access key": [key.access_key for key in keys],
                "EIM user": [key.user_name for key in keys],
                "State": [key.state for key in keys],
                "Created": [local(key.created) for key in keys],
                "Expires": [local(key.expires) or "never" for key in keys],
                "Last used": [local(key.last_used) for key in keys],
                "Not used since": [local(key.quiet_since) for key in keys],
                "Tag": [key.tag for key in keys],
                "Listed": [local(key.seen) for key in keys],
            }
        ),
        hide_index=True,
        alt="Access keys as they were listed last",
    )
