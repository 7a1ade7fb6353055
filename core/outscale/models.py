"""What OUTSCALE answers, as far as this program uses it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from pydantic.alias_generators import to_pascal


def _utc(value: datetime) -> datetime:
    """OUTSCALE writes `…+0000` or `…Z`, or a day alone, which means midnight UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_utc)]
"""A moment, aware, in UTC."""


class _Answer(BaseModel):
    """Part of an API answer. Answers leave out empty fields, and may bring new ones."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_pascal, populate_by_name=True, hide_input_in_errors=True
    )


class Account(_Answer):
    """An account (ReadAccounts)."""

    account_id: str | None = None
    additional_emails: list[str] = []
    city: str | None = None
    company_name: str | None = None
    country: str | None = None
    customer_id: str | None = None
    email: str | None = None
    first_name: str | None = None
    job_title: str | None = None
    last_name: str | None = None
    mobile_number: str | None = None
    outscale_login_allowed: bool | None = None
    phone_number: str | None = None
    state_province: str | None = None
    vat_number: str | None = None
    zip_code: str | None = None


class AccessKey(_Answer):
    """An access key (ReadAccessKeys). `state` is ACTIVE or INACTIVE; without `expiration_date` it never expires."""

    access_key_id: str
    state: str
    creation_date: Instant | None = None
    last_modification_date: Instant | None = None
    expiration_date: Instant | None = None
    tag: str | None = None


class CreatedAccessKey(AccessKey):
    """A new access key (CreateAccessKey). Its secret is never given again."""

    secret_key: SecretStr


class ApiAccessPolicy(_Answer):
    """The account's rule for keys (ReadApiAccessPolicy). The longest life that a key may have in seconds; 0: any."""

    max_access_key_expiration_seconds: int = 0
    require_trusted_env: bool = False


class EimUser(_Answer):
    """An EIM user (ReadUsers)."""

    user_name: str
    user_id: str | None = None
    path: str = "/"
    user_email: str | None = None


class ApiLog(_Answer):
    """One line of the account's calls (ReadApiLogs)."""

    query_access_key: str | None = None
    query_call_name: str | None = None
    query_date: Instant | None = None


class Keypair(_Answer):
    """A keypair (ReadKeypairs). The fingerprint is an MD5."""

    keypair_name: str
    keypair_id: str | None = None
    keypair_type: str | None = None
    keypair_fingerprint: str | None = None


class CreatedKeypair(Keypair):
    """A new keypair (CreateKeypair). `private_key` (PEM) comes once, and only when OUTSCALE made the pair."""

    private_key: SecretStr | None = None


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True)


class StoredObject(_Stored):
    """An object of a bucket. `size` in bytes, `modified` in UTC, `etag` without its quotes."""

    key: str
    size: int
    modified: Instant
    etag: str
    storage_class: str


class ObjectPage(_Stored):
    """One page of a listing: the folders (each ends in the delimiter) and the objects directly under the prefix, and
    the token of the next page, or None on the last one."""

    folders: list[str]
    objects: list[StoredObject]
    next: str | None = None


class Consumed(_Answer):
    """One line of what an account consumed (ReadConsumptionAccount). Prices come only when they are asked for."""

    account_id: str = ""
    paying_account_id: str = ""
    category: str = ""
    service: str = ""
    operation: str = ""
    type: str = ""
    title: str = ""
    subregion_name: str = ""
    value: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    price: Decimal | None = None


class Consumption(_Answer):
    """What an account consumed in a period, and the currency of its prices, if it is told."""

    currency: str | None = None
    consumption_entries: list[Consumed] = []


class CatalogEntry(_Answer):
    """One price of a Region's catalogue (ReadCatalog)."""

    service: str = ""
    operation: str = ""
    type: str = ""
    subregion_name: str = ""
    title: str = ""
    unit_price: Decimal = Decimal(0)
