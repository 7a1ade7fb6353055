"""Amounts and days out of text, as expressions that Polars runs over a whole column."""

from typing import Literal

import polars as pl

from core.domain.bill_lines import SCALE, DateForm

AMOUNT = pl.Decimal(38, SCALE)
_BLANKS = r"[\s\u00a0\u2007\u202f'\u2019]"
"""What stands between thousands: blanks of any width and apostrophes."""
_MONEY = r"(?i)^(?:eur|usd|gbp|chf|jpy|[€$£¥])|(?:eur|usd|gbp|chf|jpy|[€$£¥])$"
_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
_GROUPED = {".": r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$", ",": r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?$"}
_BLANK_GROUPED = r"^\D*\d{1,3}(?:[\s\u00a0\u2007\u202f'\u2019]\d{3})+(?:[.,]\d*)?\D*$"


def amount(text: pl.Expr, decimal: Literal[".", ","]) -> pl.Expr:
    """Text as Decimal(38, 12), null for what is no number. More than twelve places are rounded half to even.

    Taken: a sign before or after, `(1)` for a credit, blanks or apostrophes or the other sign of `.` and `,` between
    thousands, a currency before or after, `1.5e-05`. Not taken: per cent, and a separator between other than three
    digits, which may be a decimal sign that was not expected."""
    return text.map_batches(lambda column: _amounts(column, decimal), return_dtype=AMOUNT, is_elementwise=True)


def plain_amount(text: pl.Expr, decimal: Literal[".", ","]) -> pl.Expr:
    """The same where it is written in the plainest way: digits and one decimal sign. Null for everything else, which
    `amount` may still know; this takes half the time."""
    if decimal == ".":
        return text.cast(AMOUNT, strict=False)
    alone = pl.when(~text.str.contains(".", literal=True)).then(text.str.replace(",", ".", literal=True))
    return alone.cast(AMOUNT, strict=False)


def _amounts(column: pl.Series, decimal: Literal[".", ","]) -> pl.Series:
    """The usual form at once; the few others by their rules."""
    if decimal == "," and column.str.contains(".", literal=True).any():
        done = pl.Series(column.name, [None] * len(column), AMOUNT)
    else:
        usual = column.str.replace(",", ".", literal=True) if decimal == "," else column
        done = usual.cast(AMOUNT, strict=False)
    left = done.is_null() & column.is_not_null() & (column != "")
    if not left.any():
        return done
    rest = column.filter(left).to_frame("text").select(_by_rules(pl.col("text"), decimal)).to_series()
    return done.scatter(left.arg_true(), rest)


def _by_rules(text: pl.Expr, decimal: str) -> pl.Expr:
    other = "," if decimal == "." else "."
    bare = text.str.replace_all("\u2212", "-", literal=True).str.strip_chars()
    credit = bare.str.contains(r"^\(.*\)$") | bare.str.contains(r"^[^-]*\d[^-]*-$")
    bare = bare.str.strip_chars("()").str.strip_chars().str.replace(r"-$", "")
    bare = bare.str.replace_all(_MONEY, "").str.strip_chars()
    bare = bare.str.replace(r"^([+-])\s*", "${1}").str.replace_all(r"^([+-])(?i:eur|usd|gbp|chf|[€$£¥])\s*", "${1}")
    spaced = bare.str.contains(_BLANKS)
    bare = pl.when(spaced & ~bare.str.contains(_BLANK_GROUPED)).then(None).otherwise(bare)
    bare = bare.str.replace_all(_BLANKS, "")
    grouped = bare.str.contains(other, literal=True)
    bare = pl.when(grouped & ~bare.str.contains(_GROUPED[decimal])).then(None).otherwise(bare)
    number = bare.str.replace_all(other, "", literal=True).str.replace(decimal, ".", literal=True)
    value = pl.when(number.str.contains(_PLAIN)).then(number).cast(AMOUNT, strict=False)
    return pl.when(credit).then(-value).otherwise(value)


def day(text: pl.Expr, form: DateForm) -> pl.Expr:
    """Text as a Date, null for what is none. A time of day and its zone are dropped: the day is the one that is
    written. A month is its first day."""
    match form:
        case "iso":
            return text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        case "compact":
            return text.str.slice(0, 8).str.to_date("%Y%m%d", strict=False)
        case "day_first":
            return _slashed(text).str.to_date("%d/%m/%Y", strict=False)
        case "month_first":
            return _slashed(text).str.to_date("%m/%d/%Y", strict=False)
        case "month":
            turned = text.str.replace(r"^(\d{1,2})[-/.](\d{4})$", "${2}-${1}").str.replace(
                r"^(\d{4})[/.]?(\d{2})$", "${1}-${2}"
            )
            # Nothing but a month: days would lose theirs.
            return pl.when(turned.str.len_chars() == 7).then(turned + "-01").str.to_date("%Y-%m-%d", strict=False)
        case "excel":
            # Excel counts from 1900 and takes that for a leap year: from this day on both errors even out.
            serial = text.str.replace(",", ".", literal=True).cast(pl.Float64(), strict=False)
            sound = pl.when(serial.is_between(1, 2_958_465)).then(serial).cast(pl.Int32(), strict=False)
            return pl.lit("1899-12-30").str.to_date() + pl.duration(days=sound)


def _slashed(text: pl.Expr) -> pl.Expr:
    return text.str.extract(r"^(\d{1,2}[-/.]\d{1,2}[-/.]\d{4})", 1).str.replace_all(r"[-.]", "/")
