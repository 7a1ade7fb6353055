"""The screen Home: numbers, what needs attention, and the ways on."""

from datetime import date, timedelta

from sqlmodel import select

from core.domain.checks import State
from core.domain.costs import months_later
from core.domain.roles import Role
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, SeenKey
from core.store.tables.accounts import AccountRequest
from core.store.tables.bills import BillObject
from core.store.tables.credentials import Credentials
from dashboard.navigation import HOME
from tests.screens.conftest import follow, press, ran, settled, words
from tests.services.conftest import billing, project_row, projects, stored
from tests.services.ledger import LAST
from tests.services.own_bucket import Bills

DAY = timedelta(days=1)
JOB = "home.read"


def put(workspace: Workspace, *rows) -> None:
    with workspace.store.writing() as session:
        for row in rows:
            session.add(row)


def key(access_key: str, **changes) -> SeenKey:
    usual = {"account_id": "123456789012", "region": "sandbox-west-1", "state": "ACTIVE"}
    return SeenKey(access_key=access_key, **usual | changes)


def steps(app) -> list[str]:
    """The titles of the cards, ticked or not, as they stand."""
    said = [one.value for one in app.markdown]
    begun = [place for place, one in enumerate(said) if one.startswith(":gray[Step") or "check_circle: Done" in one]
    return [("x " if "Done" in said[place] else "  ") + said[place + 1].split(": ")[-1].strip("*") for place in begun]


def primary(app) -> list[str]:
    return [one.label for one in app.button if one.proto.type == "primary"]


def test_someone_new_sees_three_steps_which_are_ticked_when_they_are_done(screen, workspace: Workspace) -> None:
    app = screen(HOME)
    assert [one.value for one in app.page_link] == ["Walk through all of it on the sandbox"]
    assert steps(app) == titled("Have an account", "Get an access key", "Add credentials")
    assert primary(app) == ["Request account"]
    said = words(app)
    assert "Needs attention" not in said and "At a glance" not in said and "Happened lately" not in said
    put(workspace, AccountRequest(kind="new", region="sandbox-west-1", state="granted"))
    app = ran(app.run())
    assert steps(app)[0].startswith("x ") and steps(app)[1].startswith("  ")
    assert primary(app) == ["Access keys"]
    put(workspace, key("NEW"))
    app = ran(app.run())
    assert [one[0] for one in steps(app)] == ["x", "x", " "]
    assert primary(app) == ["Add credentials"]
    ran(app.button(key="home.add_credentials").click().run())
    assert app.title[0].value == "Add credentials"


def titled(*titles: str) -> list[str]:
    return [f"  {title}" for title in titles]


def test_finance_has_steps_of_its_own(screen, as_role, workspace: Workspace, sandbox) -> None:
    as_role(Role.FINANCE)
    app = screen(HOME)
    assert [one.label for one in app.button] == ["Add credentials", "Billing buckets", "Costs"]
    stored(workspace, billing(sandbox.info))
    app = ran(app.run())
    assert [one[0] for one in steps(app)] == ["x", " ", " "]
    assert {one.label: one.value for one in app.metric} == {"Credentials": "1"}
    place = sandbox.info["billing"][0]["buckets"][0]
    place = {"region": place["region"], "bucket": place["name"]}
    put(
        workspace,
        BillObject(key="a", etag="e", size=1, modified=now(), state="read", first_day=date(2026, 1, 1), **place),
    )
    app = ran(app.run())
    assert steps(app) == [] and "Go on" in words(app)


def test_auditors_have_no_steps(screen, as_role) -> None:
    as_role(Role.AUDITOR)
    app = screen(HOME)
    assert steps(app) == []
    assert "Go on" in words(app)


def test_someone_returning_sees_figures_and_that_all_is_well(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(HOME)
    numbers = {one.label: (one.value, one.delta) for one in app.metric}
    assert numbers["Credentials"] == ("1", "all passed their last check")
    assert numbers["Accounts"][0] == "1"
    said = words(app)
    assert "Nothing needs attention" in said and "Three steps" not in said
    assert "**tester** added the credentials demo" in said, "what happened lately"
    ran(app.button(key="home.lately").click().run())
    assert app.title[0].value == "Activity"


def test_figures_say_what_failed_and_what_expires(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    with workspace.store.writing() as session:
        session.exec(select(Credentials)).one().state = State.ERROR
    expires = now() + 3 * DAY
    put(workspace, key("SOON", expires=expires))
    numbers = {one.label: (one.value, one.delta) for one in screen(HOME).metric}
    assert numbers["Credentials"] == ("1", "1 failed the last check")
    assert numbers["Keys that expire soon"] == ("1", f"next on {expires:%Y-%m-%d}")


def test_bills_and_costs_have_a_trend(screen, bills: Bills) -> None:
    before = months_later(LAST, -1)
    header = "Date,AccountId,Service,Cost,Currency\n"
    for month, cost in ((before, "80.00"), (LAST, "100.00")):
        bills.put(f"bills/{month}.csv", f"{header}{month},123456789012,compute,{cost},EUR\n".encode())
    assert bills.pull().read == 2
    numbers = {one.label: (one.value, one.delta) for one in screen(HOME).metric}
    assert numbers["Bills read"] == ("2", f"up to {LAST:%Y-%m-%d}")
    assert numbers[f"Costs of {LAST:%B %Y}"] == ("100.00 EUR", f"+25% against {before:%B}")


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
    assert "demo" in [one.value for one in app.header]


def test_a_lost_key_is_shown_before_anything_is_stored(screen, workspace: Workspace) -> None:
    intent = KeyIntent(actor="anna", region="sandbox-west-1", account_id="", email="x@example.org")
    intent.begun = now() - timedelta(minutes=5)
    put(workspace, intent)
    app = screen(HOME)
    assert "nobody holds the secret" in words(app)
    assert "Three steps" in words(app)
    assert words(app).index("Needs attention") < words(app).index("Three steps")
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
    assert "For buoys" in [one.value for one in app.header]


def test_ten_lines_are_shown(screen, workspace: Workspace) -> None:
    put(workspace, *(key(f"KEY{number}", expires=now() - DAY) for number in range(12)))
    app = screen(HOME)
    assert len([one for one in app.page_link if one.value == "Access keys"]) == 10
    assert [one.label for one in app.expander] == ["8 more"]
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
