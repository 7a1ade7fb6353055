"""Add credentials: the form, its checks, and Add. Also where stored credentials are edited."""

import streamlit as st

from core.domain.credentials import CredentialsDraft, FieldProblem, name_problem
from core.services.credentials import list_credentials, show_credentials
from core.services.onboarding import AddResult, CheckReport, add_credentials, check_draft, name_taken
from core.services.scope import scope_of
from dashboard import address
from dashboard.navigation import ADD_CREDENTIALS, CREDENTIALS, go
from dashboard.session import PLAIN, actor, regions, workspace
from dashboard.widgets import job
from dashboard.widgets.checks import show_checks
from dashboard.widgets.credentials_form import Form, current_form, edit_form, new_form, show_fields
from dashboard.widgets.problems import above

JOB = "add_credentials.check"
EDITED = "add_credentials.edited"
ADD_WHEN_CHECKED = "add_credentials.add"


def main() -> None:
    """Show the screen."""
    parts = [address.one_of("edit", EDITED, lambda: [row.name for row in list_credentials(actor(), workspace())])]
    if address.arrive(ADD_CREDENTIALS, parts) and st.session_state[EDITED]:
        _edit(st.session_state[EDITED])
    form = current_form()
    st.session_state[EDITED] = form.stored.name if form.stored else None
    address.keep(parts)
    _take_report(form)
    if form.stored:
        st.title(f"Edit {form.stored.name}")
        st.caption("Everything but the name can be changed. A blank secret keeps the stored one.")
    else:
        st.title("Add credentials")
        st.caption("Every key, Region, proxy and bucket is checked against OUTSCALE before anything is stored.")
    draft = show_fields(form, regions(), _name_problem, billing_always=scope_of(actor(), workspace()).billing_only)
    st.caption("Secrets are sealed when they are stored, and forgotten when you leave this page.")
    _buttons(form, draft)
    job.watch(JOB)
    if not job.running(JOB):
        _result(form, draft)


def _edit(name: str) -> None:
    """Fill the form with stored credentials, unless it is they that are edited already."""
    form = current_form()
    if form.stored is None or form.stored.name != name:
        details = show_credentials(actor(), workspace(), name)
        if details:
            edit_form(details)


def _name_problem(name: str) -> FieldProblem | None:
    """What is wrong with a new name, said before the rest is filled in."""
    if not name:
        return None
    return name_problem(name) or name_taken(actor(), workspace(), name)


def _buttons(form: Form, draft: CredentialsDraft) -> None:
    busy = job.running(JOB)
    with st.container(horizontal=True):
        if st.button("Check", icon=":material/fact_check:", disabled=busy):
            _begin(form, draft, add=False)
        label = "Save" if form.stored else "Add"
        if st.button(label, type="primary", icon=":material/check:", disabled=busy):
            _begin(form, draft, add=True)
        if st.button("Cancel", disabled=busy):
            editing = form.stored is not None
            new_form()
            if editing:
                go(CREDENTIALS)
            st.rerun()


def _begin(form: Form, draft: CredentialsDraft, *, add: bool) -> None:
    form.report, form.problems = None, []
    st.session_state[ADD_WHEN_CHECKED] = add
    who, opened, editing = actor(), workspace(), form.stored is not None
    remove_proxy = _remove_proxy(form)
    job.begin(
        JOB,
        lambda progress, stop: check_draft(
            who, opened, draft, editing=editing, remove_proxy=remove_proxy, progress=progress, stop=stop
        ),
    )
    st.rerun()


def _take_report(form: Form) -> None:
    report: CheckReport | None = job.finished(JOB)
    if report:
        form.report = report
        form.problems = list(report.problems)


def _result(form: Form, draft: CredentialsDraft) -> None:
    if form.problems:
        for problem in form.problems:
            if problem.field == "form":
                above(problem)
        count = len(form.problems)
        said = "One field needs" if count == 1 else f"{count} fields need"
        st.error(f"{said} your attention: see beside the fields above.", icon=":material/error:")
    report = form.report
    if report is None or not report.results:
        return
    if st.session_state.pop(ADD_WHEN_CHECKED, False) and report.complete:
        _add(form, draft, report)
    st.header("Checks")
    if report.complete:
        st.success("Nothing failed: these credentials can be stored.", icon=":material/check_circle:")
    elif report.stopped:
        st.info("Stopped before the end. Check again to store these credentials.", icon=":material/stop_circle:")
    elif report.only_unreachable:
        st.warning(
            "OUTSCALE was not reached from here, so the keys are neither right nor wrong.", icon=":material/cloud_off:"
        )
        if st.button("Add anyway, not reachable from here", icon=":material/cloud_off:"):
            _add(form, draft, report, accept_unreachable=True)
    else:
        st.error("Not stored. Mend what failed, then check again.", icon=":material/error:")
    show_checks(report.results, "add_credentials.results")


def _add(form: Form, draft: CredentialsDraft, report: CheckReport, *, accept_unreachable: bool = False) -> None:
    try:
        result: AddResult = add_credentials(
            actor(),
            workspace(),
            draft,
            report,
            editing=form.stored is not None,
            remove_proxy=_remove_proxy(form),
            accept_unreachable=accept_unreachable,
        )
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return
    if result.id is None:
        form.problems = result.problems
        st.rerun()
    editing = form.stored is not None
    new_form()
    st.session_state["credentials.said"] = f"{draft.name} was {'changed' if editing else 'added'}."
    st.session_state["credentials.opened"] = draft.name
    go(CREDENTIALS)


def _remove_proxy(form: Form) -> bool:
    return bool(st.session_state.get(form.key("remove_proxy"), False))


main()
