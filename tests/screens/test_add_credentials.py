"""The screen Add credentials: both kinds, every refusal beside its field, nothing typed lost."""

from core.services.credentials import list_credentials, show_credentials
from core.services.workspace import Workspace
from dashboard.navigation import ADD_CREDENTIALS, CREDENTIALS, path
from tests.screens.conftest import choose, fill, press, ran, settled, words
from tests.services.conftest import ACTOR, project_row, projects, stored

JOB = "add_credentials.check"


def fill_row(app, row: dict, index: int = 0) -> None:
    fill(app, "Access key", row["access_key"], index)
    fill(app, "Secret key", row["secret_key"], index)
    fill(app, "Account ID", row["account_id"], index)
    choose(app, "Region", row["region"], index)


def test_project_credentials_are_checked_then_added(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill_row(app, project_row(sandbox.account(0)))
    settled(press(app, "Check"), JOB)
    assert "Nothing failed" in words(app)
    (table,) = app.table
    assert list(table.value.columns) == ["Outcome", "What was checked and found"]
    assert len(table.value) == 8
    assert list_credentials(ACTOR, workspace) == []
    settled(press(app, "Add"), JOB)
    (added,) = list_credentials(ACTOR, workspace)
    assert added.name == "demo"
    assert app.title[0].value == "Credentials"


def test_billing_credentials_are_added_in_one_click(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "bills")
    ran(app.checkbox[0].check().run())
    key = sandbox.info["billing"][0]
    fill(app, "Billing access key *", key["access_key_id"])
    fill(app, "Billing secret key *", key["secret_key"])
    for index, bucket in enumerate(key["buckets"]):
        if index:
            press(app, "Add a row")
        fill(app, "Name", bucket["name"], index)
        choose(app, "Region", bucket["region"], index)
    assert not [one for one in app.text_input if one.label == "Proxy"]
    settled(press(app, "Add"), JOB)
    details = show_credentials(ACTOR, workspace, "bills")
    assert details
    assert [bucket.name for bucket in details.buckets] == [bucket["name"] for bucket in key["buckets"]]


def test_what_is_wrong_stands_beside_its_field(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "Demo")
    assert "capital letter" in words(app)
    row = project_row(sandbox.account(0), account_id="12345678901")
    fill_row(app, row)
    fill(app, "Proxy", "http://proxy:3128")
    settled(press(app, "Add"), JOB)
    said = words(app)
    assert "11 digits" in said
    assert "must begin with https" in said
    assert "3 fields need your attention" in said
    fields = {one.label: one.value for one in app.text_input}
    assert (fields["Access key"], fields["Account ID"]) == (row["access_key"], row["account_id"])
    assert list_credentials(ACTOR, workspace) == []


def test_a_failed_check_stores_nothing_and_says_what_to_do(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill_row(app, project_row(sandbox.account(0), account_id="000000000000"))
    settled(press(app, "Add"), JOB)
    assert "Not stored. Mend what failed" in words(app)
    assert list_credentials(ACTOR, workspace) == []
    fill(app, "Account ID", "")
    settled(press(app, "Add"), JOB)
    assert list_credentials(ACTOR, workspace)[0].accounts == [sandbox.account(0)["account_id"]]


def test_unreachable_is_added_on_request_only(screen, workspace: Workspace, sandbox) -> None:
    sandbox.fault("5xx")
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill_row(app, project_row(sandbox.account(0)))
    settled(press(app, "Add"), JOB)
    assert list_credentials(ACTOR, workspace) == []
    press(app, "Add anyway, not reachable from here")
    assert list_credentials(ACTOR, workspace)[0].state.value == "unknown"


def test_a_page_change_keeps_all_but_secrets(screen, workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0))
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill_row(app, row)
    press(app, "Add a row")
    app.switch_page(str(path(CREDENTIALS))).run()
    app.switch_page(str(path(ADD_CREDENTIALS))).run()
    fields = [(one.label, one.value) for one in app.text_input]
    assert ("Credentials name *", "demo") in fields
    assert ("Access key", row["access_key"]) in fields
    assert ("Secret key", row["secret_key"]) not in fields
    assert len([label for label, _ in fields if label == "Access key"]) == 2
    assert next(one.value for one in app.selectbox if one.label == "Region") == row["region"]


def test_a_taken_name_is_said_at_once(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    assert "is taken" in words(app)


def test_rows_are_removed(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    press(app, "Add a row")
    fill(app, "Access key", "A" * 20, 0)
    fill(app, "Access key", "B" * 20, 1)
    first = next(one for one in app.button if one.label == "Remove")
    ran(first.click().run())
    assert [one.value for one in app.text_input if one.label == "Access key"] == ["B" * 20]
