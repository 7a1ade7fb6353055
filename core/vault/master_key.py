"""Master keys: the only secrets that stay outside the database, and the file that holds them."""

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from core.durable import flush_folder, write_draft
from core.vault.cipher import KEY_BYTES, new_key

FILE_NAME = "master.key"
_DRAFT = f".{FILE_NAME}.draft-"


class VaultError(Exception):
    """The vault cannot be used, or a sealed value does not open. The text is for the user and holds no secret."""


@dataclass(frozen=True)
class MasterKey:
    """32 bytes and the id by which wrapped data keys name them. The id is derived from the key, so that it cannot
    be mislabelled."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """`mk-` and 12 hexadecimal digits; says nothing about the key itself."""
        return "mk-" + hashlib.sha256(b"onboarding master key id" + self.key).hexdigest()[:12]


@dataclass(frozen=True)
class KeyRing:
    """The master keys that are at hand, the newest first: it wraps what is new, the others open what is older."""

    keys: tuple[MasterKey, ...]

    @property
    def current(self) -> MasterKey:
        """The newest."""
        return self.keys[0]

    @property
    def ids(self) -> list[str]:
        """The ids of all, the newest first."""
        return [key.id for key in self.keys]

    def get(self, id: str) -> MasterKey | None:
        """The key of this id, if it is here."""
        return next((key for key in self.keys if key.id == id), None)

    def with_new_key(self) -> "KeyRing":
        """The same ring with a fresh key before the others."""
        return KeyRing((MasterKey(new_key()), *self.keys))

    def only(self, ids: Collection[str]) -> "KeyRing":
        """The same ring without the keys of other ids."""
        return KeyRing(tuple(key for key in self.keys if key.id in ids))


def read_ring(texts: list[str], source: str) -> KeyRing:
    """The ring of keys in base64, the newest first; a key that comes twice counts once.

    Raises VaultError when there is none or one is malformed; `source` says where they come from."""
    keys = dict.fromkeys(_decoded(text, source) for text in texts or [""])
    return KeyRing(tuple(keys))


def _decoded(text: str, source: str) -> MasterKey:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"The master key in {source} is not 32 bytes in base64. Restore it from your copy.")
    return MasterKey(key)


def read_key_file(home: Path) -> KeyRing | None:
    """The ring in the file of the home folder, also in the older form that holds one key; None without a file.

    Raises VaultError when it is malformed or when others may read the file."""
    path = home / FILE_NAME
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise VaultError(f"Others can read {path}. Run: chmod 600 {path}")
        content = json.loads(path.read_text())
        texts = [one["key"] for one in content.get("keys", [content])]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VaultError(f"{path} is not a master key file. Restore it from your copy.") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}.") from None
    return read_ring([str(text) for text in texts], str(path))


def create_key_file(home: Path) -> KeyRing:
    """Make a new master key and keep it in the home folder with mode 0600. When another process was faster, its key
    is taken; an existing file is never written over.

    Raises VaultError when it cannot be written."""
    path = home / FILE_NAME
    try:
        draft = write_draft(home, _DRAFT, _content(KeyRing((MasterKey(new_key()),))))
        try:
            os.link(draft, path)  # unlike a rename, never replaces what is there
            flush_folder(home)  # what is sealed next must not outlive its key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise VaultError(f"The master key {path} cannot be written: {error.strerror}. Nothing was stored.") from None
    ring = read_key_file(home)
    if ring is None:
        raise VaultError(f"{path} appeared and vanished. Start again.")
    return ring


def replace_key_file(home: Path, ring: KeyRing) -> None:
    """Write another ring over the file's. Whoever reads it, also after a power failure, finds the old ring or the new
    one, whole. Of processes that would write at once, the caller lets one.

    Raises VaultError when it cannot be written; then the file is as it was."""
    path = (home / FILE_NAME).resolve()  # what a link points to is written, the link stays
    try:
        if not path.stat().st_mode & stat.S_IWUSR:
            raise VaultError(f"{path} is read-only, so its keys stay as they are. Run: chmod 600 {path}")
        for left in path.parent.glob(f"{_DRAFT}*"):  # a killed process's; it may hold a key that is needed no more
            left.unlink(missing_ok=True)
        draft = write_draft(path.parent, _DRAFT, _content(ring))
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise
        flush_folder(path.parent)
    except OSError as error:
        raise VaultError(f"{path} cannot be written: {error.strerror}. Its keys stay as they were.") from None


def _content(ring: KeyRing) -> bytes:
    keys = [{"id": one.id, "key": base64.b64encode(one.key).decode()} for one in ring.keys]
    return json.dumps({"keys": keys}, indent=1).encode()
