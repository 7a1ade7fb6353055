"""What a backup holds, read where it is to be backed up and checked where it was unpacked."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import SQLModel, col, func, select

from core.services.backup_file import DATABASE, REGIONS, BackupError, Manifest
from core.services.sealed_places import sealed_columns
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.store import Store
from core.store.tables.vault import DataKey
from core.vault.master_key import FILE_NAME, VaultError
from core.vault.vault import Vault


@contextmanager
def scratch_folder(home: Path, prefix: str) -> Iterator[Path]:
    """A folder in the home folder, which may hold the master key for a moment; it is gone afterwards. What a killed
    process left is removed first, once it is old."""
    for left in home.glob(f"{prefix}*"):
        if datetime.now(UTC).timestamp() - left.stat().st_mtime > 3600:
            shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=home) as name:
        yield Path(name)


def read_content(path: Path) -> bytes:
    """What a file holds.

    Raises BackupError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None


def key_from_outside(settings: Settings) -> bool:
    """Whether a setting says where the master key comes from; else it is the file of the home folder."""
    return any(getattr(settings, name) is not None for name in Settings.model_fields if name.startswith("master_key"))


def count_rows(store: Store) -> tuple[dict[str, int], list[str]]:
    """How many rows each table has, and the ids of the master keys that its data keys are wrapped by.

    Raises StoreError when the store cannot be read."""
    with store.reading() as session:
        rows = {
            table.name: session.connection().execute(select(func.count()).select_from(table)).scalar_one()
            for table in SQLModel.metadata.sorted_tables
        }
        ids = session.exec(select(DataKey.master_key_id).distinct().order_by(col(DataKey.master_key_id))).all()
    return rows, list(ids)


def open_secrets(store: Store, vault: Vault) -> tuple[int, list[str]]:
    """How many sealed secrets there are, and where those are that do not open.

    Raises StoreError when the store cannot be read."""
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


def unpack_into(folder: Path, settings: Settings, manifest: Manifest, contents: dict[str, bytes]) -> None:
    """Write the files of a backup into an empty folder, open it as the program would with these settings, and compare
    it with the manifest.

    Raises BackupError when it holds something else, OSError when the disk does not take it; StoreError or VaultError
    when the database or the master key cannot be used."""
    for name in contents.keys() - {DATABASE, FILE_NAME, REGIONS}:
        raise BackupError(f"The backup holds something that this program does not know: {name[:80]!r}.")
    for name, content in contents.items():
        (folder / name).touch(mode=0o600, exist_ok=False)
        (folder / name).write_bytes(content)
    opened = open_workspace(settings.model_copy(update={"home": folder}))
    try:
        rows, _ = count_rows(opened.store)
        sealed, unopened = open_secrets(opened.store, opened.vault)
    finally:
        opened.close()
    # Tables that this version has and the one that made the backup had not are empty.
    if {name: rows.get(name) for name in manifest.rows} != manifest.rows or sealed != manifest.sealed:
        raise BackupError("The backup does not hold what its manifest says. Use another one.")
    if lost := sorted(set(unopened) - set(manifest.unopened)):
        raise BackupError(f"{len(lost)} sealed secrets of the backup do not open, the first in {lost[0]}.")
