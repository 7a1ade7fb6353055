"""The dialogs of accounts: add by hand, read from a key, edit, change at OUTSCALE, forget."""

from collections.abc import Callable

import streamlit as st
from pydantic import SecretStr

from core.domain.accounts import OUTSCALE_FIELDS, AccountDraft
from core.domain.credentials import ACCESS_KEY_RULE, ACCOUNT_ID_FORM, REGION_RULE, SECRET_KEY_RULE, FieldProblem
from core.domain.proxy import PROXY_FORM, PROXY_RULE
from core.domain.regions import DEFAULT_REGION
from core.services.account_data import read_from_key, update_account
from core.services.accounts import (
    AccountDetails,
    add_account,
    edit_account,
    forget_account,
)
from dashboard.session import PLAIN, actor, regions, workspace
from dashboard.widgets import keypairs
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import safe

OPENED = "accounts.opened"
DOING = "accounts.doing"
PROBLEMS = "accounts.problems"
TRY = "accounts.try"


def begin(doing: str) -> None:
    """Ask for a dialog: `add`, `read`, `edit`, `update` or `forget`."""
    st.session_state.pop(PROBLEMS, None)
    st.session_state[DOING] = doing
    st.rerun()


def _close() -> None:
    for name in (DOING, PROBLEMS):
        st.session_state.pop(name, None)


def show_dialogs(details: AccountDetails | None) -> None:
    """Show the dialog that was asked for."""
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


def asked(change: Callable[[], list[FieldProblem]]) -> list[FieldProblem]:
    """What is wrong with a change, once it was tried; what cannot be done now is a problem of no field."""
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
        problems = asked(lambda: add_account(actor(), workspace(), draft))
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

    problems = asked(ask)
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
        problems = asked(lambda: edit_account(actor(), workspace(), details.account_id, details.region, **own))
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
        problems = asked(lambda: update_account(actor(), workspace(), *place, _changed(details, changes)))
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

        problems = asked(ask)
        if not problems:
            st.session_state.pop(OPENED, None)
        _ended(problems, f"{details.account_id} was forgotten.")
