"""The lock after four refused sign-ins, and the limit of the request rate."""

import math
import time
from dataclasses import dataclass

FAILURES = 4
LOCK_SECONDS = 60
MOST_LOCKS = 10
REQUESTS_A_SECOND = 200
BURST = 600
_REMEMBERED = 10_000


@dataclass
class _Failures:
    in_a_row: int = 0
    locks: int = 0
    until: float = 0.0


class Locks:
    """Four wrong access keys or passwords in a row lock for a minute, each further four for a minute more, ten at
    most (OUTSCALE API documentation, Authentication). Counted by account, or by the access key when no account has
    it."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def seconds_left(self, who: str) -> int:
        """How long this one is still locked; 0 when it is not."""
        failures = self._failures.get(who)
        return max(0, math.ceil(failures.until - time.monotonic())) if failures else 0

    def failed(self, who: str) -> None:
        """Count a refused sign-in."""
        if who not in self._failures and len(self._failures) >= _REMEMBERED:
            self._failures.pop(next(iter(self._failures)))
        failures = self._failures.setdefault(who, _Failures())
        failures.in_a_row += 1
        if failures.in_a_row >= FAILURES:
            failures.in_a_row = 0
            failures.locks = min(failures.locks + 1, MOST_LOCKS)
            failures.until = time.monotonic() + LOCK_SECONDS * failures.locks

    def succeeded(self, who: str) -> None:
        """Forget the refused sign-ins of this one."""
        self._failures.pop(who, None)

    def lock(self, who: str, seconds: float) -> None:
        """Lock now."""
        self._failures[who] = _Failures(locks=1, until=time.monotonic() + seconds)

    def clear(self) -> None:
        """Forget all."""
        self._failures.clear()


class Rates:
    """How many requests an account may make: so many a second, and a burst on top."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> bool:
        """Count a request; False when it is one too many."""
        present = time.monotonic()
        tokens, since = self._buckets.get(who, (float(BURST), present))
        tokens = min(BURST, tokens + (present - since) * REQUESTS_A_SECOND)
        allowed = tokens >= 1
        self._buckets[who] = (tokens - allowed, present)
        return allowed

    def clear(self) -> None:
        """Forget all."""
        self._buckets.clear()
