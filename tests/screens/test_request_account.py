"""The screen Request account: the form, its letters, and what becomes of a request."""

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.requests import RequestDraft
from core.services.request_views import list_requests, show_request
from core.services.requests import mark_sent, save_draft
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import AccountRequest
from dashboard.navigation import ACCOUNTS, REQUEST_ACCOUNT, path
from tests.screens.conftest import choose, fill, follow, press, ran, settled_when, words, write
from tests.services.conftest import ACTOR, project_row, projects, stored

FILLED = {
    "Full name *": "Ada van Dijk",
    "Job title *": "Head of cloud",
    "Company name *": "Harbour Works",
    "Email *": "ada@company.example",
    "Phone number *": "+33 1 23 45 67 89",
    "Subject *": "A cloud account",
}
DRAFT = RequestDraft(
    region="eu-west-2",
    full_name="Ada van Dijk",
    job_title="Head of cloud",
    company="Harbour Works",
    email="ada@company.example",
    phone="+33 1 23 45 67 89",
    subject="A *cloud* account",
    description="For measurements.",
    terms_accepted=True,
)


def fill_in(app: AppTest, **other: str) -> None:
    for label, value in (FILLED | other).items():
        write(app, label, value)
    (area,) = [one for one in app.text_area if one.label == "Description *"]
    area.set_value("For measurements.")


def accept(app: AppTest) -> None:
    (box,) = [one for one in app.checkbox if one.label.startswith("I confirm")]
    box.check()


def only(workspace: Workspace):
    (request,) = list_requests(ACTOR, workspace)
    return request


def kept(workspace: Workspace, *, sent: bool = True, **changes: object):
    view = save_draft(ACTOR, workspace, DRAFT.model_copy(update=changes)).request
    assert view
    if sent:
        view = mark_sent(ACTOR, workspace, view.id).request
        assert view
    return view


def opened(screen, request) -> AppTest:
    app = screen(REQUEST_ACCOUNT)
    app.session_state["request.opened"] = request.id
    return ran(app.run())


def test_from_the_form_to_an_account_of_the_sandbox(screen, workspace: Workspace, sandbox) -> None:
    app = screen(REQUEST_ACCOUNT)
    fill_in(app, **{"Email *": f"{now():%f}@walk.example"})
    accept(app)
    choose(app, "Region wanted *", "sandbox-west-1")
    press(app, "Send")
    assert "The request was sent." in words(app)
    settled_when(app, lambda: "granted as the account" in words(app))
    request = only(workspace)
    assert (request.state, request.owner) == ("granted", workspace.settings.operator)
    assert "terms accepted" in words(app)
    account = next(one for one in sandbox.info["accounts"] if one["account_id"] == request.granted_account_id)
    assert f"{account['email']}\n{account['password']}" in [one.value for one in app.code]
    follow(app, "See access keys")
    assert [one.value for one in app.title] == ["Access keys"]
    (chosen,) = [one.value for one in app.selectbox if one.label == "Account"]
    assert account["email"] in chosen


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(screen, workspace: Workspace) -> None:
    app = screen(REQUEST_ACCOUNT)
    fill_in(app, **{"Email *": "ada@", "Phone number *": "12", "Full name *": " "})
    press(app, "Send")
    said = words(app)
    assert "4 fields need your attention" in said
    for part in ("Full name is missing", "email", "phone", "Terms and Conditions of Sale are not accepted"):
        assert part in said
    assert {one.label: one.value for one in app.text_input}["Job title *"] == "Head of cloud"
    assert only(workspace).state == "draft"
    fill_in(app)
    accept(app)
    press(app, "Send")
    assert "need your attention" not in words(app)
    assert only(workspace).state == "draft", "nobody knows yet whether the letter goes out"


def test_what_was_typed_stays_while_another_screen_is_looked_at(screen, workspace: Workspace) -> None:
    app = screen(REQUEST_ACCOUNT)
    fill(app, "Subject *", "Half written")
    app.switch_page(str(path(ACCOUNTS)))
    ran(app.run())
    app.switch_page(str(path(REQUEST_ACCOUNT)))
    ran(app.run())
    assert {one.label: one.value for one in app.text_input}["Subject *"] == "Half written"
    press(app, "Cancel")
    assert {one.label: one.value for one in app.text_input}["Subject *"] == ""
    assert list_requests(ACTOR, workspace) == []


def test_a_letter_for_ones_own_mail_program(screen, workspace: Workspace) -> None:
    app = screen(REQUEST_ACCOUNT)
    fill_in(app)
    accept(app)
    press(app, "Send")
    (letter,) = [one.value for one in app.code]
    assert letter.startswith("To: sales@outscale.com\nSubject: A cloud account\n")
    (link,) = [one.proto.url for one in app.get("link_button")]
    assert link.startswith("mailto:sales@outscale.com?subject=A%20cloud%20account")
    press(app, "I sent it")
    assert only(workspace).state == "sent"
    press(app, "Granted …")
    write(app, "Account ID *", "12")
    press(app, "Record")
    assert "12 digits" in words(app)
    write(app, "Account ID *", "123456789012")
    press(app, "Record")
    assert only(workspace).granted_account_id == "123456789012"
    follow(app, "See the account")
    assert [one.value for one in app.title] == ["Accounts"]
    assert next(one.value for one in app.header) == "123456789012"


def test_a_copy_from_an_account(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(2)
    stored(workspace, projects(project_row(account)))
    app = screen(ACCOUNTS)
    app.session_state["accounts.opened"] = (account["account_id"], account["region"])
    ran(app.run())
    follow(app, "Copy to another Region")
    assert "personal information of the account is copied" in words(app)
    assert "Not copied: resources" in words(app)
    (source,) = [one for one in app.selectbox if one.label == "Account to copy *"]
    assert source.value == (account["account_id"], account["region"])
    (region,) = [one for one in app.selectbox if one.label == "Region wanted *"]
    assert not [option for option in region.options if option.startswith(account["region"])]
    write(app, "Your full name *", "Ada van Dijk")
    write(app, "Your email *", "ada@company.example")
    choose(app, "Region wanted *", "sandbox-east-1")
    press(app, "Send")
    settled_when(app, lambda: only(workspace).state == "granted")
    copied = only(workspace)
    assert (copied.kind, copied.from_account_id, copied.region) == ("copy", account["account_id"], "sandbox-east-1")


def test_a_late_one_is_asked_again(screen, workspace: Workspace) -> None:
    request = kept(workspace)
    with workspace.store.writing() as session:
        row = session.get(AccountRequest, request.id)
        assert row
        row.sent = now() - timedelta(days=6)
    app = opened(screen, request)
    assert "No answer" in words(app)
    press(app, "Remind")
    assert any("Subject: Reminder: A *cloud* account" in one.value for one in app.code)
    press(app, "I sent it")
    assert "The reminder is recorded." in words(app)
    assert "No answer" not in words(app)
    assert only(workspace).reminded


def test_a_refusal_its_notes_and_events(screen, workspace: Workspace) -> None:
    app = opened(screen, kept(workspace))
    press(app, "Refused …")
    write(app, "Reason", "No capacity")
    press(app, "Record")
    assert "Refused" in words(app)
    (notes,) = [one for one in app.text_area if one.label == "Notes"]
    assert notes.value == "Refused: No capacity"
    notes.set_value("Asked in Paris instead")
    write(app, "Owner", "Grace")
    press(app, "Save notes")
    assert (only(workspace).owner, only(workspace).notes) == ("Grace", "Asked in Paris instead")
    assert "owner\\: Grace" in words(app)
    write(app, "Owner", "x" * 65)
    press(app, "Save notes")
    assert "64 is the most" in words(app)


def test_a_draft_is_edited_and_deleted(screen, workspace: Workspace) -> None:
    app = opened(screen, kept(workspace, sent=False))
    press(app, "Edit")
    assert {one.label: one.value for one in app.text_input}["Company name *"] == "Harbour Works"
    write(app, "Company name *", "Meadow Works")
    press(app, "Keep as draft")
    assert only(workspace).company == "Meadow Works"
    press(app, "Delete")
    press(app, "Delete the draft")
    assert list_requests(ACTOR, workspace) == []


def test_one_that_may_have_been_sent_says_so(screen, workspace: Workspace) -> None:
    request = kept(workspace, sent=False)
    with workspace.store.writing() as session:
        row = session.get(AccountRequest, request.id)
        assert row
        row.sent, row.sent_by = now(), "smtp"
    app = opened(screen, request)
    assert "It may have been sent" in words(app)
    assert "Delete" not in [one.label for one in app.button]
    press(app, "I sent it")
    assert only(workspace).state == "sent"


def test_a_change_by_somebody_else_is_said(screen, workspace: Workspace) -> None:
    request = kept(workspace, sent=False)
    app = opened(screen, request)
    press(app, "Edit")
    save_draft(ACTOR, workspace, DRAFT.model_copy(update={"company": "Their Works"}), request.id)
    write(app, "Company name *", "My Works")
    press(app, "Keep as draft")
    assert "Somebody changed this request meanwhile" in words(app)
    assert {one.label: one.value for one in app.text_input}["Company name *"] == "My Works"
    details = show_request(ACTOR, workspace, request.id)
    assert details and details.company == "Their Works"


@pytest.fixture(autouse=True)
def _clean(sandbox):
    yield
    sandbox.clear()
