"""Keypairs of an account: listed, created, imported, deleted; no private key lost without somebody being told.

intended ──► refused             OUTSCALE said no
         ──► created ──► taken   the private key was shown, and its creator says that it is saved
                     ──► revoked ... or it was not, and the keypair was deleted
         ──► (open)  ──► absent  no answer, or the process was killed: looked for, and nothing was there
                     ──► revoked ... or it was there, its private key lost with the answer, and it was deleted"""

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.keypairs import is_private_key, keypair_name_problem, public_key_problem
from core.outscale.errors import OutscaleError
from core.outscale.models import Account, CreatedKeypair, Keypair
from core.outscale.oapi import Oapi
from core.services.key_intents import under_way
from core.services.refusals import maybe_done
from core.services.rights import use_case
from core.services.scope import scope_of
from core.services.signing import by_stored_key
from core.services.use_case import changing, looking, note_failure
from core.services.workspace import Workspace
from core.store.columns import new_id, now
from core.store.store import StoreError
from core.store.tables.access_keys import KeyIntent

KIND = "keypair"
_DUPLICATE = "9011"


@dataclass(frozen=True)
class KeypairList:
    """The account's keypairs by name, or what kept from reading them. A keypair's fingerprint is an MD5."""

    keypairs: list[Keypair] = field(default_factory=list)
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class NewKeypair:
    """What became of creating or importing: the keypair, or what is wrong; both when it was created but not recorded.
    `private_key` (PEM) is given this once, and is stored nowhere; `intent` names what `take` ends when it is saved.
    `pasted_private`: what was pasted as a public key is a private one, so that the screen must forget it."""

    keypair: Keypair | None = None
    private_key: SecretStr | None = None
    intent: str = ""
    problem: FieldProblem | None = None
    pasted_private: bool = False


class OpenKeypair(BaseModel):
    """An intention to create a keypair that is not resolved. `created`: it exists, and its private key was shown;
    otherwise it may exist. `begun` is UTC."""

    model_config = ConfigDict(frozen=True)

    id: str
    account_id: str
    region: str
    name: str
    actor: str
    begun: datetime
    created: bool

    def __str__(self) -> str:
        if self.created:
            return f"The private key of {self.name} was shown once, and nobody has said that it is saved."
        return f"A keypair {self.name} may exist at OUTSCALE whose private key nobody has."


@dataclass(frozen=True)
class Look:
    """What a look at OUTSCALE brought out about an open intention: the keypair, or None when there is none and the
    intention is resolved; or what kept from looking."""

    found: Keypair | None = None
    problem: FieldProblem | None = None


@use_case
def list_keypairs(actor: Actor, workspace: Workspace, account_id: str, region: str) -> KeypairList:
    """Read the account's keypairs, signed by a key whose secret is here.

    Raises StoreError when the store cannot be read."""
    found = by_stored_key(actor, workspace, account_id, region, lambda api, _: api.read_keypairs())
    if isinstance(found, FieldProblem):
        return KeypairList(problem=found)
    return KeypairList(sorted(found, key=lambda one: one.keypair_name))


@use_case
def create_keypair(actor: Actor, workspace: Workspace, account_id: str, region: str, name: str) -> NewKeypair:
    """Have OUTSCALE make a keypair. The intention is stored before the call and the outcome after it; it stays open
    until `take` says that the private key is saved.

    Raises StoreError when the intention cannot be stored; then nothing was created."""
    name = name.strip()
    if problem := keypair_name_problem(name):
        return NewKeypair(problem=problem)

    def question(api: Oapi, _: Account | None) -> NewKeypair:
        before = [one.keypair_name for one in api.read_keypairs()]
        if name in before:
            return NewKeypair(problem=_taken(name))
        intent = _begin(actor, workspace, account_id, region, name, before)
        try:
            created = api.create_keypair(name)
        except OutscaleError as error:
            if maybe_done(error):
                return NewKeypair(problem=_unanswered(name, error))
            with changing(actor, workspace, "keypair.refused") as change:
                _end(change.session.get_one(KeyIntent, intent), "refused")
                change.record(account_id, outcome="failed", region=region, keypair=name, trouble=error.trouble.value)
            if error.code == _DUPLICATE:
                return NewKeypair(problem=_taken(name))
            raise
        return _created(actor, workspace, intent, created)

    return _new(by_stored_key(actor, workspace, account_id, region, question))


@use_case
def import_keypair(
    actor: Actor, workspace: Workspace, account_id: str, region: str, name: str, public_key: SecretStr
) -> NewKeypair:
    """Give OUTSCALE the public half of a keypair: one line in the form of OpenSSH. It comes as a SecretStr because a
    private key may have been pasted instead; that is refused and forgotten.

    Raises StoreError when the store refuses."""
    name, line = name.strip(), public_key.get_secret_value().strip()
    if problem := keypair_name_problem(name) or public_key_problem(line):
        return NewKeypair(problem=problem, pasted_private=is_private_key(line))

    def question(api: Oapi, _: Account | None) -> NewKeypair:
        with changing(actor, workspace, "keypair.import") as change:
            change.record(account_id, region=region, keypair=name)
        try:
            imported = api.create_keypair(name, line)
        except OutscaleError as error:
            with changing(actor, workspace, "keypair.import_failed") as change:
                change.record(account_id, outcome="failed", region=region, keypair=name, trouble=error.trouble.value)
            if maybe_done(error):
                what = f"No answer came, so the keypair may be imported or not. {error.what}"
                return NewKeypair(problem=FieldProblem(field="form", what=what, mend="Read the list again to see."))
            if error.code == _DUPLICATE:
                return NewKeypair(problem=_taken(name))
            raise
        return NewKeypair(_public(imported))

    made = _new(by_stored_key(actor, workspace, account_id, region, question))
    if made.keypair:
        with changing(actor, workspace, "keypair.imported") as change:
            change.record(account_id, region=region, keypair=name, fingerprint=made.keypair.keypair_fingerprint)
    return made


@use_case
def delete_keypair(
    actor: Actor, workspace: Workspace, account_id: str, region: str, name: str, typed: str
) -> FieldProblem | None:
    """Delete a keypair; `typed` must be its name again. Instances that were started with it keep the public key that
    they got. What was open about it is resolved. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    if typed.strip() != name.strip():
        return FieldProblem(field="typed", what="This is not the keypair's name.", mend=f"Type it exactly: {name}")

    def question(api: Oapi, _: Account | None) -> bool:
        if not api.read_keypairs([name]):
            return False
        with changing(actor, workspace, "keypair.delete") as change:
            change.record(account_id, region=region, keypair=name)
        api.delete_keypair(name)
        return True

    deleted = by_stored_key(actor, workspace, account_id, region, question)
    if isinstance(deleted, FieldProblem):
        return note_failure(actor, workspace, "keypair.delete", account_id, deleted, region=region, keypair=name)
    if not deleted:
        what = f"There is no keypair {name} any more: somebody deleted it."
        return FieldProblem(field="form", what=what, mend="Read the list again.")
    with changing(actor, workspace, "keypair.deleted") as change:
        for row in _open_rows(change.session, account_id, region):
            if row.name == name:
                _end(row, "revoked")
        change.record(account_id, region=region, keypair=name)
    return None


@use_case
def open_keypair_intents(
    actor: Actor, workspace: Workspace, account_id: str | None = None, region: str | None = None
) -> list[OpenKeypair]:
    """The intentions that need somebody, of one account and Region or of all, the oldest first.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "keypairs.open") as session:
        return [
            OpenKeypair(**row.model_dump(), created=row.outcome == "created")
            for row in _open_rows(session, account_id, region)
            if scope.sees_key(row.region)
        ]


@use_case
def resolve_keypair_intent(actor: Actor, workspace: Workspace, intent: str) -> Look:
    """Look at OUTSCALE for the keypair of an open intention. When there is none, the intention is resolved. One that is
    found is deleted with `delete_keypair`, or somebody has its private key: `take`.

    Raises StoreError when the store refuses."""
    with looking(actor, workspace, "keypairs.open") as session:
        row = session.get(KeyIntent, intent)
    if row is None or row.kind != KIND or row.ended is not None or not scope_of(actor, workspace).sees_key(row.region):
        return Look()
    if row.outcome is None and (problem := under_way(workspace, row)):
        return Look(problem=problem)
    name = row.name
    found = by_stored_key(actor, workspace, row.account_id, row.region, lambda api, _: api.read_keypairs([name]))
    if isinstance(found, FieldProblem):
        return Look(problem=found)
    if found:
        return Look(found[0])
    _resolve(actor, workspace, intent, "absent")
    return Look()


@use_case
def take(actor: Actor, workspace: Workspace, intent: str) -> None:
    """Somebody has the private key of this intention's keypair, and says so. Taking it twice changes nothing.

    Raises StoreError when the store refuses."""
    _resolve(actor, workspace, intent, "taken")


def _new(answer: NewKeypair | FieldProblem) -> NewKeypair:
    return NewKeypair(problem=answer) if isinstance(answer, FieldProblem) else answer


def _begin(actor: Actor, workspace: Workspace, account_id: str, region: str, name: str, before: list[str]) -> str:
    with changing(actor, workspace, "keypair.intend") as change:
        row = KeyIntent(
            id=new_id(), kind=KIND, actor=actor.name, account_id=account_id, region=region, name=name, before=before
        )
        change.session.add(row)
        change.record(account_id, region=region, keypair=name)
        return row.id


def _created(actor: Actor, workspace: Workspace, intent: str, created: CreatedKeypair) -> NewKeypair:
    if created.private_key is None:
        what = f"OUTSCALE made the keypair {created.keypair_name}, but sent no private key."
        return NewKeypair(problem=FieldProblem(field="form", what=what, mend="It is of no use: look for it below."))
    made = NewKeypair(_public(created), created.private_key, intent)
    try:
        with changing(actor, workspace, "keypair.created") as change:
            row = change.session.get_one(KeyIntent, intent)
            row.outcome = "created"
            change.record(row.account_id, region=row.region, keypair=row.name, fingerprint=created.keypair_fingerprint)
    except StoreError as error:
        # The keypair exists: showing its private key matters more than the record, whose intention stays open.
        what = f"The keypair was created, but that was not recorded: {error}"
        problem = FieldProblem(field="form", what=what, mend="Save the private key now.")
        return NewKeypair(made.keypair, made.private_key, intent, problem)
    return made


def _public(created: CreatedKeypair) -> Keypair:
    return Keypair.model_validate(created.model_dump(exclude={"private_key"}))


def _resolve(actor: Actor, workspace: Workspace, intent: str, outcome: str) -> None:
    with changing(actor, workspace, f"keypair.{outcome}") as change:
        row = change.session.get(KeyIntent, intent)
        if row and row.kind == KIND and row.ended is None and scope_of(actor, workspace).sees_key(row.region):
            _end(row, outcome)
            change.record(row.account_id, region=row.region, keypair=row.name)


def _end(row: KeyIntent, outcome: str) -> None:
    row.ended, row.outcome = now(), outcome


def _open_rows(session: Session, account_id: str | None, region: str | None) -> list[KeyIntent]:
    wanted = select(KeyIntent).where(KeyIntent.kind == KIND, col(KeyIntent.ended).is_(None))
    rows = session.exec(wanted.order_by(col(KeyIntent.begun))).all()
    return [row for row in rows if account_id in (None, row.account_id) and region in (None, row.region)]


def _taken(name: str) -> FieldProblem:
    return FieldProblem(field="name", what=f"There is a keypair {name} already.", mend="Choose another name.")


def _unanswered(name: str, error: OutscaleError) -> FieldProblem:
    what = f"No answer came, so a keypair {name} may exist at OUTSCALE whose private key nobody has. {error.what}"
    return FieldProblem(field="form", what=what, mend="It is listed with the keypairs now: look for it there.")
