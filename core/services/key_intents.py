"""Intentions to create an access key: recorded before the call, resolved after it, so that no key is lost.

begun ──► refused             OUTSCALE said no
      ──► created ──► taken   the secret waits here, sealed, until its creator says that it is taken
      ──► (open)  ──► absent  no answer, or the process was killed: looked for, and nothing was there
                  ──► revoked ... or it was there, its secret lost with the answer, and it was deleted"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import AccessKey, CreatedAccessKey
from core.outscale.oapi import Oapi
from core.services.doors import Door, closed, through
from core.services.kept_keys import keep, kept_keys
from core.services.refusals import refusal
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.use_case import changing, looking, note_failure
from core.services.workspace import Workspace
from core.store.columns import new_id, now
from core.store.tables.access_keys import KeyIntent, Rotation
from core.store.tables.credentials import Project
from core.vault.vault import Place

_CLOCKS = timedelta(minutes=6)
"""OUTSCALE's clock and ours may be five minutes apart (About Signatures)."""


@dataclass(frozen=True)
class OpenIntent:
    """An intention that is not resolved. `waiting`: the key is known and its secret waits here to be taken; otherwise
    a key may exist at OUTSCALE that nobody holds the secret of."""

    id: str
    region: str
    account_id: str
    email: str
    user_name: str
    actor: str
    begun: datetime
    access_key: str
    waiting: bool


@dataclass(frozen=True)
class Search:
    """What a look at OUTSCALE brought out about an open intention: keys that nobody knows of here and that may be the
    one, or none; or what kept from looking."""

    found: list[AccessKey] = field(default_factory=list)
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class About:
    """Which key is meant to be created: of the account, or of one of its EIM users; for a rotation or alone."""

    region: str
    account_id: str = ""
    email: str = ""
    user_name: str = ""
    rotation_id: str | None = None

    @property
    def subject(self) -> str:
        """What events about it are about."""
        return self.account_id or self.email


@use_case
def begin(actor: Actor, workspace: Workspace, about: About, before: list[str]) -> str:
    """Record the intention to create an access key; `before` names the keys that are there. Gives its id.

    Raises StoreError when it cannot be recorded; then nothing may be created."""
    with changing(actor, workspace, "access_key.intend") as change:
        row = KeyIntent(
            id=new_id(),
            actor=actor.name,
            region=about.region,
            account_id=about.account_id,
            email=about.email,
            user_name=about.user_name or None,
            before=before,
            rotation_id=about.rotation_id,
        )
        change.session.add(row)
        change.record(about.subject, region=about.region, user=about.user_name)
        return row.id


def end_created(session: Session, workspace: Workspace, intent: str, key: CreatedAccessKey) -> None:
    """Record that the key was created, with its secret sealed, within the transaction of `session`."""
    row = session.get_one(KeyIntent, intent)
    row.ended, row.outcome, row.access_key = now(), "created", key.access_key_id
    row.secret_key_sealed = workspace.vault.seal(key.secret_key, place(row.id))
    session.add(row)


def end(session: Session, intent: str, outcome: str, access_key: str | None = None) -> None:
    """Record how an intention ended, and forget the secret that waited."""
    row = session.get_one(KeyIntent, intent)
    row.ended, row.outcome, row.access_key = now(), outcome, access_key or row.access_key
    row.secret_key_sealed = None
    session.add(row)


@use_case
def open_intents(actor: Actor, workspace: Workspace) -> list[OpenIntent]:
    """The intentions that need somebody, the oldest first. Those of rotations are resolved by the rotation."""
    with looking(actor, workspace, "access_key.intents") as session:
        rows = session.exec(
            select(KeyIntent)
            .where(KeyIntent.kind == "access_key", col(KeyIntent.rotation_id).is_(None))
            .where(scope_of(actor, workspace).keys(KeyIntent.region))
            .where(col(KeyIntent.ended).is_(None) | col(KeyIntent.secret_key_sealed).is_not(None))
            .order_by(col(KeyIntent.begun))
        ).all()
    return [
        OpenIntent(
            id=row.id,
            region=row.region,
            account_id=row.account_id,
            email=row.email,
            user_name=row.user_name or "",
            actor=row.actor,
            begun=row.begun,
            access_key=row.access_key or "",
            waiting=row.secret_key_sealed is not None,
        )
        for row in rows
    ]


@use_case
def waiting_secret(actor: Actor, workspace: Workspace, intent: str) -> SecretStr | None:
    """The secret of a created key that nobody took yet, to be shown again; None when there is none.

    Raises VaultError when it does not open."""
    with changing(actor, workspace, "access_key.show") as change:
        row = _seen(actor, workspace, change.session.get(KeyIntent, intent))
        if row is None or row.secret_key_sealed is None:
            return None
        change.record(row.access_key or row.account_id, region=row.region)
        return workspace.vault.open(row.secret_key_sealed, place(row.id))


@use_case
def take(
    actor: Actor,
    workspace: Workspace,
    intent: str,
    *,
    account_id: str = "",
    sealed: bool = False,
    created: CreatedAccessKey | None = None,
) -> None:
    """The creator has the new key's secret: it no longer waits here. With `sealed` it is kept sealed, for good.
    `created` is the key as it was created, for the case that the store refused to record that. Taking it twice changes
    nothing.

    Raises StoreError when the store refuses, VaultError when the secret does not open."""
    with changing(actor, workspace, "access_key.keep" if sealed else "access_key.take") as change:
        row = _seen(actor, workspace, change.session.get(KeyIntent, intent))
        if row and row.ended is None and created:
            end_created(change.session, workspace, intent, created)
        if row is None or row.secret_key_sealed is None or row.access_key is None:
            return
        if sealed:
            secret = workspace.vault.open(row.secret_key_sealed, place(row.id))
            keep(change.session, workspace, row.access_key, secret, row.region, account_id or row.account_id)
        end(change.session, intent, "taken")
        change.record(row.access_key, region=row.region, account=account_id or row.account_id)


@use_case
def search(actor: Actor, workspace: Workspace, intent: str, door: Door) -> Search:
    """Look behind the door for a key that an open intention may have left. When there is none, the intention is
    resolved: nothing was created.

    Raises StoreError when the store refuses."""
    row = _open_row(actor, workspace, intent)
    if row is None:
        return Search()
    if problem := _other_account(row, door) or under_way(workspace, row):
        return Search(problem=problem)
    with through(actor, workspace, door) as api:
        if api is None:
            return Search(problem=closed(door))
        try:
            found = lost_keys(actor, workspace, api, row)
        except OutscaleError as error:
            return Search(problem=refusal("form", error))
    if not found:
        with changing(actor, workspace, "access_key.absent") as change:
            end(change.session, intent, "absent")
            change.record(row.account_id or row.email, region=row.region)
    return Search(found=found)


@use_case
def revoke(actor: Actor, workspace: Workspace, intent: str, door: Door, access_key: str) -> Search:
    """Delete the key that an open intention left, after making sure that it is none that somebody here holds. Gives
    what is left to look at.

    Raises StoreError when the store refuses."""
    row = _open_row(actor, workspace, intent)
    if row is None:
        return Search()
    looked = search(actor, workspace, intent, door)
    if looked.problem or access_key not in [key.access_key_id for key in looked.found]:
        return looked
    with through(actor, workspace, door) as api:
        if api is None:
            return Search(problem=closed(door))
        try:
            remove(actor, workspace, api, access_key, row.region, row.user_name or "")
        except OutscaleError as error:
            problem = refusal("form", error)
            return Search(
                problem=note_failure(actor, workspace, "access_key.delete", access_key, problem, region=row.region)
            )
    rest = [key for key in looked.found if key.access_key_id != access_key]
    with changing(actor, workspace, "access_key.revoked") as change:
        if not rest:
            end(change.session, intent, "revoked", access_key)
        change.record(access_key, region=row.region)
    return Search(found=rest)


@use_case
def disown(actor: Actor, workspace: Workspace, intent: str) -> None:
    """Resolve an open intention whose candidates were made elsewhere, in Cockpit for example, by people who hold them.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "access_key.absent") as change:
        row = _seen(actor, workspace, change.session.get(KeyIntent, intent))
        if row is None or row.ended is not None:
            return
        end(change.session, intent, "absent")
        change.record(row.account_id or row.email, region=row.region, by="a person")


@use_case
def lost_keys(actor: Actor, workspace: Workspace, api: Oapi, intent: KeyIntent) -> list[AccessKey]:
    """The keys at OUTSCALE that may be the one of an unanswered intention: not there before it, not older than it, and
    held by nobody here. Raises OutscaleError."""
    listed = api.read_access_keys(intent.user_name)
    with looking(actor, workspace, "access_key.intents") as session:
        held = _held(session, intent)
    since = intent.begun - _CLOCKS
    return [
        key
        for key in listed
        if key.access_key_id not in held
        and key.access_key_id not in intent.before
        and (key.creation_date or datetime.max.replace(tzinfo=UTC)) >= since
    ]


@use_case
def remove(actor: Actor, workspace: Workspace, api: Oapi, access_key: str, region: str, user_name: str) -> None:
    """Deactivate a key, then delete it (an EIM user's may only be deleted INACTIVE). One that is gone is fine. What is
    about to be done is recorded before. Raises OutscaleError, StoreError."""
    with changing(actor, workspace, "access_key.delete") as change:
        change.record(access_key, region=region, user=user_name)
    listed = api.read_access_keys(user_name or None, [access_key])
    if not listed:
        return
    key = listed[0]
    if key.state == "ACTIVE":
        api.update_access_key(access_key, state="INACTIVE", expiration=key.expiration_date, user_name=user_name or None)
    try:
        api.delete_access_key(access_key, user_name or None)
    except OutscaleError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise


def _held(session: Session, intent: KeyIntent) -> set[str]:
    held = kept_keys(session, intent.region)
    held |= set(session.exec(select(Project.access_key).where(Project.region == intent.region)).all())
    others = session.exec(select(KeyIntent.access_key).where(KeyIntent.id != intent.id)).all()
    rotated = session.exec(select(Rotation.new_key)).all()
    return held | {key for key in (*others, *rotated) if key}


def _open_row(actor: Actor, workspace: Workspace, intent: str) -> KeyIntent | None:
    with looking(actor, workspace, "access_key.intents") as session:
        row = _seen(actor, workspace, session.get(KeyIntent, intent))
    return row if row and row.ended is None else None


def _seen(actor: Actor, workspace: Workspace, row: KeyIntent | None) -> KeyIntent | None:
    """The intention, if it is in the person's sight."""
    return row if row and scope_of(actor, workspace).sees_key(row.region) else None


def _other_account(row: KeyIntent, door: Door) -> FieldProblem | None:
    same_id = row.account_id and row.account_id == door.account_id
    same_email = row.email and row.email == door.email
    if row.region == door.region and (same_id or same_email):
        return None
    return FieldProblem(
        field="form",
        what=f"The key belongs to {row.account_id or row.email} in {row.region}, not to the opened account.",
        mend="Open that account, then look again.",
    )


def under_way(workspace: Workspace, row: KeyIntent) -> FieldProblem | None:
    """The problem of an intention that is so young that its request may still be on its way, and could create the key
    after a look for it."""
    wait = timedelta(seconds=workspace.settings.connect_timeout + workspace.settings.read_timeout)
    left = (row.begun + wait - now()).total_seconds()
    if left <= 0:
        return None
    return FieldProblem(
        field="form",
        what=f"{row.actor} began this {int(wait.total_seconds() - left)} seconds ago; it may still be under way.",
        mend=f"Look again in {int(left) + 1} seconds.",
    )


def place(row_id: str) -> Place:
    """Where the secret that waits in an intention is bound to."""
    return Place(table="key_intent", row=row_id, field="secret_key")
