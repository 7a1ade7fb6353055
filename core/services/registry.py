"""Which accounts are known here: every way to learn of one ends in this register."""

from sqlmodel import Session, select

from core.domain.credentials import FieldProblem
from core.store.tables.accounts import Account


def register(
    session: Session, account_id: str, region: str, source: str, *, email: str = "", company: str = "", owner: str = ""
) -> Account:
    """The known account of this Account ID (12 digits) and Region, made when it is new. What is already written about
    it stays; empty fields are filled. `source`: `hand`, `request`, `key` or `credentials`."""
    account = find(session, account_id, region)
    if account is None:
        account = Account(account_id=account_id, region=region, source=source)
        session.add(account)
    account.email = account.email or email
    account.company = account.company or company
    account.owner = account.owner or owner
    return account


def find(session: Session, account_id: str, region: str) -> Account | None:
    """The account in the register; None when it is not known."""
    return session.exec(select(Account).where(Account.account_id == account_id, Account.region == region)).first()


def unknown(account_id: str, region: str) -> FieldProblem:
    """The problem of an account that is not in the register."""
    what = f"The account {account_id} in {region} is not known here: somebody may have forgotten it."
    return FieldProblem(field="form", what=what, mend="Look at the list again, or add it.")
