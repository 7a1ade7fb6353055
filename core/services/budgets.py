"""Budgets, and what about costs needs somebody: a budget that is spent, a spike, a bill that did not arrive."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.amounts import money
from core.domain.bill_lines import Field
from core.domain.costs import (
    BudgetDraft,
    CostQuery,
    budget_amount,
    budget_problems,
    months_later,
    next_month,
)
from core.domain.credentials import FieldProblem
from core.domain.requests import Mail
from core.services.bill_files import known_bills
from core.services.cost_forecast import forecast
from core.services.costs import costs, files
from core.services.mail import send_mail
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.use_case import changing, looking, note
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.audit import Event
from core.store.tables.bills import BillObject, Budget
from core.store.tables.credentials import Bucket, Credentials

SPIKE = Decimal(2)
"""A day that costs so many times the mean of the days before it is a spike."""
SPIKE_DAYS = 28
"""So many days make that mean; half of them must be known."""
SPIKE_LEAST = Decimal(10)
"""A smaller difference, in the currency's unit, is no spike."""
ARRIVES_BY = 10
"""The day of the next month on which a bill is missed."""
REGULAR_MONTHS = 3
"""An account that had bills for so many months in a row is expected to have the next one."""
_MAILED = "alert.mailed"
_Days = dict[tuple[str, str], dict[date, Decimal]]
"""By account and currency: costs by day."""


@dataclass(frozen=True)
class BudgetView:
    """A budget and how the running month stands to it. `actual` and `forecast` are in its currency, `month` is the
    month's first day; `forecast` is None where none can be made, else `method` says how it was made."""

    id: str
    scope: str
    name: str
    currency: str
    amount: Decimal
    threshold: int
    month: date
    actual: Decimal
    forecast: Decimal | None
    method: str

    @property
    def limit(self) -> Decimal:
        """From which amount on it needs attention."""
        return self.amount * self.threshold / 100


@dataclass(frozen=True)
class CostAlert:
    """Something about costs that needs somebody. `id` stays the same from look to look."""

    id: str
    kind: str
    """`budget`, `forecast`, `spike` or `missing`."""
    subject: str
    what: str
    mend: str
    since: datetime


@use_case
def save_budget(actor: Actor, workspace: Workspace, draft: BudgetDraft) -> list[FieldProblem]:
    """Set a budget; another one for the same scope, name and currency is replaced. Gives what is wrong with it.

    Raises StoreError when the store refuses."""
    problems = budget_problems(draft)
    if problems:
        return problems
    with changing(actor, workspace, "budget.set") as change:
        row = change.session.exec(
            select(Budget).where(
                Budget.scope == draft.scope, Budget.name == draft.name, Budget.currency == draft.currency
            )
        ).first()
        if row and not _seen(actor, workspace, change.session, row):
            what = f"Somebody else has set a budget for {draft.name} in {draft.currency}."
            return [FieldProblem(field="name", what=what, mend="Set one for something else.")]
        row = row or Budget(**draft.model_dump(), actor=actor.name)
        row.amount, row.threshold, row.actor, row.modified = draft.amount, draft.threshold, actor.name, now()
        change.session.add(row)
        change.record(draft.name, **draft.model_dump(exclude={"name"}))
    return []


@use_case
def delete_budget(actor: Actor, workspace: Workspace, budget: str) -> bool:
    """Delete a budget by its id. False when there is none, or somebody was faster.

    Raises StoreError when the store refuses."""
    with changing(actor, workspace, "budget.delete") as change:
        row = change.session.get(Budget, budget)
        if row and _seen(actor, workspace, change.session, row):
            change.session.delete(row)
            change.record(row.name, scope=row.scope, currency=row.currency, amount=row.amount)
            return True
    return False


@use_case
def list_budgets(actor: Actor, workspace: Workspace, today: date | None = None) -> list[BudgetView]:
    """All budgets with the running month's costs, by scope and name. `today` (UTC) is for looks at another day.

    Raises StoreError when the store cannot be read."""
    day = today or now().date()
    with looking(actor, workspace, "budgets.list") as session:
        rows = session.exec(select(Budget).order_by(col(Budget.scope), col(Budget.name))).all()
        rows = [row for row in rows if _seen(actor, workspace, session, row)]
    return [_view(actor, workspace, row, day.replace(day=1), day) for row in rows]


@use_case
def cost_alerts(actor: Actor, workspace: Workspace, today: date | None = None) -> list[CostAlert]:
    """What about costs needs somebody: budgets that the running or the last month's costs or the forecast pass, spikes,
    bills that did not arrive. Without any bill file read there is none. `today` (UTC) is for looks at another day.

    Raises StoreError when the store cannot be read."""
    day = today or now().date()
    with looking(actor, workspace, "costs.alerts") as session:
        if session.exec(select(BillObject.id).where(BillObject.state == "read").limit(1)).first() is None:
            return []
        rows = [row for row in session.exec(select(Budget)).all() if _seen(actor, workspace, session, row)]
    this = day.replace(day=1)
    found = [
        alert
        for row in rows
        for month in (months_later(this, -1), this)
        for alert in _over(_view(actor, workspace, row, month, day))
    ]
    query = CostQuery(
        since=months_later(this, -REGULAR_MONTHS - 2), until=day + timedelta(days=1), by=("account", "day")
    )
    by_day: _Days = defaultdict(dict)
    for row in costs(actor, workspace, query).iter_rows(named=True):
        by_day[row["account"], row["currency"]][row["day"]] = row["cost"]
    for (account, currency), days in sorted(by_day.items()):
        found += _spike(account, currency, days)
    return found + list(_missing(by_day, day))


@use_case
def mail_alerts(actor: Actor, workspace: Workspace, today: date | None = None) -> tuple[int, str]:
    """Mail every alert that was not mailed yet to the address of the settings, in one letter. Gives how many, and what
    kept the mail server from taking it; without an address or a mail server nothing is sent.

    Raises StoreError when the store refuses."""
    settings = workspace.settings
    if not (settings.smtp_host and settings.smtp_from and settings.alerts_address):
        return 0, ""
    alerts = cost_alerts(actor, workspace, today)
    with looking(actor, workspace, "costs.mailed") as session:
        mailed = set(session.exec(select(Event.subject).where(Event.action == _MAILED)).all())
    fresh = [alert for alert in alerts if alert.id not in mailed]
    if not fresh:
        return 0, ""
    body = "\n\n".join(f"{alert.subject}: {alert.what}\n{alert.mend}" for alert in fresh)
    title = f"{len(fresh)} {'thing needs' if len(fresh) == 1 else 'things need'} attention about OUTSCALE costs"
    problem = send_mail(
        settings, Mail(to=settings.alerts_address, subject=title, body=f"{body}\n", reply_to=settings.smtp_from)
    )
    if problem and not problem.maybe_sent:
        trouble = problem.trouble.value
        note(actor, workspace, "costs.not_mailed", "costs", outcome="failed", alerts=len(fresh), trouble=trouble)
        return 0, f"{problem.what} {problem.mend}"
    with changing(actor, workspace, _MAILED) as change:
        for alert in fresh:
            change.record(alert.id, to=settings.alerts_address)
    return len(fresh), f"{problem.what} {problem.mend}" if problem else ""


def _view(actor: Actor, workspace: Workspace, row: Budget, month: date, today: date) -> BudgetView:
    until = next_month(month)
    where = {Field.ACCOUNT: (row.name,)} if row.scope == "account" else {Field.SERVICE: (row.name,)}
    query = CostQuery(since=month, until=until, by=(), where={} if row.scope == "credentials" else where)
    expected, method = None, ""
    if row.scope == "credentials":
        with looking(actor, workspace, "budgets.buckets") as session:
            buckets = _buckets(session, row.name)
        shares = [one for one in files(actor, workspace, query) if (one.region, one.bucket) in buckets]
        actual = sum((one.cost for one in shares if one.currency == row.currency), Decimal(0))
    else:
        sums = {one["currency"]: one["cost"] for one in costs(actor, workspace, query).iter_rows(named=True)}
        actual = sums.get(row.currency, Decimal(0))
        for one in forecast(actor, workspace, query, today):
            if one.currency == row.currency and one.month == month:
                expected, method = one.cost, one.method
    return BudgetView(
        id=row.id,
        scope=row.scope,
        name=row.name,
        currency=row.currency,
        amount=budget_amount(row.amount) or Decimal(0),
        threshold=row.threshold,
        month=month,
        actual=actual,
        forecast=expected,
        method=method,
    )


def _seen(actor: Actor, workspace: Workspace, session: Session, row: Budget) -> bool:
    """Whether a budget is in sight. A presenter's is of credentials in sight, of an account of the sandbox's bills, or
    was set by the presenter: the name of a service says nothing of where it is used."""
    scope = scope_of(actor, workspace)
    if scope.regions is None or row.actor == actor.name:
        return True
    if row.scope == "credentials":
        return bool(scope.names(session, [row.name]))
    accounts = {account for bill in known_bills(session, scope) for account in bill.accounts}
    return row.scope == "account" and row.name in accounts


def _buckets(session: Session, name: str) -> set[tuple[str, str]]:
    rows = session.exec(select(Bucket.region, Bucket.name).join(Credentials).where(Credentials.name == name))
    return set(rows.all())


def _over(view: BudgetView) -> Iterator[CostAlert]:
    """The alert of a budget that is passed, by what was spent or else by the forecast."""
    share = f"{view.threshold} % of the budget of {money(view.amount, view.currency)}"
    since = datetime.combine(view.month, time(), UTC)
    if view.actual >= view.limit:
        yield CostAlert(
            id=f"budget:{view.id}:{view.month:%Y-%m}:{view.limit}",
            kind="budget",
            subject=view.name,
            what=f"{money(view.actual, view.currency)} in {view.month:%Y-%m}, which is over {share}.",
            mend="See what costs most, or raise the budget.",
            since=since,
        )
    elif view.forecast is not None and view.forecast >= view.limit:
        yield CostAlert(
            id=f"forecast:{view.id}:{view.month:%Y-%m}:{view.limit}",
            kind="forecast",
            subject=view.name,
            what=f"{money(view.forecast, view.currency)} are expected for {view.month:%Y-%m} "
            f"({view.method.rstrip('.')}), which is over {share}.",
            mend="See what costs most, or raise the budget.",
            since=since,
        )


def _spike(account: str, currency: str, days: dict[date, Decimal]) -> Iterator[CostAlert]:
    """The alert of the newest day when it is a spike."""
    last = max(days)
    before = [days[day] for step in range(1, SPIKE_DAYS + 1) if (day := last - timedelta(days=step)) in days]
    if len(before) < SPIKE_DAYS // 2:
        return
    mean = sum(before, Decimal(0)) / len(before)
    if days[last] > mean * SPIKE and days[last] - mean >= SPIKE_LEAST:
        yield CostAlert(
            id=f"spike:{account}:{currency}:{last}",
            kind="spike",
            subject=account or "no account",
            what=f"{money(days[last], currency)} on {last}, and {money(mean, currency)} a day in the "
            f"{len(before)} days before.",
            mend="See which service it was.",
            since=datetime.combine(last, time(), UTC),
        )


def _missing(by_day: _Days, today: date) -> Iterator[CostAlert]:
    """An alert for each account that had bills regularly, and has none for the last full month."""
    expected = months_later(today, -1)
    if today.day < ARRIVES_BY:
        expected = months_later(expected, -1)
    months: dict[str, set[date]] = defaultdict(set)
    for (account, _), days in by_day.items():
        months[account] |= {day.replace(day=1) for day in days}
    for account, seen in sorted(months.items()):
        earlier, month = 0, months_later(expected, -1)
        while month in seen:
            earlier, month = earlier + 1, months_later(month, -1)
        if expected not in seen and earlier >= REGULAR_MONTHS and not any(month > expected for month in seen):
            yield CostAlert(
                id=f"missing:{account}:{expected:%Y-%m}",
                kind="missing",
                subject=account or "no account",
                what=f"No bill of {expected:%Y-%m} arrived; those of the {earlier} months before did.",
                mend="Read the buckets again. If it is not there, ask who delivers it.",
                since=datetime.combine(next_month(expected), time(), UTC),
            )
