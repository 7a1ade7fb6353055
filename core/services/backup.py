"""Backups of the home folder, made while the program runs, and their way back into an empty one.

In a backup: the database, the master key when it is the file in the home folder, and the Regions file. Not in it: what
can be made again (indexes of buckets, lines of bills), the logs, and the sandbox, which is a demo."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlmodel import SQLModel, col, func, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.passphrases import PASSPHRASE_RULE, weakness
from core.domain.roles import Role
from core.services.backup_file import (
    DATABASE,
    REGIONS,
    BackupError,
    Manifest,
    is_backup,
    newer_version,
    pack,
    part,
    unpack,
)
from core.services.rights import use_case
from core.services.sealed_places import sealed_columns
from core.services.use_case import Change, NotAllowedError, changing, looking
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import Store, known_versions
from core.store.tables import DataKey
from core.vault.master_key import FILE_NAME, VaultError
from core.vault.vault import Vault

MADE = "backup.made"
RESTORED = "backup.restored"

_OWN_NAME = re.compile(r"onboarding-\d{8}T\d{6}Z\.backup")
_NOT_OURS = {"logs", "sandbox", "sandbox.json"}
"""What may stand in a home folder that a backup is restored into: nothing of it is in a backup."""
_PROGRAM = "outscale-onboarding"


@dataclass(frozen=True)
class Made:
    """What became of a backup: the file and what it holds, and older ones that were deleted; or what is wrong."""

    path: Path | None = None
    manifest: Manifest | None = None
    deleted: list[Path] = field(default_factory=list)
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class Restored:
    """What became of a restoration: what the backup held and the files that were put in place; or what is wrong."""

    manifest: Manifest | None = None
    files: list[Path] = field(default_factory=list)
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
        with _scratch(workspace.settings.home, ".backup-") as scratch:
            manifest, contents = _collected(workspace, scratch, moment)
            draft = _written(path, pack(manifest, contents, passphrase))
            try:
                _read_back(workspace.settings, draft, manifest, passphrase, scratch)
                with changing(actor, workspace, MADE) as change:
                    _record(change, path.name, manifest, size=draft.stat().st_size)
                    change.session.flush()  # what cannot be recorded is not kept
                    _place(draft, path, overwrite)
            finally:
                draft.unlink(missing_ok=True)
        _flush_folder(path.parent)
        deleted = _forget_older(path, keep) if keep and not manifest.unopened else []
    except BackupError as error:
        return Made(problem=FieldProblem(field="file", what=str(error), mend=""))
    except OSError as error:
        what = f"{error.filename or path} cannot be written: {error.strerror}."
        return Made(problem=FieldProblem(field="file", what=what, mend="Nothing was left there."))
    return Made(path, manifest, deleted)


def restore_backup(actor: Actor, settings: Settings, file: Path, passphrase: SecretStr) -> Restored:
    """Put what a backup holds into the home folder of `settings`, which must be empty. All of it is checked before any
    of it is put in place.

    Raises NotAllowedError for anybody but an administrator; StoreError or VaultError when the database or the master
    key cannot be used. Nothing is left behind then."""
    if actor.role is not Role.ADMINISTRATOR:
        raise NotAllowedError("Only an administrator may restore a backup.")
    home = settings.home
    new = not home.exists()
    try:
        _must_be_empty(home)
        manifest, contents = unpack(_content(file), passphrase)
        if manifest.schema_version not in known_versions():
            raise newer_version(manifest.program)
        _must_have_key(settings, manifest)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        with _scratch(home, ".restore-") as scratch:
            _unpacked(contents, scratch)
            _checked(settings, scratch, manifest)
            _record_restored(actor, settings, scratch, file.name, manifest)
            files = _put_in_place(scratch, home, list(contents))
    except BackupError as error:
        return Restored(problem=FieldProblem(field="file", what=str(error), mend=""))
    except OSError as error:
        what = f"{error.filename or home} cannot be used: {error.strerror}."
        return Restored(problem=FieldProblem(field="file", what=what, mend="Nothing was restored."))
    finally:
        if new and home.is_dir() and not any(home.iterdir()):
            home.rmdir()
    return Restored(manifest, files)


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


@contextmanager
def _scratch(home: Path, prefix: str) -> Iterator[Path]:
    """A folder in the home folder, which may hold the master key for a moment; it is gone afterwards. What a killed
    process left is removed first, once it is old."""
    for left in home.glob(f"{prefix}*"):
        if datetime.now(UTC).timestamp() - left.stat().st_mtime > 3600:
            shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=home) as name:
        yield Path(name)


def _collected(workspace: Workspace, scratch: Path, moment: datetime) -> tuple[Manifest, dict[str, bytes]]:
    """The files of a backup and its manifest. The master key is read before and after the database: what it opens may
    be changed meanwhile."""
    settings, copy = workspace.settings, scratch / "copy.db"
    held = not _key_from_outside(settings)
    while True:
        key = _content(settings.home / FILE_NAME) if held else None
        copy.unlink(missing_ok=True)
        workspace.store.copy_to(copy)
        if not held or key == _content(settings.home / FILE_NAME):
            break
    contents = {DATABASE: copy.read_bytes()}
    if key is not None:
        contents[FILE_NAME] = key
    if settings.regions:
        contents[REGIONS] = _content(settings.regions)
    store = Store(copy)
    try:
        rows, ids = _counted(store)
        sealed, unopened = _opened(store, workspace.vault)
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


def _key_from_outside(settings: Settings) -> bool:
    """Whether a setting says where the master key comes from; else it is the file of the home folder."""
    return any(getattr(settings, name) is not None for name in Settings.model_fields if name.startswith("master_key"))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None


def _counted(store: Store) -> tuple[dict[str, int], list[str]]:
    """How many rows each table has, and the ids of the master keys that its data keys are wrapped by."""
    with store.reading() as session:
        rows = {
            table.name: session.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for table in SQLModel.metadata.sorted_tables
        }
        ids = session.exec(select(DataKey.master_key_id).distinct().order_by(col(DataKey.master_key_id))).all()
    return rows, list(ids)


def _opened(store: Store, vault: Vault) -> tuple[int, list[str]]:
    """How many sealed secrets there are, and where those are that do not open."""
    count, unopened = 0, []
    for column in sealed_columns():
        for batch in column.batches(store):
            count += len(batch)
            for value in batch:
                try:
                    vault.open(value.text, column.place(value.row))
                except VaultError:
                    unopened.append(f"{column.table.name} {value.row} {column.field}")
    return count, unopened


def _written(path: Path, content: bytes) -> Path:
    """A draft beside the file, on the disk for good."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)


def _read_back(settings: Settings, draft: Path, manifest: Manifest, passphrase: SecretStr, scratch: Path) -> None:
    """Read a draft as a restoration would: with the key in it, if one is."""
    found, contents = unpack(draft.read_bytes(), passphrase)
    if found != manifest:
        raise BackupError("The backup does not read back as it was written. Nothing was kept; check the disk.")
    folder = scratch / "read-back"
    folder.mkdir(mode=0o700)
    _unpacked(contents, folder)
    _checked(settings, folder, manifest)


def _unpacked(contents: dict[str, bytes], folder: Path) -> None:
    for name in contents.keys() - {DATABASE, FILE_NAME, REGIONS}:
        raise BackupError(f"The backup holds something that this program does not know: {name[:80]!r}.")
    for name, content in contents.items():
        with (folder / name).open("xb") as file:
            (folder / name).chmod(0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _checked(settings: Settings, folder: Path, manifest: Manifest) -> None:
    """Open what was unpacked into a folder as the program would, and compare it with the manifest."""
    opened = open_workspace(settings.model_copy(update={"home": folder}))
    try:
        rows, _ = _counted(opened.store)
        sealed, unopened = _opened(opened.store, opened.vault)
    finally:
        opened.close()
    # Tables that this version has and the one that made the backup had not are empty.
    if {name: rows.get(name) for name in manifest.rows} != manifest.rows or sealed != manifest.sealed:
        raise BackupError("The backup does not hold what its manifest says. Use another one.")
    if lost := sorted(set(unopened) - set(manifest.unopened)):
        raise BackupError(f"{len(lost)} sealed secrets of the backup do not open, the first in {lost[0]}.")


def _record(change: Change, subject: str, manifest: Manifest, **details: Any) -> None:
    change.record(
        subject,
        made=manifest.made.isoformat(timespec="seconds"),
        master_key=manifest.master_key,
        sealed=manifest.sealed,
        unopened=len(manifest.unopened),
        **details,
    )


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


def _must_be_empty(home: Path) -> None:
    used = sorted(one.name for one in home.iterdir() if one.name not in _NOT_OURS) if home.exists() else []
    if used:
        raise BackupError(
            f"The home folder {home} is in use: it holds {', '.join(used[:3])}. Nothing was restored; set "
            "ONBOARDING_HOME to an empty folder."
        )


def _must_have_key(settings: Settings, manifest: Manifest) -> None:
    if manifest.master_key == "elsewhere" and not _key_from_outside(settings):
        raise BackupError(
            f"The backup does not hold the master key ({', '.join(manifest.master_key_ids)}). Nothing was restored; "
            "set ONBOARDING_MASTER_KEY to it, then restore again."
        )


def _record_restored(actor: Actor, settings: Settings, folder: Path, name: str, manifest: Manifest) -> None:
    opened = open_workspace(settings.model_copy(update={"home": folder}))
    try:
        with changing(actor, opened, RESTORED) as change:
            _record(change, name, manifest, program=manifest.program)
    finally:
        opened.close()


def _put_in_place(scratch: Path, home: Path, names: list[str]) -> list[Path]:
    """Move the files into the home folder: all, or none when somebody else began to use it. The database comes last,
    because the program makes a new master key for a database without one, but none for one that has its secrets."""
    done: list[Path] = []
    try:
        for name in sorted(names, key=lambda one: one == DATABASE):
            with (scratch / name).open("rb") as file:
                os.fsync(file.fileno())
            os.link(scratch / name, home / name)
            done.append(home / name)
    except FileExistsError:
        for one in done:
            one.unlink()
        raise BackupError(f"The home folder {home} began to be used meanwhile. Nothing was restored.") from None
    except OSError:
        for one in done:
            one.unlink()
        raise
    _flush_folder(home)
    return done


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
