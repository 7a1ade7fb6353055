"""`onboarding costs`."""

import re
from pathlib import Path
from typing import Annotated, get_args

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import Json, as_json, fail, opened, plain, table
from core.domain.bill_lines import Field
from core.domain.costs import By, CostQuery, month_bounds

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def costs(
    month: Annotated[str | None, typer.Option(help="Month, such as 2026-10; the last full one without it.")] = None,
    until: Annotated[str | None, typer.Option(help="Last month, when several are wanted.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Split by: month, day, service, account, region …")] = None,
    account: Annotated[list[str] | None, typer.Option(help="Only these Account IDs.")] = None,
    service: Annotated[list[str] | None, typer.Option(help="Only these services.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write to a file: .csv, .xlsx or .parquet; .focus.csv for FOCUS 1.2.")
    ] = None,
    json: Json = False,
) -> None:
    """Sum the costs of the bill files that were read. Each currency stands for itself.

    Exit 0: there are some, 1: there are none, 2: bad input."""
    from core.services.cost_export import export as write  # noqa: PLC0415 - no other command waits for Polars
    from core.services.cost_export import form_of  # noqa: PLC0415
    from core.services.costs import costs as sums  # noqa: PLC0415

    query = _query(month, until, by or ["service"], account or [], service or [])
    with opened() as workspace:
        actor = terminal_actor(workspace)
        if export:
            if (form := form_of(export)) is None:
                fail("--export: the name ends in none of .csv, .xlsx, .parquet, .focus.csv.", BAD_INPUT)
            if problem := write(actor, workspace, query, form, export):
                fail(str(problem), REFUSED)
            plain(f"Written: {export}")
            return
        frame = sums(actor, workspace, query)
    if json:
        as_json([{name: _shown(value) for name, value in row.items()} for row in frame.iter_rows(named=True)])
    elif len(frame):
        names = [*query.by, "currency", "cost", "lines"]
        rows = [
            [f"{row[name]:.2f}" if name == "cost" else row[name] for name in names]
            for row in frame.iter_rows(named=True)
        ]
        table([name.replace("_", " ").capitalize() for name in names], rows)
    else:
        plain("No line of a bill that was read is of this period. Read the bills: onboarding bills pull")
    if not len(frame):
        raise typer.Exit(REFUSED)


def _query(month: str | None, until: str | None, by: list[str], accounts: list[str], services: list[str]) -> CostQuery:
    for name, value in (("--month", month), ("--until", until)):
        if value is not None and not _MONTH.fullmatch(value):
            fail(f"{name}: {value} is no month. Type it like 2026-10.", BAD_INPUT)
    for value in by:
        if value not in get_args(By):
            fail(f"--by: {value} is not known. Choose of {', '.join(get_args(By))}.", BAD_INPUT)
    first, end = month_bounds(month)
    if until:
        _, end = month_bounds(until)
    if end <= first:
        fail("--until: it is before --month. Choose the same month or a later one.", BAD_INPUT)
    where = {Field.ACCOUNT: tuple(accounts), Field.SERVICE: tuple(services)}
    return CostQuery.model_validate(
        {
            "since": first,
            "until": end,
            "by": tuple(by),
            "where": {name: those for name, those in where.items() if those},
        }
    )


def _shown(value: object) -> object:
    """A value as JSON has it: amounts as text, so that no digit is lost."""
    return value if isinstance(value, str | int) or value is None else str(value)
