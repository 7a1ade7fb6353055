"""A sealed secret shown to a person: who may, for what reason, upon which proof. Screens only; a terminal keeps what it
prints."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.services import sealed
from core.services.local_password import forget_tries, try_password
from core.services.rights import use_case
from core.services.signing import kept_place
from core.services.use_case import changing, looking, note, refuse
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeptKey
from core.store.tables.credentials import Credentials, Project
from core.vault.master_key import VaultError
from core.vault.vault import Vault

REVEAL = "secret.reveal"
FRESH = timedelta(minutes=5)
"""How long ago somebody may have signed in, to reveal a secret."""
SHOWN_FOR = timedelta(seconds=30)
LEAST_REASON = 10
MOST_REASON = 500

_AHEAD = timedelta(minutes=1)
"""How much a provider's clock may be ahead of ours."""


class SealedSecret(BaseModel):
    """A sealed secret that can be revealed: the field of a row, and what people call it. `subject` is what events about
    it are about: the name of its credentials, or its access key."""

    model_config = ConfigDict(frozen=True)

    table: str
    row: str
    field: str
    subject: str
    access_key: str = ""
    region: str = ""

    def __str__(self) -> str:
        if self.field == "proxy":
            return "Proxy with its password"
        which = "Billing secret key" if self.field == "billing_secret_key" else "Secret key"
        return f"{which} of {self.access_key}" + (f" in {self.region}" if self.region else "")


@dataclass(frozen=True)
class Revealed:
    """What became of a reveal: the secret, or what is wrong."""

    secret: SecretStr | None = None
    problem: FieldProblem | None = None


def is_fresh(signed_in: datetime | None) -> bool:
    """Whether a sign-in of that moment (UTC) is proof enough."""
    return signed_in is not None and now() - FRESH <= signed_in <= now() + _AHEAD


@use_case
def sealed_secrets(actor: Actor, workspace: Workspace, name: str | None = None) -> list[SealedSecret]:
    """What can be revealed of the credentials called `name`; without a name, of the keys that are kept here."""
    with looking(actor, workspace, "secret.list") as session:
        if name is None:
            kept = session.exec(select(KeptKey).order_by(col(KeptKey.access_key), col(KeptKey.region))).all()
            return [_of_kept(one) for one in kept]
        row = session.exec(select(Credentials).where(Credentials.name == name)).first()
        if row is None:
            return []
        found = [_of_project(row, project) for project in sealed.projects_of(session, row)]
        if row.billing_secret_key_sealed:
            found.append(_of_credentials(row, "billing_secret_key"))
        if row.proxy_sealed:
            found.append(_of_credentials(row, "proxy"))
        return found


@use_case
def reveal(
    actor: Actor,
    workspace: Workspace,
    wanted: SealedSecret,
    *,
    reason: str,
    password: SecretStr | None = None,
    signed_in: datetime | None = None,
) -> Revealed:
    """Open one sealed secret for an administrator at a screen. The proof is a sign-in of the last minutes, at
    `signed_in`; where nobody signs in that is None, and `password` is the local operator's. Event and secret come
    together: what cannot be recorded is not shown. What was refused or failed is recorded too, and never the
    secret: the reason of what was refused is not, because it was held against no secret or password.

    Raises NotAllowedError for anybody but an administrator, or at a terminal; StoreError when it cannot be recorded."""
    if actor.via == "terminal":
        raise refuse(actor, workspace, REVEAL, wanted.subject, "A secret is revealed on a screen, never in a terminal.")
    reason = " ".join(reason.split())
    if problem := _reason_problem(reason, password):
        return Revealed(problem=problem)

    def refused(problem: FieldProblem, why: str) -> Revealed:
        note(actor, workspace, REVEAL, wanted.subject, outcome="refused", why=why, **_details(wanted))
        return Revealed(problem=problem)

    if signed_in is None:
        tried = try_password(workspace, password or SecretStr(""))
        if tried.problem:
            return refused(tried.problem, f"password {tried.reason}")
    elif not is_fresh(signed_in):
        what = f"You signed in more than {FRESH.seconds // 60} minutes ago."
        return refused(FieldProblem(field="sign_in", what=what, mend="Sign in again, then reveal it."), "old sign-in")
    with changing(actor, workspace, REVEAL) as change:
        if signed_in is None:
            forget_tries(change.session)
        try:
            secret, there = _opened(change.session, workspace.vault, wanted)
            problem = None if secret else _gone()
        except VaultError as error:
            secret, there, problem = None, wanted, FieldProblem(field="secret", what=str(error), mend="")
        if secret and secret.get_secret_value() in reason:
            secret, problem, reason = None, _told_in_reason(), "(it held the secret)"
        if problem:
            change.record(there.subject, outcome="failed", why=problem.what, reason=reason, **_details(there))
        else:
            change.record(there.subject, outcome="done", reason=reason, **_details(there))
    return Revealed(secret, problem)


def _details(one: SealedSecret) -> dict[str, str]:
    """What events say of a secret, besides their subject."""
    return {
        "table": one.table,
        "row": one.row,
        "field": one.field,
        "access_key": one.access_key,
        "region": one.region,
    }


def _reason_problem(reason: str, password: SecretStr | None) -> FieldProblem | None:
    if not LEAST_REASON <= len(reason) <= MOST_REASON:
        what = f"The reason has {len(reason)} characters." if reason else "There is no reason."
        mend = f"Say in {LEAST_REASON} to {MOST_REASON} characters what the secret is needed for: it is recorded."
        return FieldProblem(field="reason", what=what, mend=mend)
    if password and password.get_secret_value() and password.get_secret_value() in reason:
        return _told_in_reason()
    return None


def _gone() -> FieldProblem:
    mend = "Close this window and look at what is stored now."
    return FieldProblem(field="secret", what="This secret is no longer here.", mend=mend)


def _told_in_reason() -> FieldProblem:
    return FieldProblem(field="reason", what="The reason holds a secret itself.", mend="Say what it is needed for.")


def _opened(session: Session, vault: Vault, wanted: SealedSecret) -> tuple[SecretStr | None, SealedSecret]:
    """The secret, and what it is by its row as it is now; no secret when the row or its secret is gone. The vault is
    asked for no place that the caller made up.

    Raises VaultError when it does not open."""
    if wanted.table == "kept_key" and (kept := session.get(KeptKey, wanted.row)):
        return vault.open(kept.secret_key_sealed, kept_place(kept.id)), _of_kept(kept)
    if wanted.table == "project" and (project := session.get(Project, wanted.row)):
        owner = session.get_one(Credentials, project.credentials_id)
        return sealed.project_secret(vault, project), _of_project(owner, project)
    if wanted.table == "credentials" and (row := session.get(Credentials, wanted.row)):
        if wanted.field == "billing_secret_key" and row.billing_secret_key_sealed:
            return sealed.billing_secret(vault, row), _of_credentials(row, wanted.field)
        if wanted.field == "proxy" and row.proxy_sealed:
            return sealed.proxy_of(vault, row), _of_credentials(row, wanted.field)
    return None, wanted


def _of_project(owner: Credentials, row: Project) -> SealedSecret:
    return SealedSecret(
        table="project",
        row=row.id,
        field="secret_key",
        subject=owner.name,
        access_key=row.access_key,
        region=row.region,
    )


def _of_credentials(row: Credentials, field: str) -> SealedSecret:
    access_key = row.billing_access_key or "" if field == "billing_secret_key" else ""
    return SealedSecret(table="credentials", row=row.id, field=field, subject=row.name, access_key=access_key)


def _of_kept(row: KeptKey) -> SealedSecret:
    return SealedSecret(
        table="kept_key",
        row=row.id,
        field="secret_key",
        subject=row.access_key,
        access_key=row.access_key,
        region=row.region,
    )
