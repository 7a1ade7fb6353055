"""What the terminal prints: tables for people, JSON for programs."""

import json as json_library
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.domain.checks import CheckResult
from core.services.use_case import NotAllowedError
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.vault.master_key import VaultError

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

REFUSED = 1
"""Exit code when the person may not do that."""
BROKEN = 3
"""Exit code when the program itself cannot work: the database or the master key."""

_WIDEST = 10_000


@contextmanager
def opened() -> Iterator[Workspace]:
    """The opened workspace; a store or vault that cannot be used ends the command with one line."""
    try:
        workspace = open_workspace(Settings())
        try:
            yield workspace
        finally:
            workspace.close()
    except (StoreError, VaultError) as error:
        fail(str(error), BROKEN)
    except NotAllowedError as error:
        fail(str(error), REFUSED)
    except OSError as error:
        fail(f"{error.filename or 'The home folder'} cannot be used: {error.strerror}.", BROKEN)


def as_json(value: Any) -> None:
    """Print a value as JSON."""
    print(json_library.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def plain(line: str, *, error: bool = False) -> None:
    """Print one line as it is."""
    print(line, file=sys.stderr if error else sys.stdout)


def fail(line: str, code: int) -> NoReturn:
    """Print one line on the error output and end."""
    plain(line, error=True)
    raise SystemExit(code)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table. Cells are text and never markup."""
    shown = Table(*columns)
    for row in rows:
        shown.add_row(*(Text(str(cell)) for cell in row))
    console = Console()
    if not console.is_terminal:
        # A pipe or a file has no width, and the 80 signs taken for it would cut wide tables down to nothing.
        console.width = Console(width=_WIDEST).measure(shown).maximum
    console.print(shown)


def checks_table(checks: Sequence[CheckResult]) -> None:
    """Print check results as the screen shows them."""
    table(
        ["Target", "Check", "Outcome", "Found", "What to do", "Seconds"],
        [
            [line.target, line.check, line.outcome.value, line.found, line.mend, f"{line.seconds:.2f}"]
            for line in checks
        ],
    )


def check_json(line: CheckResult) -> dict[str, object]:
    """A check's line as programs get it."""
    return line.model_dump(mode="json")


def fields_json(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as programs get them."""
    return {name: one.isoformat() if isinstance(one, date) else one for name, one in asdict(value).items()}
