"""What the terminal takes in: an object from a file or the input, a day."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import yaml
from pydantic import BaseModel, ValidationError

from core.cli.output import fail
from core.domain.credentials import FieldProblem

Form = TypeVar("Form", bound=BaseModel)

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


def read_form(file: str, model: type[Form], example: str) -> tuple[Form | None, list[FieldProblem]]:
    """A form from a file or the input, and what is wrong with its shape; see `read_object`."""
    content = read_object(file, example)
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, [_field_problem(problem) for problem in error.errors(include_input=False, include_url=False)]


def read_text(file: str) -> str:
    """The text of a file, or of the input for `-`; what cannot be read ends the command with one line."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", BAD_INPUT)
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8 text.", BAD_INPUT)


def day_of(text: str | None) -> date | None:
    """The day that was typed, None for none; what is no day ends the command with one line."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(f"{text} is no day. Write it as YYYY-MM-DD.", BAD_INPUT)


def _field_problem(problem: Any) -> FieldProblem:
    path = ""
    for part in problem["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    mends = {
        "string_type": "Write it as text, in quotes.",
        "extra_forbidden": "Remove it, or look for a slip of the pen.",
    }
    what = {"extra_forbidden": "The form has no such field.", "string_type": "This is not text."}
    kind = problem["type"]
    return FieldProblem(
        field=path, what=what.get(kind, f"{problem['msg']}."), mend=mends.get(kind, "Compare with the documentation.")
    )
