"""Parquet files as tables of text."""

from pathlib import Path
from typing import IO

import polars as pl

from core.bills.batches import unique
from core.bills.limits import Limits
from core.bills.problems import ReadProblem
from core.bills.table import Table
from core.domain.bill_lines import LINE


def parquet_table(path: Path, name: str, limits: Limits) -> tuple[list[Table], list[ReadProblem]]:
    """The table in a Parquet file: lists and structures as JSON text."""
    try:
        schema = pl.scan_parquet(path).collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        what = f"{name} is a broken or cut Parquet file: {str(error).splitlines()[0]}"
        return [], [ReadProblem(what, "Ask who delivers it for a whole one.")]
    if len(schema) > limits.columns:
        what = f"{name} has {len(schema):,} columns, more than the {limits.columns:,} that are read."
        return [], [ReadProblem(what, "Ask who delivers it for a narrower table.")]
    columns = unique(schema.names())
    cells = [_as_text(*column).alias(to) for column, to in zip(schema.items(), columns, strict=True)]
    reader = pl.scan_parquet(path).with_row_index("\x00", offset=1)
    table = Table(
        name=name,
        kind="Parquet",
        columns=columns,
        reader=lambda: reader.select(pl.col("\x00").cast(pl.Int64).alias(LINE), *cells),
    )
    return [table], []


def _as_text(name: str, form: pl.DataType) -> pl.Expr:
    if form == pl.Binary():
        return pl.col(name).bin.encode("base64")
    if form.is_nested():
        return pl.when(pl.col(name).is_not_null()).then(pl.struct(pl.col(name)).struct.json_encode())
    return pl.col(name).cast(pl.String())


def parquet_head(file: IO[bytes], name: str, limits: Limits, rows: int) -> tuple[pl.DataFrame, list[ReadProblem]]:
    """The first rows of a Parquet file as text, read by ranges: of an open file, Polars would read all."""
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - only who looks at Parquet waits for it

    try:
        source = parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False)
        width = len(source.schema_arrow.names)
        if width > limits.columns:
            what = f"{name} has {width:,} columns, more than the {limits.columns:,} that are read."
            return pl.DataFrame(), [ReadProblem(what, "Ask who delivers it for a narrower table.")]
        batch = next(source.iter_batches(rows), None)
        # Polars takes a frame without rows from the schema alone.
        frame = pl.DataFrame(pl.from_arrow(source.schema_arrow.empty_table() if batch is None else batch))
    except (ArrowException, OSError) as error:
        what = f"{name} is a broken or cut Parquet file: {str(error).splitlines()[0]}"
        return pl.DataFrame(), [ReadProblem(what, "Ask who delivers it for a whole one.")]
    return frame.select(_as_text(*column).alias(column[0]) for column in frame.schema.items()), []
