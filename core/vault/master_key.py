"""The master key: the one secret that stays outside the database."""

import base64
import binascii
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

FILE_NAME = "master.key"


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


def _decoded(text: str, source: str) -> MasterKey:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise VaultError(f"The master key in {source} is not 32 bytes in base64. Restore it from your copy.")
    return MasterKey(key)


def find_master_key(home: Path, from_environment: SecretStr | None) -> MasterKey | None:
    """The master key from the environment if set there, else from the file in the home folder, else None.

    Raises VaultError when it is malformed or when others may read the file."""
    if from_environment is not None:
        return _decoded(from_environment.get_secret_value(), "ONBOARDING_MASTER_KEY")
    path = home / FILE_NAME
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise VaultError(f"Others can read {path}. Run: chmod 600 {path}")
        text = json.loads(path.read_text())["key"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise VaultError(f"{path} is not a master key file. Restore it from your copy.") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}.") from None
    return _decoded(str(text), str(path))


def create_master_key(home: Path) -> MasterKey:
    """Make a new master key and keep it in the home folder with mode 0600. When another process was faster, its key
    is taken; an existing file is never written over.

    Raises VaultError when it cannot be written."""
    path = home / FILE_NAME
    try:
        draft = _written_draft(home, MasterKey(AESGCM.generate_key(256)))
        try:
            os.link(draft, path)  # unlike a rename, never replaces what is there
            _flush_folder(home)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise VaultError(f"The master key {path} cannot be written: {error.strerror}. Nothing was stored.") from None
    master = find_master_key(home, None)
    if master is None:
        raise VaultError(f"{path} appeared and vanished. Start again.")
    return master


def _written_draft(home: Path, master: MasterKey) -> Path:
    handle, name = tempfile.mkstemp(prefix=f"{FILE_NAME}.", dir=home)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump({"id": master.id, "key": base64.b64encode(master.key).decode()}, file)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink()
        raise
    return Path(name)


def _flush_folder(folder: Path) -> None:
    """What is sealed next must not outlive its key, even when the power fails."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
