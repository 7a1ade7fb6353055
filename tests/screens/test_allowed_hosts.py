"""The section Allowed hosts of the screen Administration, and what the form of credentials says about it."""

from core.services.allowed_hosts import allow_host, list_allowed_hosts, remove_allowed_host
from core.services.credentials import list_credentials
from core.services.workspace import Workspace
from dashboard.navigation import ADD_CREDENTIALS, ADMINISTRATION
from tests.screens.conftest import fill, press, section, settled, words, write
from tests.screens.test_add_credentials import JOB, fill_row
from tests.services.conftest import ACTOR, project_row


def entries(workspace: Workspace) -> list[tuple[str, str]]:
    return [(one.entry, one.note) for one in list_allowed_hosts(ACTOR, workspace)]


def test_a_host_is_allowed_and_removed(screen, workspace: Workspace) -> None:
    app = section(screen(ADMINISTRATION), "Allowed hosts")
    assert "No host is allowed yet" in words(app)
    write(app, "Host", "Proxy.Company.example:3128")
    write(app, "Note", "the **way** out")
    press(app, "Allow")
    said = words(app)
    assert "is allowed from the next connection on" in said
    assert r"proxy.company.example\:3128" in said
    assert r"the \*\*way\*\* out" in said
    assert "No host is allowed yet" not in said
    assert entries(workspace) == [("proxy.company.example:3128", "the **way** out")]
    assert {one.label: one.value for one in app.text_input} == {"Host": "", "Note": ""}
    press(app, "Remove")
    assert "is allowed no more" in words(app)
    assert entries(workspace) == []


def test_what_cannot_be_allowed_stands_beside_its_field_and_nothing_is_lost(screen, workspace: Workspace) -> None:
    app = section(screen(ADMINISTRATION), "Allowed hosts")
    write(app, "Host", "169.254.169.254")
    write(app, "Note", "a note")
    press(app, "Allow")
    assert "metadata service" in words(app) and "never connected to" in words(app)
    assert {one.label: one.value for one in app.text_input} == {"Host": "169.254.169.254", "Note": "a note"}
    assert entries(workspace) == []
    write(app, "Host", "10.1.0.0/16")
    press(app, "Allow")
    assert "metadata service)" not in words(app)
    assert entries(workspace) == [("10.1.0.0/16", "a note")]


def test_an_entry_that_somebody_else_removed(screen, workspace: Workspace) -> None:
    allow_host(ACTOR, workspace, "proxy.example")
    app = section(screen(ADMINISTRATION), "Allowed hosts")
    remove_allowed_host(ACTOR, workspace, "proxy.example")
    press(app, "Remove")
    assert "No host is allowed yet" in words(app)


def test_the_form_of_credentials_names_the_host_beside_its_field(screen, workspace: Workspace, sandbox) -> None:
    app = screen(ADD_CREDENTIALS)
    fill(app, "Credentials name *", "demo")
    fill_row(app, project_row(sandbox.account(0)))
    fill(app, "Proxy", "https://user:p%40ss@proxy.invalid:3128")
    settled(press(app, "Add"), JOB)
    said = words(app).replace("\\", "")
    assert "The host proxy.invalid (port 3128) is not on the list of allowed hosts." in said
    assert "Ask an administrator to allow proxy.invalid" in said
    assert "p%40ss" not in said
    assert list_credentials(ACTOR, workspace) == []
