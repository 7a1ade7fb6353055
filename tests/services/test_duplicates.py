"""What was delivered twice is counted once; what only looks alike is counted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from core.bills.lines import sum_of
from core.domain.bill_lines import AMOUNTS, DATES, LINE, SCALE, Field
from core.services.duplicates import left_out
from core.store.tables.bills import BillObject

MONTH = [date(2026, 10, 1) + timedelta(days=step) for step in range(31)]
TYPES = ("BoxUsage", "VolumeUsage", "SnapshotUsage", "NatGatewayUsage")
AMOUNT = pl.Decimal(38, SCALE)
Line = tuple[date, str, str, str, str]
"""Day, account, type, cost, quantity."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def deliver(folder: Path, key: str, lines: list[Line], *, at: int) -> BillObject:
    """A bill file as it stands after it was read; `at`: the hour it was delivered."""
    columns: dict[str, list[object]] = {one.value: [] for one in Field}
    for day, account, type_, cost, quantity in lines:
        told = {
            Field.DAY: day,
            Field.UNTIL: day,
            Field.ACCOUNT: account,
            Field.TYPE: type_,
            Field.COST: Decimal(cost),
            Field.QUANTITY: Decimal(quantity),
            Field.CURRENCY: "EUR",
        }
        for one in Field:
            columns[one.value].append(told.get(one, None if one in AMOUNTS else ""))
    schema = {one.value: pl.Date() if one in DATES else AMOUNT if one in AMOUNTS else pl.String() for one in Field}
    frame = pl.DataFrame(columns, schema=schema).with_row_index(LINE, 2)
    sum_of(frame.lazy()).write_parquet(folder / f"{key}.parquet")
    days = [line[0] for line in lines]
    return BillObject(
        region="r",
        bucket="b",
        key=key,
        etag=key,
        size=1,
        modified=datetime(2026, 11, 1, at, tzinfo=UTC),
        state="read",
        summary=f"{key}.parquet",
        first_day=min(days),
        last_day=max(days),
        accounts=sorted({line[1] for line in lines}),
    )


def usual(days: list[date], account: str = "1", types: tuple[str, ...] = TYPES, more: int = 0) -> list[Line]:
    return [
        (day, account, type_, f"{number + 1 + more}.{day.day:02}", f"{number + 1 + more}")
        for day in days
        for number, type_ in enumerate(types)
    ]


def out(folder: Path, *rows: BillObject) -> dict[str, list[date]]:
    """By object key the days that are left out."""
    keys = {row.id: row.key for row in rows}
    found = left_out(list(rows), folder)
    days: dict[str, list[date]] = {}
    for row in found.sort("day").iter_rows(named=True):
        days.setdefault(keys[row["id"]], []).append(row["day"])
    return days


def test_the_same_month_twice_counts_once_and_the_newer_one_counts(folder: Path) -> None:
    first = deliver(folder, "first", usual(MONTH), at=1)
    second = deliver(folder, "second", usual(MONTH), at=2)
    assert out(folder, first, second) == {"first": MONTH}


def test_a_corrected_month_replaces_the_older_one_although_some_costs_differ(folder: Path) -> None:
    first = deliver(folder, "first", usual(MONTH), at=1)
    corrected = [(*line[:3], "99", "98") if line[2] == "BoxUsage" else line for line in usual(MONTH)]
    second = deliver(folder, "second", corrected, at=2)
    assert out(folder, first, second) == {"first": MONTH}


def test_another_price_for_the_same_quantities_is_the_same_delivery(folder: Path) -> None:
    first = deliver(folder, "first", usual(MONTH), at=1)
    second = deliver(folder, "second", [(*line[:3], "7.77", line[4]) for line in usual(MONTH)], at=2)
    assert out(folder, first, second) == {"first": MONTH}


def test_a_days_file_inside_a_months_is_not_counted_twice(folder: Path) -> None:
    month = deliver(folder, "month", usual(MONTH), at=9)
    day = deliver(folder, "day", usual(MONTH[4:5]), at=1)
    assert out(folder, month, day) == {"day": MONTH[4:5]}


def test_of_a_newer_days_file_the_months_day_is_left_out(folder: Path) -> None:
    month = deliver(folder, "month", usual(MONTH), at=1)
    day = deliver(folder, "day", usual(MONTH[4:5]), at=9)
    assert out(folder, month, day) == {"month": MONTH[4:5]}


def test_a_newer_part_of_a_day_does_not_stand_for_the_whole_day(folder: Path) -> None:
    whole = deliver(folder, "whole", usual(MONTH[:1]), at=1)
    part = deliver(folder, "part", usual(MONTH[:1], types=TYPES[:2]), at=9)
    assert out(folder, whole, part) == {"part": MONTH[:1]}


def test_files_of_every_day_that_each_hold_the_month_so_far_count_once(folder: Path) -> None:
    growing = [deliver(folder, f"until-{n:02}", usual(MONTH[: n + 1]), at=n) for n in range(6)]
    days = out(folder, *growing)
    assert "until-05" not in days
    assert days == {f"until-{n:02}": MONTH[: n + 1] for n in range(5)}


def test_parts_of_one_export_are_both_counted(folder: Path) -> None:
    first = deliver(folder, "part-1", usual(MONTH), at=1)
    second = deliver(folder, "part-2", usual(MONTH, more=40), at=1)
    assert out(folder, first, second) == {}


def test_other_accounts_and_other_days_are_other_costs(folder: Path) -> None:
    rows = [
        deliver(folder, "one", usual(MONTH), at=1),
        deliver(folder, "two", usual(MONTH, account="2"), at=2),
        deliver(folder, "later", usual([date(2026, 11, 1)]), at=3),
    ]
    assert out(folder, *rows) == {}


def test_lines_that_cost_nothing_make_no_duplicate(folder: Path) -> None:
    free = [(day, "1", type_, "0", "0") for day in MONTH for type_ in TYPES]
    first = deliver(folder, "first", [*free, (MONTH[0], "1", "Other", "5", "1")], at=1)
    second = deliver(folder, "second", [*free, (MONTH[0], "1", "Other", "6", "2")], at=2)
    assert out(folder, first, second) == {}


def test_the_answer_is_found_again_when_a_file_changed(folder: Path) -> None:
    first = deliver(folder, "first", usual(MONTH), at=1)
    second = deliver(folder, "second", usual(MONTH), at=2)
    assert out(folder, first, second) == {"first": MONTH}
    changed = deliver(folder, "second", usual(MONTH, account="2"), at=3)
    changed.id, changed.etag = second.id, "new"
    assert out(folder, first, changed) == {}
