"""`onboarding allow …`"""

from typing import Annotated

import typer

from core.cli.credentials import terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import Json, as_json, opened, plain, table
from core.domain.hosts import RULE_FORM
from core.services.allowed_hosts import allow_host, list_allowed_hosts, remove_allowed_host

app = typer.Typer(no_args_is_help=True)

Entry = Annotated[str, typer.Argument(help=f"For example {RULE_FORM}.")]


@app.callback()
def group() -> None:
    """Hosts that this program may connect to beside OUTSCALE's own: proxies, and Regions on private addresses."""


@app.command("list")
def list_entries(json: Json = False) -> None:
    """List the allowed hosts."""
    with opened() as workspace:
        entries = list_allowed_hosts(terminal_actor(workspace), workspace)
    if json:
        as_json([entry.model_dump(mode="json") for entry in entries])
        return
    table(
        ["Host", "Note", "Added", "By"],
        [
            [
                one.entry if one.counts else f"{one.entry} (opens nothing any more)",
                one.note,
                f"{one.added:%Y-%m-%d %H:%M} UTC",
                one.added_by,
            ]
            for one in entries
        ],
    )


@app.command()
def add(
    entry: Entry,
    note: Annotated[str, typer.Option(help="What it is for, for whoever looks at the list later.")] = "",
) -> None:
    """Allow a host, a domain, an address or a network. Exit 2: it cannot be allowed, or it is on the list already."""
    with opened() as workspace:
        problems = allow_host(terminal_actor(workspace), workspace, entry, note)
    for problem in problems:
        plain(str(problem), error=True)
    if problems:
        raise typer.Exit(BAD_INPUT)
    plain(f"{entry} is allowed from the next connection on.")


@app.command()
def remove(entry: Entry) -> None:
    """Take an entry from the list. Exit 2: it is not there."""
    with opened() as workspace:
        problem = remove_allowed_host(terminal_actor(workspace), workspace, entry)
    if problem:
        plain(str(problem), error=True)
        raise typer.Exit(BAD_INPUT)
    plain(f"{entry} is allowed no more, from the next connection on.")
