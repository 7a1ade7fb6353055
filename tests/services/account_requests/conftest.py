"""A mail server, and a workspace that sends by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from tests.services.mail_server import MailServer, mail_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    with mail_server(tmp_path) as running:
        yield running


@pytest.fixture
def by_mail_server(settings: Settings, server: MailServer) -> Iterator[Workspace]:
    values = settings.model_dump() | server.settings() | {"read_timeout": 2}
    opened = open_workspace(Settings.model_validate(values))
    yield opened
    opened.close()
