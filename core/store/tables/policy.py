"""What an administrator decided: figures, and hosts that may be reached."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from core.store.columns import moment


class Policy(SQLModel, table=True):
    """What an administrator decided about keys and requests; one row. Days."""

    __tablename__ = "policy"

    id: int = Field(default=1, primary_key=True)
    expires_soon_days: int = 30
    old_days: int = 365
    unused_days: int = 90
    grace_days: int = 7
    remind_days: int = 5


class AllowedHost(SQLModel, table=True):
    """An entry of the list of hosts that this program may connect to, in the form that `core.domain.hosts` writes."""

    __tablename__ = "allowed_host"

    entry: str = Field(primary_key=True)
    note: str = ""
    added: datetime = moment()
    added_by: str
