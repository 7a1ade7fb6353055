"""Rows that come one by one, put down as Parquet in batches: memory stays bounded however many there are."""

from pathlib import Path
from typing import Any

import polars as pl

from core.domain.bill_lines import LINE

ROWS = 20_000
"""Rows held before they are written."""


class Batches:
    """Writes rows into `folder`, which it makes; rows of one batch may have cells that others have not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.columns: dict[str, None] = {}
        """Every column there was, in the order it came."""
        self.rows = 0
        self._held: list[dict[str, Any]] = []
        self._files: list[Path] = []

    def add(self, line: int, cells: dict[str, str | None]) -> None:
        """A row: the number of its line, and its cells by column.

        Raises OSError when the disk does not take it."""
        if not cells.keys() <= self.columns.keys():
            self.columns |= dict.fromkeys(cells)
        self._held.append({LINE: line, **cells})
        self.rows += 1
        if len(self._held) >= ROWS:
            self._write()

    def scan(self) -> pl.LazyFrame:
        """What was added: `line`, then the columns as text, null where a row has none.

        Raises OSError when the disk does not take it."""
        self._write()
        schema = {LINE: pl.Int64(), **dict.fromkeys(self.columns, pl.String())}
        frames = [*(pl.scan_parquet(file) for file in self._files), pl.LazyFrame(schema=schema)]
        return pl.concat(frames, how="diagonal").select(list(schema))

    def _write(self) -> None:
        if not self._held:
            return
        schema = {LINE: pl.Int64(), **dict.fromkeys(self.columns, pl.String())}
        path = self.folder / f"{len(self._files)}.parquet"
        pl.DataFrame(self._held, schema=schema).write_parquet(path)
        self._files.append(path)
        self._held = []


def unique(names: list[str]) -> list[str]:
    """Headers as columns: none empty, none twice, none that is called as the column of line numbers."""
    seen = {LINE}
    found = []
    for number, name in enumerate(names, 1):
        plain = name.strip() or f"column {number}"
        again, count = plain, 1
        while again in seen:
            count += 1
            again = f"{plain} ({count})"
        seen.add(again)
        found.append(again)
    return found
