"""All that is sealed is sealed again under new keys, and the old ones are needed no more."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.services.audit import verify_trail
from core.services.audit_chain import BEGIN
from core.services.sealed_places import sealed_columns
from core.services.use_case import note
from core.services.vault_check import check_vault, vault_status
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.access_keys import KeptKey
from core.store.tables.audit import Event
from core.store.tables.credentials import Credentials, Project
from core.store.tables.vault import DataKey
from core.vault.master_key import VaultError, read_key_file
from core.vault.vault import Place
from tests.services.conftest import ACTOR
from tests.services.vault_rotation.rotations import Opened, data_keys, done, expected
from tests.services.vaults import KINDS, OWN, copied, filled, home, keep, one_of_each, secrets


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


def test_a_project_row_is_sealed_again_with_its_credentials(settings: Settings, opened: Opened) -> None:
    before, rotating = opened(), opened()
    one_of_each(before)
    done(rotating)
    with before.store.writing() as session:
        row = session.exec(select(Project)).one()
        row.secret_key_sealed = before.vault.seal(SecretStr("new"), Place("project", row.id, "secret_key"))
        session.add(row)
    assert secrets(settings)["project project secret_key"] == "new"  # pragma: allowlist secret - made up
