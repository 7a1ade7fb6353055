"""Work that takes a while, seen on a screen."""

import threading

from streamlit.testing.v1 import AppTest

from dashboard.widgets.job import Job

KEY = "work"


def screen() -> None:
    import streamlit as st

    from dashboard.widgets import job

    st.session_state["drawn"] = st.session_state.get("drawn", 0) + 1
    job.watch("work", "files")


def drawn(work: Job[str]) -> int:
    """How often the whole screen is drawn while the work stands as it is."""
    app = AppTest.from_function(screen)
    app.session_state[KEY] = work
    app.run()
    assert not app.exception
    return int(app.session_state["drawn"])


def test_the_screen_is_drawn_anew_once_when_all_is_counted_and_something_is_still_put_away() -> None:
    go, counted, end = threading.Event(), threading.Event(), threading.Event()

    def count(advance, stop) -> str:
        advance(1, 2, "a.csv")
        go.wait(20)
        advance(2, 2, "b.csv")
        counted.set()
        end.wait(20)
        return "done"

    work = Job(count)
    assert drawn(work) == 1  # one of two: nothing new to show yet
    go.set()
    assert counted.wait(20)
    assert drawn(work) == 2
    assert drawn(work) == 1  # what was found is on the screen
    end.set()
    work.thread.join(20)
    assert work.outcome() == "done"
