"""Stored credentials: listed, checked again, switched, edited, deleted, exported."""

import csv
import io
import threading

from core.domain.checks import Outcome, State
from core.services.credentials import (
    check_again,
    credentials_csv,
    delete_credentials,
    list_credentials,
    set_enabled,
    show_credentials,
)
from core.services.onboarding import add_credentials
from core.services.workspace import Workspace
from tests.services.conftest import ACTOR, billing, checked, project_row, projects, stored


def test_check_again_stores_what_was_found(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    sandbox.fault("5xx")
    (report,) = check_again(ACTOR, workspace, ["demo"])
    assert report.only_unreachable
    assert show_credentials(ACTOR, workspace, "demo").state is State.UNKNOWN
    sandbox.clear()
    seen = []
    check_again(ACTOR, workspace, ["demo"], progress=lambda done, total, result: seen.append((done, total)))
    assert seen[-1] == (8, 8)
    details = show_credentials(ACTOR, workspace, "demo")
    assert details.state is State.SUCCESS
    assert {event.action for event in details.events} == {
        "credentials.check_form",
        "credentials.add",
        "credentials.check",
        "credentials.checked",
    }
    ended = [event.outcome for event in details.events if event.action == "credentials.checked"]
    assert ended == ["done", "failed"]


def test_a_stopped_check_leaves_the_state(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    stop = threading.Event()
    stop.set()
    (report,) = check_again(ACTOR, workspace, ["demo"], stop=stop)
    assert {one.outcome for one in report.results} == {Outcome.SKIPPED}
    assert show_credentials(ACTOR, workspace, "demo").state is State.SUCCESS


def test_many_are_checked_in_one_run(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), name="one"))
    stored(workspace, billing(sandbox.info, name="two"))
    reports = check_again(ACTOR, workspace, ["one", "two", "three"])
    assert [report.name for report in reports] == ["one", "two", "three"]
    assert [bool(report.problems) for report in reports] == [False, False, True]


def test_disabled_credentials_are_not_checked(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    assert set_enabled(ACTOR, workspace, ["demo"], False) == ["demo"]
    assert set_enabled(ACTOR, workspace, ["demo"], False) == []
    (report,) = check_again(ACTOR, workspace, ["demo"])
    assert report.results[0].found == "The credentials are disabled."
    assert set_enabled(ACTOR, workspace, ["demo"], True) == ["demo"]


def test_an_edit_keeps_blank_secrets(workspace: Workspace, sandbox) -> None:
    first, second = project_row(sandbox.account(0)), project_row(sandbox.account(2))
    stored(workspace, projects(first))
    draft = projects(first | {"secret_key": ""}, second)
    report = checked(workspace, draft, editing=True)
    assert report.complete, (report.problems, report.failures)
    assert add_credentials(ACTOR, workspace, draft, report, editing=True).id
    details = show_credentials(ACTOR, workspace, "demo")
    assert [row.access_key for row in details.projects] == [first["access_key"], second["access_key"]]
    (again,) = check_again(ACTOR, workspace, ["demo"])
    assert again.complete


def test_an_edit_over_a_newer_one_is_refused(workspace: Workspace, sandbox) -> None:
    first, second = project_row(sandbox.account(0)), project_row(sandbox.account(2))
    stored(workspace, projects(first))
    mine, theirs = projects(first, second), projects(second)
    my_report = checked(workspace, mine, editing=True)
    their_report = checked(workspace, theirs, editing=True)
    assert add_credentials(ACTOR, workspace, theirs, their_report, editing=True).id
    assert add_credentials(ACTOR, workspace, mine, my_report, editing=True).problems
    assert len(show_credentials(ACTOR, workspace, "demo").projects) == 1


def test_delete_asks_for_the_name(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    assert delete_credentials(ACTOR, workspace, "demo", "dem")
    assert len(list_credentials(ACTOR, workspace)) == 1
    assert delete_credentials(ACTOR, workspace, "demo", "demo") is None
    assert list_credentials(ACTOR, workspace) == []
    assert show_credentials(ACTOR, workspace, "demo") is None


def test_the_list_exports_as_csv(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account), name="-1"))
    (row,) = csv.DictReader(io.StringIO(credentials_csv(list_credentials(ACTOR, workspace))))
    assert row["name"] == "'-1"
    assert (row["state"], row["activation"], row["accounts"]) == ("success", "enabled", account["account_id"])
