"""Backups of the home folder, made while the program runs; older ones make room for them.

In a backup: the database, the master key when it is the file in the home folder, and the Regions file. Not in it: what
can be made again (indexes of buckets, lines of bills), the logs, and the sandbox, which is a demo."""

import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import SecretStr

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.passphrases import PASSPHRASE_RULE, weakness
from core.durable import flush_folder, write_draft
from core.services.backup_content import (
    count_rows,
    key_from_outside,
    open_secrets,
    read_content,
    scratch_folder,
    unpack_into,
)
from core.services.backup_file import (
    DATABASE,
    REGIONS,
    BackupError,
    Manifest,
    is_backup,
    pack,
    part,
    unpack,
)
from core.services.rights import use_case
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.settings import Settings
from core.store.store import Store, known_versions
from core.vault.master_key import FILE_NAME

MADE = "backup.made"

_OWN_NAME = re.compile(r"onboarding-\d{8}T\d{6}Z\.backup")
_PROGRAM = "outscale-onboarding"


@dataclass(frozen=True)
class Made:
    """What became of a backup: the file and what it holds, and older ones that were deleted; or what is wrong."""

    path: Path | None = None
    manifest: Manifest | None = None
    deleted: list[Path] = field(default_factory=list)
    problem: FieldProblem | None = None


@use_case
def make_backup(
    actor: Actor,
    workspace: Workspace,
    target: Path,
    passphrase: SecretStr,
    *,
    overwrite: bool = False,
    keep: int | None = None,
) -> Made:
    """Write a backup to the file `target`, or into the folder `target` under a name with its time; of those, only the
    newest `keep` stay. It is read back and every secret in it opened before it takes its name. Older ones stay when a
    secret did not open here, whatever `keep` says.

    Raises StoreError or VaultError when the database or the master key cannot be used; nothing is written then."""
    with looking(actor, workspace, MADE):
        pass
    if weak := weakness(passphrase):
        return Made(problem=FieldProblem(field="passphrase", what=f"The passphrase {weak}", mend=PASSPHRASE_RULE))
    moment = datetime.now(UTC)
    folder = target.is_dir()
    path = target / f"onboarding-{moment:%Y%m%dT%H%M%SZ}.backup" if folder else target
    if problem := _unusable(path, overwrite) or _unkeepable(target, keep):
        return Made(problem=problem)
    try:
        with scratch_folder(workspace.settings.home, ".backup-") as scratch:
            manifest, contents = _collected(workspace, scratch, moment)
            draft = write_draft(path.parent, f".{path.name}.draft-", pack(manifest, contents, passphrase))
            try:
                _read_back(workspace.settings, draft, manifest, passphrase, scratch)
                with changing(actor, workspace, MADE) as change:
                    change.record(path.name, **manifest.told(), size=draft.stat().st_size)
                    change.session.flush()  # what cannot be recorded is not kept
                    _place(draft, path, overwrite)
            finally:
                draft.unlink(missing_ok=True)
        flush_folder(path.parent)
        deleted = _forget_older(path, keep) if keep and not manifest.unopened else []
    except BackupError as error:
        return Made(problem=FieldProblem(field="file", what=str(error), mend=""))
    except OSError as error:
        what = f"{error.filename or path} cannot be written: {error.strerror}."
        return Made(problem=FieldProblem(field="file", what=what, mend="Nothing was left there."))
    return Made(path, manifest, deleted)


def _unusable(path: Path, overwrite: bool) -> FieldProblem | None:
    def problem(what: str, mend: str) -> FieldProblem:
        return FieldProblem(field="file", what=what, mend=mend)

    if not path.parent.is_dir():
        return problem(f"There is no folder {path.parent}.", "Make it, or name another one.")
    if not os.path.lexists(path):
        return None
    if not overwrite:
        return problem(f"{path} exists already.", "Name another file, or add --overwrite.")
    try:
        with path.open("rb") as file:
            ours = path.is_file() and not path.is_symlink() and is_backup(file.read(64))
    except OSError as error:
        return problem(f"{path} cannot be read: {error.strerror}.", "Name another file.")
    return None if ours else problem(f"{path} is not a backup, and is not written over.", "Name another file.")


def _unkeepable(target: Path, keep: int | None) -> FieldProblem | None:
    if keep is None or (target.is_dir() and keep >= 1):
        return None
    what = "At least one backup must be kept." if target.is_dir() else f"{target} is not a folder."
    return FieldProblem(field="keep", what=what, mend="Name a folder that is there, and how many of its backups stay.")


def _collected(workspace: Workspace, scratch: Path, moment: datetime) -> tuple[Manifest, dict[str, bytes]]:
    """The files of a backup and its manifest. The master key is read before and after the database: what it opens may
    be changed meanwhile."""
    settings, copy = workspace.settings, scratch / "copy.db"
    held = not key_from_outside(settings)
    while True:
        key = read_content(settings.home / FILE_NAME) if held else None
        copy.unlink(missing_ok=True)
        workspace.store.copy_to(copy)
        if not held or key == read_content(settings.home / FILE_NAME):
            break
    contents = {DATABASE: copy.read_bytes()}
    if key is not None:
        contents[FILE_NAME] = key
    if settings.regions:
        contents[REGIONS] = read_content(settings.regions)
    store = Store(copy)
    try:
        rows, ids = count_rows(store)
        sealed, unopened = open_secrets(store, workspace.vault)
    finally:
        store.close()
    manifest = Manifest(
        program=version(_PROGRAM),
        schema_version=known_versions()[0],
        made=moment,
        master_key="elsewhere" if key is None else "held",
        master_key_ids=ids,
        rows=rows,
        sealed=sealed,
        unopened=unopened,
        parts=[part(name, content) for name, content in contents.items()],
    )
    return manifest, contents


def _read_back(settings: Settings, draft: Path, manifest: Manifest, passphrase: SecretStr, scratch: Path) -> None:
    """Read a draft as a restoration would: with the key in it, if one is."""
    found, contents = unpack(draft.read_bytes(), passphrase)
    if found != manifest:
        raise BackupError("The backup does not read back as it was written. Nothing was kept; check the disk.")
    folder = scratch / "read-back"
    folder.mkdir(mode=0o700)
    unpack_into(folder, settings, manifest, contents)


def _place(draft: Path, path: Path, overwrite: bool) -> None:
    if overwrite:
        draft.replace(path)
        return
    try:
        os.link(draft, path)  # unlike a rename, never replaces what is there
    except FileExistsError:
        raise BackupError(f"{path} appeared meanwhile, and is not written over.") from None
    except OSError:  # a file system without such links, as on many sticks
        if os.path.lexists(path):
            raise BackupError(f"{path} appeared meanwhile, and is not written over.") from None
        draft.rename(path)


def _forget_older(path: Path, keep: int) -> list[Path]:
    """Delete the backups beside this one that a folder's names were given to, beyond the newest."""
    others = [
        one
        for one in path.parent.iterdir()
        if one != path and _OWN_NAME.fullmatch(one.name) and one.is_file() and not one.is_symlink()
    ]
    older = sorted(others, reverse=True)[keep - 1 :]
    for one in older:
        one.unlink()
    return older
