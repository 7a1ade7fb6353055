"""How values are written on the screen."""

import re
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&-])")


def safe(text: str) -> str:
    """Text that a person or a service gave, for a place where Streamlit reads Markdown."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def literal(text: str) -> str:
    """Text as it was given, also an email, of which Streamlit would make a link; where it reads Markdown."""
    return f"`{text.replace('`', ' ')}`"


def size(count: float) -> str:
    """Bytes in decimal units, as Streamlit's tables show them: `1.4 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def local(moment: datetime | None) -> str:
    """A time in the viewer's zone, to the minute; empty for none."""
    if moment is None:
        return ""
    return f"{moment.astimezone(_zone()):%Y-%m-%d %H:%M}"


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
