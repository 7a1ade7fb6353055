"""What mkdocs is told besides its settings: pages that are written from the program's own data, and a look at every
built page, that each link to outside is well-formed and that nothing is fetched from another host."""

import logging
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from mkdocs.structure.files import File, Files

from core.domain.roles import Role
from core.services.help import Entry, Kind, entries, pages
from core.services.rights import RIGHTS, extent
from core.settings import Settings

log = logging.getLogger("mkdocs.hooks.docs")

FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
LOCAL = ("127.0.0.1", "localhost")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are written here."""
    written = {"settings.md": settings(), "rights.md": rights(), "codes.md": codes(), "terms.md": terms()}
    for name, content in written.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Warn, which fails a strict build, of every address that is not as it should be."""
    for problem in problems(output):
        log.warning("%s: %s", page.file.src_uri, problem)
    return output


def problems(html: str) -> list[str]:
    """What is wrong with the addresses of a page."""
    found = _Addresses()
    found.feed(html)
    return found.problems


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        address = told.get(FETCHED.get(tag, ""))
        if address and urlsplit(address).netloc:
            self.problems.append(f"{tag} is fetched from another host: {address}")
        if tag == "a" and (target := told.get("href")):
            self._link(target)

    def _link(self, target: str) -> None:
        try:
            parts = urlsplit(target)
        except ValueError:
            self.problems.append(f"the link {target} cannot be read")
            return
        if not parts.scheme and not parts.netloc:  # within the site: mkdocs looks at these
            return
        if parts.scheme == "mailto" and "@" in parts.path:
            return
        local = parts.hostname in LOCAL
        if parts.scheme != "https" and not (local and parts.scheme == "http"):
            self.problems.append(f"the link {target} does not begin with https://")
        elif not local and "." not in (parts.hostname or "").strip("."):
            self.problems.append(f"the link {target} names no host")
        elif any(letter.isspace() for letter in target):
            self.problems.append(f"the link {target} has a blank in it")


def settings() -> str:
    """Every setting, by the descriptions that the program itself shows."""
    rows = []
    for name, field in Settings.model_fields.items():
        usual = "" if field.default_factory or field.default is None else f"`{_plain(field.default)}`"
        if name == "home":
            usual = "`outscale-onboarding` in the user's data folder"
        rows.append((f"`ONBOARDING_{name.upper()}`", usual, _cell(field.description or "")))
    return (
        "# Settings\n\nEnvironment variables, read once at the start. `onboarding settings` lists them with the values "
        "that are in force.\n\n" + _table(("setting", "default", "meaning"), rows)
    )


def rights() -> str:
    """Who may do what: the table that every service is held to."""
    rows = [(right.area, _cell(right.what), *(extent(role, right) for role in Role)) for right in RIGHTS]
    return (
        "# Who may do what\n\nEvery service asks this table, whatever screen or command calls it. Finance sees billing "
        "only, presenters the sandbox only; what is beyond that they do not even find. A refusal is recorded.\n\n"
        + _table(("area", "what", *(role.value for role in Role)), rows)
    )


def codes() -> str:
    """Error codes, and what happens on the way to OUTSCALE."""
    known = entries()
    named = [(one.codes[0], one.name) for one in known if one.kind is Kind.API and not one.listed]
    sheets = pages()
    return "\n\n".join(
        [
            "# Error codes",
            "What OUTSCALE's answers mean, and what to do. The screen *Help* searches the same.",
            "## The API",
            _explained(known, Kind.API, "code"),
            "## The object storage",
            _explained(known, Kind.STORAGE, "code"),
            "## On the way",
            "Where no answer of OUTSCALE arrives there is no code. The keys are neither right nor wrong then.",
            _explained(known, Kind.WAY, "what"),
            "## Codes by name",
            "OUTSCALE says no more of these than their names. Each is of the family of its thousand, above.",
            _table(("code", "name"), named),
            "## OUTSCALE's own pages",
            "\n".join(f"- [{one.title}]({one.url})" for one in sheets),
        ]
    )


def terms() -> str:
    """Terms, and the questions of a check."""
    known = entries()
    rows = [(one.title, _cell(f"{one.what} {one.rule and f'Rule: {one.rule}'}"), _page(one)) for one in known
            if one.kind is Kind.TERM]  # fmt: skip
    checks = [(one.title, _cell(one.what), _cell(one.mend)) for one in known if one.kind is Kind.CHECK]
    return "\n\n".join(
        [
            "# Terms and checks",
            "The words of the screens, in a line each.",
            "## Terms",
            _table(("term", "meaning", "more"), rows),
            "## Checks",
            "What is asked before credentials are stored, and what to do about an answer that is not *passed*.",
            _table(("check", "question", "what to do"), checks),
        ]
    )


def _explained(known: Iterable[Entry], kind: Kind, first: str) -> str:
    rows = []
    for one in known:
        if one.kind is kind and one.listed:
            title = one.title.removeprefix("Codes ").removeprefix("Code ")
            named = f"{title}<br>{_cell(one.name)}" if one.name and kind is Kind.API else title
            rows.append((named, str(one.http or ""), _cell(one.what), _cell(one.mend)))
    if kind is Kind.WAY:
        return _table((first, "meaning", "what to do"), [(title, what, mend) for title, _, what, mend in rows])
    return _table((first, "HTTP", "meaning", "what to do"), rows)


def _page(one: Entry) -> str:
    return f"[{one.page.title}]({one.page.url})" if one.page else ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Text of a cell, in which Markdown and HTML have nothing to find."""
    for sign in "\\|*_[]<>":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text.replace("://", "&#58;//")


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
