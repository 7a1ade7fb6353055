"""Rights of EIM users: inline policies (OUTSCALE user guide, EIM Reference Information)."""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any


def read_policy(document: str) -> list[dict[str, Any]]:
    """The statements of a policy document.

    Raises ValueError, whose text says what is wrong."""
    policy = json.loads(document)
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        raise ValueError("Statement is missing")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise ValueError("Effect must be Allow or Deny")
        if not (_list(statement.get("Action")) or _list(statement.get("NotAction"))):
            raise ValueError("Action is missing")
        if not _list(statement.get("Resource")):
            raise ValueError("Resource is missing")
    return statements


def allows(policies: Iterable[str], call: str) -> bool:
    """Whether an EIM user with these policies may make a call: something allows it, and nothing denies it."""
    statements = [one for document in policies for one in read_policy(document) if _is_about(one, f"api:{call}")]
    effects = {statement["Effect"] for statement in statements}
    return effects == {"Allow"}


def _is_about(statement: dict[str, Any], action: str) -> bool:
    if "*" not in _list(statement.get("Resource")):
        return False
    if "NotAction" in statement:
        return not any(fnmatchcase(action, pattern) for pattern in _list(statement["NotAction"]))
    return any(fnmatchcase(action, pattern) for pattern in _list(statement["Action"]))


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
