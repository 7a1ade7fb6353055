"""A trail of ten lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.services.audit.trails import LINES, set_days


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    opened = open_workspace(Settings(home=home))
    for days in range(100, 100 + LINES - 1):
        assert not set_days(opened, days)
    yield opened
    opened.close()
