"""What is in a backup comes back whole, into an empty home alone."""

import os
import threading
from pathlib import Path

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.audit import verify_trail
from core.services.backup import make_backup
from core.services.restore import restore_backup
from core.services.use_case import NotAllowedError
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import _config, known_versions
from core.vault.master_key import VaultError
from tests import age
from tests.services.backup.homes import (
    PASSPHRASE,
    SEALED,
    Given,
    events,
    made,
    master_key,
    packed,
    refused,
    rows,
    secrets,
    seed,
)
from tests.services.conftest import ACTOR


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
    file.write_bytes(packed(manifest, contents, schema_version=versions[1]))
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


def _tables_at(version: str, folder: Path) -> set[str]:
    engine = create_engine(f"sqlite:///{folder / 'before.db'}")
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        names = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
    engine.dispose()
    return names
