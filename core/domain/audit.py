"""Words of the audit trail."""

from enum import StrEnum
from typing import Literal

Ending = Literal["done", "refused", "failed"]
"""How something ended: it was done, it was refused (a right or a password was missing), or it was tried and did not
work."""
ENDINGS: tuple[Ending, ...] = ("done", "refused", "failed")


class FaultKind(StrEnum):
    """What is wrong with a line of the trail, or with its end."""

    ALTERED = "altered"
    INSERTED = "inserted"
    MOVED = "moved"
    MISSING = "missing"
    CUT = "cut"
    HEAD = "head"
    BROKEN = "broken"
    KEY = "key"
