"""What OUTSCALE answers, as values. Times are UTC with their zone; sizes are bytes."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

_OFFSET = re.compile(r"([+-]\d{2})(\d{2})$")


def _utc(value: object) -> object:
    """OUTSCALE writes `2010-10-01T12:34:56.789+0000`, with no colon in the offset, and elsewhere `…Z`."""
    if isinstance(value, str):
        value = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", value))
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


Time = Annotated[datetime, BeforeValidator(_utc)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)


class Account(_Answer):
    """An account as ReadAccounts gives it. Real answers leave empty fields out."""

    account_id: str | None = Field(None, alias="AccountId")
    email: str | None = Field(None, alias="Email")
    company_name: str | None = Field(None, alias="CompanyName")
    first_name: str | None = Field(None, alias="FirstName")
    last_name: str | None = Field(None, alias="LastName")
    customer_id: str | None = Field(None, alias="CustomerId")
    city: str | None = Field(None, alias="City")
    country: str | None = Field(None, alias="Country")


class AccessKey(_Answer):
    """An access key as ReadAccessKeys gives it. No expiration date: it never expires."""

    access_key_id: str = Field(alias="AccessKeyId")
    state: str = Field(alias="State")
    creation_date: Time | None = Field(None, alias="CreationDate")
    last_modification_date: Time | None = Field(None, alias="LastModificationDate")
    expiration_date: Time | None = Field(None, alias="ExpirationDate")
    tag: str | None = Field(None, alias="Tag")


class CreatedAccessKey(AccessKey):
    """A new access key: the only answer that carries the secret key."""

    secret_key: SecretStr = Field(alias="SecretKey")


class StoredObject(_Answer):
    """An object of a bucket. `size` is in bytes, `etag` without its quotes."""

    key: str
    size: int
    modified: Time
    etag: str = ""
    storage_class: str = ""


class ObjectPage(_Answer):
    """One page of a listing: folders (prefixes that end in the delimiter), objects, and the token of the next page."""

    folders: list[str] = []
    objects: list[StoredObject] = []
    next: str | None = None
