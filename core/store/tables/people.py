"""Who signs in, and the local operator's password where nobody does."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.domain.roles import Role
from core.store.columns import UtcTime, moment, new_id


class Person(SQLModel, table=True):
    """Somebody who signed in: who the provider says it is, and what is decided here."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    issuer: str
    subject: str
    """What the provider calls the person; never given to another."""
    name: str
    email: str = ""
    role: Role | None = None
    """The role of the last sign-in; none when no group gave one."""
    created: datetime = moment()
    seen: datetime = moment()
    signed_out_before: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    """No sign-in from before this moment counts."""
    blocked: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)


class SignIn(SQLModel, table=True):
    """One sign-in in one browser. Its `id` is a digest of what the provider's token says of it, so that a copied cookie
    ends with it."""

    __tablename__ = "sign_in"

    id: str = Field(primary_key=True)
    person_id: str = Field(sa_column=Column(ForeignKey("person.id", ondelete="CASCADE"), index=True, nullable=False))
    role: Role | None = None
    recheck: str = ""
    """What the provider's userinfo tells later: `role`, `token` (only that the sign-in counts), or nothing."""
    address: str = ""
    begun: datetime = moment()
    """When the provider issued the token."""
    asked: datetime = moment()
    """When the provider was asked last whether it still counts."""
    confirmed: datetime = moment()
    """When the provider said so last."""
    seen: datetime = moment()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    why: str = ""
    """Why it ended: a value of `core.services.sign_in.Why`."""


class LocalPassword(SQLModel, table=True):
    """The local operator's password, where nobody signs in: what a sealed secret is revealed with; one row. `salt` and
    `hash` are of scrypt. `wrong`: how many wrong ones were tried in a row; none is tried before `wait_until`."""

    __tablename__ = "local_password"

    id: int = Field(default=1, primary_key=True)
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    cost: int
    """Scrypt's n: the work that one try takes."""
    wrong: int = 0
    wait_until: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    modified: datetime = moment()
