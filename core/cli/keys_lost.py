"""`onboarding keys open`: keys that may be lost and secrets that nobody took yet, and what is done about them."""

from typing import Annotated

import typer

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.keys_account import AccessKeyId, Email, PasswordInput, Region, SignedBy, behind, said, stop
from core.cli.keys_secret import FileForm, Form, Keep, Out, hand_over, place_for_secret
from core.cli.output import Json, as_json, fail, fields_json, opened, plain, table
from core.outscale.models import CreatedAccessKey
from core.services import key_intents

app = typer.Typer()

IntentId = Annotated[str, typer.Argument(help="ID, as `keys open` lists it.")]


@app.command("open")
def open_ones(json: Json = False) -> None:
    """List what is open: keys that may exist without anybody holding their secret, and secrets nobody took yet."""
    with opened() as workspace:
        found = key_intents.open_intents(terminal_actor(workspace), workspace)
    if json:
        as_json([fields_json(one) for one in found])
        return
    table(
        ["ID", "What", "Account", "Region", "Access key", "Begun by", "Begun"],
        [
            [
                one.id,
                "secret waits here" if one.waiting else "a key may exist",
                one.account_id or one.email,
                one.region,
                one.access_key,
                one.actor,
                f"{one.begun:%Y-%m-%d %H:%M}",
            ]
            for one in found
        ],
    )


@app.command()
def take(intent: IntentId, out: Out = None, form: FileForm = Form.csv, keep: Keep = False, json: Json = False) -> None:
    """Take the secret that waits: to --out, or keep it sealed here with --keep."""
    place_for_secret(out, keep)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        found = next((one for one in key_intents.open_intents(actor, workspace) if one.id == intent), None)
        secret = key_intents.waiting_secret(actor, workspace, intent)
        if found is None or secret is None:
            fail(f"No secret waits under {intent}.", BAD_INPUT)
        key = CreatedAccessKey(access_key_id=found.access_key, state="ACTIVE", secret_key=secret)
        hand_over(actor, workspace, intent, key, found.account_id, found.region, out, form, keep)
    said(found.access_key, "taken", json)


@app.command()
def look(
    intent: IntentId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    json: Json = False,
) -> None:
    """Look for the key that an unanswered creation may have left. Exit 1 when one is there."""
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        looked = key_intents.search(actor, workspace, intent, door)
    stop(looked.problem)
    if json:
        as_json([one.model_dump(mode="json") for one in looked.found])
    elif not looked.found:
        plain("Nothing was left.")
    for one in looked.found if not json else []:
        plain(f"{one.access_key_id} may be it: onboarding keys revoke {intent} {one.access_key_id} --region {region} …")
    if looked.found:
        raise typer.Exit(REFUSED)


@app.command()
def revoke(
    intent: IntentId,
    access_key: AccessKeyId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    json: Json = False,
) -> None:
    """Delete a key that an unanswered creation left."""
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        looked = key_intents.revoke(actor, workspace, intent, door, access_key)
    stop(looked.problem)
    said(access_key, "revoked", json)
