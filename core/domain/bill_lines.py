"""A line of a bill in common words, and how the columns of a file are mapped to them.

OUTSCALE publishes no format of bill files (facts, section 7), so every file is mapped, and a person can correct it."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

SCALE = 12
"""Decimal places that amounts are held with: Decimal(38, 12). OUTSCALE's unit prices have nine."""
NO_CURRENCY = "XXX"
"""Stands where a file names no currency (ISO 4217: no currency)."""


class Field(StrEnum):
    """What a line may tell. Its value is the name of the column in a frame of lines."""

    DAY = "day"
    """First day of the period (UTC). A Date."""
    UNTIL = "until"
    """Last day of the period, itself included (UTC). A Date."""
    ACCOUNT = "account"
    PAYING_ACCOUNT = "paying_account"
    REGION = "region"
    """Region or Subregion, as the file has it."""
    SERVICE = "service"
    CATEGORY = "category"
    TYPE = "type"
    OPERATION = "operation"
    RESOURCE = "resource"
    TITLE = "title"
    QUANTITY = "quantity"
    UNIT_PRICE = "unit_price"
    COST = "cost"
    CURRENCY = "currency"
    """ISO 4217 code; `NO_CURRENCY` when none is named."""
    TAGS = "tags"
    """As the file has them: text, often JSON."""


DATES = (Field.DAY, Field.UNTIL)
AMOUNTS = (Field.QUANTITY, Field.UNIT_PRICE, Field.COST)
"""Held as Decimal(38, SCALE). The others are text, empty when the file does not tell."""
SUMMED_BY = (
    Field.DAY,
    Field.ACCOUNT,
    Field.REGION,
    Field.SERVICE,
    Field.CATEGORY,
    Field.TYPE,
    Field.OPERATION,
    Field.CURRENCY,
)
"""By these a file's lines are summed once for all; a question about anything else is asked of the lines."""
NEEDED = (Field.DAY, Field.COST)
"""Without these a line cannot be added up."""
LINE = "line"
"""Column with the number of a line in its file: 1 is the first line of the text, so a CSV's header is line 1 and its
first record line 2. For formats without lines, the number of the record, from 1."""

DateForm = Literal["iso", "day_first", "month_first", "month", "compact", "excel"]
"""`2026-01-31` with or without a time; `31/01/2026`; `01/31/2026`; `2026-01` or `01/2026`; `20260131`; days since
1899-12-30."""


class Mapping(BaseModel):
    """How the columns of a file become lines. `columns`: which column tells what. `constants`: what the whole file has
    in common, such as its currency. `decimal`: the sign before the fraction; the other one of `.` and `,`, blanks and
    apostrophes between digits are dropped. `until_excluded`: the column for `until` names the day after the last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: str
    """Name of the known layout, or `custom`."""
    columns: dict[Field, str]
    constants: dict[Field, str] = {}
    decimal: Literal[".", ","] = "."
    dates: DateForm = "iso"
    until_excluded: bool = False

    @property
    def missing(self) -> list[Field]:
        """What is needed and neither a column nor a constant gives. A cost is also given by quantity and unit price."""
        told = self.columns.keys() | self.constants.keys()
        if {Field.QUANTITY, Field.UNIT_PRICE} <= told:
            told |= {Field.COST}
        return [field for field in NEEDED if field not in told]


class Dialect(BaseModel):
    """How a text table is written, as it was detected or as a person corrected it. `quote` is empty for none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: str = "utf-8"
    """A codec's name of Python: `utf-8`, `utf-8-sig`, `utf-16`, `latin-1`, `cp1252`."""
    separator: str = ","
    quote: str = '"'
    header: bool = True
    decimal: Literal[".", ","] = "."
    skip: int = 0
    """Lines before the header."""
