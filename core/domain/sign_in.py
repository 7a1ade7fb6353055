"""Why a sign-in does not count, and what to say about it."""

from enum import StrEnum

AFRESH = "afresh"
"""Name of the way to the provider on which the person is asked to prove anew who they are; what stands in the sign-in's
claims as `provider` then."""
_SHOWN = 20


class Why(StrEnum):
    """Why a sign-in does not count."""

    NO_ROLE = "no_role"
    EXPIRED = "expired"
    SIGNED_OUT = "signed_out"
    ENDED = "ended"
    BLOCKED = "blocked"
    ROLE_REMOVED = "role_removed"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    NOT_OURS = "not_ours"


def words(why: Why, claim: str, groups: list[str] | None, hours: float) -> str:
    """What to tell the person: `groups` are theirs, as the claim of this name holds them, and `hours` is how long a
    session lasts."""
    if why is Why.NO_ROLE:
        return (
            f"None of your groups has a role here. Looked at: the claim {claim}, which {_held(groups)}. Ask an "
            "administrator of this dashboard for a role, then sign in again; or sign out and use another account."
        )
    if why is Why.EXPIRED:
        return f"Your session is over: it lasts {hours:g} hours. Sign in again to go on."
    return _PLAIN[why]


_PLAIN = {
    Why.SIGNED_OUT: "You signed out. Sign in again to go on.",
    Why.ENDED: "All your sessions were ended. Sign in again to go on.",
    Why.BLOCKED: "An administrator of this dashboard blocked you. Ask them to let you in again.",
    Why.ROLE_REMOVED: "Your role here was taken away, so your session was ended. Ask an administrator of this "
    "dashboard for a role, then sign in again.",
    Why.REFUSED: "The sign-in provider takes your sign-in no longer: it was ended there, or its time is over. Sign in "
    "again to go on.",
    Why.UNCONFIRMED: "The sign-in provider has not answered for an hour, so nobody can say whether you still have your "
    "role. Sign in again when it answers.",
    Why.NOT_OURS: "The sign-in provider's answer was not meant for this dashboard, or it does not say when it was "
    "given. Sign in again; when it happens again, tell an administrator.",
}


def _held(groups: list[str] | None) -> str:
    if groups is None:
        return "is not there"
    if not groups:
        return "is empty"
    return "holds " + ", ".join(groups[:_SHOWN]) + (" and more" if len(groups) > _SHOWN else "")
