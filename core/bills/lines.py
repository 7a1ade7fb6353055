"""The rows of a table as lines of a bill, by a mapping. Nothing is dropped: what does not fit is refused, with why."""

from dataclasses import dataclass

import polars as pl

from core.bills.numbers import AMOUNT, amount, day, plain_amount
from core.domain.bill_lines import AMOUNTS, LINE, NO_CURRENCY, SUMMED_BY, Field, Mapping

_TEXTS = (
    Field.ACCOUNT,
    Field.PAYING_ACCOUNT,
    Field.REGION,
    Field.SERVICE,
    Field.CATEGORY,
    Field.TYPE,
    Field.OPERATION,
    Field.RESOURCE,
    Field.TITLE,
    Field.TAGS,
)
_TOTAL = r"(?i)\b(?:sub-?total|grand total|total|sous-total|somme|summe)\b"
_DAY, _COST, _QUANTITY = f"\x00{Field.DAY}", f"\x00{Field.COST}", f"\x00{Field.QUANTITY}"
_ROWS, _NO_COST, _NO_QUANTITY = "\x00rows", "\x00no_cost", "\x00no_quantity"
"""Columns of work: no file has such names."""
SUMMED_LINES = "lines"
"""Column of sums with the number of lines that they are of."""
_CODES = {"€": "EUR", "£": "GBP"}


@dataclass(frozen=True)
class Lines:
    """The lines of a table, not read yet. `accepted`: `line` and every `Field`. `refused`: `line`, `reason`, `text`
    (the row's cells) and `cost` (null where it cannot be read). A row without any cell is neither. The costs of both
    together are the costs of the table, wherever a cost can be read."""

    accepted: pl.LazyFrame
    refused: pl.LazyFrame


def to_lines(frame: pl.LazyFrame, mapping: Mapping) -> Lines:
    """Turn a table of text columns, with `line` first, into lines. Where no cost is mapped, it is the quantity times
    the unit price. The mapping's columns must be there, and `mapping.missing` empty."""
    others = [name for name in frame.collect_schema().names() if name != LINE]
    with_needed = frame.with_columns(_day(mapping).alias(_DAY), _cost(mapping).alias(_COST))
    fits = pl.col(_DAY).is_not_null() & pl.col(_COST).is_not_null()
    accepted = with_needed.filter(fits).select(LINE, *_fields(mapping))
    empty = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "") for name in others)
    text = pl.concat_str([pl.col(name).fill_null("") for name in others], separator=" | ")
    refused = (
        with_needed.filter(~fits)
        .filter(~empty)
        .select(LINE, _reason(mapping, text).alias("reason"), text.alias("text"), pl.col(_COST).alias("cost"))
    )
    return Lines(accepted, refused)


def plain_lines(frame: pl.LazyFrame, mapping: Mapping) -> pl.LazyFrame:
    """The lines of the rows that are written in the plainest way, as `to_lines` would accept them. When these are as
    many as the table has rows, nothing is left to `to_lines`, which takes twice as long."""
    amounts = [field for field in AMOUNTS if field in mapping.columns]
    told = {
        field: plain_amount(pl.col(mapping.columns[field]), mapping.decimal).alias(f"\x00{field}") for field in amounts
    }
    needed = [_day(mapping).alias(_DAY), *told.values()]
    if Field.COST not in told:
        needed.append(_cost(mapping).alias(_COST))
    read = frame.with_columns(needed)
    plain = pl.col(_DAY).is_not_null() & pl.col(_COST).is_not_null()
    for field in amounts:
        plain = plain & pl.col(f"\x00{field}").is_not_null()
    fields = [pl.col(f"\x00{field}").alias(field.value) if field in told else one for field, one in _told(mapping)]
    return read.filter(plain).select(LINE, *fields)


def sum_of(lines: pl.LazyFrame) -> pl.DataFrame:
    """Lines summed by `SUMMED_BY`: `cost` and `quantity` (null where no line has one), and how many `lines`."""
    quantity = pl.col(Field.QUANTITY)
    return (
        lines.group_by([field.value for field in SUMMED_BY])
        .agg(
            pl.col(Field.COST).sum(),
            pl.when(quantity.count() > 0).then(quantity.sum()).alias(Field.QUANTITY),
            pl.len().cast(pl.Int64).alias(SUMMED_LINES),
        )
        .collect(engine="streaming")
    )


def plain_sums(frame: pl.LazyFrame, mapping: Mapping) -> pl.DataFrame | None:
    """What `sum_of` gives for a table in which every row is a line and every amount is written in the plainest way;
    None for any other. Rows are summed by their text as it stands and only the sums are understood: that is a third of
    the work."""
    columns = list(dict.fromkeys(mapping.columns[field] for field in SUMMED_BY if field in mapping.columns))
    if not columns:
        return None
    cost = _plain(mapping, Field.COST) if Field.COST in mapping.columns else _cost(mapping)
    quantity = _plain(mapping, Field.QUANTITY)
    raw = (
        frame.select(*columns, cost.alias(_COST), quantity.alias(_QUANTITY))
        .group_by(columns)
        .agg(
            pl.col(_COST).sum(),
            pl.col(_QUANTITY).sum(),
            pl.len().cast(pl.Int64).alias(_ROWS),
            pl.col(_COST).null_count().alias(_NO_COST),
            pl.col(_QUANTITY).null_count().alias(_NO_QUANTITY),
        )
        .collect(engine="streaming")
        .with_columns(_day(mapping).alias(_DAY))
    )
    told = Field.QUANTITY in mapping.columns
    if raw[_NO_COST].sum() or raw[_DAY].null_count() or (told and raw[_NO_QUANTITY].sum()):
        return None
    by = [one for field, one in _told(mapping) if field in SUMMED_BY]
    known = raw.select(*by, pl.col(_COST).alias(Field.COST), pl.col(_QUANTITY).alias(Field.QUANTITY), _ROWS)
    quantity = pl.col(Field.QUANTITY).sum() if told or Field.QUANTITY in mapping.constants else pl.lit(None, AMOUNT)
    return known.group_by([field.value for field in SUMMED_BY]).agg(
        pl.col(Field.COST).sum(), quantity.alias(Field.QUANTITY), pl.col(_ROWS).sum().alias(SUMMED_LINES)
    )


def _plain(mapping: Mapping, field: Field) -> pl.Expr:
    """An amount as `plain_lines` takes it."""
    if field in mapping.columns:
        return plain_amount(pl.col(mapping.columns[field]), mapping.decimal)
    return _amount(mapping, field)


def _cell(mapping: Mapping, field: Field) -> pl.Expr:
    """The text of a field, without blanks around; the constant where no column tells, else empty."""
    if field in mapping.columns:
        return pl.col(mapping.columns[field]).fill_null("").str.strip_chars()
    return pl.lit(mapping.constants.get(field, ""))


def _day(mapping: Mapping) -> pl.Expr:
    if Field.DAY not in mapping.columns:
        return day(_cell(mapping, Field.DAY), "iso")
    return day(_cell(mapping, Field.DAY), mapping.dates)


def _cost(mapping: Mapping) -> pl.Expr:
    if Field.COST in mapping.columns or Field.COST in mapping.constants:
        return _amount(mapping, Field.COST)
    quantity, price = _amount(mapping, Field.QUANTITY), _amount(mapping, Field.UNIT_PRICE)
    return (quantity.cast(pl.Decimal(38, 9)) * price.cast(pl.Decimal(38, 9))).cast(AMOUNT)


def _amount(mapping: Mapping, field: Field) -> pl.Expr:
    if field in mapping.columns:
        return amount(_cell(mapping, field), mapping.decimal)
    return pl.lit(mapping.constants.get(field)).cast(AMOUNT, strict=False)


def _fields(mapping: Mapping) -> list[pl.Expr]:
    """Every field in its order."""
    return [one for _, one in _told(mapping)]


def _told(mapping: Mapping) -> list[tuple[Field, pl.Expr]]:
    told: dict[Field, pl.Expr] = {field: _cell(mapping, field) for field in _TEXTS}
    told[Field.DAY] = pl.col(_DAY)
    told[Field.UNTIL] = _until(mapping)
    told[Field.COST] = pl.col(_COST)
    told[Field.QUANTITY] = _amount(mapping, Field.QUANTITY)
    told[Field.UNIT_PRICE] = _amount(mapping, Field.UNIT_PRICE)
    told[Field.CURRENCY] = _currency(mapping)
    return [(field, told[field].alias(field.value)) for field in Field]


def _until(mapping: Mapping) -> pl.Expr:
    """The last day: as it is told, else that of the month where months are told, else the first day itself."""
    month = mapping.dates == "month"
    alone = pl.col(_DAY).dt.month_end() if month else pl.col(_DAY)
    if Field.UNTIL not in mapping.columns:
        return alone
    told = day(_cell(mapping, Field.UNTIL), mapping.dates)
    if month:
        told = told.dt.month_end()
    if mapping.until_excluded:
        told = told.dt.offset_by("-1d")
    return pl.when(told >= pl.col(_DAY)).then(told).otherwise(alone)


def _currency(mapping: Mapping) -> pl.Expr:
    if Field.CURRENCY not in mapping.columns:
        return pl.lit(mapping.constants.get(Field.CURRENCY, "") or NO_CURRENCY)
    code = _cell(mapping, Field.CURRENCY).str.to_uppercase().replace(_CODES)
    return pl.when(code == "").then(pl.lit(NO_CURRENCY)).otherwise(code)


def _reason(mapping: Mapping, text: pl.Expr) -> pl.Expr:
    when, cost = _cell(mapping, Field.DAY), _cell(mapping, Field.COST)
    cost_told = cost if Field.COST in mapping.columns else _cell(mapping, Field.QUANTITY)
    return (
        pl.when(pl.col(_DAY).is_null() & text.str.contains(_TOTAL))
        .then(pl.lit("It has no day: it looks like a total of other lines."))
        .when(when == "")
        .then(pl.lit("It has no day."))
        .when(pl.col(_DAY).is_null())
        .then(pl.format("“{}” is no day as the others are written.", when.str.slice(0, 40)))
        .when(cost_told == "")
        .then(pl.lit("It has no cost."))
        .otherwise(pl.format("“{}” is no amount.", cost_told.str.slice(0, 40)))
    )
