"""Times as the OUTSCALE API writes and reads them."""

import re
from datetime import UTC, date, datetime, time

_COLONLESS = re.compile(r"([+-]\d{2})(\d{2})$")


def written(moment: datetime) -> str:
    """`2010-10-01T12:34:56.789+0000`."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"


def read(text: str) -> datetime:
    """A date, or a date and time, in ISO 8601; without a zone it is UTC.

    Raises ValueError."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    moment = datetime.fromisoformat(_COLONLESS.sub(r"\1:\2", text))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
