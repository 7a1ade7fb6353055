"""A backup is of one moment, for its owner alone, and written over nothing else."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import col, select

from core.services import backup
from core.services.backup import make_backup
from core.services.backup_file import Manifest, pack, unpack
from core.services.restore import restore_backup
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials, Project
from tests.services.backup.homes import PASSPHRASE, SEALED, events, made, master_key, secrets, seed
from tests.services.conftest import ACTOR


def test_the_file_is_for_its_owner_and_tells_nothing(workspace: Workspace, tmp_path: Path) -> None:
    seed(workspace)
    file = tmp_path / "one.backup"
    made(workspace, file)
    assert file.stat().st_mode & 0o777 == 0o600
    for told in (master_key(workspace.settings), "onboarding.db", "SQLite", "KEPT"):
        assert told.encode() not in file.read_bytes()
    assert {one.name for one in tmp_path.iterdir()} == {"home", "one.backup"}
    assert {one.name for one in workspace.settings.home.iterdir() if one.name.startswith(".")} == set()
    (event,) = events(workspace, "backup.made")
    assert (event.subject, event.details["sealed"]) == ("one.backup", SEALED)
    assert PASSPHRASE.get_secret_value() not in json.dumps(event.details)


WRITER = """
import sys
from pathlib import Path
from typing import Any
from core.services.workspace import open_workspace
from core.settings import Settings
from tests.services.backup.homes import add
workspace = open_workspace(Settings(home=Path(sys.argv[1])))
number = 0
while True:
    add(workspace, f"writer-{number}")
    number += 1
    if number == 20: print("ready", flush=True)
"""


def test_a_backup_made_while_somebody_writes_is_of_one_moment(
    workspace: Workspace, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WRITER, str(settings.home)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        made(workspace, tmp_path / "busy.backup")
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    assert restore_backup(ACTOR, elsewhere, tmp_path / "busy.backup", PASSPHRASE).problem is None
    again = open_workspace(elsewhere)
    with again.store.reading() as session:
        names = session.exec(select(Credentials.name)).all()
        owned = [
            (session.exec(select(Credentials.name).where(Credentials.id == row.credentials_id)).one(), row.position)
            for row in session.exec(select(Project)).all()
        ]
        added = session.exec(select(Event.subject).where(col(Event.subject).startswith("writer-"))).all()
    # What one transaction wrote is there as a whole, and its event with it.
    assert sorted(owned) == sorted((name, position) for name in names for position in range(3))
    assert set(added) == set(names)
    assert len(names) >= 20
    assert len(secrets(again)) == 4 * len(names) + 1  # the key of the audit trail
    again.close()
    with workspace.store.reading() as session:
        assert len(session.exec(select(Credentials.name)).all()) > len(names)  # it was not held up


def test_a_file_that_is_there_is_kept(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    made(workspace, file)
    before = file.read_bytes()
    assert "exists already" in str(make_backup(ACTOR, workspace, file, PASSPHRASE).problem)
    assert file.read_bytes() == before
    again = make_backup(ACTOR, workspace, file, PASSPHRASE, overwrite=True)
    assert again.problem is None
    assert file.read_bytes() != before
    unpack(file.read_bytes(), PASSPHRASE)


def test_nothing_but_a_backup_is_written_over(workspace: Workspace, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    (tmp_path / "link").symlink_to(settings.database)
    for name in ("letter", "link", "home/onboarding.db", "home/master.key"):
        before = (tmp_path / name).read_bytes()
        result = make_backup(ACTOR, workspace, tmp_path / name, PASSPHRASE, overwrite=True)
        assert "is not a backup" in str(result.problem), name
        assert (tmp_path / name).read_bytes() == before
    assert "no folder" in str(make_backup(ACTOR, workspace, tmp_path / "no" / "one.backup", PASSPHRASE).problem)
    assert events(workspace, "backup.made") == []


def test_what_does_not_read_back_as_it_was_written_is_not_kept(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    def badly(*args: Any) -> bytes:
        content = pack(*args)
        return content[:-1] + bytes([content[-1] ^ 1])

    monkeypatch.setattr(backup, "pack", badly)
    made = make_backup(ACTOR, workspace, folder, PASSPHRASE)
    assert made.path is None and "damaged" in str(made.problem)
    assert not list(folder.iterdir())

    def another(manifest: Manifest, *args: Any) -> bytes:
        return pack(manifest.model_copy(update={"program": "another"}), *args)

    monkeypatch.setattr(backup, "pack", another)
    assert "does not read back" in str(make_backup(ACTOR, workspace, folder, PASSPHRASE).problem)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("weak", ["", "short", "elevenchars", "a" * 40, " " * 20, "abababababab"])
def test_a_weak_passphrase_is_refused(workspace: Workspace, tmp_path: Path, weak: str) -> None:
    result = make_backup(ACTOR, workspace, tmp_path / "one.backup", SecretStr(weak))
    assert result.problem is not None
    assert result.problem.field == "passphrase"
    assert not (tmp_path / "one.backup").exists()


def test_a_folder_keeps_its_newest(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    ours = [f"onboarding-2026010{day}T000000Z.backup" for day in range(1, 6)]
    foreign = ["onboarding-20260101T000000Z.backup.old", "my-onboarding-20260101T000000Z.backup", "notes.backup"]
    for name in [*ours, *foreign]:
        (folder / name).write_text(name)
    (folder / "onboarding-20250101T000000Z.backup").mkdir()
    (folder / "onboarding-20250102T000000Z.backup").symlink_to(folder / "notes.backup")
    (folder / "onboarding-29990101T000000Z.backup").write_text("of a clock that was wrong")
    result = make_backup(ACTOR, workspace, folder, PASSPHRASE, keep=3)
    assert result.problem is None
    assert result.path is not None
    assert abs((datetime.now(UTC) - result.manifest.made).total_seconds()) < 60
    left = {one.name for one in folder.iterdir()}
    assert left == {
        result.path.name,
        "onboarding-29990101T000000Z.backup",
        ours[-1],
        *foreign,
        "onboarding-20250101T000000Z.backup",
        "onboarding-20250102T000000Z.backup",
    }
    assert sorted(one.name for one in result.deleted) == ours[:-1]


def test_keep_is_for_folders_and_keeps_something(workspace: Workspace, tmp_path: Path) -> None:
    for target, keep_ in ((tmp_path / "one.backup", 3), (tmp_path, 0), (tmp_path, -1)):
        result = make_backup(ACTOR, workspace, target, PASSPHRASE, keep=keep_)
        assert result.problem is not None
        assert result.problem.field == "keep"
    assert not list(tmp_path.glob("*.backup"))


def test_a_secret_that_does_not_open_is_told_and_older_backups_stay(
    workspace: Workspace, elsewhere: Settings, tmp_path: Path
) -> None:
    seed(workspace)
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "onboarding-20260101T000000Z.backup").write_text("older")
    with workspace.store.writing() as session:
        row = session.exec(select(Project)).first()
        row.secret_key_sealed = row.secret_key_sealed[:-8] + "AAAAAAA="
        session.add(row)
    result = make_backup(ACTOR, workspace, folder, PASSPHRASE, keep=1)
    assert result.problem is None
    assert result.manifest.unopened == [f"project {row.id} secret_key"]
    assert result.deleted == []
    restored = restore_backup(ACTOR, elsewhere, result.path, PASSPHRASE)
    assert restored.manifest.unopened == result.manifest.unopened


def test_a_damaged_database_makes_no_backup(workspace: Workspace, settings: Settings, tmp_path: Path) -> None:
    seed(workspace)
    with workspace.store.reading() as session:
        page = session.connection().execute(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_project_access_key'")
        )
        place = (page.scalar_one() - 1) * 4096
    workspace.close()
    with settings.database.open("r+b") as file:
        file.seek(place + 8)
        file.write(b"\xff" * 4000)
    with pytest.raises(StoreError, match=r"damaged|cannot be copied"):
        make_backup(ACTOR, workspace, tmp_path / "one.backup", PASSPHRASE)
    assert {one.name for one in tmp_path.iterdir()} == {"home"}


def test_a_folder_that_takes_no_file_is_told(workspace: Workspace) -> None:
    result = make_backup(ACTOR, workspace, Path("/proc/one.backup"), PASSPHRASE)
    assert result.problem is not None
    assert "cannot be written" in str(result.problem)
    assert events(workspace, "backup.made") == []


def test_what_a_killed_backup_left_is_removed(workspace: Workspace, settings: Settings, tmp_path: Path) -> None:
    old, fresh = settings.home / ".backup-old", settings.home / ".backup-fresh"
    for left in (old, fresh):
        left.mkdir()
        (left / "master.key").write_text("a copy")
    os.utime(old, (0, 0))
    made(workspace, tmp_path / "one.backup")
    assert not old.exists()
    assert fresh.exists()  # another one may be under way
