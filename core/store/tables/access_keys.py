"""Access keys: seen, kept, replaced; and the intention to create one, or a keypair."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.store.columns import UtcTime, moment, new_id


class SeenKey(SQLModel, table=True):
    """An access key as OUTSCALE listed it last, at `seen`. `quiet_since`: the moment since which no use of it is
    known; ReadApiLogs goes back 32 days only, so it is kept here from reading to reading."""

    __tablename__ = "seen_key"
    __table_args__ = (UniqueConstraint("access_key", "region"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    access_key: str
    region: str
    account_id: str = Field(index=True)
    user_name: str = ""
    """The EIM user that owns it; empty for the root user."""
    state: str
    tag: str = ""
    created: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    expires: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    last_used: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    quiet_since: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    logs_read: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    seen: datetime = moment()


class KeptKey(SQLModel, table=True):
    """An access key made here whose secret is kept sealed because its creator asked for it."""

    __tablename__ = "kept_key"
    __table_args__ = (UniqueConstraint("access_key", "region"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    access_key: str
    region: str
    account_id: str
    secret_key_sealed: str
    created: datetime = moment()


class KeyIntent(SQLModel, table=True):
    """The intention to create an access key or a keypair, recorded before the call: while no outcome follows, one may
    exist at OUTSCALE that nobody holds the secret of. `before` names what was there already.

    `secret_key_sealed` holds a new access key's secret until its creator says that it is taken."""

    __tablename__ = "key_intent"

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str = "access_key"
    """`access_key` or `keypair`."""
    actor: str
    region: str
    account_id: str
    """Empty when only the email is known."""
    email: str = ""
    user_name: str | None = None
    name: str = ""
    """A keypair's name."""
    before: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    rotation_id: str | None = Field(default=None, index=True)
    begun: datetime = moment()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    outcome: str | None = None
    """`created` (its secret waits here), `taken`, `refused`, `absent`, `revoked`, or nothing while it is open."""
    access_key: str | None = None
    secret_key_sealed: str | None = None


class Rotation(SQLModel, table=True):
    """The replacement of an access key, step by step. Both secrets stay sealed here until it ends, so that another
    person can go on with it or bring the old key back. Only one may be under way for a key."""

    __tablename__ = "rotation"
    __table_args__ = (
        Index(
            "ix_rotation_under_way",
            "old_key",
            "region",
            unique=True,
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    region: str
    account_id: str
    user_name: str = ""
    old_key: str
    old_secret_sealed: str | None = None
    old_expires: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    new_key: str | None = None
    new_secret_sealed: str | None = None
    new_expires: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    tag: str = ""
    step: str = "create"
    """The step that is next: `create`, `check`, `replace`, `deactivate`, `wait`, `delete`; `back` while the old key is
    brought back."""
    actor: str
    worker: str | None = None
    """Who is at a step now, and until when nobody else may be: a person's name and a random token."""
    worker_until: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    problem: str = ""
    checked: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """The credentials that the new key was checked for: their names and revisions."""
    delete_after: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    begun: datetime = moment()
    modified: datetime = moment()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    outcome: str | None = None
    """`done`, `brought_back` or `given_up`."""
