"""A database that cannot do its work says why, in words of its own, and keeps what it had."""

import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import event as events
from sqlmodel import select

from core.store.store import Store, StoreError
from core.store.tables.audit import Event

AsPlainUser = Callable[[Path], AbstractContextManager[None]]


def _event(subject: str = "demo") -> Event:
    return Event(actor="joe", via="terminal", action="credentials.add", subject=subject)


def _subjects(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [subject for (subject,) in connection.execute("SELECT subject FROM event ORDER BY id")]
    finally:
        connection.close()


def _filled(path: Path, rows: int = 1) -> Path:
    store = Store(path)
    with store.writing() as session:
        session.add_all(_event() for _ in range(rows))
    store.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return _filled(tmp_path / "onboarding.db")


def test_a_locked_database_says_so_and_works_again_afterwards(path: Path) -> None:
    store = Store(path, busy_seconds=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    since = time.monotonic()
    words = r"is locked by another program\. Nothing was stored; try again"
    with pytest.raises(StoreError, match=words), store.writing() as session:
        session.add(_event("lost"))
    assert 0.15 < time.monotonic() - since < 3
    with store.reading() as session:
        assert session.exec(select(Event.subject)).all() == ["demo"]
    other.execute("ROLLBACK")
    other.close()
    with store.writing() as session:
        session.add(_event("kept"))
    assert _subjects(path) == ["demo", "kept"]


def test_a_database_that_another_program_has_for_itself_cannot_be_opened(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="is locked by another program"):
        Store(path, busy_seconds=0.1)
    other.execute("ROLLBACK")
    other.close()


def test_a_read_only_file_can_be_read_and_says_why_it_is_not_written(
    open_folder: Path, as_plain_user: AsPlainUser
) -> None:
    path = _filled(open_folder / "onboarding.db")
    path.chmod(0o444)
    with as_plain_user(open_folder):
        store = Store(path)
        with store.reading() as session:
            assert session.exec(select(Event.subject)).all() == ["demo"]
        words = r"is read-only\. Nothing was stored; give write access"
        with pytest.raises(StoreError, match=words) as caught, store.writing() as session:
            session.add(_event("lost"))
        assert str(path) in str(caught.value)
        store.close()
    assert _subjects(path) == ["demo"]


def test_a_read_only_folder_says_so(open_folder: Path, as_plain_user: AsPlainUser) -> None:
    path = _filled(open_folder / "onboarding.db")
    open_folder.chmod(0o555)
    try:
        with as_plain_user(open_folder), pytest.raises(StoreError, match=r"writable|read-only"):
            store = Store(path)
            with store.writing() as session:
                session.add(_event("lost"))
    finally:
        open_folder.chmod(0o755)
    assert _subjects(path) == ["demo"]


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened\. Check that its folder exists and is writable"):
        Store(tmp_path / "nowhere" / "onboarding.db")


def test_a_folder_in_place_of_the_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "onboarding.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "onboarding.db")


def test_a_full_database_keeps_what_it_had_and_works_again_with_room(path: Path) -> None:
    store = Store(path)
    store.close()

    @events.listens_for(store.engine, "connect")
    def _limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size when that is more

    words = r"The disk of .* is full\. Nothing was stored; free some room"
    with pytest.raises(StoreError, match=words), store.writing() as session:
        session.add_all(_event("x" * 1000) for _ in range(500))
    assert _subjects(path) == ["demo"]
    events.remove(store.engine, "connect", _limit)
    store.close()
    with store.writing() as session:
        session.add(_event("kept"))
    assert _subjects(path) == ["demo", "kept"]


WRITE = """
import sys
from pathlib import Path
from core.store.store import Store, StoreError
from core.store.tables.audit import Event
try:
    store = Store(Path(sys.argv[1]))
    with store.writing() as session:
        session.add_all(Event(actor="joe", via="t", action="a", subject="x" * 1000) for _ in range(2000))
except StoreError as error:
    print(error)
    sys.exit(7)
"""


def test_a_write_that_the_system_stops_keeps_what_was_there(path: Path) -> None:
    limit = path.stat().st_size + 64 * 1024

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    child = subprocess.run(
        [sys.executable, "-c", WRITE, str(path)], preexec_fn=limited, capture_output=True, text=True, check=False
    )
    assert child.returncode == 7, child.stderr
    assert "a limit of size was reached. Nothing was stored" in child.stdout
    assert child.stdout.count("\n") == 1
    assert _subjects(path) == ["demo"]


def test_a_writer_that_is_killed_leaves_nothing_half_done(path: Path) -> None:
    code = WRITE.replace("except", "        session.flush(); print('flushed', flush=True); sys.stdin.read()\nexcept")
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "flushed\n"
    finally:
        child.kill()
        child.communicate()
    store = Store(path)
    with store.writing() as session:
        session.add(_event("kept"))
    store.close()
    assert _subjects(path) == ["demo", "kept"]


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"These are not the bytes of a database. " * 200)


def _damaged(path: Path) -> None:
    content = bytearray(_filled(path, 2000).read_bytes())
    for at in range(4096, len(content)):
        content[at] ^= 0x5A
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = _filled(path, 2000).read_bytes()
    path.write_bytes(content[: len(content) // 4096 // 2 * 4096])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_not_a_database, "is not a database. Move it away or restore it from a copy."),
        (_damaged, "is damaged. Restore it from a copy."),
        (_cut, "is damaged. Restore it from a copy."),
    ],
)
def test_a_spoiled_file_is_named_and_left_alone(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "onboarding.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        store = Store(path)
        with store.reading() as session:
            session.exec(select(Event)).all()
    assert str(caught.value) == f"{'' if 'not a' in words else 'The database '}{path} {words}"
    assert path.read_bytes() == before


def test_the_words_hold_no_values_of_the_statement(path: Path) -> None:
    store = Store(path, busy_seconds=0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught, store.writing() as session:
        session.add(_event("TOPSECRET"))
    for word in ("INSERT", "BEGIN", "TOPSECRET"):
        assert word not in str(caught.value)
    other.close()
