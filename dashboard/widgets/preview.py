"""The beginning of a file: how it was understood, corrected where that is wrong, and where it breaks."""

import streamlit as st

from core.domain.bill_lines import Dialect
from core.domain.credentials import FieldProblem
from core.outscale.models import StoredObject
from core.services.billing import BucketChoice
from core.services.preview import Preview, preview
from dashboard.session import actor, workspace
from dashboard.widgets.problems import above
from dashboard.widgets.text import safe

STATE = "preview"
_SEPARATORS = {";": "Semicolon ;", ",": "Comma ,", "\t": "Tab", "|": "Bar |"}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a mark",
    "latin-1": "Latin-1",
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
}
_DECIMALS = {".": "Point: 1234.56", ",": "Comma: 1234,56"}


def show_preview(choice: BucketChoice, stored: StoredObject) -> Preview | None:
    """Show the beginning of a file. What is chosen in it (dialect, entry of a zip) lasts as long as the file is shown.

    Returns what is shown, None when there is nothing."""
    this = (choice, stored.key, stored.etag)
    if st.session_state.get(f"{STATE}.of") != this:
        st.session_state[f"{STATE}.of"] = this
        for name in ("dialect", "inside", "answer", "entry"):
            st.session_state.pop(f"{STATE}.{name}", None)
    inside: str | None = st.session_state.get(f"{STATE}.inside")
    dialect: Dialect | None = st.session_state.get(f"{STATE}.dialect")
    asked = (dialect, inside)
    kept = st.session_state.get(f"{STATE}.answer")
    if kept is None or kept[0] != asked:
        with st.spinner("Reading the beginning …"):
            kept = (asked, preview(actor(), workspace(), choice, stored.key, dialect=dialect, inside=inside))
        st.session_state[f"{STATE}.answer"] = kept
    answer: Preview | FieldProblem = kept[1]
    if isinstance(answer, FieldProblem):
        above(answer)
        return None
    _show(answer)
    return answer


def _show(answer: Preview) -> None:
    if len(answer.inside) > 1:
        _which(answer)
    for problem in answer.problems:
        where = f"Line {problem.line:,}: " if problem.line else ""
        st.warning(f"{where}{safe(problem.what)} {safe(problem.mend)}", icon=":material/warning:")
    if answer.dialect:
        _dialect(answer.dialect)
    if answer.rows.width:
        all_of_it = "All" if answer.whole else "The first"
        st.caption(f"{all_of_it} {answer.rows.height:,} rows, {answer.rows.width} columns. {safe(answer.kind)}.")
        st.dataframe(
            answer.rows,
            hide_index=True,
            height=min(38 + 35 * answer.rows.height, 420),
            alt="First rows",
            placeholder="",
        )
    elif answer.text:
        st.caption(f"{'All' if answer.whole else 'The beginning'} of it. {safe(answer.kind)}.")
        with st.container(height=420, border=False):  # its copy button takes the keyboard there, to scroll
            st.code(answer.text, language=None, wrap_lines=True)


def _which(answer: Preview) -> None:
    """Choose a file of a zip or a sheet of a workbook."""

    def choose() -> None:
        st.session_state[f"{STATE}.inside"] = st.session_state[f"{STATE}.entry"]
        st.session_state.pop(f"{STATE}.dialect", None)

    st.selectbox(
        f"Inside ({len(answer.inside):,})",
        answer.inside,
        index=answer.inside.index(answer.chosen),
        key=f"{STATE}.entry",
        on_change=choose,
    )


def _dialect(now: Dialect) -> None:
    """How the text was understood, in one line; what is corrected there is read again."""
    said = [
        _SEPARATORS.get(now.separator, now.separator).split(" ")[0].lower(),
        f"decimal {'comma' if now.decimal == ',' else 'point'}",
        _encoding(now.encoding),
        "with a header" if now.header else "without a header",
    ]
    with st.expander(f"Read as: {', '.join(said)}", icon=":material/tune:"), st.form(f"{STATE}.form", border=False):
        columns = st.columns(4)
        separators, encodings = _choices(_SEPARATORS, now.separator), _choices(_ENCODINGS, now.encoding)
        separator = columns[0].selectbox(
            "Separator",
            separators,
            index=separators.index(now.separator),
            format_func=lambda one: _SEPARATORS.get(one, one),
        )
        encoding = columns[1].selectbox(
            "Encoding", encodings, index=encodings.index(now.encoding), format_func=_encoding
        )
        decimals = list(_DECIMALS)
        decimal = columns[2].selectbox(
            "Decimals", decimals, index=decimals.index(now.decimal), format_func=_DECIMALS.__getitem__
        )
        skip = columns[3].number_input("Lines before it", 0, 1000, now.skip, help="Lines before the table begins.")
        header = st.checkbox("The first line names the columns", now.header)
        if st.form_submit_button("Read it so", icon=":material/refresh:"):
            corrected = {
                "separator": separator,
                "encoding": encoding,
                "decimal": decimal,
                "skip": skip,
                "header": header,
            }
            st.session_state[f"{STATE}.dialect"] = now.model_copy(update=corrected)
            st.rerun()


def _choices(known: dict[str, str], now: str) -> list[str]:
    return [*known] if now in known else [now, *known]


def _encoding(name: str) -> str:
    return _ENCODINGS.get(name, name)
