"""`onboarding keys …`. A password comes from a prompt or the input, a new secret goes to a file or stays sealed;
neither is ever an argument or printed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.keys_audit import audit
from core.cli.output import Json, as_json, check_json, checks_table, fail, opened, plain, table
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.models import CreatedAccessKey
from core.services import key_intents
from core.services.access_keys import change_key, create_key, delete_key, list_keys
from core.services.doors import Door, close_door, open_with_key, open_with_password
from core.services.key_files import key_csv, key_profile
from core.services.key_views import KeyView
from core.services.rotation import Advance, RotationView, advance, begin_rotation, bring_back, list_rotations
from core.services.signing import signing_keys
from core.services.workspace import Workspace

app = typer.Typer(no_args_is_help=True)
app.command()(audit)

_INPUT_FIELDS = {"email", "region", "expires", "tag", "typed", "key"}

Region = Annotated[str, typer.Option(help="Region of the account, such as eu-west-2.")]
Email = Annotated[str | None, typer.Option(help="Open by the account's password; it is asked for.")]
PasswordInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the input.")]
SignedBy = Annotated[str | None, typer.Option("--key", help="Open by an access key whose secret is sealed here.")]
User = Annotated[str, typer.Option(help="EIM user; without it, whoever opens.")]
AccessKeyId = Annotated[str, typer.Argument(help="Access key.")]
Expires = Annotated[str | None, typer.Option(help="First day (UTC) on which it is no longer valid, YYYY-MM-DD.")]
Never = Annotated[bool, typer.Option("--never", help="It never expires.")]
Out = Annotated[Path | None, typer.Option(help="New file for the secret, mode 0600.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the secret sealed here.")]
IntentId = Annotated[str, typer.Argument(help="ID, as `keys open` lists it.")]


class Form(StrEnum):
    """What a file with a new key looks like."""

    csv = "csv"
    osc = "osc"


FileForm = Annotated[Form, typer.Option("--format", help="csv, or osc: a profile for ~/.osc/config.json.")]


@app.command()
def stored(json: Json = False) -> None:
    """List the keys that can sign here, and where their secret is."""
    with opened() as workspace:
        keys = signing_keys(terminal_actor(workspace), workspace)
    if json:
        as_json([asdict(key) for key in keys])
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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        listed = list_keys(actor, workspace, door, user)
    _stop(listed.problem)
    if json:
        as_json([_key_json(one) for one in listed.keys])
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
    day = _day(expires)
    _place_for_secret(out, keep)
    if day is None and not never:
        fail("Say when the key expires: --expires YYYY-MM-DD, or --never.", BAD_INPUT)
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        made = create_key(actor, workspace, door, expires=day, tag=tag, user_name=user)
        if made.key is None:
            _stop(made.problem)
            return
        _hand_over(actor, workspace, made.intent, made.key, made.account_id, region, out, form, keep)
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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        _stop(change_key(actor, workspace, door, access_key, state="ACTIVE", user_name=user))
    _said(access_key, "ACTIVE", json)


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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        _stop(change_key(actor, workspace, door, access_key, state="INACTIVE", user_name=user))
    _said(access_key, "INACTIVE", json)


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
    day = _day(expires)
    if tag is None and day is None and not never:
        fail("Say what to change: --tag, --expires or --never.", BAD_INPUT)
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        problem = change_key(actor, workspace, door, access_key, expires=day, never=never, tag=tag, user_name=user)
        _stop(problem)
    _said(access_key, "changed", json)


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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        _stop(delete_key(actor, workspace, door, access_key, typed, user_name=user))
    _said(access_key, "deleted", json)


@app.command()
def rotate(
    access_key: AccessKeyId,
    region: Region,
    expires: Expires = None,
    tag: Annotated[str | None, typer.Option(help="Tag of the new key; without it, the old one's.")] = None,
    take_over: Annotated[bool, typer.Option("--take-over", help="Go on although somebody is at it.")] = False,
    delete_now: Annotated[bool, typer.Option("--delete-now", help="Do not wait for the time of grace.")] = False,
    json: Json = False,
) -> None:
    """Replace a key whose secret is sealed here, in all credentials that use it; goes on with one that was begun."""
    day = _day(expires)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        present = _rotation_of(actor, workspace, access_key, region)
        if present is None:
            begun = begin_rotation(actor, workspace, access_key, region, tag=tag, expires=day)
            _stop(begun.problem)
            present = begun.rotation
        assert present is not None  # noqa: S101 - a rotation without problem has begun
        done = advance(actor, workspace, present.id, take_over=take_over, delete_now=delete_now)
    _say_rotation(done, json)


@app.command()
def back(
    access_key: AccessKeyId,
    region: Region,
    take_over: Annotated[bool, typer.Option("--take-over", help="Although somebody is at it.")] = False,
    json: Json = False,
) -> None:
    """Bring back a key whose rotation is under way; the new one is deleted."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        present = _rotation_of(actor, workspace, access_key, region)
        if present is None:
            fail(f"No rotation of {access_key} is under way in {region}.", BAD_INPUT)
        done = bring_back(actor, workspace, present.id, take_over=take_over)
    _say_rotation(done, json)


@app.command()
def rotations(
    every: Annotated[bool, typer.Option("--all", help="Those that ended too.")] = False, json: Json = False
) -> None:
    """List the rotations that are under way."""
    with opened() as workspace:
        found = list_rotations(terminal_actor(workspace), workspace, ended=every)
    if json:
        as_json([_rotation_json(one) for one in found])
        return
    table(
        ["Old key", "New key", "Region", "Step", "Begun by", "Begun", "Delete after", "Problem"],
        [
            [
                one.old_key,
                one.new_key,
                one.region,
                one.outcome or one.step,
                one.actor,
                f"{one.begun:%Y-%m-%d %H:%M}",
                f"{one.delete_after:%Y-%m-%d %H:%M}" if one.delete_after else "",
                one.problem,
            ]
            for one in found
        ],
    )


@app.command()
def finish(json: Json = False) -> None:
    """Delete the old keys whose time of grace is over (for cron). Exit 1 when one could not be."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        due = [one for one in list_rotations(actor, workspace) if one.due]
        done = [advance(actor, workspace, one.id) for one in due]
    if json:
        as_json([_rotation_json(one.rotation) for one in done if one.rotation])
    else:
        plain(f"{sum(not one.problem for one in done)} of {len(done)} due rotations ended.")
    for one in done:
        if one.problem:
            plain(str(one.problem), error=True)
    if any(one.problem for one in done):
        raise typer.Exit(REFUSED)


@app.command("open")
def open_ones(json: Json = False) -> None:
    """List what is open: keys that may exist without anybody holding their secret, and secrets nobody took yet."""
    with opened() as workspace:
        found = key_intents.open_intents(terminal_actor(workspace), workspace)
    if json:
        as_json([asdict(one) | {"begun": one.begun.isoformat()} for one in found])
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
    _place_for_secret(out, keep)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        found = next((one for one in key_intents.open_intents(actor, workspace) if one.id == intent), None)
        secret = key_intents.waiting_secret(actor, workspace, intent)
        if found is None or secret is None:
            fail(f"No secret waits under {intent}.", BAD_INPUT)
        key = CreatedAccessKey(access_key_id=found.access_key, state="ACTIVE", secret_key=secret)
        _hand_over(actor, workspace, intent, key, found.account_id, found.region, out, form, keep)
    _said(found.access_key, "taken", json)


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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        looked = key_intents.search(actor, workspace, intent, door)
    _stop(looked.problem)
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
    with _behind(region, email, password_stdin, key) as (actor, workspace, door):
        looked = key_intents.revoke(actor, workspace, intent, door, access_key)
    _stop(looked.problem)
    _said(access_key, "revoked", json)


@contextmanager
def _behind(
    region: str, email: str | None, password_stdin: bool, key: str | None
) -> Iterator[tuple[Actor, Workspace, Door]]:
    """The opened account: by its password, or by a stored key."""
    if (email is None) == (key is None):
        fail("Say who opens: --email, or --key of an access key that is stored here.", BAD_INPUT)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        if email is not None:
            asked = sys.stdin.readline().rstrip("\r\n") if password_stdin else _prompted()
            found = open_with_password(actor, workspace, email, SecretStr(asked), region)
        else:
            found = open_with_key(actor, workspace, key or "", region)
        if found.door is None:
            _stop(found.problem)
            raise typer.Exit(REFUSED)
        try:
            yield actor, workspace, found.door
        finally:
            close_door(found.door)


def _prompted() -> str:
    return str(typer.prompt("Password of the account", hide_input=True, err=True))


def _stop(problem: FieldProblem | None) -> None:
    if problem:
        fail(f"{problem.field}: {problem}", BAD_INPUT if problem.field in _INPUT_FIELDS else REFUSED)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(f"{text} is no day. Write it as YYYY-MM-DD.", BAD_INPUT)


def _place_for_secret(out: Path | None, keep: bool) -> None:
    if out is None and not keep:
        fail("Say where the secret goes: --out FILE, or --keep to keep it sealed here.", BAD_INPUT)
    if out is not None and out.exists():
        fail(f"{out} exists. Name a new file.", BAD_INPUT)


def _hand_over(
    actor: Actor,
    workspace: Workspace,
    intent: str,
    key: CreatedAccessKey,
    account_id: str,
    region: str,
    out: Path | None,
    form: Form,
    keep: bool,
) -> None:
    """Write the secret where it was asked for; only then it waits no longer."""
    if out is not None:
        text = key_csv(key, account_id, region) if form is Form.csv else key_profile(workspace, key, region)
        try:
            with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except OSError as error:
            fail(
                f"{key.access_key_id} exists, but {out} cannot be written: {error.strerror}. Its secret waits here; "
                f"take it with: onboarding keys take {intent} --out FILE",
                REFUSED,
            )
    key_intents.take(actor, workspace, intent, account_id=account_id, sealed=keep, created=key)


def _rotation_of(actor: Actor, workspace: Workspace, access_key: str, region: str) -> RotationView | None:
    under_way = list_rotations(actor, workspace)
    return next((one for one in under_way if (one.old_key, one.region) == (access_key, region)), None)


def _say_rotation(done: Advance, json: bool) -> None:
    view = done.rotation
    if json:
        problem = done.problem.model_dump() if done.problem else None
        shown = _rotation_json(view) if view else {}
        as_json(shown | {"problem": problem, "checks": [check_json(line) for line in done.results]})
    else:
        if done.results:
            checks_table(done.results)
        if view:
            plain(f"{view.old_key} → {view.new_key or '…'}: {view.outcome or f'next step: {view.step}'}")
            if view.step == "wait" and view.delete_after and not view.ended:
                plain(f"The old key is INACTIVE; it may be deleted after {view.delete_after:%Y-%m-%d %H:%M} UTC.")
        if done.problem:
            plain(str(done.problem), error=True)
    if done.problem:
        raise typer.Exit(REFUSED)


def _rotation_json(view: RotationView) -> dict[str, Any]:
    times = {name: value.isoformat() for name, value in asdict(view).items() if hasattr(value, "isoformat")}
    return asdict(view) | times


def _key_json(view: KeyView) -> dict[str, Any]:
    times = {name: value.isoformat() for name, value in asdict(view).items() if hasattr(value, "isoformat")}
    return asdict(view) | times


def _said(access_key: str, what: str, json: bool) -> None:
    if json:
        as_json({"access_key": access_key, "state": what})
    else:
        plain(f"{access_key}: {what}.")
