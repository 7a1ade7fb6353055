"""`onboarding buckets refresh` and `export`, `onboarding bills`, `onboarding costs`: for people and for cron."""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.services.conftest import billing, stored
from tests.services.ledger import LAST, THIS, used
from tests.services.own_bucket import ODD, Bills


@pytest.fixture
def workspace(settings: Settings):
    opened = open_workspace(settings)
    yield opened
    opened.close()


def test_bills_are_pulled_and_added_up(onboarding, workspace: Workspace, sandbox, tmp_path: Path) -> None:
    bucket = sandbox.info["billing"][0]["buckets"][0]
    stored(workspace, billing(sandbox.info, buckets=[bucket]))
    before = onboarding("costs")
    assert before.returncode == 1
    assert "onboarding bills pull" in before.stdout
    pulled = onboarding("bills", "pull", "--json")
    assert pulled.returncode == 0, pulled.stderr
    report = json.loads(pulled.stdout)
    assert (report["read"], report["failed"], report["problems"]) == (72, 0, [])
    assert json.loads(onboarding("bills", "pull", "--json").stdout)["unchanged"] == 72

    account = sandbox.account(0)
    month = ("--month", f"{LAST:%Y-%m}", "--account", account["account_id"])
    rows = json.loads(onboarding("costs", *month, "--by", "service", "--json").stdout)
    assert {row["service"]: Decimal(row["cost"]) for row in rows} == used(account, LAST, THIS)
    table = onboarding("costs", "--by", "month", "--by", "account")
    assert table.returncode == 0
    assert f"{LAST:%Y-%m}" in table.stdout
    path = tmp_path / "costs.focus.csv"
    assert onboarding("costs", *month, "--export", str(path)).returncode == 0
    with path.open(newline="", encoding="utf-8") as file:
        assert sum(Decimal(row["BilledCost"]) for row in csv.DictReader(file)) == sum(
            used(account, LAST, THIS).values()
        )
    listed = json.loads(onboarding("bills", "list", "--json").stdout)
    assert len(listed) == 72
    assert json.loads(onboarding("bills", "list", "--broken", "--json").stdout) == []


def test_what_could_not_be_read_ends_with_one(onboarding, bills: Bills) -> None:
    bills.put("bills/odd/a.csv", ODD.encode())
    pulled = onboarding("bills", "pull", "--json")
    assert pulled.returncode == 1
    assert json.loads(pulled.stdout)["unknown"] >= 1
    broken = json.loads(onboarding("bills", "list", "--broken", "--json").stdout)
    assert "bills/odd/a.csv" in {one["key"] for one in broken}


def test_buckets_are_refreshed_and_exported(onboarding, bills: Bills, tmp_path: Path) -> None:
    bills.put("bills/a.csv", b"Date,Cost\n")
    (first,) = json.loads(onboarding("buckets", "refresh", "harbour", "--json").stdout)
    assert (first["state"], first["added"]) == ("complete", 0)
    bills.put("bills/b.csv", b"Date,Cost\n")
    shown = onboarding("buckets", "refresh", "harbour", bills.choice.bucket)
    assert shown.returncode == 0
    assert "complete" in shown.stdout
    path = tmp_path / "listing.csv"
    written = onboarding("buckets", "export", "harbour", bills.choice.bucket, str(path), "--prefix", "bills/")
    assert written.returncode == 0, written.stderr
    with path.open(newline="", encoding="utf-8") as file:
        assert [row["object key"] for row in csv.DictReader(file)] == ["bills/a.csv", "bills/b.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("costs", "--month", "2026-13"), "2026-13 is no month"),
        (("costs", "--by", "colour"), "colour is not known"),
        (("costs", "--month", "2026-02", "--until", "2026-01"), "before --month"),
        (("costs", "--export", "costs.pdf"), "none of .csv"),
        (("buckets", "refresh", "nobody"), "no enabled billing credentials nobody"),
        (("buckets", "export", "harbour", "b", "listing.pdf"), "neither .csv nor .xlsx"),
        (("buckets", "export", "harbour", "b", "/dev/null/x.csv"), "harbour"),
    ],
)
def test_bad_input_is_told(onboarding, arguments: tuple[str, ...], words: str) -> None:
    answer = onboarding(*arguments)
    assert answer.returncode in (1, 2)
    assert words in answer.stderr + answer.stdout
