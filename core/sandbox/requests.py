"""Requests for accounts: the sandbox answers them by itself after a few seconds, as OUTSCALE's people do in days."""

import secrets
import string
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from core.sandbox.info import REGIONS
from core.sandbox.seed import derived, new_key, new_password
from core.sandbox.world import AccountTicket, CloudAccount, User, World

USUAL_SECONDS = 4.0


class AccountAsked(BaseModel):
    """A request for an account: a new one, or with `from_account_id` a copy of that one. `after`: seconds until the
    answer."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["new", "copy"] = "new"
    region: str
    email: str = Field(min_length=3)
    company: str = ""
    full_name: str = ""
    job_title: str = ""
    phone: str = ""
    from_account_id: str = ""
    after: float = Field(USUAL_SECONDS, ge=0, le=3600)

    @field_validator("region")
    @classmethod
    def _here(cls, region: str) -> str:
        if region not in REGIONS:
            raise PydanticCustomError("region", "The sandbox has no such Region")
        return region


def take(world: World, asked: AccountAsked, moment: datetime) -> AccountTicket:
    """Take a request. One that came before and waits still is not taken twice: its ticket is given again."""
    fields = asked.model_dump(exclude={"after"})
    for ticket in world.tickets:
        if ticket.state == "pending" and ticket.model_dump(include=set(fields)) == fields:
            return ticket
    ticket = AccountTicket(ticket=secrets.token_hex(8), due=moment + timedelta(seconds=asked.after), **fields)
    world.tickets.append(ticket)
    return ticket


def answer_of(world: World, ticket: str) -> dict[str, Any]:
    """How a request stands. One that is unknown was forgotten by a fresh start."""
    found = next((one for one in world.tickets if one.ticket == ticket), None)
    if found is None:
        reason = "The sandbox was started over and has forgotten this request."
        return {"ticket": ticket, "state": "refused", "reason": reason}
    answer = {"ticket": ticket, "state": found.state}
    if found.state == "granted":
        account = next((one for one in world.accounts if one.account_id == found.account_id), None)
        email = account.email if account else found.email
        answer |= {"account_id": found.account_id, "region": found.region, "email": email}
    if found.state == "refused":
        answer |= {"reason": found.reason}
    return answer


def withdraw(world: World, ticket: str) -> None:
    """Forget a request, and take away the account that it was granted."""
    granted = {one.account_id for one in world.tickets if one.ticket == ticket} - {""}
    world.accounts = [one for one in world.accounts if one.account_id not in granted]
    world.tickets = [one for one in world.tickets if one.ticket != ticket]


def answer_due(world: World, moment: datetime) -> bool:
    """Grant or refuse every request whose time has come. Gives whether there was one."""
    due = [ticket for ticket in world.tickets if ticket.state == "pending" and ticket.due <= moment]
    for ticket in due:
        _answer(world, ticket, moment)
    return bool(due)


def _answer(world: World, ticket: AccountTicket, moment: datetime) -> None:
    source = next((one for one in world.accounts if one.account_id == ticket.from_account_id), None)
    if ticket.kind == "copy" and source is None:
        ticket.state, ticket.reason = "refused", f"There is no account {ticket.from_account_id} to copy."
        return
    email = source.email if source else ticket.email
    owner = world.find_email(email, ticket.region)
    if owner:
        ticket.state = "refused"
        ticket.reason = f"The email {email} has an account in {ticket.region} already: {owner.account_id}."
        return
    account = _new_account(ticket, source, email, moment)
    world.accounts.append(account)
    ticket.state, ticket.account_id = "granted", account.account_id


def _new_account(ticket: AccountTicket, source: CloudAccount | None, email: str, moment: datetime) -> CloudAccount:
    """An account with one access key, which OUTSCALE makes with every account. A copy has the personal information of
    its source and nothing else."""
    label = secrets.token_hex(32)  # all that is derived from it is as hard to guess as this
    account_id = derived(f"account {label}", 12, string.digits[1:])
    first_name, _, last_name = ticket.full_name.partition(" ")
    details = {
        "CompanyName": ticket.company,
        "FirstName": first_name,
        "LastName": last_name,
        "JobTitle": ticket.job_title,
        "PhoneNumber": ticket.phone,
        "CustomerId": derived(f"customer {label}", 8, string.digits[1:]),
    }
    return CloudAccount(
        account_id=account_id,
        region=ticket.region,
        email=email,
        password=new_password(label),
        details=dict(source.details) if source else details,
        additional_emails=list(source.additional_emails) if source else [],
        root=User(name="", created=moment, modified=moment, keys=[new_key(label, moment, age=timedelta())]),
        paying_account_id=source.paying_account_id if source else account_id,
    )
