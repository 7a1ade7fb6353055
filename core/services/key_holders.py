"""Who holds an access key here: the credentials that use it, its secret, its proxy; another key put in its place."""

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.credentials import CredentialsDraft
from core.services import sealed
from core.services.kept_keys import kept_row
from core.services.signing import kept_place
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.credentials import Credentials, Project


def holders(session: Session, access_key: str, region: str) -> list[Credentials]:
    """The credentials, enabled or not, that hold an access key."""
    projects = (
        select(Credentials).join(Project).where(Project.access_key == access_key, Project.region == region).distinct()
    )
    billing = select(Credentials).where(Credentials.billing_access_key == access_key)
    found = {row.id: row for row in [*session.exec(projects).all(), *session.exec(billing).all()]}
    return sorted(found.values(), key=lambda row: row.name)


def secret_of(session: Session, workspace: Workspace, access_key: str, region: str) -> SecretStr | None:
    """A key's secret, wherever it is sealed here; None when it is not. Raises VaultError when it does not open."""
    kept = kept_row(session, access_key, region)
    if kept:
        return workspace.vault.open(kept.secret_key_sealed, kept_place(kept.id))
    project = session.exec(select(Project).where(Project.access_key == access_key, Project.region == region)).first()
    if project:
        return sealed.project_secret(workspace.vault, project)
    billing = session.exec(select(Credentials).where(Credentials.billing_access_key == access_key)).first()
    return sealed.billing_secret(workspace.vault, billing) if billing else None


def proxy_of(session: Session, workspace: Workspace, keys: list[str], region: str) -> str:
    """The proxy of the credentials that use one of these keys; empty when they have none.

    Raises VaultError when it does not open."""
    row = session.exec(
        select(Credentials)
        .join(Project)
        .where(col(Project.access_key).in_(keys), Project.region == region, col(Credentials.proxy_sealed).is_not(None))
    ).first()
    return sealed.proxy_of(workspace.vault, row).get_secret_value() if row else ""


def draft_with(
    session: Session, workspace: Workspace, user: Credentials, old: str, new: str, secret: SecretStr, region: str
) -> CredentialsDraft:
    """The credentials' form with the new key in the old one's place; of project rows, those that change.

    Raises VaultError when a secret does not open."""
    draft = sealed.take(session, workspace.vault, user)
    if draft.billing_only:
        return draft.model_copy(update={"billing_access_key": new, "billing_secret_key": secret})
    rows = [
        row.model_copy(update={"access_key": new, "secret_key": secret})
        for row in draft.projects
        if row.access_key == old and row.region == region
    ]
    return draft.model_copy(update={"projects": rows})


def replace_key(
    session: Session, workspace: Workspace, old: str, new: str, secret: SecretStr, region: str
) -> list[str]:
    """Replace a key in all credentials that hold it, within the transaction of `session`; their names."""
    users = holders(session, old, region)
    for user in users:
        sealed.swap_key(session, workspace.vault, user, old, new, secret, region)
        user.revision += 1
        user.modified = now()
        session.add(user)
    return [user.name for user in users]
