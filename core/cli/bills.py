"""`onboarding bills …`, for people and for cron."""

from typing import Annotated, Any

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.output import Json, as_json, opened, plain, table

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Read the bill files of billing buckets."""


@app.command()
def pull(json: Json = False) -> None:
    """Read the bill files that are new or changed, then mail what about costs needs somebody when that is set up.

    Exit 0: all read, 1: some could not be read."""
    from core.services.bill_pull import pull as pull_bills  # noqa: PLC0415 - no other command waits for Polars
    from core.services.budgets import mail_alerts  # noqa: PLC0415

    with opened() as workspace:
        actor = terminal_actor(workspace)
        report = pull_bills(
            actor,
            workspace,
            progress=lambda done, total, doing: plain(f"{done} of {total or '…'}: {doing}", error=True),
        )
        mailed, unsent = mail_alerts(actor, workspace)
    problems = [str(one) for one in report.problems] + ([f"The mail was not sent: {unsent}"] if unsent else [])
    counted = {name: value for name, value in vars(report).items() if isinstance(value, int) and name != "stopped"}
    if json:
        as_json(counted | {"mailed": mailed, "problems": problems})
    else:
        table(["What", "Files"], [[_WORDS[name], count] for name, count in counted.items()])
        if mailed:
            plain(f"Mailed: {mailed}")
        for problem in problems:
            plain(problem, error=True)
    if problems or report.failed or report.unknown:
        raise typer.Exit(REFUSED)


@app.command("list")
def list_bills(
    broken: Annotated[bool, typer.Option("--broken", help="Only those that were not read wholly.")] = False,
    json: Json = False,
) -> None:
    """List the bill files as they were read last."""
    from core.services.bill_files import bill_objects  # noqa: PLC0415

    with opened() as workspace:
        rows = [
            one
            for one in bill_objects(terminal_actor(workspace), workspace)
            if not broken or one.state != "read" or one.refused or one.problem
        ]
    if json:
        as_json([_plain(vars(one)) for one in rows])
        return
    table(
        ["Bucket", "Object key", "State", "Layout", "Lines", "Refused", "Sums", "Problem"],
        [
            [
                f"{one.bucket} ({one.region})",
                one.key,
                one.state,
                one.layout,
                one.accepted,
                one.refused,
                ", ".join(f"{cost:.2f} {currency}" for currency, cost in one.sums.items()),
                one.problem,
            ]
            for one in rows
        ],
    )


_WORDS = {
    "read": "read",
    "unchanged": "unchanged",
    "failed": "failed",
    "unknown": "columns not understood",
    "no_bill": "no bill",
    "gone": "gone from the bucket",
}


def _plain(value: Any) -> Any:
    """A value as JSON has it: amounts as text, so that no digit is lost."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value if isinstance(value, str | int | list) or value is None else str(value)
