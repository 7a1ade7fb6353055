"""`onboarding backup` and `onboarding restore`."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from core.cli.credentials import REFUSED, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import BROKEN, Json, as_json, fail, opened, plain
from core.cli.passphrases import read_passphrase
from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.backup import Made, make_backup
from core.services.backup_file import REGIONS, Manifest
from core.services.restore import restore_backup
from core.settings import Settings
from core.store.store import StoreError
from core.vault.master_key import VaultError

_STDIN = "--passphrase-stdin"
FromInput = Annotated[bool, typer.Option(_STDIN, help="Read the passphrase from the input's first line.")]


def backup(
    target: Annotated[Path, typer.Argument(help="File to write; or a folder, for a name with the time.")],
    keep: Annotated[
        int | None, typer.Option(help="In a folder: delete its older backups, so that this many stay.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a backup that is there.")] = False,
    passphrase_stdin: FromInput = False,
    json: Json = False,
) -> None:
    """Back up the database and the master key, encrypted to a passphrase, while the program runs.

    The passphrase is typed twice, or read from the input, or from ONBOARDING_BACKUP_PASSPHRASE. Exit 0: made, 1: made,
    but secrets in it do not open, 2: bad input."""
    with opened() as workspace:
        passphrase = _passphrase(workspace.settings, passphrase_stdin, twice=True)
        made = make_backup(terminal_actor(workspace), workspace, target, passphrase, overwrite=overwrite, keep=keep)
    if made.path is None or made.manifest is None:
        fail(str(made.problem).strip(), BAD_INPUT)
    _say_made(made, made.path, made.manifest, json)
    if made.manifest.unopened:
        raise typer.Exit(REFUSED)


def restore(
    file: Annotated[Path, typer.Argument(help="Backup to restore.")],
    passphrase_stdin: FromInput = False,
    json: Json = False,
) -> None:
    """Restore a backup into an empty home folder (see ONBOARDING_HOME). Exit 0: restored, 1: restored, but secrets in
    it do not open, 2: bad input."""
    settings = Settings()
    actor = Actor(name=settings.operator, via="terminal", role=Role.ADMINISTRATOR)
    try:
        restored = restore_backup(actor, settings, file, _passphrase(settings, passphrase_stdin, twice=False))
    except (StoreError, VaultError) as error:
        fail(f"{error} Nothing was restored.", BROKEN)
    manifest = restored.manifest
    if manifest is None:
        fail(str(restored.problem).strip(), BAD_INPUT)
    if json:
        as_json(manifest.model_dump(mode="json") | {"files": [str(one) for one in restored.files]})
    else:
        plain(f"Restored into {settings.home}, as it was on {manifest.made:%Y-%m-%d %H:%M:%S} UTC:")
        _say_content(manifest)
        if any(one.name == REGIONS for one in restored.files):
            plain(f"Set ONBOARDING_REGIONS to {settings.home / REGIONS} to have its Regions.")
    if manifest.unopened:
        raise typer.Exit(REFUSED)


def _passphrase(settings: Settings, from_input: bool, *, twice: bool) -> SecretStr:
    if settings.backup_passphrase is not None and not from_input:
        return settings.backup_passphrase
    return read_passphrase("passphrase", from_input=from_input, option=_STDIN, twice=twice)


def _say_made(made: Made, path: Path, manifest: Manifest, json: bool) -> None:
    if json:
        deleted = [str(one) for one in made.deleted]
        as_json(manifest.model_dump(mode="json") | {"file": str(path), "deleted": deleted})
        return
    plain(f"{path} was written and read back:")
    _say_content(manifest)
    for one in made.deleted:
        plain(f"Deleted: {one}")


def _say_content(manifest: Manifest) -> None:
    for one in manifest.parts:
        plain(f"  {one.name}, {one.size:,} bytes, SHA-256 {one.sha256}")
    plain(f"  {sum(manifest.rows.values()):,} rows in {len(manifest.rows)} tables")
    opening = manifest.sealed - len(manifest.unopened)
    plain(
        f"  {manifest.sealed:,} sealed secrets; " + ("all open" if opening == manifest.sealed else f"{opening:,} open")
    )
    if manifest.master_key == "elsewhere":
        plain(f"  The master key is not in it ({', '.join(manifest.master_key_ids)}): keep it where it comes from.")
    for place in manifest.unopened:
        plain(f"  Does not open: {place}. Enter that secret again.", error=True)
