"""A home of its own, opened as often as a test wants."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.services.vault_rotation.rotations import Opened
from tests.services.vaults import home


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
