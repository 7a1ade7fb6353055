"""Homes with sealed values of every kind, and what tests ask about them."""

import shutil
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from core.domain.credentials import CredentialsDraft
from core.services import sealed
from core.services.audit_check import examine
from core.services.sealed_places import sealed_columns
from core.services.signing import kept_place
from core.services.use_case import Change
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.columns import new_id
from core.store.tables.access_keys import KeptKey, KeyIntent, Rotation
from core.store.tables.credentials import Credentials, Project

KINDS = {
    ("credentials", "proxy"),
    ("credentials", "billing_secret_key"),
    ("project", "secret_key"),
    ("kept_key", "secret_key"),
    ("key_intent", "secret_key"),
    ("rotation", "old_secret"),
    ("rotation", "new_secret"),
}
"""What `one_of_each` seals: table and field."""

OWN = {("audit_key", "key")}
"""What the program seals in every home for itself, one value each: the key of the audit trail."""


def home(folder: Path) -> Settings:
    """Settings of an empty home in a folder."""
    folder.mkdir(mode=0o700)
    return Settings(home=folder)


def kept(workspace: Workspace, name: str, id: str | None = None) -> KeptKey:
    """A row whose secret is `secret of <name>`, not stored yet."""
    row = KeptKey(id=id or new_id(), access_key=name, region="r", account_id="1", secret_key_sealed="")
    row.secret_key_sealed = workspace.vault.seal(SecretStr(f"secret of {name}"), kept_place(row.id))
    return row


def keep(workspace: Workspace, *names: str) -> None:
    """Store such rows."""
    with workspace.store.writing() as session:
        session.add_all([kept(workspace, name) for name in names])


def put_credentials(change: Change, workspace: Workspace, form: dict[str, Any]) -> None:
    """Store credentials as a form tells them, unchecked."""
    row = Credentials(name=form["name"])
    change.session.add(row)
    sealed.put(change.session, workspace.vault, row, CredentialsDraft.model_validate(form))


def filled(settings: Settings, count: int) -> Settings:
    """The same home with so many sealed values."""
    workspace = open_workspace(settings)
    keep(workspace, *(f"key {number}" for number in range(count)))
    workspace.close()
    return settings


def copied(settings: Settings, folder: Path) -> Settings:
    """The same home, elsewhere."""
    shutil.copytree(settings.home, folder)
    return Settings(home=folder)


def one_of_each(workspace: Workspace) -> None:
    """Store a row in every table that holds sealed values, each secret `secret of <table> <field>`."""
    rows = {
        "credentials": Credentials(name="demo"),
        "kept_key": KeptKey(access_key="kept", region="r", account_id="1", secret_key_sealed=""),
        "key_intent": KeyIntent(actor="joe", region="r", account_id="1", access_key="waits"),
        "rotation": Rotation(region="r", account_id="1", user_name="", old_key="rotates", actor="joe"),
    }
    rows["project"] = Project(
        credentials_id=rows["credentials"].id,
        position=0,
        access_key="project",
        secret_key_sealed="",
        account_id="1",
        region="r",
    )
    for column in sealed_columns():
        row = rows.get(column.table.name)
        if row and (column.table.name, column.field) in KINDS:
            secret = SecretStr(f"secret of {column.table.name} {column.field}")
            setattr(row, column.column.name, workspace.vault.seal(secret, column.place(row.id)))
    with workspace.store.writing() as session:
        session.add(rows.pop("credentials"))
        session.flush()
        session.add_all(rows.values())


def secrets(settings: Settings) -> dict[str, str]:
    """Every secret that was stored in a home, by table, name and field. A process that knows nothing from before opens
    them, and finds its audit trail whole."""
    workspace = open_workspace(settings)
    try:
        with workspace.store.reading() as session:
            trail = examine(session, workspace.chain_keys)
        assert trail.whole, trail.faults
        return {
            f"{column.table.name} {value.name} {column.field}": workspace.vault.open(
                value.text, column.place(value.row)
            ).get_secret_value()
            for column in sealed_columns()
            if (column.table.name, column.field) not in OWN
            for batch in column.batches(workspace.store)
            for value in batch
        }
    finally:
        workspace.close()
