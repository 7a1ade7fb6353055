"""Faults on demand: what the sandbox does wrong when a test or a demo asks for it. A restart ends them all."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

Kind = Literal["slow", "throttled", "5xx", "html", "cut", "skew", "restrict", "ca-required", "password-expired", "lock"]
KINDS: tuple[str, ...] = get_args(Kind)
MEANINGS: dict[str, str] = {
    "slow": "each answer takes some seconds longer",
    "throttled": "429, code 24",
    "5xx": "500, code 2000",
    "html": "a sign-in page of a proxy instead of an answer",
    "cut": "the connection is closed without an answer",
    "skew": "the Region's clock is some seconds ahead",
    "restrict": "an API access rule refuses every address",
    "ca-required": "an API access rule asks for a client certificate",
    "password-expired": "the account's password has expired",
    "lock": "the account is locked for some seconds, as after four wrong sign-ins",
}
USUAL_SECONDS: dict[str, float] = {"slow": 5, "skew": 3600, "lock": 60}


@dataclass
class Fault:
    """A fault at work. region: None for both; count: how many more requests it meets, None for all; account_id: None
    for every account (only `restrict`, `ca-required`, `password-expired` and `lock` ask for it)."""

    kind: str
    region: str | None = None
    seconds: float = 0.0
    count: int | None = None
    account_id: str | None = None


class Faults:
    """The faults at work in this sandbox."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault work, in place of an earlier one of its kind, Region and account."""
        same = (fault.kind, fault.region, fault.account_id)
        self._faults = [one for one in self._faults if (one.kind, one.region, one.account_id) != same]
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Those at work."""
        return [asdict(fault) for fault in self._faults]

    def hit(self, kind: str, region: str, account_id: str | None = None) -> Fault | None:
        """The fault of this kind that this request meets; a counted one has one request less to meet."""
        for fault in self._faults:
            if fault.kind == kind and fault.region in (None, region) and fault.account_id in (None, account_id):
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count <= 0:
                        self._faults.remove(fault)
                return fault
        return None

    def skew(self, region: str) -> timedelta:
        """How far the Region's clock is ahead, for this request."""
        found = self.hit("skew", region)
        return timedelta(seconds=found.seconds if found else 0)
