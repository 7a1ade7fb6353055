"""Project rows, checked against the sandbox and added: each bad input has its own words."""

import threading

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.domain.checks import Outcome, State
from core.services import key_intents
from core.services.access_keys import create_key
from core.services.allowed_hosts import allow_host
from core.services.credentials import list_credentials, show_credentials
from core.services.doors import close_door, open_with_password
from core.services.onboarding import add_credentials
from core.services.sealed import take
from core.services.workspace import Workspace
from core.store.tables.credentials import Credentials
from tests.services.conftest import ACTOR, checked, line, project_row, projects, special_row, stored

PASSED, WARNING, FAILED, SKIPPED = Outcome.PASSED, Outcome.WARNING, Outcome.FAILED, Outcome.SKIPPED


def test_a_good_row_is_checked_and_added(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    draft = projects(project_row(account))
    report = checked(workspace, draft)
    assert [one.check for one in report.results] == [
        "Key format",
        "API reached",
        "Clock",
        "Signature",
        "Key",
        "Account ID",
        "Rights",
        "Already onboarded",
    ]
    assert {one.outcome for one in report.results} == {PASSED}, report.results
    assert list_credentials(ACTOR, workspace) == []
    added = add_credentials(ACTOR, workspace, draft, report)
    (row,) = list_credentials(ACTOR, workspace)
    assert (row.id, row.name, row.state, row.accounts) == (added.id, "demo", State.SUCCESS, [account["account_id"]])
    details = show_credentials(ACTOR, workspace, "demo")
    assert details
    assert [event.action for event in details.events] == ["credentials.add", "credentials.check_form"]
    assert account["access_keys"][0]["secret_key"] not in details.model_dump_json()


def test_two_regions_go_together(workspace: Workspace, sandbox) -> None:
    west, east = sandbox.account(0), sandbox.account(1)
    assert west["region"] != east["region"]
    report = checked(workspace, projects(project_row(west), project_row(east)))
    assert not report.failures
    assert report.account_ids == [west["account_id"], east["account_id"]]


def test_an_empty_account_id_is_filled_in(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    draft = projects(project_row(account, account_id=""))
    report = checked(workspace, draft)
    assert line(report, "Account ID").found == f"Filled in: {account['account_id']}."
    add_credentials(ACTOR, workspace, draft, report)
    assert list_credentials(ACTOR, workspace)[0].accounts == [account["account_id"]]


def test_pasted_blanks_are_trimmed(workspace: Workspace, sandbox) -> None:
    row = {field: f" {value}\r\n" for field, value in project_row(sandbox.account(0)).items()}
    assert checked(workspace, projects(row, name=" demo ")).complete


def test_a_wrong_secret_is_named(workspace: Workspace, sandbox) -> None:
    good = project_row(sandbox.account(0))
    wrong = good["secret_key"][:-1] + ("A" if good["secret_key"][-1] != "A" else "B")
    report = checked(workspace, projects(good | {"secret_key": wrong}))
    signature = line(report, "Signature")
    assert signature.outcome is FAILED
    assert "the secret key does not belong to this access key" in signature.found
    assert line(report, "Key").outcome is SKIPPED


def test_an_unknown_key_is_named(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, projects(project_row(sandbox.account(0), access_key="A" * 20)))
    assert "knows no such active access key" in line(report, "Signature").found


def test_a_key_of_another_region_is_named(workspace: Workspace, sandbox) -> None:
    west, east = sandbox.account(0), sandbox.account(1)
    report = checked(workspace, projects(project_row(west, region=east["region"])))
    found = line(report, "Signature")
    assert found.found.startswith(f"This access key belongs to the Region {west['region']}")
    assert west["region"] in found.mend


def test_an_inactive_key_is_named(workspace: Workspace, sandbox) -> None:
    found = line(checked(workspace, projects(special_row(sandbox.info, "inactive"))), "Signature")
    assert found.outcome is FAILED
    assert "INACTIVE" in found.found


def test_an_expired_key_is_named(workspace: Workspace, sandbox) -> None:
    found = line(checked(workspace, projects(special_row(sandbox.info, "expired"))), "Signature")
    assert found.outcome is FAILED
    assert "expired" in found.found


def test_a_key_that_expires_soon_is_a_warning(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, projects(special_row(sandbox.info, "expiring")))
    assert line(report, "Key").outcome is WARNING
    assert report.complete


def test_rights_that_a_platform_misses_are_a_warning(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, projects(special_row(sandbox.info, "reporting")))
    rights = line(report, "Rights")
    assert rights.outcome is WARNING
    assert "ReadVms" in rights.found
    assert "ReadConsumptionAccount" not in rights.found
    assert line(checked(workspace, projects(special_row(sandbox.info, "platform"))), "Rights").outcome is PASSED


def test_another_accounts_id_is_named(workspace: Workspace, sandbox) -> None:
    other = sandbox.account(2)["account_id"]
    report = checked(workspace, projects(project_row(sandbox.account(0), account_id=other)))
    found = line(report, "Account ID")
    assert found.outcome is FAILED
    assert sandbox.account(0)["account_id"] in found.found
    assert other in found.found


def test_what_is_onboarded_already_is_a_warning(workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0))
    stored(workspace, projects(row))
    report = checked(workspace, projects(row, name="demo-2"))
    assert "in demo already" in line(report, "Already onboarded").found
    assert report.complete
    twice = checked(workspace, projects(row, row, name="demo-3"))
    assert "row 1" in line(twice, "Already onboarded", "Row 2").found


def test_a_refused_key_is_tried_once(workspace: Workspace, sandbox) -> None:
    good = project_row(sandbox.account(2))
    bad = good | {"secret_key": "A" * 40}
    draft = projects(*[bad | {"account_id": f"{number:012}"} for number in range(6)])
    report = checked(workspace, draft)
    tried = [one for one in report.results if one.check == "Signature" and one.outcome is FAILED]
    assert len(tried) >= 1
    again = checked(workspace, projects(good, name="after"))
    assert again.complete, again.failures


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("throttled", "too many"),
        ("5xx", "OUTSCALE"),
        ("html", "page"),
        ("cut", "connection"),
    ],
)
def test_an_api_out_of_order_is_unreachable(workspace: Workspace, sandbox, kind: str, words: str) -> None:
    sandbox.fault(kind)
    report = checked(workspace, projects(project_row(sandbox.account(0))))
    assert report.only_unreachable, report.results
    assert any(words.lower() in one.found.lower() for one in report.failures), report.failures
    draft = projects(project_row(sandbox.account(0)))
    assert add_credentials(ACTOR, workspace, draft, report).id is None
    assert add_credentials(ACTOR, workspace, draft, report, accept_unreachable=True).id
    assert list_credentials(ACTOR, workspace)[0].state is State.UNKNOWN


def test_an_access_rule_is_told_from_a_wrong_key(workspace: Workspace, sandbox) -> None:
    sandbox.fault("restrict")
    found = line(checked(workspace, projects(project_row(sandbox.account(0)))), "Signature")
    assert found.outcome is FAILED
    assert "access rule" in found.found
    assert "code 14" in found.found


def test_a_locked_account_is_named(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(2)
    sandbox.fault("lock", account_id=account["account_id"])
    found = line(checked(workspace, projects(project_row(account))), "Signature")
    assert found.outcome is FAILED
    assert "locked" in found.found


def test_a_clock_far_off_is_named(workspace: Workspace, sandbox) -> None:
    sandbox.fault("skew", seconds=3600)
    report = checked(workspace, projects(project_row(sandbox.account(0))))
    assert line(report, "Clock").outcome is FAILED
    assert "behind" in line(report, "Clock").found
    assert line(report, "Signature").outcome is SKIPPED


def test_a_proxy_that_is_down_is_named(workspace: Workspace, sandbox) -> None:
    assert allow_host(ACTOR, workspace, "proxy.invalid:3128") == []
    draft = projects(project_row(sandbox.account(0)), proxy="https://user:p@ss@proxy.invalid:3128")
    report = checked(workspace, draft)
    found = line(report, "API reached")
    assert found.outcome is FAILED
    assert found.unreachable
    assert "proxy" in found.found.lower()
    assert "p@ss" not in str(report.results)


def test_the_form_itself_is_wrong(workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0), account_id="12345678901")
    report = checked(workspace, projects(row, name="Émile", proxy="http://proxy:3128"))
    assert {problem.field for problem in report.problems} == {"name", "projects[0].account_id", "proxy"}
    assert report.results == []
    assert {problem.field for problem in checked(workspace, projects()).problems} == {"projects"}


def test_a_name_is_taken_also_in_a_race(workspace: Workspace, sandbox) -> None:
    drafts = [projects(project_row(sandbox.account(0))), projects(project_row(sandbox.account(2)))]
    reports = [checked(workspace, draft) for draft in drafts]
    results = [None, None]
    barrier = threading.Barrier(2)

    def add(index: int) -> None:
        barrier.wait()
        results[index] = add_credentials(ACTOR, workspace, drafts[index], reports[index])

    threads = [threading.Thread(target=add, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.id is not None for result in results) == [False, True]
    (problem,) = next(result.problems for result in results if result.id is None)
    assert (problem.field, "taken" in problem.what) == ("name", True)
    assert len(list_credentials(ACTOR, workspace)) == 1


def test_what_was_changed_after_its_check_is_not_stored(workspace: Workspace, sandbox) -> None:
    report = checked(workspace, projects(project_row(sandbox.account(0))))
    changed = projects(project_row(sandbox.account(2)))
    assert "changed after" in add_credentials(ACTOR, workspace, changed, report).problems[0].what


def test_a_kept_key_needs_no_secret(workspace: Workspace, sandbox) -> None:
    account = sandbox.account(2)
    opened = open_with_password(ACTOR, workspace, account["email"], SecretStr(account["password"]), account["region"])
    assert opened.door, opened.problem
    created = create_key(ACTOR, workspace, opened.door, tag="kept")
    assert created.key, created.problem
    assert created.account_id == account["account_id"]
    key_intents.take(ACTOR, workspace, created.intent, sealed=True, account_id=created.account_id)
    close_door(opened.door)
    row = {"access_key": created.key.access_key_id, "secret_key": "", "account_id": "", "region": account["region"]}
    stored(workspace, projects(row, name="kept"))


def test_secrets_open_again_as_they_were_typed(workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0))
    stored(workspace, projects(row))
    with workspace.store.reading() as session:
        kept = session.exec(select(Credentials)).one()
        draft = take(session, workspace.vault, kept)
    assert draft.projects[0].secret_key.get_secret_value() == row["secret_key"]
    assert row["secret_key"].encode() not in workspace.settings.database.read_bytes()
