"""The screen Costs."""

import json
from datetime import date
from decimal import Decimal

from streamlit.testing.v1 import AppTest

from core.domain.bill_lines import NO_CURRENCY
from core.services.budgets import list_budgets
from core.services.workspace import Workspace
from dashboard.navigation import COSTS, HOME, path
from tests.bills.figures import Corpus, Figure
from tests.screens.conftest import choose, follow, pick, press, ran, settled, settled_when, words, write
from tests.services.conftest import ACTOR
from tests.services.ledger import LAST
from tests.services.own_bucket import ODD, Bills


def figures(month: date, seed: int = 0) -> list[Figure]:
    """A bill of a month."""
    corpus = Corpus()
    corpus.random.seed(seed)
    told = corpus.figures(20)
    for one in told:
        one.day = month.replace(day=one.day.day)
    return told


def plain(text: str) -> str:
    """What a screen says, without the signs of Markdown."""
    return text.replace("\\", "")


def read(screen, bills: Bills) -> AppTest:
    """The screen, once the bills were read."""
    app = screen(COSTS)
    press(app, "Read bills")
    return settled(app, "costs.pull", 60)


def view(app: AppTest, name: str) -> AppTest:
    """Another view of the screen."""
    app.session_state["costs.view"] = name
    return ran(app.run())


def table(app: AppTest, alt: str):
    return next(one for one in app.dataframe if alt in one.value.columns)


def test_without_credentials_there_is_a_way(screen, workspace: Workspace) -> None:
    app = screen(COSTS)
    assert "No enabled billing credentials" in words(app)
    assert [one.label for one in app.button if one.proto.type == "primary"] == ["Add credentials"]
    (read,) = [one for one in app.button if one.label == "Read bills"]
    assert read.disabled and "No bill was read yet" not in words(app)


def test_from_sums_to_the_lines_of_a_file(screen, bills: Bills) -> None:
    told = figures(LAST)
    total = bills.bill("bills/a.csv", told)
    app = read(screen, bills)
    assert "Bill files: 1 read" in words(app)
    assert [one.value for one in app.metric if one.label == "Cost"] == [f"{total:,.2f}"]
    sums = table(app, "Service")
    columns = json.loads(sums.proto.columns)
    forms = {name: columns[name]["type_config"]["format"] for name in ("Cost", "Before", "Change")}
    assert forms == {"Cost": "%,.2f", "Before": "%,.2f", "Change": "%+,.2f"}
    by_service = {one: sum(f.cost for f in told if f.service[1] == one) for one in sums.value["Service"]}
    assert [Decimal(str(round(cost, 2))) for cost in sums.value["Cost"]] == list(by_service.values())
    pick(app, "costs.table.", 0)
    assert "Where TinaOS" in plain(words(app))
    pick(app, "costs.files.", 0)
    lines = app.dataframe[-1].value
    assert set(lines["service"]) == {sums.value["Service"].iloc[0]}
    assert "bills/a.csv" in plain(words(app))
    choose(app, "Split by", "account")
    assert set(table(app, "Account").value["Account"]) == {"126234412779", "141677846174"}


def test_a_file_delivered_twice_is_counted_once(screen, bills: Bills) -> None:
    told = figures(LAST)
    total = bills.bill("bills/a.csv", told)
    bills.bill("bills/b.csv", told)
    app = read(screen, bills)
    assert [one.value for one in app.metric if one.label == "Cost"] == [f"{total:,.2f}"]
    assert any("delivered twice" in one.label for one in app.expander)


def test_currencies_stand_side_by_side(screen, bills: Bills) -> None:
    bills.put("bills/e.csv", f"Date,Service,Cost,Currency\n{LAST},VM,10.50,EUR\n{LAST},VM,2.25,USD\n".encode())
    app = read(screen, bills)
    assert [one.value for one in app.metric if one.label == "Cost"] == ["10.50 EUR", "2.25 USD"]


def test_files_that_are_not_understood_are_led_to_their_mapping(screen, bills: Bills) -> None:
    bills.put("bills/odd/a.csv", ODD.encode())
    bills.bill("bills/a.csv", figures(LAST))
    app = read(screen, bills)
    assert "with columns that are not understood" in words(app)
    view(app, "Files")
    files = table(app, "File").value
    row = list(files["File"]).index("bills/odd/a.csv")
    pick(app, "costs.bills.", row)
    follow(app, "Look into it and map its columns")
    assert "Billing buckets" in words(app)
    assert app.query_params["file"] == app.session_state["buckets.place"].key == "bills/odd/a.csv"


def test_bills_are_held_against_outscale(screen, bills: Bills, sandbox) -> None:
    told = figures(LAST)
    for one in told:
        one.account = sandbox.account(0)["account_id"]
    bills.bill("bills/a.csv", told)
    app = view(read(screen, bills), "Reconcile")
    choose(app, "Month", f"{LAST:%Y-%m}")
    settled(press(app, "Reconcile"), "costs.reconciling")
    assert "only in the bill" in words(app)
    assert "only at OUTSCALE" in words(app)
    lines = table(app, "Outcome").value
    assert set(lines["Outcome"]) <= {"only in the bill", "only at OUTSCALE", "differs"}


def test_a_budget_is_set_seen_at_home_and_deleted(screen, bills: Bills) -> None:
    bills.bill("bills/a.csv", figures(LAST))
    app = view(read(screen, bills), "Budgets")
    assert "No budget yet" in words(app)
    write(app, "Amount a month", "ten")
    press(app, "Set")
    assert "It is not said on what." in plain(words(app))
    assert "Type it like 1500" in plain(words(app))
    assert [one.value for one in app.text_input if one.label == "Amount a month"] == ["ten"]
    (which,) = [one for one in app.selectbox if one.label == "Which"]
    which.set_value("126234412779")
    (currency,) = [one for one in app.selectbox if one.label == "Currency"]
    currency.set_value(NO_CURRENCY)
    write(app, "Amount a month", "10")
    press(app, "Set")
    (budget,) = list_budgets(ACTOR, bills.workspace)
    assert (budget.name, budget.amount) == ("126234412779", Decimal(10))
    app.switch_page(str(path(HOME)))
    ran(app.run())
    assert "126234412779" in words(app)
    assert "which is over 100 % of the budget" in plain(words(app))
    app.switch_page(str(path(COSTS)))
    ran(app.run())
    view(app, "Budgets")
    press(app, "Delete the budget")
    assert list_budgets(ACTOR, bills.workspace) == []


def test_reading_can_be_stopped(screen, bills: Bills) -> None:
    for number in range(30):
        bills.bill(f"bills/{number:02}.csv", figures(LAST, number))
    app = screen(COSTS)
    press(app, "Read bills")
    settled_when(app, lambda: any(one.label == "Stop" for one in app.button))
    press(app, "Stop")
    settled(app, "costs.pull", 60)
    assert "Stopped." in words(app)
    press(app, "Read bills")
    settled(app, "costs.pull", 60)
    assert "Stopped." not in words(app)
