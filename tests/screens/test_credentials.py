"""The screen Credentials."""

from core.services.credentials import list_credentials, show_credentials
from core.services.workspace import Workspace
from dashboard.navigation import CREDENTIALS
from tests.screens.conftest import choose, fill, follow, press, ran, settled, words
from tests.services.conftest import ACTOR, billing, project_row, projects, stored

JOB = "credentials.check"
TABLE = "credentials.table"


def select(app, *rows: int):
    (key,) = [one.key for one in app.dataframe if one.key and one.key.startswith(TABLE)]
    app.session_state[key] = {"selection": {"rows": list(rows)}}
    return ran(app.run())


def names(app) -> list[str]:
    return list(app.dataframe[0].value["Name"])


def test_nothing_stored_says_what_to_do(screen) -> None:
    assert "Nothing is stored yet" in words(screen(CREDENTIALS))


def test_the_list_is_filtered(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), name="one"))
    stored(workspace, billing(sandbox.info, name="two"))
    app = screen(CREDENTIALS)
    assert names(app) == ["one", "two"]
    choose(app, "Kind", "Billing only")
    assert names(app) == ["two"]
    choose(app, "Kind", "All")
    fill(app, "Keyword", sandbox.account(0)["account_id"])
    assert names(app) == ["one"]
    choose(app, "State", "Error")
    assert "No credentials match" in words(app)


def test_one_is_looked_at_checked_and_switched(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = select(screen(CREDENTIALS), 0)
    assert "demo" in [one.value for one in app.header]
    assert list_credentials(ACTOR, workspace)[0].id in [one.value for one in app.code], "to be copied"
    settled(press(app, "Check again"), JOB)
    details = show_credentials(ACTOR, workspace, "demo")
    assert "credentials.checked" in {event.action for event in details.events}
    select(app, 0)
    press(app, "Disable")
    assert not list_credentials(ACTOR, workspace)[0].enabled
    select(app, 0)
    press(app, "Enable")
    assert list_credentials(ACTOR, workspace)[0].enabled


def test_it_is_edited_without_its_secret(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0), account_id="")))
    app = follow(select(screen(CREDENTIALS), 0), "Edit")
    assert app.title[0].value == "Edit demo"
    press(app, "Add a row")
    second = project_row(sandbox.account(2))
    fill(app, "Access key", second["access_key"], 1)
    fill(app, "Secret key", second["secret_key"], 1)
    choose(app, "Region", second["region"], 1)
    settled(press(app, "Save"), "add_credentials.check")
    assert len(show_credentials(ACTOR, workspace, "demo").projects) == 2


def test_delete_asks_for_the_name(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = select(screen(CREDENTIALS), 0)
    ran(next(one for one in app.button if one.label == "Delete").click().run())
    fill(app, "Type the name to delete it", "other")
    ran(app.button(key="credentials.delete.confirm").click().run())
    assert len(list_credentials(ACTOR, workspace)) == 1
    fill(app, "Type the name to delete it", "demo")
    ran(app.button(key="credentials.delete.confirm").click().run())
    assert list_credentials(ACTOR, workspace) == []
