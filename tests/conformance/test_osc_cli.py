"""osc-cli, from the osc-sdk package: a process with its own configuration file."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.access_keys import change_key
from core.services.doors import open_with_password
from core.services.workspace import open_workspace
from core.settings import Settings

OSC_CLI = Path(sys.executable).with_name("osc-cli")


@pytest.fixture
def osc_cli(bare, account, tmp_path: Path):
    """Run osc-cli with the first account's keys."""
    profile = {
        "access_key": account["access_key_id"],
        "secret_key": account["secret_key"],
        "region": account["region"],
        "endpoint": account["api"].removeprefix("http://").removesuffix("/api/v1"),
        "https": False,
        "method": "POST",
    }
    folder = tmp_path / ".osc"
    folder.mkdir(mode=0o700)
    (folder / "config.json").write_text(json.dumps({"default": profile}))

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([OSC_CLI, *words], env=bare, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_calls_signed_with_keys(osc_cli, account) -> None:
    said = osc_cli("api", "ReadAccounts")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["Accounts"][0]["AccountId"] == account["account_id"]
    said = osc_cli("api", "ReadAccessKeys", "--Filters", '{"States":["INACTIVE"]}')
    assert {key["State"] for key in json.loads(said.stdout)["AccessKeys"]} == {"INACTIVE"}


def test_calls_with_a_password(osc_cli, account) -> None:
    words = ("--authentication_method=password", "--login", account["email"], "--password", account["password"])
    said = osc_cli("api", "ReadAccessKeys", *words)
    assert said.returncode == 0, said.stderr
    listed = [key["AccessKeyId"] for key in json.loads(said.stdout)["AccessKeys"]]
    assert account["access_key_id"] in listed


def test_the_api_access_policy(osc_cli, account) -> None:
    """Read, and set to what it is: other values would need keys that all expire."""
    words = ("--authentication_method=password", "--login", account["email"], "--password", account["password"])
    said = osc_cli(
        "api", "UpdateApiAccessPolicy", "--MaxAccessKeyExpirationSeconds", "0", "--RequireTrustedEnv", "False"
    )
    assert said.returncode == 0, said.stderr
    read = osc_cli("api", "ReadApiAccessPolicy", *words)
    assert json.loads(said.stdout)["ApiAccessPolicy"] == json.loads(read.stdout)["ApiAccessPolicy"]
    refused = osc_cli("api", "UpdateApiAccessPolicy", "--MaxAccessKeyExpirationSeconds", "0")
    assert refused.returncode != 0


def test_a_refusal_is_understood(osc_cli) -> None:
    said = osc_cli("api", "DeleteAccessKey", "--AccessKeyId", "A" * 20)
    assert said.returncode != 0
    assert "5076" in said.stdout + said.stderr


def test_the_expiration_outlives_our_deactivation_and_activation(osc_cli, account, settings: Settings) -> None:
    """UpdateAccessKey takes away an expiration that it does not name. We name it, and osc-cli reads it back; osc-cli by
    itself loses it."""
    actor, day = (
        Actor(name="tester", via="test", role=Role.ADMINISTRATOR),
        datetime.now(UTC).date() + timedelta(days=100),
    )
    made = osc_cli("api", "CreateAccessKey", "--ExpirationDate", day.isoformat(), "--Tag", "trap")
    assert made.returncode == 0, made.stderr
    key = json.loads(made.stdout)["AccessKey"]
    name, set_ = key["AccessKeyId"], key["ExpirationDate"]
    assert set_.startswith(day.isoformat())

    def read() -> tuple[str, str | None, str | None]:
        said = osc_cli("api", "ReadAccessKeys", "--Filters", json.dumps({"AccessKeyIds": [name]}))
        (one,) = json.loads(said.stdout)["AccessKeys"]
        return one["State"], one.get("ExpirationDate"), one.get("Tag")

    workspace = open_workspace(settings)
    try:
        opened = open_with_password(
            actor, workspace, account["email"], SecretStr(account["password"]), account["region"]
        )
        assert opened.door, opened.problem
        for state in ("INACTIVE", "ACTIVE"):
            assert change_key(actor, workspace, opened.door, name, state=state) is None
            assert read() == (state, set_, "trap")
        assert osc_cli("api", "UpdateAccessKey", "--AccessKeyId", name, "--State", "INACTIVE").returncode == 0
        assert read() == ("INACTIVE", None, "trap")
    finally:
        osc_cli("api", "DeleteAccessKey", "--AccessKeyId", name)
        workspace.close()
