"""A rotation of the vault, and what is asked about it."""

from collections.abc import Callable
from typing import Any

from sqlmodel import select

from core.services.vault_rotation import Rotated, rotate_vault
from core.services.workspace import Workspace
from core.store.tables.vault import DataKey
from tests.services.conftest import ACTOR

Opened = Callable[..., Workspace]


def done(workspace: Workspace, **options: Any) -> Rotated:
    found = rotate_vault(ACTOR, workspace, **options)
    assert found.done, found.problem
    return found


def data_keys(workspace: Workspace) -> list[DataKey]:
    with workspace.store.reading() as session:
        return list(session.exec(select(DataKey).order_by(DataKey.created)).all())


def expected(*names: str) -> dict[str, str]:
    return {f"kept_key {name} secret_key": f"secret of {name}" for name in names}
