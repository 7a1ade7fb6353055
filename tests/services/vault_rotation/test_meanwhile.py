"""While a rotation runs, others work, and nothing of theirs is lost."""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import SecretStr
from sqlmodel import select

from core.services.signing import kept_place
from core.services.use_case import note
from core.services.workspace import Workspace
from core.settings import Settings
from core.store.tables.access_keys import KeptKey
from core.vault.vault import Place
from tests.services.conftest import ACTOR
from tests.services.vault_rotation.rotations import Opened, data_keys, done, expected
from tests.services.vaults import OWN, filled, keep, kept, secrets


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
