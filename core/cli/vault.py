"""`onboarding vault …`: the keys that everything is sealed with."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.output import Json, as_json, opened, plain, table
from core.services.vault_check import Progress, Unopened, check_vault, vault_status
from core.services.vault_rotation import Rotated, rotate_vault

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """The keys that everything is sealed with."""


@app.command()
def status(json: Json = False) -> None:
    """Show the master keys and data keys by their ids, and how many values are sealed under each."""
    with opened() as workspace:
        found = vault_status(terminal_actor(workspace), workspace)
    if json:
        as_json(asdict(found))
        return
    plain(f"Master keys, the newest first, from {found.where}: {', '.join(found.master_keys)}")
    table(
        ["Data key", "Master key", "Sealed values"],
        [[one.id, "not in this database" if one.missing else one.master_key, one.values] for one in found.data_keys],
    )
    if found.rotating:
        plain("A rotation has begun and not ended. Go on with it: onboarding vault rotate")


@app.command()
def check(json: Json = False) -> None:
    """Open every sealed value, and say which do not open. Exit 0: all open, 1: some do not."""
    with opened() as workspace, _bar("Opening") as progress:
        found = check_vault(terminal_actor(workspace), workspace, progress=progress)
    if json:
        as_json(asdict(found))
    elif found.unopened:
        _list(found.unopened)
        plain(f"{len(found.unopened)} of {found.values} sealed values do not open.", error=True)
    else:
        plain(f"All {found.values} sealed values open.")
    if found.unopened:
        raise typer.Exit(REFUSED)


@app.command()
def rotate(
    leave_broken: Annotated[
        bool, typer.Option("--leave-broken", help="Give up the values that do not open: they never will.")
    ] = False,
    json: Json = False,
) -> None:
    """Seal everything again under a new master key and a new data key, while the program runs; the old ones are needed
    no more. Goes on with a rotation that was stopped. Exit 0: done, 1: not done yet."""
    with opened() as workspace, _bar("Sealing again") as progress, _stoppable() as stop:
        found = rotate_vault(
            terminal_actor(workspace), workspace, leave_broken=leave_broken, progress=progress, stop=stop
        )
    if json:
        as_json(asdict(found) | {"problem": str(found.problem) if found.problem else None})
    else:
        if found.broken:
            _list(found.broken)
        if found.problem:
            plain(str(found.problem), error=True)
        if found.done:
            plain(f"Done: {found.sealed} values were sealed again, under the master key {found.master_key}.")
            _say_old(found)
    if not found.done:
        raise typer.Exit(REFUSED)


def _say_old(found: Rotated) -> None:
    ids = ", ".join(found.old_master_keys)
    if found.source == "file":
        plain("Keep a copy of the new master.key, apart from the database.")
    if ids and found.source == "file":
        plain(f"Needed no more, and taken out of master.key: {ids}. Only copies of the database from before need it.")
    elif ids:
        plain(f"Needed no more: {ids}. Take it out of where your master keys come from.")


def _list(values: list[Unopened]) -> None:
    rows = [[one.table, one.row, one.name, one.field, one.why] for one in values]
    table(["Table", "Row", "Name", "Field", "Why"], rows)


@contextmanager
def _bar(doing: str) -> Iterator[Progress]:
    """A bar on the error output of a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets: the batch under way is finished first."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
