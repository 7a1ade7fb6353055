"""`onboarding accounts …`. A pasted key comes from a file or the input, a private key goes to a new file; neither is
ever an argument or printed."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT, File, read_object, read_text
from core.cli.output import Json, as_json, fail, opened, plain, table
from core.domain.accounts import OUTSCALE_FIELDS, PASSWORD_RULE, USED_FOR, AccountDraft
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services.account_data import read_from_key, refresh, update_account
from core.services.accounts import (
    Methods,
    add_account,
    edit_account,
    forget_account,
    list_accounts,
    methods,
    show_account,
)
from core.services.keypairs import (
    NewKeypair,
    create_keypair,
    delete_keypair,
    import_keypair,
    list_keypairs,
    open_keypair_intents,
    resolve_keypair_intent,
    take,
)
from core.services.registry import unknown
from core.services.workspace import Workspace

app = typer.Typer(no_args_is_help=True)
keypairs = typer.Typer(no_args_is_help=True)
app.add_typer(keypairs, name="keypairs", help="Keypairs: list, create, import, delete, and what is open.")

_FORM_FIELDS = {*AccountDraft.model_fields, *OUTSCALE_FIELDS, "access_key", "secret_key", "proxy"}
_FORM_FIELDS |= {"name", "public_key", "typed"}

AccountId = Annotated[str, typer.Argument(help="Account ID, 12 digits.")]
Region = Annotated[str | None, typer.Option(help="Region; needed when the account is known in several.")]
Email = Annotated[str | None, typer.Option(help="Email that the account signs in with.")]
Company = Annotated[str | None, typer.Option(help="Company.")]
Owner = Annotated[str | None, typer.Option(help="Who answers for it here.")]
Notes = Annotated[str | None, typer.Option(help="Notes.")]
Confirm = Annotated[str | None, typer.Option(help="The name again; asked for when missing.")]
KeypairName = Annotated[str, typer.Argument(help="Name of the keypair.")]
IntentId = Annotated[str, typer.Argument(help="ID, as `accounts keypairs open` lists it.")]


@app.command("list")
def list_all(
    search: Annotated[str, typer.Option(help="Part of an Account ID, Region, company, email or owner.")] = "",
    json: Json = False,
) -> None:
    """List the known accounts."""
    with opened() as workspace:
        rows = [row for row in list_accounts(terminal_actor(workspace), workspace) if row.matches(search)]
    if json:
        as_json([row.model_dump(mode="json") for row in rows])
        return
    table(
        ["Account ID", "Region", "Company", "Email", "Owner", "Used by", "Active keys", "Next expiry", "Last check"],
        [
            [
                row.account_id,
                row.region,
                row.company,
                row.email,
                row.owner,
                ", ".join(row.credentials),
                "not read" if row.active_keys is None else row.active_keys,
                _time(row.next_expiry),
                _time(row.checked),
            ]
            for row in rows
        ],
    )


@app.command()
def show(account_id: AccountId, region: Region = None, json: Json = False) -> None:
    """Show an account: what OUTSCALE told about it, and its authentication methods as far as they are known here."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        details, known = show_account(actor, workspace, *place), methods(actor, workspace, *place)
    if details is None or known is None:
        _stop([unknown(*place)])
        return
    if json:
        as_json(details.model_dump(mode="json") | {"methods": known.model_dump(mode="json")})
        return
    plain(f"{details.account_id} in {details.region}, known by: {details.source}")
    plain(f"Owner: {details.owner or 'nobody'}. Used by: {', '.join(details.credentials) or 'no credentials'}.")
    if details.notes:
        plain(details.notes)
    plain(f"Read from OUTSCALE: {_time(details.read) or 'never'}")
    table(["Field", "Value"], [[name, _value(value)] for name, value in details.data.items()])
    table(
        ["Method", "Used for", "State"],
        [
            ["Password", USED_FOR["password"], f"last confirmed here: {_time(known.password_confirmed) or 'never'}"],
            ["Access keys", USED_FOR["access_keys"], _keys_state(known)],
            ["Keypairs", USED_FOR["keypairs"], "see `accounts keypairs list`"],
        ],
    )
    plain(f"OUTSCALE's rule for passwords: {PASSWORD_RULE}")


@app.command()
def add(
    account_id: AccountId,
    region: Annotated[str, typer.Option(help="Region of the account.")],
    email: Email = None,
    company: Company = None,
    owner: Owner = None,
    notes: Notes = None,
    json: Json = False,
) -> None:
    """Add an account by hand."""
    draft = AccountDraft.model_validate(
        {
            "account_id": account_id,
            "region": region,
            "email": email,
            "company": company,
            "owner": owner,
            "notes": notes,
        }
    )
    with opened() as workspace:
        _stop(add_account(terminal_actor(workspace), workspace, draft))
    _said(draft.account_id, draft.region, "added", json)


@app.command()
def read(file: File, json: Json = False) -> None:
    """Read an account from a key that is not stored: {"access_key": …, "secret_key": …, "region": …, "proxy": …}."""
    form = read_object(file, '{"access_key": …, "secret_key": …, "region": …}')
    values = {name: str(form.pop(name, "") or "") for name in ("access_key", "secret_key", "region", "proxy")}
    if form:
        fail(f"{', '.join(map(str, form))}: the form has no such field.", BAD_INPUT)
    secret, proxy = SecretStr(values["secret_key"]), SecretStr(values["proxy"])
    with opened() as workspace:
        actor = terminal_actor(workspace)
        found = read_from_key(actor, workspace, values["access_key"], secret, values["region"], proxy)
    _stop(found.problems)
    _said(found.account_id, values["region"], "read", json)


@app.command()
def edit(
    account_id: AccountId,
    region: Region = None,
    email: Email = None,
    company: Company = None,
    owner: Owner = None,
    notes: Notes = None,
    json: Json = False,
) -> None:
    """Change what is written here about an account. Email and company only while OUTSCALE has not told them."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        _stop(edit_account(actor, workspace, *place, owner=owner, notes=notes, email=email, company=company))
    _said(*place, "edited", json)


@app.command("refresh")
def refresh_one(account_id: AccountId, region: Region = None, json: Json = False) -> None:
    """Read the account's data from OUTSCALE, signed by a key whose secret is stored here."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        problem = refresh(actor, workspace, *place)
    _stop([problem] if problem else [])
    _said(*place, "refreshed", json)


@app.command()
def update(account_id: AccountId, file: File, region: Region = None, json: Json = False) -> None:
    """Change the account's data at OUTSCALE: an object of what UpdateAccount takes, such as {"City": "Lyon"}."""
    changes = read_object(file, '{"City": "Lyon"}')
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        _stop(update_account(actor, workspace, *place, {str(name): value for name, value in changes.items()}))
    _said(*place, "updated", json)


@app.command()
def forget(account_id: AccountId, region: Region = None, confirm: Confirm = None, json: Json = False) -> None:
    """Delete an account from the register; nothing changes at OUTSCALE."""
    typed = confirm if confirm is not None else typer.prompt(f"Type {account_id} to forget it", err=True)
    if typed.strip() != account_id:
        fail(f"Type the Account ID exactly: {account_id}", BAD_INPUT)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        problem = forget_account(actor, workspace, *place)
    _stop([problem] if problem else [])
    _said(*place, "forgotten", json)


@keypairs.command("list")
def list_pairs(account_id: AccountId, region: Region = None, json: Json = False) -> None:
    """List the account's keypairs."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        listed = list_keypairs(actor, workspace, *_place(actor, workspace, account_id, region))
    _stop([listed.problem] if listed.problem else [])
    if json:
        as_json([one.model_dump(mode="json") for one in listed.keypairs])
        return
    table(
        ["Name", "Type", "Fingerprint (MD5)", "ID"],
        [[one.keypair_name, one.keypair_type, one.keypair_fingerprint, one.keypair_id] for one in listed.keypairs],
    )


@keypairs.command("create")
def create_pair(
    account_id: AccountId,
    name: KeypairName,
    out: Annotated[Path, typer.Option(help="New file for the private key, mode 0600.")],
    region: Region = None,
    json: Json = False,
) -> None:
    """Create a keypair. Its private key goes to --out, and is stored nowhere else."""
    with opened() as workspace:
        actor = terminal_actor(workspace)
        place = _place(actor, workspace, account_id, region)
        # The file comes first: a keypair whose private key could not be written is of no use.
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            fail(f"{out} exists. Name a new file.", BAD_INPUT)
        except OSError as error:
            fail(f"{out} cannot be written: {error.strerror}.", BAD_INPUT)
        made = NewKeypair()
        try:
            made = create_keypair(actor, workspace, *place, name)
        finally:
            if made.private_key is None:
                os.close(descriptor)
                out.unlink()
        if made.private_key is None:
            _stop([made.problem] if made.problem else [])
            raise typer.Exit(REFUSED)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(made.private_key.get_secret_value())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            said = f"The private key could not be written: {error.strerror}. The keypair {name} is of no use:"
            fail(f"{said} onboarding accounts keypairs delete {place[0]} …", REFUSED)
        take(actor, workspace, made.intent)
    _pair_said(made, json, f"was created; its private key is in {out}.")


@keypairs.command("import")
def import_pair(
    account_id: AccountId,
    name: KeypairName,
    file: Annotated[str, typer.Argument(help="File of the public key, one OpenSSH line; - reads the input.")],
    region: Region = None,
    json: Json = False,
) -> None:
    """Import the public half of a keypair."""
    public = SecretStr(read_text(file))
    with opened() as workspace:
        actor = terminal_actor(workspace)
        made = import_keypair(actor, workspace, *_place(actor, workspace, account_id, region), name, public)
    _stop([made.problem] if made.problem else [])
    _pair_said(made, json, "was imported.")


@keypairs.command("delete")
def delete_pair(
    account_id: AccountId,
    name: KeypairName,
    region: Region = None,
    confirm: Confirm = None,
    json: Json = False,
) -> None:
    """Delete a keypair."""
    typed = confirm if confirm is not None else typer.prompt(f"Type {name} to delete it", err=True)
    with opened() as workspace:
        actor = terminal_actor(workspace)
        problem = delete_keypair(actor, workspace, *_place(actor, workspace, account_id, region), name, typed)
    _stop([problem] if problem else [])
    if json:
        as_json({"name": name, "deleted": True})
    else:
        plain(f"{name} was deleted.")


@keypairs.command("open")
def open_pairs(json: Json = False) -> None:
    """List what is open: keypairs that may exist without anybody having their private key."""
    with opened() as workspace:
        found = open_keypair_intents(terminal_actor(workspace), workspace)
    if json:
        as_json([one.model_dump(mode="json") | {"what": str(one)} for one in found])
        return
    table(
        ["ID", "What", "Account ID", "Region", "Begun by", "Begun"],
        [[one.id, str(one), one.account_id, one.region, one.actor, _time(one.begun)] for one in found],
    )


@keypairs.command()
def look(intent: IntentId, json: Json = False) -> None:
    """Look at OUTSCALE for a keypair that is open. Exit 1 when it is there; when it is not, it is no longer open."""
    with opened() as workspace:
        looked = resolve_keypair_intent(terminal_actor(workspace), workspace, intent)
    _stop([looked.problem] if looked.problem else [])
    if json:
        as_json({"found": looked.found.model_dump(mode="json") if looked.found else None})
    elif looked.found:
        plain(f"{looked.found.keypair_name} exists: delete it, or say with `taken` that somebody has its private key.")
    else:
        plain("Nothing was left.")
    if looked.found:
        raise typer.Exit(REFUSED)


@keypairs.command()
def taken(intent: IntentId, json: Json = False) -> None:
    """Say that somebody has the private key of a keypair that is open."""
    with opened() as workspace:
        take(terminal_actor(workspace), workspace, intent)
    if json:
        as_json({"id": intent, "taken": True})
    else:
        plain("It is no longer open.")


def _place(actor: Actor, workspace: Workspace, account_id: str, region: str | None) -> tuple[str, str]:
    """The account and its Region, which may be left out where only one is known."""
    if region:
        return account_id, region
    regions = [row.region for row in list_accounts(actor, workspace) if row.account_id == account_id]
    if not regions:
        fail(f"There is no account {account_id}. Look at `onboarding accounts list`.", BAD_INPUT)
    if len(regions) > 1:
        fail(f"{account_id} is known in {', '.join(regions)}. Say which with --region.", BAD_INPUT)
    return account_id, regions[0]


def _stop(problems: list[FieldProblem]) -> None:
    """End with what is wrong, if anything is: exit 2 for input that can be corrected, 1 for everything else."""
    for problem in problems:
        plain(f"{problem.field}: {problem}", error=True)
    if problems:
        raise typer.Exit(BAD_INPUT if all(problem.field in _FORM_FIELDS for problem in problems) else REFUSED)


def _said(account_id: str, region: str, done: str, json: bool) -> None:
    if json:
        as_json({"account_id": account_id, "region": region, done: True})
    else:
        plain(f"{account_id} in {region} was {done}.")


def _pair_said(made: NewKeypair, json: bool, done: str) -> None:
    if made.keypair is None:
        return
    if json:
        as_json(made.keypair.model_dump(mode="json"))
    else:
        plain(f"{made.keypair.keypair_name} {done}")


def _keys_state(known: Methods) -> str:
    if known.keys_seen is None:
        return "not read yet: see `onboarding keys list`"
    soon = f"{known.expiring} expire within {known.expires_soon_days} days"
    return f"{known.active} active, {soon}, oldest of {_time(known.oldest) or 'unknown age'}"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
