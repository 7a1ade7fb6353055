"""Values that do not open keep the old keys until they are given up."""

import sqlite3

import pytest
from sqlmodel import select

from core.services.use_case import note
from core.services.vault_check import check_vault
from core.services.vault_rotation import rotate_vault
from core.settings import Settings
from core.store.tables.access_keys import KeptKey
from core.vault.master_key import VaultError, read_key_file
from tests.services.conftest import ACTOR
from tests.services.vault_rotation.rotations import Opened, data_keys, done, expected
from tests.services.vaults import keep, secrets


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
