# ruff: noqa: S608 - the statements are these tests' own
"""The audit trail: what is done to the database by hand is found, line by line; what cannot be recorded is not done.

Lines 1 to 10: the beginning, then nine changes of the policy."""

import csv
import itertools
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import Session, select, update

from core.domain.actor import Actor
from core.domain.audit import FaultKind
from core.domain.credentials import FieldProblem
from core.domain.roles import Role
from core.services import workspace as workspaces
from core.services.audit import TrailFilter, list_trail, trail_actions, verify_trail
from core.services.audit_chain import BROKEN, PROGRAM
from core.services.audit_check import TrailReport, examine
from core.services.audit_export import export_trail
from core.services.policy import set_policy, show_policy
from core.services.use_case import NotAllowedError, changing, note, refuse
from core.services.vault_rotation import rotate_vault
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.store.tables.audit import AuditKey, Event
from core.store.tables.policy import Policy
from core.vault.master_key import VaultError
from core.vault.vault import new_data_key

ACTOR = Actor(name="Ada", via="screen", role=Role.ADMINISTRATOR, address="192.0.2.7")
LINES = 10


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    opened = open_workspace(Settings(home=home))
    for days in range(100, 100 + LINES - 1):
        assert not set_days(opened, days)
    yield opened
    opened.close()


def set_days(workspace: Workspace, days: int) -> list[FieldProblem]:
    """A change like any other."""
    return set_policy(ACTOR, workspace, show_policy(ACTOR, workspace).model_copy(update={"old_days": days}))


def by_hand(workspace: Workspace, *statements: str) -> None:
    """Change the database as somebody would who has the file and no key."""
    with closing(sqlite3.connect(workspace.settings.database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def look(workspace: Workspace) -> TrailReport:
    return verify_trail(ACTOR, workspace)


def found(report: TrailReport) -> list[tuple[int | None, str]]:
    return [(one.id, one.kind.value) for one in report.faults]


def rows(workspace: Workspace) -> list[Event]:
    with workspace.store.reading() as session:
        return list(session.exec(select(Event).order_by(Event.id)).all())


def swap(one: int, other: int) -> list[str]:
    """Statements that exchange two ids."""
    return [
        f"UPDATE event SET id = 0 WHERE id = {one}",
        f"UPDATE event SET id = {one} WHERE id = {other}",
        f"UPDATE event SET id = {other} WHERE id = 0",
    ]


COPY = (
    "INSERT INTO event (id, at, actor, via, address, action, subject, outcome, details, number, previous, mac) SELECT "
    "{to}, at, actor, via, address, action, subject, outcome, details, number, previous, mac FROM event WHERE id = {of}"
)
FORGED = (
    "INSERT INTO event (id, at, actor, via, address, action, subject, outcome, details, number, previous, mac) SELECT "
    "{id}, at, 'Eve', via, address, action, subject, outcome, details, {id}, mac, '{mac}' FROM event WHERE id = {after}"
)


def test_a_trail_that_nobody_touched_is_whole(workspace: Workspace) -> None:
    report = look(workspace)
    assert (report.whole, report.lines, report.earlier) == (True, LINES, 0)
    assert report.begun is not None and datetime.now(UTC) - report.begun < timedelta(hours=1)
    assert "whole: 10 lines" in report.summary
    (last,) = list_trail(ACTOR, workspace, TrailFilter(), limit=1).lines
    assert (last.action, last.outcome, last.details) == ("audit.verify", "done", {"lines": LINES, "wrong": 0})
    assert look(workspace).lines == LINES + 1  # that it was verified is a line of its own


@pytest.mark.parametrize(
    "edit",
    [
        "actor = 'Eve'",
        "via = 'terminal'",
        "address = '198.51.100.1'",
        "action = 'policy.show'",
        "subject = 'else'",
        "outcome = 'refused'",
        'details = \'{"old_days": "365 to 366"}\'',
        "details = json_set(details, '$.more', 1)",
        "details = 'no json {'",
        "at = '2020-01-01 00:00:00.000000'",
        "at = 'no time'",
        "at = at || ' '",
        "mac = '00'",
        "mac = ''",
        "mac = 'é'",
        "previous = ''",
        "number = 99",
        "number = 'many'",
        "actor = CAST(x'ff00fe' AS TEXT)",
        "subject = x'ff'",
        "outcome = 'done ' ",
    ],
)
def test_an_edited_line_is_named(workspace: Workspace, edit: str) -> None:
    by_hand(workspace, f"UPDATE event SET {edit} WHERE id = 5")
    report = look(workspace)
    assert found(report) == [(5, "altered")]
    assert "Line 5 was altered" in report.faults[0].what
    assert list_trail(ACTOR, workspace, TrailFilter()).total == LINES + 1  # and it can be looked at as it stands
    assert [one for one in list_trail(ACTOR, workspace, TrailFilter()).lines if one.id == 5]


def test_the_first_and_the_last_line_are_no_exception(workspace: Workspace) -> None:
    by_hand(workspace, "UPDATE event SET actor = 'Eve' WHERE id IN (1, 10)")
    assert found(look(workspace)) == [(1, "altered"), (10, "altered")]


def test_every_edited_line_is_named(workspace: Workspace) -> None:
    by_hand(workspace, "UPDATE event SET actor = 'Eve' WHERE id IN (3, 4, 5, 8)")
    assert found(look(workspace)) == [(3, "altered"), (4, "altered"), (5, "altered"), (8, "altered")]


@pytest.mark.parametrize(
    ("removed", "said", "at"),
    [
        ("id = 6", "Line 6 was removed.", 7),
        ("id IN (4, 5, 6)", "Lines 4 to 6 were removed.", 7),
        ("id = 1", "Line 1 was removed.", 2),
    ],
)
def test_removed_lines_are_named(workspace: Workspace, removed: str, said: str, at: int) -> None:
    by_hand(workspace, f"DELETE FROM event WHERE {removed}")
    report = look(workspace)
    assert [(one.id, one.kind, one.what) for one in report.faults] == [(at, FaultKind.MISSING, said)]


@pytest.mark.parametrize(
    ("removed", "said"),
    [("id = 10", "Line 10 was removed from the end."), ("id > 7", "Lines 8 to 10 were removed from the end.")],
)
def test_a_cut_end_is_named(workspace: Workspace, removed: str, said: str) -> None:
    by_hand(workspace, f"DELETE FROM event WHERE {removed}")
    report = look(workspace)
    assert [(one.kind, one.what) for one in report.faults] == [(FaultKind.CUT, said)]


def test_a_cut_end_shows_after_more_was_written_too(workspace: Workspace) -> None:
    by_hand(workspace, "DELETE FROM event WHERE id > 8")
    set_days(workspace, 300)
    report = look(workspace)
    assert [one.what for one in report.faults] == ["Lines 9 to 10 were removed."]


@pytest.mark.parametrize(("one", "other"), [(5, 6), (2, 9), (9, 10), (1, 2)])
def test_swapped_lines_are_named(workspace: Workspace, one: int, other: int) -> None:
    by_hand(workspace, *swap(one, other))
    report = look(workspace)
    moved = {fault.id: fault.what for fault in report.faults if fault.kind is FaultKind.MOVED}
    assert set(moved) == {one, other}
    assert f"was written as line {other}" in moved[one]
    assert f"was written as line {one}" in moved[other]


def test_neighbours_that_were_swapped_are_all_that_is_told(workspace: Workspace) -> None:
    by_hand(workspace, *swap(5, 6))
    assert found(look(workspace)) == [(5, "moved"), (6, "moved")]


def test_contents_that_were_exchanged_are_altered_lines(workspace: Workspace) -> None:
    five, six = (json.dumps(rows(workspace)[index].details) for index in (4, 5))
    by_hand(
        workspace,
        f"UPDATE event SET details = '{six}' WHERE id = 5",
        f"UPDATE event SET details = '{five}' WHERE id = 6",
    )
    assert found(look(workspace)) == [(5, "altered"), (6, "altered")]


def test_a_forged_line_at_the_end_is_named(workspace: Workspace) -> None:
    by_hand(workspace, FORGED.format(id=11, after=10, mac="0" * 64))
    assert found(look(workspace)) == [(11, "inserted")]
    assert not set_days(workspace, 300)  # and what is done next has its place
    assert found(look(workspace)) == [(11, "inserted")]


def test_a_forged_line_with_the_largest_id_keeps_nothing_from_being_recorded(workspace: Workspace) -> None:
    by_hand(workspace, FORGED.format(id=2**63 - 1, after=10, mac="0" * 64))
    assert not set_days(workspace, 300)
    assert found(look(workspace)) == [(2**63 - 1, "inserted")]


@pytest.mark.parametrize("id", [0, -5, -(2**63)])
def test_a_forged_line_before_the_first_is_named(workspace: Workspace, id: int) -> None:
    by_hand(workspace, FORGED.format(id=id, after=1, mac="0" * 64))
    assert found(look(workspace)) == [(id, "inserted")]


def test_a_forged_line_in_the_middle_is_named_with_those_that_made_room(workspace: Workspace) -> None:
    room = [f"UPDATE event SET id = {number + 1} WHERE id = {number}" for number in range(10, 5, -1)]
    by_hand(workspace, *room, FORGED.format(id=6, after=5, mac="0" * 64))
    assert found(look(workspace)) == [(6, "inserted"), *((number, "moved") for number in range(7, 12))]


def test_a_genuine_line_that_was_copied_is_named(workspace: Workspace) -> None:
    by_hand(workspace, COPY.format(to=11, of=4))
    report = look(workspace)
    assert found(report) == [(11, "moved")]
    assert "was written as line 4" in report.faults[0].what


def test_a_line_of_another_database_is_no_line_of_this_one(workspace: Workspace, tmp_path: Path) -> None:
    other = open_workspace(Settings(home=tmp_path / "other"))
    for days in range(200, 209):
        set_days(other, days)
    other.close()
    by_hand(
        workspace,
        f"ATTACH '{other.settings.database}' AS other",
        "DELETE FROM event WHERE id = 5",
        "INSERT INTO event SELECT * FROM other.event WHERE id = 5",
    )
    assert (5, "altered") in found(look(workspace))


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit_head SET count = 9",
        "UPDATE audit_head SET last = 9",
        "UPDATE audit_head SET mac = '0'",
        "UPDATE audit_head SET seal = 'é'",
        "UPDATE audit_head SET mac = CAST(x'ff' AS TEXT)",
        "DELETE FROM audit_head",
    ],
)
def test_an_edited_head_is_said_and_what_comes_next_does_not_hide_it(workspace: Workspace, edit: str) -> None:
    by_hand(workspace, "DELETE FROM event WHERE id = 10", edit)
    report = look(workspace)
    assert found(report) == [(None, "head")]
    assert "whether its last lines are all there cannot be told" in report.faults[0].what
    assert not set_days(workspace, 300)
    later = look(workspace)
    assert [one.kind for one in later.faults] == [FaultKind.BROKEN]
    assert "The chain begins anew at line 10" in later.faults[0].what
    assert [event.action for event in rows(workspace)].count(BROKEN) == 1


def test_an_older_head_is_seen_through(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.settings.database)) as connection:
        head = connection.execute("SELECT count, last, mac, seal FROM audit_head").fetchone()
    set_days(workspace, 300)
    by_hand(workspace, "UPDATE audit_head SET count = {}, last = {}, mac = '{}', seal = '{}'".format(*head))
    report = look(workspace)
    assert found(report) == [(None, "head")]
    assert "an older one: it names line 10" in report.faults[0].what


def test_without_its_key_nothing_is_recorded_and_so_nothing_done(workspace: Workspace) -> None:
    by_hand(workspace, "UPDATE audit_key SET key_sealed = 'v1.dk-0.AAAA'")
    again = open_workspace(workspace.settings)
    with pytest.raises(VaultError, match="key of the audit trail is missing or was altered"):
        set_days(again, 300)
    assert show_policy(ACTOR, again).old_days == 108  # what is there can be looked at
    assert found(look(again)) == [(None, "key")]
    again.close()


def test_a_key_that_was_removed_leaves_a_trail_that_is_not_whole(workspace: Workspace) -> None:
    by_hand(workspace, "DELETE FROM audit_key")
    again = open_workspace(workspace.settings)
    kinds = {one.kind for one in look(again).faults}
    assert {FaultKind.ALTERED, FaultKind.BROKEN} <= kinds
    again.close()


def of_an_earlier_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Its data keys say nothing of a trail."""
    with monkeypatch.context() as earlier:
        earlier.setattr(workspaces, "new_data_key", lambda master, _mark: new_data_key(master))
        return open_workspace(Settings(home=home))


def without_trail(workspace: Workspace) -> None:
    """As if no event had ever been chained: all that somebody can do who has the database alone."""
    by_hand(
        workspace,
        "DELETE FROM audit_key",
        "DELETE FROM audit_head",
        f"DELETE FROM event WHERE id = 4 OR actor = '{PROGRAM.name}'",
        "UPDATE event SET mac = '', previous = '', number = 0, actor = 'Eve'",
    )


def test_a_trail_that_was_removed_whole_is_missed(workspace: Workspace) -> None:
    without_trail(workspace)
    again = open_workspace(workspace.settings)
    set_days(again, 300)
    report = look(again)
    assert (report.whole, found(report)) == (False, [(None, "key")])
    assert "another trail. It was removed" in report.faults[0].what
    assert rotate_vault(ACTOR, again).done  # new keys do not hide it
    assert found(look(again)) == [(None, "key")]
    again.close()


def test_secrets_that_are_brought_into_another_database_bring_the_mark_of_their_trail(
    workspace: Workspace, home: Path
) -> None:
    """The database is taken away, the program makes another, and what was sealed is put back into that one."""
    workspace.close()
    kept = home / "kept.db"
    workspace.settings.database.rename(kept)
    open_workspace(workspace.settings).close()
    with closing(sqlite3.connect(workspace.settings.database)) as database:
        database.execute("ATTACH ? AS kept", [str(kept)])
        database.execute("INSERT INTO data_key SELECT * FROM kept.data_key")
        database.commit()
    again = open_workspace(workspace.settings)
    assert found(look(again)) == [(None, "key")]
    assert rotate_vault(ACTOR, again).done
    assert found(look(again)) == [(None, "key")]
    again.close()


def test_keys_of_an_earlier_version_get_their_mark_with_a_rotation(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = of_an_earlier_version(home, monkeypatch)
    assert look(first).whole
    assert rotate_vault(ACTOR, first).done
    assert look(first).whole
    without_trail(first)
    first.close()
    again = open_workspace(first.settings)
    assert found(look(again)) == [(None, "key")]
    again.close()


def test_events_from_before_the_chain_are_taken_over_as_they_stand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = of_an_earlier_version(home, monkeypatch)
    for days in range(100, 104):
        set_days(first, days)
    by_hand(
        first,
        "UPDATE event SET mac = '', previous = '', number = 0",
        "DELETE FROM event WHERE id IN (1, 3)",  # ids may have gaps
        "UPDATE event SET at = 'no time' WHERE id = 4",
        "DELETE FROM audit_key",
        "DELETE FROM audit_head",
    )
    first.close()
    again = open_workspace(first.settings)
    set_days(again, 300)
    report = look(again)
    assert (report.whole, report.lines, report.earlier) == (True, 5, 3)
    assert "The 3 lines from before it were taken over" in report.summary
    by_hand(again, "UPDATE event SET actor = 'Eve' WHERE id = 2")
    assert found(look(again)) == [(2, "altered")]
    again.close()


@pytest.mark.parametrize("trigger", ["BEFORE INSERT ON event", "BEFORE UPDATE ON audit_head"])
def test_what_cannot_be_recorded_does_not_happen(workspace: Workspace, trigger: str) -> None:
    by_hand(workspace, f"CREATE TRIGGER no {trigger} BEGIN SELECT RAISE(ABORT, 'no more'); END")
    with pytest.raises(Exception, match="no more"):
        set_days(workspace, 300)
    assert show_policy(ACTOR, workspace).old_days == 108
    by_hand(workspace, "DROP TRIGGER no")
    assert look(workspace).lines == LINES


def test_what_cannot_be_noted_is_said(workspace: Workspace) -> None:
    blocker = sqlite3.connect(workspace.settings.database, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        note(ACTOR, workspace, "reveal", "demo")
    blocker.close()
    assert look(workspace).lines == LINES


def assigned(session: Session) -> None:
    session.get_one(Policy, 1).old_days = 300


def flushed(session: Session) -> None:
    assigned(session)
    session.flush()


def by_statement(session: Session) -> None:
    session.execute(update(Policy).values(old_days=300))


@pytest.mark.parametrize("write", [assigned, flushed, by_statement])
def test_a_change_whose_event_was_forgotten_is_not_stored(
    workspace: Workspace, write: Callable[[Session], None]
) -> None:
    with (
        pytest.raises(RuntimeError, match="without recording an event"),
        changing(ACTOR, workspace, "policy.set") as change,
    ):
        write(change.session)
    assert show_policy(ACTOR, workspace).old_days == 108
    assert look(workspace).lines == LINES


def test_a_change_that_fails_leaves_no_line(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), changing(ACTOR, workspace, "policy.set") as change:
        change.record("policy")
        change.session.get_one(Policy, 1).old_days = 1 // 0
    report = look(workspace)
    assert (report.whole, report.lines) == (True, LINES)


def test_who_when_from_where_what_and_how_it_ended(workspace: Workspace) -> None:
    note(ACTOR, workspace, "sign_in", "Ada", outcome="failed", why="wrong nonce")
    error = refuse(ACTOR, workspace, "policy.set", "policy", "Only administrators may do that.")
    assert isinstance(error, NotAllowedError)
    refused, signed_in = list_trail(ACTOR, workspace, TrailFilter(), limit=2).lines
    assert (refused.action, refused.outcome) == ("refused.policy.set", "refused")
    assert refused.details == {"role": "administrator", "why": "Only administrators may do that."}
    assert (signed_in.actor, signed_in.via, signed_in.address) == ("Ada", "screen", "192.0.2.7")
    assert (signed_in.action, signed_in.subject, signed_in.outcome) == ("sign_in", "Ada", "failed")
    assert signed_in.at is not None and datetime.now(UTC) - signed_in.at < timedelta(minutes=5)
    assert look(workspace).whole


@pytest.mark.parametrize(
    "details",
    [
        {"a": (1, 2.50, None, True), "é": {"2": "x", "10": "y"}},
        {"lone": "\ud800", "control": "\x00\n", "big": 2**80},
        {"numbers": {1: "int", 10: "ten", 2: "two"}},
    ],
)
def test_details_of_any_shape_stay_what_they_are(workspace: Workspace, details: dict[str, Any]) -> None:
    note(ACTOR, workspace, "check", "demo", **details)
    assert look(workspace).whole


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subject=st.text(st.characters(codec=None, exclude_characters="\x00")),
    details=st.dictionaries(
        st.text(st.characters(), min_size=1).filter(lambda name: name not in {"outcome", "subject", "action"}),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
        max_size=4,
    ),
)
def test_whatever_is_recorded_verifies(workspace: Workspace, subject: str, details: dict[str, Any]) -> None:
    with changing(ACTOR, workspace, "check") as change:
        change.record(subject, outcome="failed", found=details)
    report = look(workspace)
    assert report.whole, report.faults


EDITS: list[Callable[[int, int], list[str]]] = [
    lambda one, _: [f"UPDATE event SET subject = subject || 'x' WHERE id = {one}"],
    lambda one, _: [f"UPDATE event SET mac = upper(mac) || 'x' WHERE id = {one}"],
    lambda one, _: [f"DELETE FROM event WHERE id = {one}"],
    lambda one, other: swap(one, other) if one != other else [f"DELETE FROM event WHERE id = {one}"],
    lambda one, _: [FORGED.format(id=50 + one, after=one, mac="f" * 64)],
    lambda one, _: [COPY.format(to=50 + one, of=one)],
]


@examples(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(range(len(EDITS))), st.integers(1, LINES), st.integers(1, LINES)),
        min_size=1,
        max_size=4,
        unique_by=lambda edit: edit[1],
    )
)
def test_no_edits_together_leave_a_whole_trail(workspace: Workspace, edits: list[tuple[int, int, int]]) -> None:
    before = rows(workspace)[:LINES]
    with closing(sqlite3.connect(workspace.settings.database)) as connection:
        whole = list(connection.iterdump())
    for kind, one, other in edits:
        try:
            by_hand(workspace, *EDITS[kind](one, other))
        except sqlite3.IntegrityError:
            continue
    with workspace.store.reading() as session:
        report = examine(session, workspace.chain_keys)
    after = [event.model_dump() for event in rows(workspace)]
    assert report.whole is (after == [event.model_dump() for event in before])
    restored = [line for line in whole if line.startswith('INSERT INTO "event"')]
    by_hand(workspace, "DELETE FROM event", *restored)


WRITER = """
import sys
import threading
from pathlib import Path
from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.use_case import changing, note
from core.services.workspace import open_workspace
from core.settings import Settings
workspace = open_workspace(Settings(home=Path(sys.argv[1])))
actor = Actor(name=sys.argv[2], via="test", role=Role.ADMINISTRATOR)
print("ready", flush=True)
sys.stdin.readline()
for number in range(250):
    note(actor, workspace, "count", f"{number}")
    with changing(actor, workspace, "twice") as change:
        change.record("one", number=number)
        change.record("other", number=number)
workspace.close()
"""


def test_two_processes_at_once_make_one_chain_of_more_than_a_thousand(home: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("Ada", "Bob")
    ]
    for writer in writers:  # both open a home that is not there yet
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.communicate("go\n", timeout=150)
        assert writer.returncode == 0
    workspace = open_workspace(Settings(home=home))
    report = look(workspace)
    assert (report.whole, report.lines) == (True, 1 + 2 * 750), report.faults
    events = rows(workspace)
    by_hand(workspace, "UPDATE event SET details = '{\"number\": 0.5}' WHERE id = 1100")
    assert found(look(workspace)) == [(1100, "altered")]
    for one, other in itertools.pairwise(events):
        if one.subject == "one":  # events of one transaction stand together
            assert (other.actor, other.subject, other.details) == (one.actor, "other", one.details)
    workspace.close()


def test_many_faults_are_counted_and_the_first_are_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.audit_check.MOST_FAULTS", 3)
    by_hand(workspace, "UPDATE event SET actor = 'Eve'")
    report = look(workspace)
    assert (len(report.faults), report.more) == (3, LINES - 3)
    assert "10 faults" in report.summary


def test_a_verification_can_be_stopped(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.audit_check._PROGRESS_EVERY", 2)
    stop, seen = threading.Event(), []

    def advance(done: int, total: int, doing: str) -> None:
        seen.append((done, total))
        stop.set()

    report = verify_trail(ACTOR, workspace, progress=advance, stop=stop)
    assert report.stopped and not report.whole and not report.faults
    assert seen == [(2, LINES)]


def test_the_list_is_filtered(workspace: Workspace) -> None:
    bob = ACTOR.model_copy(update={"name": "Bob_50%", "address": "198.51.100.3"})
    note(bob, workspace, "credentials.check", "demo", outcome="failed")
    note(bob, workspace, "credentials.checked", "demo")
    note(bob, workspace, "sign_in", "Bob", outcome="refused")

    def actions(**wanted: Any) -> list[str]:
        return [one.action for one in list_trail(ACTOR, workspace, TrailFilter(**wanted)).lines]

    assert actions(actor="bob") == ["sign_in", "credentials.checked", "credentials.check"]
    assert actions(actor="_50%") == actions(actor="bob")
    assert actions(actor="_5_") == []  # a part of a name is no pattern
    assert actions(actions=("credentials.check",)) == ["credentials.check"]
    assert actions(actions=("credentials.",)) == ["credentials.checked", "credentials.check"]
    assert actions(actions=("credentials.check", "sign_in")) == ["sign_in", "credentials.check"]
    assert actions(outcomes=("failed", "refused")) == ["sign_in", "credentials.check"]
    assert actions(subject="DEM", outcomes=("done",)) == ["credentials.checked"]
    assert actions(address="198.51") == actions(actor="bob")
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert actions(since=soon) == []
    assert len(actions(until=soon)) == LINES + 3
    first_id = list_trail(ACTOR, workspace, TrailFilter(), offset=LINES + 2).lines
    assert [one.id for one in first_id] == [1]
    assert set(trail_actions(ACTOR, workspace)) == {
        "audit.begin", "policy.set", "credentials.check", "credentials.checked", "sign_in",
    }  # fmt: skip


def test_exports_hold_what_is_looked_for_and_no_formula(workspace: Workspace, tmp_path: Path) -> None:
    eve = ACTOR.model_copy(update={"name": "=HYPERLINK(1)"})
    note(eve, workspace, "check", '@SUM(1),"x"\nnext', why="é")
    wanted = TrailFilter(actions=("check",))
    assert export_trail(ACTOR, workspace, wanted, "csv", tmp_path / "trail.csv") is None
    (row,) = list(csv.DictReader((tmp_path / "trail.csv").open(newline="", encoding="utf-8")))
    assert (row["actor"], row["subject"]) == ("'=HYPERLINK(1)", '\'@SUM(1),"x"\nnext')
    assert (row["outcome"], row["details"], row["id"]) == ("done", '{"why": "é"}', "11")
    assert export_trail(ACTOR, workspace, wanted, "jsonl", tmp_path / "trail.jsonl") is None
    (line,) = [json.loads(text) for text in (tmp_path / "trail.jsonl").read_text().splitlines()]
    assert (line["actor"], line["subject"], line["details"]) == (eve.name, '@SUM(1),"x"\nnext', {"why": "é"})
    assert line["mac"] == rows(workspace)[10].mac
    exports = list_trail(ACTOR, workspace, TrailFilter(actions=("audit.export",))).lines
    assert [one.details["form"] for one in exports] == ["jsonl", "csv"]
    assert exports[0].details["wanted"] == {"actions": ["check"]}


def test_an_export_of_nothing_has_its_header_and_one_that_fails_is_recorded(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert export_trail(ACTOR, workspace, TrailFilter(actor="nobody"), "csv", tmp_path / "none.csv") is None
    assert (tmp_path / "none.csv").read_text().startswith("id,at,actor,")
    problem = export_trail(ACTOR, workspace, TrailFilter(), "csv", tmp_path / "nowhere" / "trail.csv")
    assert problem is not None and "cannot be written" in problem.what
    failed = list_trail(ACTOR, workspace, TrailFilter(actions=("audit.export",), outcomes=("failed",)))
    assert failed.total == 1


def test_the_key_is_sealed_as_every_secret_is(workspace: Workspace) -> None:
    with workspace.store.reading() as session:
        (row,) = session.exec(select(AuditKey)).all()
    assert row.key_sealed.startswith("v1.dk-")
    by_hand(workspace, "UPDATE audit_key SET id = 'another'")  # bound to its row
    again = open_workspace(workspace.settings)
    with pytest.raises(VaultError):
        _ = again.chain_keys
    again.close()
