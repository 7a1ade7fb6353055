"""Tours on the sandbox."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.store.columns import moment, new_id


class Walkthrough(SQLModel, table=True):
    """A person's tour on the sandbox, and what it made: only that goes when it is started over. What it made is named
    after `mark`."""

    __tablename__ = "walkthrough"

    id: str = Field(default_factory=new_id, primary_key=True)
    actor: str = Field(unique=True)
    mark: str
    region: str
    request_id: str = ""
    access_key: str = ""
    credentials_id: str = ""
    bills_id: str = ""
    told: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """By step: what was sent, without secrets, and what is stored nowhere else of its answer."""
    created: datetime = moment()
