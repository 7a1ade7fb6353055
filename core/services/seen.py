"""What is known of access keys between two readings: as OUTSCALE listed them last, and since when each is quiet.

ReadApiLogs goes back 32 days only. Longer silences are known because each reading that reaches back to the one before
it carries `quiet_since` on; where a gap lies between two readings, the count begins anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.outscale.errors import OutscaleError
from core.outscale.models import AccessKey, ApiLog
from core.outscale.oapi import Oapi
from core.services.rights import use_case
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import SeenKey

LOGS_REACH = timedelta(days=32) - timedelta(hours=1)
"""ReadApiLogs keeps 32 days (its documentation); an hour less, because OUTSCALE's clock and ours may differ."""
SOME_USER = "name not known"
"""Stands for an EIM user whose key may not ask for its own name; no real one can have blanks in it."""
_PAGE = 1000


class SeenKeyView(BaseModel):
    """An access key as OUTSCALE listed it last, at `seen`. Times are UTC. `user_name` is empty for the root user;
    `quiet_since`: no use is known since then, None when its use was never read."""

    model_config = ConfigDict(frozen=True)

    access_key: str
    region: str
    account_id: str
    user_name: str
    state: str
    tag: str
    created: datetime | None
    expires: datetime | None
    last_used: datetime | None
    quiet_since: datetime | None
    seen: datetime


@dataclass(frozen=True)
class Use:
    """What ReadApiLogs told about the use of keys since `after` (UTC). `asked`: the keys that it told about;
    `complete`: it told about all that were wanted. Of each key the newest call is among `logs`, if it made any."""

    logs: list[ApiLog]
    after: datetime
    asked: list[str]
    complete: bool


def note_keys(session: Session, region: str, account_id: str, user_name: str, keys: list[AccessKey]) -> None:
    """Write down what ReadAccessKeys gave for a user (empty: the root user), within the transaction of `session`. Keys
    of this user, account and Region that are not listed any more are dropped. Without an `account_id` nothing is
    written. Whoever signs may list his own keys without a name: when one of them is known as an EIM user's, all are."""
    if not account_id:
        return
    listed = {key.access_key_id: key for key in keys}
    known = session.exec(select(SeenKey).where(SeenKey.region == region, col(SeenKey.access_key).in_(listed))).all()
    rows = {row.access_key: row for row in known}
    if user_name in ("", SOME_USER):
        user_name = max((row.user_name for row in known if row.user_name != SOME_USER), default="") or user_name
    for access_key, key in listed.items():
        row = rows.get(access_key) or SeenKey(access_key=access_key, region=region, account_id="", state="")
        row.account_id, row.user_name, row.seen = account_id, user_name, now()
        row.state, row.tag = key.state, key.tag or ""
        row.created, row.expires = key.creation_date, key.expiration_date
        session.add(row)
    for row in session.exec(
        select(SeenKey).where(
            SeenKey.region == region, SeenKey.account_id == account_id, SeenKey.user_name == user_name
        )
    ):
        if row.access_key not in listed:
            session.delete(row)


def note_use(
    session: Session,
    region: str,
    account_id: str,
    logs: list[ApiLog],
    after: datetime,
    asked: list[str],
    complete: bool,
) -> None:
    """Write down what ReadApiLogs gave for the keys `asked` since `after`, within the transaction of `session`. A key
    that was used is quiet since its newest use. One that was not, when `complete`, stays quiet since the moment that
    is known, as long as its last reading lies within this one's reach; after a gap, since `after` or its creation. Keys
    that were never listed, and all without an `account_id`, are left out."""
    if not account_id:
        return
    used: dict[str, datetime] = {}
    for log in logs:
        if log.query_access_key and log.query_date:
            used[log.query_access_key] = max(log.query_date, used.get(log.query_access_key, log.query_date))
    for row in session.exec(
        select(SeenKey).where(
            SeenKey.region == region, SeenKey.account_id == account_id, col(SeenKey.access_key).in_(asked)
        )
    ):
        newest = used.get(row.access_key)
        if newest:
            row.last_used = row.quiet_since = max(newest, row.last_used or newest)
        elif not complete:
            continue
        elif row.quiet_since is None or row.logs_read is None or row.logs_read < after:
            row.quiet_since = max(after, row.created or after)
        row.logs_read = now()
        session.add(row)


def read_use(workspace: Workspace, api: Oapi, keys: list[str]) -> Use:
    """Ask OUTSCALE for the use of keys in the last 32 days, all at once; where others' calls fill the page, each of the
    rest alone. What may not be read, or is not reached, is simply not known: never raises OutscaleError. Takes time:
    not within a transaction."""
    after = now() - LOGS_REACH
    if not keys:
        return Use([], after, [], True)
    try:
        logs = api.read_api_logs(keys, after, _PAGE)
    except OutscaleError:
        return Use([], after, [], False)
    found = {log.query_access_key for log in logs}
    asked = [key for key in keys if key in found or len(logs) < _PAGE]
    for key in keys:
        if key in asked:
            continue
        try:
            logs = logs + api.read_api_logs([key], after, 1)
        except OutscaleError:
            continue
        asked.append(key)
    return Use(logs, after, asked, len(asked) == len(keys))


@use_case
def seen_keys(actor: Actor, workspace: Workspace, account_id: str, region: str) -> list[SeenKeyView]:
    """The keys of an account as they were listed last, the root user's first, each user's newest first.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "keys.seen") as session:
        rows = session.exec(
            select(SeenKey)
            .where(SeenKey.account_id == account_id, SeenKey.region == region)
            .order_by(SeenKey.user_name, col(SeenKey.created).desc())
        ).all()
        return [SeenKeyView.model_validate(row, from_attributes=True) for row in rows]


def seen_of(session: Session, account_id: str, region: str) -> Sequence[SeenKey]:
    """The keys of an account as they were listed last."""
    return session.exec(select(SeenKey).where(SeenKey.account_id == account_id, SeenKey.region == region)).all()


def is_active(key: SeenKey) -> bool:
    """Whether a key that was listed could sign now, as far as its listing tells."""
    return key.state == "ACTIVE" and (key.expires is None or key.expires > now())
