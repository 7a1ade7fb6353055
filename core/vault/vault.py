"""Envelope encryption: AES-256-GCM under data keys, which a master key wraps."""

import base64
import binascii
import os
from dataclasses import dataclass
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from core.vault.master_key import MasterKey, VaultError

VERSION = "v1"
_NONCE = 12


@dataclass(frozen=True)
class WrappedKey:
    """A data key as it is stored: wrapped by the master key whose id it names."""

    id: str
    master_key_id: str
    wrapped: bytes


@dataclass(frozen=True)
class Place:
    """Where a sealed value belongs. A value copied to another table, row or field does not open there."""

    table: str
    row: str
    field: str

    def bound(self, data_key_id: str) -> bytes:
        """The authenticated data; unit separators keep the parts apart."""
        return "\x1f".join((VERSION, data_key_id, self.table, self.row, self.field)).encode()


def _encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    if len(sealed) < _NONCE:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound)


def new_data_key(master: MasterKey) -> WrappedKey:
    """A fresh data key, wrapped by the master key and bound to its own id."""
    key_id = "dk-" + uuid4().hex[:12]
    wrapped = _encrypt(master.key, AESGCM.generate_key(256), key_id.encode())
    return WrappedKey(id=key_id, master_key_id=master.id, wrapped=wrapped)


class Vault:
    """Seals with the newest data key and opens with whichever sealed the value."""

    def __init__(self, master: MasterKey, wrapped: list[WrappedKey]) -> None:
        """Unwrap the data keys, the newest last.

        Raises VaultError when there is none or when this master key does not open one of them."""
        if not wrapped:
            raise VaultError("The vault has no data key.")
        self._keys: dict[str, bytes] = {}
        for one in wrapped:
            try:
                self._keys[one.id] = _decrypt(master.key, one.wrapped, one.id.encode())
            except InvalidTag:
                raise VaultError(
                    f"The master key {master.id} does not open this database: its secrets were sealed under "
                    f"{one.master_key_id}. Give that master key back; nothing was changed."
                ) from None
        self._current = wrapped[-1].id

    def seal(self, secret: SecretStr, place: Place) -> str:
        """Encrypt a secret for one place. Returns text: version, data key id and base64, with dots between."""
        sealed = _encrypt(self._keys[self._current], secret.get_secret_value().encode(), place.bound(self._current))
        return f"{VERSION}.{self._current}.{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, place: Place) -> SecretStr:
        """Decrypt what `seal` gave for the same place.

        Raises VaultError when it was altered, cut, moved to another place, or sealed under an unknown key."""
        problem = VaultError(
            f"The secret in {place.table}, field {place.field}, does not open: it was altered or belongs to another "
            "row. Enter it again."
        )
        try:
            version, key_id, text = sealed.split(".")
            if version != VERSION or key_id not in self._keys:
                raise problem
            content = base64.b64decode(text, validate=True)
            if base64.b64encode(content).decode() != text:  # base64 lets the last letter vary
                raise problem
            plain = _decrypt(self._keys[key_id], content, place.bound(key_id))
            return SecretStr(plain.decode())
        except (ValueError, binascii.Error, InvalidTag):
            raise problem from None
