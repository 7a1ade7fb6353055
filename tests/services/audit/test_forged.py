# ruff: noqa: S608 - the statements are these tests' own
"""Lines of the audit trail, its head or its key put in by who has the file and no key are found."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.audit import FaultKind
from core.services import workspace as workspaces
from core.services.audit_chain import BROKEN, PROGRAM
from core.services.policy import show_policy
from core.services.vault_rotation import rotate_vault
from core.services.workspace import Workspace, open_workspace
from core.settings import Settings
from core.vault.master_key import VaultError
from core.vault.vault import new_data_key
from tests.services.audit.trails import ACTOR, COPY, FORGED, by_hand, found, look, rows, set_days


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
