"""Who asks, and what of the sandbox a call may touch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from core.sandbox.api_log import ApiLog
from core.sandbox.world import CloudAccount, User, World

Answer = dict[str, Any]


@dataclass
class Asking:
    """The one who asks one call. `user` is the root user or an EIM user; `address_of` gives a Region's API host;
    `check_password` compares a password and counts failures. A call that changes the state sets `changed`."""

    world: World
    region: str
    log: ApiLog
    moment: datetime
    endpoints: dict[str, str]
    check_password: Callable[[str, SecretStr], bool]
    account: CloudAccount | None = None
    user: User | None = None
    changed: bool = field(default=False)

    @property
    def own(self) -> CloudAccount:
        """The account that asks. Calls without sign-in have none, and do not use it."""
        if self.account is None:
            raise RuntimeError("a call without sign-in asked for its account")
        return self.account

    @property
    def who(self) -> User:
        """The user that asks: by password it is the root user."""
        return self.user or self.own.root


Call = Callable[[Asking, dict[str, Any]], Answer]
