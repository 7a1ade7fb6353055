"""Tables written for other programs, safe to open in a spreadsheet."""

from pathlib import Path
from typing import Literal

import polars as pl

Form = Literal["csv", "xlsx", "parquet"]
MOST_ROWS = 1_048_575
"""Rows of an XLSX sheet below its header (Excel's limit)."""
_BEGINS_FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"  # the last ones: = + - @ in full width


def as_text(column: str) -> pl.Expr:
    """A column of text whose cells no spreadsheet takes for formulas: those that begin like one get an apostrophe
    before them (OWASP: CSV Injection)."""
    text = pl.col(column)
    return pl.when(text.str.contains(_BEGINS_FORMULA)).then(pl.lit("'") + text).otherwise(text).alias(column)


def harmless(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The same table, all its text safe."""
    return frame.with_columns(as_text(name) for name, kind in frame.collect_schema().items() if kind == pl.String())


def write(frame: pl.DataFrame, form: Form, path: Path) -> None:
    """Write a table. Amounts keep their digits in CSV and Parquet; a sheet's cells hold 15 of them (Excel's limit).

    Raises ValueError for more rows than a sheet has, OSError when the disk does not take it."""
    if form == "parquet":
        frame.write_parquet(path, compression="zstd")
        return
    safe = harmless(frame.lazy()).collect()
    if form == "csv":
        safe.write_csv(path)
        return
    if len(frame) > MOST_ROWS:
        raise ValueError(f"An XLSX sheet holds {MOST_ROWS:,} rows, and these are {len(frame):,}. Export CSV instead.")
    numbers = [name for name, kind in safe.schema.items() if kind.is_decimal()]
    # The guard stands in the text already; the sheet itself takes no text for a formula or a link.
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    import xlsxwriter  # noqa: PLC0415 - only who exports a sheet waits for it

    with xlsxwriter.Workbook(path, options) as book:
        safe.with_columns(pl.col(numbers).cast(pl.Float64())).write_excel(book, autofit=True, float_precision=6)
