"""Every column that holds sealed values, found among the tables, so that a new one cannot be forgotten.

A column `<field>_sealed` of a table is bound to the table's name, the row's id and `<field>`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, Table, event, func, inspect
from sqlmodel import Session, SQLModel, select

from core.services.data_keys import stored_keys
from core.store import tables  # noqa: F401 - declares them
from core.store.store import Store
from core.vault.vault import Place, Vault, data_key_of, sealed_prefix

_ENDING = "_sealed"
_NAMES = ("name", "access_key", "old_key", "billing_access_key", "subject")
"""Columns that tell a person which row it is."""
_BATCH = 250


@dataclass(frozen=True)
class SealedValue:
    """A sealed value as it was read: the id of its row, what a person calls the row, and the text."""

    row: Any
    name: str
    text: str


@dataclass(frozen=True)
class SealedColumn:
    """A column that holds sealed values."""

    table: Table
    column: Column[Any]

    @property
    def field(self) -> str:
        """The field that its values are bound to."""
        return self.column.name.removesuffix(_ENDING)

    @property
    def key(self) -> Column[Any]:
        """The row's id."""
        (key,) = self.table.primary_key.columns
        return key

    def place(self, row: Any) -> Place:
        """Where the value in the row of this id is bound to."""
        return Place(table=self.table.name, row=str(row), field=self.field)

    def batches(self, store: Store, *, but_under: str | None = None) -> Iterator[list[SealedValue]]:
        """All values in the order of their ids, without those under the data key `but_under`. Each batch is read in a
        transaction of its own, which has ended when the batch is given."""
        names = [func.nullif(self.table.c[one], "") for one in _NAMES if one in self.table.c]
        shown = func.coalesce(*names, self.key, "")
        query = select(self.key, shown, self.column).where(*self._counted(but_under)).order_by(self.key).limit(_BATCH)
        after = query
        while True:
            with store.reading() as session:
                rows = session.exec(after).all()
            if not rows:
                return
            yield [SealedValue(row, str(name), text) for row, name, text in rows]
            after = query.where(self.key > rows[-1][0])

    def rows(self, session: Session, *, but_under: str) -> set[str]:
        """The ids of the rows whose value is not under the data key `but_under`."""
        return {str(row) for row in session.exec(select(self.key).where(*self._counted(but_under)))}

    def count(self, session: Session, *, but_under: str | None = None) -> int:
        """How many values there are, without those under the data key `but_under`."""
        return session.exec(select(func.count()).select_from(self.table).where(*self._counted(but_under))).one()

    def counts(self, session: Session) -> dict[str, int]:
        """How many values name each data key."""
        found: dict[str, int] = {}
        for text in session.exec(select(self.column).where(*self._counted(None))):
            found[data_key_of(text)] = found.get(data_key_of(text), 0) + 1
        return found

    def _counted(self, but_under: str | None) -> list[Any]:
        # An empty text is no sealed value: a row has it before its secret comes.
        there = [self.column.is_not(None), self.column != ""]
        if but_under is not None:
            there.append(~self.column.startswith(sealed_prefix(but_under), autoescape=True))
        return there


@cache
def sealed_columns() -> tuple[SealedColumn, ...]:
    """All of them, in the order of the tables."""
    return tuple(
        SealedColumn(table, column)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(_ENDING)
    )


def seal_under_newest(store: Store, vault: Vault) -> None:
    """From now on, whatever is written into a sealed column is under the newest data key of that moment, also what was
    sealed before the transaction began: the older key may be gone by then."""

    @event.listens_for(store.writers, "before_flush")
    def _seal_again(session: Session, _context: object, _instances: object) -> None:
        changed = [one for row in (*session.new, *session.dirty) for one in _changed(row)]
        if not changed:
            return
        vault.renew(stored_keys(session))
        for row, column, text in changed:
            (key,) = inspect(row).mapper.primary_key_from_instance(row)
            setattr(row, column.column.name, vault.seal_again(text, column.place(key)))


def _changed(row: Any) -> Iterator[tuple[Any, SealedColumn, str]]:
    state = inspect(row)
    for one in sealed_columns():
        if one.table is state.mapper.local_table and state.attrs[one.column.name].history.has_changes():
            text = getattr(row, one.column.name)
            if text:
                yield row, one, text
