"""Keypairs of an account: the list, the dialogs, and those whose private key nobody may have. A private key is shown
once and forgotten when its dialog closes."""

import re
import zlib
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st
from pydantic import SecretStr

from core.domain.credentials import FieldProblem
from core.domain.keypairs import NAME_LENGTH, NAME_RULE, PUBLIC_KEY_FORM
from core.services.keypairs import (
    KeypairList,
    Look,
    NewKeypair,
    OpenKeypair,
    create_keypair,
    delete_keypair,
    import_keypair,
    list_keypairs,
    open_keypair_intents,
    resolve_keypair_intent,
    take,
)
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets.problems import above, beside
from dashboard.widgets.text import local, safe

SAID = "accounts.said"
DOING = "keypairs.doing"
"""Which dialog is open: what it does, the account, its Region, and the keypair's name when there is one."""
_LIST = "keypairs.list"
_NEW = "keypairs.new"
_PROBLEM = "keypairs.problem"
_LOOK = "keypairs.look"
_TRY = "keypairs.try"


def show_dialogs() -> bool:
    """Show the dialog that is open, if one is. Says whether."""
    if _NEW in st.session_state:
        _secret_dialog(st.session_state[_NEW])
    elif DOING in st.session_state:
        doing, account_id, region, name = st.session_state[DOING]
        if doing == "delete":
            _delete_dialog(account_id, region, name)
        else:
            {"create": _create_dialog, "import": _import_dialog}[doing](account_id, region)
    else:
        return False
    return True


def show_open() -> None:
    """Show the keypairs whose private key nobody may have, with the ways to resolve that."""
    shown: NewKeypair | None = st.session_state.get(_NEW)
    for intent in open_keypair_intents(actor(), workspace()):
        if shown is not None and shown.intent == intent.id:
            continue  # its dialog is open
        with st.container(border=True):
            _one_open(intent)


def known_count(account_id: str, region: str) -> int | None:
    """How many keypairs the account has, when they were read in this session."""
    listed = _listed(account_id, region)
    return None if listed is None or listed.problem else len(listed.keypairs)


def show_keypairs(account_id: str, region: str) -> None:
    """Show an account's keypairs, read when asked for."""
    listed = _listed(account_id, region)
    if not may("keypairs.list_keypairs"):
        st.caption("Keypairs are only known to OUTSCALE, which your role does not ask.")
        return
    with st.container(horizontal=True):
        if st.button("Read keypairs" if listed is None else "Read again", icon=":material/refresh:"):
            _read(account_id, region)
            st.rerun()
        if st.button("Create keypair", icon=":material/add:"):
            _begin("create", account_id, region)
        if st.button("Import public key", icon=":material/upload:"):
            _begin("import", account_id, region)
    if listed is None:
        st.caption("Keypairs are only known to OUTSCALE. Reading them takes a key whose secret is stored here.")
        return
    above(listed.problem)
    if not listed.keypairs:
        if not listed.problem:
            st.info("This account has no keypair.", icon=":material/info:")
        return
    names = [one.keypair_name for one in listed.keypairs]
    event = st.dataframe(
        pd.DataFrame(
            {
                "Name": names,
                "Type": [one.keypair_type for one in listed.keypairs],
                "Fingerprint (MD5)": [one.keypair_fingerprint for one in listed.keypairs],
                "ID": [one.keypair_id for one in listed.keypairs],
            }
        ),
        key=f"keypairs.table.{account_id}.{region}.{zlib.crc32(chr(0).join(names).encode())}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        alt=f"{len(names)} keypairs",
        column_config={"Name": st.column_config.TextColumn(pinned=True)},
    )
    rows = [row for row in event["selection"]["rows"] if row < len(names)]
    st.caption(f"{len(names)} keypairs, read from OUTSCALE in this session. Select one to delete it.")
    if st.button("Delete keypair", icon=":material/delete:", disabled=not rows):
        _begin("delete", account_id, region, names[rows[0]])


def _listed(account_id: str, region: str) -> KeypairList | None:
    kept = st.session_state.get(_LIST)
    return kept[1] if kept and kept[0] == (account_id, region) else None


def _read(account_id: str, region: str) -> None:
    with st.spinner("Asking OUTSCALE …"):
        st.session_state[_LIST] = ((account_id, region), list_keypairs(actor(), workspace(), account_id, region))


def _begin(doing: str, account_id: str, region: str, name: str = "") -> None:
    st.session_state.pop(_PROBLEM, None)
    st.session_state[DOING] = (doing, account_id, region, name)
    st.rerun()


def close_dialog() -> None:
    """Close whichever is open; a private key that it showed leaves the session."""
    for name in (DOING, _NEW, _PROBLEM):
        st.session_state.pop(name, None)


def _one_open(intent: OpenKeypair) -> None:
    colour, icon = ("orange", "lock_clock") if intent.created else ("red", "error")
    st.markdown(f":{colour}[:material/{icon}: **{safe(str(intent))}**]")
    st.caption(
        f"{safe(intent.account_id)} in {safe(intent.region)}, begun by {safe(intent.actor)} on {local(intent.begun)}"
    )
    looked: Look | None = st.session_state.get(f"{_LOOK}.{intent.id}")
    if looked:
        above(looked.problem)
    found = looked is not None and looked.found is not None
    if found and not intent.created:
        st.markdown("It exists. Unless somebody made it elsewhere and has its private key, delete it.")
    if not may("keypairs.take"):
        return
    with st.container(horizontal=True):
        if not (intent.created or found) and st.button(
            "Look for it", icon=":material/search:", key=f"keypairs.look.do.{intent.id}"
        ):
            _do(partial(_look, intent))
        if intent.created or found:
            words = "It is saved" if intent.created else "Somebody has its private key"
            if st.button(words, icon=":material/check:", key=f"keypairs.taken.{intent.id}"):
                _do(lambda: take(actor(), workspace(), intent.id))
            if st.button("Delete it", icon=":material/delete:", key=f"keypairs.revoke.{intent.id}"):
                _begin("delete", intent.account_id, intent.region, intent.name)


def _look(intent: OpenKeypair) -> None:
    looked = resolve_keypair_intent(actor(), workspace(), intent.id)
    st.session_state[f"{_LOOK}.{intent.id}"] = looked
    if looked.found is None and looked.problem is None:
        st.session_state[SAID] = f"There is no keypair {intent.name} at OUTSCALE: nothing was left."


def _do(change: Callable[[], object]) -> None:
    try:
        with st.spinner("Asking OUTSCALE …"):
            change()
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    st.rerun()


@st.dialog("Create a keypair", icon=":material/terminal:", on_dismiss=close_dialog)
def _create_dialog(account_id: str, region: str) -> None:
    st.markdown(
        f"For the account **{safe(account_id)}** in {safe(region)}. OUTSCALE makes it and keeps the public half."
    )
    with st.form("keypairs.create", border=False):
        name = st.text_input("Name", max_chars=NAME_LENGTH, autocomplete="off", help=NAME_RULE, key="keypairs.name")
        _show_problem("name")
        sent = st.form_submit_button("Create", type="primary", icon=":material/add:")
    if sent:
        _made(lambda: create_keypair(actor(), workspace(), account_id, region, name or ""), account_id, region)


@st.dialog("Import a public key", icon=":material/upload:", on_dismiss=close_dialog)
def _import_dialog(account_id: str, region: str) -> None:
    st.markdown(f"For the account **{safe(account_id)}** in {safe(region)}. The private key stays with its owner.")
    number = st.session_state.get(_TRY, 0)
    with st.form("keypairs.import", border=False):
        name = st.text_input("Name", max_chars=NAME_LENGTH, autocomplete="off", help=NAME_RULE, key="keypairs.name")
        _show_problem("name")
        text = st.text_area("Public key", placeholder=PUBLIC_KEY_FORM, key=f"keypairs.public.{number}")
        _show_problem("public_key")
        sent = st.form_submit_button("Import", type="primary", icon=":material/upload:")
    if sent:
        public = SecretStr(text or "")
        _made(lambda: import_keypair(actor(), workspace(), account_id, region, name or "", public), account_id, region)


def _made(make: Callable[[], NewKeypair], account_id: str, region: str) -> None:
    try:
        with st.spinner("Asking OUTSCALE …"):
            made = make()
    except PLAIN as error:
        made = NewKeypair(problem=FieldProblem(field="form", what=str(error), mend=""))
    if made.pasted_private:
        # A new number makes the field new, so that the private key leaves the session's state.
        st.session_state[_TRY] = st.session_state.get(_TRY, 0) + 1
    if made.keypair is None:
        st.session_state[_PROBLEM] = made.problem
        st.rerun()
    close_dialog()
    if made.private_key is not None:
        st.session_state[_NEW] = made
    else:
        st.session_state[SAID] = f"The keypair {made.keypair.keypair_name} was imported."
    _read(account_id, region)
    st.rerun()


def _show_problem(field: str) -> None:
    problem: FieldProblem | None = st.session_state.get(_PROBLEM)
    if problem is None:
        return
    if problem.field == field:
        beside([problem], field)
    elif field == "name" and problem.field not in {"public_key", "typed"}:
        above(problem)


@st.dialog("The private key, this once", icon=":material/key:", width="medium", on_dismiss=close_dialog)
def _secret_dialog(made: NewKeypair) -> None:
    keypair, private = made.keypair, made.private_key
    if keypair is None or private is None:
        return
    st.warning(
        "The private key is shown this once, and is stored nowhere: not here, not at OUTSCALE. Save it now.",
        icon=":material/warning:",
    )
    above(made.problem)
    st.markdown(f"**{safe(keypair.keypair_name)}** · {safe(keypair.keypair_type or '')}")
    st.caption(f"Fingerprint (MD5): {safe(keypair.keypair_fingerprint or '')}")
    st.code(private.get_secret_value(), language=None, wrap_lines=True)
    with st.container(horizontal=True):
        st.download_button(
            "Download",
            lambda: private.get_secret_value().encode(),
            file_name=f"{re.sub(r'[^A-Za-z0-9._-]+', '_', keypair.keypair_name)}.pem",
            mime="application/x-pem-file",
            icon=":material/download:",
            on_click="ignore",
        )
        if st.button("I have saved it", type="primary", icon=":material/check:"):
            try:
                take(actor(), workspace(), made.intent)
            except PLAIN as error:
                st.error(str(error), icon=":material/error:")
                return
            close_dialog()
            st.rerun()


@st.dialog("Delete a keypair", icon=":material/delete:", on_dismiss=close_dialog)
def _delete_dialog(account_id: str, region: str, name: str) -> None:
    st.markdown(f"**{safe(name)}** is deleted at OUTSCALE. This cannot be undone.")
    st.caption("Instances that were started with it keep its public key; new ones cannot be started with it.")
    typed = st.text_input("Type the name to delete it", autocomplete="off", key="keypairs.typed")
    if st.button("Delete", type="primary", icon=":material/delete:", key="keypairs.delete"):
        try:
            with st.spinner("Asking OUTSCALE …"):
                problem = delete_keypair(actor(), workspace(), account_id, region, name, typed or "")
        except PLAIN as error:
            problem = FieldProblem(field="form", what=str(error), mend="")
        if problem:
            above(problem)
            return
        close_dialog()
        st.session_state[SAID] = f"The keypair {name} was deleted."
        _read(account_id, region)
        st.rerun()
