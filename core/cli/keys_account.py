"""What commands about access keys share: the opened account that they work on, and how they end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import SecretStr

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import as_json, fail, opened, plain
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.doors import Door, close_door, open_with_key, open_with_password
from core.services.workspace import Workspace

_INPUT_FIELDS = {"email", "region", "expires", "tag", "typed", "key"}

Region = Annotated[str, typer.Option(help="Region of the account, such as eu-west-2.")]
Email = Annotated[str | None, typer.Option(help="Open by the account's password; it is asked for.")]
PasswordInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the input.")]
SignedBy = Annotated[str | None, typer.Option("--key", help="Open by an access key whose secret is sealed here.")]
AccessKeyId = Annotated[str, typer.Argument(help="Access key.")]
Expires = Annotated[str | None, typer.Option(help="First day (UTC) on which it is no longer valid, YYYY-MM-DD.")]


@contextmanager
def behind(
    region: str, email: str | None, password_stdin: bool, key: str | None
) -> Iterator[tuple[Actor, Workspace, Door]]:
    """The opened account: by its password, or by a stored key."""
    if (email is None) == (key is None):
        fail("Say who opens: --email, or --key of an access key that is stored here.", BAD_INPUT)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        if email is not None:
            asked = sys.stdin.readline().rstrip("\r\n") if password_stdin else _prompted()
            found = open_with_password(actor, workspace, email, SecretStr(asked), region)
        else:
            found = open_with_key(actor, workspace, key or "", region)
        if found.door is None:
            stop(found.problem)
            raise typer.Exit(REFUSED)
        try:
            yield actor, workspace, found.door
        finally:
            close_door(found.door)


def stop(problem: FieldProblem | None) -> None:
    """End with what is wrong, if anything is: exit 2 for input that can be corrected, 1 for everything else."""
    if problem:
        fail(f"{problem.field}: {problem}", BAD_INPUT if problem.field in _INPUT_FIELDS else REFUSED)


def said(access_key: str, what: str, json: bool) -> None:
    """Say what became of a key."""
    if json:
        as_json({"access_key": access_key, "state": what})
    else:
        plain(f"{access_key}: {what}.")


def _prompted() -> str:
    return str(typer.prompt("Password of the account", hide_input=True, err=True))
