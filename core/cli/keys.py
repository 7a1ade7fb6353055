"""`onboarding keys …`. A password comes from a prompt or the input, a new secret goes to a file or stays sealed;
neither is ever an argument or printed."""

from typing import Annotated

import typer

from core.cli import keys_lost, keys_rotation
from core.cli.credentials import terminal_actor
from core.cli.input import BAD_INPUT, day_of
from core.cli.keys_account import AccessKeyId, Email, Expires, PasswordInput, Region, SignedBy, behind, said, stop
from core.cli.keys_audit import audit
from core.cli.keys_secret import FileForm, Form, Keep, Out, hand_over, place_for_secret
from core.cli.output import Json, as_json, fail, fields_json, opened, plain, table
from core.services.access_keys import change_key, create_key, delete_key, list_keys
from core.services.signing import signing_keys

app = typer.Typer(no_args_is_help=True)
app.command()(audit)
app.add_typer(keys_rotation.app)
app.add_typer(keys_lost.app)

User = Annotated[str, typer.Option(help="EIM user; without it, whoever opens.")]
Never = Annotated[bool, typer.Option("--never", help="It never expires.")]


@app.command()
def stored(json: Json = False) -> None:
    """List the keys that can sign here, and where their secret is."""
    with opened() as workspace:
        keys = signing_keys(terminal_actor(workspace), workspace)
    if json:
        as_json([fields_json(key) for key in keys])
    else:
        table(
            ["Access key", "Account ID", "Region", "Secret"],
            [[key.access_key, key.account_id, key.region, key.source] for key in keys],
        )


@app.command("list")
def list_all(
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    json: Json = False,
) -> None:
    """List the access keys of an account, or of one of its EIM users."""
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        listed = list_keys(actor, workspace, door, user)
    stop(listed.problem)
    if json:
        as_json([fields_json(one) for one in listed.keys])
        return
    table(
        ["Access key", "State", "Age (days)", "Expires", "Last used", "Used by", "Secret", "Tag"],
        [
            [
                one.access_key,
                one.state,
                "" if one.age_days is None else one.age_days,
                f"{one.expires:%Y-%m-%d}" if one.expires else "never",
                f"{one.last_used:%Y-%m-%d %H:%M}" if one.last_used else "",
                ", ".join(one.used_by),
                "sealed here" if one.sealed else "not here",
                one.tag,
            ]
            for one in listed.keys
        ],
    )


@app.command()
def create(
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    tag: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires: Expires = None,
    never: Never = False,
    out: Out = None,
    form: FileForm = Form.csv,
    keep: Keep = False,
    json: Json = False,
) -> None:
    """Create an access key, ACTIVE. Its secret goes to --out, or stays sealed here with --keep."""
    day = day_of(expires)
    place_for_secret(out, keep)
    if day is None and not never:
        fail("Say when the key expires: --expires YYYY-MM-DD, or --never.", BAD_INPUT)
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        made = create_key(actor, workspace, door, expires=day, tag=tag, user_name=user)
        if made.key is None:
            stop(made.problem)
            return
        hand_over(actor, workspace, made.intent, made.key, made.account_id, region, out, form, keep)
    if json:
        as_json({"access_key": made.key.access_key_id, "account_id": made.account_id, "region": region})
    else:
        plain(f"{made.key.access_key_id} was created; its secret is {f'in {out}' if out else 'sealed here'}.")


@app.command()
def activate(
    access_key: AccessKeyId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    json: Json = False,
) -> None:
    """Activate a key; its expiration stays."""
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        stop(change_key(actor, workspace, door, access_key, state="ACTIVE", user_name=user))
    said(access_key, "ACTIVE", json)


@app.command()
def deactivate(
    access_key: AccessKeyId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    json: Json = False,
) -> None:
    """Deactivate a key; its expiration stays."""
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        stop(change_key(actor, workspace, door, access_key, state="INACTIVE", user_name=user))
    said(access_key, "INACTIVE", json)


@app.command()
def change(
    access_key: AccessKeyId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    tag: Annotated[str | None, typer.Option(help="Another tag; an empty one removes it.")] = None,
    expires: Expires = None,
    never: Never = False,
    json: Json = False,
) -> None:
    """Give a key another expiration or tag."""
    day = day_of(expires)
    if tag is None and day is None and not never:
        fail("Say what to change: --tag, --expires or --never.", BAD_INPUT)
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        problem = change_key(actor, workspace, door, access_key, expires=day, never=never, tag=tag, user_name=user)
        stop(problem)
    said(access_key, "changed", json)


@app.command()
def delete(
    access_key: AccessKeyId,
    region: Region,
    email: Email = None,
    password_stdin: PasswordInput = False,
    key: SignedBy = None,
    user: User = "",
    confirm: Annotated[str | None, typer.Option(help="The access key again; asked for when missing.")] = None,
    json: Json = False,
) -> None:
    """Deactivate a key and delete it at OUTSCALE."""
    typed = confirm if confirm is not None else typer.prompt(f"Type {access_key} to delete it", err=True)
    with behind(region, email, password_stdin, key) as (actor, workspace, door):
        stop(delete_key(actor, workspace, door, access_key, typed, user_name=user))
    said(access_key, "deleted", json)
