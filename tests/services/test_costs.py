"""Costs out of the sandbox's own bills: sums, files, forecasts, exports, reconciliation, budgets."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from core.domain.bill_lines import NO_CURRENCY, Field
from core.domain.costs import BudgetDraft, CostQuery, months_later, next_month
from core.services import cost_export
from core.services.attention import Kind, attention
from core.services.bill_pull import pull
from core.services.budgets import cost_alerts, delete_budget, list_budgets, mail_alerts, save_budget
from core.services.cost_compare import compare
from core.services.cost_export import CostForm, as_file, export
from core.services.cost_forecast import forecast
from core.services.cost_trend import cost_trend
from core.services.costs import costs, files, lines, list_left_out, period_known, values
from core.services.fetched import drop
from core.services.reconcile import reconcile
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.conftest import Sandbox
from tests.services.conftest import ACTOR, billing, project_row, projects, stored
from tests.services.ledger import LAST, THIS, TODAY, used
from tests.services.mail_server import mail_server


@pytest.fixture(scope="module")
def read_once(session_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace that has read all of the sandbox's bills."""
    home = tmp_path_factory.mktemp("costs-home")
    home.chmod(0o700)
    (home / "sandbox.json").symlink_to(session_sandbox.settings.sandbox_file)
    opened = open_workspace(Settings(home=home, sandbox_port=session_sandbox.settings.sandbox_port))
    stored(opened, billing(session_sandbox.info))
    stored(opened, projects(project_row(session_sandbox.account(0)), project_row(session_sandbox.account(1))))
    report = pull(ACTOR, opened)
    assert not report.problems
    assert report.read > 80
    assert report.failed == report.unknown == 0
    yield opened
    opened.close()


@pytest.fixture
def ledger(read_once: Workspace, sandbox) -> Iterator[Workspace]:
    """The same; budgets that a test sets are gone after it."""
    yield read_once
    for budget in list_budgets(ACTOR, read_once):
        delete_budget(ACTOR, read_once, budget.id)


def query(since: date = LAST, until: date = THIS, **more) -> CostQuery:
    return CostQuery(since=since, until=until, **more)


def total(found: pl.DataFrame) -> Decimal:
    return sum(found["cost"], Decimal(0))


def test_the_bills_come_to_what_was_used(ledger: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    where = {Field.ACCOUNT: (account["account_id"],)}
    since = months_later(THIS, -12)
    found = costs(ACTOR, ledger, query(since, by=("service",), where=where))
    assert dict(zip(found["service"], found["cost"], strict=True)) == used(account, since, THIS)
    assert found["currency"].unique().to_list() == [NO_CURRENCY]


def test_every_split_gives_the_same_sum(ledger: Workspace) -> None:
    whole = total(costs(ACTOR, ledger, query(by=())))
    assert whole > 0
    for by in ("month", "day", "service", "account", "region", "category", "type", "operation", "resource"):
        found = costs(ACTOR, ledger, query(by=(by,)))
        assert total(found) == whole, by
        assert found[by].n_unique() == len(found)
    compared = compare(ACTOR, ledger, query(months_later(THIS, -3)), "service", "month")
    assert sum(step.cost for step in compared.steps) == sum(row.cost for row in compared.rows)
    movers = compared.movers(NO_CURRENCY)
    assert [abs(row.change) for row in movers] == sorted((abs(row.change) for row in movers), reverse=True)


def test_costs_are_traced_to_files_and_lines(ledger: Workspace, sandbox) -> None:
    asked = query(by=(), where={Field.SERVICE: ("TinaOS-FCU",)})
    shares = files(ACTOR, ledger, asked)
    assert len(shares) >= 3
    assert sum(share.cost for share in shares) == total(costs(ACTOR, ledger, asked))
    first = lines(ACTOR, ledger, asked, shares[0], 0, 10)
    rest = lines(ACTOR, ledger, asked, shares[0], 10, 1_000_000)
    assert len(first) == 10
    assert len(first) + len(rest) == shares[0].lines
    assert total(first) + total(rest) == shares[0].cost
    assert first["line"].is_sorted()
    assert set(first["service"]) == {"TinaOS-FCU"}


def test_the_running_month_is_looked_ahead(ledger: Workspace) -> None:
    (found,) = forecast(ACTOR, ledger, query(by=()))
    three = [
        total(costs(ACTOR, ledger, query(months_later(THIS, -n), months_later(THIS, 1 - n), by=()))) for n in (1, 2, 3)
    ]
    assert found.month == THIS
    assert found.cost == pytest.approx(sum(three) / 3)
    assert "mean" in found.method
    middle = LAST.replace(day=15)
    known = total(costs(ACTOR, ledger, query(LAST, middle, by=())))
    (within,) = forecast(ACTOR, ledger, query(by=()), middle)
    assert within.cost > known


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "focus"])
def test_exports_come_to_the_same(ledger: Workspace, tmp_path: Path, form: CostForm) -> None:
    asked = query(by=("account", "service"))
    wanted = total(costs(ACTOR, ledger, asked))
    path = tmp_path / f"costs.{form}"
    assert export(ACTOR, ledger, asked, form, path) is None
    if form == "parquet":
        assert total(pl.read_parquet(path)) == wanted
    elif form == "xlsx":
        header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        assert sum(row[header.index("cost")] for row in rows) == pytest.approx(float(wanted))
    else:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        column = "BilledCost" if form == "focus" else "cost"
        assert sum(Decimal(row[column]) for row in rows) == wanted
        if form == "focus":
            first = rows[0]
            assert {"ChargePeriodStart", "BillingCurrency", "ServiceName", "SubAccountId"} <= first.keys()
            begun = datetime.fromisoformat(first["ChargePeriodStart"])
            assert datetime.fromisoformat(first["ChargePeriodEnd"]) - begun == timedelta(days=1)


def test_an_export_that_fails_leaves_no_file(ledger: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    folder = ledger.settings.home / "downloads"
    monkeypatch.setattr(cost_export, "write", broken)
    with pytest.raises(RuntimeError):
        as_file(ACTOR, ledger, query(), "csv", "costs.csv")
    assert list(folder.iterdir()) == []
    monkeypatch.undo()
    saved = as_file(ACTOR, ledger, query(), "csv", "costs.csv")
    assert list(folder.iterdir()) == [saved.path]
    drop(saved)
    assert list(folder.iterdir()) == []


def test_bills_agree_with_what_outscale_tells(ledger: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    found = reconcile(ACTOR, ledger, account["account_id"], account["region"], LAST, THIS)
    assert found.problem is None
    assert found.lines
    assert {line.outcome for line in found.lines} == {"agreed"}
    assert found.billed == found.consumed == sum(used(account, LAST, THIS).values())
    assert found.currency == "EUR"
    assert any("names no currency" in note for note in found.notes)
    paid = sandbox.account(2)  # no key of its own is here: the paying account's billing key sees it
    assert {
        line.outcome for line in reconcile(ACTOR, ledger, paid["account_id"], paid["region"], LAST, THIS).lines
    } == {"agreed"}


def test_what_differs_and_what_is_missing_is_told(ledger: Workspace, sandbox) -> None:
    account = sandbox.account(0)
    half = LAST + timedelta(days=40)  # OUTSCALE tells some days of the running month, which has no bill yet
    found = reconcile(ACTOR, ledger, account["account_id"], account["region"], LAST, min(half, TODAY))
    if THIS + timedelta(days=1) < TODAY:
        assert {"differs"} <= {line.outcome for line in found.lines}
        assert found.billed < found.consumed
        assert abs(found.lines[0].difference) == max(abs(line.difference) for line in found.lines)
    backwards = reconcile(ACTOR, ledger, account["account_id"], account["region"], THIS, LAST)
    assert "ends before it begins" in str(backwards.problem)
    stranger = reconcile(ACTOR, ledger, "123456789012", account["region"], LAST, THIS)
    assert stranger.problem or not stranger.lines


def test_nothing_of_the_sandbox_is_delivered_twice(ledger: Workspace) -> None:
    assert list_left_out(ACTOR, ledger) == []
    assert len(values(ACTOR, ledger, Field.ACCOUNT)) == 4
    known = period_known(ACTOR, ledger)
    assert known
    assert (known[0], next_month(known[1].replace(day=1))) == (months_later(THIS, -24), THIS)


def test_budgets_and_their_alerts(ledger: Workspace, sandbox) -> None:
    account = sandbox.account(0)["account_id"]
    small = BudgetDraft(scope="account", name=account, currency=NO_CURRENCY, amount="10", threshold=80)
    assert save_budget(ACTOR, ledger, small) == []
    assert save_budget(ACTOR, ledger, small.model_copy(update={"amount": "12.50"})) == []
    large = BudgetDraft(scope="service", name="TinaOS-FCU", currency=NO_CURRENCY, amount="999999999")
    whole = BudgetDraft(scope="credentials", name="bills", currency=NO_CURRENCY, amount="1")
    assert save_budget(ACTOR, ledger, large) == save_budget(ACTOR, ledger, whole) == []
    shown = {one.name: one for one in list_budgets(ACTOR, ledger)}
    assert shown[account].amount == Decimal("12.50")
    assert len(shown) == 3
    alerts = cost_alerts(ACTOR, ledger)
    subjects = {alert.subject for alert in alerts if alert.kind in ("budget", "forecast")}
    assert subjects == {account, "bills"}
    assert all(NO_CURRENCY not in alert.what for alert in alerts)
    there = [line for line in attention(ACTOR, ledger) if line.kind is Kind.COST]
    assert {line.subject for line in there} >= subjects
    assert all(line.screen == "costs" for line in there)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "1,5"}, "amount"),
        ({"name": " "}, "name"),
        ({"currency": "eur"}, "currency"),
        ({"threshold": 0}, "threshold"),
    ],
)
def test_budgets_that_cannot_be(ledger: Workspace, changes: dict, field: str) -> None:
    draft = BudgetDraft.model_validate({"name": "1", "amount": "5", **changes})
    assert [problem.field for problem in save_budget(ACTOR, ledger, draft)] == [field]
    assert list_budgets(ACTOR, ledger) == []


def test_a_bill_that_did_not_arrive(ledger: Workspace) -> None:
    assert "missing" not in {alert.kind for alert in cost_alerts(ACTOR, ledger, THIS + timedelta(days=14))}
    late = months_later(THIS, 1) + timedelta(days=14)
    missing = [alert for alert in cost_alerts(ACTOR, ledger, late) if alert.kind == "missing"]
    assert {alert.subject for alert in missing} == set(values(ACTOR, ledger, Field.ACCOUNT))
    assert all(f"No bill of {THIS:%Y-%m} arrived" in alert.what for alert in missing)
    early = months_later(THIS, 1) + timedelta(days=3)
    assert "missing" not in {alert.kind for alert in cost_alerts(ACTOR, ledger, early)}


def test_alerts_are_mailed_once(ledger: Workspace, sandbox, tmp_path: Path) -> None:
    account = sandbox.account(0)["account_id"]
    save_budget(ACTOR, ledger, BudgetDraft(name=account, currency=NO_CURRENCY, amount="10"))
    assert mail_alerts(ACTOR, ledger) == (0, "")  # nobody to mail to
    with mail_server(tmp_path) as server:
        told = Settings(**server.settings(alerts_address="finance@company.example"))
        mail = {name: value for name, value in told if name.startswith("smtp_") or name == "alerts_address"}
        there = Workspace(ledger.settings.model_copy(update=mail), ledger.store, ledger.vault)
        sent, problem = mail_alerts(ACTOR, there)
        assert sent >= 1
        assert problem == ""
        assert mail_alerts(ACTOR, there) == (0, "")
    (letter,) = server.letters
    assert account in letter.get_content()
    assert letter["To"] == "finance@company.example"


def test_the_trend_goes_up_to_the_newest_month_and_expects_the_running_one(ledger: Workspace) -> None:
    (trend,) = cost_trend(ACTOR, ledger)
    by_month = costs(ACTOR, ledger, query(months_later(LAST, -11), by=("month",)))
    assert (trend.currency, trend.month, trend.expected) == (NO_CURRENCY, LAST, trend.cost)
    assert list(trend.sums) == by_month["cost"].to_list()
    assert trend.change == (trend.sums[-1] - trend.sums[-2]) / trend.sums[-2]
    day = LAST + timedelta(days=9)
    (running,) = cost_trend(ACTOR, ledger, day)
    (ahead,) = forecast(ACTOR, ledger, query(), day)
    assert (running.month, running.expected) == (LAST, ahead.cost)
    assert running.change == (ahead.cost - running.sums[-2]) / running.sums[-2]


def test_without_bills_there_is_no_trend(workspace: Workspace) -> None:
    assert cost_trend(ACTOR, workspace) == []
