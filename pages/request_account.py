"""Requests: an account asked for, or a copy of one in another Region, followed until it is answered."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.domain.credentials import FieldProblem
from core.domain.requests import LABELS, Mail, RequestDraft
from core.services.doors import demo_sign_in
from core.services.requests import (
    Outcome,
    RequestDetails,
    RequestView,
    annotate,
    copy_sources,
    delete_draft,
    grant,
    list_requests,
    mark_sent,
    poll_answers,
    refuse,
    remind,
    save_draft,
    send,
    show_request,
    waiting,
)
from dashboard import address
from dashboard.navigation import ACCESS_KEYS, ACCOUNTS, REQUEST_ACCOUNT, link
from dashboard.session import PLAIN, actor, may, regions, workspace
from dashboard.widgets.events import show_events
from dashboard.widgets.problems import above, beside, plainly
from dashboard.widgets.request_form import (
    RequestForm,
    begin_form,
    close_form,
    edit_request,
    open_form,
    show_fields,
)
from dashboard.widgets.rows import choose
from dashboard.widgets.states import Look, bad, doubtful, good, neutral, state_column, under_way
from dashboard.widgets.text import local, safe, time_column

COPY = "request.copy"
"""Account ID and Region of an account that another screen wants to have copied."""
OPENED = "request.opened"
SAID = "request.said"
DOING = "request.doing"
PROBLEMS = "request.problems"
TABLE = "request.table"
_OF_NO_FIELD = {"form", "state", "id"}
_STATES = {
    "draft": neutral("Draft", "edit_note"),
    "unsure": doubtful("May have been sent", "help"),
    "sent": under_way("Sent", "outgoing_mail"),
    "late": doubtful("No answer", "schedule"),
    "granted": good("Granted"),
    "refused": bad("Refused", "block"),
}
_WAYS = {"smtp": "by the mail server", "mail": "by hand", "sandbox": "to the sandbox"}


def main() -> None:
    """Show the screen."""
    st.title("Request account")
    st.caption("Ask OUTSCALE for an account, or for a copy of one in another Region, and follow how it is answered.")
    if said := st.session_state.pop(SAID, None):
        st.success(safe(said), icon=":material/check_circle:")
    rows = list_requests(actor(), workspace())
    writes = may("requests.save_draft")
    parts = [
        address.one_of("opened", OPENED, lambda: [row.id for row in rows]),
        address.place("copy", COPY, lambda: _copied() if writes else []),
    ]
    if address.arrive(REQUEST_ACCOUNT, parts):
        if source := st.session_state.pop(COPY):
            begin_form("copy", source)
        elif st.session_state[OPENED]:
            close_form()
    form = (open_form() or (None if rows else begin_form("new"))) if writes else None
    if form:
        _form(form, first=not rows)
        return
    if not rows:
        st.info("No account was asked for yet.", icon=":material/info:")
        return
    if writes:
        _begin()
    late = {view.id for view in waiting(actor(), workspace())}
    chosen = _chosen(rows, late)
    address.keep(parts)
    details = show_request(actor(), workspace(), chosen) if chosen else None
    if any(row.polled for row in rows) and may("requests.poll_answers"):
        _wait_for_the_sandbox()
    if details:
        _dialogs(details)
        _details(details, late=details.id in late)


def _copied() -> list[address.Place]:
    return [(one.account_id, one.region) for one in copy_sources(actor(), workspace())]


def _begin() -> None:
    with st.container(horizontal=True):
        if st.button("New account", type="primary", icon=":material/add:"):
            begin_form("new")
            st.rerun()
        if st.button("Copy to another Region", icon=":material/content_copy:"):
            begin_form("copy")
            st.rerun()


def _form(form: RequestForm, *, first: bool) -> None:
    title = "Copy an account to another Region" if form.kind == "copy" else "New account"
    st.subheader("Edit the draft" if form.stored else title)
    draft = show_fields(form)
    _form_problems(form)
    with st.container(horizontal=True):
        sending = st.button("Send", type="primary", icon=":material/send:")
        keeping = st.button("Keep as draft", icon=":material/save:")
        if st.button("Cancel"):
            close_form()
            st.rerun()
        if first and form.kind == "new" and st.button("Copy an account instead", icon=":material/content_copy:"):
            begin_form("copy")
            st.rerun()
    if sending or keeping:
        _keep(form, draft, sending=sending)


def _form_problems(form: RequestForm) -> None:
    whole = [problem for problem in form.problems if problem.field in _OF_NO_FIELD]
    for problem in whole:
        above(problem)
    if count := len(form.problems) - len(whole):
        said = "One field needs" if count == 1 else f"{count} fields need"
        kept = " What you typed is kept as a draft." if form.stored else ""
        st.error(f"{said} your attention: see beside the fields above.{kept}", icon=":material/error:")


def _keep(form: RequestForm, draft: RequestDraft, *, sending: bool) -> None:
    """Keep the draft, and send it when asked to. What is wrong keeps it from being sent, and not from being kept."""
    outcome = _asked(lambda: save_draft(actor(), workspace(), draft, form.stored, seen=form.seen))
    view = outcome.request
    if view and not sending:
        _leave(view, "The draft is kept.")
    if view:
        form.stored, form.seen = view.id, view.modified
        outcome = _asked(lambda: send(actor(), workspace(), view.id, seen=view.modified))
    if outcome.request and not outcome.problems:
        _leave(outcome.request, "" if outcome.mail else "The request was sent.")
    if outcome.request:
        form.seen = outcome.request.modified
    form.problems = outcome.problems
    st.rerun()


def _leave(view: RequestView, said: str) -> None:
    close_form()
    st.session_state[OPENED] = view.id
    if said:
        st.session_state[SAID] = said
    st.rerun()


def _asked(step: Callable[[], Outcome]) -> Outcome:
    try:
        with st.spinner("Sending …"):
            return step()
    except PLAIN as error:
        return Outcome(problems=[FieldProblem(field="form", what=str(error), mend="")])


@st.fragment(run_every=1.0)
def _wait_for_the_sandbox() -> None:
    st.caption(":material/hourglass_top: The sandbox answers within a few seconds, while it runs.")
    answered: list[RequestView] = []
    with plainly():
        answered = poll_answers(actor(), workspace())
    for view in answered:
        granted = view.state == "granted"
        st.session_state[SAID] = (
            f"{view.title}: granted as the account {view.granted_account_id}."
            if granted
            else f"{view.title}: refused. Its notes say why."
        )
        st.session_state[OPENED] = view.id
        st.rerun()


def _state(view: RequestView, *, late: bool) -> Look:
    return _STATES["unsure" if view.unsure else "late" if late else view.state]


def _chosen(rows: list[RequestView], late: set[str]) -> str | None:
    table = pd.DataFrame(
        {
            "Request": [row.title for row in rows],
            "State": [_state(row, late=row.id in late).word for row in rows],
            "Region": [row.region for row in rows],
            "Account ID": [row.granted_account_id for row in rows],
            "Company": [row.company for row in rows],
            "Owner": [row.owner for row in rows],
            "Sent": pd.Series([row.sent for row in rows], dtype="datetime64[us, UTC]"),
            "Answered": pd.Series([row.answered for row in rows], dtype="datetime64[us, UTC]"),
        }
    )
    times = ("Sent", "Answered")
    choose(
        table,
        TABLE,
        [row.id for row in rows],
        OPENED,
        height=min(38 + 35 * len(rows), 320),
        placeholder="",
        alt=f"{len(rows)} requests",
        column_config={
            "Request": st.column_config.TextColumn(pinned=True),
            "State": state_column(_STATES.values()),
            "Account ID": st.column_config.TextColumn(width=125),
            **{name: time_column() for name in times},
        },
    )
    opened: str | None = st.session_state.get(OPENED)
    if opened not in {row.id for row in rows}:
        st.caption("Select a request to see how it stands.")
        return None
    return opened


def _details(details: RequestDetails, *, late: bool) -> None:
    st.divider()
    st.subheader(safe(details.title))
    region = regions().get(details.region)
    place = safe(str(region or details.region))
    st.markdown(f"{_state(details, late=late).badge} :blue-badge[:material/public: {place}]")
    _story(details)
    for problem in st.session_state.pop(PROBLEMS, []) if DOING not in st.session_state else []:
        above(problem)
    if may("requests.save_draft"):
        _actions(details)
    about, notes, events = st.tabs(["Request", "Notes", "Events"])
    with about:
        _about(details)
    with notes:
        _notes(details)
    with events:
        show_events(details.events)


def _story(details: RequestDetails) -> None:
    """When what happened."""
    said = [f"begun {local(details.created)}", f"owner: {details.owner or 'nobody'}"]
    if details.terms_accepted:
        said.append(f"terms accepted {local(details.terms_accepted)}")
    if details.sent and details.state != "draft":
        said.append(f"sent {local(details.sent)} {_WAYS.get(details.sent_by, '')}")
    if details.reminded:
        said.append(f"asked again {local(details.reminded)}")
    if details.answered:
        said.append(f"answered {local(details.answered)}")
    st.caption(safe(" · ".join(said)))
    if details.unsure:
        st.warning(
            f"It may have been sent, on {local(details.sent)}: nobody heard how that ended. Ask the recipient before "
            "you send it again.",
            icon=":material/help:",
        )
    if details.state == "granted" and may("doors.open_with_password"):
        sign_in = demo_sign_in(workspace(), details.region, details.granted_account_id)
        if sign_in:
            st.markdown("The sandbox's welcome letter: this email and password sign in.")
            st.code(f"{sign_in[0]}\n{sign_in[1].get_secret_value()}", language=None)


def _actions(details: RequestDetails) -> None:
    state = details.state
    if details.mail:
        _letter(details.mail, "Send this letter with your own mail program, then say that you did.")
    with st.container(horizontal=True):
        if state == "draft":
            if details.mail or details.unsure:
                _step("I sent it", "check", lambda: mark_sent(actor(), workspace(), details.id, seen=details.modified))
            if not details.mail:
                label = "Send again" if details.unsure else "Send"
                again = details.unsure
                _step(label, "send", lambda: send(actor(), workspace(), details.id, seen=details.modified, again=again))
            if st.button("Edit", icon=":material/edit:"):
                edit_request(details)
                st.rerun()
            if not details.unsure:
                _opens("Delete", "delete")
        elif state == "sent":
            _opens("Granted …", "check_circle")
            _opens("Refused …", "block")
            if details.reminder:
                _opens("Remind", "notifications")
            elif not details.polled:
                _step("Remind", "notifications", lambda: remind(actor(), workspace(), details.id))
        elif state == "granted":
            place = {"account": address.named(details.granted_account_id, details.region)}
            link(ACCESS_KEYS, "See access keys", place)
            link(ACCOUNTS, "See the account", place)


def _opens(label: str, icon: str) -> None:
    """A button that opens the dialog of its name."""
    if st.button(label, icon=f":material/{icon}:"):
        st.session_state.pop(PROBLEMS, None)
        st.session_state[DOING] = label
        st.rerun()


def _step(label: str, icon: str, step: Callable[[], Outcome]) -> None:
    """A button that does a step at once."""
    if not st.button(label, icon=f":material/{icon}:", type="primary"):
        return
    outcome = _asked(step)
    st.session_state[PROBLEMS] = outcome.problems
    if not outcome.problems and not outcome.mail:
        st.session_state[SAID] = "The reminder was sent." if label == "Remind" else "The request was sent."
    st.rerun()


def _letter(mail: Mail, said: str) -> None:
    with st.container(border=True):
        st.markdown(f":material/mail: {safe(said)}")
        st.code(mail.text, language=None, wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.link_button("Open in mail program", mail.link, icon=":material/open_in_new:")
            if not mail.link_has_body:
                st.caption("It is too long for a link: copy its text into the letter that opens.")


def _about(details: RequestDetails) -> None:
    shown = {"From account": details.from_account_id, "From Region": details.from_region}
    shown |= {"Region wanted": details.region} if details.state != "granted" else {}
    shown |= {label: getattr(details, name) for name, label in LABELS.items()}
    shown |= {"Newsletter": "yes" if details.newsletter else ""}
    shown = {label: value for label, value in shown.items() if value}
    st.dataframe(
        pd.DataFrame({"Field": list(shown), "Value": list(shown.values())}),
        hide_index=True,
        height=38 + 35 * len(shown),
        alt="What was asked for",
    )


def _notes(details: RequestDetails) -> None:
    if not may("requests.annotate"):
        st.markdown(safe(details.notes) or "There are none.")
        return
    problems: list[FieldProblem] = st.session_state.pop("request.note_problems", [])
    with st.form(f"request.notes.{details.id}.{details.modified}", border=False, enter_to_submit=False):
        owner = st.text_input("Owner", details.owner, autocomplete="off", help="Who answers for it here.")
        beside(problems, "owner")
        notes = st.text_area("Notes", details.notes, height=120)
        beside(problems, "notes")
        saved = st.form_submit_button("Save notes", icon=":material/save:")
    if not saved:
        return
    outcome = _asked(
        lambda: annotate(actor(), workspace(), details.id, owner=owner or "", notes=notes or "", seen=details.modified)
    )
    fields = {"owner", "notes"}
    st.session_state["request.note_problems"] = [one for one in outcome.problems if one.field in fields]
    st.session_state[PROBLEMS] = [one for one in outcome.problems if one.field not in fields]
    if not outcome.problems:
        st.session_state[SAID] = "The notes are kept."
    st.rerun()


def _close() -> None:
    for name in (DOING, PROBLEMS):
        st.session_state.pop(name, None)


def _dialogs(details: RequestDetails) -> None:
    dialogs = {
        "Granted …": _granted_dialog,
        "Refused …": _refused_dialog,
        "Remind": _remind_dialog,
        "Delete": _delete_dialog,
    }
    doing = st.session_state.get(DOING)
    if doing:
        dialogs[doing](details)


def _ended(problems: list[FieldProblem], said: str) -> None:
    """End a dialog, or show in it what is wrong."""
    if problems:
        st.session_state[PROBLEMS] = problems
    else:
        _close()
        st.session_state[SAID] = said
    st.rerun()


def _wrong(fields: set[str] | None = None) -> list[FieldProblem]:
    """What is wrong with the dialog's fields; the rest is shown above them."""
    problems: list[FieldProblem] = st.session_state.get(PROBLEMS, [])
    for problem in problems:
        if problem.field not in (fields or set()):
            above(problem)
    return problems


@st.dialog("The request was granted", icon=":material/check_circle:", on_dismiss=_close)
def _granted_dialog(details: RequestDetails) -> None:
    problems = _wrong({"account_id", "region"})
    known = regions()
    with st.form("request.granted", border=False):
        account_id = st.text_input(
            "Account ID *", placeholder="12 digits", autocomplete="off", help="The 12 digits in OUTSCALE's answer."
        )
        beside(problems, "account_id")
        names = [region.name for region in known.open]
        region = st.selectbox(
            "Region *",
            names,
            index=names.index(details.region) if details.region in names else 0,
            format_func=lambda name: str(known[name]),
        )
        beside(problems, "region")
        st.caption("The account becomes known here.")
        sent = st.form_submit_button("Record", type="primary", icon=":material/check:")
    if sent:
        outcome = _asked(lambda: grant(actor(), workspace(), details.id, account_id or "", region or ""))
        _ended(outcome.problems, f"The account {(account_id or '').strip()} is known now.")


@st.dialog("The request was refused", icon=":material/block:", on_dismiss=_close)
def _refused_dialog(details: RequestDetails) -> None:
    _wrong()
    with st.form("request.refused", border=False):
        reason = st.text_input("Reason", autocomplete="off", help="Goes to the notes.", max_chars=500)
        sent = st.form_submit_button("Record", type="primary", icon=":material/check:")
    if sent:
        outcome = _asked(lambda: refuse(actor(), workspace(), details.id, reason or ""))
        _ended(outcome.problems, "The refusal is recorded.")


@st.dialog("Ask again", icon=":material/notifications:", on_dismiss=_close)
def _remind_dialog(details: RequestDetails) -> None:
    _wrong()
    if details.reminder:
        _letter(details.reminder, "Send this letter with your own mail program, then say that you did.")
    if st.button("I sent it", type="primary", icon=":material/check:", key="request.reminded"):
        outcome = _asked(lambda: remind(actor(), workspace(), details.id, seen=details.modified))
        _ended(outcome.problems, "The reminder is recorded.")


@st.dialog("Delete the draft", icon=":material/delete:", on_dismiss=_close)
def _delete_dialog(details: RequestDetails) -> None:
    _wrong()
    st.markdown(f"The draft **{safe(details.title)}** is gone after that. Nothing was sent.")
    if st.button("Delete the draft", type="primary", icon=":material/delete:", key="request.delete"):
        problem = None
        try:
            problem = delete_draft(actor(), workspace(), details.id)
        except PLAIN as error:
            problem = FieldProblem(field="form", what=str(error), mend="")
        _ended([problem] if problem else [], "The draft is deleted.")


main()
