"""Access keys: read, created, updated, deleted, with the traps of the real ones."""

import secrets
import string
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.parameters import Parameters, matches, moment
from core.sandbox.refusals import (
    BAD_KEY_STATE,
    BAD_KEY_VALUE,
    BAD_VALUE,
    MISSING,
    NO_SUCH_KEY,
    NO_SUCH_KEY_TO_UPDATE,
    NO_SUCH_USER,
    NOT_AUTHORIZED,
    TOO_MANY_KEYS,
    RefusedError,
)
from core.sandbox.times import written
from core.sandbox.world import Key, User

KEYS_PER_USER = 10
"""The root user and each EIM user have ten access keys at most (user guide, About Access Keys)."""
_LETTERS = string.ascii_uppercase + string.digits


def read_access_keys(asking: Asking, parameters: Parameters) -> Answer:
    """The keys of a user. Unknown ids and states give an empty list."""
    filters = parameters.get("Filters", {})
    keys = [
        key
        for key in _user(asking, parameters).keys
        if matches(key.access_key_id, filters.get("AccessKeyIds"))
        and matches(key.state, filters.get("States"))
        and parameters.get("Tag") in (None, key.tag)
    ]
    return {"AccessKeys": [_shown(key) for key in keys]}


def create_access_key(asking: Asking, parameters: Parameters) -> Answer:
    """A new ACTIVE key, and its secret this once."""
    user = _user(asking, parameters)
    expires = _expiration(asking, parameters, BAD_VALUE)
    _within_policy(asking, expires)
    if len(user.keys) >= KEYS_PER_USER:
        raise RefusedError(TOO_MANY_KEYS, f"The user has {KEYS_PER_USER} access keys, the most there may be.")
    secret = _random(40)
    key = Key(
        access_key_id=_random(20),
        secret_key=SecretStr(secret),
        created=asking.moment,
        modified=asking.moment,
        expires=expires,
        tag=parameters.get("Tag"),
    )
    user.keys.append(key)
    asking.changed = True
    return {"AccessKey": _shown(key) | {"SecretKey": secret}}


def update_access_key(asking: Asking, parameters: Parameters) -> Answer:
    """Change a key. A state that comes without an expiration date takes the date away, as UpdateAccessKey warns."""
    user = _user(asking, parameters)
    changes = parameters.keys() & {"State", "ExpirationDate", "ClearExpirationDate", "Tag", "ClearTag"}
    if not parameters["AccessKeyId"] or not changes:
        raise RefusedError(MISSING, "Missing parameter: AccessKeyId, or something to change.")
    key = user.key(parameters["AccessKeyId"])
    if key is None:
        raise RefusedError(NO_SUCH_KEY_TO_UPDATE, "The user has no such access key.")
    state = parameters.get("State", key.state)
    if state not in ("ACTIVE", "INACTIVE"):
        raise RefusedError(BAD_KEY_VALUE, "The parameter State must be ACTIVE or INACTIVE.")
    clear = parameters.get("ClearExpirationDate", False)
    expires = None if clear else _expiration(asking, parameters, BAD_KEY_VALUE)
    if expires or clear or "State" in parameters:
        _within_policy(asking, expires)
        key.expires = expires
    key.state = state
    if parameters.get("ClearTag"):
        key.tag = None
    elif "Tag" in parameters:
        key.tag = parameters["Tag"]
    key.modified = asking.moment
    asking.changed = True
    return {"AccessKey": _shown(key)}


def delete_access_key(asking: Asking, parameters: Parameters) -> Answer:
    """Delete a key. An EIM user's must be INACTIVE; the root user's need not."""
    user = _user(asking, parameters)
    if not parameters["AccessKeyId"]:
        raise RefusedError(MISSING, "Missing parameter: AccessKeyId.")
    key = user.key(parameters["AccessKeyId"])
    if key is None:
        raise RefusedError(NO_SUCH_KEY, "The user has no such access key.")
    if key.state == "ACTIVE" and not user.root:
        raise RefusedError(BAD_KEY_STATE, "The access key of an EIM user must be INACTIVE to be deleted.")
    user.keys.remove(key)
    asking.changed = True
    return {}


def _user(asking: Asking, parameters: Parameters) -> User:
    """The user that a call is about: the named one, else the one who asks. An EIM user may name itself only."""
    name = parameters.get("UserName")
    if not name:
        return asking.who
    user = asking.own.user(name)
    if not asking.who.root and user is not asking.who:
        raise RefusedError(NOT_AUTHORIZED, "An EIM user may not see or change the keys of others.")
    if user is None:
        raise RefusedError(NO_SUCH_USER, "There is no EIM user of this name.")
    return user


def _expiration(asking: Asking, parameters: Parameters, code: int) -> datetime | None:
    expires = moment(parameters, "ExpirationDate", code)
    if expires is not None and expires <= asking.moment:
        raise RefusedError(code, "The parameter ExpirationDate must be in the future.")
    return expires


def _within_policy(asking: Asking, expires: datetime | None) -> None:
    """With a policy, a key must have an expiration date, and within its bound (UpdateApiAccessPolicy). No public source
    names the code of this refusal."""
    seconds = asking.own.max_key_seconds
    if not seconds:
        return
    if expires is None or expires > asking.moment + timedelta(seconds=seconds):
        raise RefusedError(BAD_VALUE, f"By the API access policy, a key must expire within {seconds} seconds.")


def _shown(key: Key) -> dict[str, Any]:
    shown = {
        "AccessKeyId": key.access_key_id,
        "CreationDate": written(key.created),
        "LastModificationDate": written(key.modified),
        "State": key.state,
    }
    if key.expires:  # a key that never expires has no such field
        shown["ExpirationDate"] = written(key.expires)
    if key.tag:
        shown["Tag"] = key.tag
    return shown


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


ACCESS_KEY_CALLS: dict[str, Call] = {
    "ReadAccessKeys": read_access_keys,
    "CreateAccessKey": create_access_key,
    "UpdateAccessKey": update_access_key,
    "DeleteAccessKey": delete_access_key,
}
