"""The bill files of the sandbox's billing buckets: the consumption of each account and month, day by day.

OUTSCALE publishes no format of bill files, so these are ConsumptionEntry columns in the forms that people meet: CSV of
both habits, packed or not, JSON and Parquet. The same day gives the same bytes, so that a bucket is filled once."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from core.sandbox.consumption import Usage, bill_months, entry, figures, next_month, usage

COLUMNS = (
    "AccountId",
    "PayingAccountId",
    "Category",
    "Service",
    "Operation",
    "Type",
    "Title",
    "SubregionName",
    "ResourceId",
    "FromDate",
    "ToDate",
    "Value",
    "UnitPrice",
    "Price",
)
Row = dict[str, Any]
Kind = Literal["csv", "columnar"]

_NUMBERS = ("Value", "UnitPrice", "Price")
_DATES = ("FromDate", "ToDate")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def bill_files(
    kind: Kind, accounts: list[str], paying_account_id: str, today: date, region: str
) -> Iterator[tuple[str, bytes]]:
    """The bill files of the 24 months before today's, oldest first: (object key, content).

    A folder a month, a file an account, as in `2025-11/100000000001_2025-11.csv`; the form changes from month to month
    and from account to account. kind: `csv` for all sorts of CSV, `columnar` for JSON and Parquet."""
    writers = _WRITERS[kind]
    for number, month in enumerate(bill_months(today)):
        for place, account_id in enumerate(accounts):
            suffix, write = writers[(number + place) % len(writers)]
            name = f"{account_id}_{month:%Y-%m}"
            days = usage(account_id, month, next_month(month), region)
            yield f"{month:%Y-%m}/{name}{suffix}", write(name, [_row(each, paying_account_id) for each in days])


def _row(each: Usage, paying_account_id: str) -> Row:
    resource = each.resource
    row = entry(resource.product, resource.subregion, each.account_id, paying_account_id, each.day, each.day)
    row |= figures(resource.product, each.thousandths, Decimal)
    return row | {"ResourceId": resource.id}


def _csv(rows: list[Row], delimiter: str, comma: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {name: f"{row[name]:f}".replace(".", comma) for name in _NUMBERS})
    return text.getvalue().encode()


def _semicolon(_name: str, rows: list[Row]) -> bytes:
    return _csv(rows, ";", ",")


def _comma(_name: str, rows: list[Row]) -> bytes:
    return _csv(rows, ",", ".")


def _gzip(_name: str, rows: list[Row]) -> bytes:
    return gzip.compress(_csv(rows, ",", "."), mtime=0)


def _zip(name: str, rows: list[Row]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo(f"{name}.csv", _ZIP_DATE)
        archive.writestr(member, _csv(rows, ";", ","), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _json(_name: str, rows: list[Row]) -> bytes:
    ordered = [{name: row[name] for name in COLUMNS} for row in rows]
    return json.dumps(ordered, indent=1, default=float).encode()


def _parquet(_name: str, rows: list[Row]) -> bytes:
    amount = pl.Decimal(18, 9)
    kinds = dict.fromkeys(_NUMBERS, amount) | dict.fromkeys(_DATES, pl.Datetime("ms", "UTC"))
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    for name in _DATES:
        columns[name] = [_midnight(text) for text in columns[name]]
    packed = io.BytesIO()
    pl.DataFrame(columns, schema={name: kinds.get(name, pl.String()) for name in COLUMNS}).write_parquet(packed)
    return packed.getvalue()


def _midnight(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text[:10]), time(), UTC)


_WRITERS: dict[Kind, list[tuple[str, Callable[[str, list[Row]], bytes]]]] = {
    "csv": [(".csv", _semicolon), (".csv", _comma), (".csv.gz", _gzip), (".zip", _zip)],
    "columnar": [(".json", _json), (".parquet", _parquet)],
}
