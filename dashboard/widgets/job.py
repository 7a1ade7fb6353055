"""Work that takes a while: in a thread of its own, with progress and a Stop button."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import streamlit as st

from core.domain.checks import CheckResult
from dashboard.session import PLAIN
from dashboard.widgets.text import safe

Answer = TypeVar("Answer")
Advance = Callable[[int, int, CheckResult | str], None]
"""Told how much is done, of how much (0: not known), and what is being done or was found."""
Work = Callable[[Advance, threading.Event], Answer]


_GUESSED_AFTER = 3
"""Seconds after which what is left is guessed."""


class Job(Generic[Answer]):
    """One piece of work under way. The work itself, and the secrets in it, are forgotten when it ends."""

    def __init__(self, work: Work[Answer]) -> None:
        """Start it. `work` gets a progress function and an event that asks it to stop."""
        self.stop = threading.Event()
        self.began = time.monotonic()
        self.done = 0
        self.total = 0
        self.last: CheckResult | str | None = None
        self.answer: Answer | None = None
        self.error: Exception | None = None
        self.told = False
        """Whether the screen ran again after all was counted: what was found is shown while the rest is put away."""
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Work[Answer]) -> None:
        try:
            self.answer = work(self._progress, self.stop)
        except Exception as error:
            self.error = error

    def _progress(self, done: int, total: int, last: CheckResult | str) -> None:
        self.done, self.total, self.last = done, total, last

    @property
    def running(self) -> bool:
        """Whether it is still under way."""
        return self.thread.is_alive()

    def outcome(self) -> Answer:
        """What the work gave, once it is over.

        Raises what the work raised."""
        if self.error:
            raise self.error
        assert self.answer is not None  # noqa: S101 - a job that ended without error has its answer
        return self.answer


def begin(key: str, work: Work[Any]) -> None:
    """Start work under a name; one at a time."""
    if key not in st.session_state:
        st.session_state[key] = Job(work)


def watch(key: str, unit: str = "checks", waiting: str = "Asking OUTSCALE …", *, stops: bool = True) -> None:
    """Show the progress of work that was begun under this name, until it ends; then the screen runs again. `unit`:
    what is counted; `waiting`: what is said before anything is. Work that does not stop midway counts nothing."""
    job: Job[Any] | None = st.session_state.get(key)
    if job is None:
        return
    if not job.running:  # it ended while the screen was drawn
        st.rerun()

    @st.fragment(run_every=0.4)
    def progress() -> None:
        if not job.running:
            st.rerun()
        if job.total and job.done >= job.total and not job.told:
            job.told = True
            st.rerun()
        doing = f"{job.last.target}: {job.last.check}" if isinstance(job.last, CheckResult) else job.last or waiting
        if not stops:
            st.caption(f":material/hourglass_top: {safe(doing)}")
            return
        part = min(job.done / job.total, 1.0) if job.total else 0.0
        of = f" of {job.total:,}" if job.total else ""
        st.progress(part, f"{job.done:,}{of} {unit}, {_time(time.monotonic() - job.began, part)}. {safe(doing)}")
        if st.button("Stop", key=f"{key}.stop", icon=":material/stop_circle:", disabled=job.stop.is_set()):
            job.stop.set()

    progress()


def _time(passed: float, part: float) -> str:
    """How long it has taken, and about how much longer it will, once that can be guessed."""
    left = passed / part - passed if passed >= _GUESSED_AFTER and part else 0
    return f"{passed:.0f} s" + (f", about {left:.0f} s left" if left >= 1 else "")


def finished(key: str) -> Any | None:
    """The answer of work that ended, once; None while it runs or when there is none. A store or vault that cannot be
    used is said on the screen."""
    job: Job[Any] | None = st.session_state.get(key)
    if job is None or job.running:
        return None
    del st.session_state[key]
    try:
        return job.outcome()
    except PLAIN as error:
        st.error(str(error), icon=":material/error:")
        return None


def running(key: str) -> bool:
    """Whether work is under way under this name."""
    job: Job[Any] | None = st.session_state.get(key)
    return job is not None and job.running
