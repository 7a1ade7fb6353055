"""Who can sign for an account: the access keys whose secret is sealed here."""

from dataclasses import dataclass

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.proxy import ProxyUrl, parse_proxy
from core.outscale.oapi import Oapi
from core.services import sealed
from core.services.rights import use_case
from core.services.scope import EVERYTHING, Scope, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables import Credentials, KeptKey, Project
from core.vault.vault import Place


@dataclass(frozen=True)
class StoredKey:
    """An access key that can sign here. `source` says where its secret is: `kept here` or `credentials NAME`."""

    access_key: str
    account_id: str
    region: str
    source: str


def kept_place(row_id: str) -> Place:
    """Where a kept key's secret is bound to."""
    return Place(table="kept_key", row=row_id, field="secret_key")


def stored_keys(
    session: Session, account_id: str | None = None, region: str | None = None, scope: Scope = EVERYTHING
) -> list[StoredKey]:
    """The keys within `scope` that can sign, of one account and Region or of all, each once. Those of disabled
    credentials cannot: they are used by nothing."""
    kept = session.exec(select(KeptKey).where(scope.keys(KeptKey.region)).order_by(col(KeptKey.created).desc())).all()
    rows = session.exec(
        select(Project, Credentials.name)
        .join(Credentials)
        .where(col(Credentials.enabled), scope.credentials())
        .order_by(col(Credentials.name), col(Project.position))
    ).all()
    found = [StoredKey(row.access_key, row.account_id, row.region, "kept here") for row in kept]
    found += [StoredKey(row.access_key, row.account_id, row.region, f"credentials {name}") for row, name in rows]
    once: dict[tuple[str, str], StoredKey] = {}
    for key in found:
        if account_id in (None, key.account_id) and region in (None, key.region):
            once.setdefault((key.access_key, key.region), key)
    return list(once.values())


@use_case
def signing_keys(
    actor: Actor, workspace: Workspace, account_id: str | None = None, region: str | None = None
) -> list[StoredKey]:
    """The keys that can sign, of one account and Region or of all those in Regions that are known now.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "access_keys.signing") as session:
        keys = stored_keys(session, account_id, region, scope_of(actor, workspace))
        return [key for key in keys if key.region in workspace.regions]


def signed_api(
    session: Session, workspace: Workspace, access_key: str, region: str, scope: Scope = EVERYTHING
) -> Oapi | None:
    """The API signed by a stored key within `scope`, through the proxy of its credentials; None when its secret is not
    here.

    Raises VaultError when the secret does not open."""
    kept = session.exec(select(KeptKey).where(KeptKey.access_key == access_key, KeptKey.region == region)).first()
    if kept and scope.sees_key(region):
        secret = workspace.vault.open(kept.secret_key_sealed, kept_place(kept.id))
        return api_with(workspace, region, access_key, secret)
    found = session.exec(
        select(Project, Credentials)
        .join(Credentials)
        .where(Project.access_key == access_key, Project.region == region, col(Credentials.enabled))
        .where(scope.credentials())
    ).first()
    if found is None:
        return None
    row, credentials = found
    proxy = sealed.proxy_of(workspace.vault, credentials).get_secret_value()
    secret = sealed.project_secret(workspace.vault, row)
    return api_with(workspace, region, access_key, secret, parse_proxy(proxy) if proxy else None)


def api_with(
    workspace: Workspace, region: str, access_key: str, secret: SecretStr, proxy: ProxyUrl | None = None
) -> Oapi:
    """The API of a Region, signed by a key. Raises KeyError for a Region that is not known now."""
    settings = workspace.settings
    return Oapi(
        workspace.regions[region],
        access_key=access_key,
        secret_key=secret,
        proxy=proxy,
        allowed=workspace.allowed,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
    )
