"""`onboarding password …`"""

from typing import Annotated

import typer

from core.cli.credentials import terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import fail, opened, plain
from core.cli.passphrases import read_passphrase
from core.services.local_password import set_password

app = typer.Typer(no_args_is_help=True)

_STDIN = "--password-stdin"


@app.callback()
def group() -> None:
    """The password that a sealed secret is revealed with on the screen. No command reveals one: a secret is never
    printed."""


@app.command("set")
def set_it(
    password_stdin: Annotated[bool, typer.Option(_STDIN, help="Read it from the input's first line.")] = False,
) -> None:
    """Set the password, or another one in its place. It is typed twice. Exit 2: bad input."""
    with opened() as workspace:
        password = read_passphrase("password", from_input=password_stdin, option=_STDIN, twice=True)
        problem = set_password(terminal_actor(workspace), workspace, password)
    if problem:
        fail(str(problem), BAD_INPUT)
    plain("The password is set. It is asked for when a sealed secret is revealed on the screen.")
