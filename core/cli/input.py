"""What the terminal takes in: an object from a file or the input."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from core.cli.output import fail

BAD_INPUT = 2
"""Exit code for input that cannot be used."""
File = Annotated[str, typer.Argument(help="JSON or YAML file of the form's fields; - reads the input.")]


def read_object(file: str, form: str) -> dict[str, Any]:
    """The object in a JSON or YAML file, or in the input for `-`. What cannot be read ends the command with one line,
    which quotes none of it: it may hold secrets. `form` shows what the object looks like."""
    try:
        content = yaml.safe_load(read_text(file))
    except yaml.YAMLError as error:
        # The parser's own text quotes the file.
        mark = getattr(error, "problem_mark", None)
        fail(f"This is neither JSON nor YAML{f' (line {mark.line + 1})' if mark else ''}.", BAD_INPUT)
    if not isinstance(content, dict):
        fail(f"The input must be an object with the form's fields, such as {form}.", BAD_INPUT)
    return content


def read_text(file: str) -> str:
    """The text of a file, or of the input for `-`; what cannot be read ends the command with one line."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", BAD_INPUT)
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8 text.", BAD_INPUT)
