"""How values are written on the screen."""

import re
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import humanize
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

# Streamlit refuses a table that pandas writes when it has more cells than this, by itself a quarter of a million: the
# bill files of some years have more.
pd.set_option("styler.render.max_elements", 10_000_000)

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&-])")


def safe(text: str) -> str:
    """Text that a person or a service gave, for a place where Streamlit reads Markdown."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def literal(text: str) -> str:
    """Text as it was given, also an email, of which Streamlit would make a link; where it reads Markdown."""
    return f"`{text.replace('`', ' ')}`"


def size(count: float) -> str:
    """Bytes in binary units: `1.4 MiB`."""
    return humanize.naturalsize(count, binary=True)


def sized(table: pd.DataFrame) -> Styler:
    """A table whose column `Size`, in bytes, is shown in binary units; it is sorted by the bytes. Each size is written
    here, since Streamlit's own format knows decimal units alone."""
    written: dict[Any, Any] = {"Size": size}
    return table.style.format(written, na_rep="")


def money_column(*, change: bool = False) -> Any:
    """How a table shows amounts: as `money` writes them; of a change, with its sign."""
    return st.column_config.NumberColumn(format="%+,.2f" if change else "%,.2f")


def local(moment: datetime | None) -> str:
    """A time in the viewer's zone, to the minute; empty for none."""
    if moment is None:
        return ""
    return f"{moment.astimezone(_zone()):%Y-%m-%d %H:%M}"


def ago(moment: datetime) -> str:
    """How long ago a time was: `2 hours ago`."""
    return humanize.naturaltime(datetime.now(UTC) - moment)


def day_begins(day: date) -> datetime:
    """When a day begins in the viewer's zone."""
    return datetime.combine(day, time(), _zone())


def time_column(*, seconds: bool = False) -> Any:
    """How a table shows times: in the viewer's zone, to the minute or second."""
    form = "YYYY-MM-DD HH:mm:ss" if seconds else "YYYY-MM-DD HH:mm"
    return st.column_config.DatetimeColumn(format=form, timezone=_zone().key)


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
