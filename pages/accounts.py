"""Accounts: every known one, found, added, read from a key; its data at OUTSCALE, its ways to sign in, its keypairs."""

from collections.abc import Callable

import pandas as pd
import streamlit as st
from pydantic import SecretStr

from core.domain.accounts import DATA_LABELS, OUTSCALE_FIELDS, PASSWORD_RULE, USED_FOR, AccountDraft
from core.domain.credentials import ACCESS_KEY_RULE, ACCOUNT_ID_FORM, REGION_RULE, SECRET_KEY_RULE, FieldProblem
from core.domain.proxy import PROXY_FORM, PROXY_RULE
from core.domain.regions import DEFAULT_REGION
from core.services.account_data import read_from_key, refresh, update_account
from core.services.accounts import (
    AccountDetails,
    AccountView,
    Methods,
    add_account,
    edit_account,
    forget_account,
    list_accounts,
    methods,
    show_account,
)
from dashboard import address
from dashboard.navigation import ACCESS_KEYS, ACCOUNTS, REQUEST_ACCOUNT, link
from dashboard.session import PLAIN, actor, may, regions, workspace
from dashboard.widgets import keypairs
from dashboard.widgets.events import show_events
from dashboard.widgets.problems import above, beside
from dashboard.widgets.rows import choose
from dashboard.widgets.text import local, safe, time_column

OPENED = "accounts.opened"
SEARCH = "accounts.search"
TABLE = "accounts.table"
DOING = "accounts.doing"
PROBLEMS = "accounts.problems"
REFUSED = "accounts.refused"
TRY = "accounts.try"
SOURCES = {"hand": "added by hand", "request": "a request", "key": "a key", "credentials": "credentials"}


def main() -> None:
    """Show the screen."""
    st.title("Accounts")
    st.caption(
        "Every account that is known here. An account lives in one Region: a copy in another is another account."
    )
    if said := st.session_state.pop(keypairs.SAID, None):
        st.toast(safe(said), icon=":material/check_circle:")
        st.success(safe(said), icon=":material/check_circle:")
    keypairs.show_open()
    rows = list_accounts(actor(), workspace())
    parts = [
        address.text("search", SEARCH),
        address.place("account", OPENED, lambda: [(row.account_id, row.region) for row in rows]),
    ]
    address.arrive(ACCOUNTS, parts)
    if not rows:
        st.info(
            "No account is known yet. Add one by hand, or paste one of its access keys to read it from OUTSCALE.",
            icon=":material/info:",
        )
    _ways_in()
    details = _details_of(_chosen(rows)) if rows else None
    address.keep(parts)
    if not keypairs.show_dialogs():
        _dialogs(details)
    if details:
        _details(details)


def _ways_in() -> None:
    with st.container(horizontal=True):
        if may("accounts.add_account") and st.button("Add by hand", icon=":material/edit_note:"):
            _begin("add")
        if may("account_data.read_from_key") and st.button("Read from a key", icon=":material/key:"):
            _begin("read")


def _chosen(rows: list[AccountView]) -> tuple[str, str] | None:
    word = st.text_input("Search", type="search", placeholder="Account ID, company, email, owner, Region …", key=SEARCH)
    shown = [row for row in rows if row.matches(word or "")]
    if not shown:
        st.info("No account matches the search.", icon=":material/search_off:")
        return st.session_state.get(OPENED)
    table = pd.DataFrame(
        {
            "Account ID": [row.account_id for row in shown],
            "Region": [row.region for row in shown],
            "Company": [row.company for row in shown],
            "Email": [row.email for row in shown],
            "Owner": [row.owner for row in shown],
            "Used by": [", ".join(row.credentials) for row in shown],
            "Active keys": pd.array([row.active_keys for row in shown], dtype="Int64"),
            "Next expiry": pd.Series([row.next_expiry for row in shown], dtype="datetime64[us, UTC]"),
            "Last check": pd.Series([row.checked for row in shown], dtype="datetime64[us, UTC]"),
            "Read": pd.Series([row.read for row in shown], dtype="datetime64[us, UTC]"),
            "Known by": [SOURCES.get(row.source, row.source) for row in shown],
        }
    )
    times = ("Next expiry", "Last check", "Read")
    choose(
        table,
        TABLE,
        [(row.account_id, row.region) for row in shown],
        OPENED,
        height=min(38 + 35 * len(shown), 420),
        placeholder="",
        alt=f"{len(shown)} known accounts",
        column_config={
            "Account ID": st.column_config.TextColumn(pinned=True),
            "Active keys": st.column_config.NumberColumn(help="Empty: its keys were never listed here."),
            **{name: time_column() for name in times},
        },
    )
    st.caption(f"{len(shown)} of {len(rows)} accounts. Select one for its details.")
    return st.session_state.get(OPENED)


def _details_of(place: tuple[str, str] | None) -> AccountDetails | None:
    return show_account(actor(), workspace(), *place) if place else None


def _begin(doing: str) -> None:
    st.session_state.pop(PROBLEMS, None)
    st.session_state[DOING] = doing
    st.rerun()


def _close() -> None:
    for name in (DOING, PROBLEMS):
        st.session_state.pop(name, None)


def _dialogs(details: AccountDetails | None) -> None:
    doing = st.session_state.get(DOING)
    if doing == "add":
        _add_dialog()
    elif doing == "read":
        _read_dialog()
    elif doing and details:
        {"edit": _edit_dialog, "update": _update_dialog, "forget": _forget_dialog}[doing](details)


def _problems() -> list[FieldProblem]:
    problems: list[FieldProblem] = st.session_state.get(PROBLEMS, [])
    return problems


def _ended(problems: list[FieldProblem], said: str, opened: tuple[str, str] | None = None) -> None:
    """End a dialog, or show in it what is wrong."""
    if problems:
        st.session_state[PROBLEMS] = problems
        st.rerun()
    _close()
    st.session_state[keypairs.SAID] = said
    if opened:
        st.session_state[OPENED] = opened
    st.rerun()


def _asked(change: Callable[[], list[FieldProblem]]) -> list[FieldProblem]:
    try:
        with st.spinner("Asking OUTSCALE …"):
            return change()
    except PLAIN as error:
        return [FieldProblem(field="form", what=str(error), mend="")]


def _above_all_but(fields: set[str]) -> None:
    """Show the problems that stand beside no field of the form."""
    for problem in _problems():
        if problem.field not in fields:
            above(problem)


def _region() -> str:
    known = regions()
    names = [region.name for region in known.open]
    chosen = st.selectbox(
        "Region *",
        names,
        index=names.index(DEFAULT_REGION) if DEFAULT_REGION in names else 0,
        format_func=lambda name: str(known[name]),
        key="accounts.region",
        help=REGION_RULE,
    )
    return chosen or ""


def _text(
    field: str, label: str, value: str = "", *, placeholder: str = "", note: str | None = None, disabled: bool = False
) -> str:
    typed = st.text_input(
        label,
        value,
        autocomplete="off",
        placeholder=placeholder,
        help=note,
        disabled=disabled,
        key=f"accounts.{field}",
    )
    beside(_problems(), field)
    return typed or ""


@st.dialog("Add an account by hand", icon=":material/edit_note:", on_dismiss=_close)
def _add_dialog() -> None:
    with st.form("accounts.add", border=False):
        _above_all_but(set(AccountDraft.model_fields))
        account_id = _text("account_id", "Account ID *", placeholder="12 digits", note=ACCOUNT_ID_FORM)
        region = _region()
        beside(_problems(), "region")
        email = _text("email", "Email", placeholder="What the account signs in with")
        company = _text("company", "Company", note="Whose account it is.")
        owner = _text("owner", "Owner", note="Who answers for it here.")
        notes = st.text_area("Notes", height=80, key="accounts.notes")
        sent = st.form_submit_button("Add", type="primary", icon=":material/add:")
    if sent:
        draft = AccountDraft(
            account_id=account_id, region=region, email=email, company=company, owner=owner, notes=notes
        )
        problems = _asked(lambda: add_account(actor(), workspace(), draft))
        _ended(problems, f"{draft.account_id} was added.", (draft.account_id, draft.region))


@st.dialog("Read an account from a key", icon=":material/key:", on_dismiss=_close)
def _read_dialog() -> None:
    st.markdown("The key signs one request, which tells its account. The key itself is not stored.")
    number = st.session_state.get(TRY, 0)
    with st.form("accounts.read", border=False):
        _above_all_but({"access_key", "secret_key", "region", "proxy"})
        access_key = _text("access_key", "Access key *", note=ACCESS_KEY_RULE)
        secret = st.text_input(
            "Secret key *", type="password", autocomplete="off", key=f"accounts.secret.{number}", help=SECRET_KEY_RULE
        )
        beside(_problems(), "secret_key")
        region = _region()
        beside(_problems(), "region")
        proxy = st.text_input(
            "Proxy",
            type="password",
            autocomplete="off",
            placeholder=PROXY_FORM,
            key=f"accounts.proxy.{number}",
            help=safe(PROXY_RULE),
        )
        beside(_problems(), "proxy")
        sent = st.form_submit_button("Read", type="primary", icon=":material/cloud_download:")
    if not sent:
        return
    read: list[str] = []

    def ask() -> list[FieldProblem]:
        found = read_from_key(actor(), workspace(), access_key, SecretStr(secret or ""), region, SecretStr(proxy or ""))
        read.append(found.account_id)
        return found.problems

    problems = _asked(ask)
    if not problems or any(problem.field == "form" for problem in problems):
        # It was used: a new number makes the fields new, so that the secrets leave the session's state.
        st.session_state[TRY] = number + 1
    _ended(problems, f"{''.join(read)} was read.", (read[0], region) if read else None)


@st.dialog("Edit what is written here", icon=":material/edit:", on_dismiss=_close)
def _edit_dialog(details: AccountDetails) -> None:
    told = details.read is not None
    with st.form("accounts.edit", border=False):
        _above_all_but({"email", "company", "owner"})
        st.markdown(f"**{safe(details.account_id)}** in {safe(details.region)}")
        owner = _text("owner", "Owner", details.owner, note="Who answers for it here.")
        notes = st.text_area("Notes", details.notes, key="accounts.notes")
        email = _text("email", "Email", details.email, disabled=told)
        company = _text("company", "Company", details.company, disabled=told)
        if told:
            st.caption("Email and company come from OUTSCALE: change them there, in the tab Details.")
        sent = st.form_submit_button("Save", type="primary", icon=":material/check:")
    if sent:
        own = {"owner": owner, "notes": notes} | ({} if told else {"email": email, "company": company})
        problems = _asked(lambda: edit_account(actor(), workspace(), details.account_id, details.region, **own))
        _ended(problems, f"{details.account_id} was changed here.")


@st.dialog("Change at OUTSCALE", icon=":material/cloud_upload:", width="medium", on_dismiss=_close)
def _update_dialog(details: AccountDetails) -> None:
    st.markdown(f"The data of **{safe(details.account_id)}** in {safe(details.region)}. Only what you change is sent.")
    changes: dict[str, object] = {}
    with st.form("accounts.update", border=False):
        _above_all_but(set(OUTSCALE_FIELDS))
        left, right = st.columns(2)
        for index, (field, label) in enumerate(OUTSCALE_FIELDS.items()):
            with (left, right)[index % 2]:
                if field == "AdditionalEmails":
                    lines = st.text_area(
                        label,
                        "\n".join(details.data.get(field, [])),
                        height=80,
                        help="One a line. Notifications go to them too.",
                        key=f"accounts.{field}",
                    )
                    changes[field] = (lines or "").splitlines()
                    beside(_problems(), field)
                else:
                    note = "The account signs in with it." if field == "Email" else None
                    changes[field] = _text(field, label, str(details.data.get(field, "")), note=note)
        sent = st.form_submit_button("Send to OUTSCALE", type="primary", icon=":material/cloud_upload:")
    if sent:
        place = (details.account_id, details.region)
        problems = _asked(lambda: update_account(actor(), workspace(), *place, _changed(details, changes)))
        _ended(problems, f"{details.account_id} was changed at OUTSCALE.")


def _changed(details: AccountDetails, changes: dict[str, object]) -> dict[str, object]:
    """What was typed anew: what stands as it was read is not checked, and not sent."""
    return {name: value for name, value in changes.items() if value != details.data.get(name, type(value)())}


@st.dialog("Forget an account", icon=":material/delete:", on_dismiss=_close)
def _forget_dialog(details: AccountDetails) -> None:
    st.markdown(
        f"**{safe(details.account_id)}** in {safe(details.region)} leaves this list, with what is written here."
    )
    st.caption("The account itself and its access keys stay as they are at OUTSCALE. Its events stay too.")
    _above_all_but(set())
    if st.button("Forget", type="primary", icon=":material/delete:", key="accounts.forget"):

        def ask() -> list[FieldProblem]:
            problem = forget_account(actor(), workspace(), details.account_id, details.region)
            return [problem] if problem else []

        problems = _asked(ask)
        if not problems:
            st.session_state.pop(OPENED, None)
        _ended(problems, f"{details.account_id} was forgotten.")


def _details(details: AccountDetails) -> None:
    place = (details.account_id, details.region)
    st.divider()
    st.subheader(details.account_id)
    region = regions().get(details.region)
    badges = f":blue-badge[:material/public: {safe(str(region or details.region))}]"
    badges += f" :gray-badge[known by {safe(SOURCES.get(details.source, details.source))}]"
    badges += "".join(f" :green-badge[:material/badge: {safe(name)}]" for name in details.credentials)
    st.markdown(badges)
    if details.notes:
        st.caption(safe(details.notes))
    with st.container(horizontal=True, vertical_alignment="center"):
        link(ACCESS_KEYS, "See access keys", {"account": address.named(*place)})
        if may("requests.save_draft"):
            copied = {"copy": address.named(*place)}
            link(REQUEST_ACCOUNT, "Copy to another Region", copied, icon=":material/content_copy:")
        if may("accounts.edit_account") and st.button("Edit", icon=":material/edit:"):
            _begin("edit")
        if may("accounts.forget_account") and st.button("Forget", icon=":material/delete:"):
            _begin("forget")
    data, ways, pairs, events = st.tabs(["Details", "Authentication methods", "Keypairs", "Events"])
    with data:
        _data(details)
    with ways:
        known = methods(actor(), workspace(), *place)
        if known:
            _methods(known, keypairs.known_count(*place))
    with pairs:
        keypairs.show_keypairs(*place)
    with events:
        show_events(details.events)


def _data(details: AccountDetails) -> None:
    with st.container(horizontal=True):
        if may("account_data.refresh") and st.button(
            "Refresh", icon=":material/refresh:", help="Read it from OUTSCALE, signed by a stored key."
        ):
            _refresh(details)
        if may("account_data.update_account") and st.button(
            "Change at OUTSCALE",
            icon=":material/cloud_upload:",
            disabled=details.read is None,
            help="Refresh first: it shows what OUTSCALE has." if details.read is None else None,
        ):
            _begin("update")
    refused: tuple[tuple[str, str], FieldProblem] | None = st.session_state.get(REFUSED)
    if refused and refused[0] == (details.account_id, details.region):
        above(refused[1])
    st.caption(f"Read from OUTSCALE: {local(details.read) or 'never'} · owner here: {safe(details.owner or 'nobody')}")
    shown = {label: details.data[name] for name, label in DATA_LABELS.items() if name in details.data}
    if not shown:
        shown = {"Email": details.email, "Company": details.company}
    st.dataframe(
        pd.DataFrame({"Field": list(shown), "Value": [_value(value) for value in shown.values()]}),
        hide_index=True,
        height=38 + 35 * len(shown),
        alt="What is known about the account",
    )


def _refresh(details: AccountDetails) -> None:
    place = (details.account_id, details.region)
    st.session_state.pop(REFUSED, None)

    def ask() -> list[FieldProblem]:
        problem = refresh(actor(), workspace(), *place)
        return [problem] if problem else []

    if problems := _asked(ask):
        st.session_state[REFUSED] = (place, problems[0])
    else:
        st.session_state[keypairs.SAID] = f"{details.account_id} was read from OUTSCALE."
    st.rerun()


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _methods(known: Methods, pairs: int | None) -> None:
    password, keys, ssh = st.columns(3)
    with password.container(border=True, height="stretch"):
        st.markdown(":material/password: **Password**")
        st.caption(USED_FOR["password"])
        confirmed = local(known.password_confirmed)
        st.markdown(f"Last confirmed here: {confirmed}" if confirmed else "Never confirmed here.")
        st.caption(f"OUTSCALE tells nobody how old it is. Its rule: {PASSWORD_RULE}")
    with keys.container(border=True, height="stretch"):
        st.markdown(":material/key: **Access keys**")
        st.caption(USED_FOR["access_keys"])
        if known.keys_seen is None:
            st.markdown("Not read yet: open its access keys.")
        else:
            st.markdown(f"{known.active} active")
            if known.expiring:
                st.markdown(
                    f":orange[:material/schedule: {known.expiring} expire within {known.expires_soon_days} days]"
                )
            st.caption(f"Oldest active one: {local(known.oldest) or 'unknown'} · listed {local(known.keys_seen)}")
    with ssh.container(border=True, height="stretch"):
        st.markdown(":material/terminal: **Keypairs**")
        st.caption(USED_FOR["keypairs"])
        st.markdown("Not read yet: see the tab Keypairs." if pairs is None else f"{pairs} at OUTSCALE")


main()
