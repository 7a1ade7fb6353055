"""What was done to something, by whom and when."""

import pandas as pd
import streamlit as st

from core.services.views import EventView
from dashboard.widgets.states import ENDINGS, state_column
from dashboard.widgets.text import time_column


def show_events(events: list[EventView]) -> None:
    """Show events, the newest first as they are given."""
    if not events:
        st.caption("Nothing was done yet.")
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "When": event.at,
                    "Who": event.actor,
                    "From": event.via,
                    "What": event.action,
                    "Outcome": event.outcome,
                    "Details": ", ".join(f"{name}: {value}" for name, value in event.details.items()),
                }
                for event in events
            ]
        ),
        hide_index=True,
        alt="Events",
        column_config={"When": time_column(seconds=True), "Outcome": state_column(ENDINGS.values())},
    )
