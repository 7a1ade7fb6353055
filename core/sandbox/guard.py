"""The door of the sandbox's API: who asks, and may they."""

import hmac
import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from core.sandbox.faults import Faults
from core.sandbox.locks import Locks, Rates
from core.sandbox.policy import allows
from core.sandbox.refusals import (
    ACCESS_RULES,
    CLOCK,
    LOCKED,
    NOT_ACTIVE,
    NOT_AUTHORIZED,
    PASSWORD_EXPIRED,
    PASSWORD_NOT_ALLOWED,
    THROTTLED,
    WRONG_SIGNATURE,
    RefusedError,
)
from core.sandbox.signature import Password, Received, Signed, is_right, read_authorization, stamp_time
from core.sandbox.spec import Spec
from core.sandbox.world import CloudAccount, User, World

CLOCK_LIMIT = timedelta(minutes=5)
"""A request must reach OUTSCALE within five minutes of its timestamp (user guide, About Signatures of API Requests)."""


@dataclass
class Caller:
    """Who sent a request, as far as it is known yet: the log wants it also when the call is refused."""

    account: CloudAccount | None = None
    user: User | None = None
    access_key: str = ""


@dataclass
class Guard:
    """Decides for one Region. Failures and rates are of this run."""

    world: World
    region: str
    spec: Spec
    faults: Faults
    locks: Locks
    rates: Rates = field(default_factory=Rates)

    def admit(self, call: str, received: Received, address: str, moment: datetime, caller: Caller) -> None:
        """Find out who asks, into `caller`, and let nobody in who may not make this call.

        Raises RefusedError."""
        if call in self.spec.open_calls:
            return
        who = read_authorization(received)
        if isinstance(who, Password) and call not in self.spec.password_calls:
            raise RefusedError(PASSWORD_NOT_ALLOWED, "login/password is not allowed for this call.")
        self._in_time(who.stamp, moment)
        if isinstance(who, Password):
            self._by_password(who, caller)
        else:
            self._by_signature(who, received, moment, caller)
        account, user = caller.account, caller.user
        if account is None or user is None:
            raise RuntimeError("nobody was let in, and nobody refused")
        if not self._lets_in(account, address):
            raise RefusedError(ACCESS_RULES, "No API access rule of the account lets this request in.")
        if not self.rates.take(account.account_id):
            raise RefusedError(THROTTLED, "Request rate exceeded.")
        if not user.root and not allows(user.policies.values(), call):
            raise RefusedError(NOT_AUTHORIZED, f"The user is not authorized to make the call {call}.")

    def check_password(self, email: str, password: SecretStr) -> bool:
        """Whether an email and a password go together. Wrong ones count towards the lock.

        Raises RefusedError when the account is locked or not active, or its right password has expired."""
        account = self.world.find_email(email, self.region)
        who = account.account_id if account else email.lower()
        self._not_locked(who, account)
        right = account is not None and _same(account.password, password)
        if not right:
            self.locks.failed(who)
            return False
        self.locks.succeeded(who)
        if account is not None and not account.active:
            raise RefusedError(NOT_ACTIVE, "The account is not active.")
        if account is not None and self.faults.hit("password-expired", self.region, account.account_id):
            raise RefusedError(PASSWORD_EXPIRED, "The password has expired.")
        return True

    def _in_time(self, stamp: str, moment: datetime) -> None:
        sent = stamp_time(stamp)
        if sent is None:
            raise RefusedError(CLOCK, "The request has no X-Osc-Date in the form YYYYMMDDTHHMMSSZ.")
        if abs(moment - sent) > CLOCK_LIMIT:
            raise RefusedError(CLOCK, f"The request's time {stamp} is more than five minutes off.")

    def _by_password(self, who: Password, caller: Caller) -> None:
        caller.account = self.world.find_email(who.email, self.region)
        if not self.check_password(who.email, who.password):
            raise RefusedError(WRONG_SIGNATURE, "The email or the password is wrong.")
        if caller.account:
            caller.user = caller.account.root

    def _by_signature(self, who: Signed, received: Received, moment: datetime, caller: Caller) -> None:
        caller.access_key = who.access_key_id
        found = self.world.find_key(who.access_key_id, self.region)
        if found is None:
            self._not_locked(who.access_key_id, None)
            self.locks.failed(who.access_key_id)
            raise RefusedError(WRONG_SIGNATURE, "The access key or its signature is wrong.")
        account, user, key = found
        caller.account, caller.user = account, user
        self._not_locked(account.account_id, account)
        if not is_right(who, key.secret_key, self.region, received):
            self.locks.failed(account.account_id)
            raise RefusedError(WRONG_SIGNATURE, "The access key or its signature is wrong.")
        self.locks.succeeded(account.account_id)
        if not account.active:
            raise RefusedError(NOT_ACTIVE, "The account is not active.")
        if key.state != "ACTIVE":
            raise RefusedError(WRONG_SIGNATURE, "The access key is INACTIVE.")
        if key.expired(moment):
            raise RefusedError(WRONG_SIGNATURE, "The access key has expired.")

    def _not_locked(self, who: str, account: CloudAccount | None) -> None:
        fault = self.faults.hit("lock", self.region, account.account_id) if account else None
        if fault:
            self.locks.lock(who, fault.seconds)
        seconds = self.locks.seconds_left(who)
        if seconds:
            raise RefusedError(LOCKED, f"Too many failed attempts. Locked for {seconds} seconds.")

    def _lets_in(self, account: CloudAccount, address: str) -> bool:
        # The API says the same of an address that no rule names and of a certificate that is missing.
        if any(self.faults.hit(kind, self.region, account.account_id) for kind in ("restrict", "ca-required")):
            return False
        own = ipaddress.ip_address(address)
        return any(own in ipaddress.ip_network(one) for one in account.ip_ranges)


def _same(one: SecretStr, other: SecretStr) -> bool:
    return hmac.compare_digest(one.get_secret_value().encode(), other.get_secret_value().encode())
