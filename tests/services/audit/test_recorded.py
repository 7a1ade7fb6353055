"""What cannot be recorded in the audit trail is not done, and what is recorded can be verified."""

import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlmodel import Session, select, update

from core.services.audit import TrailFilter, list_trail
from core.services.policy import show_policy
from core.services.use_case import NotAllowedError, changing, note, refuse
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.store.store import StoreError
from core.store.tables.audit import AuditKey
from core.store.tables.policy import Policy
from core.vault.master_key import VaultError
from tests.services.audit.trails import ACTOR, LINES, by_hand, found, look, rows, set_days


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


def test_the_key_is_sealed_as_every_secret_is(workspace: Workspace) -> None:
    with workspace.store.reading() as session:
        (row,) = session.exec(select(AuditKey)).all()
    assert row.key_sealed.startswith("v1.dk-")
    by_hand(workspace, "UPDATE audit_key SET id = 'another'")  # bound to its row
    again = open_workspace(workspace.settings)
    with pytest.raises(VaultError):
        _ = again.chain_keys
    again.close()
