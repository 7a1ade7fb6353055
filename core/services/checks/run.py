"""One run of checks: its progress, its stop button, and what its checks share."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.domain.checks import CheckResult, Outcome
from core.domain.hosts import Allowed
from core.domain.regions import RegionCatalog
from core.outscale.errors import OutscaleError, Trouble
from core.settings import Settings

Answer = TypeVar("Answer")
Progress = Callable[[int, int, CheckResult], None]
"""Called with the checks done, the checks there are, and the newest result; from several threads, one at a time."""

STOPPED = "Stopped before it was tried."
REFUSALS_IN_A_ROW = 3
"""OUTSCALE locks after four failures in a row (About Password Protection; facts, section 3); we stay below."""


@dataclass(frozen=True)
class Finding:
    """What one question brought out, not yet tied to a row."""

    check: str
    outcome: Outcome
    found: str
    mend: str = ""
    seconds: float = 0.0
    unreachable: bool = False

    def about(self, target: str) -> CheckResult:
        """The finding as a line about `target`."""
        return CheckResult(target=target, **self.__dict__)


def passed(check: str, found: str, seconds: float = 0.0) -> Finding:
    """A finding with nothing to do."""
    return Finding(check, Outcome.PASSED, found, seconds=seconds)


def warning(check: str, found: str, mend: str, seconds: float = 0.0) -> Finding:
    """A finding that a person should know of, and that keeps nothing from being stored."""
    return Finding(check, Outcome.WARNING, found, mend, seconds)


def failed(check: str, found: str, mend: str, seconds: float = 0.0) -> Finding:
    """A finding that must be mended first."""
    return Finding(check, Outcome.FAILED, found, mend, seconds)


def skipped(check: str, why: str) -> Finding:
    """A question that was not asked."""
    return Finding(check, Outcome.SKIPPED, why)


def refused(check: str, error: OutscaleError, seconds: float = 0.0) -> Finding:
    """The finding of a call that did not succeed."""
    quote = f" (code {error.code})" if error.code and error.code not in error.what else ""
    request = f" Request ID for OUTSCALE's support: {error.request_id}." if error.request_id else ""
    return Finding(check, Outcome.FAILED, error.what + quote, error.mend + request, seconds, error.on_the_way)


@dataclass
class Run:
    """What the checks of one run share. A run may span the rows of one form or many stored credentials; within it
    no refused key is tried twice, and each shared question is asked once."""

    settings: Settings
    regions: RegionCatalog
    allowed: Allowed
    total: int = 0
    progress: Progress | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    _done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _answers: dict[Hashable, Future[Any]] = field(default_factory=dict)
    _key_turns: dict[Hashable, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _account_turns: dict[Hashable, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    _refused: set[str] = field(default_factory=set)
    _in_a_row: Counter[Hashable] = field(default_factory=Counter)

    def report(self, result: CheckResult) -> CheckResult:
        """Count the result and tell whoever watches."""
        with self._lock:
            self._done += 1
            if self.progress:
                self.progress(self._done, max(self.total, self._done), result)
        return result

    def once(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Ask a question that several rows share a single time; the others wait for its answer."""
        with self._lock:
            future: Future[Answer] | None = self._answers.get(question)
            mine = future is None
            if future is None:
                future = self._answers[question] = Future()
        if mine:
            try:
                future.set_result(ask())
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    @contextmanager
    def attempt(self, access_key: str, account: Hashable) -> Iterator[str | None]:
        """The turn of a key to sign in. Gives None, or the reason why it must not be tried: so that a key is refused
        once only and an account never comes near the lock after four failures. An OutscaleError that passes through
        counts as a refusal when it is one."""
        with self._key_turns[access_key], self._account_turns[account]:
            if self.stop.is_set():
                yield STOPPED
            elif access_key in self._refused:
                yield "This access key was refused in another row; it is not tried again, so that no account is locked."
            elif self._in_a_row[account] >= REFUSALS_IN_A_ROW:
                yield (
                    f"{REFUSALS_IN_A_ROW} keys of this account were refused in a row; a fourth would lock it. "
                    "Mend those rows first."
                )
            else:
                try:
                    yield None
                except OutscaleError as error:
                    if error.trouble in _REFUSALS:
                        self._refused.add(access_key)
                        self._in_a_row[account] += 1
                    raise
                self._in_a_row[account] = 0


_REFUSALS = frozenset(
    {
        Trouble.AUTHENTICATION,
        Trouble.SIGNATURE,
        Trouble.UNKNOWN_KEY,
        Trouble.INACTIVE_KEY,
        Trouble.EXPIRED_KEY,
        Trouble.LOCKED,
    }
)


class Stopwatch:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def lap(self) -> float:
        """The seconds since the last lap, rounded to milliseconds."""
        then, self._since = self._since, time.monotonic()
        return round(self._since - then, 3)
