"""`onboarding credentials …`. Secrets come from a file or the input, never from an argument."""

import sys
from typing import Annotated, Any

import typer

from core.cli.input import BAD_INPUT, File, read_form
from core.cli.output import Json, as_json, check_json, checks_table, fail, opened, plain, table
from core.domain.actor import Actor
from core.domain.checks import State
from core.domain.credentials import CredentialsDraft, FieldProblem
from core.domain.roles import Role
from core.services.credentials import (
    check_again,
    delete_credentials,
    export_credentials,
    list_credentials,
    set_enabled,
    show_credentials,
)
from core.services.onboarding import CheckReport, add_credentials, check_draft
from core.services.workspace import Workspace

app = typer.Typer(no_args_is_help=True)

REFUSED = 1

Name = Annotated[str, typer.Argument(help="Name of the credentials.")]
Names = Annotated[list[str], typer.Argument(help="Names of credentials.")]


def terminal_actor(workspace: Workspace) -> Actor:
    """Who acts at the terminal."""
    return Actor(name=workspace.settings.operator, via="terminal", role=Role.ADMINISTRATOR)


@app.command()
def add(
    file: File,
    accept_unreachable: Annotated[
        bool, typer.Option("--add-anyway", help="Store even when OUTSCALE cannot be reached from here.")
    ] = False,
    json: Json = False,
) -> None:
    """Check credentials and store them when nothing failed. Exit 0: added, 1: refused by checks, 2: bad input."""
    draft, problems = read_form(file, CredentialsDraft, '{"name": …, "projects": […]}')
    with opened() as workspace:
        actor = terminal_actor(workspace)
        report = CheckReport(draft.name if draft else "", problems=problems)
        added = None
        if draft:
            report = check_draft(actor, workspace, draft)
            if not report.problems:
                result = add_credentials(actor, workspace, draft, report, accept_unreachable=accept_unreachable)
                added = result.id
                problems = [] if report.failures else result.problems
            else:
                problems = report.problems
        if json:
            as_json(_answer(report, problems) | {"added": added is not None, "id": added})
        else:
            _say_problems(problems)
            checks_table(report.results)
            plain(f"{report.name} was added." if added else f"{report.name or 'Nothing'} was not added.")
    if not added:
        raise typer.Exit(BAD_INPUT if problems else REFUSED)


@app.command("list")
def list_all(
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """List stored credentials."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        rows = list_credentials(actor, workspace)
        exported = export_credentials(actor, workspace, rows) if csv and not json else ""
    if json:
        as_json([row.model_dump(mode="json") | {"kind": row.kind} for row in rows])
    elif csv:
        sys.stdout.write(exported)
    else:
        table(
            ["Name", "Kind", "Activation", "State", "Regions", "Accounts"],
            [
                [
                    row.name,
                    row.kind,
                    "enabled" if row.enabled else "disabled",
                    row.state.value,
                    ", ".join(row.regions),
                    ", ".join(row.accounts),
                ]
                for row in rows
            ],
        )


@app.command()
def show(name: Name, json: Json = False) -> None:
    """Show one with its rows, last checks and events. Secrets stay sealed."""
    with opened() as workspace:
        details = show_credentials(terminal_actor(workspace), workspace, name)
    if details is None:
        fail(f"There are no credentials {name}.", BAD_INPUT)
    if json:
        as_json(details.model_dump(mode="json") | {"kind": details.kind})
        return
    activation = "enabled" if details.enabled else "disabled"
    plain(f"{details.name}: {details.kind}, {activation}, {details.state.value}, ID {details.id}")
    if details.billing_only:
        plain(f"Billing access key {details.billing_access_key}")
        table(["Bucket", "Region"], [[bucket.name, bucket.region] for bucket in details.buckets])
    else:
        table(
            ["Access key", "Account ID", "Region"],
            [[row.access_key, row.account_id, row.region] for row in details.projects],
        )
        plain(f"Proxy: {details.proxy or 'none'}")
    checks_table(details.checks)


@app.command()
def check(names: Names, json: Json = False) -> None:
    """Check stored credentials again. Exit 0: nothing failed, 1: something did, 2: unknown name."""
    with opened() as workspace:
        reports = check_again(terminal_actor(workspace), workspace, names)
    if json:
        answers = [_answer(report, report.problems) for report in reports]
        as_json(answers[0] if len(answers) == 1 else answers)
    else:
        for report in reports:
            _say_problems(report.problems)
            checks_table(report.results)
            plain(f"{report.name}: {_state(report)}")
    if any(report.problems for report in reports):
        raise typer.Exit(BAD_INPUT)
    if any(not report.complete for report in reports):
        raise typer.Exit(REFUSED)


@app.command()
def enable(names: Names, json: Json = False) -> None:
    """Enable credentials."""
    _switch(names, True, json)


@app.command()
def disable(names: Names, json: Json = False) -> None:
    """Disable credentials: nothing uses them until they are enabled."""
    _switch(names, False, json)


@app.command()
def delete(
    name: Name,
    confirm: Annotated[str | None, typer.Option(help="The name again; asked for when missing.")] = None,
    json: Json = False,
) -> None:
    """Delete credentials with their sealed secrets."""
    typed = confirm if confirm is not None else typer.prompt(f"Type {name} to delete it", err=True)
    with opened() as workspace:
        problem = delete_credentials(terminal_actor(workspace), workspace, name, typed)
    if problem:
        fail(problem, BAD_INPUT)
    if json:
        as_json({"name": name, "deleted": True})
    else:
        plain(f"{name} was deleted.")


def _switch(names: list[str], enabled: bool, json: bool) -> None:
    with opened() as workspace:
        actor = terminal_actor(workspace)
        known = {row.name for row in list_credentials(actor, workspace)}
        unknown = [name for name in names if name not in known]
        if unknown:
            fail(f"There are no credentials {', '.join(unknown)}. Nothing was changed.", BAD_INPUT)
        changed = set_enabled(actor, workspace, names, enabled)
    if json:
        as_json([{"name": name, "enabled": enabled, "changed": name in changed} for name in names])
    else:
        for name in names:
            plain(f"{name} is {'enabled' if enabled else 'disabled'}{'' if name in changed else ' already'}.")


def _answer(report: CheckReport, problems: list[FieldProblem]) -> dict[str, Any]:
    return {
        "name": report.name,
        "state": _state(report),
        "checks": [check_json(line) for line in report.results],
        "problems": [problem.model_dump() for problem in problems],
    }


def _state(report: CheckReport) -> str:
    return (State.ERROR if report.problems else report.state).value


def _say_problems(problems: list[FieldProblem]) -> None:
    for problem in problems:
        plain(f"{problem.field}: {problem}", error=True)
