"""Steer a sandbox from another process: faults, status, a fresh start, requests for accounts."""

import shutil
from typing import Any

import requests

from core.outscale import recording
from core.sandbox.faults import KINDS
from core.sandbox.free_ports import LOOPBACK
from core.sandbox.info import REGIONS, read_info
from core.sandbox.single import Busy, alone
from core.settings import Settings

_SECONDS = 10
_RESET_SECONDS = 180


class ControlError(Exception):
    """The sandbox cannot do what was asked. The text is for the user."""


def set_fault(
    settings: Settings,
    kind: str,
    *,
    region: str | None = None,
    seconds: float | None = None,
    count: int | None = None,
    account_id: str | None = None,
) -> dict[str, Any]:
    """Let a fault work (its kinds: `core.sandbox.faults.MEANINGS`), in one Region or all, for so many requests or until
    cleared. Gives the status. `account_id`: whom `restrict`, `ca-required`, `password-expired` and `lock` concern,
    None for everyone.

    Raises ControlError when the sandbox does not run, or the kind or the Region is none of its own."""
    if kind not in KINDS:
        raise ControlError(f"There is no fault {kind}. There are: {', '.join(KINDS)}.")
    if region not in (None, *REGIONS):
        raise ControlError(f"The sandbox has no Region {region}. It has: {', '.join(REGIONS)}.")
    asked = {"kind": kind, "region": region, "seconds": seconds, "count": count, "account_id": account_id}
    return _ask(settings, "POST", "faults", {name: value for name, value in asked.items() if value is not None})


def clear_faults(settings: Settings) -> dict[str, Any]:
    """End all faults, and open what is locked. Gives the status.

    Raises ControlError when the sandbox does not run."""
    return _ask(settings, "DELETE", "faults")


def status(settings: Settings) -> dict[str, Any]:
    """What the sandbox says of itself: {"running": False}, or its process, Regions and faults.

    Raises ControlError when it runs but does not answer."""
    return _ask(settings, "GET", "status") if read_info(settings) else {"running": False}


def reset(settings: Settings) -> dict[str, Any]:
    """Start over with the first accounts, keys and buckets: a running sandbox does it at once and goes on, a stopped
    one with its next start. Gives the status.

    Raises ControlError when it cannot be done."""
    if read_info(settings):
        return _ask(settings, "POST", "reset", seconds=_RESET_SECONDS)
    if not settings.sandbox_state.exists():
        return {"running": False}
    try:
        with alone(settings):
            for path in settings.sandbox_state.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.suffix != ".lock":
                    path.unlink()
            settings.sandbox_file.unlink(missing_ok=True)
    except Busy:
        raise ControlError("The sandbox is just starting or ending. Try again in a moment.") from None
    except OSError as error:
        raise ControlError(
            f"The sandbox's folder {settings.sandbox_state} cannot be emptied: {error.strerror}."
        ) from None
    return {"running": False}


def ask_account(settings: Settings, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for an account, or a copy of one (fields: `core.sandbox.requests.AccountAsked`). Gives the answer so far, as
    `account_answer` does.

    Raises ControlError when the sandbox does not run, or refuses the form."""
    return _ask(settings, "POST", "requests", asked)


def account_answer(settings: Settings, ticket: str) -> dict[str, Any]:
    """How a request stands: `ticket`, `state` (`pending`, `granted`, `refused`), and with the state `account_id`,
    `region` and `email`, or the `reason`.

    Raises ControlError when the sandbox does not run."""
    return _ask(settings, "GET", f"requests/{ticket}")


def withdraw(settings: Settings, ticket: str) -> None:
    """Forget a request, and close the account that it was granted, with all its keys; one that is gone is fine.

    Raises ControlError when the sandbox does not run."""
    _ask(settings, "DELETE", f"requests/{ticket}")


def _ask(
    settings: Settings, method: str, what: str, body: dict[str, Any] | None = None, seconds: float = _SECONDS
) -> dict[str, Any]:
    info = read_info(settings)
    if info is None:
        raise ControlError("The sandbox does not run. Start it with: onboarding sandbox")
    with requests.Session() as session:
        session.trust_env = False  # a proxy variable must not send the token elsewhere
        try:
            answer = session.request(
                method,
                f"{info['control']['url']}/{what}",
                json=body,
                headers={"Authorization": f"Bearer {info['control']['token']}"},
                timeout=seconds,
            )
            asked = answer.request
            recording.sent(method, str(asked.url), asked.headers, asked.body, answer.status_code, answer)
            recording.answered(answer, answer.content)
            said: dict[str, Any] = answer.json()
        except requests.RequestException:
            raise ControlError(f"The sandbox (process {info['pid']}) does not answer on {LOOPBACK}.") from None
    if not answer.ok:
        raise ControlError(str(said.get("error", "The sandbox refused.")))
    return said
