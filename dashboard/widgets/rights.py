"""Who may do what, as a table for people."""

from itertools import pairwise

import pandas as pd
import streamlit as st

from core.domain.roles import Role
from core.services.rights import RIGHTS, extent

_SIGNS = {
    "yes": ":green[:material/check:] yes",
    "no": ":gray[:material/block: no]",
    "billing only": ":blue[:material/contrast:] billing only",
    "sandbox only": ":blue[:material/contrast:] sandbox only",
}


def show_rights() -> None:
    """Show the table that every service is held to."""
    st.subheader("Who may do what")
    st.caption(
        "Every service asks this table, whatever screen or command calls it. Finance sees billing only, presenters the "
        "sandbox only; what is beyond that they do not even find. A refusal is recorded in the audit trail."
    )
    areas = [right.area for right in RIGHTS]
    first = ["" if area == before else area for before, area in pairwise(["", *areas])]  # an area is named once
    table = {"Area": first, "What": [right.what for right in RIGHTS]}
    table |= {role.value.capitalize(): [_SIGNS[extent(role, right)] for right in RIGHTS] for role in Role}
    st.table(pd.DataFrame(table), border="horizontal", hide_index=True, alt="Who may do what, by role")
