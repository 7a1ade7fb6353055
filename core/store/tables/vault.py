"""The keys that seal, and their change."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, LargeBinary
from sqlmodel import Field, SQLModel

from core.store.columns import UtcTime, moment, new_id


class DataKey(SQLModel, table=True):
    """A data key, wrapped by the master key whose id stands beside it."""

    __tablename__ = "data_key"

    id: str = Field(primary_key=True)
    master_key_id: str
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created: datetime = moment()


class VaultRotation(SQLModel, table=True):
    """A change of the keys that seal: begun, gone on with after a stop, ended. At most one has not ended."""

    __tablename__ = "vault_rotation"

    id: str = Field(default_factory=new_id, primary_key=True)
    actor: str
    master_key_id: str
    data_key_id: str
    """The new keys."""
    sealed: int = 0
    """How many values were sealed again so far."""
    worker: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """Who is at it now, until `worker_until`: a random token, the person, the computer and its process."""
    worker_until: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    begun: datetime = moment()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
