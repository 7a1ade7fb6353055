"""A backup as a file: a tar of its parts and a manifest, encrypted to a passphrase in the age format, so that `age` and
`tar` open it too (age-encryption.org)."""

import hashlib
import io
import json
import tarfile
from datetime import datetime
from typing import Any, Literal

import pyrage
from pydantic import BaseModel, SecretStr, ValidationError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "onboarding.db"
REGIONS = "regions.toml"

_BEGINS = b"age-encryption.org/v1\n-> scrypt "
_NOT_ONE = "This is not a backup of this program."
_DAMAGED = "The backup is damaged: it was cut short or altered after it was written. Use another one."


class BackupError(Exception):
    """The backup cannot be made or used. The text is one line for the user and holds no secret."""


class Part(BaseModel):
    """A file of a backup."""

    name: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """What a backup holds. `schema_version` is the database's. `master_key`: whether the key is in it (`held`) or came
    from elsewhere; `master_key_ids` names the keys that its secrets need. `sealed` counts its sealed secrets, and
    `unopened` says where those are that did not open here when it was made."""

    format: int = FORMAT
    program: str
    schema_version: str
    made: datetime
    master_key: Literal["held", "elsewhere"]
    master_key_ids: list[str]
    rows: dict[str, int]
    sealed: int
    unopened: list[str]
    parts: list[Part]

    def told(self) -> dict[str, Any]:
        """What an event tells of the backup."""
        return {
            "made": self.made.isoformat(timespec="seconds"),
            "master_key": self.master_key,
            "sealed": self.sealed,
            "unopened": len(self.unopened),
        }


def part(name: str, content: bytes) -> Part:
    """The manifest's line about a file."""
    return Part(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def is_backup(beginning: bytes) -> bool:
    """Whether a file that begins like this can be a backup."""
    return beginning.startswith(_BEGINS)


def pack(manifest: Manifest, contents: dict[str, bytes], passphrase: SecretStr) -> bytes:
    """The backup of these files. `manifest` has a part for each."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=6) as tar:
        for name, content in {MANIFEST: manifest.model_dump_json(indent=2).encode(), **contents}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), 0o600, int(manifest.made.timestamp())
            tar.addfile(member, io.BytesIO(content))
    encrypted: bytes = pyrage.passphrase.encrypt(packed.getvalue(), passphrase.get_secret_value())
    return encrypted


def unpack(content: bytes, passphrase: SecretStr) -> tuple[Manifest, dict[str, bytes]]:
    """What a backup holds, each file compared with the manifest.

    Raises BackupError when it is none, when the passphrase is wrong, or when it was cut or altered."""
    files = _files(_decrypted(content, passphrase))
    manifest = _manifest(files.pop(MANIFEST, b""))
    if [part(name, files[name]) for name in sorted(files)] != sorted(manifest.parts, key=lambda one: one.name):
        raise BackupError(_DAMAGED)
    return manifest, files


def _decrypted(content: bytes, passphrase: SecretStr) -> bytes:
    if not is_backup(content):
        cut = content and _BEGINS.startswith(content)
        raise BackupError(_DAMAGED if cut else _NOT_ONE)
    try:
        packed: bytes = pyrage.passphrase.decrypt(content, passphrase.get_secret_value())
    except pyrage.DecryptError as error:
        said = str(error)
        if said == "Decryption failed":
            raise BackupError("The passphrase is wrong, or the backup's beginning was altered.") from None
        if said.startswith("Excessive work"):
            raise BackupError(
                "The backup was made on a much faster machine; its passphrase takes too long to check on this one. "
                "Restore it on a faster machine, or decrypt it with age."
            ) from None
        raise BackupError(_DAMAGED) from None
    return packed


def _files(packed: bytes) -> dict[str, bytes]:
    """The files of the tar, by name; nothing is written anywhere."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
            for member in tar:
                opened = tar.extractfile(member) if member.isreg() else None
                if opened is None or member.name in files:
                    raise BackupError(_NOT_ONE)
                files[member.name] = opened.read()
    except (tarfile.TarError, EOFError, OSError):
        raise BackupError(_NOT_ONE) from None
    return files


def _manifest(content: bytes) -> Manifest:
    try:
        said = json.loads(content)
        newer = said["format"] > FORMAT
    except (ValueError, KeyError, TypeError):
        raise BackupError(_NOT_ONE) from None
    if newer:
        raise newer_version(str(said.get("program", "")))
    try:
        return Manifest.model_validate(said)
    except ValidationError:
        raise BackupError(_NOT_ONE) from None


def newer_version(program: str) -> BackupError:
    """The error for a backup that this version of the program cannot read."""
    return BackupError(
        f"The backup was made by a newer version of this program{f' ({program})' if program else ''}. Update the "
        "program, then restore it."
    )
