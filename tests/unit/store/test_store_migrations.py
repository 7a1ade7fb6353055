"""Migrations: up from empty and from each earlier version, and what they make is what the tables declare."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

import core.store.tables  # declares the tables
from core.store.store import Store, StoreError

MIGRATIONS = Path(core.store.__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


REVISIONS = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
HEAD = ScriptDirectory.from_config(_config()).get_current_head()


def _version(path: Path) -> str | None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    engine.dispose()
    return version


def _matches_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_an_empty_database_becomes_what_the_tables_declare(tmp_path: Path) -> None:
    store = Store(tmp_path / "onboarding.db")
    _matches_the_models(store)
    store.close()
    assert _version(tmp_path / "onboarding.db") == HEAD


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_version_is_brought_up(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "onboarding.db"
    engine = create_engine(f"sqlite:///{path}")
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    store = Store(path)
    _matches_the_models(store)
    store.close()
    assert _version(path) == HEAD


def test_there_is_one_line_of_versions() -> None:
    assert len(ScriptDirectory.from_config(_config()).get_heads()) == 1
    assert "0001" in REVISIONS


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "onboarding.db"
    Store(path).close()
    before = path.read_bytes()
    Store(path).close()
    assert path.read_bytes() == before


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "onboarding.db"
    store = Store(path)
    with store.writing() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="was written by a newer version"):
        Store(path)
    assert _version(path) == "9999"
    assert path.read_bytes() == before


def test_a_foreign_database_with_tables_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "onboarding.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE event (what TEXT)"))
        connection.execute(text("INSERT INTO event VALUES ('ours')"))
    with pytest.raises(StoreError, match="already exists"):
        Store(path)
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        assert tables == ["event"]  # a migration that fails leaves nothing half done
        assert connection.execute(text("SELECT what FROM event")).scalars().all() == ["ours"]
    engine.dispose()


OPEN = """
import sys
from pathlib import Path
from core.store.store import Store
sys.stdout.write("ready\\n"); sys.stdout.flush()
sys.stdin.readline()
Store(Path(sys.argv[1])).close()
"""


def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "onboarding.db"
    command_line = [sys.executable, "-c", OPEN, str(path)]
    children = [
        subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, said = child.communicate(timeout=60)
        assert child.returncode == 0, said
    store = Store(path)
    _matches_the_models(store)
    store.close()
