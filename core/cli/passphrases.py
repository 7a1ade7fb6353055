"""How passwords and passphrases reach a command: typed unseen, or as the input's first line. Never as an argument."""

import sys

import typer
from pydantic import SecretStr

from core.cli.input import BAD_INPUT
from core.cli.output import fail


def read_passphrase(what: str, *, from_input: bool, option: str, twice: bool) -> SecretStr:
    """One from the input, or typed at the terminal, a new one `twice`. What cannot be had ends the command with one
    line. `what` names it; `option` is the one that reads the input."""
    if from_input:
        return SecretStr(sys.stdin.readline().rstrip("\r\n"))
    if not sys.stdin.isatty():
        fail(f"The {what} is asked for at a terminal only. To give it through the input, add {option}.", BAD_INPUT)
    typed: str = typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=twice, err=True)
    return SecretStr(typed)
