"""`onboarding sandbox`: run the local OUTSCALE, put faults into it, start it over."""

import json as json_
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from core.sandbox import control
from core.sandbox.control import ControlError
from core.sandbox.faults import KINDS, MEANINGS
from core.sandbox.info import read_info
from core.settings import Settings

app = typer.Typer(
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="The local OUTSCALE for demos and tests. Without a command: run it until Ctrl-C.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_FAULTS = "; ".join(f"{kind}: {meaning}" for kind, meaning in MEANINGS.items()) + "; clear: end all faults."


@app.callback()
def start(context: typer.Context) -> None:
    """Run the sandbox until Ctrl-C."""
    if context.invoked_subcommand is None:
        from core.sandbox.runner import serve  # noqa: PLC0415 - what only this command needs takes a second to load

        settings = _settings()
        raise typer.Exit(serve(settings, lambda: _greet(settings)))


@app.command()
def reset(json: Json = False) -> None:
    """Start over with the first accounts, keys and buckets."""
    answer = _told(lambda: control.reset(_settings()))
    _say(answer, json, "The sandbox starts over." if answer["running"] else "The sandbox will start over.")


@app.command()
def fault(
    kind: Annotated[str, typer.Argument(help=_FAULTS, metavar=f"{'|'.join(KINDS)}|clear")],
    region: Annotated[str | None, typer.Option(help="One Region only.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How slow, how far ahead, how long locked.")] = None,
    count: Annotated[int | None, typer.Option(help="How many requests it meets; all when not given.", min=1)] = None,
    account: Annotated[
        str | None,
        typer.Option(
            "--account-id", "--account", help="Account ID, for restrict, ca-required, password-expired and lock."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Let something go wrong, until `fault clear` or a restart."""
    if kind == "clear":
        _say(_told(lambda: control.clear_faults(_settings())), json, "No fault is at work.")
        return
    answer = _told(
        lambda: control.set_fault(_settings(), kind, region=region, seconds=seconds, count=count, account_id=account)
    )
    _say(answer, json, f"At work: {', '.join(one['kind'] for one in answer['faults'])}.")


@app.command()
def status(json: Json = False) -> None:
    """Say whether the sandbox runs, where, and which faults are at work."""
    settings = _settings()
    answer = _told(lambda: control.status(settings))
    lines = ["The sandbox does not run."]
    if answer["running"]:
        regions = (read_info(settings) or {"regions": []})["regions"]
        lines = [f"{one['name']} - {one['label']}: API {one['api']}, storage {one['oos']}" for one in regions]
        lines += [f"Fault: {one['kind']} in {one['region'] or 'both Regions'}" for one in answer["faults"]]
    _say(answer, json, "\n".join(lines))


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            typer.echo(f"ONBOARDING_{str(problem['loc'][0]).upper()}: {problem['msg']}.", err=True)
        raise typer.Exit(2) from None


def _greet(settings: Settings) -> None:
    info = read_info(settings) or {"regions": []}
    for region in info["regions"]:
        typer.echo(f"{region['name']} - {region['label']}: API {region['api']}, storage {region['oos']}")
    typer.echo(f"Accounts, keys and billing buckets: {settings.sandbox_file}   (Ctrl-C ends it)")


def _told(ask: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = ask()
    except ControlError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    return answer


def _say(answer: dict[str, Any], json: bool, words: str) -> None:
    typer.echo(json_.dumps(answer) if json else words)


if __name__ == "__main__":
    app()
