"""Puts the commands together."""

import logging
from typing import Annotated

import typer
from pydantic import SecretStr, ValidationError

from core.cli import accounts, allow, audit, bills, buckets, credentials, demo, keys, password, policy, requests, vault
from core.cli.backup import backup, restore
from core.cli.costs import costs
from core.cli.output import Json, as_json, fail, plain, table
from core.cli.run import run_all
from core.log import start_logging
from core.outscale.regions import RegionFileError, load_regions
from core.sandbox.cli import app as sandbox_app
from core.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Onboard OUTSCALE cloud accounts: every credential checked before it is stored.",
)
app.add_typer(credentials.app, name="credentials", help="Add, check and manage credentials.")
app.add_typer(accounts.app, name="accounts", help="Known accounts, their data at OUTSCALE, and their keypairs.")
app.add_typer(requests.app, name="requests", help="Ask for accounts and copies, and follow what was asked.")
app.add_typer(buckets.app, name="buckets", help="Look into billing buckets.")
app.add_typer(bills.app, name="bills", help="Read the bill files of billing buckets.")
app.command()(costs)
app.add_typer(keys.app, name="keys", help="Access keys: create, change, rotate, delete, and what is open.")
app.add_typer(policy.app, name="policy", help="When keys and requests need attention.")
app.add_typer(audit.app, name="audit", help="What was done, by whom, from where; whether that record is whole.")
app.add_typer(vault.app, name="vault", help="The keys that everything is sealed with: look, check, rotate.")
app.add_typer(allow.app, name="allow", help="Hosts that may be connected to: proxies, private addresses.")
app.command()(backup)
app.command()(restore)
app.add_typer(password.app, name="password", help="The password that a sealed secret is revealed with.")
app.add_typer(demo.app, name="demo", help="Record the walkthrough as a folder of pictures.")
app.add_typer(sandbox_app, name="sandbox", help="The local OUTSCALE for demos and tests.")


@app.command()
def run() -> None:
    """Start the sandbox and the dashboard; Ctrl-C ends both."""
    raise typer.Exit(run_all(Settings()))


@app.command()
def settings(json: Json = False) -> None:
    """List the settings, their values and what they mean. The master key is never shown."""
    values = Settings()
    lines = []
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        if isinstance(value, dict):
            value = ",".join(f"{group}={role}" for group, role in value.items())
        shown = "(set)" if isinstance(value, SecretStr) else "" if value is None else str(value)
        lines.append({"name": f"ONBOARDING_{name.upper()}", "value": shown, "description": field.description or ""})
    if json:
        as_json(lines)
    else:
        table(["Setting", "Value", "Meaning"], [list(line.values()) for line in lines])


@app.command()
def regions(json: Json = False) -> None:
    """List the Regions known now."""
    known = list(load_regions(Settings()).values())
    if json:
        as_json([region.model_dump(mode="json") for region in known])
    else:
        table(["Region", "API", "Object storage"], [[str(region), region.api, region.oos] for region in known])


@app.callback()
def begin(
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more in the log file of the home folder.")] = False,
) -> None:
    """Onboard OUTSCALE cloud accounts."""
    try:
        values = Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            plain(f"ONBOARDING_{str(problem['loc'][0]).upper()}: {problem['msg']}.", error=True)
        raise typer.Exit(2) from None
    start_logging(values, "terminal", level=logging.DEBUG if verbose else None)


def main() -> None:
    """The entry point. What the user cannot see into ends in one line, never in a traceback."""
    try:
        app()
    except RegionFileError as error:
        fail(str(error), 2)
