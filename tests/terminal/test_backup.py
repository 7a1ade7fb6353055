"""`onboarding backup` and `onboarding restore` as people and cron run them."""

import json
import os
import pty
import re
import select
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.services.kept_keys import keep, kept_secret
from core.services.use_case import changing
from core.services.workspace import open_workspace
from core.settings import Settings
from tests import age
from tests.services.conftest import ACTOR
from tests.terminal.conftest import COMMAND

PASSPHRASE = "correct horse battery staple"
SEALED = "2 sealed secrets; all open"  # one that is kept, and the key of the audit trail
SECRET = "SECRETSECRETSECRETSECRETSECRETSECRETSECR"  # pragma: allowlist secret - made up
REGIONS = """[[region]]
name = "nowhere-1"
label = "Nowhere"
api = "https://api.nowhere-1.example/api/v1"
oos = "https://oos.nowhere-1.example"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own with one secret that is kept there; no sandbox is needed."""
    settings = Settings(home=tmp_path / "home")
    workspace = open_workspace(settings)
    with changing(ACTOR, workspace, "test.seed") as change:
        keep(change.session, workspace, "KEPT", SecretStr(SECRET), "nowhere-1", "123456789012")
        change.record("seed")
    workspace.close()
    return settings


@pytest.fixture
def run(settings: Settings, tmp_path: Path, prepared):
    """Run the command, in front of another home when one is given."""
    regions = tmp_path / "mine.toml"
    regions.write_text(REGIONS)

    def run(*words: str, input: str = f"{PASSPHRASE}\n", home: Path = settings.home, **variables: str):
        environment = os.environ | {"ONBOARDING_HOME": str(home), "ONBOARDING_REGIONS": str(regions)} | variables
        return prepared([*words], environment, input)

    return run


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text.strip()


def test_there_and_back(run, settings: Settings, tmp_path: Path) -> None:
    file, other = tmp_path / "one.backup", tmp_path / "other"
    made = run("backup", str(file), "--passphrase-stdin")
    assert made.returncode == 0, made.stderr
    assert SEALED in made.stdout
    assert re.search(r"master\.key, \d+ bytes, SHA-256 [0-9a-f]{64}", made.stdout)
    assert file.stat().st_mode & 0o777 == 0o600

    used = run("restore", str(file), "--passphrase-stdin")
    assert used.returncode == 2
    assert "is in use" in one_line(used.stderr)
    (tmp_path / "of another").write_bytes(age.encrypt(b"", "another horse battery"))
    wrong = run("restore", str(tmp_path / "of another"), "--passphrase-stdin", home=other)
    assert wrong.returncode == 2
    assert "passphrase is wrong" in one_line(wrong.stderr)
    assert {one.name for one in other.iterdir()} <= {"logs"}

    back = run("restore", str(file), "--passphrase-stdin", home=other)
    assert back.returncode == 0, back.stderr
    assert SEALED in back.stdout
    assert str(other / "regions.toml") in back.stdout
    assert (other / "regions.toml").read_text() == REGIONS
    again = open_workspace(Settings(home=other))
    assert kept_secret(ACTOR, again, "KEPT", "nowhere-1").get_secret_value() == SECRET
    again.close()
    for told in (made, used, wrong, back):
        assert PASSPHRASE not in told.stdout + told.stderr
        assert SECRET not in told.stdout + told.stderr


def test_every_night(run, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"onboarding-2026010{day}T000000Z.backup").write_text("older")
    made = run("backup", "--keep", "2", str(folder), "--json", ONBOARDING_BACKUP_PASSPHRASE=PASSPHRASE, input="")
    assert made.returncode == 0, made.stderr
    said = json.loads(made.stdout)
    assert (said["sealed"], said["unopened"], said["master_key"]) == (2, [], "held")
    assert len(said["deleted"]) == 2
    assert {str(one) for one in folder.iterdir()} == {
        said["file"],
        str(folder / "onboarding-20260103T000000Z.backup"),
    }
    shown = run("settings", ONBOARDING_BACKUP_PASSPHRASE=PASSPHRASE).stdout
    assert PASSPHRASE not in shown


def test_bad_input_is_one_line_and_no_file(run, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    for words, input, told in (
        ((str(file), "--passphrase-stdin"), "", "fewer than 12"),
        ((str(file),), f"{PASSPHRASE}\n", "--passphrase-stdin"),  # no terminal, and nothing said of the input
        ((str(file), "--passphrase-stdin", "--keep", "3"), f"{PASSPHRASE}\n", "folder"),
    ):
        answer = run("backup", *words, input=input)
        assert answer.returncode == 2, answer
        assert told.lower() in one_line(answer.stderr).lower()
    assert not list(tmp_path.rglob("*.backup"))
    (tmp_path / "letter").write_text("dear")
    answer = run("restore", str(tmp_path / "letter"), "--passphrase-stdin", home=tmp_path / "other")
    assert (answer.returncode, one_line(answer.stderr)) == (2, "This is not a backup of this program.")


def typed(words: list[str], environment: dict[str, str], *lines: str) -> tuple[int, str]:
    """Run the command at a terminal of its own and type a line at each question; the exit code and what was seen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND, [str(COMMAND), *words], environment)  # noqa: S606
    seen, waiting = "", list(lines)
    try:
        while select.select([terminal], [], [], 90)[0]:
            try:
                new = os.read(terminal, 4096).decode()
            except OSError:  # the other end is closed
                break
            seen += new
            if waiting and seen.endswith(": "):
                os.write(terminal, f"{waiting.pop(0)}\n".encode())
                seen += "\n"
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


def test_at_a_terminal_it_is_typed_twice_and_never_seen(run, settings: Settings, tmp_path: Path) -> None:
    environment = {**os.environ, "ONBOARDING_HOME": str(settings.home), "TERM": "dumb", "COLUMNS": "200"}
    file = tmp_path / "one.backup"
    code, seen = typed(["backup", str(file)], environment, PASSPHRASE, "a slip of the pen", PASSPHRASE, PASSPHRASE)
    assert code == 0, seen
    assert seen.count("Repeat for confirmation") == 2
    assert PASSPHRASE not in seen
    environment["ONBOARDING_HOME"] = str(tmp_path / "other")
    code, seen = typed(["restore", str(file)], environment, PASSPHRASE)
    assert code == 0, seen
    assert "Repeat" not in seen
    assert PASSPHRASE not in seen


def test_the_password_for_reveals_is_typed_twice(run, settings: Settings) -> None:
    environment = {**os.environ, "ONBOARDING_HOME": str(settings.home), "TERM": "dumb", "COLUMNS": "200"}
    password = "a long local password"  # pragma: allowlist secret - made up
    code, seen = typed(["password", "set"], environment, password, password)
    assert code == 0, seen
    assert password not in seen
    weak = run("password", "set", "--password-stdin", input="short\n")
    assert weak.returncode == 2
    assert "fewer than 12" in one_line(weak.stderr)
    assert run("password", "set", "--password-stdin", input=f"{password}\n").returncode == 0
    assert password.encode() not in settings.database.read_bytes()
    helped = run("--help").stdout
    assert "reveal" not in re.findall(r"^\W*(\w+)", helped, re.MULTILINE)  # no command prints a secret
