"""Backups: what is in one comes back whole, and nothing that is not one is ever put in place."""

import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyrage
import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import backup, backup_file
from core.services.audit import verify_trail
from core.services.backup import make_backup
from core.services.backup_file import BackupError, Manifest, pack, part, unpack
from core.services.kept_keys import keep
from core.services.restore import restore_backup
from core.services.sealed_places import sealed_columns
from core.services.use_case import NotAllowedError, changing
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError, _config, known_versions
from core.store.tables.access_keys import KeyIntent, Rotation
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials, Project
from core.vault.master_key import VaultError
from core.vault.vault import Place
from tests import age
from tests.services.conftest import ACTOR
from tests.services.vaults import put_credentials

PASSPHRASE = SecretStr("correct horse battery staple")
SEALED = 10
"""How many secrets `seed` leaves sealed, with the key of the audit trail."""


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase takes its time and its memory on purpose. The backup that `given` makes takes them; the others are
    written with little work, and read as any other."""
    monkeypatch.setattr(pyrage.passphrase, "encrypt", age.encrypt)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; no sandbox is needed."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = open_workspace(settings)
    yield opened
    opened.close()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Settings with a home that does not exist yet."""
    return Settings(home=tmp_path / "elsewhere")


def add(workspace: Workspace, name: str) -> None:
    """Credentials of three project rows and a proxy, in one transaction."""
    rows = [{"access_key": f"{name}-{row}", "secret_key": f"secret {name} {row}", "region": "eu"} for row in range(3)]
    with changing(ACTOR, workspace, "credentials.add") as change:
        form = {"name": name, "projects": rows, "proxy": f"http://me:{name}@proxy:3128"}
        put_credentials(change, workspace, form)
        change.record(name)


def seed(workspace: Workspace) -> None:
    """A sealed secret in each place where there can be one."""
    add(workspace, "one")
    # pragma: allowlist nextline secret - made up
    billing = {"billing_only": True, "billing_access_key": "BILL", "billing_secret_key": "billing secret"}
    bucket = {"name": "bills", "region": "eu"}
    with changing(ACTOR, workspace, "test.seed") as change:
        put_credentials(change, workspace, {"name": "bills", "buckets": [bucket], **billing})
        keep(change.session, workspace, "KEPT", SecretStr("kept secret"), "eu", "1")
        intent = KeyIntent(actor="tester", region="eu", account_id="1", access_key="NEW")
        rotation = Rotation(region="eu", account_id="1", old_key="OLD", actor="tester")
        for one, field in ((intent, "secret_key"), (rotation, "old_secret"), (rotation, "new_secret")):
            place = Place(table=one.__tablename__, row=one.id, field=field)
            setattr(one, f"{field}_sealed", workspace.vault.seal(SecretStr(f"secret of {field}"), place))
            change.session.add(one)
        change.record("seed")


def secrets(workspace: Workspace) -> dict[Place, str]:
    """Every sealed secret, opened."""
    return {
        column.place(value.row): workspace.vault.open(value.text, column.place(value.row)).get_secret_value()
        for column in sealed_columns()
        for batch in column.batches(workspace.store)
        for value in batch
    }


def master_key(settings: Settings) -> str:
    """What the key file of a home holds."""
    (key,) = json.loads((settings.home / "master.key").read_text())["keys"]
    return str(key["key"])


@dataclass(frozen=True)
class Given:
    """A backup of a seeded home, and what was there before it."""

    content: bytes
    manifest: Manifest
    contents: dict[str, bytes]
    secrets: dict[Place, str]
    rows: dict[str, list]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """Made once, with all the work that a passphrase takes."""
    folder = tmp_path_factory.mktemp("given")
    opened = open_workspace(Settings(home=folder / "home"))
    seed(opened)
    before = rows(opened)
    made(opened, folder / "given.backup")
    content, sealed_there = (folder / "given.backup").read_bytes(), secrets(opened)
    opened.close()
    return Given(content, *unpack(content, PASSPHRASE), sealed_there, before)


@pytest.fixture
def file(given: Given, tmp_path: Path) -> Path:
    """The same backup, written with little work."""
    path = tmp_path / "given.backup"
    path.write_bytes(pack(given.manifest, given.contents, PASSPHRASE))
    return path


def rows(workspace: Workspace) -> dict[str, list]:
    """Every row of every table."""
    with workspace.store.reading() as session:
        names = session.connection().execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
        return {name: session.connection().execute(text(f"SELECT * FROM {name}")).all() for name in names}  # noqa: S608


def events(workspace: Workspace, action: str) -> list[Event]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).where(Event.action == action)).all())


def made(workspace: Workspace, path: Path) -> Manifest:
    result = make_backup(ACTOR, workspace, path, PASSPHRASE)
    assert result.problem is None, result.problem
    assert result.manifest is not None
    return result.manifest


def refused(settings: Settings, file: Path, passphrase: SecretStr = PASSPHRASE) -> str:
    """Why a restoration is refused; nothing is left of it."""
    result = restore_backup(ACTOR, settings, file, passphrase)
    assert result.manifest is None
    assert result.problem is not None
    assert not settings.home.exists()
    said = str(result.problem).strip()
    assert "\n" not in said
    assert PASSPHRASE.get_secret_value() not in said
    return said


def test_what_is_backed_up_comes_back_whole(given: Given, elsewhere: Settings, tmp_path: Path) -> None:
    assert len(given.secrets) == SEALED
    manifest, before = given.manifest, dict(given.rows)
    assert (manifest.sealed, manifest.unopened, manifest.master_key) == (SEALED, [], "held")
    assert manifest.schema_version == known_versions()[0]
    assert manifest.rows["project"] == 3

    work = int(given.content.split(b"\n")[1].split()[-1])
    assert work > age.WORK + 4  # a guess at the passphrase costs a multiple of what it does in the other tests
    (tmp_path / "one.backup").write_bytes(given.content)
    restored = restore_backup(ACTOR, elsewhere, tmp_path / "one.backup", PASSPHRASE)
    assert restored.problem is None
    assert {one.name for one in elsewhere.home.iterdir()} == {"onboarding.db", "master.key"}
    assert {one.stat().st_mode & 0o777 for one in elsewhere.home.iterdir()} == {0o600}
    assert elsewhere.home.stat().st_mode & 0o777 == 0o700
    again = open_workspace(elsewhere)
    after = rows(again)
    (event,) = events(again, "backup.restored")
    assert (event.subject, event.actor) == ("one.backup", "tester")
    assert after.pop("event")[:-1] == before.pop("event")
    assert after.pop("audit_head") != before.pop("audit_head")  # the restoration is the newest event
    assert after == before
    assert secrets(again) == given.secrets
    assert verify_trail(ACTOR, again).whole
    again.close()


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
from tests.services.test_backup import add
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


def test_a_wrong_passphrase_is_told(file: Path, elsewhere: Settings) -> None:
    assert "passphrase is wrong" in refused(elsewhere, file, SecretStr("another horse battery"))


def test_what_is_cut_is_told_wherever_it_is_cut(file: Path, elsewhere: Settings) -> None:
    content = file.read_bytes()
    for end in (10, 40, 100, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:end])
        assert "damaged" in refused(elsewhere, file), end


def test_what_is_altered_is_told_wherever_it_is_altered(file: Path, elsewhere: Settings) -> None:
    content = file.read_bytes()
    for place, told in ((0, "not a backup"), (50, "altered"), (150, "altered"), (len(content) // 2, "damaged")):
        altered = bytearray(content)
        altered[place] ^= 1
        file.write_bytes(altered)
        assert told in refused(elsewhere, file), place
    file.write_bytes(content + b"more")
    assert "damaged" in refused(elsewhere, file)


def _tar(**files: bytes) -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return packed.getvalue()


def test_what_is_no_backup_is_told(elsewhere: Settings, tmp_path: Path) -> None:
    def encrypted(content: bytes) -> bytes:
        return pyrage.passphrase.encrypt(content, PASSPHRASE.get_secret_value())

    key = pyrage.x25519.Identity.generate().to_public()
    for number, content in enumerate(
        (
            b"",
            b"a text",
            b"SQLite format 3\x00" + bytes(4096),
            pyrage.encrypt(b"to somebody", [key]),
            encrypted(b"a text"),
            encrypted(_tar(**{"onboarding.db": b"no manifest"})),
            encrypted(_tar(**{"manifest.json": b"{}"})),
        )
    ):
        file = tmp_path / "other"
        file.write_bytes(content)
        assert refused(elsewhere, file) == "This is not a backup of this program.", number
    assert "cannot be read" in refused(elsewhere, tmp_path / "absent")
    assert "cannot be read" in refused(elsewhere, tmp_path)


def _packed(manifest: Manifest, contents: dict[str, bytes], **changes: object) -> bytes:
    parts = [part(name, content) for name, content in contents.items()]
    return pack(manifest.model_copy(update={"parts": parts, **changes}), contents, PASSPHRASE)


def test_a_manifest_that_does_not_fit_is_told(given: Given, file: Path, elsewhere: Settings) -> None:
    manifest, contents = given.manifest, given.contents

    def said(contents: dict[str, bytes] = contents, **changes: object) -> str:
        file.write_bytes(_packed(manifest, contents, **changes))
        return refused(elsewhere, file)

    assert "damaged" in said(parts=[manifest.parts[0].model_copy(update={"sha256": "0" * 64}), *manifest.parts[1:]])
    assert "does not know: '../../over'" in said(contents | {"../../over": b"x"})
    assert "manifest" in said(rows=manifest.rows | {"project": 4})
    with pytest.raises(BackupError, match="newer version"):
        backup_file._manifest(manifest.model_copy(update={"format": backup_file.FORMAT + 1}).model_dump_json().encode())
    assert "newer version of this program (9.0)" in said(schema_version="9999", program="9.0")


def test_the_backup_of_an_earlier_version_is_brought_up(
    given: Given, file: Path, elsewhere: Settings, tmp_path: Path
) -> None:
    versions, contents = known_versions(), dict(given.contents)
    manifest = given.manifest.model_copy(deep=True)
    # As the version before would have written it: without what the newest step made.
    old = tmp_path / "old.db"
    old.write_bytes(contents["onboarding.db"])
    engine = create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        tables_before = _tables_at(versions[1], tmp_path)
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all():
            if name not in tables_before and not name.startswith("sqlite_"):
                connection.execute(text(f"DROP TABLE {name}"))
                manifest.rows.pop(name)
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": versions[1]})
    engine.dispose()
    contents["onboarding.db"] = old.read_bytes()
    file.write_bytes(_packed(manifest, contents, schema_version=versions[1]))
    assert restore_backup(ACTOR, elsewhere, file, PASSPHRASE).problem is None
    again = open_workspace(elsewhere)
    assert secrets(again) == given.secrets
    again.close()


def test_a_used_home_is_left_alone(workspace: Workspace, settings: Settings, file: Path, tmp_path: Path) -> None:
    seed(workspace)
    before = rows(workspace)
    result = restore_backup(ACTOR, settings, file, PASSPHRASE)
    assert "is in use: it holds master.key, onboarding.db" in str(result.problem)
    assert rows(workspace) == before
    other = Settings(home=tmp_path / "other")
    other.home.mkdir()
    (other.home / "mine").write_text("mine")
    assert "holds mine" in str(restore_backup(ACTOR, other, file, PASSPHRASE).problem)
    assert [one.name for one in other.home.iterdir()] == ["mine"]


def test_a_home_that_is_begun_meanwhile_is_left_alone(file: Path, elsewhere: Settings) -> None:
    """Another process opens the home between the look at it and the end of the restoration."""
    begun = threading.Event()

    def begin() -> None:
        while not any(elsewhere.home.glob(".restore-*/onboarding.db")):
            pass
        open_workspace(elsewhere).close()
        begun.set()

    thread = threading.Thread(target=begin)
    thread.start()
    result = restore_backup(ACTOR, elsewhere, file, PASSPHRASE)
    thread.join()
    assert begun.is_set()
    if result.problem is None:  # it was faster; then the other one opened what was restored
        return
    assert "began to be used meanwhile" in str(result.problem)
    open_workspace(elsewhere).close()  # key and database fit together
    assert not list(elsewhere.home.glob(".restore-*"))


def test_who_opens_the_home_while_files_are_put_in_place_takes_no_key_that_is_taken_away(
    file: Path, elsewhere: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link
    said = []

    def linked(source: Path, target: Path) -> None:
        link(source, target)
        if not said:
            with pytest.raises(VaultError) as refused:
                open_workspace(elsewhere)
            said.append(str(refused.value))

    monkeypatch.setattr(os, "link", linked)
    result = restore_backup(ACTOR, elsewhere, file, PASSPHRASE)
    assert result.problem is None and "master key is missing" in said[0]
    opened = open_workspace(elsewhere)
    assert verify_trail(ACTOR, opened).whole
    opened.close()


def test_only_administrators_restore(file: Path, elsewhere: Settings) -> None:
    for role in set(Role) - {Role.ADMINISTRATOR}:
        with pytest.raises(NotAllowedError, match="administrator"):
            restore_backup(Actor(name="somebody", role=role), elsewhere, file, PASSPHRASE)
    assert not elsewhere.home.exists()


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


def test_a_key_from_the_environment_is_not_in_the_backup(
    workspace: Workspace, settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    seed(workspace)
    opened = secrets(workspace)
    workspace.close()
    key = SecretStr(master_key(settings))
    outside = open_workspace(settings.model_copy(update={"master_key": key}))
    manifest = made(outside, tmp_path / "one.backup")
    outside.close()
    assert manifest.master_key == "elsewhere"
    assert [one.name for one in manifest.parts] == ["onboarding.db"]

    said = refused(elsewhere, tmp_path / "one.backup")
    assert f"does not hold the master key ({manifest.master_key_ids[0]})" in said
    wrong = SecretStr("A" * 43 + "=")
    with pytest.raises(VaultError, match="does not open this database"):
        restore_backup(ACTOR, elsewhere.model_copy(update={"master_key": wrong}), tmp_path / "one.backup", PASSPHRASE)
    assert not elsewhere.home.exists()
    right = elsewhere.model_copy(update={"master_key": key})
    assert restore_backup(ACTOR, right, tmp_path / "one.backup", PASSPHRASE).problem is None
    again = open_workspace(right)
    assert secrets(again) == opened
    again.close()


def test_the_file_of_regions_is_in_it(settings: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    regions = tmp_path / "mine.toml"
    regions.write_text("# none yet\n")
    opened = open_workspace(settings.model_copy(update={"regions": regions}))
    made(opened, tmp_path / "one.backup")
    assert restore_backup(ACTOR, elsewhere, tmp_path / "one.backup", PASSPHRASE).problem is None
    assert (elsewhere.home / "regions.toml").read_text() == "# none yet\n"
    regions.unlink()
    result = make_backup(ACTOR, opened, tmp_path / "two.backup", PASSPHRASE)
    opened.close()
    assert "mine.toml cannot be read" in str(result.problem)
    assert not (tmp_path / "two.backup").exists()


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


def _tables_at(version: str, folder: Path) -> set[str]:
    engine = create_engine(f"sqlite:///{folder / 'before.db'}")
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    engine.dispose()
    return names
