"""Help: terms, the questions of a check, what happens on the way, and OUTSCALE's error codes, to be searched.

What they say is data: `help.toml` beside this, `core/outscale/codes.toml`, and the list of names that comes with
OUTSCALE's SDK. The documentation's pages are made of the same."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from core.domain.actor import Actor
from core.domain.credentials import (
    ACCESS_KEY_RULE,
    ACCOUNT_ID_RULE,
    BUCKET_RULE,
    NAME_RULE,
    REGION_RULE,
    SECRET_KEY_RULE,
)
from core.domain.proxy import PROXY_RULE
from core.outscale import codes
from core.outscale.codes import Meaning
from core.services.rights import use_case
from core.services.workspace import Workspace


class Kind(StrEnum):
    """What an entry explains, in the order in which help shows them."""

    TERM = "term"
    CHECK = "check"
    WAY = "on the way"
    API = "API code"
    STORAGE = "storage code"


@dataclass(frozen=True)
class Page:
    """A page of OUTSCALE's own."""

    title: str
    url: str


@dataclass(frozen=True)
class Entry:
    """What help says of one thing. `title` names it; `codes`: OUTSCALE's, `name` what OUTSCALE calls it, `http` its
    usual status; `what` it means, the `rule` of such a field, what `mend`s it, the `page` with more. What does not
    apply is empty. `listed`: False for codes of which no more is known than their name; a search finds them."""

    kind: Kind
    title: str
    what: str
    mend: str = ""
    rule: str = ""
    codes: tuple[str, ...] = ()
    name: str = ""
    http: int = 0
    page: Page | None = None
    listed: bool = True

    @property
    def _text(self) -> str:
        code = f"code http {self.http}" if self.codes else ""
        said = (self.kind.value, self.title, self.name, self.what, self.mend, self.rule, code)
        return " ".join(said).casefold()

    def rank(self, words: list[str]) -> int:
        """How well it fits words in small letters: 0 by its code, 1 by its title, 2 by its text, 3 not at all."""
        named = {code.casefold() for code in self.codes}
        if len(words) == 1 and words[0] in named:
            return 0
        text = self._text
        if not all(_holds(text, word) or word in named for word in words):
            return 3
        title = f"{self.title} {self.name}".casefold()
        return 1 if all(word in title for word in words) else 2


_RULES = {
    "Access key": ACCESS_KEY_RULE,
    "Account ID": ACCOUNT_ID_RULE,
    "Bucket": BUCKET_RULE,
    "Credentials name": NAME_RULE,
    "Proxy": PROXY_RULE,
    "Region": REGION_RULE,
    "Secret key": SECRET_KEY_RULE,
}
_ERRORS = "errors"
_EXPLAINED = tomllib.loads(Path(__file__).with_name("help.toml").read_text(encoding="utf-8"))
_PAGES = {one["id"]: Page(one["title"], one["url"]) for one in _EXPLAINED["page"]}


@use_case
def find_help(actor: Actor, workspace: Workspace, search: str = "") -> list[Entry]:
    """The entries in which every word of `search` occurs: by a code first, by a name next; all listed ones without a
    search. A number of no entry gives what OUTSCALE's codes of its thousand mean."""
    words = search.casefold().replace("#", " ").split()
    if not words:
        return [one for one in entries() if one.listed]
    ranked = [(one.rank(words), one) for one in entries()]
    found = [one for rank, one in sorted(ranked, key=lambda one: one[0]) if rank < 3]
    if not found and len(words) == 1 and (meaning := codes.family_of(words[0])):
        return [_of_family(f"Code {words[0]}", (words[0],), meaning)]
    return found


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every entry there is, in the order in which they are shown."""
    own = [
        *(_explained(Kind.TERM, one) for one in _EXPLAINED["term"]),
        *(_explained(Kind.CHECK, one) for one in _EXPLAINED["check"]),
        *(Entry(Kind.WAY, one.name, one.told, one.mend) for one in codes.WAY),
        *(_of_codes(Kind.API, one) for one in codes.API),
        *(_of_family(f"Codes {one.first} to {one.last}", (), one.meaning) for one in codes.FAMILIES),
        *(_of_codes(Kind.STORAGE, one) for one in codes.STORAGE),
    ]
    return (*own, *_named_only())


def pages() -> Iterable[Page]:
    """OUTSCALE's own pages that help points to."""
    return _PAGES.values()


def _explained(kind: Kind, one: dict[str, Any]) -> Entry:
    rule = _RULES.get(one["name"], "") if kind is Kind.TERM else ""
    return Entry(kind, one["name"], one["what"], one.get("mend", ""), rule, page=_PAGES.get(one.get("page", "")))


def _of_codes(kind: Kind, one: Meaning) -> Entry:
    page = _PAGES[_ERRORS] if kind is Kind.API else None
    title = ", ".join(one.codes) if kind is Kind.STORAGE else f"Code{'s' * (len(one.codes) > 1)} {', '.join(one.codes)}"
    return Entry(kind, title, one.told, one.mend, codes=one.codes, name=one.name, http=one.http, page=page)


def _of_family(title: str, of: tuple[str, ...], family: Meaning, name: str = "", *, listed: bool = True) -> Entry:
    said = f"{family.told.rstrip('.')}: {name.replace('-', ' ')}." if name else family.told
    return Entry(
        Kind.API, title, said, family.mend, codes=of, name=name or family.name, http=family.http,
        page=_PAGES[_ERRORS], listed=listed,
    )  # fmt: skip


def _named_only() -> list[Entry]:
    """The codes that the SDK's list names, as far as nothing more is said of them here."""
    listing = resources.files("osc_sdk_python") / "resources" / "gateway_errors.yaml"
    named: dict[int, dict[str, str]] = yaml.load(listing.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found = []
    for code, one in sorted(named.items()):
        family = codes.family_of(str(code))
        if family and str(code) not in codes.API_BY_CODE:
            found.append(_of_family(f"Code {code}", (str(code),), family, one["Name"], listed=False))
    return found


def _holds(text: str, word: str) -> bool:
    """Whether a word occurs; a number only as a whole one."""
    return bool(re.search(rf"(?<!\d){word}(?!\d)", text)) if word.isdecimal() else word in text
