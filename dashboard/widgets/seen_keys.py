"""The access keys of an account as they were listed last, for who does not ask OUTSCALE."""

import pandas as pd
import streamlit as st

from core.services.accounts import list_accounts
from core.services.seen import seen_keys
from dashboard.session import actor, workspace
from dashboard.widgets.text import local


def show_seen() -> None:
    """Show them, once an account is chosen."""
    st.info("Opening an account asks OUTSCALE, which your role does not do.", icon=":material/info:")
    places = {
        " · ".join(filter(None, (one.account_id, one.region, one.company))): one
        for one in list_accounts(actor(), workspace())
        if one.active_keys is not None
    }
    if not places:
        st.caption("No account's keys were listed here yet.")
        return
    chosen = st.selectbox("Keys of an account, as they were listed last", list(places), key="access_keys.seen")
    place = places[chosen]
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
