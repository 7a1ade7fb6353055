"""What is remembered of keys from reading to reading."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core.outscale.models import AccessKey, ApiLog
from core.services import seen
from core.services.seen import LOGS_REACH, SeenKeyView, note_keys, note_use, read_use, seen_keys
from core.services.signing import api_with
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import SeenKey
from tests.services.conftest import ACTOR

DAY = timedelta(days=1)
WEST = "sandbox-west-1"
ACCOUNT = "123456789012"


def key(access_key: str, **changes) -> AccessKey:
    return AccessKey(access_key_id=access_key, state="ACTIVE", **changes)


def use(access_key: str, moment: datetime) -> ApiLog:
    return ApiLog(query_access_key=access_key, query_date=moment)


def note(workspace: Workspace, *keys: AccessKey, user: str = "", account: str = ACCOUNT) -> None:
    with workspace.store.writing() as session:
        note_keys(session, WEST, account, user, list(keys))


def noted(workspace: Workspace) -> dict[str, SeenKeyView]:
    return {one.access_key: one for one in seen_keys(ACTOR, workspace, ACCOUNT, WEST)}


def read(workspace: Workspace, *logs: ApiLog, after: datetime, complete: bool = True, asked=("A",)) -> SeenKeyView:
    with workspace.store.writing() as session:
        note_use(session, WEST, ACCOUNT, list(logs), after, list(asked), complete)
    return noted(workspace)["A"]


def read_last(workspace: Workspace, moment: datetime) -> None:
    """As if the logs had been read at this moment for the last time."""
    with workspace.store.writing() as session:
        for row in session.exec(select(SeenKey)):
            row.logs_read = moment


def test_what_was_listed_replaces_what_was_known_of_that_user(workspace: Workspace) -> None:
    born, dies = now() - 9 * DAY, now() + DAY
    note(workspace, key("A", creation_date=born, expiration_date=dies, tag="ci"), key("B"))
    note(workspace, key("C"), user="robot")
    note(workspace, AccessKey(access_key_id="A", state="INACTIVE", creation_date=born))
    known = noted(workspace)
    assert set(known) == {"A", "C"}
    assert (known["A"].state, known["A"].tag, known["A"].created, known["A"].expires) == ("INACTIVE", "", born, None)
    assert [one.user_name for one in known.values()] == ["", "robot"]
    note(workspace, user="robot")
    assert set(noted(workspace)) == {"A"}


def test_nothing_is_noted_of_an_account_that_is_not_known(workspace: Workspace) -> None:
    note(workspace, key("A"), account="")
    note(workspace, key("A"))
    with workspace.store.writing() as session:
        note_use(session, WEST, "", [use("A", now())], now() - DAY, ["A"], True)
    assert list(noted(workspace)) == ["A"]
    assert noted(workspace)["A"].last_used is None


def test_a_used_key_is_quiet_since_its_newest_use(workspace: Workspace) -> None:
    note(workspace, key("A"))
    first, last = now() - 3 * DAY, now() - DAY
    shown = read(workspace, use("A", last), use("A", first), use("B", now()), after=now() - 30 * DAY, complete=False)
    assert shown.last_used == shown.quiet_since == last
    older = read(workspace, use("A", first), after=now() - 30 * DAY)
    assert older.last_used == older.quiet_since == last


def test_silence_grows_from_reading_to_reading(workspace: Workspace) -> None:
    note(workspace, key("A", creation_date=now() - 400 * DAY))
    start = now() - 32 * DAY
    assert read(workspace, after=start).quiet_since == start
    later = read(workspace, after=now() - DAY)
    assert (later.quiet_since, later.last_used) == (start, None)


def test_after_a_gap_the_silence_begins_anew(workspace: Workspace) -> None:
    note(workspace, key("A", creation_date=now() - 400 * DAY))
    read(workspace, use("A", now() - 90 * DAY), after=now() - 100 * DAY)
    read_last(workspace, now() - 40 * DAY)
    start = now() - 32 * DAY
    shown = read(workspace, after=start)
    assert (shown.quiet_since, shown.last_used.date()) == (start, (now() - 90 * DAY).date())


def test_a_young_key_is_quiet_since_its_creation(workspace: Workspace) -> None:
    born = now() - 2 * DAY
    note(workspace, key("A", creation_date=born))
    assert read(workspace, after=now() - 32 * DAY).quiet_since == born


def test_what_was_not_told_changes_nothing(workspace: Workspace) -> None:
    note(workspace, key("A", creation_date=now() - 400 * DAY))
    assert read(workspace, after=now() - DAY, complete=False).quiet_since is None
    assert read(workspace, after=now() - DAY, asked=()).quiet_since is None


@pytest.fixture
def api(workspace: Workspace, sandbox):
    one = sandbox.info["special"]["platform"]
    with api_with(workspace, WEST, one["access_key_id"], SecretStr(one["secret_key"])) as opened:
        yield opened


def test_the_last_use_comes_from_the_accounts_logs(workspace: Workspace, api, sandbox) -> None:
    api.read_accounts()
    mine, quiet = sandbox.info["special"]["platform"]["access_key_id"], sandbox.info["special"]["inactive"]
    told = read_use(workspace, api, [mine, quiet["access_key_id"]])
    assert told.complete
    assert set(told.asked) == {mine, quiet["access_key_id"]}
    newest = max(log.query_date for log in told.logs if log.query_access_key == mine)
    assert datetime.now(UTC) - newest < timedelta(minutes=1)
    assert abs(now() - told.after - LOGS_REACH) < timedelta(minutes=1)


def test_a_quiet_key_is_found_behind_a_full_page(
    workspace: Workspace, api, sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare, mine = sandbox.account(0)["access_keys"][0], sandbox.info["special"]["platform"]["access_key_id"]
    with api_with(workspace, WEST, rare["access_key_id"], SecretStr(rare["secret_key"])) as other:
        other.read_accounts()
    for _ in range(3):
        api.read_accounts()
    monkeypatch.setattr(seen, "_PAGE", 2)
    told = read_use(workspace, api, [mine, rare["access_key_id"], "A" * 20])
    assert told.complete
    assert {log.query_access_key for log in told.logs} == {mine, rare["access_key_id"]}
    assert set(told.asked) == {mine, rare["access_key_id"], "A" * 20}


def test_a_key_that_may_not_read_the_logs_leaves_the_use_unknown(workspace: Workspace, sandbox) -> None:
    one = sandbox.info["special"]["reporting"]
    with api_with(workspace, WEST, one["access_key_id"], SecretStr(one["secret_key"])) as api:
        told = read_use(workspace, api, [one["access_key_id"]])
    assert (told.logs, told.asked, told.complete) == ([], [], False)
