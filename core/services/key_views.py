"""An access key as screens and the terminal show it: its marks against the policy, who uses it, where its secret is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from core.outscale.models import AccessKey
from core.services.kept_keys import kept_keys
from core.services.policy import policy_of
from core.services.scope import Scope
from core.store.columns import now
from core.store.tables.access_keys import Rotation, SeenKey
from core.store.tables.credentials import Credentials, Project
from core.store.tables.policy import Policy


class Mark(StrEnum):
    """How a key's age or expiration stands against the policy."""

    FINE = "fine"
    SOON = "soon"
    OVER = "over"


@dataclass(frozen=True)
class KeyView:
    """An access key as the screen shows it. Times are UTC. `used_by` names credentials; `sealed`: its secret is here;
    `rotation` is the id of the rotation that is under way for it."""

    access_key: str
    state: str
    owner: str
    created: datetime | None
    modified: datetime | None
    expires: datetime | None
    tag: str
    age_days: int | None
    age: Mark
    expiry: Mark
    last_used: datetime | None
    quiet_since: datetime | None
    used_by: list[str]
    sealed: bool
    rotation: str | None


def key_views(session: Session, region: str, user_name: str, keys: list[AccessKey], scope: Scope) -> list[KeyView]:
    """A user's keys as OUTSCALE listed them, the newest first, with what is known of each here within `scope`."""
    policy = policy_of(session)
    ids = [key.access_key_id for key in keys]
    used: dict[str, list[str]] = {}
    for access_key, name in session.exec(
        select(Project.access_key, Credentials.name)
        .join(Credentials)
        .where(col(Project.access_key).in_(ids), Project.region == region, scope.credentials())
        .order_by(col(Credentials.name))
    ):
        used.setdefault(access_key, []).append(name)
    for bill_key, name in session.exec(
        select(Credentials.billing_access_key, Credentials.name)
        .where(col(Credentials.billing_access_key).in_(ids), scope.credentials())
        .order_by(col(Credentials.name))
    ):
        used.setdefault(bill_key or "", []).append(name)
    kept = kept_keys(session, region)
    seen = {row.access_key: row for row in session.exec(select(SeenKey).where(SeenKey.region == region)).all()}
    rotations = session.exec(select(Rotation).where(Rotation.region == region, col(Rotation.ended).is_(None))).all()
    rotating = {row.old_key: row.id for row in rotations}
    views = [
        KeyView(
            access_key=key.access_key_id,
            state=key.state,
            owner=user_name,
            created=key.creation_date,
            modified=key.last_modification_date,
            expires=key.expiration_date,
            tag=key.tag or "",
            age_days=(now() - key.creation_date).days if key.creation_date else None,
            age=_age(key, policy),
            expiry=_expiry(key, policy),
            last_used=seen[key.access_key_id].last_used if key.access_key_id in seen else None,
            quiet_since=seen[key.access_key_id].quiet_since if key.access_key_id in seen else None,
            used_by=list(dict.fromkeys(used.get(key.access_key_id, []))),
            sealed=key.access_key_id in kept or key.access_key_id in used,
            rotation=rotating.get(key.access_key_id),
        )
        for key in keys
    ]
    return sorted(views, key=lambda view: view.created or datetime.min.replace(tzinfo=UTC), reverse=True)


def deletion_warnings(keys: list[KeyView], access_key: str) -> list[str]:
    """What a person should know before deleting one of `keys`: who uses it, and whether it is the last."""
    key = next((key for key in keys if key.access_key == access_key), None)
    warnings = []
    if key and key.used_by:
        warnings.append(
            f"Still used by the credentials {', '.join(key.used_by)}: they stop working. Rotate it instead."
        )
    if key and key.rotation:
        warnings.append("A rotation of this key is under way.")
    if key and len(keys) == 1:
        warnings.append("This is the last key: nothing can sign for this user until another one is created.")
    return warnings


def _age(key: AccessKey, policy: Policy) -> Mark:
    if key.creation_date is None:
        return Mark.FINE
    return Mark.OVER if now() - key.creation_date > timedelta(days=policy.old_days) else Mark.FINE


def _expiry(key: AccessKey, policy: Policy) -> Mark:
    if key.expiration_date is None or key.expiration_date > now() + timedelta(days=policy.expires_soon_days):
        return Mark.FINE
    return Mark.SOON if key.expiration_date > now() else Mark.OVER
