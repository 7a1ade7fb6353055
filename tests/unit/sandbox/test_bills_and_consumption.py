"""The invented consumption is always the same, and bill files and API agree on it to the last digit."""

import csv
import gzip
import io
import json
import zipfile
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files as resources_of
from typing import Any

import openapi_schema_validator
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sandbox.bills import COLUMNS, Kind, bill_files
from core.sandbox.consumption import MONTHS, bill_months, catalog, entries, next_month, usage

TODAY = date(2026, 11, 23)
REGION = "sandbox-west-1"
ACCOUNTS = ["100000000001", "100000000002", "100000000003"]
PAYER = ACCOUNTS[0]
SUMMED = ("Value", "Price")


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """OUTSCALE's own description of the API, from the SDK's wheel."""
    text = resources_of("osc_sdk_python").joinpath("resources/outscale.yaml").read_text()
    loaded: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return loaded


def exact(number: Any) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(str(number))


def total(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    return {name: sum((exact(row[name]) for row in rows), Decimal()) for name in SUMMED}


def table(content: bytes, delimiter: str, comma: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(content.decode()), delimiter=delimiter))
    for row in rows:
        for name in ("Value", "UnitPrice", "Price"):
            row[name] = Decimal(row[name].replace(comma, "."))
    return rows


def parse(key: str, content: bytes) -> list[dict[str, Any]]:
    """The rows of a bill file, by the key's ending and by what its header shows, as any reader would."""
    if key.endswith(".parquet"):
        return pl.read_parquet(content).to_dicts()
    if key.endswith(".json"):
        rows: list[dict[str, Any]] = json.loads(content, parse_float=Decimal)
        return rows
    if key.endswith(".gz"):
        return table(gzip.decompress(content), ",", ".")
    if key.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (name,) = archive.namelist()
            return table(archive.read(name), ";", ",")
    return table(content, ";", ",") if content.startswith(b"AccountId;") else table(content, ",", ".")


@pytest.fixture(scope="module")
def files() -> dict[Kind, list[tuple[str, bytes]]]:
    kinds: tuple[Kind, ...] = ("csv", "columnar")
    return {kind: list(bill_files(kind, ACCOUNTS, PAYER, TODAY, REGION)) for kind in kinds}


@pytest.mark.parametrize("kind", ["csv", "columnar"])
def test_each_month_and_account_sums_to_what_the_api_answers(
    kind: Kind, files: dict[Kind, list[tuple[str, bytes]]]
) -> None:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for key, content in files[kind]:
        for row in parse(key, content):
            assert set(row) == set(COLUMNS)
            assert row["PayingAccountId"] == PAYER
            assert str(row["FromDate"])[:7] == key[:7]
            assert exact(row["Value"]) * exact(row["UnitPrice"]) == exact(row["Price"])
            found[key[:7], row["AccountId"]].append(row)
    assert len(found) == MONTHS * len(ACCOUNTS)
    for month in bill_months(TODAY):
        for account in ACCOUNTS:
            answered = entries(account, PAYER, month, next_month(month), REGION)
            assert total(found[f"{month:%Y-%m}", account]) == total(answered)


def test_all_forms_are_there_in_plausible_sizes(files: dict[Kind, list[tuple[str, bytes]]]) -> None:
    endings = {kind: {key.partition(".")[2] for key, _ in files[kind]} for kind in files}
    assert endings == {"csv": {"csv", "csv.gz", "zip"}, "columnar": {"json", "parquet"}}
    heads = {content[:10] for key, content in files["csv"] if key.endswith(".csv")}
    assert heads == {b"AccountId;", b"AccountId,"}
    for found in files.values():
        assert [key[:7] for key, _ in found][0 :: len(ACCOUNTS)] == [f"{m:%Y-%m}" for m in bill_months(TODAY)]
        assert len({key for key, _ in found}) == len(found)
        assert all(300 < len(parse(key, content)) < 5000 for key, content in found)


def test_the_same_day_gives_the_same_bytes(files: dict[Kind, list[tuple[str, bytes]]]) -> None:
    for kind, found in files.items():
        assert list(bill_files(kind, ACCOUNTS, PAYER, date(2026, 11, 1), REGION)) == found


def test_a_line_is_one_day_of_one_thing(files: dict[Kind, list[tuple[str, bytes]]]) -> None:
    for key, content in files["csv"][:4]:
        rows = parse(key, content)
        which = [tuple(row[name] for name in COLUMNS if name not in ("Value", "UnitPrice", "Price")) for row in rows]
        assert len(set(which)) == len(which)
        assert all(row["FromDate"] == row["ToDate"] for row in rows)


def test_parquet_holds_dates_and_decimals(files: dict[Kind, list[tuple[str, bytes]]]) -> None:
    key, content = next(item for item in files["columnar"] if item[0].endswith(".parquet"))
    row = parse(key, content)[0]
    assert isinstance(row["Price"], Decimal)
    assert row["FromDate"] == datetime(int(key[:4]), int(key[5:7]), 1, tzinfo=UTC)


def test_bills_end_with_last_month() -> None:
    assert bill_months(date(2026, 1, 31))[-1] == date(2025, 12, 1)
    assert bill_months(date(2026, 1, 1))[0] == date(2024, 1, 1)
    assert len(bill_months(TODAY)) == MONTHS


ACCOUNT_IDS = st.from_regex(r"[0-9]{12}", fullmatch=True)
DAYS = st.integers(0, 60)


@settings(max_examples=40)
@given(account=ACCOUNT_IDS, first=st.dates(date(2023, 1, 1), date(2029, 1, 1)), days=DAYS, more=DAYS)
def test_windows_add_up(account: str, first: date, days: int, more: int) -> None:
    start, middle, end = first, first + timedelta(days=days), first + timedelta(days=days + more)
    parts = entries(account, account, start, middle) + entries(account, account, middle, end)
    whole = entries(account, account, start, end)
    assert total(parts) == total(whole)
    assert total(entries(account, account, start, end, resources=True)) == total(whole)


def test_an_entry_has_the_form_of_the_api(spec: dict[str, Any]) -> None:
    for resources in (False, True):
        found = entries(ACCOUNTS[1], PAYER, date(2026, 10, 1), date(2026, 11, 1), REGION, resources=resources)
        for each in found:
            schema = spec["components"]["schemas"]["ConsumptionEntry"]
            openapi_schema_validator.validate(each, schema, cls=openapi_schema_validator.OAS30Validator)
            assert each["FromDate"] == "2026-10-01T00:00:00.000+0000"
            assert each["ToDate"] == "2026-10-31T00:00:00.000+0000"
            assert exact(each["Value"]) * exact(each["UnitPrice"]) == exact(each["Price"])
        names = ("Service", "Type", "Operation", "SubregionName") + (("ResourceId",) if resources else ())
        assert len({tuple(each.get(name) for name in names) for each in found}) == len(found)
    assert any("ResourceId" in each for each in found)


def test_everything_consumed_is_in_the_catalog_at_its_price(spec: dict[str, Any]) -> None:
    names = ("Category", "Service", "Operation", "Type", "Title", "SubregionName")
    listed = catalog(REGION)
    for each in listed:
        schema = spec["components"]["schemas"]["CatalogEntry"]
        openapi_schema_validator.validate(each, schema, cls=openapi_schema_validator.OAS30Validator)
    prices = {tuple(each[name] for name in names): each["UnitPrice"] for each in listed}
    for each in entries(ACCOUNTS[2], PAYER, date(2026, 1, 1), date(2026, 2, 1), REGION):
        assert prices[tuple(each[name] for name in names)] == each["UnitPrice"]


def test_accounts_differ_and_an_account_is_always_the_same() -> None:
    window = date(2026, 9, 1), date(2026, 10, 1)
    first, again, other = (total(entries(account, PAYER, *window)) for account in (PAYER, PAYER, ACCOUNTS[1]))
    assert first == again
    assert first != other


def test_an_empty_window_is_empty_and_no_day_counts_nothing() -> None:
    assert entries(PAYER, PAYER, TODAY, TODAY) == []
    assert all(each.thousandths > 0 for each in usage(PAYER, date(2026, 1, 1), date(2026, 3, 1)))
