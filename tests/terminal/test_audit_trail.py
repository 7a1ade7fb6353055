"""`onboarding audit`."""

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.settings import Settings


def by_hand(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.database)) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def four(onboarding, settings: Settings) -> None:
    """A trail of four lines."""
    for days in ("100", "101", "102"):
        assert onboarding("policy", "set", "--old-days", days).returncode == 0


def test_a_whole_trail_is_0_and_one_that_is_not_names_its_lines_and_is_1(four, onboarding, settings: Settings) -> None:
    whole = onboarding("audit", "verify")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.startswith("The trail is whole: 4 lines, chained since ")
    by_hand(settings, "UPDATE event SET details = '{}' WHERE id = 2")
    by_hand(settings, "DELETE FROM event WHERE id = 4")
    broken = onboarding("audit", "verify")
    assert broken.returncode == 1
    assert broken.stdout.splitlines() == [
        "altered: Line 2 was altered, or was not written by this program.",
        "missing: Line 4 was removed.",
        "The trail is not whole: 4 lines checked, 2 faults.",
    ]
    told = onboarding("audit", "verify", "--json")
    assert told.returncode == 1
    answer = json.loads(told.stdout)
    assert (answer["whole"], answer["lines"], answer["earlier"], answer["more"]) == (False, 5, 0, 0)
    assert [(one["id"], one["kind"]) for one in answer["faults"]] == [(2, "altered"), (5, "missing")]


def test_it_is_listed(four, onboarding) -> None:
    said = onboarding("audit", "list")
    assert said.returncode == 0, said.stderr
    assert "old_days: 101 to 102" in said.stdout and "4 events." in said.stdout
    answer = json.loads(onboarding("audit", "list", "--action", "policy.", "--json").stdout)
    assert answer["total"] == 3
    assert answer["lines"][0]["details"] == {"old_days": "101 to 102"}
    assert [line["id"] for line in answer["lines"]] == [4, 3, 2]
    assert json.loads(onboarding("audit", "list", "--since", "2100-01-01", "--json").stdout)["total"] == 0
    assert onboarding("audit", "list", "--outcome", "maybe").returncode == 2
    assert onboarding("audit", "list", "--since", "yesterday").returncode == 2


def test_it_is_exported(four, onboarding, tmp_path: Path) -> None:
    table, lines = tmp_path / "trail.csv", tmp_path / "trail.jsonl"
    done = onboarding("audit", "export", str(table), "--action", "policy.set", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"file": str(table), "form": "csv"}
    assert [row["id"] for row in csv.DictReader(table.open(newline=""))] == ["2", "3", "4"]
    assert onboarding("audit", "export", str(lines)).returncode == 0
    assert [json.loads(line)["action"] for line in lines.read_text().splitlines()][-2:] == ["audit.export"] * 2
    again = onboarding("audit", "export", str(table))
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    other = onboarding("audit", "export", str(tmp_path / "trail.xlsx"))
    assert (other.returncode, "neither .csv nor .jsonl" in other.stderr) == (2, True)
    nowhere = onboarding("audit", "export", str(tmp_path / "nowhere" / "trail.csv"))
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (2, True)
