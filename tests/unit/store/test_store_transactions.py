"""Transactions, settings of the connection, times with their zone."""

import sqlite3
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import select

from core.store.columns import now
from core.store.store import Store
from core.store.tables.audit import Event
from core.store.tables.credentials import Bucket, Check, Credentials, Project
from core.store.tables.vault import DataKey


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "onboarding.db")


def _event(subject: str = "demo", **fields: object) -> Event:
    return Event(actor="joe", via="terminal", action="credentials.add", subject=subject, **fields)


def _subjects(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.exec(select(Event.subject).order_by(Event.id)).all())


def test_the_connections_are_set_up_on_every_thread(store: Store) -> None:
    said: list[tuple[object, ...]] = []

    def look() -> None:
        with store.reading() as session:
            ask = session.connection().exec_driver_sql
            said.append(
                tuple(ask(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys", "synchronous"))
            )

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [("wal", 1, 1)] * 3


def test_a_durable_transaction_waits_for_the_disk(store: Store) -> None:
    with store.writing(durable=True) as session:
        session.add(_event())
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar() == 2
    assert _subjects(store) == ["demo"]


def test_many_transactions_at_once_each_get_a_connection(store: Store) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            assert stack.enter_context(store.reading()).exec(select(Event)).all() == []


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    first = Store(tmp_path / "onboarding.db")
    with first.writing() as session:
        session.add(_event(details={"rows": 2}))
        session.add(DataKey(id="dk-1", master_key_id="mk-1", wrapped=b"\x00\xff"))
    first.close()
    second = Store(tmp_path / "onboarding.db")
    with second.reading() as session:
        assert session.exec(select(Event)).one().details == {"rows": 2}
        assert session.exec(select(DataKey)).one().wrapped == b"\x00\xff"


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    with pytest.raises(RuntimeError, match="midway"), store.writing() as session:
        session.add(_event())
        session.flush()
        raise RuntimeError("midway")
    assert _subjects(store) == []
    with store.writing() as session:  # and the lock was given back
        session.add(_event("later"))
    assert _subjects(store) == ["later"]


def test_reading_sees_one_state_and_does_not_wait_for_a_writer(store: Store) -> None:
    with store.writing() as session:
        session.add(_event("old"))
    with store.reading() as reader:
        assert len(reader.exec(select(Event.subject)).all()) == 1
        with store.writing() as session:
            session.add(_event("new"))
            session.flush()
            assert _subjects(store) == ["old"]
        assert len(reader.exec(select(Event.subject)).all()) == 1
    assert _subjects(store) == ["old", "new"]


def test_a_reader_that_adds_something_stores_nothing(store: Store) -> None:
    with store.reading() as session:
        session.add(_event())
        session.flush()
    assert _subjects(store) == []


def test_a_writer_holds_the_lock_from_its_first_moment(store: Store) -> None:
    with store.writing():
        other = sqlite3.connect(store.path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_writers_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    with store.writing() as session:
        session.add(_event("0"))

    def count_up() -> None:
        for _ in range(10):
            with store.writing() as session:
                row = session.exec(select(Event)).one()
                row.subject = str(int(row.subject) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _subjects(store) == ["40"]


def test_a_name_is_taken_once(store: Store) -> None:
    with store.writing() as session:
        session.add(Credentials(name="demo"))
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(Credentials(name="demo"))


def test_rows_of_credentials_that_are_not_there_are_refused(store: Store) -> None:
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(Bucket(credentials_id="nobody", position=0, name="bills", region="eu-west-2"))


def test_deleting_credentials_takes_their_rows_along_and_leaves_the_events(store: Store) -> None:
    with store.writing() as session:
        credentials = Credentials(name="demo")
        session.add(credentials)
        session.flush()
        of = {"credentials_id": credentials.id, "position": 0}
        session.add(Bucket(name="bills", region="eu-west-2", **of))
        session.add(Project(access_key="A", secret_key_sealed="v1", account_id="", region="eu-west-2", **of))
        session.add(Check(target="t", check="c", outcome="passed", found="f", mend="", seconds=0.1, **of))
        session.add(_event())
    with store.writing() as session:
        session.delete(session.exec(select(Credentials)).one())
    with store.reading() as session:
        assert [session.exec(select(table)).all() for table in (Bucket, Project, Check)] == [[], [], []]
        assert len(session.exec(select(Event)).all()) == 1


def test_times_come_back_in_utc_with_their_zone(store: Store) -> None:
    paris = timezone(timedelta(hours=2))
    at = datetime(2026, 10, 24, 1, 30, 0, 123456, tzinfo=paris)
    with store.writing() as session:
        session.add(_event(at=at))
        session.add(Credentials(name="demo", checked=None))
    with store.reading() as session:
        found = session.exec(select(Event)).one().at
        assert found == at
        assert found.utcoffset() == timedelta(0)
        assert found.isoformat() == "2026-10-23T23:30:00.123456+00:00"
        assert session.exec(select(Credentials)).one().checked is None
        assert session.exec(select(Event).where(Event.at == at)).one()
        assert session.connection().execute(text("SELECT at FROM event")).scalar() == "2026-10-23 23:30:00.123456"


def test_a_time_without_zone_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="without a zone"), store.writing() as session:
        session.add(_event(at=datetime(2026, 10, 24)))  # noqa: DTZ001 - the very thing


def test_the_present_has_its_zone() -> None:
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert now().utcoffset() == timedelta(0)
