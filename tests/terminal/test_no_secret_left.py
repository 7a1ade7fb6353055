"""After a walk through the terminal, failures included, no secret is in a file, a log, an output or a process's
arguments, except the files that were asked for."""

import base64
import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from sqlmodel import select

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services import key_intents, sealed
from core.services.kept_keys import kept_secret
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.tables.access_keys import KeptKey
from core.store.tables.credentials import Project
from tests.clients.listeners import PASSWORD, USER
from tests.terminal.conftest import COMMAND
from tests.terminal.test_terminal import project_form

ACTOR = Actor(name="tester", via="test", role=Role.ADMINISTRATOR)
DAY = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
WRONG_PASSWORD, WRONG_SECRET = "Not-the-pass=word/1", "WRONGSECRET" * 4  # pragma: allowlist secret - made up


class Terminal:
    """Runs the command in a folder of its own, and remembers all that others could see of it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.seen: dict[str, bytes] = {}
        """What was printed, and the arguments and environments of the processes while they ran, by where it was."""
        for name in ("HOME", "TMPDIR"):
            (folder / name).mkdir()
        self.environment = os.environ | {
            "ONBOARDING_HOME": str(settings.home),
            "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
            "ONBOARDING_LOG_LEVEL": "DEBUG",
            "HOME": str(folder / "HOME"),
            "TMPDIR": str(folder / "TMPDIR"),
        }

    def __call__(self, *words: str, input: str = "", code: int = 0) -> str:
        """Run it, and give its output when it ends with this exit code."""
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [COMMAND, *words], **streams, text=True, cwd=self.folder, env=self.environment, start_new_session=True
        )
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(process.pid, " ".join(words[:3]), ended))
        watch.start()
        try:
            out, err = process.communicate(input, timeout=60)
        finally:
            process.kill()
            ended.set()
            watch.join()
        where = f"{len(self.seen)}: {' '.join(words[:3])}"
        self.seen |= {f"output {where}": out.encode(), f"error output {where}": err.encode()}
        assert process.returncode == code, (words[:3], out, err)
        return out

    def _watch(self, pid: int, words: str, ended: threading.Event) -> None:
        while not ended.wait(0.01):
            try:
                first = psutil.Process(pid)
                for one in (first, *first.children(recursive=True)):
                    for kind in ("cmdline", "environ"):
                        said = Path(f"/proc/{one.pid}/{kind}").read_bytes()
                        self.seen[f"{kind} of {words}, {one.pid}: {hash(said)}"] = said
            except (psutil.Error, OSError):
                continue


class Secrets:
    """The secrets that were given or made, each in the forms that it could be written in."""

    def __init__(self) -> None:
        self._forms: dict[bytes, str] = {}

    def add(self, name: str, secret: str) -> None:
        """Look for this one too."""
        raw = secret.encode()
        forms = {raw, json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}
        for before in range(3):
            # In Base64, wherever the secret begins in the text: letters that depend on its neighbours are left out.
            letters = base64.b64encode(bytes(before) + raw).rstrip(b"=")[(before * 8 + 5) // 6 : -1]
            forms |= {letters, letters.translate(bytes.maketrans(b"+/", b"-_"))}
        self._forms |= dict.fromkeys(forms, name)

    def add_sealed(self, workspace: Workspace) -> None:
        """Look for those too that are sealed in the store now."""
        with workspace.store.reading() as session:
            rows, kept = session.exec(select(Project)).all(), session.exec(select(KeptKey)).all()
        found = [(f"the secret of {row.access_key}", sealed.project_secret(workspace.vault, row)) for row in rows]
        found += [
            (f"the secret of {one.access_key}", kept_secret(ACTOR, workspace, one.access_key, one.region))
            for one in kept
        ]
        for name, secret in found:
            assert secret, name
            self.add(name, secret.get_secret_value())

    def within(self, content: bytes) -> set[str]:
        """The names of those that are in there."""
        return {name for form, name in self._forms.items() if form in content}


@pytest.fixture
def workspace(settings: Settings) -> Iterator[Workspace]:
    opened = open_workspace(settings)
    yield opened
    opened.close()


@pytest.fixture
def proxy() -> str:
    """The address, with a password, of a proxy that turns out not to be there."""
    return f"https://{USER}:{quote(PASSWORD, safe='')}@proxy.invalid:3128"


@pytest.fixture
def secrets(sandbox, settings: Settings, workspace: Workspace) -> Secrets:
    account, known = sandbox.account(0), Secrets()
    known.add("the account's password", account["password"])
    known.add("the wrong password", WRONG_PASSWORD)
    known.add("the account's secret key", account["access_keys"][0]["secret_key"])
    known.add("the wrong secret key", WRONG_SECRET)
    known.add("the proxy's password", PASSWORD)
    known.add("the old master key", master_key(settings))
    return known


def master_key(settings: Settings) -> str:
    """The master key as its file holds it; there is one."""
    (key,) = json.loads((settings.home / "master.key").read_text())["keys"]
    return key["key"]


def test_no_secret_is_left(
    sandbox, settings: Settings, workspace: Workspace, secrets: Secrets, proxy: str, tmp_path: Path
) -> None:
    account, run = sandbox.account(0), Terminal(settings, tmp_path)
    own, region = account["access_keys"][0], account["region"]
    password, place = account["password"] + "\n", ("--region", region)
    by_password = (*place, "--email", account["email"], "--password-stdin")
    create = ("keys", "create", *by_password, "--expires", DAY)
    created, taken, pem = (tmp_path / name for name in ("created.csv", "taken.csv", "new.pem"))

    # Keys: created into a file; created, but the file cannot be written; taken after all; deleted.
    run(*create, "--out", str(created), input=password)
    name, secret = created.read_text().splitlines()[1].split(",")[:2]
    secrets.add("the created key's secret", secret)
    run(*create, "--out", str(tmp_path / "nowhere" / "key.csv"), input=password, code=1)
    (waiting,) = key_intents.open_intents(ACTOR, workspace)
    run("keys", "take", waiting.id, "--keep", "--out", str(taken))
    secrets.add_sealed(workspace)
    run("keys", "delete", name, *by_password, "--confirm", name, input=password)

    # Credentials with a secret that is given and one that is kept, whose key is rotated and brought back.
    form = project_form(account)
    form["projects"].append(form["projects"][0] | {"access_key": waiting.access_key, "secret_key": ""})
    run("credentials", "add", "-", input=json.dumps(form | {"secret": own["secret_key"]}), code=2)
    run("credentials", "add", "-", input=json.dumps(form))
    run("keys", "rotate", waiting.access_key, *place)
    secrets.add_sealed(workspace)
    run("keys", "back", waiting.access_key, *place)
    rotated = json.loads(run("keys", "rotate", waiting.access_key, *place, "--delete-now", "--json"))["new_key"]
    secrets.add_sealed(workspace)
    run("keys", "delete", rotated, *by_password, "--confirm", rotated, input=password)

    # Accounts and keypairs.
    key = {"access_key": own["access_key_id"], "secret_key": own["secret_key"], "region": region}
    run("accounts", "read", "-", input=json.dumps(key))
    run("accounts", "read", "-", input=json.dumps(key | {"secret_key": WRONG_SECRET}), code=1)
    run("accounts", "read", "-", input=f'{{"secret_key": {own["secret_key"]}"', code=2)
    run("accounts", "keypairs", "create", account["account_id"], "left", *place, "--out", str(pem))
    for line in pem.read_text().splitlines()[1:-2]:
        secrets.add("the private key", line)
    run("accounts", "keypairs", "delete", account["account_id"], "left", *place, "--confirm", "left")

    # New keys for what is sealed.
    run("vault", "status")
    run("vault", "check")
    run("vault", "rotate")
    secrets.add("the master key", master_key(settings))

    # Failures, on the way and here.
    proxied = json.dumps(project_form(account, proxy=proxy, name="proxied"))
    run("credentials", "add", "-", "--add-anyway", input=proxied, code=2)
    run("allow", "add", "proxy.invalid")
    run("credentials", "add", "-", "--add-anyway", input=proxied)
    run("credentials", "check", "proxied", code=1)
    run("keys", "list", *by_password, input=WRONG_PASSWORD + "\n", code=1)
    sandbox.fault("cut")
    run(*create, "--keep", input=password, code=1)
    sandbox.clear()
    other = sqlite3.connect(settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    run(*create, "--keep", input=password, code=3)
    other.close()
    run("vault", "check")

    assert secrets.within(created.read_bytes()) == {"the created key's secret"}  # what is there is found
    assert any(b"--password-stdin" in said for where, said in run.seen.items() if where.startswith("cmdline"))
    assert any(b"ONBOARDING_LOG_LEVEL=DEBUG" in said for where, said in run.seen.items() if where.startswith("environ"))
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and not file.is_symlink()}
    names = {file.name for file in files}
    assert names >= {"onboarding.db", "onboarding.db-wal", "terminal.log", "master.key"}
    found = {str(file): secrets.within(content) for file, content in files.items() if file not in (created, taken, pem)}
    assert found.pop(str(settings.home / "master.key")) == {"the master key"}
    found |= {where: secrets.within(said) for where, said in run.seen.items()}
    assert {where: what for where, what in found.items() if what} == {}
