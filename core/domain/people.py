"""What a provider's word says about a person: name, groups, role."""

from collections.abc import Mapping
from typing import Any

from core.domain.roles import Role

MIGHT = (Role.ADMINISTRATOR, Role.OPERATOR, Role.FINANCE, Role.AUDITOR, Role.PRESENTER)
"""The roles, the one that may do most first: who is in several groups has the first of these."""

NAME_LENGTH = 64


def groups(claims: Mapping[str, Any], path: str) -> list[str] | None:
    """What a claim holds, as a list; None when there is no such claim. A claim of this very name counts, else the dots
    of `path` lead into claims that hold others."""
    found: Any = claims
    for step in [path] if path in claims else path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list | tuple) else []


def role_of(names: list[str], roles: Mapping[str, Role]) -> Role | None:
    """The role that may do most of those that the groups give; None when none gives one."""
    given = {roles[name] for name in names if name in roles}
    return next((role for role in MIGHT if role in given), None)


def name_of(claims: Mapping[str, Any]) -> str:
    """The name that a person's events carry: the user name, else a confirmed email, else what the provider calls the
    person. Without signs that do not print, and of 64 characters at most."""
    email = claims.get("email") if claims.get("email_verified", True) is True else None
    for value in (claims.get("preferred_username"), email, claims.get("sub")):
        if isinstance(value, str) and (name := _printable(value)):
            return name[:NAME_LENGTH]
    return "unknown"


def told_apart(name: str, subject: str) -> str:
    """The name with what the provider knows the person by, for one whose name is another's too."""
    half = NAME_LENGTH // 2 - 2
    return f"{name[:half]} ({_printable(subject)[:half]})"


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable()).strip()
