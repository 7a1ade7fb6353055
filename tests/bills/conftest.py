"""A bill file read as the engine reads it, without an object storage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.domain.bill_lines import Dialect, Mapping
from core.services.bill_reading import Reading, Understood, understand

Read = Callable[..., Understood]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read bytes as the object of a name."""

    def read(name: str, content: bytes, mapping: Mapping | None = None, dialect: Dialect | None = None) -> Understood:
        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        path = work / "object"
        path.write_bytes(content)
        return understand(Reading(name, mapping, dialect, work), path, work)

    return read
