# ruff: noqa: S608 - the statements are these tests' own
"""Lines of the audit trail that were edited, removed or swapped in the database are found, one by one."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core.domain.audit import FaultKind
from core.services.audit import TrailFilter, list_trail
from core.services.audit_check import examine
from core.services.workspace import Workspace
from tests.services.audit.trails import ACTOR, COPY, FORGED, LINES, by_hand, found, look, rows, set_days


def swap(one: int, other: int) -> list[str]:
    """Statements that exchange two ids."""
    return [
        f"UPDATE event SET id = 0 WHERE id = {one}",
        f"UPDATE event SET id = {one} WHERE id = {other}",
        f"UPDATE event SET id = {other} WHERE id = 0",
    ]


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
