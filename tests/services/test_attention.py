"""What needs somebody: every kind of line, in its order; and the reading of all accounts."""

from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.domain.checks import State
from core.services.attention import Attention, Kind, attention, refresh_keys
from core.services.credentials import set_enabled
from core.services.key_intents import About, begin, end, place
from core.services.policy import set_policy, show_policy
from core.services.seen import SOME_USER, seen_keys
from core.services.signing import api_with
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, Rotation, SeenKey
from core.store.tables.accounts import AccountRequest
from core.store.tables.credentials import Credentials
from tests.services.conftest import ACTOR, billing, project_row, projects, special_row, stored

DAY = timedelta(days=1)
WEST = "sandbox-west-1"
ACCOUNT = "123456789012"


def put(workspace: Workspace, *rows) -> None:
    with workspace.store.writing() as session:
        for row in rows:
            session.add(row)


def key(access_key: str = "A", **changes) -> SeenKey:
    usual = {"account_id": ACCOUNT, "region": WEST, "state": "ACTIVE", "created": now() - 10 * DAY}
    return SeenKey(access_key=access_key, **usual | changes)


def listed(workspace: Workspace) -> list[Attention]:
    return attention(ACTOR, workspace)


def only(workspace: Workspace) -> Attention:
    (line,) = listed(workspace)
    return line


def kinds(workspace: Workspace) -> list[Kind]:
    return [line.kind for line in listed(workspace)]


def test_nothing_needs_attention_at_first(workspace: Workspace) -> None:
    put(workspace, key(), key("B", expires=now() + 31 * DAY, quiet_since=now() - 89 * DAY, created=now() - 364 * DAY))
    assert listed(workspace) == []


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"expires": now() + 29.5 * DAY}, Kind.EXPIRING, "in 29 days"),
        ({"expires": now() - DAY}, Kind.EXPIRED, "Expired on"),
        ({"expires": now() - DAY, "state": "INACTIVE"}, Kind.EXPIRED, "Expired on"),
        ({"created": now() - 366 * DAY}, Kind.OLD, "366 days old"),
        ({"quiet_since": now() - 90 * DAY}, Kind.UNUSED, "Not used for 90 days"),
        ({"quiet_since": now() - 90 * DAY, "user_name": "robot"}, Kind.UNUSED, "EIM user robot"),
    ],
)
def test_keys_by_the_policy(workspace: Workspace, changes: dict, kind: Kind, words: str) -> None:
    put(workspace, key(**changes))
    line = only(workspace)
    assert (line.kind, line.subject, line.access_key, line.screen) == (kind, "A", "A", "access_keys")
    assert (line.account_id, line.region) == (ACCOUNT, WEST)
    assert words in line.what
    assert line.mend


def test_the_policy_decides(workspace: Workspace) -> None:
    put(workspace, key(expires=now() + 40 * DAY, created=now() - 40 * DAY, quiet_since=now() - 40 * DAY))
    assert listed(workspace) == []
    usual = show_policy(ACTOR, workspace)
    for figure, kind in (("expires_soon_days", "EXPIRING"), ("unused_days", "UNUSED"), ("old_days", "OLD")):
        set_policy(ACTOR, workspace, usual.model_copy(update={figure: 41 if kind == "EXPIRING" else 39}))
        assert kinds(workspace) == [Kind[kind]]


def test_a_key_has_one_line_with_all_its_reasons(workspace: Workspace) -> None:
    put(workspace, key(expires=now() + 5 * DAY, created=now() - 400 * DAY, quiet_since=now() - 100 * DAY))
    line = only(workspace)
    assert line.kind is Kind.EXPIRING
    assert "100 days" in line.what and "400 days old" in line.what


def test_an_inactive_key_that_is_used_is_named_with_its_credentials(workspace: Workspace, sandbox) -> None:
    row = project_row(sandbox.account(0))
    stored(workspace, projects(row))
    put(workspace, key(row["access_key"], account_id=row["account_id"], state="INACTIVE"))
    line = only(workspace)
    assert (line.kind, line.access_key) == (Kind.INACTIVE, row["access_key"])
    assert "demo" in line.what
    set_enabled(ACTOR, workspace, ["demo"], False)
    assert listed(workspace) == []  # disabled credentials are used by nothing


def test_an_inactive_billing_key_is_used_too(workspace: Workspace, sandbox) -> None:
    stored(workspace, billing(sandbox.info))
    put(workspace, key(sandbox.info["billing"][0]["access_key_id"], state="INACTIVE"))
    assert (only(workspace).kind, "bills" in only(workspace).what) == (Kind.INACTIVE, True)


def test_an_unanswered_creation_and_a_secret_that_waits(workspace: Workspace) -> None:
    lost = begin(ACTOR, workspace, About(WEST, "", "cloud@example.org"), [])
    assert listed(workspace) == []  # its answer may still come
    with workspace.store.writing() as session:
        session.get_one(KeyIntent, lost).begun = now() - timedelta(minutes=5)
    line = only(workspace)
    assert (line.kind, line.subject, line.account_id) == (Kind.LOST, "cloud@example.org", "")
    with workspace.store.writing() as session:
        end(session, lost, "created", "NEWKEY")
        sealed = workspace.vault.seal(SecretStr("of the new key"), place(lost))
        session.get_one(KeyIntent, lost).secret_key_sealed = sealed
    line = only(workspace)
    assert (line.kind, line.access_key) == (Kind.UNTAKEN, "NEWKEY")
    assert "of the new key" not in line.model_dump_json() and sealed not in line.model_dump_json()
    with workspace.store.writing() as session:
        end(session, lost, "taken")
    assert listed(workspace) == []


def test_keypairs(workspace: Workspace) -> None:
    pair = {"kind": "keypair", "actor": "tester", "region": WEST, "account_id": ACCOUNT}
    old = now() - timedelta(minutes=5)
    put(workspace, KeyIntent(name="lost", begun=old, **pair), KeyIntent(name="new", outcome="created", **pair))
    assert [(line.kind, line.subject, line.screen) for line in listed(workspace)] == [
        (Kind.LOST, "lost", "accounts"),
        (Kind.UNTAKEN, "new", "accounts"),
    ]


def test_rotations_that_were_left(workspace: Workspace) -> None:
    row = Rotation(id="r", region=WEST, account_id=ACCOUNT, old_key="A", step="check", actor="anna")
    put(workspace, row, key(created=now() - 400 * DAY))
    line = only(workspace)  # and not a second one because the key is old
    assert (line.kind, line.access_key) == (Kind.ROTATION, "A")
    assert "anna" in line.what and "check" in line.what and f"{now():%Y-%m-%d}" in line.what

    def change(**values) -> None:
        with workspace.store.writing() as session:
            for name, value in values.items():
                setattr(session.get_one(Rotation, "r"), name, value)

    change(worker="berta token", worker_until=now() + timedelta(minutes=1))
    assert listed(workspace) == []  # somebody is at it
    change(worker=None, step="wait", delete_after=now() + DAY)
    assert listed(workspace) == []  # its time of grace
    change(delete_after=now() - DAY)
    assert "grace is over" in only(workspace).what
    change(ended=now())
    assert kinds(workspace) == [Kind.OLD]


def test_requests_without_an_answer(workspace: Workspace) -> None:
    def sent(days: float, **more) -> AccountRequest:
        return AccountRequest(**{"kind": "new", "region": WEST, "state": "sent", "sent": now() - days * DAY} | more)

    put(
        workspace,
        sent(6, company="Late"),
        sent(4, company="Early"),
        sent(60, company="Answered", state="granted"),
        sent(60, company="Reminded", reminded=now() - DAY),
        sent(7, kind="copy", from_account_id=ACCOUNT, from_region=WEST),
    )
    copy, late = listed(workspace)
    assert (late.kind, late.subject, late.screen) == (Kind.REQUEST, "Late", "request_account")
    assert ACCOUNT in copy.what and "copy" in copy.what


def test_credentials_that_failed(workspace: Workspace, sandbox) -> None:
    stored(workspace, projects(project_row(sandbox.account(0))))
    assert listed(workspace) == []
    with workspace.store.writing() as session:
        session.exec(select(Credentials)).one().state = State.ERROR
    line = only(workspace)
    assert (line.kind, line.subject, line.screen) == (Kind.CREDENTIALS, "demo", "credentials")
    set_enabled(ACTOR, workspace, ["demo"], False)
    assert listed(workspace) == []


def test_the_most_urgent_is_first(workspace: Workspace) -> None:
    put(
        workspace,
        key("OLD", created=now() - 400 * DAY),
        key("LATER", expires=now() + 9 * DAY),
        key("SOON", expires=now() + DAY),
        key("OVER", expires=now() - DAY),
        key("QUIET", quiet_since=now() - 100 * DAY),
    )
    assert [line.subject for line in listed(workspace)] == ["OVER", "SOON", "LATER", "QUIET", "OLD"]


def test_every_account_is_read_with_a_stored_key(workspace: Workspace, sandbox) -> None:
    account, special = sandbox.account(0), sandbox.info["special"]
    stored(workspace, projects(project_row(account)))
    put(workspace, key("GONE", account_id=account["account_id"], user_name="no-more"))
    assert refresh_keys(ACTOR, workspace) == []
    seen = {one.access_key: one for one in seen_keys(ACTOR, workspace, account["account_id"], WEST)}
    assert {kind: seen[one["access_key_id"]].user_name for kind, one in special.items()} == {
        "inactive": "",
        "expired": "",
        "expiring": "",
        "old": "",
        "platform": "platform",
        "reporting": "reporting",
    }
    assert "GONE" not in seen
    signer = seen[account["access_keys"][0]["access_key_id"]]
    assert signer.last_used and now() - signer.last_used < timedelta(minutes=5)
    assert seen[special["inactive"]["access_key_id"]].quiet_since is not None
    found = {line.access_key: line.kind for line in listed(workspace)}
    assert found == {
        special["expired"]["access_key_id"]: Kind.EXPIRED,
        special["expiring"]["access_key_id"]: Kind.EXPIRING,
        special["old"]["access_key_id"]: Kind.OLD,
    }


def test_an_eim_users_key_reads_its_own_and_leaves_the_others(workspace: Workspace, sandbox) -> None:
    platform = special_row(sandbox.info, "platform")
    account_id = platform["account_id"]
    put(workspace, key("ROOTS", account_id=account_id), key("OTHERS", account_id=account_id, user_name="reporting"))
    stored(workspace, projects(platform))
    assert refresh_keys(ACTOR, workspace) == []
    owners = {one.access_key: one.user_name for one in seen_keys(ACTOR, workspace, account_id, WEST)}
    assert owners == {"ROOTS": "", "OTHERS": "reporting", platform["access_key"]: "platform"}


@pytest.fixture
def nameless(workspace: Workspace, sandbox):
    """A key of an EIM user of the third account that may read keys, but not who there is."""
    account = sandbox.account(2)
    root = account["access_keys"][0]
    with api_with(workspace, account["region"], root["access_key_id"], SecretStr(root["secret_key"])) as api:
        api.call("CreateUser", UserName="nameless")
        rights = '{"Statement":[{"Effect":"Allow","Action":["api:ReadA*"],"Resource":["*"]}]}'
        api.call("PutUserPolicy", UserName="nameless", PolicyName="own", PolicyDocument=rights)
        made = api.create_access_key(user_name="nameless")
        yield {
            "access_key": made.access_key_id,
            "secret_key": made.secret_key.get_secret_value(),
            "account_id": account["account_id"],
            "region": account["region"],
        }
        api.update_access_key(made.access_key_id, state="INACTIVE", expiration=None, user_name="nameless")
        api.delete_access_key(made.access_key_id, "nameless")


def test_an_eim_user_who_may_not_ask_its_name_stands_for_itself(workspace: Workspace, sandbox, nameless) -> None:
    account_id, region = nameless["account_id"], nameless["region"]
    put(workspace, key("ROOTS", account_id=account_id, region=region))
    stored(workspace, projects(nameless))

    def owners() -> dict[str, str]:
        return {one.access_key: one.user_name for one in seen_keys(ACTOR, workspace, account_id, region)}

    refresh_keys(ACTOR, workspace)
    assert owners() == {"ROOTS": "", nameless["access_key"]: SOME_USER}
    with workspace.store.writing() as session:  # as a key of the root user reads it
        session.exec(select(SeenKey).where(SeenKey.user_name == SOME_USER)).one().user_name = "nameless"
    refresh_keys(ACTOR, workspace)
    assert owners() == {"ROOTS": "", nameless["access_key"]: "nameless"}


def test_an_account_that_cannot_be_read_is_a_line(workspace: Workspace, sandbox) -> None:
    good, bad = sandbox.account(0), sandbox.account(2)
    stored(workspace, projects(project_row(good), project_row(bad)))
    sandbox.fault("restrict", account_id=bad["account_id"])
    (line,) = refresh_keys(ACTOR, workspace)
    assert (line.kind, line.subject, line.region) == (Kind.UNREAD, bad["account_id"], bad["region"])
    assert "API access rule" in line.what
    assert bad["access_keys"][0]["secret_key"] not in line.model_dump_json()
    assert seen_keys(ACTOR, workspace, good["account_id"], good["region"])
    assert seen_keys(ACTOR, workspace, bad["account_id"], bad["region"]) == []
