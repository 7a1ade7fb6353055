"""Check results as a table."""

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.domain.checks import CheckResult, Outcome
from dashboard.widgets.states import outcome_badge
from dashboard.widgets.text import safe

_LINES = 40
_ALL = "All"
_ATTENTION = "Needs attention"
_CODE = re.compile(r"\\\(code (\w+)\\\)")


@st.fragment
def show_checks(results: Sequence[CheckResult], key: str) -> None:
    """Show check results: how many of each outcome, then the lines, page by page when there are many."""
    if not results:
        st.caption("Nothing has been checked yet.")
        return
    counts = Counter(result.outcome for result in results)
    st.markdown(" · ".join(f"{counts[outcome]} {outcome_badge(outcome)}" for outcome in Outcome if counts[outcome]))
    lines = list(results)
    attention = [line for line in lines if line.outcome in {Outcome.WARNING, Outcome.FAILED}]
    if attention and len(attention) < len(lines):
        chosen = st.segmented_control(
            "Lines", [_ALL, _ATTENTION], default=_ALL, key=f"{key}.lines", label_visibility="collapsed"
        )
        lines = attention if chosen == _ATTENTION else lines
    first = 0
    if len(lines) > _LINES:
        pages = -(-len(lines) // _LINES)
        first = (st.number_input(f"Page, 1 to {pages}", 1, pages, key=f"{key}.page", width=160) - 1) * _LINES
    st.table(
        pd.DataFrame(
            {
                "Target": [safe(line.target) for line in lines],
                "Check": [line.check for line in lines],
                "Outcome": [outcome_badge(line.outcome) for line in lines],
                "Found": [_explained(safe(line.found)) for line in lines],
                "What to do": [safe(line.mend) for line in lines],
                "Time": [f"{line.seconds:.2f}\u00a0s" if line.seconds else "" for line in lines],
            }
        )[first : first + _LINES],
        border="horizontal",
        hide_index=True,
    )


def _explained(found: str) -> str:
    """OUTSCALE's code as a link to what the help says of it, which opens beside this page."""
    return _CODE.sub(r"\([code \1](help?q=\1)\)", found)
