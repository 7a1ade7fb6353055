"""The screen Activity."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pandas as pd
from streamlit.testing.v1 import AppTest

from core.domain.actor import Actor
from core.domain.roles import Role
from core.services.audit import TrailFilter, list_trail
from core.services.use_case import changing, note
from core.services.workspace import Workspace
from dashboard import handover
from dashboard.navigation import ACTIVITY
from dashboard.widgets import bucket_downloads
from tests.screens.conftest import fill, press, ran, settled, words

ADA = Actor(name="Ada", via="screen", role=Role.ADMINISTRATOR, address="192.0.2.7")
BOB = ADA.model_copy(update={"name": "Bob", "address": "198.51.100.3"})
JOB = "activity.verify"


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The one table that has this column."""
    (found,) = [one.value for one in app.dataframe if column in one.value.columns]
    return found


def many(app: AppTest, label: str, *values: str) -> AppTest:
    """Choose in the multiple selection of this label."""
    (field,) = [one for one in app.multiselect if one.label == label]
    return ran(field.set_value(list(values)).run())


def test_what_was_done_is_shown_the_newest_first_and_filtered(screen, workspace: Workspace) -> None:
    note(ADA, workspace, "sign_in", "Ada", outcome="refused", why="<b>bold</b> **no**")
    note(BOB, workspace, "credentials.checked", "demo", failed=2)
    app = screen(ACTIVITY)
    shown = table(app, "Outcome")
    assert list(shown["What"]) == ["credentials.checked", "sign_in", "audit.begin"]
    assert list(shown["From"]) == ["screen 198.51.100.3", "screen 192.0.2.7", "program"]
    assert list(shown["Outcome"]) == ["done", "refused", "done"]
    assert list(shown["Details"])[:2] == ["failed: 2", "why: <b>bold</b> **no**"]
    assert "3 lines, the newest first" in words(app)
    assert list(table(many(app, "Outcome", "refused"), "Outcome")["What"]) == ["sign_in"]
    many(app, "Outcome")
    assert list(table(fill(app, "Who", "bob"), "Outcome")["Who"]) == ["Bob"]
    fill(app, "Who", "")
    assert list(table(fill(app, "Address", "192.0"), "Outcome")["Who"]) == ["Ada"]
    fill(app, "Address", "")
    assert list(table(many(app, "What", "credentials.checked"), "Outcome")["Subject"]) == ["demo"]
    many(app, "What")
    today = datetime.now(UTC).date()
    (days,) = app.date_input
    assert len(table(ran(days.set_value((today - timedelta(days=1), today)).run()), "Outcome")) == 3
    ran(app.date_input[0].set_value((today - timedelta(days=9), today - timedelta(days=8))).run())
    assert "Nothing was done that these filters leave" in words(app)


def test_there_are_pages_of_200_lines(screen, workspace: Workspace) -> None:
    with changing(ADA, workspace, "count") as change:
        for number in range(399):
            change.record(f"{number}")
    app = screen(ACTIVITY)
    assert len(table(app, "Outcome")) == 200
    assert table(app, "Outcome")["Subject"][0] == "398"
    (page,) = [one for one in app.number_input if one.label == "Page"]
    assert page.max == 2
    assert list(table(ran(page.set_value(2).run()), "Outcome")["Line"]) == list(range(200, 0, -1))
    fill(app, "Subject", "39")  # one page is left
    assert len(table(app, "Outcome")) == 4 + 9
    assert not [one for one in app.number_input if one.label == "Page"]


def test_the_trail_is_verified(screen, workspace: Workspace) -> None:
    for number in range(3):
        note(ADA, workspace, "count", f"{number}")
    app = screen(ACTIVITY)
    settled(press(app, "Verify"), JOB)
    assert "The trail is whole: 4 lines" in words(app)
    with closing(sqlite3.connect(workspace.settings.database)) as connection, connection:
        connection.execute("UPDATE event SET actor = 'Eve' WHERE id = 2")
        connection.execute("DELETE FROM event WHERE id = 3")
    settled(press(app, "Verify"), JOB)
    assert "The trail is not whole" in words(app) and "The trail is whole" not in words(app)
    faults = table(app, "Fault")
    assert list(faults["Line"]) == [2, 4]
    assert list(faults["Fault"]) == ["altered", "missing"]
    assert list_trail(ADA, workspace, TrailFilter(actions=("audit.verify",), outcomes=("failed",))).total == 1


def test_what_the_filters_leave_is_exported(screen, workspace: Workspace) -> None:
    note(ADA, workspace, "sign_in", "Ada")
    note(BOB, workspace, "sign_in", "Bob")
    app = screen(ACTIVITY)
    fill(app, "Who", "bob")
    for label, form in (("JSON Lines", "jsonl"), ("CSV", "csv")):
        settled(press(app, label), bucket_downloads.JOB)
        offered = app.session_state[bucket_downloads.OFFER]
        assert offered.name == f"activity.{form}"
        fetched, _ = handover._offers[offered.address.removeprefix("downloads/")]
        assert fetched.path is not None
        text = fetched.path.read_text()
        assert ("Bob" in text, "Ada" in text) == (True, False)
        if form == "jsonl":
            assert json.loads(text)["subject"] == "Bob"
    handover.withdraw(offered)
    exports = list_trail(ADA, workspace, TrailFilter(actions=("audit.export",)))
    assert exports.total == 2
    assert exports.lines[0].details["wanted"] == {"actor": "bob"}
