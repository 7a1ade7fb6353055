"""All sealed values of a database, whatever table they are in."""

from collections.abc import Iterator

from sqlmodel import Session, SQLModel

from core.vault.master_key import VaultError
from core.vault.vault import Place, Vault

_SUFFIX = "_sealed"


def sealed_values(session: Session) -> Iterator[tuple[Place, str]]:
    """Each sealed value and where it is bound to: what stands in a column `<field>_sealed`."""
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if not column.name.endswith(_SUFFIX):
                continue
            for row, value in session.connection().execute(table.select().with_only_columns(table.c.id, column)):
                if value:
                    yield Place(table=table.name, row=row, field=column.name.removesuffix(_SUFFIX)), value


def open_all(session: Session, vault: Vault) -> tuple[int, list[Place]]:
    """Open every sealed value: how many there are, and where those are that do not open."""
    count, failed = 0, []
    for place, value in sealed_values(session):
        count += 1
        try:
            vault.open(value, place)
        except VaultError:
            failed.append(place)
    return count, failed
