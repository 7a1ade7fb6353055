"""How the columns of a bill file become lines: what was understood, corrected by a person, seen at once, kept."""

from typing import Literal

import polars as pl
import streamlit as st

from core.domain.amounts import money
from core.domain.bill_lines import NO_CURRENCY, DateForm, Dialect, Field, Mapping
from core.outscale.models import StoredObject
from core.services.billing import BucketChoice
from core.services.mappings import (
    MappingView,
    Proposal,
    Trial,
    apply_again,
    delete_mappings,
    list_mappings,
    proposed,
    save_mapping,
    tried,
)
from core.services.preview import Preview
from dashboard.session import actor, may, workspace
from dashboard.widgets.problems import above, plainly
from dashboard.widgets.text import local, safe

SAID, DROP = "mapping.said", "mapping.drop"
LABELS = {
    Field.DAY: "Day *",
    Field.COST: "Cost *",
    Field.CURRENCY: "Currency",
    Field.ACCOUNT: "Account",
    Field.SERVICE: "Service",
    Field.REGION: "Region or Subregion",
    Field.CATEGORY: "Category",
    Field.TYPE: "Type",
    Field.OPERATION: "Operation",
    Field.RESOURCE: "Resource",
    Field.QUANTITY: "Quantity",
    Field.UNIT_PRICE: "Unit price",
    Field.UNTIL: "Last day",
    Field.PAYING_ACCOUNT: "Paying account",
    Field.TITLE: "Title",
    Field.TAGS: "Tags",
}
_DATES: dict[DateForm, str] = {
    "iso": "2026-01-31",
    "day_first": "31/01/2026",
    "month_first": "01/31/2026",
    "month": "2026-01 or 01/2026",
    "compact": "20260131",
    "excel": "46053 (Excel's days)",
}
_DECIMALS: dict[Literal[".", ","], str] = {".": "1,234.56", ",": "1 234,56"}
_EXAMPLES = 3


def show_mapping(choice: BucketChoice, stored: StoredObject, found: Preview) -> None:
    """Show how a file's rows are read as lines of a bill, and let a person change it for the folder."""
    rows = found.rows
    if rows.width < 2 or rows.height == 0:
        return
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/task_alt:")
    now = proposed(actor(), workspace(), choice, stored.key, rows)
    with st.expander(_title(now), icon=":material/schema:", expanded=not now.recognised):
        if may("mappings.save_mapping"):
            _editor(choice, stored, rows, found.dialect, now)
        _versions(choice, stored.key)


def _title(now: Proposal) -> str:
    if now.decided:
        return f"Read as mapped for “{safe(now.decided.prefix) or 'the whole bucket'}”, version {now.decided.version}"
    if now.recognised:
        return f"Read as {safe(now.mapping.layout)}"
    return "Its columns are not understood: map them"


@st.fragment
def _editor(
    choice: BucketChoice, stored: StoredObject, rows: pl.DataFrame, dialect: Dialect | None, now: Proposal
) -> None:
    """The choices, and what they make of the first rows."""
    state = f"mapping.{stored.etag}.{now.decided.version if now.decided else 0}"
    tells = {column: LABELS[field].rstrip(" *") for field, column in now.mapping.columns.items()}
    st.dataframe(
        pl.DataFrame(
            {
                "Column": rows.columns,
                "Examples": [" · ".join(_examples(rows[name])) for name in rows.columns],
                "Proposed as": [tells.get(name, "") for name in rows.columns],
            }
        ),
        hide_index=True,
        height=min(38 + 35 * rows.width, 248),
        alt="Columns of the file with examples",
    )
    mapping = _chosen(state, rows, now.mapping)
    if mapping.missing:
        names = " and ".join(LABELS[field].rstrip(" *").lower() for field in mapping.missing)
        st.info(f"Choose the column of the {names}. Quantity and unit price stand for a cost.", icon=":material/info:")
        return
    _trial(tried(mapping, rows))
    folder = stored.key[: stored.key.rfind("/") + 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prefix = st.text_input(
            "For all files that begin with", folder, key=f"{state}.prefix", help="Empty: for the whole bucket."
        )
        if st.button("Save the mapping", type="primary", icon=":material/save:", key=f"{state}.save"):
            with plainly():
                problem = save_mapping(actor(), workspace(), choice, prefix, mapping, dialect, rows.columns)
                if problem is None:
                    st.session_state[SAID] = "Saved. It counts when the bills are read next, on the screen Costs."
                    st.rerun()
                above(problem)


def _chosen(state: str, rows: pl.DataFrame, first: Mapping) -> Mapping:
    """The mapping as it is chosen on the screen."""
    columns: dict[Field, str] = {}
    for number, (field, label) in enumerate(LABELS.items()):
        if number % 4 == 0:  # row by row, so that a narrow screen keeps the order
            grid = st.columns(4)
        told = first.columns.get(field)
        column = grid[number % 4].selectbox(
            label,
            rows.columns,
            index=rows.columns.index(told) if told in rows.columns else None,
            placeholder="Not told",
            key=f"{state}.{field.value}",
        )
        if column:
            columns[field] = column
    forms = st.columns(4)
    dates: DateForm = forms[0].selectbox(
        "Days are written", list(_DATES), list(_DATES).index(first.dates), format_func=_DATES.__getitem__,
        key=f"{state}.dates",
    )  # fmt: skip
    decimal: Literal[".", ","] = forms[1].selectbox(
        "Amounts are written", list(_DECIMALS), list(_DECIMALS).index(first.decimal),
        format_func=_DECIMALS.__getitem__, key=f"{state}.decimal",
    )  # fmt: skip
    constants: dict[Field, str] = {
        field: text for field, text in first.constants.items() if field is not Field.CURRENCY
    }
    if Field.CURRENCY not in columns:
        currency = forms[2].text_input(
            "Currency of all lines",
            first.constants.get(Field.CURRENCY, ""),
            max_chars=3,
            placeholder="EUR",
            key=f"{state}.constant",
        )
        if currency.strip():
            constants[Field.CURRENCY] = currency.strip().upper()
    excluded = forms[3].checkbox(
        "The last day is not included",
        first.until_excluded,
        key=f"{state}.excluded",
        disabled=Field.UNTIL not in columns,
    )
    changed = (columns, dates, decimal) != (first.columns, first.dates, first.decimal)
    return Mapping(
        layout="custom" if changed else first.layout,
        columns=columns,
        constants=constants,
        decimal=decimal,
        dates=dates,
        until_excluded=excluded,
    )


def _trial(trial: Trial) -> None:
    """What the first rows come to."""
    come = ", ".join(money(cost, currency) for currency, cost in trial.sums.items()) or "nothing"
    st.markdown(
        f"Of these {len(trial.accepted) + len(trial.refused):,} rows, {len(trial.accepted):,} are lines and come to "
        f"**{safe(come)}**; {len(trial.refused):,} {'does' if len(trial.refused) == 1 else 'do'} not fit."
    )
    told = [name for name in trial.accepted.columns if _is_told(trial.accepted[name])]
    amounts = pl.selectors.decimal().cast(pl.Float64())  # of Decimals, the grid shows every place
    shown = trial.accepted.select(told).head(20).with_columns(amounts).rename(_heads(told))
    st.dataframe(
        shown,
        hide_index=True,
        height=min(38 + 35 * len(shown), 248),
        alt="The first lines as understood",
        placeholder="",
        column_config={"Day": st.column_config.DateColumn(), "Last day": st.column_config.DateColumn()},
    )
    if len(trial.refused):
        refused = trial.refused.head(20).rename({"line": "Row", "reason": "Why", "text": "Text", "cost": "Cost"})
        st.dataframe(refused.select("Row", "Why", "Text"), hide_index=True, alt="Rows that do not fit")


def _is_told(column: pl.Series) -> bool:
    empty = column.is_null() if column.dtype != pl.String() else column.is_in(["", NO_CURRENCY]) | column.is_null()
    return not bool(empty.all())


def _heads(names: list[str]) -> dict[str, str]:
    return {name: LABELS[Field(name)].rstrip(" *") if name in set(Field) else "Row" for name in names}


def _versions(choice: BucketChoice, key: str) -> None:
    """The mappings that were decided for this file's folders, to put in force again or give up."""
    versions = [one for one in list_mappings(actor(), workspace(), choice) if key.startswith(one.prefix)]
    if not versions:
        return
    st.markdown("**Versions**")
    for one in versions:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"“{safe(one.prefix) or 'the whole bucket'}”, version {one.version}, "
                f"by {safe(one.actor)}, {local(one.created)}",
                width="stretch",
            )
            if one.in_force:
                st.badge("In force", icon=":material/check:", color="green")
                if may("mappings.delete_mappings"):
                    st.button(
                        "Give up",
                        key=f"mapping.drop.{one.id}",
                        help="Its files are understood by themselves.",
                        on_click=lambda id=one.id: st.session_state.update({DROP: id}),
                    )
            elif may("mappings.apply_again") and st.button("Use again", key=f"mapping.again.{one.id}"):
                above(apply_again(actor(), workspace(), choice, one))
                st.session_state[SAID] = f"Version {one.version} is in force again. Read the bills to use it."
                st.rerun()

    dropped = next((one for one in versions if one.id == st.session_state.get(DROP)), None)
    if dropped:
        _give_up(choice, dropped)


def _close() -> None:
    st.session_state.pop(DROP, None)


@st.dialog("Give up the mapping?", icon=":material/delete:", on_dismiss=_close)
def _give_up(choice: BucketChoice, one: MappingView) -> None:
    st.markdown(
        f"All versions for “{safe(one.prefix) or 'the whole bucket'}” are deleted, and its files are understood by "
        "themselves, where they can be."
    )
    if st.button("Give up", type="primary", key="mapping.drop.sure"):
        with plainly():
            delete_mappings(actor(), workspace(), choice, one.prefix)
            _close()
            st.session_state[SAID] = "The mapping is deleted. Read the bills to see what they come to without it."
            st.rerun()


def _examples(column: pl.Series) -> list[str]:
    told = column.drop_nulls().filter(column.drop_nulls() != "").unique(maintain_order=True)
    return [text[:40] for text in told.head(_EXAMPLES).to_list()]
