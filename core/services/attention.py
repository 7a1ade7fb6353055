"""What needs somebody: keys, unfinished creations and rotations, requests, credentials; and the reading of it all."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import and_
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.checks import State
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import AccessKey
from core.outscale.oapi import Oapi
from core.services.key_intents import open_intents
from core.services.keypairs import open_keypair_intents
from core.services.policy import policy_of
from core.services.rights import use_case
from core.services.rotation import list_rotations
from core.services.scope import Scope, scope_of
from core.services.seen import SOME_USER, Use, note_keys, note_use, read_use
from core.services.signing import by_stored_key, signing_keys
from core.services.use_case import changing, looking, note_failure
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import SeenKey
from core.store.tables.accounts import AccountRequest
from core.store.tables.bills import BillObject
from core.store.tables.credentials import Credentials, Project
from core.store.tables.policy import Policy


class Kind(StrEnum):
    """Why something needs attention, the most urgent first."""

    LOST = "lost"
    """A key or keypair may exist that nobody holds the secret of."""
    INACTIVE = "inactive"
    """An INACTIVE key is used by enabled credentials."""
    EXPIRED = "expired"
    CREDENTIALS = "credentials"
    """Enabled credentials failed their last check."""
    UNTAKEN = "untaken"
    """The secret of a new key or keypair was never taken."""
    EXPIRING = "expiring"
    ROTATION = "rotation"
    """A rotation was left at a step, or the old key's time of grace is over."""
    UNREAD = "unread"
    """The keys of an account could not be read."""
    COST = "cost"
    """A budget is passed or will be, a day cost far more than those before, or a bill did not arrive."""
    REQUEST = "request"
    """A request has had no answer for long."""
    UNUSED = "unused"
    OLD = "old"


_URGENCY = {kind: place for place, kind in enumerate(Kind)}


class Attention(BaseModel):
    """One line: what (`subject`: an access key, a name, an account) needs somebody, why, and what to do. `screen` is
    where it is mended: the file of a screen. What does not apply is empty; `since` (UTC) is the moment it is about."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    subject: str
    what: str
    mend: str
    screen: str
    since: datetime
    account_id: str = ""
    region: str = ""
    access_key: str = ""
    request: str = ""
    """ID of the request."""


@use_case
def attention(actor: Actor, workspace: Workspace) -> list[Attention]:
    """All that needs somebody by what is known here, the most urgent first. OUTSCALE is not asked: `refresh_keys` is.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    rotations = [] if scope.billing_only else list_rotations(actor, workspace)
    rotating = {(one.old_key, one.region) for one in rotations}
    with looking(actor, workspace, "attention.list") as session:
        policy, used = policy_of(session), _used(session, scope)
        found = [*_requests(session, policy, scope), *_credentials(session, scope)]
        for key in session.exec(select(SeenKey).where(scope.keys(SeenKey.region))):
            if (key.access_key, key.region) not in rotating:
                found += _key(key, policy, used.get((key.access_key, key.region)) or used.get((key.access_key, "")))
        billed = session.exec(select(BillObject.id).limit(1)).first() is not None
    if not scope.billing_only:
        found += _intents(actor, workspace)
    if billed:
        found += _costs(actor, workspace)
    for one in rotations:
        if one.busy or (one.step == "wait" and not one.due):
            continue
        what = f"Its rotation, begun by {one.actor}, stands at the step “{one.step}” since {_day(one.modified)}."
        if one.due:
            what = f"It was replaced, and its time of grace is over since {_day(one.delete_after)}."
        found.append(
            Attention(
                kind=Kind.ROTATION,
                subject=one.old_key,
                what=f"{what} {one.problem}".strip(),
                mend="Go on with the rotation: it deletes the old key." if one.due else "Go on with it, or go back.",
                screen="access_keys",
                since=one.modified,
                account_id=one.account_id,
                region=one.region,
                access_key=one.old_key,
            )
        )
    return by_urgency(found)


def _costs(actor: Actor, workspace: Workspace) -> Iterator[Attention]:
    from core.services.budgets import cost_alerts  # noqa: PLC0415 - Polars takes a quarter of a second

    for alert in cost_alerts(actor, workspace):
        yield Attention(
            kind=Kind.COST,
            subject=alert.subject,
            what=alert.what,
            mend=alert.mend,
            screen="costs",
            since=alert.since,
        )


def by_urgency(lines: Iterable[Attention]) -> list[Attention]:
    """The lines in their order: the most urgent kind first, of each kind the oldest first."""
    return sorted(lines, key=lambda one: (_URGENCY[one.kind], one.since, one.subject))


@use_case
def refresh_keys(actor: Actor, workspace: Workspace, stop: threading.Event | None = None) -> list[Attention]:
    """Read the keys of every account for which a stored key can sign, of its root user and EIM users as far as that key
    may, and their use. Gives a line for each account that could not be read. `stop` ends it before the next account.

    Raises StoreError when the store refuses."""
    places = {(key.account_id, key.region): None for key in signing_keys(actor, workspace) if key.account_id}
    failed = []
    for account_id, region in places:
        if stop and stop.is_set():
            break
        answer = by_stored_key(actor, workspace, account_id, region, lambda api, _: _read(workspace, api))
        if isinstance(answer, FieldProblem):
            note_failure(actor, workspace, "keys.refresh", account_id, answer, region=region)
            failed.append(
                Attention(
                    kind=Kind.UNREAD,
                    subject=account_id,
                    what=f"Its keys could not be read: {answer.what}",
                    mend=answer.mend,
                    screen="access_keys",
                    since=now(),
                    account_id=account_id,
                    region=region,
                )
            )
            continue
        with changing(actor, workspace, "keys.refresh") as change:
            for user_name, keys in answer.keys.items():
                note_keys(change.session, region, account_id, user_name, keys)
            if answer.complete:
                _drop_users(change.session, region, account_id, set(answer.keys))
            use = answer.use
            note_use(change.session, region, account_id, use.logs, use.after, use.asked, use.complete)
            change.record(account_id, region=region, keys=sum(map(len, answer.keys.values())))
    return failed


@dataclass(frozen=True)
class _Reading:
    """The keys of an account by user (empty: the root user), and their use. `complete`: these are all its users."""

    keys: dict[str, list[AccessKey]]
    complete: bool
    use: Use


def _read(workspace: Workspace, api: Oapi) -> _Reading:
    """Raises OutscaleError when not even the signing user's own keys may be read."""
    own = api.read_access_keys()
    users: dict[str, list[AccessKey]] = {}
    complete = True
    try:
        names = [user.user_name for user in api.read_users()]
    except OutscaleError as error:
        if error.trouble is not Trouble.FORBIDDEN:
            raise
        names, complete = [], False
    for name in names:
        try:
            users[name] = api.read_access_keys(name)
        except OutscaleError as error:
            if error.trouble is not Trouble.FORBIDDEN:
                raise
            complete = False
    # Whose keys are given without a name is not said. To the root user nothing is refused; another one who may see the
    # users finds himself among them.
    if own not in users.values():
        users["" if complete else SOME_USER] = own
    ids = [key.access_key_id for keys in users.values() for key in keys]
    return _Reading(users, complete, read_use(workspace, api, ids))


def _drop_users(session: Session, region: str, account_id: str, users: set[str]) -> None:
    """Forget the keys of users that no longer exist."""
    rows = session.exec(select(SeenKey).where(SeenKey.region == region, SeenKey.account_id == account_id)).all()
    for row in rows:
        if row.user_name not in users:
            session.delete(row)


def _used(session: Session, scope: Scope) -> dict[tuple[str, str], list[str]]:
    """The enabled credentials by the access key and Region that they use; a billing key has no Region."""
    used: dict[tuple[str, str], list[str]] = {}
    enabled = and_(col(Credentials.enabled), scope.credentials())
    for access_key, region, name in session.exec(
        select(Project.access_key, Project.region, Credentials.name).join(Credentials).where(enabled).distinct()
    ):
        used.setdefault((access_key, region), []).append(name)
    for billing_key, name in session.exec(
        select(Credentials.billing_access_key, Credentials.name).where(enabled, col(Credentials.billing_only))
    ):
        used.setdefault((billing_key or "", ""), []).append(name)
    return {place: sorted(names) for place, names in used.items()}


def _key(key: SeenKey, policy: Policy, used: list[str] | None) -> Iterator[Attention]:
    """The line of a key, if it needs one: the most urgent reason decides what to do, the others are named."""
    moment = now()
    names = " and ".join(used or [])
    lying = "Delete it when nobody misses it."
    reasons: list[tuple[Kind, datetime, str, str]] = []
    if key.state == "INACTIVE" and used:
        mend = "Activate it, or put another key into these credentials."
        reasons.append((Kind.INACTIVE, key.seen, f"INACTIVE, but used by the credentials {names}", mend))
    if key.expires and key.expires <= moment:
        mend = f"Put a new key into the credentials {names}, then delete this one." if used else "Delete it."
        reasons.append((Kind.EXPIRED, key.expires, f"expired on {_day(key.expires)}", mend))
    elif key.expires and key.state == "ACTIVE" and key.expires <= moment + timedelta(days=policy.expires_soon_days):
        left = (key.expires - moment).days
        said = f"expires on {_day(key.expires)}, in {left} {'day' if left == 1 else 'days'}"
        reasons.append((Kind.EXPIRING, key.expires, said, "Rotate it, or give it a later expiration."))
    if key.quiet_since and moment - key.quiet_since >= timedelta(days=policy.unused_days):
        said = f"not used for {(moment - key.quiet_since).days} days"
        reasons.append(
            (Kind.UNUSED, key.quiet_since, said, lying if key.state == "INACTIVE" else f"Deactivate it. {lying}")
        )
    if key.created and moment - key.created > timedelta(days=policy.old_days):
        reasons.append(
            (
                Kind.OLD,
                key.created,
                f"{(moment - key.created).days} days old",
                lying if key.state == "INACTIVE" else "Rotate it.",
            )
        )
    if not reasons:
        return
    kind, since, _, mend = reasons[0]
    what = "; ".join(said for _, _, said, _ in reasons)
    yield Attention(
        kind=kind,
        subject=key.access_key,
        what=f"{what[0].upper()}{what[1:]}{f' (EIM user {key.user_name})' if key.user_name else ''}.",
        mend=mend,
        screen="access_keys",
        since=since,
        account_id=key.account_id,
        region=key.region,
        access_key=key.access_key,
    )


def _intents(actor: Actor, workspace: Workspace) -> Iterator[Attention]:
    """Creations that are not resolved, but for those that may still be under way."""
    settings = workspace.settings
    begun_before = now() - timedelta(seconds=settings.connect_timeout + settings.read_timeout)
    for one in open_intents(actor, workspace):
        if not one.waiting and one.begun > begun_before:
            continue
        what = "An access key may exist at OUTSCALE that nobody holds the secret of."
        yield Attention(
            kind=Kind.UNTAKEN if one.waiting else Kind.LOST,
            subject=one.access_key or one.account_id or one.email,
            what="A new key's secret was never taken; it waits here, sealed." if one.waiting else what,
            mend="Take it, or delete the key." if one.waiting else "Look for it, and revoke it.",
            screen="access_keys",
            since=one.begun,
            account_id=one.account_id,
            region=one.region,
            access_key=one.access_key,
        )
    for pair in open_keypair_intents(actor, workspace):
        if pair.created or pair.begun <= begun_before:
            yield Attention(
                kind=Kind.UNTAKEN if pair.created else Kind.LOST,
                subject=pair.name,
                what=str(pair),
                mend="Say that it is saved, or delete the keypair." if pair.created else "Look for it, and delete it.",
                screen="accounts",
                since=pair.begun,
                account_id=pair.account_id,
                region=pair.region,
            )


def _requests(session: Session, policy: Policy, scope: Scope) -> Iterator[Attention]:
    late = now() - timedelta(days=policy.remind_days)
    for row in session.exec(select(AccountRequest).where(AccountRequest.state == "sent")):
        if scope.billing_only or not all(map(scope.sees_region, (row.region, row.from_region or row.region))):
            continue
        since = max((moment for moment in (row.sent, row.reminded) if moment), default=row.created)
        if since > late:
            continue
        about = (
            f"a copy of {row.from_account_id} to {row.region}" if row.kind == "copy" else f"an account in {row.region}"
        )
        yield Attention(
            kind=Kind.REQUEST,
            subject=row.company or row.email or row.from_account_id,
            what=f"The request for {about} has had no answer since {_day(since)}.",
            mend="Ask again, or say how it was answered.",
            screen="request_account",
            since=since,
            account_id=row.from_account_id,
            region=row.region,
            request=row.id,
        )


def _credentials(session: Session, scope: Scope) -> Iterator[Attention]:
    failed = select(Credentials).where(Credentials.state == State.ERROR, col(Credentials.enabled), scope.credentials())
    for row in session.exec(failed):
        yield Attention(
            kind=Kind.CREDENTIALS,
            subject=row.name,
            what=f"These credentials failed their last check{f', on {_day(row.checked)}' if row.checked else ''}.",
            mend="See what failed, mend it, and check again.",
            screen="credentials",
            since=row.checked or row.modified,
        )


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}" if moment else ""
