"""Who may do what, as a table for people."""

import pandas as pd
import streamlit as st

from core.domain.roles import Role
from core.services.rights import RIGHTS, extent

_SIGNS = {"yes": "✓ yes", "no": "✗ no", "billing only": "◐ billing only", "sandbox only": "◐ sandbox only"}


def show_rights() -> None:
    """Show the table that every service is held to."""
    st.subheader("Who may do what")
    st.caption(
        "Every service asks this table, whatever screen or command calls it. Finance sees billing only, presenters the "
        "sandbox only; what is beyond that they do not even find. A refusal is recorded in the audit trail."
    )
    table = {"Area": [right.area for right in RIGHTS], "What": [right.what for right in RIGHTS]}
    table |= {role.value.capitalize(): [_SIGNS[extent(role, right)] for right in RIGHTS] for role in Role}
    st.dataframe(
        pd.DataFrame(table),
        hide_index=True,
        height=38 + 35 * len(RIGHTS),
        alt="Who may do what, by role",
        column_config={"What": st.column_config.TextColumn(pinned=True, width="large")},
    )
