"""What OUTSCALE's API tells about an account: read by a pasted or a stored key, and changed there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from core.domain.accounts import account_changes
from core.domain.actor import Actor
from core.domain.credentials import FieldProblem, key_problems, proxy_problem, region_problem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError
from core.outscale.models import Account as Answered
from core.outscale.oapi import Oapi
from core.services.allowed_hosts import with_proxy_refusal
from core.services.refusals import maybe_done, refusal
from core.services.registry import find, register, unknown
from core.services.rights import use_case
from core.services.scope import regions_for
from core.services.signing import NOT_THIS_KEY, api_with, by_stored_key
from core.services.use_case import changing, note_failure
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.accounts import Account

_BAD_EMAIL = "4118"
_DUPLICATE_EMAIL = "9073"


@dataclass(frozen=True)
class ReadAccount:
    """What became of reading an account: its Account ID, or what is wrong."""

    account_id: str = ""
    problems: list[FieldProblem] = field(default_factory=list)


@use_case
def read_from_key(
    actor: Actor,
    workspace: Workspace,
    access_key: str,
    secret_key: SecretStr,
    region: str,
    proxy: SecretStr | None = None,
) -> ReadAccount:
    """Ask OUTSCALE which account a pasted key belongs to, and register it with its data. The key is not stored; one
    attempt is made with it.

    Raises StoreError when the store refuses."""
    access_key, secret_key = access_key.strip(), SecretStr(secret_key.get_secret_value().strip())
    proxy = SecretStr(proxy.get_secret_value().strip() if proxy else "")
    problems = [*key_problems("", "The account", access_key, secret_key)]
    problems += [
        problem
        for problem in (region_problem("region", region, regions_for(actor, workspace)), proxy_problem(proxy))
        if problem
    ]
    problems = with_proxy_refusal(actor, workspace, problems, proxy)
    if problems:
        return ReadAccount(problems=problems)
    way = parse_proxy(proxy.get_secret_value()) if proxy.get_secret_value() else None
    try:
        with api_with(workspace, region, access_key, secret_key, way) as api:
            found = next(iter(api.read_accounts()), Answered())
    except OutscaleError as error:
        problem = note_failure(actor, workspace, "account.read", access_key, refusal("form", error), region=region)
        return ReadAccount(problems=[problem])
    if not found.account_id:
        return ReadAccount(problems=[_nameless(region)])
    with changing(actor, workspace, "account.read") as change:
        row = register(change.session, found.account_id, region, "key", owner=actor.name)
        _store(row, found)
        change.record(found.account_id, region=region, by="a pasted key")
    return ReadAccount(found.account_id)


@use_case
def refresh(actor: Actor, workspace: Workspace, account_id: str, region: str) -> FieldProblem | None:
    """Read the account's data again, signed by a key whose secret is here. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""

    def question(api: Oapi, found: Answered | None) -> Answered | FieldProblem:
        # Without `found` the key may not ReadAccounts: asked again, it is refused for that.
        return found or next(iter(api.read_accounts()), None) or _nameless(region)

    found = by_stored_key(actor, workspace, account_id, region, question)
    if isinstance(found, FieldProblem):
        return note_failure(actor, workspace, "account.read", account_id, found, region=region)
    return _learn(actor, workspace, account_id, region, found, "account.read")


@use_case
def update_account(
    actor: Actor, workspace: Workspace, account_id: str, region: str, changes: Mapping[str, object]
) -> list[FieldProblem]:
    """Change the account's data at OUTSCALE (UpdateAccount), signed by a key whose secret is here; `changes` in the
    API's own names. What is the same already is not sent, and nothing is sent twice. Returns what is wrong, beside its
    field when OUTSCALE's code tells which; nothing when done.

    Raises StoreError when the store refuses."""
    wanted, problems = account_changes(changes)
    if problems:
        return problems

    def question(api: Oapi, found: Answered | None) -> Answered | FieldProblem:
        present = found.model_dump(by_alias=True) if found else {}
        new = {name: value for name, value in wanted.items() if value != (present.get(name) or type(value)())}
        if not new:
            what = "OUTSCALE has these values already: nothing was changed."
            return FieldProblem(field="form", what=what, mend="Change a field, or close the form.")
        with changing(actor, workspace, "account.update") as change:
            change.record(account_id, region=region, fields=sorted(new))
        try:
            return api.update_account(new)
        except OutscaleError as error:
            with changing(actor, workspace, "account.update_failed") as change:
                answered = not maybe_done(error)
                trouble = error.trouble.value
                change.record(account_id, outcome="failed", region=region, trouble=trouble, answered=answered)
            if maybe_done(error):
                what = f"No answer came, so the account may be changed or not. {error.what}"
                return FieldProblem(field="form", what=what, mend="Refresh: it shows what OUTSCALE has now.")
            if error.trouble in NOT_THIS_KEY:
                raise
            return _refused_change(error, new)

    found = by_stored_key(actor, workspace, account_id, region, question)
    if not isinstance(found, FieldProblem):
        problem = _learn(actor, workspace, account_id, region, found, "account.updated")
        return [problem] if problem else []
    return [found]


def _learn(
    actor: Actor, workspace: Workspace, account_id: str, region: str, found: Answered, action: str
) -> FieldProblem | None:
    with changing(actor, workspace, action) as change:
        row = find(change.session, account_id, region)
        if row is None:
            return unknown(account_id, region)
        _store(row, found)
        change.record(account_id, region=region)
    return None


def _store(row: Account, found: Answered) -> None:
    row.data = found.model_dump(by_alias=True, exclude_none=True)
    row.email = found.email or row.email
    row.company = found.company_name or row.company
    row.read = now()


def _refused_change(error: OutscaleError, new: Mapping[str, str | list[str]]) -> FieldProblem:
    """The refusal beside the field that OUTSCALE's code or words name."""
    if error.code == _DUPLICATE_EMAIL:
        what = f"Another account signs in with this email. (code {error.code})"
        return FieldProblem(field="Email", what=what, mend="Give an email of its own.")
    named = [name for name in new if re.search(rf"\b{name}\b", error.details)]
    if error.code == _BAD_EMAIL:
        named += [name for name in ("Email", "AdditionalEmails") if name in new]
    return refusal(next(iter(named), "form"), error)


def _nameless(region: str) -> FieldProblem:
    what = f"The API of {region} did not say which account the key belongs to."
    return FieldProblem(field="form", what=what, mend="Check the Region's address, or add the account by hand.")
