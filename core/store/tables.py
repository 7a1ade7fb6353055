"""The tables. Every `*_sealed` column holds what `core.vault` gave, bound to table, row id and field."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

from core.domain.checks import Outcome, State
from core.domain.roles import Role


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
    created: datetime = _time()
    modified: datetime = _time()


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
    created: datetime = _time()
    modified: datetime = _time()
    sent: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    answered: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    reminded: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)


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
    seen: datetime = _time()


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
    begun: datetime = _time()
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
    begun: datetime = _time()
    modified: datetime = _time()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    outcome: str | None = None
    """`done`, `brought_back` or `given_up`."""


class VaultRotation(SQLModel, table=True):
    """A change of the keys that seal: begun, gone on with after a stop, ended. At most one has not ended."""

    __tablename__ = "vault_rotation"

    id: str = Field(default_factory=new_id, primary_key=True)
    actor: str
    master_key_id: str
    data_key_id: str
    """The new keys."""
    sealed: int = 0
    """How many values were sealed again so far."""
    worker: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    """Who is at it now, until `worker_until`: a random token, the person, the computer and its process."""
    worker_until: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    begun: datetime = _time()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)


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
    added: datetime = _time()
    added_by: str


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
    modified: datetime = _time()


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
    created: datetime = _time()


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
    read: datetime = _time()


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
    created: datetime = _time()
    modified: datetime = _time()


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
    created: datetime = _time()
    seen: datetime = _time()
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
    begun: datetime = _time()
    """When the provider issued the token."""
    asked: datetime = _time()
    """When the provider was asked last whether it still counts."""
    confirmed: datetime = _time()
    """When the provider said so last."""
    seen: datetime = _time()
    ended: datetime | None = Field(default=None, sa_type=UtcTime, nullable=True)
    why: str = ""
    """Why it ended: a value of `core.services.sign_in.Why`."""


class Event(SQLModel, table=True):
    """What was done, by whom, from where, to what, and how it ended; written in the transaction of the change, and
    chained to the event before it by `core.services.audit_chain`. Never holds a secret."""

    __tablename__ = "event"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _time(index=True)
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
    created: datetime = _time()


class AuditKey(SQLModel, table=True):
    """The key that the chain of events is made with."""

    __tablename__ = "audit_key"

    id: str = Field(default_factory=new_id, primary_key=True)
    key_sealed: str
    created: datetime = _time()


class AuditHead(SQLModel, table=True):
    """Where the chain of events ends; one row. `count`: how many events there are; `last` and `mac`: the last one's
    number and MAC; `seal`: the MAC of these three."""

    __tablename__ = "audit_head"

    id: int = Field(default=1, primary_key=True)
    count: int
    last: int
    mac: str
    seal: str
