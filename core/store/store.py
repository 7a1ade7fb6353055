"""The database: one engine a process, transactions, migrations."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session

BUSY_SECONDS = 5.0


class StoreError(Exception):
    """The database cannot do what it was asked for. The text says why and what to do."""


def _explain(error: DatabaseError, path: Path) -> StoreError:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    said = {
        sqlite3.SQLITE_BUSY: "The database is locked by another program. Nothing was stored; try again in a moment.",
        sqlite3.SQLITE_LOCKED: "The database is locked by another program. Nothing was stored; try again in a moment.",
        sqlite3.SQLITE_READONLY: f"The database {path} is read-only. Nothing was stored; give write access to it and "
        "its folder.",
        sqlite3.SQLITE_FULL: f"The disk of {path.parent} is full. Nothing was stored; free some room and try again.",
        sqlite3.SQLITE_IOERR: f"The disk of {path.parent} failed, or a limit of size was reached. Nothing was stored; "
        "look at the disk and its quota, then try again.",
        sqlite3.SQLITE_CANTOPEN: f"The database {path} cannot be opened. Check that its folder exists and is writable.",
        sqlite3.SQLITE_CORRUPT: f"The database {path} is damaged. Restore it from a copy.",
        sqlite3.SQLITE_NOTADB: f"{path} is not a database. Move it away or restore it from a copy.",
    }
    return StoreError(said.get(code, f"The database refused: {error.orig}. Nothing was stored."))


class Store:
    """The embedded database of a home folder: SQLite with WAL, foreign keys and a busy timeout."""

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the file, made when missing, and bring it to the newest version.

        Raises StoreError when it cannot be opened, is damaged, or was written by a newer version."""
        self.path = path
        self.engine = _engine(path, busy_seconds)
        self.writers = sessionmaker(class_=Session, expire_on_commit=False)
        """Makes the sessions that write; what has to hold for every write listens to its events."""
        with self._explained():
            self._migrate()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            if isinstance(error, OperationalError) or type(error.orig) is sqlite3.DatabaseError:
                raise _explain(error, self.path) from error
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._explained(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Session]:
        """A transaction that is committed at the end and undone by any exception. It takes the write lock at once,
        so that two writers wait for each other instead of failing halfway. With `durable`, it and all that was
        committed before outlive a power failure; otherwise the last moments may be lost, in their order.

        Raises StoreError when the database is locked, read-only or full."""
        writer = self.engine.execution_options(immediate=True, durable=durable)
        with self._explained(), self.writers(bind=writer) as session, session.begin():
            session.connection()  # a session alone would wait for its first statement
            yield session

    def copy_to(self, path: Path) -> None:
        """Copy the database as it is at one moment to a new file, while others go on reading and writing.

        Raises StoreError when it cannot be read, or when what was copied is damaged."""
        copy = sqlite3.connect(path)
        try:
            with self._explained(), self.engine.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None  # noqa: S101 - a connection that was just opened has one
                driver.backup(copy)
            found = copy.execute("PRAGMA integrity_check").fetchall()
            orphans = copy.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError as error:
            raise StoreError(f"The database {self.path} cannot be copied: {error}. Nothing was written.") from None
        finally:
            copy.close()
        if found != [("ok",)] or orphans:
            raise StoreError(f"The database {self.path} is damaged. Restore it from a copy.")

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    def _migrate(self) -> None:
        config = _config()
        script = ScriptDirectory.from_config(config)
        with self.engine.connect() as connection:
            if _version(connection) == script.get_current_head():
                return
        with self.engine.execution_options(immediate=True).begin() as connection:
            known = {revision.revision for revision in script.walk_revisions()}
            version = _version(connection)
            if version is not None and version not in known:
                raise StoreError(f"{self.path} was written by a newer version of this program. Update the program.")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def known_versions() -> list[str]:
    """The versions of the database that this program can open, the newest first."""
    return [revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions()]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _version(connection: Connection) -> str | None:
    exists = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).first()
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if exists else None


def _engine(path: Path, busy_seconds: float) -> Engine:
    # No bound on connections: a thread that holds one may need another, to learn a key.
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_seconds}, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions in its own way; SQLAlchemy's documentation has it step aside like this.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # A read-only file can still be read; writing will say so in its own words.
            return

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("durable"):
            connection.exec_driver_sql("PRAGMA synchronous = FULL")  # from here on for this connection
        immediate = options.get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
