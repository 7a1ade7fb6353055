"""The sandbox's state: accounts, users, keys, buckets. Kept as one JSON file of mode 0600."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, PlainSerializer, SecretStr, SerializationInfo

from core.sandbox.storage import StorageIdentity

FILE_NAME = "world.json"


def now() -> datetime:
    """The present, in UTC with its zone."""
    return datetime.now(UTC)


def _kept(secret: SecretStr, info: SerializationInfo) -> str:
    """Secrets are written into the state file only, never by a stray dump."""
    return secret.get_secret_value() if info.context == "state file" else str(secret)


Secret = Annotated[SecretStr, PlainSerializer(_kept, when_used="json")]


class Key(BaseModel):
    """An access key. `expires`: the first moment at which it no longer signs; None for never."""

    access_key_id: str
    secret_key: Secret
    state: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    created: datetime
    modified: datetime
    expires: datetime | None = None
    tag: str | None = None

    def expired(self, moment: datetime) -> bool:
        """Whether its time was over at this moment."""
        return self.expires is not None and self.expires <= moment

    def works(self, moment: datetime) -> bool:
        """Whether it signs requests at this moment."""
        return self.state == "ACTIVE" and not self.expired(moment)


class User(BaseModel):
    """An EIM user, or with an empty name the account's root user."""

    name: str
    user_id: str = ""
    path: str = "/"
    email: str | None = None
    created: datetime
    modified: datetime
    policies: dict[str, str] = {}
    """Inline policies: JSON documents by name."""
    keys: list[Key] = []
    reads: dict[str, list[str]] = {}
    """Buckets that it may list and read, by Region."""

    @property
    def root(self) -> bool:
        """Whether this is an account's root user."""
        return not self.name

    def key(self, access_key_id: str) -> Key | None:
        """Its key of this id."""
        return next((key for key in self.keys if key.access_key_id == access_key_id), None)


class Keypair(BaseModel):
    """A keypair; the private key is given once and not kept."""

    name: str
    keypair_id: str
    kind: str
    fingerprint: str


class CloudAccount(BaseModel):
    """An account of one Region. `details` are the fields of ReadAccounts besides the id, the email and the
    additional emails."""

    account_id: str
    region: str
    email: str
    password: Secret
    active: bool = True
    details: dict[str, str] = {}
    additional_emails: list[str] = []
    root: User
    users: list[User] = []
    keypairs: list[Keypair] = []
    paying_account_id: str
    ip_ranges: list[str] = ["0.0.0.0/0", "::/0"]
    """The addresses that its one API access rule lets in."""
    max_key_seconds: int = 0
    """How long its keys may live, by its API access policy; 0 for any length."""
    trusted_env: bool = False
    owns: list[str] = []
    """Its buckets in its Region; its root user's keys have all rights on them."""

    @property
    def everyone(self) -> list[User]:
        """The root user and the EIM users."""
        return [self.root, *self.users]

    def user(self, name: str | None) -> User | None:
        """The user of this name; the root user for none."""
        return self.root if not name else next((user for user in self.users if user.name == name), None)


class AccountTicket(BaseModel):
    """A request for an account, decided at `due`. `reason`: why it was refused. `account_id`: what it was granted."""

    ticket: str
    kind: Literal["new", "copy"]
    region: str
    email: str
    company: str = ""
    full_name: str = ""
    job_title: str = ""
    phone: str = ""
    from_account_id: str = ""
    due: datetime
    state: Literal["pending", "granted", "refused"] = "pending"
    account_id: str = ""
    reason: str = ""


class World(BaseModel):
    """All there is."""

    accounts: list[CloudAccount]
    tickets: list[AccountTicket] = []
    """The requests for accounts, in the order in which they came."""
    special: dict[str, str] = {}
    """Access keys for tries of their own kind: `inactive`, `expired`, `expiring`, `old`, and those of the
    EIM users `platform` and `reporting`."""
    billing_key: str = ""
    """The access key that opens the billing buckets, in every Region."""
    filled: dict[str, str] = {}
    """Buckets whose files were put there, and what they were: nothing is made twice."""

    def of_region(self, region: str) -> list[CloudAccount]:
        """The accounts of a Region."""
        return [account for account in self.accounts if account.region == region]

    def keys(self) -> Iterator[tuple[CloudAccount, User, Key]]:
        """Every access key with its user and account."""
        for account in self.accounts:
            for user in account.everyone:
                for key in user.keys:
                    yield account, user, key

    def find_key(self, access_key_id: str, region: str | None = None) -> tuple[CloudAccount, User, Key] | None:
        """A key by its id, of one Region or of any."""
        found = (one for one in self.keys() if one[2].access_key_id == access_key_id)
        return next((one for one in found if region in (None, one[0].region)), None)

    def find_email(self, email: str, region: str) -> CloudAccount | None:
        """The account that signs in with this email."""
        return next((one for one in self.of_region(region) if one.email.lower() == email.lower()), None)

    def storage_identities(self, region_name: str) -> list[StorageIdentity]:
        """Who may sign at a Region's object storage: the users of its accounts, and those of other accounts that were
        granted a bucket there."""
        moment = now()
        identities = []
        for account in self.accounts:
            at_home = account.region == region_name
            for user in account.everyone:
                reads = user.reads.get(region_name, [])
                keys = [(key.access_key_id, key.secret_key) for key in user.keys if key.works(moment)]
                if keys and (at_home or reads):
                    owns = account.owns if at_home and user.root else []
                    name = f"{account.account_id}/{user.name}"
                    identities.append(StorageIdentity(name=name, keys=keys, owns=list(owns), reads=list(reads)))
        return identities

    def save(self, folder: Path) -> None:
        """Write the state; a crash leaves the old or the new file, never half of one."""
        write_private(folder / FILE_NAME, self.model_dump_json(context="state file"))


def load_world(folder: Path) -> World | None:
    """The stored state, or None when there is none.

    Raises ValueError when the file is none of this version's."""
    try:
        return World.model_validate_json((folder / FILE_NAME).read_text())
    except FileNotFoundError:
        return None


def write_private(path: Path, text: str) -> None:
    """Replace a file by one of mode 0600, at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
