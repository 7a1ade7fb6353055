"""Looks for secrets in all that a session holds."""

from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from pydantic import SecretStr

_OPAQUE = (int, float, bool, type(None), type, ModuleType)


def texts(root: Any) -> Iterator[str]:
    """Every text that is reached from a value: in containers, fields, bound methods, closures; secrets opened."""
    seen: set[int] = set()
    kept: list[Any] = []  # what is alive keeps its id
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, _OPAQUE) or id(one) in seen:
            continue
        seen.add(id(one))
        kept.append(one)
        if isinstance(one, str):
            yield one
        elif isinstance(one, bytes | bytearray):
            yield bytes(one).decode("latin-1")
        elif isinstance(one, SecretStr):
            yield one.get_secret_value()
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        elif isinstance(one, FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or () if cell != type(cell)()]
            waiting += one.__defaults__ or ()
        elif isinstance(one, MethodType):
            waiting += [one.__self__, one.__func__]
        elif isinstance(one, partial):
            waiting += [one.func, one.args, one.keywords]
        elif not type(one).__module__.startswith(("sqlalchemy", "threading", "_thread", "logging", "google")):
            slots = {name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())}
            waiting += [getattr(one, name) for name in slots if hasattr(one, name)]
            waiting.append(getattr(one, "__dict__", {}))


def holds(state: Any, secret: str) -> bool:
    """Whether a secret is anywhere in there."""
    return any(secret in text for text in texts(state))
