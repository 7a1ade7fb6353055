"""A table whose selected row is what is opened: a click opens, and what is opened by another way is selected."""

from collections.abc import Sequence
from typing import Any

import streamlit as st


def choose(
    table: Any, name: str, ids: Sequence[Any], opened: str, *, several: bool = False, **options: Any
) -> list[int]:
    """Show a table with one of `ids` a row. The session's state has under `opened` which of them is opened.

    Returns the rows that are selected; more than one only with `several`, and then none is opened."""
    state = st.session_state
    # Other rows make another table, so that a selection never slides to a row that nobody chose.
    key = f"{name}.{hash(tuple(ids))}"
    now = state.get(opened)
    if key not in state or state.get(f"{name}.shown") != (key, now):
        rows = [ids.index(now)] if now in ids else []
        if rows or key in state:
            state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    event = st.dataframe(
        table,
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row" if several else "single-row",
        **options,
    )
    picked = [row for row in event["selection"]["rows"] if row < len(ids)]
    if picked or now in ids:
        now = state[opened] = ids[picked[0]] if len(picked) == 1 else None
    state[f"{name}.shown"] = (key, now)
    return picked
