"""A request from the draft to the answer, step by step, by a person's own mail."""

from datetime import timedelta
from urllib.parse import unquote

from core.domain.actor import Actor
from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.services.accounts import show_account
from core.services.policy import policy_of
from core.services.request_answers import grant, refuse
from core.services.request_views import RequestView, list_requests, show_request, waiting
from core.services.requests import Outcome, annotate, delete_draft, mark_sent, remind, save_draft, send
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import AccountRequest
from tests.services.account_requests.forms import copy_form, events, form, saved, view
from tests.services.conftest import ACTOR

OTHER = Actor(name="other", via="test", role=Role.ADMINISTRATOR)
ACCOUNT = "123456789012"


def sent(workspace: Workspace, **changes: object) -> RequestView:
    return view(mark_sent(ACTOR, workspace, saved(workspace, **changes).id))


def backdated(workspace: Workspace, request_id: str, days: float) -> None:
    with workspace.store.writing() as session:
        row = session.get(AccountRequest, request_id)
        assert row
        row.sent = now() - timedelta(days=days)


def test_a_draft_is_kept_unfinished_changed_and_deleted(workspace: Workspace) -> None:
    draft = view(save_draft(ACTOR, workspace, RequestDraft(company="Harbour Works")))
    assert (draft.state, draft.owner, draft.sent) == ("draft", ACTOR.name, None)
    again = view(save_draft(ACTOR, workspace, form(), draft.id, seen=draft.modified))
    assert again.draft == form()
    assert again.terms_accepted
    kept = view(save_draft(ACTOR, workspace, form(subject="Another"), draft.id))
    assert kept.terms_accepted == again.terms_accepted, "the moment of acceptance stays"
    assert view(save_draft(ACTOR, workspace, form(terms_accepted=False), draft.id)).terms_accepted is None
    assert [one.id for one in list_requests(ACTOR, workspace)] == [draft.id]
    assert delete_draft(ACTOR, workspace, draft.id) is None
    assert list_requests(ACTOR, workspace) == []
    assert show_request(ACTOR, workspace, draft.id) is None
    assert events(workspace, draft.id) == ["request.draft", *["request.edit"] * 3, "request.delete"]


def test_bad_input_keeps_it_from_being_sent_but_not_from_being_kept(workspace: Workspace) -> None:
    draft = saved(workspace, phone="12", terms_accepted=False)
    assert {problem.field for problem in send(ACTOR, workspace, draft.id).problems} == {"phone", "terms_accepted"}
    assert {problem.field for problem in mark_sent(ACTOR, workspace, draft.id).problems} == {"phone", "terms_accepted"}
    endless = save_draft(ACTOR, workspace, form(subject="x" * 201))
    assert [problem.field for problem in endless.problems] == ["subject"]
    assert [one.state for one in list_requests(ACTOR, workspace)] == ["draft"]


def test_without_a_mail_server_the_letter_is_ready_for_ones_own(workspace: Workspace) -> None:
    draft = saved(workspace)
    outcome = send(ACTOR, workspace, draft.id)
    assert outcome.mail
    assert outcome.mail.to == "sales@outscale.com"
    assert "Ada van Dijk" in unquote(outcome.mail.link)
    assert view(outcome).state == "draft", "nobody knows yet whether the person sends it"
    details = show_request(ACTOR, workspace, draft.id)
    assert details and details.mail == outcome.mail
    done = view(mark_sent(ACTOR, workspace, draft.id))
    assert (done.state, done.sent_by) == ("sent", "mail")
    assert events(workspace, draft.id) == ["request.draft", "request.send", "request.sent"]


def test_a_copy_goes_to_support(workspace: Workspace, sandbox) -> None:
    copy = view(save_draft(ACTOR, workspace, copy_form(sandbox.account(0), "eu-west-2")))
    outcome = send(ACTOR, workspace, copy.id)
    assert outcome.mail and outcome.mail.to == "support@outscale.com"
    assert sandbox.account(0)["account_id"] in outcome.mail.body


def test_a_granted_request_becomes_an_account(workspace: Workspace) -> None:
    request = sent(workspace)
    for wrong in ("", "12", "12345678901x"):
        (problem,) = grant(ACTOR, workspace, request.id, wrong, "eu-west-2").problems
        assert problem.field == "account_id"
    assert grant(ACTOR, workspace, request.id, ACCOUNT, "mars-1").problems[0].field == "region"
    granted = view(grant(ACTOR, workspace, request.id, f" {ACCOUNT} ", "us-east-2"))
    assert (granted.state, granted.granted_account_id, granted.region) == ("granted", ACCOUNT, "us-east-2")
    assert granted.answered
    account = show_account(ACTOR, workspace, ACCOUNT, "us-east-2")
    assert account
    assert (account.email, account.company, account.source, account.owner) == (
        "ada@company.example",
        "Harbour Works",
        "request",
        ACTOR.name,
    )
    assert "request.granted" in [event.action for event in account.events]


def test_a_copy_does_not_sign_in_with_the_email_of_who_asked(workspace: Workspace) -> None:
    view(grant(ACTOR, workspace, sent(workspace, email="root@company.example").id, ACCOUNT, "eu-west-2"))
    copy = copy_form({"account_id": ACCOUNT, "region": "eu-west-2"}, "us-east-2")
    request = view(mark_sent(ACTOR, workspace, view(save_draft(ACTOR, workspace, copy)).id))
    view(grant(ACTOR, workspace, request.id, "210987654321", "us-east-2"))
    account = show_account(ACTOR, workspace, "210987654321", "us-east-2")
    assert account and account.email == "root@company.example"


def test_a_refused_request_has_its_reason(workspace: Workspace) -> None:
    refused = view(refuse(ACTOR, workspace, sent(workspace).id, "No capacity"))
    assert (refused.state, refused.notes) == ("refused", "Refused: No capacity")


def test_forbidden_steps_are_refused(workspace: Workspace) -> None:
    draft = saved(workspace)
    steps = {
        "grant": lambda one: grant(ACTOR, workspace, one, ACCOUNT, "eu-west-2"),
        "refuse": lambda one: refuse(ACTOR, workspace, one),
        "remind": lambda one: remind(ACTOR, workspace, one),
        "send": lambda one: send(ACTOR, workspace, one),
        "mark_sent": lambda one: mark_sent(ACTOR, workspace, one),
        "save": lambda one: save_draft(ACTOR, workspace, form(), one),
        "delete": lambda one: Outcome(problems=[problem] if (problem := delete_draft(ACTOR, workspace, one)) else []),
    }
    for_drafts = {"send", "mark_sent", "save", "delete"}

    def forbidden(request_id: str, names: set[str]) -> None:
        for name in names:
            (problem,) = steps[name](request_id).problems
            assert problem.field == "state", name
            assert problem.what and problem.mend

    forbidden(draft.id, set(steps) - for_drafts)
    view(mark_sent(ACTOR, workspace, draft.id))
    forbidden(draft.id, for_drafts)
    view(refuse(ACTOR, workspace, draft.id))
    forbidden(draft.id, set(steps))
    for step in steps.values():
        assert step("no-such-id").problems[0].field == "id"


def test_two_people_at_once(workspace: Workspace) -> None:
    draft = saved(workspace)
    view(save_draft(OTHER, workspace, form(subject="Changed by the other"), draft.id, seen=draft.modified))
    for late in (
        save_draft(ACTOR, workspace, form(), draft.id, seen=draft.modified),
        send(ACTOR, workspace, draft.id, seen=draft.modified),
        mark_sent(ACTOR, workspace, draft.id, seen=draft.modified),
        annotate(ACTOR, workspace, draft.id, owner="me", notes="", seen=draft.modified),
    ):
        assert "meanwhile" in late.problems[0].what
    view(mark_sent(OTHER, workspace, draft.id))
    view(grant(OTHER, workspace, draft.id, ACCOUNT, "eu-west-2"))
    assert "It was granted." in refuse(ACTOR, workspace, draft.id).problems[0].what
    details = show_request(ACTOR, workspace, draft.id)
    assert details and (details.state, details.subject) == ("granted", "Changed by the other")


def test_the_same_request_does_not_wait_twice(workspace: Workspace) -> None:
    first = sent(workspace)
    second = saved(workspace)
    assert "waits for the answer" in send(ACTOR, workspace, second.id).problems[0].what
    view(refuse(ACTOR, workspace, first.id))
    assert send(ACTOR, workspace, second.id).mail


def test_owner_and_notes(workspace: Workspace) -> None:
    request = sent(workspace)
    changed = view(annotate(OTHER, workspace, request.id, owner=" Grace ", notes="Called them.", seen=request.modified))
    assert (changed.owner, changed.notes) == ("Grace", "Called them.")
    long = annotate(ACTOR, workspace, request.id, owner="x" * 65, notes="x" * 4001)
    assert [problem.field for problem in long.problems] == ["owner", "notes"]


def test_requests_without_answer_wait_until_they_are_reminded(workspace: Workspace) -> None:
    with workspace.store.writing() as session:
        policy = policy_of(session)
        policy.remind_days = 3
        session.add(policy)
    request, young = sent(workspace), sent(workspace, email="young@company.example")
    saved(workspace, email="draft@company.example")
    backdated(workspace, request.id, 3.1)
    backdated(workspace, young.id, 2.9)
    assert [one.id for one in waiting(ACTOR, workspace)] == [request.id]
    reminded = remind(ACTOR, workspace, request.id)
    assert reminded.mail and reminded.mail.subject.startswith("Reminder: ")
    assert view(reminded).reminded
    assert waiting(ACTOR, workspace) == []
