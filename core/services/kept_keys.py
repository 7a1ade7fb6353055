"""Secrets of access keys that are kept sealed here, because their creator asked for it."""

from pydantic import SecretStr
from sqlmodel import Session, select

from core.domain.actor import Actor
from core.services.rights import use_case
from core.services.signing import kept_place
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeptKey


def keep(
    session: Session, workspace: Workspace, access_key: str, secret: SecretStr, region: str, account_id: str
) -> None:
    """Keep a key's secret sealed, within the transaction of `session`. Keeping it twice changes nothing."""
    row = kept_row(session, access_key, region)
    row = row or KeptKey(access_key=access_key, region=region, account_id=account_id, secret_key_sealed="")
    row.account_id = row.account_id or account_id
    row.secret_key_sealed = workspace.vault.seal(secret, kept_place(row.id))
    session.add(row)


def kept_row(session: Session, access_key: str, region: str) -> KeptKey | None:
    """The row of a kept key, if there is one."""
    return session.exec(select(KeptKey).where(KeptKey.access_key == access_key, KeptKey.region == region)).first()


def kept_keys(session: Session, region: str) -> set[str]:
    """The access keys of a Region whose secret is kept sealed here."""
    return set(session.exec(select(KeptKey.access_key).where(KeptKey.region == region)).all())


@use_case
def kept_secret(actor: Actor, workspace: Workspace, access_key: str, region: str) -> SecretStr | None:
    """The sealed secret of a kept key, opened for the credentials form; None when none is kept.

    Raises VaultError when it does not open."""
    with looking(actor, workspace, "access_key.use") as session:
        row = kept_row(session, access_key, region)
        return workspace.vault.open(row.secret_key_sealed, kept_place(row.id)) if row else None
