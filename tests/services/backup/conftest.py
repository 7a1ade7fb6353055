"""Homes to back up and to restore into, and one backup for all."""

from pathlib import Path

import pyrage
import pytest

from core.services.backup_file import pack, unpack
from core.services.workspace import open_workspace
from core.settings import Settings
from tests import age
from tests.services.backup.homes import PASSPHRASE, Given, made, rows, secrets, seed


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase takes its time and its memory on purpose. The backup that `given` makes takes them; the others are
    written with little work, and read as any other."""
    monkeypatch.setattr(pyrage.passphrase, "encrypt", age.encrypt)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; no sandbox is needed."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Settings with a home that does not exist yet."""
    return Settings(home=tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """Made once, with all the work that a passphrase takes."""
    folder = tmp_path_factory.mktemp("given")
    opened = open_workspace(Settings(home=folder / "home"))
    seed(opened)
    before = rows(opened)
    made(opened, folder / "given.backup")
    content, sealed_there = (folder / "given.backup").read_bytes(), secrets(opened)
    opened.close()
    return Given(content, *unpack(content, PASSPHRASE), sealed_there, before)


@pytest.fixture
def file(given: Given, tmp_path: Path) -> Path:
    """The same backup, written with little work."""
    path = tmp_path / "given.backup"
    path.write_bytes(pack(given.manifest, given.contents, PASSPHRASE))
    return path
