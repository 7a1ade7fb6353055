"""The tables. Every `*_sealed` column holds what `core.vault` gave, bound to table, row id and field."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, Column, DateTime, ForeignKey, LargeBinary, TypeDecorator, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

from core.domain.checks import Outcome, State


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


def _time(*, index: bool = False, nullable: bool = False) -> Any:
    return Field(default_factory=None if nullable else now, sa_type=UtcTime, index=index, nullable=nullable)


def _belongs_to_credentials() -> Any:
    return Field(sa_column=Column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True, nullable=False))


class DataKey(SQLModel, table=True):
    """A data key, wrapped by the master key whose id stands beside it."""

    __tablename__ = "data_key"

    id: str = Field(primary_key=True)
    master_key_id: str
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created: datetime = _time()


class Credentials(SQLModel, table=True):
    """Credentials under their name: the platform's subscription. `state` is the sum of the last checks."""

    __tablename__ = "credentials"

    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    provider: str = "outscale"
    billing_only: bool = False
    enabled: bool = True
    state: State = Field(default=State.UNKNOWN)
    proxy_sealed: str | None = None
    billing_access_key: str | None = Field(default=None, index=True)
    billing_secret_key_sealed: str | None = None
    created: datetime = _time()
    modified: datetime = _time()
    checked: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    revision: int = 1
    """Goes up with every edit, so that an edit or a check of an older state is noticed."""


class Project(SQLModel, table=True):
    """A project row of credentials, in the form's order."""

    __tablename__ = "project"

    id: str = Field(default_factory=new_id, primary_key=True)
    credentials_id: str = _belongs_to_credentials()
    position: int
    access_key: str = Field(index=True)
    secret_key_sealed: str
    account_id: str = Field(index=True)
    region: str


class Bucket(SQLModel, table=True):
    """A billing bucket of billing-only credentials, in the form's order."""

    __tablename__ = "bucket"

    id: str = Field(default_factory=new_id, primary_key=True)
    credentials_id: str = _belongs_to_credentials()
    position: int
    name: str
    region: str


class Check(SQLModel, table=True):
    """One line of the last check of credentials; the lines of the one before are replaced."""

    __tablename__ = "check_result"

    id: int | None = Field(default=None, primary_key=True)
    credentials_id: str = _belongs_to_credentials()
    position: int
    target: str
    check: str
    outcome: Outcome
    found: str
    mend: str
    seconds: float
    unreachable: bool = False


class KeptKey(SQLModel, table=True):
    """An access key made here whose secret is kept sealed because its creator asked for it."""

    __tablename__ = "kept_key"
    __table_args__ = (UniqueConstraint("access_key", "region"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    access_key: str
    region: str
    account_id: str
    secret_key_sealed: str
    created: datetime = _time()


class KeyIntent(SQLModel, table=True):
    """The intention to create an access key, recorded before the call: if no outcome follows, a key may exist at
    OUTSCALE that nobody holds the secret of."""

    __tablename__ = "key_intent"

    id: str = Field(default_factory=new_id, primary_key=True)
    actor: str
    region: str
    account_id: str
    user_name: str | None = None
    begun: datetime = _time()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    outcome: str | None = None
    """`created`, `refused`, or nothing while it is open."""
    access_key: str | None = None


class Event(SQLModel, table=True):
    """What was done, by whom, to what; written in the transaction of the change. Never holds a secret."""

    __tablename__ = "event"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _time(index=True)
    actor: str
    via: str
    action: str
    subject: str = Field(index=True)
    """Name or ID of what it was done to."""
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
