"""`onboarding keys audit`, for people and for cron."""

from typing import Annotated

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.output import Json, as_json, opened, plain, table
from core.services.attention import attention, by_urgency, refresh_keys


def audit(
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Read the keys and their use first, with every key that is stored here.")
    ] = False,
    json: Json = False,
) -> None:
    """List what needs attention, the most urgent first. Exit 0: nothing, 1: something."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        unread = refresh_keys(actor, workspace) if refresh else []
        lines = by_urgency([*unread, *attention(actor, workspace)])
    if json:
        as_json([line.model_dump(mode="json") for line in lines])
    elif lines:
        table(
            ["Kind", "Subject", "Account ID", "Region", "What", "What to do"],
            [[line.kind.value, line.subject, line.account_id, line.region, line.what, line.mend] for line in lines],
        )
    else:
        plain("Nothing needs attention.")
    if lines:
        raise typer.Exit(REFUSED)
