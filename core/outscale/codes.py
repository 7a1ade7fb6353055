"""OUTSCALE's error codes, read from `codes.toml` once."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.outscale.errors import Trouble


@dataclass(frozen=True)
class Meaning:
    """What an answer means. `what` has blanks that `told` fills; `name` is OUTSCALE's own, `http` the usual status."""

    trouble: Trouble
    what: str
    mend: str
    name: str = ""
    http: int = 0
    codes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """`what` about no answer in particular."""
        return self.what.format(
            call="this call",
            region="the Region",
            wait=A_WHILE,
            bucket="of this name",
            asked="what was asked for" if self.trouble is Trouble.FORBIDDEN else "object of this name",
        )


@dataclass(frozen=True)
class Family:
    """The meaning of the codes from `first` to `last` that have none of their own."""

    first: int
    last: int
    meaning: Meaning


A_WHILE = "a minute (longer after more failures, ten minutes at most)"


def _meaning(entry: dict[str, Any]) -> Meaning:
    return Meaning(
        trouble=Trouble(entry["trouble"]),
        what=entry["what"],
        mend=entry["mend"],
        name=entry.get("name", ""),
        http=entry.get("http", 0),
        codes=tuple(entry.get("codes", ())),
    )


_CONTENT = tomllib.loads(Path(__file__).with_name("codes.toml").read_text(encoding="utf-8"))

API = tuple(map(_meaning, _CONTENT["api"]))
STORAGE = tuple(map(_meaning, _CONTENT["storage"]))
WAY = tuple(map(_meaning, _CONTENT["way"]))
FAMILIES = tuple(Family(entry["first"], entry["last"], _meaning(entry)) for entry in _CONTENT["family"])

API_BY_CODE = {code: one for one in API for code in one.codes}
STORAGE_BY_CODE = {code: one for one in STORAGE for code in one.codes}


def family_of(code: str) -> Meaning | None:
    """The meaning of an API code by its thousands; None for what is no such number."""
    if not (code.isascii() and code.isdecimal()):
        return None
    return next((one.meaning for one in FAMILIES if one.first <= int(code) <= one.last), None)
