"""Stored credentials to and from the form: where secrets are sealed and opened."""

import base64
import os

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.credentials import BucketDraft, CredentialsDraft, ProjectDraft
from core.store.columns import new_id
from core.store.tables.audit import AuditKey
from core.store.tables.credentials import Bucket, Credentials, Project
from core.vault.vault import Place, Vault

_BILLING_SECRET = "billing_secret_key"  # noqa: S105 # pragma: allowlist secret - a field's name
_PROXY = "proxy"
_PROJECT_SECRET = "secret_key"  # noqa: S105 # pragma: allowlist secret - a field's name


def _credentials_place(credentials: Credentials, field: str) -> Place:
    return Place(table="credentials", row=credentials.id, field=field)


def _project_place(project_id: str) -> Place:
    return Place(table="project", row=project_id, field=_PROJECT_SECRET)


def _audit_place(row_id: str) -> Place:
    return Place(table="audit_key", row=row_id, field="key")


def put(session: Session, vault: Vault, credentials: Credentials, draft: CredentialsDraft) -> None:
    """Write the draft's rows and secrets over those of `credentials`, which must have been added to the session."""
    session.flush()
    for row in [*projects_of(session, credentials), *buckets_of(session, credentials)]:
        session.delete(row)
    credentials.billing_only = draft.billing_only
    credentials.proxy_sealed = None
    credentials.billing_access_key = None
    credentials.billing_secret_key_sealed = None
    if draft.billing_only:
        credentials.billing_access_key = draft.billing_access_key
        credentials.billing_secret_key_sealed = vault.seal(
            draft.billing_secret_key, _credentials_place(credentials, _BILLING_SECRET)
        )
        for position, bucket in enumerate(draft.buckets):
            session.add(
                Bucket(credentials_id=credentials.id, position=position, name=bucket.name, region=bucket.region)
            )
        return
    if draft.proxy.get_secret_value():
        credentials.proxy_sealed = vault.seal(draft.proxy, _credentials_place(credentials, _PROXY))
    for position, project in enumerate(draft.projects):
        row_id = new_id()
        session.add(
            Project(
                id=row_id,
                credentials_id=credentials.id,
                position=position,
                access_key=project.access_key,
                secret_key_sealed=vault.seal(project.secret_key, _project_place(row_id)),
                account_id=project.account_id,
                region=project.region,
            )
        )


def projects_of(session: Session, credentials: Credentials) -> list[Project]:
    """The project rows in the form's order."""
    rows = select(Project).where(Project.credentials_id == credentials.id).order_by(col(Project.position))
    return list(session.exec(rows).all())


def buckets_of(session: Session, credentials: Credentials) -> list[Bucket]:
    """The bucket rows in the form's order."""
    rows = select(Bucket).where(Bucket.credentials_id == credentials.id).order_by(col(Bucket.position))
    return list(session.exec(rows).all())


def project_secret(vault: Vault, row: Project) -> SecretStr:
    """The secret key of a project row, opened.

    Raises VaultError when it does not open."""
    return vault.open(row.secret_key_sealed, _project_place(row.id))


def billing_secret(vault: Vault, credentials: Credentials) -> SecretStr:
    """The billing secret key, opened.

    Raises VaultError when it does not open."""
    return vault.open(credentials.billing_secret_key_sealed or "", _credentials_place(credentials, _BILLING_SECRET))


def proxy_of(vault: Vault, credentials: Credentials) -> SecretStr:
    """The proxy URL with its password, opened; empty when there is none.

    Raises VaultError when it does not open."""
    if not credentials.proxy_sealed:
        return SecretStr("")
    return vault.open(credentials.proxy_sealed, _credentials_place(credentials, _PROXY))


def new_audit_key(vault: Vault, row_id: str) -> AuditKey:
    """A row of this id with a new random key of the audit trail."""
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    return AuditKey(id=row_id, key_sealed=vault.seal(key, _audit_place(row_id)))


def audit_key(vault: Vault, row: AuditKey) -> bytes:
    """The key of the audit trail, opened.

    Raises VaultError when it does not open."""
    return base64.b64decode(vault.open(row.key_sealed, _audit_place(row.id)).get_secret_value())


def swap_key(
    session: Session, vault: Vault, credentials: Credentials, old: str, new: str, secret: SecretStr, region: str
) -> None:
    """Put another access key and its secret into the place of `old`: in the rows of one Region, or as billing key."""
    if credentials.billing_access_key == old:
        credentials.billing_access_key = new
        credentials.billing_secret_key_sealed = vault.seal(secret, _credentials_place(credentials, _BILLING_SECRET))
    for row in projects_of(session, credentials):
        if row.access_key == old and row.region == region:
            row.access_key = new
            row.secret_key_sealed = vault.seal(secret, _project_place(row.id))
            session.add(row)


def take(session: Session, vault: Vault, credentials: Credentials) -> CredentialsDraft:
    """The form as it was stored, every secret opened, for a check or an edit.

    Raises VaultError when a secret does not open."""
    if credentials.billing_only:
        return CredentialsDraft(
            name=credentials.name,
            billing_only=True,
            billing_access_key=credentials.billing_access_key or "",
            billing_secret_key=billing_secret(vault, credentials),
            buckets=[BucketDraft(name=row.name, region=row.region) for row in buckets_of(session, credentials)],
        )
    return CredentialsDraft(
        name=credentials.name,
        projects=[
            ProjectDraft(
                access_key=row.access_key,
                secret_key=project_secret(vault, row),
                account_id=row.account_id,
                region=row.region,
            )
            for row in projects_of(session, credentials)
        ],
        proxy=proxy_of(vault, credentials),
    )
