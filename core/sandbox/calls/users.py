"""EIM users and their inline policies."""

import re
import secrets
import string
from typing import Any

from core.sandbox.asking import Answer, Asking, Call
from core.sandbox.calls.parameters import Parameters, matches
from core.sandbox.policy import read_policy
from core.sandbox.refusals import BAD_VALUE, DUPLICATE_USER, NO_SUCH_USER, RefusedError
from core.sandbox.times import written
from core.sandbox.world import User

_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
_PATH = re.compile(r"/([A-Za-z0-9_/]{0,510}/)?")
_LETTERS = string.ascii_uppercase + string.digits


def read_users(asking: Asking, parameters: Parameters) -> Answer:
    """The account's EIM users, page by page."""
    ids = parameters.get("Filters", {}).get("UserIds")
    users = [user for user in asking.own.users if matches(user.user_id, ids)]
    first, most = parameters.get("FirstItem", 1), parameters.get("ResultsPerPage", 100)
    if first < 1 or not 1 <= most <= 1000:
        raise RefusedError(BAD_VALUE, "FirstItem must be 1 or more, ResultsPerPage between 1 and 1000.")
    end = first - 1 + most
    return {
        "Users": [_shown(user) for user in users[first - 1 : end]],
        "HasMoreItems": end < len(users),
        "MaxResultsLimit": most,
    }


def create_user(asking: Asking, parameters: Parameters) -> Answer:
    """A new EIM user, without keys or rights."""
    name, path = parameters["UserName"], parameters.get("Path", "/")
    if not _NAME.fullmatch(name):
        raise RefusedError(BAD_VALUE, "The parameter UserName must have 1 to 64 of: letters, digits, + = , . @ - _")
    if not _PATH.fullmatch(path):
        raise RefusedError(BAD_VALUE, "The parameter Path must begin and end with a slash.")
    if asking.own.user(name):
        raise RefusedError(DUPLICATE_USER, "There is an EIM user of this name already.")
    user = User(
        name=name,
        user_id="".join(secrets.choice(_LETTERS) for _ in range(32)),
        path=path,
        email=parameters.get("UserEmail"),
        created=asking.moment,
        modified=asking.moment,
    )
    asking.own.users.append(user)
    asking.changed = True
    return {"User": _shown(user)}


def put_user_policy(asking: Asking, parameters: Parameters) -> Answer:
    """Give an EIM user an inline policy, or replace it. It is in force at once."""
    user = asking.own.user(parameters["UserName"])
    if user is None or user.root:
        raise RefusedError(NO_SUCH_USER, "There is no EIM user of this name.")
    if not 1 <= len(parameters["PolicyName"]) <= 128:
        raise RefusedError(BAD_VALUE, "The parameter PolicyName must have 1 to 128 characters.")
    try:
        read_policy(parameters["PolicyDocument"])
    except ValueError:
        raise RefusedError(BAD_VALUE, "The parameter PolicyDocument is no policy in JSON.") from None
    user.policies[parameters["PolicyName"]] = parameters["PolicyDocument"]
    user.modified = asking.moment
    asking.changed = True
    return {}


def _shown(user: User) -> dict[str, Any]:
    shown = {
        "UserName": user.name,
        "UserId": user.user_id,
        "Path": user.path,
        "OutscaleLoginAllowed": False,
        "CreationDate": written(user.created),
        "LastModificationDate": written(user.modified),
    }
    return shown | ({"UserEmail": user.email} if user.email else {})


USER_CALLS: dict[str, Call] = {
    "ReadUsers": read_users,
    "CreateUser": create_user,
    "PutUserPolicy": put_user_policy,
}
