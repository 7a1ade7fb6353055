"""What is wrong with a file, in the user's words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadProblem:
    """What happened and what to do; `line` is where, from 1, None where that is not known."""

    what: str
    mend: str
    line: int | None = None


@dataclass(frozen=True)
class BadLine:
    """A line of text that is no row of its table: its number, why, and its beginning."""

    line: int
    reason: str
    text: str
