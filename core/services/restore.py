"""A backup's way back into an empty home folder."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.roles import Role
from core.durable import flush_folder
from core.services.backup_content import key_from_outside, read_content, scratch_folder, unpack_into
from core.services.backup_file import DATABASE, BackupError, Manifest, newer_version, unpack
from core.services.use_case import NotAllowedError, changing
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.store import known_versions

_NOT_OURS = {"logs", "sandbox", "sandbox.json"}
"""What may stand in a home folder that a backup is restored into: nothing of it is in a backup."""


@dataclass(frozen=True)
class Restored:
    """What became of a restoration: what the backup held and the files that were put in place; or what is wrong."""

    manifest: Manifest | None = None
    files: list[Path] = field(default_factory=list)
    problem: FieldProblem | None = None


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
        manifest, contents = unpack(read_content(file), passphrase)
        if manifest.schema_version not in known_versions():
            raise newer_version(manifest.program)
        _must_have_key(settings, manifest)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        with scratch_folder(home, ".restore-") as scratch:
            unpack_into(scratch, settings, manifest, contents)
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


def _must_be_empty(home: Path) -> None:
    used = sorted(one.name for one in home.iterdir() if one.name not in _NOT_OURS) if home.exists() else []
    if used:
        raise BackupError(
            f"The home folder {home} is in use: it holds {', '.join(used[:3])}. Nothing was restored; set "
            "ONBOARDING_HOME to an empty folder."
        )


def _must_have_key(settings: Settings, manifest: Manifest) -> None:
    if manifest.master_key == "elsewhere" and not key_from_outside(settings):
        raise BackupError(
            f"The backup does not hold the master key ({', '.join(manifest.master_key_ids)}). Nothing was restored; "
            "set ONBOARDING_MASTER_KEY to it, then restore again."
        )


def _record_restored(actor: Actor, settings: Settings, folder: Path, name: str, manifest: Manifest) -> None:
    opened = open_workspace(settings.model_copy(update={"home": folder}))
    try:
        with changing(actor, opened, "backup.restored") as change:
            change.record(name, **manifest.told(), program=manifest.program)
    finally:
        opened.close()


def _put_in_place(scratch: Path, home: Path, names: list[str]) -> list[Path]:
    """Move the files into the home folder: all, or none when somebody else began to use it. The database comes first:
    whoever opens the home meanwhile then lacks a key, and begins no database under one that is taken away again."""
    done: list[Path] = []
    try:
        for name in sorted(names, key=lambda one: one != DATABASE):
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
    flush_folder(home)
    return done
