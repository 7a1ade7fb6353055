"""Who can sign for an account: the access keys whose secret is sealed here, and what OUTSCALE is asked with one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.proxy import ProxyUrl, parse_proxy
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import Account
from core.outscale.oapi import Oapi
from core.services import sealed
from core.services.refusals import refusal
from core.services.rights import use_case
from core.services.scope import EVERYTHING, Scope, scope_of
from core.services.seen import is_active, seen_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeptKey
from core.store.tables.credentials import Credentials, Project
from core.vault.master_key import VaultError
from core.vault.vault import Place

KEYS_TRIED = 2
"""Keys that one question is signed with, one after the other: four refusals in a row lock an account."""
NOT_THIS_KEY = frozenset({Trouble.AUTHENTICATION, Trouble.INACTIVE_KEY, Trouble.EXPIRED_KEY, Trouble.FORBIDDEN})
"""What OUTSCALE refuses a key for, and not what it was asked: another key may be heard."""

Answer = TypeVar("Answer")


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


@use_case
def by_stored_key(
    actor: Actor,
    workspace: Workspace,
    account_id: str,
    region: str,
    question: Callable[[Oapi, Account | None], Answer | FieldProblem],
) -> Answer | FieldProblem:
    """Ask OUTSCALE something about an account, signed by a key whose secret is here: the question gets the API, and the
    account as it is now, or None when the key may not read it. A key that OUTSCALE refuses gives way to the next one.
    Gives the question's answer, or what kept from it; an OutscaleError of the question becomes a problem.

    Raises StoreError when the store refuses."""
    if region not in workspace.regions:
        mend = "Start the sandbox if it is one of its Regions, or add it to the file that ONBOARDING_REGIONS names."
        return FieldProblem(field="form", what=f"The Region {region} is not known now.", mend=mend)
    scope = scope_of(actor, workspace)
    try:
        with looking(actor, workspace, "account.sign") as session:
            signing = [
                (key, api)
                for key in _likeliest(session, account_id, region, scope)[:KEYS_TRIED]
                if (api := signed_api(session, workspace, key.access_key, region, scope))
            ]
    except VaultError as error:
        return FieldProblem(field="form", what=str(error), mend="Edit the credentials and paste the secret again.")
    refused = _no_key(account_id, region)
    for key, api in signing:
        try:
            with api:
                found = _account_of(api)
                if found and found.account_id != account_id:
                    return _of_another(key, found.account_id or "an account without ID", account_id)
                return question(api, found)
        except OutscaleError as error:
            problem = refusal("form", error)
            refused = problem.model_copy(
                update={"mend": f"{problem.mend} Asked with the access key {key.access_key} ({key.source})."}
            )
            if error.trouble not in NOT_THIS_KEY:
                return refused
    return refused


def _likeliest(session: Session, account_id: str, region: str, scope: Scope) -> list[StoredKey]:
    """The keys that can sign; those last seen INACTIVE or expired come last."""
    keys = stored_keys(session, account_id, region, scope)
    doubtful = {key.access_key for key in seen_of(session, account_id, region) if not is_active(key)}
    return sorted(keys, key=lambda key: key.access_key in doubtful)


def _account_of(api: Oapi) -> Account | None:
    """The account that the key belongs to; None when an EIM user's key may not ask. Raises OutscaleError."""
    try:
        return next(iter(api.read_accounts()), None)
    except OutscaleError as error:
        if error.trouble is Trouble.FORBIDDEN:
            return None
        raise


def _of_another(key: StoredKey, other: str, account_id: str) -> FieldProblem:
    what = f"The access key {key.access_key} ({key.source}) belongs to {other}, not to {account_id}."
    return FieldProblem(field="form", what=what, mend="Correct the Account ID where the key is stored, then try again.")


def _no_key(account_id: str, region: str) -> FieldProblem:
    return FieldProblem(
        field="form",
        what=f"No key whose secret is stored here can sign for {account_id} in {region}.",
        mend="Read it from a key that you paste, keep one of its keys sealed at Access keys, or add credentials.",
    )
