"""Events, and the chain that they make."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.store.columns import moment, new_id


class Event(SQLModel, table=True):
    """What was done, by whom, from where, to what, and how it ended; written in the transaction of the change, and
    chained to the event before it by `core.services.audit_chain`. Never holds a secret."""

    __tablename__ = "event"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(index=True)
    actor: str
    via: str
    address: str = ""
    """The network address of a screen; empty where there is none."""
    action: str = Field(index=True)
    subject: str = Field(index=True)
    """Name or ID of what it was done to."""
    outcome: str = "done"
    """`done`, `refused` (a right or a password was missing) or `failed` (tried, and it did not work)."""
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    number: int = 0
    """The id that it was written under."""
    previous: str = ""
    """The MAC of the event before it; empty where the chain begins."""
    mac: str = ""


class AuditKey(SQLModel, table=True):
    """The key that the chain of events is made with."""

    __tablename__ = "audit_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    key_sealed: str
    created: datetime = moment()


class AuditHead(SQLModel, table=True):
    """Where the chain of events ends; one row. `count`: how many events there are; `last` and `mac`: the last one's
    number and MAC; `seal`: the MAC of these three."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    count: int
    last: int
    mac: str
    seal: str
