"""A table of text out of a bill file, not read yet."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from core.bills.problems import BadLine
from core.domain.bill_lines import Dialect

SHOWN_BAD = 1000
"""So many bad lines are kept with their text; all are counted."""


@dataclass
class Table:
    """A table: the name of the file or sheet that it is in, its `columns`, and for text how that is written.

    `bad`: the first lines that are no row of it; `bad_count`: how many there are in all."""

    name: str
    kind: str
    columns: list[str]
    reader: Callable[[], pl.LazyFrame]
    dialect: Dialect | None = None
    by_line: Callable[[Path], "Table"] | None = None
    bad: list[BadLine] = field(default_factory=list)
    bad_count: int = 0
    unclosed: Callable[[], bool] = lambda: False
    """Whether a quote is opened and never closed: read fast, it would swallow the rest of the file without a word."""
    physical: Callable[[], int] | None = None
    """Counts the lines of text that the rows stand on: as many as rows when no cell goes over several and no quote is
    left open."""

    def scan(self) -> pl.LazyFrame:
        """`line` (Int64) and then every column as text, null where a cell is missing. Collecting it raises Polars'
        ComputeError or SchemaError when lines are not all alike: `repaired` reads those."""
        return self.reader()

    def repaired(self, work: Path) -> "Table":
        """The same table read line by line, with what is no row in `bad`; itself where lines cannot differ.

        Raises OSError when the disk does not take it."""
        return self.by_line(work) if self.by_line else self
