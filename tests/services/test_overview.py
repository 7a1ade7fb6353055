"""Home's figures and first steps, counted in the store."""

from datetime import date, timedelta

import pytest

from core.domain.actor import Actor
from core.domain.checks import State
from core.domain.roles import Role
from core.sandbox.places import EMPTY_BUCKET, WEST
from core.services.overview import Overview, Step, overview
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.bills import BillObject, BucketIndex
from core.store.tables.credentials import Bucket, Credentials, Project

DAY = timedelta(days=1)
PARIS = "eu-west-2"
ONBOARDING = {Step.ACCOUNT, Step.KEY, Step.CREDENTIALS}
FINANCE = {Step.BILLING, Step.BUCKET, Step.BILLS}


def known(workspace: Workspace, role: Role = Role.ADMINISTRATOR) -> Overview:
    return overview(Actor(name="x", role=role), workspace)


def put(workspace: Workspace, *rows) -> None:
    with workspace.store.writing() as session:
        session.add_all(rows)


def credentials(workspace: Workspace, name: str, region: str, state: State = State.SUCCESS, **more) -> None:
    row = Credentials(name=name, state=state, **more)
    put(workspace, row)
    here = {"credentials_id": row.id, "position": 0, "region": region}
    if row.billing_only:
        put(workspace, Bucket(name=EMPTY_BUCKET, **here))
    else:
        put(workspace, Project(access_key=name, secret_key_sealed="", account_id=f"{len(name):012}", **here))


def key(access_key: str, region: str = WEST, **more) -> SeenKey:
    return SeenKey(access_key=access_key, region=region, account_id="1", **{"state": "ACTIVE"} | more)


def bill(key: str, day: date | None, region: str = WEST, state: str = "read") -> BillObject:
    last = day + 27 * DAY if day else None
    return BillObject(
        region=region, bucket=EMPTY_BUCKET, key=key, etag="e", size=1, modified=now(), state=state, first_day=day,
        last_day=last,
    )  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
def test_an_empty_store_is_empty_for_everybody(workspace: Workspace, role: Role) -> None:
    assert known(workspace, role) == Overview(0, 0, 0, 0, 0, 0, None, 0, None, (), frozenset())


def test_it_counts_what_each_sees(workspace: Workspace, sandbox) -> None:
    credentials(workspace, "a", WEST)
    credentials(workspace, "bb", PARIS, State.ERROR)
    credentials(workspace, "off", PARIS, State.ERROR, enabled=False)
    credentials(workspace, "bills", WEST, billing_only=True)
    everything = known(workspace)
    assert (everything.credentials, everything.passed, everything.failed, everything.accounts) == (4, 2, 1, 3)
    finance, presenter = known(workspace, Role.FINANCE), known(workspace, Role.PRESENTER)
    assert (finance.credentials, finance.passed, finance.failed, finance.accounts) == (1, 1, 0, 0)
    assert (presenter.credentials, presenter.passed, presenter.failed, presenter.accounts) == (2, 2, 0, 1)


def test_keys_that_expire_soon_by_the_policy(workspace: Workspace, sandbox) -> None:
    soon = now() + 5 * DAY
    put(
        workspace, key("A"), key("B", expires=soon), key("C", PARIS, expires=now() + 29 * DAY),
        key("D", expires=now() + 40 * DAY), key("E", expires=now() - DAY), key("F", expires=soon, state="INACTIVE"),
    )  # fmt: skip
    assert (known(workspace).keys, known(workspace).expiring, known(workspace).next_expiry) == (6, 2, soon)
    assert (known(workspace, Role.PRESENTER).keys, known(workspace, Role.PRESENTER).expiring) == (5, 1)
    assert (known(workspace, Role.FINANCE).keys, known(workspace, Role.FINANCE).expiring) == (0, 0)


def test_bills_by_their_month(workspace: Workspace, sandbox) -> None:
    credentials(workspace, "bills", WEST, billing_only=True)
    put(
        workspace, bill("1", date(2026, 3, 1)), bill("2", date(2026, 3, 5)), bill("3", date(2026, 1, 1)),
        bill("4", date(2024, 1, 1)), bill("5", None), bill("6", date(2026, 3, 1), state="failed"),
        bill("7", date(2026, 3, 1), PARIS),
    )  # fmt: skip
    found = known(workspace, Role.FINANCE)
    assert (found.bills, found.newest_bill) == (5, date(2026, 4, 1))
    assert found.bills_by_month == (0,) * 8 + (1, 0, 2, 0)


def test_steps_are_done_one_after_the_other(workspace: Workspace) -> None:
    put(workspace, AccountRequest(kind="new", region=WEST, state="sent"))
    assert known(workspace).done == set()
    put(workspace, AccountRequest(kind="new", region=PARIS, state="granted"))
    assert known(workspace).done == {Step.ACCOUNT}
    put(workspace, KeyIntent(actor="x", region=PARIS, account_id="1", access_key="AK", outcome="created"))
    assert known(workspace).done == {Step.ACCOUNT, Step.KEY}
    assert known(workspace, Role.FINANCE).done == set()
    credentials(workspace, "a", PARIS)
    assert known(workspace).done == ONBOARDING


@pytest.mark.parametrize(
    ("row", "done"),
    [
        (Account(account_id="1", region=PARIS, source="hand"), {Step.ACCOUNT}),
        (key("SEEN", PARIS), {Step.ACCOUNT, Step.KEY}),
        (KeyIntent(actor="x", region=PARIS, account_id="1"), set()),
        (KeyIntent(kind="keypair", actor="x", region=PARIS, account_id="1", access_key="pair"), set()),
    ],
)
def test_what_counts_as_done(workspace: Workspace, row, done: set[Step]) -> None:
    put(workspace, type(row)(**row.model_dump()))
    assert known(workspace).done == done
    assert known(workspace, Role.PRESENTER).done == set()


def test_the_steps_of_finance(workspace: Workspace) -> None:
    put(workspace, BucketIndex(region=WEST, bucket=EMPTY_BUCKET, listed=now()))
    assert known(workspace, Role.FINANCE).done == set()
    credentials(workspace, "bills", PARIS, billing_only=True)
    assert known(workspace, Role.FINANCE).done == {Step.BILLING}
    put(workspace, BucketIndex(region=PARIS, bucket=EMPTY_BUCKET))
    assert known(workspace, Role.FINANCE).done == {Step.BILLING}, "it was never listed whole"
    put(workspace, bill("1", date(2026, 1, 1), PARIS))
    assert known(workspace, Role.FINANCE).done == FINANCE
