"""Home's figures, and the first steps that are done: counted in the store, where OUTSCALE is not asked."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, tuple_
from sqlmodel import Session, col, func, select

from core.domain.actor import Actor
from core.domain.checks import State
from core.domain.costs import months_later
from core.services.policy import policy_of
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.bills import BillObject, BucketIndex
from core.store.tables.credentials import Bucket, Credentials, Project

MONTHS = 12


class Step(StrEnum):
    """A step of the way to a first success: the first three onboard an account, the last three are finance's."""

    ACCOUNT = "account"
    KEY = "key"
    CREDENTIALS = "credentials"
    BILLING = "billing"
    BUCKET = "bucket"
    BILLS = "bills"


@dataclass(frozen=True)
class Overview:
    """What is stored, as far as the person sees it. `credentials`: all of them; `passed` and `failed`: the enabled ones
    by their last check. `keys`: access keys that were listed; `expiring`: those of them that expire soon by the policy,
    the next at `next_expiry`. `bills`: files read; `newest_bill`: the last day that they tell of; `bills_by_month`: how
    many there are of each of the last `MONTHS` months, the oldest first. `done`: the steps that are done."""

    credentials: int
    passed: int
    failed: int
    accounts: int
    keys: int
    expiring: int
    next_expiry: datetime | None
    bills: int
    newest_bill: date | None
    bills_by_month: tuple[int, ...]
    done: frozenset[Step]


@use_case
def overview(actor: Actor, workspace: Workspace) -> Overview:
    """The figures of now.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "home.overview") as session:
        seen = scope.credentials()
        by_state: Counter[str] = Counter()
        total = 0
        for state, enabled, count in session.exec(
            select(Credentials.state, Credentials.enabled, func.count())
            .where(seen)
            .group_by(col(Credentials.state), col(Credentials.enabled))
        ):
            total += count
            by_state[state] += count if enabled else 0
        accounts = select(func.count(func.distinct(Project.account_id))).join(Credentials).where(seen)
        soon = now() + timedelta(days=policy_of(session).expires_soon_days)
        expires = col(SeenKey.expires)
        expiring = and_(scope.keys(SeenKey.region), col(SeenKey.state) == "ACTIVE", expires > now(), expires <= soon)
        count, first = session.exec(select(func.count(), func.min(SeenKey.expires)).where(expiring)).one()
        read = and_(col(BillObject.state) == "read", scope.bills())
        days = session.exec(
            select(col(BillObject.first_day), func.count(), func.max(col(BillObject.last_day)))
            .where(read)
            .group_by(col(BillObject.first_day))
        ).all()
        newest = max((last for _, _, last in days if last), default=None)
        return Overview(
            credentials=total,
            passed=by_state[State.SUCCESS],
            failed=by_state[State.ERROR],
            accounts=session.exec(accounts).one(),
            keys=_count(session, SeenKey, scope.keys(SeenKey.region)),
            expiring=count,
            next_expiry=first,
            bills=sum(bills for _, bills, _ in days),
            newest_bill=newest,
            bills_by_month=_by_month([(day, bills) for day, bills, _ in days if day], newest),
            done=frozenset(step for step, is_done in _steps(session, scope, bool(days)).items() if is_done),
        )


def _by_month(bills: list[tuple[date, int]], newest: date | None) -> tuple[int, ...]:
    if newest is None:
        return ()
    months: Counter[date] = Counter()
    for day, count in bills:
        months[day.replace(day=1)] += count
    return tuple(months[months_later(newest, step)] for step in range(1 - MONTHS, 1))


def _steps(session: Session, scope: Scope, bills: bool) -> dict[Step, bool]:
    """Each step, and whether it is done. One that lies behind a later one is done too: who has a key has an account."""
    onboarded = and_(scope.credentials(), ~col(Credentials.billing_only))
    credentials = _is_one(session, Credentials, onboarded)
    created = and_(
        scope.keys(KeyIntent.region), col(KeyIntent.kind) == "access_key", col(KeyIntent.access_key).is_not(None)
    )
    key = credentials or _is_one(session, SeenKey, scope.keys(SeenKey.region)) or _is_one(session, KeyIntent, created)
    granted = and_(scope.keys(AccountRequest.region), col(AccountRequest.state) == "granted")
    account = key or _is_one(session, Account, scope.keys(Account.region)) or _is_one(session, AccountRequest, granted)
    billing = _is_one(session, Credentials, and_(scope.credentials(), col(Credentials.billing_only)))
    return {
        Step.ACCOUNT: account,
        Step.KEY: key,
        Step.CREDENTIALS: credentials,
        Step.BILLING: billing,
        Step.BUCKET: bills or (billing and _is_one(session, BucketIndex, _listed(scope))),
        Step.BILLS: bills,
    }


def _listed(scope: Scope) -> ColumnElement[bool]:
    """The buckets of billing credentials whose listing is complete."""
    named = tuple_(col(BucketIndex.region), col(BucketIndex.bucket)).in_(select(Bucket.region, Bucket.name))
    return and_(col(BucketIndex.listed).is_not(None), scope.region(BucketIndex.region), named)


def _is_one(session: Session, table: Any, where: ColumnElement[bool]) -> bool:
    return session.exec(select(table.id).where(where).limit(1)).first() is not None


def _count(session: Session, table: Any, where: ColumnElement[bool]) -> int:
    return session.exec(select(func.count()).select_from(table).where(where)).one()
