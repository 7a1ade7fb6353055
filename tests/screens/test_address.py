"""What the address of a screen says is shown, what is changed there is said by it, and what is wrong in it is told."""

from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.services.bill_pull import pull
from core.services.requests import save_draft
from core.services.use_case import note
from core.services.workspace import Workspace
from dashboard.address import named
from dashboard.navigation import (
    ACCESS_KEYS,
    ACCOUNTS,
    ACTIVITY,
    ADD_CREDENTIALS,
    ADMINISTRATION,
    BILLING_BUCKETS,
    COSTS,
    CREDENTIALS,
    HOME,
    REQUEST_ACCOUNT,
    SCREENS,
    Screen,
    path,
)
from tests.screens.conftest import (
    APP,
    choose,
    fill,
    follow,
    pick,
    press,
    ran,
    section,
    settled,
    settled_when,
    words,
    write,
)
from tests.services.conftest import ACTOR, billing, project_row, projects, stored

BAD = ("", "\x00", "../..", "<script>x</script>", "9" * 400, "nan", "-1", "2026-13-45", "é%ff", "x" * 5_000, ".", "//")
PARTS = (
    "account activation address copy bucket days edit file folder from keyword kind least line most opened order "
    "outcome page period region rows search section service shown split state subject until what who no_such_part"
)


def wrong(app: AppTest) -> str:
    """What the screen says of its address."""
    return "\n".join(one.value for one in app.warning if one.value.startswith("The address asks")).replace("\\", "")


def test_credentials(screen, as_role, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0)), name="one"))
    stored(workspace, billing(sandbox.info))
    app = screen(CREDENTIALS, keyword="IL", kind="Billing only", opened="bills")
    assert list(app.dataframe[0].value["Name"]) == ["bills"]
    assert [one.value for one in app.header] == ["bills"]
    choose(app, "Kind", "All")
    fill(app, "Keyword", "")
    assert (app.query_params, wrong(app)) == ({"opened": "bills"}, "")
    app = screen(CREDENTIALS, kind="Purple", opened="gone", state="Success", open="one")
    assert "kind** “Purple”; **opened** “gone”; “open”." in wrong(app)
    assert list(app.dataframe[0].value["Name"]) == ["bills", "one"]
    assert "kind" in app.query_params, "a reload says it again"
    choose(app, "Kind", "Projects")
    assert (app.query_params, wrong(app)) == ({"kind": "Projects", "state": "Success"}, "")
    as_role(Role.FINANCE)
    assert "**opened** “one”" in wrong(screen(CREDENTIALS, opened="one")), "as if there were none"


def test_what_is_edited(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    app = screen(ADD_CREDENTIALS, edit="demo")
    assert app.title[0].value == "Edit demo"
    press(app, "Cancel")
    app = screen(ADD_CREDENTIALS, edit="gone")
    assert app.title[0].value == "Add credentials"
    assert "**edit** “gone”" in wrong(app)


def test_an_account(screen, as_role, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account)))
    there = named(account["account_id"], account["region"])
    app = screen(ACCOUNTS, account=there, search="nobody")
    assert account["account_id"] in [one.value for one in app.header], "though the search leaves it out"
    fill(app, "Search", "")
    assert app.query_params == {"account": there}
    for other in (named(account["account_id"], "eu-west-2"), account["account_id"], ".", there + "."):
        assert "**account**" in wrong(screen(ACCOUNTS, account=other))
        assert "**account**" in wrong(screen(ACCESS_KEYS, account=other))
    app = screen(ACCESS_KEYS, account=there)
    assert account["access_keys"][0]["access_key_id"] in list(app.dataframe[-1].value["Access key"])
    demo = sandbox.account(2)
    app = screen(ACCESS_KEYS, account=named(demo["account_id"], demo["region"]))
    write(app, "Current password", demo["password"])
    press(app, "Confirm")
    assert app.query_params == {"account": named(demo["account_id"], demo["region"])}
    as_role(Role.FINANCE)
    app = AppTest.from_file(str(APP), default_timeout=30)
    app.switch_page(str(path(ACCOUNTS)))
    app.query_params = {"account": there}
    said = words(ran(app.run()))
    assert "The screen **Accounts** is not for your role, finance." in said
    assert account["account_id"] not in said


def test_the_keys_of_an_account(screen, workspace: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    stored(workspace, projects(project_row(account)))
    there = named(account["account_id"], account["region"])
    key = account["access_keys"][0]["access_key_id"]
    app = screen(ACCESS_KEYS, account=there, search=key[-6:].lower(), state="INACTIVE")
    assert "No key matches the search." in words(app)
    choose(app, "State", "All")
    assert app.query_params == {"account": there, "search": key[-6:].lower()}
    assert list(app.dataframe[-1].value["Access key"]) == [key]
    app = screen(ACCESS_KEYS, account=there, user="nobody.known")
    assert "no such EIM user" in words(app)
    assert next(one.value for one in app.selectbox if one.label == "Keys of") == "nobody.known"
    assert wrong(app) == ""
    assert "**state** “Old”" in wrong(screen(ACCESS_KEYS, account=there, state="Old"))


def test_a_request(screen, workspace: Workspace) -> None:
    draft = RequestDraft(region="eu-west-2", company="Harbour", subject="For buoys")
    request = save_draft(ACTOR, workspace, draft).request
    assert request
    app = screen(REQUEST_ACCOUNT, opened=request.id)
    assert "For buoys" in [one.value for one in app.header]
    assert "**opened** “other”" in wrong(screen(REQUEST_ACCOUNT, opened="other"))
    assert "**copy** “x”" in wrong(screen(REQUEST_ACCOUNT, copy="x"))


def test_a_bucket(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    bucket = sandbox.info["billing"][0]["buckets"][0]
    there = named(bucket["name"], bucket["region"])

    def shown(**says: str) -> AppTest:
        app = screen(BILLING_BUCKETS, bucket=there, **says)
        return settled_when(app, lambda: any(str(one.key).startswith("buckets.table.") for one in app.dataframe))

    app = shown(search="2025", order="Largest first", rows="50", kind="Packed", least="0", until="2999-12-31")
    (table,) = [one.value for one in app.dataframe if "Kind" in one.value]
    assert all("." in name and "2025" in name for name in table["Name"])
    assert list(table["Size"]) == sorted(table["Size"], reverse=True)
    press(app, "Look for everything") if "Nothing matches" in words(app) else fill(app, "Search", "")
    assert "search" not in app.query_params
    assert app.query_params["kind"] == "Packed"
    app = shown(page="99", file="gone.csv", rows="51")
    assert "Page 99" not in words(app)
    assert "**rows** “51”" in wrong(app)
    assert "That file is not in the bucket any more" in words(shown(file="gone.csv"))
    app = screen(BILLING_BUCKETS, bucket="no-such-bucket.eu-west-2")
    settled_when(app, lambda: "**bucket** “no-such-bucket.eu-west-2”" in wrong(app))
    assert bucket["name"] in list(app.dataframe[0].value["Bucket"])


def test_a_bucket_of_a_project_key_is_looked_for(screen, own) -> None:
    there = named(own.choice.bucket, own.choice.region)
    own.put("a/b.csv", b"Date,Cost\n2026-01-01,1\n")
    app = screen(BILLING_BUCKETS, bucket=there, folder="a/", file="a/b.csv")
    settled_when(app, lambda: "All 1 rows" in words(app))
    assert wrong(app) == ""
    assert app.query_params == {"bucket": there, "folder": "a/", "file": "a/b.csv"}


def test_costs(screen, bills) -> None:
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    bills.put("bills/e.csv", f"Date,Service,Account,Cost\n{last},VM,1,10.50\n{last},Disk,2,2.25\n".encode())
    pull(ACTOR, bills.workspace)
    app = screen(COSTS, period="Other", days=[str(last), str(last)], split="account", service="VM", line=["1", "XXX"])
    assert [one.value for one in app.metric if one.label == "Cost"] == ["10.50"]
    assert "Where 1 comes from" in [one.value for one in app.header]
    app.multiselect(key="costs.service").set_value([])
    ran(app.run())
    assert [one.value for one in app.metric if one.label == "Cost"] == ["12.75"]
    choose(app, "Split by", "service")
    assert app.query_params == {"period": "Other", "days": [str(last), str(last)]}, "another split has other lines"
    app = screen(COSTS, period="Never", days=["2026-02-01", "2026-01-01"], service="Gold", line="1", split="x")
    for name in ("period", "days", "service", "line", "split"):
        assert f"**{name}**" in wrong(app)
    assert [one.value for one in app.metric if one.label == "Cost"] == ["12.75"]
    for name, count in (("many", 450), ("more", 250)):
        lake = "".join(f"{last},Lake {name},3,{number}.00\n" for number in range(count))
        bills.put(f"bills/{name}.csv", f"Date,Service,Account,Cost\n{lake}".encode())
    pull(ACTOR, bills.workspace)
    lake = {"split": "account", "line": ["3", "XXX"]}
    key = f"{bills.choice.region}/{bills.choice.bucket}/bills/many.csv"
    app = screen(COSTS, **lake, file=key, page="2")
    assert sorted(app.dataframe[-1].value["cost"].astype(float)) == [float(number) for number in range(200, 400)]
    app.number_input[0].set_value(3)
    ran(app.run())
    assert app.query_params["page"] == "3"
    table = next(one for one in app.dataframe if "File" in one.value)
    pick(app, str(table.key), list(table.value["File"]).index("bills/more.csv"))
    assert (app.number_input[0].value, "page" in app.query_params) == (1, False), "another file begins"
    app = screen(COSTS, **lake, file=key, page="99")
    assert (app.number_input[0].value, app.query_params["page"]) == (3, "3"), "the last there is"
    assert "Nothing is told of “Gold”" in words(screen(COSTS, line=["Gold", "XXX"]))
    key = f"{bills.choice.region}/{bills.choice.bucket}/bills/e.csv"
    app = screen(COSTS, view="Files", file=key)
    assert "e.csv" in [one.value for one in app.header]
    app.session_state["costs.view"] = "Budgets"
    assert ran(app.run()).query_params == {"view": "Budgets"}
    assert "is not among these files" in words(screen(COSTS, view="Files", file="a/b/c"))
    app = screen(COSTS, view="Reconcile", account="2", month="1999-01", region="sandbox-west-1")
    assert app.selectbox(key="costs.reconcile.account").value == "2"
    assert "**month** “1999-01”. It" in wrong(app)
    assert "**view** “Gold”" in wrong(screen(COSTS, view="Gold"))


def test_the_activity(screen, workspace: Workspace) -> None:
    for number in range(250):
        note(ACTOR, workspace, "credentials.checked", f"demo {number}")
    app = screen(ACTIVITY, who="tester", what="credentials.checked", outcome=["done", "refused"], page="2")
    assert app.number_input[0].value == 2
    assert f"demo {249 - len(app.dataframe[0].value)}" not in list(app.dataframe[0].value["Subject"])[1:]
    fill(app, "Subject", "demo 24")
    assert app.query_params == {
        "who": "tester", "what": "credentials.checked", "outcome": ["done", "refused"], "subject": "demo 24",
    }  # fmt: skip
    app = screen(ACTIVITY, what="x", outcome=["done", "x"], page="0", days="yesterday")
    for name in ("what", "outcome", "page", "days"):
        assert f"**{name}**" in wrong(app)
    assert len(app.dataframe[0].value)
    assert screen(ACTIVITY, page="9999").number_input[0].value < 9


def test_a_section_of_the_administration(screen) -> None:
    app = screen(ADMINISTRATION, section="Rights")
    assert "Who may do what" in [one.value for one in app.header]
    assert section(app, "Policy").query_params == {}
    assert "**section** “Wrongs”" in wrong(screen(ADMINISTRATION, section="Wrongs"))


def test_ways_lead_by_address_and_other_screens_do_not_have_it(screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    assert wrong(screen(HOME, opened="x")) == "", "a screen without a state has nothing to say of it"
    app = screen(CREDENTIALS, opened="demo")
    assert app.query_params == {"opened": "demo"}
    app = follow(app, "Edit")
    assert app.query_params == {"edit": "demo"}


@pytest.mark.parametrize("at", SCREENS, ids=lambda one: one.file)
def test_no_address_breaks_a_screen(screen, at: Screen, workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    stored(workspace, billing(sandbox.info))
    for bad in BAD:
        app = screen(at, **dict.fromkeys(PARTS.split(), bad), view="Files" if len(bad) == 1 else bad)
        assert not app.error, bad


def test_an_address_of_costs_waits_until_the_bills_are_read(screen, bills) -> None:
    last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
    bills.put("bills/e.csv", f"Date,Service,Cost\n{last},VM,10.50\n".encode())
    app = screen(COSTS, split="month", period="3 months")
    assert "No bill was read yet" in words(app)
    settled(press(app, "Read bills"), "costs.pull", 60)
    assert app.query_params == {"split": "month", "period": "3 months"}
    assert app.selectbox(key="costs.split").value == "month"
