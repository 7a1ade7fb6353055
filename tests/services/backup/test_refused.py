"""Nothing that is not a whole backup is put in place."""

import tarfile
from io import BytesIO
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr

from core.services import backup_file
from core.services.backup_file import BackupError
from core.settings import Settings
from tests.services.backup.homes import PASSPHRASE, Given, packed, refused


def test_a_wrong_passphrase_is_told(file: Path, elsewhere: Settings) -> None:
    assert "passphrase is wrong" in refused(elsewhere, file, SecretStr("another horse battery"))


def test_what_is_cut_is_told_wherever_it_is_cut(file: Path, elsewhere: Settings) -> None:
    content = file.read_bytes()
    for end in (10, 40, 100, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:end])
        assert "damaged" in refused(elsewhere, file), end


def test_what_is_altered_is_told_wherever_it_is_altered(file: Path, elsewhere: Settings) -> None:
    content = file.read_bytes()
    for place, told in ((0, "not a backup"), (50, "altered"), (150, "altered"), (len(content) // 2, "damaged")):
        altered = bytearray(content)
        altered[place] ^= 1
        file.write_bytes(altered)
        assert told in refused(elsewhere, file), place
    file.write_bytes(content + b"more")
    assert "damaged" in refused(elsewhere, file)


def _tar(**files: bytes) -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return packed.getvalue()


def test_what_is_no_backup_is_told(elsewhere: Settings, tmp_path: Path) -> None:
    def encrypted(content: bytes) -> bytes:
        return pyrage.passphrase.encrypt(content, PASSPHRASE.get_secret_value())

    key = pyrage.x25519.Identity.generate().to_public()
    for number, content in enumerate(
        (
            b"",
            b"a text",
            b"SQLite format 3\x00" + bytes(4096),
            pyrage.encrypt(b"to somebody", [key]),
            encrypted(b"a text"),
            encrypted(_tar(**{"onboarding.db": b"no manifest"})),
            encrypted(_tar(**{"manifest.json": b"{}"})),
        )
    ):
        file = tmp_path / "other"
        file.write_bytes(content)
        assert refused(elsewhere, file) == "This is not a backup of this program.", number
    assert "cannot be read" in refused(elsewhere, tmp_path / "absent")
    assert "cannot be read" in refused(elsewhere, tmp_path)


def test_a_manifest_that_does_not_fit_is_told(given: Given, file: Path, elsewhere: Settings) -> None:
    manifest, contents = given.manifest, given.contents

    def said(contents: dict[str, bytes] = contents, **changes: object) -> str:
        file.write_bytes(packed(manifest, contents, **changes))
        return refused(elsewhere, file)

    assert "damaged" in said(parts=[manifest.parts[0].model_copy(update={"sha256": "0" * 64}), *manifest.parts[1:]])
    assert "does not know: '../../over'" in said(contents | {"../../over": b"x"})
    assert "manifest" in said(rows=manifest.rows | {"project": 4})
    with pytest.raises(BackupError, match="newer version"):
        backup_file._manifest(manifest.model_copy(update={"format": backup_file.FORMAT + 1}).model_dump_json().encode())
    assert "newer version of this program (9.0)" in said(schema_version="9999", program="9.0")
