"""Who may do what, as a table for people."""

import pandas as pd
import streamlit as st

from core.domain.roles import Role
from core.services.rights import RIGHTS, Right, extent
from dashboard.widgets.states import good, under_way


def show_rights() -> None:
    """Show the table that every service is held to."""
    st.header("Who may do what")
    st.caption(
        "Every service asks this table, whatever screen or command calls it. Finance sees billing only, presenters the "
        "sandbox only; what is beyond that they do not even find. A refusal is recorded in the audit trail."
    )
    whats, named = [], ""
    for right in RIGHTS:  # an area is named once
        whats.append(right.what if right.area == named else f"**{right.area}**  \n{right.what}")
        named = right.area
    # Roles in one column: a column for each needs more width than a telephone has.
    table = {"What": whats, "Who may": [_who(right) for right in RIGHTS]}
    st.table(pd.DataFrame(table), border="horizontal", hide_index=True, alt="Who may do what")


def _who(right: Right) -> str:
    reach = {role: extent(role, right) for role in Role}
    looks = (
        good(role.value, "check") if far == "yes" else under_way(f"{role.value}, {far}", "contrast")
        for role, far in reach.items()
        if far != "no"
    )
    return " ".join(look.badge for look in looks)
