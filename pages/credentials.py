"""Credentials: the stored ones, found, looked at, checked again, switched, edited, deleted."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.domain.checks import State
from core.services.credentials import (
    check_again,
    delete_credentials,
    export_credentials,
    list_credentials,
    set_enabled,
    show_credentials,
)
from core.services.onboarding import CheckReport
from core.services.views import CredentialsDetails, CredentialsView
from dashboard import address
from dashboard.navigation import ADD_CREDENTIALS, CREDENTIALS, go, link, sees
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.checks import show_checks
from dashboard.widgets.events import show_events
from dashboard.widgets.facts import show_facts
from dashboard.widgets.problems import above
from dashboard.widgets.reveal import reveal_button, show_reveal
from dashboard.widgets.rows import choose
from dashboard.widgets.states import STATES, state_column
from dashboard.widgets.text import safe, time_column

JOB = "credentials.check"
OPENED = "credentials.opened"
SAID = "credentials.said"
TABLE = "credentials.table"
DELETING = "credentials.deleting"
ALL = "All"
KINDS = (ALL, "Projects", "Billing only")
ACTIVATIONS = (ALL, "Enabled", "Disabled")
STATE_WORDS = (ALL, *(look.word for look in STATES.values()))


def main() -> None:
    """Show the screen."""
    st.title("Credentials")
    st.caption("What is stored, and what its last check said. Disabled credentials are used by nothing.")
    _say(job.finished(JOB))
    rows = list_credentials(actor(), workspace())
    parts = _parts(rows)
    address.arrive(CREDENTIALS, parts)
    if not rows:
        st.info("Nothing is stored yet. Add the first credentials: every key is checked first.", icon=":material/info:")
        if sees(ADD_CREDENTIALS) and st.button("Add credentials", type="primary", icon=":material/add_circle:"):
            go(ADD_CREDENTIALS)
        reveal_button([], None)
        show_reveal()
        return
    shown = _filtered(rows)
    chosen = _table(shown)
    address.keep(parts)
    _actions(chosen, shown)
    if DELETING in st.session_state:
        _delete_dialog(st.session_state[DELETING])
    else:
        show_reveal()
    job.watch(JOB)
    if opened := st.session_state.get(OPENED):
        details = show_credentials(actor(), workspace(), opened)
        if details:
            _details(details)


def _parts(rows: list[CredentialsView]) -> list[address.Part]:
    return [
        address.text("keyword", "list.word"),
        address.one_of("kind", "list.kind", lambda: KINDS, ALL),
        address.one_of("activation", "list.activation", lambda: ACTIVATIONS, ALL),
        address.one_of("state", "list.state", lambda: STATE_WORDS, ALL),
        address.one_of("opened", OPENED, lambda: [row.name for row in rows]),
    ]


def _say(reports: list[CheckReport] | None) -> None:
    if said := st.session_state.pop(SAID, None):
        st.success(safe(said), icon=":material/check_circle:")
    for report in reports or []:
        for problem in report.problems:
            above(problem)
    if reports and len(reports) > 1:
        failed = sum(bool(report.failures) for report in reports)
        st.info(f"{len(reports)} checked, {failed} with failures.", icon=":material/fact_check:")


def _filtered(rows: list[CredentialsView]) -> list[CredentialsView]:
    keyword, kind, activation, state = st.columns([3, 2, 2, 2])
    word = keyword.text_input("Keyword", type="search", placeholder="Name, Region, account or ID", key="list.word")
    kinds = kind.selectbox("Kind", KINDS, key="list.kind")
    active = activation.selectbox("Activation", ACTIVATIONS, key="list.activation")
    states = state.selectbox("State", STATE_WORDS, key="list.state")
    word = (word or "").strip().lower()
    return [
        row
        for row in rows
        if word in " ".join([row.name, row.id, *row.regions, *row.accounts]).lower()
        and kinds in {ALL, row.kind}
        and active in {ALL, _activation(row)}
        and states in {ALL, STATES[row.state].word}
    ]


def _activation(row: CredentialsView) -> str:
    return "Enabled" if row.enabled else "Disabled"


def _table(rows: list[CredentialsView]) -> list[CredentialsView]:
    if not rows:
        st.info("No credentials match these filters.", icon=":material/filter_alt_off:")
        return []
    table = pd.DataFrame(
        {
            "Name": [row.name for row in rows],
            "State": [STATES[row.state].word for row in rows],
            "Kind": [row.kind for row in rows],
            "Activation": [_activation(row) for row in rows],
            "Regions": [", ".join(row.regions) for row in rows],
            "Accounts": [", ".join(row.accounts) for row in rows],
            "Modified": [row.modified for row in rows],
            "Created": [row.created for row in rows],
            "ID": [row.id for row in rows],
        }
    )
    chosen = choose(
        table,
        TABLE,
        [row.name for row in rows],
        OPENED,
        several=True,
        height=min(38 + 35 * len(rows), 420),
        alt=f"{len(rows)} stored credentials",
        column_config={
            "Name": st.column_config.TextColumn(pinned=True),
            "State": state_column(STATES.values()),
            "Modified": time_column(),
            "Created": time_column(),
        },
    )
    several = ", or several to act on them together" if may("credentials.check_again") else ""
    st.caption(f"{len(rows)} shown. Select one for its details{several}.")
    return [rows[index] for index in chosen]


def _actions(chosen: list[CredentialsView], shown: list[CredentialsView]) -> None:
    names = [row.name for row in chosen]
    busy = job.running(JOB)
    with st.container(horizontal=True, vertical_alignment="center"):
        if may("credentials.check_again") and st.button(
            "Check again", icon=":material/fact_check:", disabled=not names or busy
        ):
            who, opened = actor(), workspace()
            job.begin(JOB, lambda progress, stop: check_again(who, opened, names, progress=progress, stop=stop))
            st.rerun()
        if may("credentials.set_enabled"):
            if st.button("Enable", icon=":material/toggle_on:", disabled=not any(not row.enabled for row in chosen)):
                _switch(names, True)
            if st.button("Disable", icon=":material/toggle_off:", disabled=not any(row.enabled for row in chosen)):
                _switch(names, False)
        one = len(names) == 1
        if one and not busy:
            link(ADD_CREDENTIALS, "Edit", {"edit": names[0]}, icon=":material/edit:")
        if may("credentials.delete_credentials") and st.button(
            "Delete", icon=":material/delete:", disabled=not one or busy
        ):
            st.session_state[DELETING] = names[0]
        who, opened = actor(), workspace()
        st.download_button(
            "Export CSV",
            lambda: export_credentials(who, opened, shown).encode(),
            file_name=f"credentials-{datetime.now(UTC):%Y-%m-%d}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            disabled=not shown,
        )
        reveal_button([row.name for row in shown], names[0] if names else st.session_state.get(OPENED))


def _switch(names: list[str], enabled: bool) -> None:
    try:
        changed = set_enabled(actor(), workspace(), names, enabled)
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state[SAID] = f"{', '.join(changed)}: {'enabled' if enabled else 'disabled'}."
    st.rerun()


def _keep_it() -> None:
    st.session_state.pop(DELETING, None)


@st.dialog("Delete credentials", icon=":material/delete:", on_dismiss=_keep_it)
def _delete_dialog(name: str) -> None:
    st.markdown(f"**{safe(name)}** is deleted with its sealed secrets and checks. This cannot be undone.")
    st.caption("The access keys themselves stay as they are at OUTSCALE.")
    typed = st.text_input("Type the name to delete it", autocomplete="off", key="credentials.delete.typed")
    if st.button("Delete", type="primary", icon=":material/delete:", key="credentials.delete.confirm"):
        try:
            problem = delete_credentials(actor(), workspace(), name, (typed or "").strip())
        except PLAIN as error:
            problem = str(error)
        if problem:
            st.error(safe(problem), icon=":material/error:")
            return
        _keep_it()
        st.session_state.pop(OPENED, None)
        st.session_state[SAID] = f"{name} was deleted."
        st.rerun()


def _details(details: CredentialsDetails) -> None:
    st.divider()
    activation = "" if details.enabled else " :gray-badge[:material/toggle_off: Disabled]"
    st.header(details.name)
    st.markdown(f"{STATES[details.state].badge} :gray-badge[{details.kind}]{activation}")
    show_facts({"Credentials ID": details.id, "Last checked": details.checked or "never"})
    if details.state is State.UNKNOWN:
        st.caption("Unknown: OUTSCALE was not reached when these credentials were last checked.")
    checks, content, events = st.tabs(["Last checks", "Content", "Events"])
    with checks:
        show_checks(details.checks, f"credentials.{details.name}")
    with content:
        _content(details)
    with events:
        show_events(details.events)


def _content(details: CredentialsDetails) -> None:
    if details.billing_only:
        show_facts({"Billing access key": details.billing_access_key or ""})
        table = [{"Bucket": bucket.name, "Region": bucket.region} for bucket in details.buckets]
    else:
        table = [
            {"Access key": row.access_key, "Account ID": row.account_id, "Region": row.region}
            for row in details.projects
        ]
    st.dataframe(pd.DataFrame(table), hide_index=True)
    if not details.billing_only:
        st.caption(f"Proxy: {safe(details.proxy) if details.proxy else 'none'}")
    st.caption("Secrets stay sealed. An administrator can reveal one, for a reason that is recorded.")


main()
