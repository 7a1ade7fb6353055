"""Billing buckets as they were listed, bills as they were read, and budgets."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.store.columns import UtcTime, moment, new_id


class BucketIndex(SQLModel, table=True):
    """What is known of a bucket's listing: the last complete one, and the one under way or cut off. The objects
    themselves stand in a Parquet file of the home folder, `index/<id>.parquet`."""

    __tablename__ = "bucket_index"
    __table_args__ = (UniqueConstraint("region", "bucket"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    region: str
    bucket: str
    state: str = "empty"
    """`empty` (never listed), `listing`, `complete`, `stopped` or `failed`."""
    begun: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    listed: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    """When the last complete listing began: what the file holds is not older."""
    worker_until: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    """Until when a listing under way is believed to be alive."""
    objects: int = 0
    size: int = Field(default=0, sa_type=BigInteger)
    """Bytes of all objects."""
    added: int = 0
    changed: int = 0
    deleted: int = 0
    problem: str = ""


class BillMapping(SQLModel, table=True):
    """How the bill files under a prefix are mapped, as a person decided. A change makes a new version; the newest is in
    force. `columns_seen`: the columns that it was made for."""

    __tablename__ = "bill_mapping"
    __table_args__ = (UniqueConstraint("region", "bucket", "prefix", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    region: str
    bucket: str
    prefix: str
    version: int
    mapping: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    dialect: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """None: as it is detected in each file."""
    columns_seen: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    actor: str
    created: datetime = moment()


class BillObject(SQLModel, table=True):
    """An object of a bucket as it was read last. Its lines stand in the home folder under `costs/`."""

    __tablename__ = "bill_object"
    __table_args__ = (UniqueConstraint("region", "bucket", "key"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    region: str
    bucket: str
    key: str
    etag: str
    size: int = Field(sa_type=BigInteger)
    modified: datetime = Field(sa_type=UtcTime)
    state: str
    """`read`, `not_a_bill`, `unknown_layout` or `failed`."""
    layout: str = ""
    understood: str = ""
    """What says how it was understood: it is read again when that changes, as by another mapping."""
    accepted: int = 0
    refused: int = 0
    """Lines that did not fit."""
    sums: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """By currency: decimal text of what was accepted."""
    refused_sum: str = "0"
    """Decimal text of what was refused, as far as its costs could be read."""
    file: str = ""
    """The file of its lines, relative to the folder of costs; empty while they are still to be kept."""
    summary: str = ""
    """The file of its sums, likewise."""
    first_day: date | None = None
    last_day: date | None = None
    accounts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    problem: str = ""
    read: datetime = moment()


class Budget(SQLModel, table=True):
    """What may be spent in a month. `scope` says on what: `account`, `service` or `credentials`, of the name `name`."""

    __tablename__ = "budget"
    __table_args__ = (UniqueConstraint("scope", "name", "currency"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    scope: str
    name: str
    currency: str
    amount: str
    """Decimal text."""
    threshold: int = 100
    """Per cent of the amount from which on actual costs or the forecast need attention."""
    actor: str
    created: datetime = moment()
    modified: datetime = moment()
