"""`onboarding vault …`, as a process of its own."""

import base64
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.settings import Settings
from core.vault.master_key import read_key_file
from tests.services.vaults import OWN, filled, home, secrets
from tests.terminal.conftest import COMMAND

COUNT = 300
"""Sealed values, the program's own among them."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; no sandbox is needed."""
    return home(tmp_path / "home")


def _wrong(settings: Settings) -> None:
    connection = sqlite3.connect(settings.database)
    connection.execute(
        "UPDATE kept_key SET secret_key_sealed = (SELECT secret_key_sealed FROM kept_key WHERE access_key = 'key 1') "
        "WHERE access_key = 'key 0'"
    )
    connection.commit()
    connection.close()


def test_a_rotation_from_end_to_end(settings: Settings, onboarding) -> None:
    filled(settings, COUNT - len(OWN))
    before = secrets(settings)
    old = read_key_file(settings.home)
    status = json.loads(onboarding("vault", "status", "--json").stdout)
    assert old and status["master_keys"] == old.ids
    assert [one["values"] for one in status["data_keys"]] == [COUNT]
    rotated = onboarding("vault", "rotate")
    assert rotated.returncode == 0, rotated.stderr
    new = read_key_file(settings.home)
    assert new and new.ids != old.ids
    assert f"{COUNT} values were sealed again, under the master key {new.current.id}" in rotated.stdout
    assert f"taken out of master.key: {old.current.id}" in rotated.stdout
    checked = onboarding("vault", "check")
    assert (checked.returncode, checked.stdout) == (0, f"All {COUNT} sealed values open.\n")
    shown = onboarding("vault", "status").stdout
    assert new.current.id in shown
    assert old.current.id not in shown
    again = json.loads(onboarding("vault", "rotate", "--json").stdout)
    assert (again["done"], again["sealed"], again["old_master_keys"]) == (True, COUNT, new.ids)
    assert secrets(settings) == before
    said = rotated.stdout + rotated.stderr + checked.stderr + shown
    for ring in (old, new):
        assert base64.b64encode(ring.current.key).decode() not in said


def test_a_value_that_does_not_open_is_listed_and_keeps_the_old_keys(settings: Settings, onboarding) -> None:
    filled(settings, 3)
    _wrong(settings)
    checked = onboarding("vault", "check")
    assert checked.returncode == 1
    assert f"1 of {3 + len(OWN)} sealed values do not open." in checked.stderr
    assert "key 0" in checked.stdout and "kept_key" in checked.stdout and "secret_key" in checked.stdout
    found = json.loads(onboarding("vault", "check", "--json").stdout)
    assert found["values"] == 3 + len(OWN)
    assert [(one["table"], one["name"], one["field"]) for one in found["unopened"]] == [
        ("kept_key", "key 0", "secret_key")
    ]
    rotated = onboarding("vault", "rotate")
    assert rotated.returncode == 1
    assert "do not open, so the old keys stay" in rotated.stderr
    assert "key 0" in rotated.stdout
    assert "A rotation has begun and not ended" in onboarding("vault", "status").stdout
    left = json.loads(onboarding("vault", "rotate", "--leave-broken", "--json").stdout)
    assert (left["done"], len(left["broken"])) == (True, 1)


def test_the_environment_without_a_new_key_is_one_line(settings: Settings, prepared) -> None:
    keys = [base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2)]

    def run(master_key: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"ONBOARDING_HOME": str(settings.home), "ONBOARDING_MASTER_KEY": master_key}
        return prepared([*words], environment)

    refused = run(keys[0], "vault", "rotate")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "is the one in use already. Put a new one before it" in refused.stderr
    done = run(",".join(reversed(keys)), "vault", "rotate")
    assert done.returncode == 0, done.stderr
    assert "Take it out of where your master keys come from" in done.stdout
    assert secrets(settings.model_copy(update={"master_key": SecretStr(keys[1])})) == {}
    wrong = run(keys[0], "vault", "check")
    assert wrong.returncode == 3
    assert "does not open this database" in wrong.stderr
    assert not any(key[:8] in one.stdout + one.stderr for key in keys for one in (refused, done, wrong))


def test_a_command_that_fails_is_one_line(settings: Settings) -> None:
    environment = os.environ | {"ONBOARDING_HOME": str(settings.home), "ONBOARDING_MASTER_KEY_COMMAND": "false"}
    done = subprocess.run(
        [COMMAND, "vault", "status"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert done.stderr == (
        "The command of ONBOARDING_MASTER_KEY_COMMAND (false) ended with exit code 1. Run it by hand and look; nothing "
        "was changed.\n"
    )


@pytest.mark.parametrize("words", [("vault", "status"), ("run",)])
def test_a_home_that_others_get_into_is_one_line(settings: Settings, onboarding, words: tuple[str, ...]) -> None:
    settings.home.chmod(0o755)
    done = onboarding(*words)
    assert done.returncode == 3
    assert done.stderr == (
        f"Others can get into {settings.home}, which holds your secrets. Run: chmod 700 {settings.home}\n"
    )
    assert not settings.database.exists()


def test_a_home_that_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "home"
    code = "import os, sys; os.umask(0o022); sys.argv[1:] = ['vault', 'status']; import core.cli; core.cli.main()"
    environment = os.environ | {"ONBOARDING_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert folder.stat().st_mode & 0o777 == 0o700


_RUNNING = """
import sys
from sqlmodel import select
from core.services.signing import kept_place
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.tables.access_keys import KeptKey
from tests.services.vaults import keep

workspace = open_workspace(Settings())
for line in iter(sys.stdin.readline, ""):
    if line.strip() == "open":
        with workspace.store.reading() as session:
            rows = session.exec(select(KeptKey)).all()
        print(len([workspace.vault.open(row.secret_key_sealed, kept_place(row.id)) for row in rows]))
    else:
        keep(workspace, line.strip())
        print("kept")
    sys.stdout.flush()
"""


def test_a_program_that_runs_meanwhile_seals_and_opens_before_and_after(settings: Settings, onboarding) -> None:
    filled(settings, 50)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUNNING],
        env=os.environ | {"ONBOARDING_HOME": str(settings.home)},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(line: str) -> str:
        print(line, file=process.stdin, flush=True)
        return process.stdout.readline().strip()

    try:
        assert [ask("open"), ask("before")] == ["50", "kept"]
        assert onboarding("vault", "rotate").returncode == 0
        assert [ask("after"), ask("open")] == ["kept", "52"]
        assert onboarding("vault", "rotate").returncode == 0
        assert [ask("open"), ask("later")] == ["52", "kept"]
    finally:
        process.kill()
        process.wait()
    names = [*(f"key {number}" for number in range(50)), "before", "after", "later"]
    assert secrets(settings) == {f"kept_key {name} secret_key": f"secret of {name}" for name in names}


def test_two_processes_at_once_leave_one_ring(settings: Settings) -> None:
    filled(settings, 2000)
    before = secrets(settings)
    environment = os.environ | {"ONBOARDING_HOME": str(settings.home)}
    processes = [
        subprocess.Popen(
            [COMMAND, "vault", "rotate", "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    found = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert any(one["done"] for one in found)
    assert all(one["done"] or "is rotating the keys since" in one["problem"] for one in found)
    ring = read_key_file(settings.home)
    assert ring and len(ring.keys) == 1
    assert secrets(settings) == before
