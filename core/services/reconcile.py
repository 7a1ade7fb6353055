"""Bill files held against what OUTSCALE itself tells: ReadConsumptionAccount times the prices of ReadCatalog."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.bill_lines import NO_CURRENCY, Field
from core.domain.costs import CostQuery
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.models import CatalogEntry, Consumed, Consumption
from core.outscale.oapi import Oapi
from core.services import sealed
from core.services.costs import costs
from core.services.refusals import refusal
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.signing import api_with, by_stored_key, stored_keys
from core.services.use_case import looking, note, note_failure
from core.services.workspace import Workspace
from core.store.tables.credentials import Credentials
from core.vault.master_key import VaultError

CENT = Decimal("0.01")
_Key = tuple[str, str, str]
"""Service, type and operation."""


@dataclass(frozen=True)
class ReconciledLine:
    """One service, type and operation of an account and a period, on both sides; None where a side has none. Money is
    in the currency of the reconciliation. `title` is OUTSCALE's, empty when only the bill has the line."""

    service: str
    type: str
    operation: str
    title: str
    billed: Decimal | None
    consumed: Decimal | None

    @property
    def difference(self) -> Decimal:
        """By how much the bill is higher."""
        return (self.billed or Decimal(0)) - (self.consumed or Decimal(0))

    @property
    def outcome(self) -> str:
        """`agreed` (to the cent), `differs`, `only_billed` or `only_consumed`."""
        if self.billed is None:
            return "only_consumed"
        if self.consumed is None:
            return "only_billed"
        return "agreed" if abs(self.difference) < CENT else "differs"


@dataclass(frozen=True)
class Reconciliation:
    """Both sides of one account, or what kept OUTSCALE from telling. `unpriced`: what it told without a price, which is
    in no line. `notes`: what a reader should know."""

    account: str
    since: date
    until: date
    currency: str = NO_CURRENCY
    lines: list[ReconciledLine] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: FieldProblem | None = None

    @property
    def billed(self) -> Decimal:
        """The sum of the bill's side."""
        return sum((line.billed for line in self.lines if line.billed is not None), Decimal(0))

    @property
    def consumed(self) -> Decimal:
        """The sum of OUTSCALE's side."""
        return sum((line.consumed for line in self.lines if line.consumed is not None), Decimal(0))


@use_case
def reconcile(
    actor: Actor, workspace: Workspace, account_id: str, region: str, since: date, until: date
) -> Reconciliation:
    """Compare the bill files read here with what OUTSCALE tells about an account from `since` up to, without, `until`
    (days, UTC). OUTSCALE is asked with a key of the account whose secret is here, else with the billing keys, which see
    the accounts that theirs pays for.

    That it was asked is recorded.

    Raises StoreError when the store refuses."""
    if until <= since:
        problem = FieldProblem(field="period", what="The period ends before it begins.", mend="Choose another one.")
        return Reconciliation(account_id, since, until, problem=problem)
    told = _told(actor, workspace, account_id, region, since, until)
    period: dict[str, Any] = {"region": region, "since": f"{since}", "until": f"{until}"}
    if isinstance(told, FieldProblem):
        note_failure(actor, workspace, "costs.reconcile", account_id, told, **period)
        return Reconciliation(account_id, since, until, problem=told)
    consumption, prices = told
    consumed, titles, unpriced = _priced(consumption.consumption_entries, prices)
    query = CostQuery(
        since=since, until=until, by=("service", "type", "operation"), where={Field.ACCOUNT: (account_id,)}
    )
    currency = consumption.currency or NO_CURRENCY
    billed: dict[_Key, Decimal] = {}
    notes = []
    for row in costs(actor, workspace, query).iter_rows(named=True):
        if row["currency"] not in {currency, NO_CURRENCY}:
            notes.append(f"The bill also has {row['cost']} {row['currency']}, which OUTSCALE does not tell about.")
            continue
        if row["currency"] != currency:
            notes.append(f"The bill names no currency: its amounts are taken for {currency}.")
        key = (row["service"], row["type"], row["operation"])
        billed[key] = billed.get(key, Decimal(0)) + row["cost"]
    if not billed:
        notes.append("No bill file that was read has a line of this account and period.")
    note(actor, workspace, "costs.reconcile", account_id, **period)
    return Reconciliation(
        account_id,
        since,
        until,
        currency=currency,
        lines=_lines(billed, consumed, titles),
        unpriced=unpriced,
        notes=sorted(set(notes)),
    )


def _lines(billed: dict[_Key, Decimal], consumed: dict[_Key, Decimal], titles: dict[_Key, str]) -> list[ReconciledLine]:
    """What does not agree first, the largest difference first."""
    lines = [
        ReconciledLine(*key, titles.get(key, ""), billed.get(key), consumed.get(key))
        for key in sorted(billed.keys() | consumed.keys())
    ]
    return sorted(lines, key=lambda line: (line.outcome == "agreed", -abs(line.difference)))


def _priced(
    entries: Iterable[Consumed], prices: list[CatalogEntry]
) -> tuple[dict[_Key, Decimal], dict[_Key, str], list[str]]:
    """Cost by service, type and operation: the value times the catalogue's price of the Subregion, or the price that
    came with the entry where the catalogue has none."""
    catalogue = {(one.service, one.type, one.operation, one.subregion_name): one.unit_price for one in prices}
    sums: dict[_Key, Decimal] = defaultdict(Decimal)
    titles: dict[_Key, str] = {}
    unpriced = []
    for entry in entries:
        key = (entry.service, entry.type, entry.operation)
        titles.setdefault(key, entry.title)
        price = catalogue.get((*key, entry.subregion_name))
        if price is None:
            price = entry.unit_price
        if price is None:
            unpriced.append(f"{'/'.join(key)}: {entry.value}")
            continue
        sums[key] += entry.value * price
    return dict(sums), titles, unpriced


def _told(
    actor: Actor, workspace: Workspace, account_id: str, region: str, since: date, until: date
) -> tuple[Consumption, list[CatalogEntry]] | FieldProblem:
    """What OUTSCALE tells about the account, or what kept from it."""
    with looking(actor, workspace, "costs.sign") as session:
        own = stored_keys(session, account_id, region, scope_of(actor, workspace))
    if own:
        answer = by_stored_key(
            actor,
            workspace,
            account_id,
            region,
            lambda api, _: (api.read_consumption(since, until), api.read_catalog()),
        )
        if not isinstance(answer, FieldProblem):
            return answer
    else:
        answer = FieldProblem(
            field="account",
            what=f"No key that may tell the consumption of {account_id} in {region} is stored here.",
            mend="Add credentials with a key of this account, or billing credentials of the account that pays for it.",
        )
    return _by_billing_key(actor, workspace, account_id, region, since, until) or answer


def _by_billing_key(
    actor: Actor, workspace: Workspace, account_id: str, region: str, since: date, until: date
) -> tuple[Consumption, list[CatalogEntry]] | FieldProblem | None:
    """What the account that pays is told about the one it pays for; None when no billing key knows it."""
    if region not in workspace.regions:
        return None
    try:
        apis = _billing_apis(actor, workspace, region)
    except VaultError as error:
        return FieldProblem(field="account", what=str(error), mend="Edit the credentials and paste the secret again.")
    refused = None
    for api in apis:
        try:
            with api:
                answer = api.read_consumption(since, until, overall=True)
                entries = [one for one in answer.consumption_entries if one.account_id == account_id]
                if entries:
                    return Consumption(currency=answer.currency, consumption_entries=entries), api.read_catalog()
        except OutscaleError as error:
            refused = refusal("account", error)
    return refused


def _billing_apis(actor: Actor, workspace: Workspace, region: str) -> list[Oapi]:
    with looking(actor, workspace, "costs.sign") as session:
        rows = session.exec(
            select(Credentials)
            .where(col(Credentials.enabled), col(Credentials.billing_only), scope_of(actor, workspace).credentials())
            .order_by(col(Credentials.name))
        ).all()
        return [
            api_with(workspace, region, row.billing_access_key or "", sealed.billing_secret(workspace.vault, row))
            for row in rows
        ]
