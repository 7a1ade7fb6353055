"""The bill files as they were read, and what is wrong with single ones."""

import pandas as pd
import streamlit as st

from core.domain.amounts import money
from core.services.bill_files import BillObjectView, bill_objects, refused_lines
from core.services.billing import BucketChoice, bucket_choices
from dashboard import address
from dashboard.navigation import BILLING_BUCKETS, link
from dashboard.session import actor, workspace
from dashboard.widgets.problems import plainly
from dashboard.widgets.rows import choose
from dashboard.widgets.states import bad, doubtful, good, neutral, state_column
from dashboard.widgets.text import safe, size, sized, time_column

_STATES = {
    "read": good("read"),
    "not_a_bill": neutral("no bill", "draft"),
    "unknown_layout": doubtful("columns not understood", "schema"),
    "failed": bad("not read"),
}
_SHOWN = ("All", "With problems")
OPENED = "costs.bills.opened"
PARTS = (
    address.one_of("shown", "costs.files.shown", lambda: _SHOWN, "All"),
    address.file("file", OPENED),
)


@st.fragment
def show_files(view: address.Part) -> None:
    """Show them; a selected one with what was refused of it. `view`: the part of the address that leads here."""
    with plainly():
        _files(view)


def _files(view: address.Part) -> None:
    rows = bill_objects(actor(), workspace())
    wrong = [one for one in rows if _wrong(one)]
    left, right = st.columns([3, 1], vertical_alignment="center")
    shown = left.segmented_control(
        "Show", _SHOWN, default="All", key="costs.files.shown", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    right.caption(f"{len(rows)} files, {len(wrong)} with problems")
    if shown == "With problems":
        rows = wrong
    if not rows:
        address.keep((view, *PARTS))
        st.info("No file has a problem.", icon=":material/task_alt:")
        return
    choose(
        sized(
            pd.DataFrame(
                {
                    "File": [one.key for one in rows],
                    "Bucket": [f"{one.bucket} ({one.region})" for one in rows],
                    "State": [_STATES[one.state].word for one in rows],
                    "Layout": [one.layout for one in rows],
                    "Lines": [one.accepted for one in rows],
                    "Refused": [one.refused for one in rows],
                    "Sum": [", ".join(money(cost, currency) for currency, cost in one.sums.items()) for one in rows],
                    "Days": [f"{one.first_day} to {one.last_day}" if one.first_day else "" for one in rows],
                    "Size": [one.size for one in rows],
                    "Read": pd.to_datetime(pd.Series([one.read for one in rows]), utc=True),
                }
            )
        ),
        "costs.bills",
        [_place(one) for one in rows],
        OPENED,
        height=min(38 + 35 * len(rows), 480),
        placeholder="",
        alt="Bill files that were read",
        column_config={
            "File": st.column_config.TextColumn(pinned=True),
            "State": state_column(_STATES.values()),
            "Read": time_column(),
        },
    )
    address.keep((view, *PARTS))
    opened = st.session_state.get(OPENED)
    chosen = next((one for one in rows if _place(one) == opened), None)
    if chosen:
        _file(chosen)
    elif opened:
        st.info(f"{safe(opened[2])} is not among these files.", icon=":material/search_off:")
    else:
        st.caption("Select a file to see what was made of it.")


def _place(one: BillObjectView) -> tuple[str, str, str]:
    return one.region, one.bucket, one.key


def _wrong(one: BillObjectView) -> bool:
    return one.state in {"unknown_layout", "failed"} or bool(one.refused) or bool(one.problem)


def _file(one: BillObjectView) -> None:
    st.header(safe(one.key.rsplit("/", 1)[-1]))
    if one.problem:
        st.warning(safe(one.problem), icon=":material/warning:")
    if one.state == "read":
        accepted = ", ".join(money(cost, currency) for currency, cost in one.sums.items()) or "nothing"
        st.markdown(
            f"{one.accepted:,} lines were understood as **{safe(one.layout)}** and come to {safe(accepted)}. "
            f"{one.refused:,} lines did not fit"
            + (f"; as far as they have costs, they come to {one.refused_sum:,.2f}." if one.refused else ".")
        )
    refused = refused_lines(actor(), workspace(), one.id)
    if len(refused):
        st.dataframe(
            refused.rename({"line": "Line", "reason": "Why", "text": "Text", "cost": "Cost", "table": "Table"})
            .select("Line", "Why", "Cost", "Text", "Table")
            .to_pandas(),
            hide_index=True,
            alt="Lines that did not fit",
        )
        if one.refused > len(refused):
            st.caption(f"The first {len(refused):,} of {one.refused:,}.")
    if _choice(one):
        there = {"bucket": address.named(one.bucket, one.region), "file": one.key}
        there["folder"] = one.key[: one.key.rfind("/") + 1]
        link(BILLING_BUCKETS, "Look into it and map its columns", there, icon=":material/schema:")
    st.caption(f"{safe(one.key)} · {size(one.size)} · {safe(one.bucket)} ({safe(one.region)})")


def _choice(one: BillObjectView) -> BucketChoice | None:
    choices = bucket_choices(actor(), workspace())
    return next((each for each in choices if (each.region, each.bucket) == (one.region, one.bucket)), None)
