"""The screen Home: numbers, what needs attention, and the ways on."""

from datetime import timedelta

from sqlmodel import select

from core.domain.checks import State
from core.services.workspace import Workspace
from core.store.tables import AccountRequest, Credentials, KeyIntent, SeenKey, now
from dashboard.navigation import HOME
from tests.screens.conftest import follow, press, settled, words
from tests.services.conftest import project_row, projects, stored

DAY = timedelta(days=1)
JOB = "home.read"


def put(workspace: Workspace, *rows) -> None:
    with workspace.store.writing() as session:
        for row in rows:
            session.add(row)


def key(access_key: str, **changes) -> SeenKey:
    usual = {"account_id": "123456789012", "region": "sandbox-west-1", "state": "ACTIVE"}
    return SeenKey(access_key=access_key, **usual | changes)


def test_the_first_visit_shows_three_steps(screen) -> None:
    app = screen(HOME)
    assert "Three steps" in words(app)
    assert "Needs attention" not in words(app)


def test_it_counts_and_says_that_all_is_well(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(HOME)
    numbers = {one.label: one.value for one in app.metric}
    assert (numbers["Credentials"], numbers["Accounts"], numbers["Need attention"]) == ("1", "1", "0")
    assert "Nothing needs attention" in words(app)


def test_a_key_leads_to_its_account(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account), project_row(sandbox.account(2))))
    place = {"account_id": account["account_id"], "region": account["region"]}
    put(workspace, key("EXPIRING", expires=now() + 3 * DAY, **place), key("OLD", created=now() - 400 * DAY, **place))
    app = screen(HOME)
    assert ":material/schedule: Expires soon" in words(app)
    assert words(app).index("EXPIRING") < words(app).index("OLD")
    follow(app, "Access keys")
    assert app.title[0].value == "Access keys"
    assert account["access_keys"][0]["access_key_id"] in list(app.dataframe[-1].value["Access key"])


def test_failed_credentials_are_opened(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    with workspace.store.writing() as session:
        session.exec(select(Credentials)).one().state = State.ERROR
    app = screen(HOME)
    assert "failed their last check" in words(app)
    follow(app, "Credentials")
    assert app.title[0].value == "Credentials"
    assert "demo" in [one.value for one in app.subheader]


def test_a_lost_key_is_shown_before_anything_is_stored(screen, workspace: Workspace) -> None:
    intent = KeyIntent(actor="anna", region="sandbox-west-1", account_id="", email="x@example.org")
    intent.begun = now() - timedelta(minutes=5)
    put(workspace, intent)
    app = screen(HOME)
    assert "nobody holds the secret" in words(app)
    assert "Three steps" in words(app)
    follow(app, "Access keys")
    assert app.title[0].value == "Access keys"


def test_what_people_wrote_is_no_markup(screen, workspace: Workspace) -> None:
    sent = {"kind": "new", "region": "eu-west-2", "state": "sent", "sent": now() - 9 * DAY}
    put(workspace, AccountRequest(company="**Bold** :red[x]", **sent))
    app = screen(HOME)
    assert r"\*\*Bold\*\* \:red\[x\]" in words(app)


def test_a_request_without_answer_is_opened(screen, workspace: Workspace) -> None:
    sent = {"kind": "new", "region": "eu-west-2", "state": "sent", "sent_by": "mail", "sent": now() - 9 * DAY}
    put(
        workspace,
        AccountRequest(company="Harbour", subject="For buoys", **sent),
        AccountRequest(kind="new", region="x"),
    )
    app = screen(HOME)
    follow(app, "Request account")
    assert app.title[0].value == "Request account"
    assert "For buoys" in [one.value for one in app.subheader]


def test_ten_lines_are_shown(screen, workspace: Workspace) -> None:
    put(workspace, *(key(f"KEY{number}", expires=now() - DAY) for number in range(12)))
    app = screen(HOME)
    assert len(app.page_link) == 10
    assert "And 2 more" in words(app)


def test_the_keys_are_read_on_request(screen, workspace: Workspace, sandbox) -> None:
    good, bad = sandbox.account(0), sandbox.account(2)
    stored(workspace, projects(project_row(good), project_row(bad)))
    sandbox.fault("restrict", account_id=bad["account_id"])
    app = screen(HOME)
    settled(press(app, "Read keys"), JOB)
    assert sandbox.info["special"]["expiring"]["access_key_id"] in words(app)
    assert ":material/cloud_off: Not read" in words(app) and "API access rule" in words(app)
    sandbox.clear()
    settled(press(app, "Read keys"), JOB)
    assert "Not read" not in words(app)
