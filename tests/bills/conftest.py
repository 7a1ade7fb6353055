"""A bill file read as the engine reads it, without an object storage."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.domain.bill_lines import Dialect, Mapping
from core.domain.regions import Region
from core.outscale.storage_key import StorageKey
from core.services.cost_engine import Task, Understood, understand

Read = Callable[..., Understood]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read bytes as the object of a name."""
    region = Region(name="nowhere", label="Nowhere", api="https://api.invalid", oos="https://oos.invalid")
    key = StorageKey(region, "AK", SecretStr("none"), None, 1, 1)

    def read(name: str, content: bytes, mapping: Mapping | None = None, dialect: Dialect | None = None) -> Understood:
        work = tmp_path / f"work-{len(list(tmp_path.iterdir()))}"
        work.mkdir()
        path = work / "object"
        path.write_bytes(content)
        task = Task(key, "bills", name, "etag", mapping, dialect, work)
        return understand(task, path, work)

    return read
