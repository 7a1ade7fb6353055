"""Accounts, and the requests for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.store.columns import UtcTime, moment, new_id


class Account(SQLModel, table=True):
    """An account that is known here. `data` is what ReadAccounts gave last, at `read`."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("account_id", "region"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    account_id: str
    region: str
    email: str = ""
    company: str = ""
    owner: str = ""
    """Who answers for it here."""
    notes: str = ""
    source: str
    """How it became known: `hand`, `request`, `key` or `credentials`."""
    data: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    read: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    password_confirmed: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    created: datetime = moment()
    modified: datetime = moment()


class AccountRequest(SQLModel, table=True):
    """A request for a cloud account, or for a copy of one to another Region; followed until it is answered."""

    __tablename__ = "account_request"

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: str
    """`new` or `copy`."""
    state: str = "draft"
    """`draft`, `sent`, `granted` or `refused`."""
    region: str
    from_account_id: str = ""
    from_region: str = ""
    full_name: str = ""
    job_title: str = ""
    company: str = ""
    email: str = ""
    phone: str = ""
    subject: str = ""
    description: str = ""
    terms_accepted: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    newsletter: bool = False
    owner: str = ""
    notes: str = ""
    sent_by: str = ""
    """The way it went: `smtp`, `mail` (the person's own mail program) or `sandbox`."""
    ticket: str = ""
    """What the sandbox calls it."""
    granted_account_id: str = ""
    created: datetime = moment()
    modified: datetime = moment()
    sent: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    answered: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    reminded: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
