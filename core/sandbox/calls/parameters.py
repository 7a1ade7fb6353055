"""What several calls read out of their parameters."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.sandbox.refusals import BAD_VALUE, RefusedError
from core.sandbox.times import read

Parameters = dict[str, Any]


def moment(parameters: Parameters, name: str, code: int = BAD_VALUE) -> datetime | None:
    """A parameter that is a date, or a date and time; None when it is not given.

    Raises RefusedError with this code when it is neither."""
    text = parameters.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError:
        raise RefusedError(code, f"The parameter {name} is neither a date nor a date and time in ISO 8601.") from None


def matches(value: object, wanted: Sequence[object] | None) -> bool:
    """Whether a filter lets a value through; a filter that is not given lets all through."""
    return not wanted or value in wanted


def page(parameters: Parameters, count: int, usual: int = 100) -> tuple[slice, dict[str, str]]:
    """The part of a list that NextPageToken and ResultsPerPage ask for, and the answer's NextPageToken if any.

    Raises RefusedError when one of them cannot be used."""
    size = parameters.get("ResultsPerPage", usual)
    if not 1 <= size <= 1000:
        raise RefusedError(BAD_VALUE, "The parameter ResultsPerPage must be between 1 and 1000.")
    token = parameters.get("NextPageToken") or "MA=="
    try:
        first = int(_decoded(token))
    except ValueError:
        raise RefusedError(BAD_VALUE, "The parameter NextPageToken is none of this list's.") from None
    end = first + size
    return slice(first, end), ({"NextPageToken": _encoded(str(end))} if end < count else {})


def _decoded(token: str) -> str:
    return base64.b64decode(token, validate=True).decode()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
