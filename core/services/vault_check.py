"""Which keys seal what, and whether every sealed value opens."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import col, select

from core.domain.actor import Actor
from core.services.data_keys import stored_keys
from core.services.rights import use_case
from core.services.sealed_places import SealedColumn, SealedValue, sealed_columns
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.vault import VaultRotation
from core.vault.key_source import KeySource, SourceKind
from core.vault.master_key import VaultError

Progress = Callable[[int, int], None]
"""Told how many values are done, of how many."""


@dataclass(frozen=True)
class Unopened:
    """A sealed value that does not open: where it is, what its row is called, and why."""

    table: str
    row: str
    name: str
    field: str
    why: str


@dataclass(frozen=True)
class VaultCheck:
    """How many values there are, and those that do not open."""

    values: int
    unopened: list[Unopened]


@dataclass(frozen=True)
class DataKeyStatus:
    """A data key, the master key that wraps it, and how many values are sealed under it. `missing`: values name it,
    but it is not in this database."""

    id: str
    master_key: str
    values: int
    missing: bool = False


@dataclass(frozen=True)
class VaultStatus:
    """The master keys at hand, the newest first, where they come from, and the data keys, the newest first.
    `rotating`: a rotation has begun and not ended."""

    source: SourceKind
    where: str
    master_keys: list[str]
    data_keys: list[DataKeyStatus]
    rotating: bool


@use_case
def check_vault(actor: Actor, workspace: Workspace, *, progress: Progress | None = None) -> VaultCheck:
    """Open every sealed value and tell which do not open. Nothing is changed, and nothing opened is kept.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "vault.check") as session:
        total = sum(column.count(session) for column in sealed_columns())
    seen = 0
    unopened: list[Unopened] = []
    for column in sealed_columns():
        for batch in column.batches(workspace.store):
            for value in batch:
                try:
                    workspace.vault.open(value.text, column.place(value.row))
                except VaultError as error:
                    unopened.append(not_opened(column, value, error))
            seen += len(batch)
            if progress:
                progress(seen, max(seen, total))
    return VaultCheck(seen, unopened)


def not_opened(column: SealedColumn, value: SealedValue, error: VaultError) -> Unopened:
    """A value that the vault did not open, and why."""
    return Unopened(column.table.name, str(value.row), value.name, column.field, str(error))


@use_case
def vault_status(actor: Actor, workspace: Workspace) -> VaultStatus:
    """The keys by their ids; never the keys themselves.

    Raises StoreError when the store cannot be read, VaultError when the master keys cannot be had."""
    counts: dict[str, int] = {}
    with looking(actor, workspace, "vault.status") as session:
        keys = stored_keys(session)
        for column in sealed_columns():
            for key, count in column.counts(session).items():
                counts[key] = counts.get(key, 0) + count
        begun = session.exec(select(VaultRotation).where(col(VaultRotation.ended).is_(None))).first()
    source = KeySource(workspace.settings)
    ring = source.read()
    known = [DataKeyStatus(key.id, key.master_key_id, counts.pop(key.id, 0)) for key in reversed(keys)]
    missing = [DataKeyStatus(key, "", count, missing=True) for key, count in sorted(counts.items())]
    return VaultStatus(source.kind, source.where, ring.ids if ring else [], known + missing, begun is not None)
