"""Check results as a table."""

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.domain.checks import CheckResult, Outcome
from dashboard.widgets.states import OUTCOMES
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
    st.markdown(" · ".join(f"{counts[outcome]} {OUTCOMES[outcome].text}" for outcome in Outcome if counts[outcome]))
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
                "Outcome": [OUTCOMES[line.outcome].badge for line in lines],
                "What was checked and found": [_said(line) for line in lines],
            }
        )[first : first + _LINES],
        border="horizontal",
        hide_index=True,
        alt="Checks",
    )


def _said(line: CheckResult) -> str:
    """All of a check in one cell, so that the table needs no more width than a telephone has."""
    seconds = f"{line.seconds:.2f}\u00a0s · " if line.seconds else ""
    found = _explained(safe(line.found))
    return f"**{line.check}** · {seconds}{safe(line.target)}  \n{found} {safe(line.mend)}"


def _explained(found: str) -> str:
    """OUTSCALE's code as a link to what the help says of it, which opens beside this page."""
    return _CODE.sub(r"\([code \1](help?q=\1)\)", found)
