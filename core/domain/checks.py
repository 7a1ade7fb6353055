"""What a check says: an outcome that a person can act on."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Outcome(StrEnum):
    """How a check ended. `SKIPPED`: not tried, because something before it failed."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class State(StrEnum):
    """State of stored credentials, in the platform's words."""

    SUCCESS = "success"
    ERROR = "error"
    PENDING = "pending"
    UNKNOWN = "unknown"


class CheckResult(BaseModel):
    """One line of the answer. `target` is what was checked (a row, a bucket), `check` which question was asked,
    `found` what was seen, `mend` what to do (empty when nothing is to be done), `seconds` how long it took."""

    model_config = ConfigDict(frozen=True)

    target: str
    check: str
    outcome: Outcome
    found: str
    mend: str = ""
    seconds: float = 0.0
    unreachable: bool = False
    """True when the failure says only that the service could not be reached from here."""


def state_of(results: list[CheckResult]) -> State:
    """Sum up checks: Error when one failed for good, Unknown when the only failures are that the service was out
    of reach or when nothing was asked (no checks, or all skipped), else Success."""
    failures = [result for result in results if result.outcome is Outcome.FAILED]
    if any(not failure.unreachable for failure in failures):
        return State.ERROR
    if failures or all(result.outcome is Outcome.SKIPPED for result in results):
        return State.UNKNOWN
    return State.SUCCESS
