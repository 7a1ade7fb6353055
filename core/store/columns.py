"""What columns are made of: ids, and times in UTC."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import DateTime, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlmodel import Field


def new_id() -> str:
    """A random id, as the platform shows it: a UUID."""
    return str(uuid4())


def now() -> datetime:
    """The present, in UTC with its zone."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC with its zone; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC. Raises ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC, with the zone."""
        return None if value is None else value.replace(tzinfo=UTC)


def moment(*, index: bool = False) -> Any:
    """A column that holds when its row was written, unless it is told another time."""
    return Field(default_factory=now, sa_type=UtcTime, index=index, nullable=False)
