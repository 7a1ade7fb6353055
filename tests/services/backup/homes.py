"""A seeded home, a backup of it, and what is asked of both."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import select

from core.services.backup import make_backup
from core.services.backup_file import Manifest, pack, part
from core.services.kept_keys import keep
from core.services.restore import restore_backup
from core.services.sealed_places import sealed_columns
from core.services.use_case import changing
from core.services.workspace import Workspace
from core.settings import Settings
from core.store.tables.access_keys import KeyIntent, Rotation
from core.store.tables.audit import Event
from core.vault.vault import Place
from tests.services.conftest import ACTOR
from tests.services.vaults import put_credentials

PASSPHRASE = SecretStr("correct horse battery staple")
SEALED = 10
"""How many secrets `seed` leaves sealed, with the key of the audit trail."""


def add(workspace: Workspace, name: str) -> None:
    """Credentials of three project rows and a proxy, in one transaction."""
    rows = [{"access_key": f"{name}-{row}", "secret_key": f"secret {name} {row}", "region": "eu"} for row in range(3)]
    with changing(ACTOR, workspace, "credentials.add") as change:
        form = {"name": name, "projects": rows, "proxy": f"http://me:{name}@proxy:3128"}
        put_credentials(change, workspace, form)
        change.record(name)


def seed(workspace: Workspace) -> None:
    """A sealed secret in each place where there can be one."""
    add(workspace, "one")
    # pragma: allowlist nextline secret - made up
    billing = {"billing_only": True, "billing_access_key": "BILL", "billing_secret_key": "billing secret"}
    bucket = {"name": "bills", "region": "eu"}
    with changing(ACTOR, workspace, "test.seed") as change:
        put_credentials(change, workspace, {"name": "bills", "buckets": [bucket], **billing})
        keep(change.session, workspace, "KEPT", SecretStr("kept secret"), "eu", "1")
        intent = KeyIntent(actor="tester", region="eu", account_id="1", access_key="NEW")
        rotation = Rotation(region="eu", account_id="1", old_key="OLD", actor="tester")
        for one, field in ((intent, "secret_key"), (rotation, "old_secret"), (rotation, "new_secret")):
            place = Place(table=one.__tablename__, row=one.id, field=field)
            setattr(one, f"{field}_sealed", workspace.vault.seal(SecretStr(f"secret of {field}"), place))
            change.session.add(one)
        change.record("seed")


def secrets(workspace: Workspace) -> dict[Place, str]:
    """Every sealed secret, opened."""
    return {
        column.place(value.row): workspace.vault.open(value.text, column.place(value.row)).get_secret_value()
        for column in sealed_columns()
        for batch in column.batches(workspace.store)
        for value in batch
    }


def master_key(settings: Settings) -> str:
    """What the key file of a home holds."""
    (key,) = json.loads((settings.home / "master.key").read_text())["keys"]
    return str(key["key"])


@dataclass(frozen=True)
class Given:
    """A backup of a seeded home, and what was there before it."""

    content: bytes
    manifest: Manifest
    contents: dict[str, bytes]
    secrets: dict[Place, str]
    rows: dict[str, list]


def rows(workspace: Workspace) -> dict[str, list]:
    """Every row of every table."""
    with workspace.store.reading() as session:
        names = session.connection().execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars()
        return {name: session.connection().execute(text(f"SELECT * FROM {name}")).all() for name in names}  # noqa: S608


def events(workspace: Workspace, action: str) -> list[Event]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).where(Event.action == action)).all())


def made(workspace: Workspace, path: Path) -> Manifest:
    result = make_backup(ACTOR, workspace, path, PASSPHRASE)
    assert result.problem is None, result.problem
    assert result.manifest is not None
    return result.manifest


def refused(settings: Settings, file: Path, passphrase: SecretStr = PASSPHRASE) -> str:
    """Why a restoration is refused; nothing is left of it."""
    result = restore_backup(ACTOR, settings, file, passphrase)
    assert result.manifest is None
    assert result.problem is not None
    assert not settings.home.exists()
    said = str(result.problem).strip()
    assert "\n" not in said
    assert PASSPHRASE.get_secret_value() not in said
    return said


def packed(manifest: Manifest, contents: dict[str, bytes], **changes: object) -> bytes:
    parts = [part(name, content) for name, content in contents.items()]
    return pack(manifest.model_copy(update={"parts": parts, **changes}), contents, PASSPHRASE)
