"""What the sandbox's API does, call by call. Each takes the one who asks and checked parameters; gives the answer."""

from core.sandbox.asking import Call
from core.sandbox.calls.access_keys import ACCESS_KEY_CALLS
from core.sandbox.calls.accounts import ACCOUNT_CALLS
from core.sandbox.calls.consumption import CONSUMPTION_CALLS
from core.sandbox.calls.keypairs import KEYPAIR_CALLS
from core.sandbox.calls.logs import LOG_CALLS
from core.sandbox.calls.users import USER_CALLS

CALLS: dict[str, Call] = {
    **ACCOUNT_CALLS,
    **ACCESS_KEY_CALLS,
    **KEYPAIR_CALLS,
    **CONSUMPTION_CALLS,
    **LOG_CALLS,
    **USER_CALLS,
}
"""The calls that do something. Every other call of the specification answers a dry run only."""
