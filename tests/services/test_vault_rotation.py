"""New keys for everything that is sealed, while others work: nothing is lost, and the old keys are needed no more."""

import base64
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.services.audit import verify_trail
from core.services.audit_chain import BEGIN
from core.services.sealed_places import sealed_columns
from core.services.signing import kept_place
from core.services.use_case import note
from core.services.vault_check import check_vault, vault_status
from core.services.vault_rotation import Rotated, rotate_vault
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import new_id, now
from core.store.tables.access_keys import KeptKey
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials, Project
from core.store.tables.vault import DataKey, VaultRotation
from core.vault.master_key import MasterKey, VaultError, read_key_file
from core.vault.vault import Place
from tests.services.conftest import ACTOR
from tests.services.vaults import KINDS, OWN, copied, filled, home, keep, kept, one_of_each, secrets

OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
OLD_TEXT, NEW_TEXT = (base64.b64encode(one.key).decode() for one in (OLD, NEW))
Opened = Callable[..., Workspace]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; no sandbox is needed."""
    return home(tmp_path / "home")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """Opens this test's home once more, as another process does; with other settings where given."""
    all: list[Workspace] = []

    def one(**changes: Any) -> Workspace:
        all.append(open_workspace(settings.model_copy(update=changes)))
        return all[-1]

    yield one
    for workspace in all:
        workspace.close()


def done(workspace: Workspace, **options: Any) -> Rotated:
    found = rotate_vault(ACTOR, workspace, **options)
    assert found.done, found.problem
    return found


def data_keys(workspace: Workspace) -> list[DataKey]:
    with workspace.store.reading() as session:
        return list(session.exec(select(DataKey).order_by(DataKey.created)).all())


def expected(*names: str) -> dict[str, str]:
    return {f"kept_key {name} secret_key": f"secret of {name}" for name in names}


def test_every_kind_of_sealed_value_is_sealed_again_and_the_old_keys_are_gone(
    settings: Settings, opened: Opened
) -> None:
    workspace = opened()
    one_of_each(workspace)
    before, ring, keys = secrets(settings), read_key_file(settings.home), data_keys(workspace)
    assert set(before.values()) == {f"secret of {table} {field}" for table, field in KINDS}
    found = done(workspace)
    assert found.sealed == len(KINDS | OWN)
    assert secrets(settings) == before
    after = read_key_file(settings.home)
    assert after and ring
    assert after.ids == [found.master_key]
    assert found.old_master_keys == ring.ids
    assert [(key.id, key.master_key_id) for key in data_keys(workspace)] == [(found.data_key, found.master_key)]
    assert keys[0].id != found.data_key
    status = vault_status(ACTOR, workspace)
    assert [(one.id, one.values) for one in status.data_keys] == [(found.data_key, len(KINDS | OWN))]
    assert not status.rotating


def test_every_sealed_column_of_the_tables_is_known_and_bound_by_its_own_name(opened: Opened) -> None:
    assert {(column.table.name, column.field) for column in sealed_columns()} >= KINDS | OWN
    for column in sealed_columns():
        assert column.place("7") == Place(table=column.table.name, row="7", field=column.field)
        assert len(column.table.primary_key.columns) == 1


def test_a_rotation_is_told_in_events_without_secrets(opened: Opened) -> None:
    workspace = opened()
    keep(workspace, "a")
    found = done(workspace)
    with workspace.store.reading() as session:
        events = session.exec(select(Event).where(Event.action != BEGIN)).all()
    assert [event.action for event in events] == ["vault.rotate", "vault.sealed", "vault.rotated"]
    assert events[-1].details["old"] == found.old_master_keys
    assert {event.subject for event in events} == {found.master_key}
    assert "secret of" not in str([event.details for event in events])


def test_sealing_again_is_no_edit(opened: Opened) -> None:
    workspace = opened()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    row = Credentials(name="demo", modified=long_ago, created=long_ago, revision=4)
    row.proxy_sealed = workspace.vault.seal(SecretStr("x"), Place("credentials", row.id, "proxy"))
    with workspace.store.writing() as session:
        session.add(row)
    done(workspace)
    with workspace.store.reading() as session:
        after = session.exec(select(Credentials)).one()
    assert after.proxy_sealed != row.proxy_sealed
    assert (after.modified, after.revision) == (long_ago, 4)


def test_who_opened_before_opens_and_seals_after(settings: Settings, opened: Opened) -> None:
    before, rotating = opened(), opened()
    keep(before, "a")
    found = done(rotating)
    with before.store.reading() as session:
        row = session.exec(select(KeptKey)).one()
    assert before.vault.open(row.secret_key_sealed, kept_place(row.id)).get_secret_value() == "secret of a"
    keep(before, "b")
    assert secrets(settings) == expected("a", "b")
    assert {key.id for key in data_keys(before)} == {found.data_key}


def test_who_opened_before_seals_without_having_opened_anything_since(settings: Settings, opened: Opened) -> None:
    before, rotating = opened(), opened()
    done(rotating)
    done(rotating)
    keep(before, "a")
    assert secrets(settings) == expected("a")


def test_what_was_sealed_before_a_rotation_and_is_stored_after_it_opens(settings: Settings, opened: Opened) -> None:
    before, rotating = opened(), opened()
    row = kept(before, "a")
    done(rotating)
    with before.store.writing() as session:
        session.add(row)
    assert secrets(settings) == expected("a")


def test_what_is_stored_while_it_runs_opens(settings: Settings, opened: Opened) -> None:
    filled(settings, 750)
    rotating, stop, made = opened(), threading.Event(), []

    def work() -> None:
        other = opened()
        while not stop.is_set():
            keep(other, f"new {len(made)}")
            made.append(f"new {len(made)}")
            with other.store.writing() as session:
                row = session.exec(select(KeptKey).where(KeptKey.access_key == f"key {len(made) * 7 % 750}")).one()
                secret = other.vault.open(row.secret_key_sealed, kept_place(row.id))
                row.secret_key_sealed = other.vault.seal(secret, kept_place(row.id))
                session.add(row)
            note(ACTOR, other, "test.note", made[-1])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            done(rotating)
    finally:
        stop.set()
        thread.join()
    assert made
    assert secrets(settings) == expected(*(f"key {number}" for number in range(750)), *made)
    assert len(data_keys(rotating)) == 1


class _Meddling:
    """A vault between whose opening and the rotation's writing somebody edits the kept key."""

    def __init__(self, workspace: Workspace, meddle: Callable[[], None]) -> None:
        self._vault, self._meddle = workspace.vault, meddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vault, name)

    def seal_again(self, sealed: str, place: Place) -> str:
        again = self._vault.seal_again(sealed, place)
        if place.table == "kept_key":
            self._meddle()
        return again


def test_an_edit_between_reading_and_writing_stays(settings: Settings, opened: Opened) -> None:
    rotating, other = opened(), opened()
    keep(rotating, "a")

    def edit() -> None:
        with other.store.writing() as session:
            row = session.exec(select(KeptKey)).one()
            row.secret_key_sealed = other.vault.seal(SecretStr("edited"), kept_place(row.id))
            session.add(row)

    found = done(replace(rotating, vault=_Meddling(rotating, edit)))  # type: ignore[arg-type]
    assert found.sealed == len(OWN)
    assert secrets(settings) == {"kept_key a secret_key": "edited"}  # pragma: allowlist secret - made up


def test_a_row_deleted_between_reading_and_writing_stays_deleted(settings: Settings, opened: Opened) -> None:
    rotating, other = opened(), opened()
    keep(rotating, "a")

    def delete() -> None:
        with other.store.writing() as session:
            session.delete(session.exec(select(KeptKey)).one())

    done(replace(rotating, vault=_Meddling(rotating, delete)))  # type: ignore[arg-type]
    assert secrets(settings) == {}


def test_what_another_program_writes_under_the_old_key_is_found_before_that_is_dropped(
    settings: Settings, opened: Opened
) -> None:
    rotating, old = opened(), opened()
    keep(rotating, "a", "b")
    late = kept(old, "late", "0")  # under the old data key, and before the rows that were read last
    written = []

    def write_late(at: int, total: int) -> None:
        if at == total and not written:
            written.append(at)
            connection = sqlite3.connect(settings.database)
            values = late.id, late.access_key, "r", "1", late.secret_key_sealed, "2026-01-01 00:00:00"
            connection.execute(
                "INSERT INTO kept_key (id, access_key, region, account_id, secret_key_sealed, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
            connection.commit()
            connection.close()

    found = done(rotating, progress=write_late)
    assert found.sealed == 3 + len(OWN)
    assert secrets(settings) == expected("a", "b", "late")


def test_progress_is_told(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    told: list[tuple[int, int]] = []
    done(opened(), progress=lambda at, total: told.append((at, total)))
    assert told[0] == (0, 600 + len(OWN))
    assert told[-1] == (600 + len(OWN), 600 + len(OWN))
    assert [at for at, _ in told] == sorted(at for at, _ in told)


def test_a_stopped_rotation_goes_on(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    stop = threading.Event()
    first = rotate_vault(ACTOR, opened(), stop=stop, progress=lambda at, total: stop.set() if at > len(OWN) else None)
    assert not first.done
    assert first.problem and "Stopped" in first.problem.what
    assert 0 < first.sealed < 600
    ring = read_key_file(settings.home)
    assert ring and len(ring.keys) == 2
    assert len(secrets(settings)) == 600
    status = vault_status(ACTOR, opened())
    assert status.rotating
    assert [one.values for one in status.data_keys] == [first.sealed, 600 + len(OWN) - first.sealed]
    second = done(opened())
    assert (second.master_key, second.data_key) == (first.master_key, first.data_key)
    assert second.sealed == 600 + len(OWN) - first.sealed
    assert len(secrets(settings)) == 600


def test_while_one_rotates_another_is_told_who(settings: Settings, opened: Opened) -> None:
    filled(settings, 300)
    other, found = opened(), []

    def try_too(at: int, total: int) -> None:
        if at > len(OWN) and not found:
            found.append(rotate_vault(ACTOR.model_copy(update={"name": "ben"}), other))

    done(opened(), progress=try_too)
    assert not found[0].done
    assert "tester is rotating the keys since" in found[0].problem.what
    assert f"values sealed again so far: {250 + len(OWN)}." in found[0].problem.what
    assert len(secrets(settings)) == 300


def test_of_many_at_once_each_is_done_or_told_who(settings: Settings, opened: Opened) -> None:
    filled(settings, 1000)
    workspaces, found = [opened() for _ in range(4)], []
    threads = [
        threading.Thread(target=lambda workspace: found.append(rotate_vault(ACTOR, workspace)), args=(workspace,))
        for workspace in workspaces
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert any(one.done for one in found)
    assert all(one.done or "is rotating the keys" in one.problem.what for one in found)
    ring = read_key_file(settings.home)
    assert ring and len(ring.keys) == 1
    assert len(secrets(settings)) == 1000


def _left_by(settings: Settings, opened: Opened, **worker: Any) -> None:
    """Leave a rotation that somebody is at, as a process does that was killed."""
    workspace, stop = opened(), threading.Event()
    stop.set()
    keep(workspace, new_id())
    rotate_vault(ACTOR, workspace, stop=stop)
    with workspace.store.writing() as session:
        row = session.exec(select(VaultRotation)).one()
        until = worker.pop("until")
        row.worker = {"token": "x", "actor": "anna", "host": "elsewhere", "pid": 1, "started": 0.0} | worker
        row.worker_until = until
        session.add(row)


def test_a_worker_elsewhere_keeps_others_off_until_its_time_is_over(settings: Settings, opened: Opened) -> None:
    _left_by(settings, opened, until=now() + timedelta(seconds=20))
    found = rotate_vault(ACTOR, opened())
    assert found.problem and "anna is rotating the keys" in found.problem.what
    with opened().store.writing() as session:
        row = session.exec(select(VaultRotation)).one()
        row.worker_until = now() - timedelta(seconds=1)
        session.add(row)
    done(opened())


def test_a_worker_of_this_computer_that_is_gone_keeps_nobody_off(settings: Settings, opened: Opened) -> None:
    import socket

    _left_by(settings, opened, host=socket.gethostname(), pid=1, started=1.0, until=now() + timedelta(hours=1))
    done(opened())


def test_who_was_taken_for_dead_does_not_go_on(settings: Settings, opened: Opened) -> None:
    filled(settings, 600)
    other, second = opened(), []

    def take_over(at: int, total: int) -> None:
        if at > len(OWN) and not second:
            with other.store.writing() as session:
                row = session.exec(select(VaultRotation)).one()
                row.worker_until = now() - timedelta(seconds=1)
                session.add(row)
            second.append(done(other))

    found = rotate_vault(ACTOR, opened(), progress=take_over)
    assert not found.done
    assert found.problem and "Somebody took over this rotation" in found.problem.what
    assert second[0].done
    assert len(secrets(settings)) == 600


def test_a_value_that_does_not_open_keeps_the_old_keys(settings: Settings, opened: Opened) -> None:
    workspace = opened()
    keep(workspace, "a", "b")
    with workspace.store.reading() as session:
        row = session.exec(select(KeptKey).where(KeptKey.access_key == "a")).one()
    good, name = row.secret_key_sealed, row.id
    connection = sqlite3.connect(settings.database)
    connection.execute("UPDATE kept_key SET secret_key_sealed = ? WHERE id = ?", (good[:-8] + "AAAAAAA=", name))
    connection.commit()
    ring = read_key_file(settings.home)
    found = rotate_vault(ACTOR, workspace)
    assert not found.done
    assert found.problem and "1 of the sealed values do not open, so the old keys stay" in found.problem.what
    assert [(one.table, one.name, one.field) for one in found.broken] == [("kept_key", "a", "secret_key")]
    assert len(data_keys(workspace)) == 2
    after = read_key_file(settings.home)
    assert ring and after and after.ids[1:] == ring.ids
    connection.execute("UPDATE kept_key SET secret_key_sealed = ? WHERE id = ?", (good, name))
    connection.commit()
    connection.close()
    assert done(workspace).broken == []
    assert secrets(settings) == expected("a", "b")


def test_values_that_do_not_open_can_be_given_up(settings: Settings, opened: Opened) -> None:
    workspace = opened()
    keep(workspace, "a", "b")
    connection = sqlite3.connect(settings.database)
    # pragma: allowlist nextline secret - made up
    connection.execute("UPDATE kept_key SET secret_key_sealed = 'v1.dk-x.AAAA' WHERE access_key = 'a'")
    connection.commit()
    connection.close()
    found = done(workspace, leave_broken=True)
    assert [one.name for one in found.broken] == ["a"]
    assert len(data_keys(workspace)) == 1
    assert [one.name for one in check_vault(ACTOR, opened()).unopened] == ["a"]


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


def test_the_trail_goes_on_through_rotations(settings: Settings, opened: Opened) -> None:
    noted, idle, rotating = opened(), opened(), opened()
    note(ACTOR, noted, "test.note", "before")
    for _ in range(2):
        done(rotating, progress=lambda at, total: note(ACTOR, noted, "test.note", f"at {at}"))
    for workspace in (noted, idle, rotating):
        note(ACTOR, workspace, "test.note", "after")
    for workspace in (noted, idle, rotating, opened()):
        report = verify_trail(ACTOR, workspace)
        assert report.whole, report.faults
        assert (report.earlier, report.lines >= 14) == (0, True)


def test_the_key_of_the_trail_is_never_given_up(settings: Settings, opened: Opened) -> None:
    noted, ring = opened(), read_key_file(settings.home)
    note(ACTOR, noted, "test.note", "a")
    connection = sqlite3.connect(settings.database)
    (good,) = connection.execute("SELECT key_sealed FROM audit_key").fetchone()
    connection.execute("UPDATE audit_key SET key_sealed = ?", (good[:-8] + "AAAAAAA=",))
    connection.commit()
    for workspace in (noted, opened()):
        with pytest.raises(VaultError, match="The key of the audit trail is missing or was altered"):
            rotate_vault(ACTOR, workspace, leave_broken=True)
    assert (read_key_file(settings.home), len(data_keys(noted))) == (ring, 1)
    connection.execute("UPDATE audit_key SET key_sealed = ?", (good,))
    connection.commit()
    connection.close()
    done(noted)
    assert secrets(settings) == {}


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


def test_the_newest_data_key_is_the_newest_whatever_the_clock_says(settings: Settings, opened: Opened) -> None:
    workspace = opened()
    with workspace.store.writing() as session:
        key = session.exec(select(DataKey)).one()
        key.created = now() + timedelta(days=400)
        session.add(key)
    keep(workspace, "a")
    found = done(workspace)
    assert opened().vault.current == found.data_key
    assert secrets(settings) == expected("a")


def test_a_copy_of_the_database_from_before_needs_the_old_key(
    settings: Settings, opened: Opened, tmp_path: Path
) -> None:
    filled(settings, 3)
    before = copied(settings, tmp_path / "before")
    done(opened())
    (before.home / "master.key").write_bytes((settings.home / "master.key").read_bytes())
    with pytest.raises(VaultError, match="does not open this database"):
        open_workspace(before)


def test_a_value_copied_between_rows_fields_and_databases_does_not_open(
    settings: Settings, opened: Opened, tmp_path: Path
) -> None:
    workspace, other = opened(), open_workspace(home(tmp_path / "other"))
    one_of_each(workspace)
    keep(workspace, "a", "b")
    keep(other, "elsewhere")
    with other.store.reading() as session:
        foreign = session.exec(select(KeptKey.secret_key_sealed)).one()
    other.close()
    with workspace.store.reading() as session:
        first = session.exec(select(KeptKey.secret_key_sealed).where(KeptKey.access_key == "a")).one()
    connection = sqlite3.connect(settings.database)
    connection.execute("UPDATE kept_key SET secret_key_sealed = ? WHERE access_key = 'b'", (first,))
    connection.execute("UPDATE rotation SET new_secret_sealed = old_secret_sealed")
    connection.execute("UPDATE project SET secret_key_sealed = ?", (first,))
    connection.execute("UPDATE key_intent SET secret_key_sealed = ?", (foreign,))
    connection.execute("UPDATE credentials SET proxy_sealed = substr(proxy_sealed, 1, 40)")
    connection.execute(
        # pragma: allowlist nextline secret - made up
        "UPDATE kept_key SET secret_key_sealed = 'v0' || substr(secret_key_sealed, 3) WHERE access_key='a'"
    )
    connection.commit()
    connection.close()
    found = check_vault(ACTOR, workspace)
    assert found.values == len(KINDS | OWN) + 2
    why = {(one.table, one.name, one.field): one.why for one in found.unopened}
    assert set(why) == {
        ("kept_key", "b", "secret_key"),
        ("kept_key", "a", "secret_key"),
        ("rotation", "rotates", "new_secret"),
        ("project", "project", "secret_key"),
        ("key_intent", "waits", "secret_key"),
        ("credentials", "demo", "proxy"),
    }
    assert "comes from another database" in why["key_intent", "waits", "secret_key"]
    assert "format v0" in why["kept_key", "a", "secret_key"]
    assert "altered or belongs to another row" in why["project", "project", "secret_key"]
    status = vault_status(ACTOR, workspace)
    assert [one.values for one in status.data_keys if one.missing] == [1]


def test_a_home_that_others_get_into_is_refused(settings: Settings, opened: Opened) -> None:
    for mode in (0o755, 0o750, 0o711, 0o702):
        settings.home.chmod(mode)
        with pytest.raises(VaultError, match=f"Run: chmod 700 {settings.home}"):
            opened()
        assert list(settings.home.iterdir()) == []
    settings.home.chmod(0o700)
    opened()


def test_a_project_row_is_sealed_again_with_its_credentials(settings: Settings, opened: Opened) -> None:
    before, rotating = opened(), opened()
    one_of_each(before)
    done(rotating)
    with before.store.writing() as session:
        row = session.exec(select(Project)).one()
        row.secret_key_sealed = before.vault.seal(SecretStr("new"), Place("project", row.id, "secret_key"))
        session.add(row)
    assert secrets(settings)["project project secret_key"] == "new"  # pragma: allowlist secret - made up
