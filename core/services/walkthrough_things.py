"""What the store has of a tour: what its steps made, and what there is to say of that."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.checks import CheckResult
from core.sandbox.places import EAST
from core.services.registry import find
from core.services.walkthrough_steps import Step, choice_of, request_of
from core.store.tables.access_keys import KeptKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.bills import BillObject, BucketIndex
from core.store.tables.credentials import Check, Credentials, Project
from core.store.tables.walkthrough import Walkthrough

Fact = str | datetime


@dataclass(frozen=True)
class Things:
    """What the store has of a tour."""

    request: AccountRequest | None = None
    account: Account | None = None
    key_held: bool = False
    credentials: Credentials | None = None
    bills: Credentials | None = None
    checks: dict[str, list[CheckResult]] = field(default_factory=dict)
    index: BucketIndex | None = None
    read: list[BillObject] = field(default_factory=list)


def own_tour(session: Session, actor: Actor) -> Walkthrough | None:
    """The row of a person's tour; None before its first step."""
    return session.exec(select(Walkthrough).where(Walkthrough.actor == actor.name)).first()


def things_of(session: Session, row: Walkthrough) -> Things:
    """Look for what a tour made."""
    request = session.get(AccountRequest, row.request_id)
    account_id = request.granted_account_id if request else ""
    choice = choice_of(row)
    held = [
        select(table.id).where(table.access_key == row.access_key, table.region == row.region)
        for table in (KeptKey, Project)
    ]
    bucket = (BillObject.region == choice.region, BillObject.bucket == choice.bucket)
    return Things(
        request=request,
        account=find(session, account_id, row.region) if account_id else None,
        key_held=bool(row.access_key) and any(session.exec(one).first() for one in held),
        credentials=session.get(Credentials, row.credentials_id),
        bills=session.get(Credentials, row.bills_id),
        checks={one: _checks(session, one) for one in (row.credentials_id, row.bills_id)},
        index=session.exec(
            select(BucketIndex).where(
                BucketIndex.region == choice.region,
                BucketIndex.bucket == choice.bucket,
                col(BucketIndex.listed).is_not(None),
            )
        ).first(),
        read=list(session.exec(select(BillObject).where(*bucket, BillObject.state == "read")).all()),
    )


def _checks(session: Session, credentials_id: str) -> list[CheckResult]:
    rows = session.exec(select(Check).where(Check.credentials_id == credentials_id).order_by(col(Check.position))).all()
    return [CheckResult.model_validate(one, from_attributes=True) for one in rows]


def checks_of(told: dict[str, Any], things: Things) -> dict[Step, list[CheckResult]]:
    """What was found by the steps that check; of the mistake, what was told then."""
    found: dict[Step, list[CheckResult]] = {}
    if things.credentials:
        found[Step.CREDENTIALS] = things.checks[things.credentials.id]
        mistake = told.get(Step.MISTAKE, {}).get("seen", [])
        found[Step.MISTAKE] = [CheckResult.model_validate(one) for one in mistake]
    if things.bills:
        found[Step.BILLING] = things.checks[things.bills.id]
    return found


def facts_of(row: Walkthrough | None, things: Things) -> dict[Step, dict[str, Fact]]:
    """What there is because of each step; for the first one also what will be asked for."""
    facts: dict[Step, dict[str, Fact]] = {step: {} for step in Step}
    asked: Any = things.request or request_of("")
    facts[Step.REQUEST] = {"Subject": asked.subject, "Region": asked.region, "Company": asked.company}
    if things.request:
        facts[Step.REQUEST] |= {"Email": asked.email} | ({"Sent": asked.sent} if asked.sent else {})
        if asked.answered and asked.granted_account_id:
            facts[Step.GRANT] = {"Account ID": asked.granted_account_id, "Answered": asked.answered}
    if things.account and things.account.password_confirmed:
        facts[Step.CONFIRM] = {"Signs in as": things.account.email, "Confirmed": things.account.password_confirmed}
    if row and things.key_held:
        facts[Step.KEY] = {"Access key": row.access_key, "Secret key": "sealed here"}
    for step, credentials in ((Step.CREDENTIALS, things.credentials), (Step.BILLING, things.bills)):
        if credentials:
            facts[step] = {"Credentials": credentials.name, "State": credentials.state.value.capitalize()}
    if row and things.bills:
        facts[Step.BILLING]["Bucket"] = choice_of(row).bucket
    if row and things.credentials:
        facts[Step.MISTAKE] = {"Right Region": row.region, "Wrong Region": EAST}
    if things.index and things.index.listed:
        facts[Step.BUCKET] = {"Files": f"{things.index.objects:,}", "Listed": things.index.listed}
    if things.read:
        lines = sum(one.accepted for one in things.read)
        facts[Step.COSTS] = {"Bill files": f"{len(things.read):,}", "Lines": f"{lines:,}"}
    return facts
