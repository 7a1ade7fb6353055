"""The key that signs the cookies of sign-ins: whoever has it can be anybody."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.settings import Settings
from dashboard.provider import COOKIE_KEY, CookieKeyError, auth_section


def signed_with(home: Path) -> str:
    needed = {"oidc_client_id": "onboarding", "oidc_client_secret": SecretStr("s"), "oidc_roles": "a=administrator"}
    section = auth_section(Settings(home=home, oidc_issuer="https://sign-in.example", **needed))
    return str(section["auth"]["cookie_secret"])


def test_it_is_random_kept_and_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        key = signed_with(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / COOKIE_KEY).stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key)) == 32 and signed_with(tmp_path) == key
    other = tmp_path / "other"
    other.mkdir()
    assert signed_with(other) != key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_one_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    signed_with(tmp_path)
    (tmp_path / COOKIE_KEY).chmod(mode)
    with pytest.raises(CookieKeyError, match="chmod 600"):
        signed_with(tmp_path)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / COOKIE_KEY
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(CookieKeyError, match="damaged"):
        signed_with(tmp_path)
    assert path.read_bytes() == content
