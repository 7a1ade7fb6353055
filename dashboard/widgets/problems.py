"""What is wrong with a form: beside the field it is about, or above the form."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import streamlit as st

from core.domain.credentials import FieldProblem
from dashboard.session import PLAIN
from dashboard.widgets.text import safe


def beside(problems: Iterable[FieldProblem], field: str) -> None:
    """Show what is wrong with one field, under it."""
    for problem in problems:
        if problem.field == field:
            st.markdown(f":red[:material/error: {safe(str(problem))}]")


def above(problem: FieldProblem | None) -> None:
    """Show what is wrong as a whole: what happened, and what to do."""
    if problem:
        st.error(f"**{safe(problem.what)}** {safe(problem.mend)}", icon=":material/error:")


@contextmanager
def plainly() -> Iterator[None]:
    """Around a change in a dialog or fragment, which the shell does not see: what it cannot do is said in its line."""
    try:
        yield
    except PLAIN as error:
        st.error(safe(str(error)), icon=":material/error:")
