"""What OUTSCALE and the account's own policy allow of an access key, and the words for what they do not."""

from datetime import date, datetime, timedelta

from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.models import ApiAccessPolicy
from core.outscale.oapi import Oapi
from core.store.columns import now

KEYS_PER_USER = 10
"""Access keys that OUTSCALE allows a user (documentation, About Access Keys)."""
DEFAULT_LIFE = timedelta(days=365)


def longest_life(api: Oapi) -> timedelta | None:
    """The account's own rule for the life of a key (ReadApiAccessPolicy); None when there is none, or when it may not
    be read: then OUTSCALE itself says no."""
    try:
        policy: ApiAccessPolicy = api.read_api_access_policy()
    except OutscaleError:
        return None
    seconds = policy.max_access_key_expiration_seconds
    return timedelta(seconds=seconds) if seconds > 0 else None


def expiry_problem(until: datetime | None, longest: timedelta | None) -> FieldProblem | None:
    """What is wrong with the expiration of a key: past, missing where the account's policy demands one, or too late."""
    if until is not None and until <= now():
        return FieldProblem(field="expires", what="This day is not in the future.", mend="Choose a later one.")
    if longest is None:
        return None
    last = latest_day(longest)
    what = ""
    if until is None:
        what = f"The account's policy demands an expiration, at most {longest.days} days from now."
    elif until > now() + longest:
        what = f"The account's policy allows a key at most {longest.days} days."
    return FieldProblem(field="expires", what=what, mend=f"Choose {last} or earlier.") if what else None


def latest_day(longest: timedelta | None) -> date | None:
    """The last day (UTC) on which a key created now may expire; None for any."""
    return (now() + longest).date() if longest else None


def full(ids: list[str]) -> FieldProblem | None:
    """The problem of a user who has as many keys as OUTSCALE allows."""
    if len(ids) < KEYS_PER_USER:
        return None
    return FieldProblem(
        field="form",
        what=f"This user has {len(ids)} access keys, and OUTSCALE allows {KEYS_PER_USER}.",
        mend="Delete one that nothing uses, then create the new one.",
    )


def maybe_created(error: OutscaleError) -> FieldProblem:
    """The problem of a CreateAccessKey whose answer did not come."""
    return FieldProblem(
        field="form",
        what=f"No answer came, so a key may exist at OUTSCALE that nobody holds the secret of. {error.what}",
        mend="It is listed above the keys now: look for it there, and revoke it.",
    )


def gone(access_key: str) -> FieldProblem:
    """The problem of a key that was deleted elsewhere meanwhile."""
    return FieldProblem(
        field="form",
        what=f"The access key {access_key} does not exist any more: somebody deleted it.",
        mend="Read the list again.",
    )


def tag_problem(tag: str) -> FieldProblem | None:
    """The problem of a tag that is longer than OUTSCALE allows."""
    if len(tag.strip()) <= 255:
        return None
    return FieldProblem(field="tag", what="The tag is longer than 255 characters.", mend="Shorten it.")
