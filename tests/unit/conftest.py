"""What several unit tests share."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

_NOBODY = 65534


AsPlainUser = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder to which every user has a way; pytest's own are for one user alone."""
    with tempfile.TemporaryDirectory(prefix="onboarding-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def as_plain_user() -> AsPlainUser:
    """Makes this process somebody who owns a folder, for the time of a `with`: root may write anywhere. Changes
    nothing when the tests are not run by root."""

    @contextmanager
    def become(folder: Path) -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        for entry in (folder, *folder.iterdir()):
            os.chown(entry, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return become
