"""Where the master keys come from: the environment, a command, the file."""

import base64
import shlex
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.services.use_case import note
from core.services.vault_check import vault_status
from core.services.vault_rotation import rotate_vault
from core.settings import Settings
from core.vault.master_key import MasterKey, VaultError, read_key_file
from tests.services.conftest import ACTOR
from tests.services.vault_rotation.rotations import Opened, data_keys, done, expected
from tests.services.vaults import keep, secrets

OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
OLD_TEXT, NEW_TEXT = (base64.b64encode(one.key).decode() for one in (OLD, NEW))


def test_from_the_environment_the_new_key_must_stand_first(settings: Settings, opened: Opened) -> None:
    first = opened(master_key=SecretStr(OLD_TEXT))
    keep(first, "a")
    found = rotate_vault(ACTOR, first)
    assert not found.done
    assert found.problem and OLD.id in found.problem.what
    assert "Put a new one before it" in found.problem.mend
    assert not vault_status(ACTOR, first).rotating
    assert len(data_keys(first)) == 1
    both = opened(master_key=SecretStr(f"{NEW_TEXT},{OLD_TEXT}"))
    found = done(both)
    assert (found.source, found.master_key, found.old_master_keys) == ("environment", NEW.id, [OLD.id])
    assert secrets(settings.model_copy(update={"master_key": SecretStr(NEW_TEXT)})) == expected("a")
    with pytest.raises(VaultError, match=f"{OLD.id} does not open this database"):
        opened(master_key=SecretStr(OLD_TEXT))
    assert not (settings.home / "master.key").exists()


def test_a_process_without_the_new_key_stores_nothing_and_says_why(settings: Settings, opened: Opened) -> None:
    old, both = opened(master_key=SecretStr(OLD_TEXT)), opened(master_key=SecretStr(f"{NEW_TEXT},{OLD_TEXT}"))
    keep(old, "a")
    done(both)
    with pytest.raises(VaultError, match=f"sealed under {NEW.id}. Start this program again with that master key"):
        keep(old, "b")
    assert secrets(both.settings) == expected("a")


def test_a_process_without_the_new_key_records_nothing_and_says_why(settings: Settings, opened: Opened) -> None:
    old, both = opened(master_key=SecretStr(OLD_TEXT)), opened(master_key=SecretStr(f"{NEW_TEXT},{OLD_TEXT}"))
    done(both)
    with pytest.raises(VaultError, match=f"sealed under {NEW.id}. Start this program again with that master key"):
        note(ACTOR, old, "test.note", "a")
    assert secrets(both.settings) == {}


def test_from_a_command_running_processes_find_the_new_key(settings: Settings, opened: Opened, tmp_path: Path) -> None:
    manager = tmp_path / "secret manager"
    manager.write_text(OLD_TEXT)
    command = {"master_key_command": shlex.join(["cat", str(manager)])}
    running, rotating = opened(**command), opened(**command)
    keep(running, "a")
    assert rotate_vault(ACTOR, rotating).problem
    manager.write_text(f"{NEW_TEXT}\n{OLD_TEXT}\n")
    found = done(rotating)
    assert (found.source, found.old_master_keys) == ("command", [OLD.id])
    keep(running, "b")
    manager.write_text(NEW_TEXT)
    assert secrets(rotating.settings) == expected("a", "b")


def test_from_the_file_to_a_command(settings: Settings, opened: Opened, tmp_path: Path) -> None:
    workspace = opened()
    keep(workspace, "a")
    ring = read_key_file(settings.home)
    assert ring
    manager = tmp_path / "secret manager"
    manager.write_text(f"{NEW_TEXT} {base64.b64encode(ring.current.key).decode()}")
    command = {"master_key_command": shlex.join(["cat", str(manager)])}
    done(opened(**command))
    manager.write_text(NEW_TEXT)
    (settings.home / "master.key").unlink()
    assert secrets(settings.model_copy(update=command)) == expected("a")


def test_the_older_form_of_the_file_is_read_and_becomes_the_newer(settings: Settings, opened: Opened) -> None:
    path = settings.home / "master.key"
    path.write_text(f'{{"id": "{OLD.id}", "key": "{OLD_TEXT}"}}')
    path.chmod(0o600)
    workspace = opened()
    keep(workspace, "a")
    found = done(workspace)
    assert found.old_master_keys == [OLD.id]
    assert '"keys"' in path.read_text()
    assert OLD_TEXT not in path.read_text()
    assert secrets(settings) == expected("a")


def test_a_ring_that_cannot_be_written_changes_nothing(settings: Settings, opened: Opened) -> None:
    workspace = opened()
    keep(workspace, "a")
    path = settings.home / "master.key"
    path.chmod(0o400)
    before = path.read_text()
    with pytest.raises(VaultError, match="is read-only"):
        rotate_vault(ACTOR, workspace)
    assert path.read_text() == before
    assert not vault_status(ACTOR, workspace).rotating
    assert len(data_keys(workspace)) == 1
    path.chmod(0o600)
    done(workspace)
    assert secrets(settings) == expected("a")


def test_a_ring_that_cannot_be_written_at_the_end_loses_nothing(settings: Settings, opened: Opened) -> None:
    workspace = opened()
    keep(workspace, "a")
    path = settings.home / "master.key"
    with pytest.raises(VaultError, match="is read-only"):
        rotate_vault(ACTOR, workspace, progress=lambda at, total: path.chmod(0o400))
    assert vault_status(ACTOR, workspace).rotating
    assert secrets(settings) == expected("a")
    path.chmod(0o600)
    assert len(done(opened()).old_master_keys) == 1
    assert secrets(settings) == expected("a")


def test_a_key_that_a_killed_process_left_in_the_ring_is_the_next_one(settings: Settings, opened: Opened) -> None:
    from core.vault.master_key import replace_key_file

    workspace = opened()
    keep(workspace, "a")
    ring = read_key_file(settings.home)
    assert ring
    ring = ring.with_new_key()
    replace_key_file(settings.home, ring)
    assert done(workspace).master_key == ring.current.id


def test_a_home_that_others_get_into_is_refused(settings: Settings, opened: Opened) -> None:
    for mode in (0o755, 0o750, 0o711, 0o702):
        settings.home.chmod(mode)
        with pytest.raises(VaultError, match=f"Run: chmod 700 {settings.home}"):
            opened()
        assert list(settings.home.iterdir()) == []
    settings.home.chmod(0o700)
    opened()
