"""Lines of a bill in the forms that they are delivered in."""

import csv
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import polars as pl

from tests.bills.figures import Figure

OUTSCALE = (
    "AccountId", "PayingAccountId", "Category", "Service", "Operation", "Type", "Title", "SubregionName", "FromDate",
    "ToDate", "Value", "UnitPrice", "Price",
)  # fmt: skip
_ZIPPED = (2026, 1, 1, 0, 0, 0)


def plain(amount: Decimal) -> str:
    """`-1234.50`"""
    return f"{amount:f}"


def comma(amount: Decimal) -> str:
    """`-1234,50`"""
    return plain(amount).replace(".", ",")


def grouped(between: str, decimal: str) -> Callable[[Decimal], str]:
    """Amounts with something between the thousands."""
    return lambda amount: f"{amount:,.2f}".replace(",", "\x00").replace(".", decimal).replace("\x00", between)


def outscale(told: list[Figure], number: Callable[[Decimal], str] = plain) -> list[list[str]]:
    """Rows of ConsumptionEntry columns, the header first."""
    rows = [list(OUTSCALE)]
    for one in told:
        category, service, operation = one.service
        rows.append(
            [
                one.account, "583767933646", category, service, operation, f"{service}:usage", one.title,
                "eu-west-2a", one.day.isoformat(), one.day.isoformat(), number(one.quantity), number(one.price),
                number(one.cost),
            ]
        )  # fmt: skip
    return rows


def written(rows: list[list[str]], **dialect: Any) -> str:
    """Rows as separated text."""
    out = io.StringIO()
    csv.writer(out, **({"lineterminator": "\n"} | dialect)).writerows(rows)
    return out.getvalue()


def records(told: list[Figure]) -> list[dict[str, Any]]:
    """ConsumptionEntry objects as the API gives them."""
    rows = outscale(told)
    return [
        {
            name: float(cell) if name in {"Value", "UnitPrice", "Price"} else cell
            for name, cell in zip(rows[0], row, strict=True)
        }
        for row in rows[1:]
    ]


def zipped(*files: tuple[str, bytes]) -> bytes:
    """A zip whose bytes are always the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, _ZIPPED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    """An XLSX file."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out)
    return out.getvalue()
