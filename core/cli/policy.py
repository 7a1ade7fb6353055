"""`onboarding policy …`"""

from typing import Annotated

import typer

from core.cli.credentials import terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import Json, as_json, opened, plain, table
from core.services.policy import FIGURES, PolicyFigures, set_policy, show_policy

app = typer.Typer(no_args_is_help=True)

_HELP = {figure.field: f"{figure.meaning} {figure.least} to {figure.most}." for figure in FIGURES}


@app.callback()
def group() -> None:
    """When keys and requests need attention."""


@app.command()
def show(json: Json = False) -> None:
    """Show the policy in force."""
    with opened() as workspace:
        policy = show_policy(terminal_actor(workspace), workspace)
    _say(policy, json)


@app.command("set")
def set_figures(
    expires_soon_days: Annotated[int | None, typer.Option(help=_HELP["expires_soon_days"])] = None,
    old_days: Annotated[int | None, typer.Option(help=_HELP["old_days"])] = None,
    unused_days: Annotated[int | None, typer.Option(help=_HELP["unused_days"])] = None,
    grace_days: Annotated[int | None, typer.Option(help=_HELP["grace_days"])] = None,
    remind_days: Annotated[int | None, typer.Option(help=_HELP["remind_days"])] = None,
    json: Json = False,
) -> None:
    """Set figures of the policy; those not given stay. Exit 2: bad input."""
    asked = {
        "expires_soon_days": expires_soon_days,
        "old_days": old_days,
        "unused_days": unused_days,
        "grace_days": grace_days,
        "remind_days": remind_days,
    }
    with opened() as workspace:
        actor = terminal_actor(workspace)
        given = {name: value for name, value in asked.items() if value is not None}
        policy = show_policy(actor, workspace).model_copy(update=given)
        problems = set_policy(actor, workspace, policy)
    for problem in problems:
        plain(f"--{problem.field.replace('_', '-')}: {problem}", error=True)
    if problems:
        raise typer.Exit(BAD_INPUT)
    _say(policy, json)


def _say(policy: PolicyFigures, json: bool) -> None:
    if json:
        as_json(policy.model_dump())
    else:
        table(["Figure", "Days", "Meaning"], [[one.title, getattr(policy, one.field), one.meaning] for one in FIGURES])
