"""Envelope encryption: AES-256-GCM under data keys, which master keys wrap."""

import base64
import binascii
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from pydantic import SecretStr

from core.vault.cipher import decrypt, encrypt, new_key
from core.vault.master_key import KeyRing, MasterKey, VaultError

VERSION = "v1"
_OTHER_VERSION = re.compile(r"v\d+")


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


def new_data_key(master: MasterKey, mark: str = "") -> WrappedKey:
    """A fresh data key, wrapped by the master key and bound to its own id. The id ends in `mark`, so nobody without
    the master key can give the key another one."""
    key_id = "dk-" + uuid4().hex[:12] + (f"-{mark}" if mark else "")
    wrapped = encrypt(master.key, new_key(), key_id.encode())
    return WrappedKey(id=key_id, master_key_id=master.id, wrapped=wrapped)


def mark_of(data_key_id: str) -> str:
    """The mark in the id of a data key; empty for one that was made without."""
    return "-".join(data_key_id.split("-")[2:])


def sealed_prefix(data_key_id: str) -> str:
    """How every text begins that was sealed under this data key."""
    return f"{VERSION}.{data_key_id}."


def data_key_of(sealed: str) -> str:
    """The id of the data key that a sealed text names; empty when it names none."""
    parts = sealed.split(".")
    return parts[1] if len(parts) == 3 else ""


class Vault:
    """Seals with the newest data key and opens with whichever sealed the value. Data keys that come later, by another
    process's rotation, are learned when they are met. Safe to share between threads."""

    def __init__(
        self,
        ring: KeyRing,
        wrapped: Sequence[WrappedKey],
        *,
        read_ring: Callable[[], KeyRing | None] = lambda: None,
        read_keys: Callable[[], Sequence[WrappedKey]] = list,
    ) -> None:
        """Unwrap the data keys, the newest last. `read_ring` and `read_keys` give both as they are now, for what is
        not known yet.

        Raises VaultError when there is none or when the master keys do not open one of them."""
        if not wrapped:
            raise VaultError("The vault has no data key.")
        self._lock = threading.Lock()
        self._ring, self._read_ring, self._read_keys = ring, read_ring, read_keys
        self._keys: dict[str, bytes] = {}
        self._current = ""
        self.renew(wrapped)

    @property
    def current(self) -> str:
        """The id of the data key that seals."""
        return self._current

    def seal(self, secret: SecretStr, place: Place) -> str:
        """Encrypt a secret for one place. Returns text: version, data key id and base64, with dots between."""
        data_key = self._current
        sealed = encrypt(self._keys[data_key], secret.get_secret_value().encode(), place.bound(data_key))
        return sealed_prefix(data_key) + base64.b64encode(sealed).decode()

    def open(self, sealed: str, place: Place) -> SecretStr:
        """Decrypt what `seal` gave for the same place.

        Raises VaultError when it was altered, cut, moved to another place, or sealed under a key that is not here."""
        said = f"The secret in {place.table}, field {place.field}, does not open: "
        problem = VaultError(f"{said}it was altered or belongs to another row. Enter it again.")
        version, *rest = sealed.split(".")
        if version != VERSION and _OTHER_VERSION.fullmatch(version):
            raise VaultError(
                f"{said}it was sealed in the format {version}, which this version of the program does not know. Use "
                "the version that sealed it, or enter it again."
            )
        if version != VERSION or len(rest) != 2:
            raise problem
        key_id, text = rest
        if key_id not in self._keys:
            self._learn(key_id)
        if key_id not in self._keys:
            raise VaultError(
                f"{said}the data key that it names is not in this database, so it was altered or comes from another "
                "database. Enter it again."
            )
        try:
            content = base64.b64decode(text, validate=True)
            if base64.b64encode(content).decode() != text:  # base64 lets the last letter vary
                raise problem
            return SecretStr(decrypt(self._keys[key_id], content, place.bound(key_id)).decode())
        except (ValueError, binascii.Error, InvalidTag):
            raise problem from None

    def seal_again(self, sealed: str, place: Place) -> str:
        """The same secret, sealed under the newest data key; a text that is so already comes back as it is.

        Raises VaultError when it does not open."""
        return sealed if data_key_of(sealed) == self._current else self.seal(self.open(sealed, place), place)

    def renew(self, wrapped: Sequence[WrappedKey]) -> None:
        """Take the data keys as they are stored now, the newest last; it seals from now on. What was known before
        still opens.

        Raises VaultError when the master keys do not open one of them; then nothing changes here."""
        with self._lock:
            known = dict(self._keys)
            for one in wrapped:
                if one.id not in known:
                    known[one.id] = self._unwrapped(one)
            self._keys = known
            self._current = wrapped[-1].id

    def _learn(self, key_id: str) -> None:
        """Look for a data key that came since, or belongs to no key here at all."""
        found = self._read_keys()
        if any(one.id == key_id for one in found):
            self.renew(found)

    def _unwrapped(self, wrapped: WrappedKey) -> bytes:
        if wrapped.master_key_id not in self._ring.ids:
            self._ring = self._read_ring() or self._ring
        master = self._ring.get(wrapped.master_key_id)
        try:
            return decrypt(master.key if master else b"", wrapped.wrapped, wrapped.id.encode())
        except InvalidTag:
            mend = "Give that master key back"
            if self._keys:
                mend = "Start this program again with that master key; the older one may stand behind it"
            raise VaultError(
                f"The master key {self._ring.current.id} does not open this database: its secrets were sealed under "
                f"{wrapped.master_key_id}. {mend}; nothing was changed."
            ) from None
