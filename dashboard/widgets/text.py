"""How values are written on the screen."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&-])")


def safe(text: str) -> str:
    """Text that a person or a service gave, for a place where Streamlit reads Markdown."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def size(count: float) -> str:
    """Bytes in binary units: `1.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def local(moment: datetime | None) -> str:
    """A time in the viewer's zone, to the minute; empty for none."""
    if moment is None:
        return ""
    return f"{moment.astimezone(_zone()):%Y-%m-%d %H:%M}"


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
