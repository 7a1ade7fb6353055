"""The data keys in the store: each wrapped by a master key, the newest last."""

from datetime import timedelta

from sqlmodel import Session, col, delete, select

from core.store.columns import now
from core.store.tables.vault import DataKey
from core.vault.vault import WrappedKey


def stored_keys(session: Session) -> list[WrappedKey]:
    """All of them, the newest last."""
    rows = session.exec(select(DataKey).order_by(col(DataKey.created), col(DataKey.id))).all()
    return [WrappedKey(id=row.id, master_key_id=row.master_key_id, wrapped=row.wrapped) for row in rows]


def add_key(session: Session, key: WrappedKey) -> None:
    """Store another as the newest, whatever the clock says."""
    newest = session.exec(select(DataKey.created).order_by(col(DataKey.created).desc())).first()
    at = max(now(), newest + timedelta(microseconds=1)) if newest else now()
    session.add(DataKey(id=key.id, master_key_id=key.master_key_id, wrapped=key.wrapped, created=at))


def drop_other_keys(session: Session, kept: str) -> list[str]:
    """Delete all but one. What is sealed under them never opens again, so nothing may be. Returns their ids."""
    dropped = [key.id for key in stored_keys(session) if key.id != kept]
    session.exec(delete(DataKey).where(col(DataKey.id) != kept))
    return dropped
