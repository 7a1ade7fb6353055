"""Credentials and what belongs to them: project rows, billing buckets, the lines of the last check."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey
from sqlmodel import Field, SQLModel

from core.domain.checks import Outcome, State
from core.store.columns import UtcTime, moment, new_id


def _belongs_to_credentials() -> Any:
    return Field(sa_column=Column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True, nullable=False))


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
    created: datetime = moment()
    modified: datetime = moment()
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
