"""The audit trail is verified, listed and exported."""

import csv
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.services.audit import TrailFilter, list_trail, trail_actions, verify_trail
from core.services.audit_export import export_trail
from core.services.use_case import note
from core.services.workspace import Workspace
from tests.services.audit.trails import ACTOR, LINES, by_hand, look, rows


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
