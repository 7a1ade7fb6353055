"""The policy: what an administrator decided about keys and requests."""

from sqlmodel import Session

from core.store.tables import Policy


def policy_of(session: Session) -> Policy:
    """The policy in force; the usual one while nobody has set another."""
    return session.get(Policy, 1) or Policy()
