"""Rotation: an access key replaced by a new one, step by step.

    create ──► check ──► replace ──► deactivate ──► wait ──► (deleted: done)
       │         │          │            │           │
       └─────────┴──────────┴────────────┴───────────┴──► back (the old key again, the new one deleted)

Each step is recorded before and after its call, and both secrets stay sealed until the end. So a rotation can be
stopped, goes on after a crash, and goes on with another person."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import CredentialsDraft, FieldProblem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError
from core.outscale.oapi import Oapi
from core.services import key_intents, sealed
from core.services.access_keys import forget_key
from core.services.checks.run import Progress, Run
from core.services.kept_keys import keep, kept_row
from core.services.key_intents import About
from core.services.key_rules import DEFAULT_LIFE, expiry_problem, full, gone, latest_day, longest_life, maybe_created
from core.services.onboarding import run_checks
from core.services.policy import policy_of
from core.services.refusals import maybe_done, refusal
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.signing import api_with, kept_place
from core.services.use_case import changing, looking, note_failure
from core.services.workspace import Workspace
from core.store.tables import Credentials, KeyIntent, Project, Rotation, now
from core.vault.vault import Place

STEPS = ("create", "check", "replace", "deactivate", "wait")
"""The steps in their order; `back` stands beside them."""
LEASE = timedelta(minutes=2)
"""How long somebody who is at a step keeps others off it, unless they take over."""


@dataclass(frozen=True)
class RotationView:
    """A rotation as the screen shows it. Times are UTC. `busy`: somebody (`worker`) is at the step now."""

    id: str
    region: str
    account_id: str
    user_name: str
    old_key: str
    new_key: str
    step: str
    actor: str
    worker: str
    busy: bool
    problem: str
    credentials: list[str]
    delete_after: datetime | None
    begun: datetime
    modified: datetime
    ended: datetime | None
    outcome: str

    @property
    def due(self) -> bool:
        """Whether the old key's time of grace is over."""
        return self.step == "wait" and self.delete_after is not None and self.delete_after <= now()


@dataclass(frozen=True)
class Advance:
    """How far a rotation came: where it stands, the checks of the new key if they ran, and what keeps it from going
    on."""

    rotation: RotationView | None = None
    results: list[CheckResult] = field(default_factory=list)
    problem: FieldProblem | None = None


class _Stuck(Exception):  # noqa: N818 - no error, an answer
    """A step that cannot be done now, and why."""

    def __init__(self, problem: FieldProblem, results: list[CheckResult] | None = None) -> None:
        self.problem = problem
        self.results = results or []
        super().__init__(problem.what)


@use_case
def begin_rotation(
    actor: Actor,
    workspace: Workspace,
    access_key: str,
    region: str,
    *,
    user_name: str = "",
    tag: str | None = None,
    expires: date | None = None,
) -> Advance:
    """Begin to replace an access key whose secret is here. `tag`: None keeps the old key's. `expires`: the first day
    (UTC) on which the new key is no longer valid; None for a year, or less where the account's policy says so.
    Nothing is changed at OUTSCALE yet: `advance` does that.

    Raises StoreError when the store refuses, VaultError when the key's secret does not open."""
    if region not in workspace.regions:
        return Advance(problem=_unknown_region(region))
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "rotation.begin") as session:
        if not _all_seen(session, scope, access_key, region):
            return Advance(problem=_no_secret())
        secret = _secret_of(session, workspace, access_key, region)
        proxy = _proxy_of(session, workspace, [access_key], region)
    if secret is None:
        return Advance(problem=_no_secret())
    try:
        with api_with(workspace, region, access_key, secret, parse_proxy(proxy) if proxy else None) as api:
            keys = api.read_access_keys()
            accounts = api.read_accounts()
            longest = longest_life(api)
    except OutscaleError as error:
        return Advance(problem=refusal("form", error))
    key = next((key for key in keys if key.access_key_id == access_key), None)
    if key is None:
        return Advance(problem=gone(access_key))
    day = expires or min(now().date() + DEFAULT_LIFE, latest_day(longest) or date.max)
    until = datetime.combine(day, time(), UTC)
    if problem := full([key.access_key_id for key in keys]) or expiry_problem(until, longest):
        return Advance(problem=problem)
    row = Rotation(
        region=region,
        account_id=(accounts[0].account_id or "") if accounts else "",
        user_name=user_name,
        old_key=access_key,
        old_expires=key.expiration_date,
        new_expires=until,
        tag=(key.tag or "") if tag is None else tag.strip(),
        actor=actor.name,
    )
    try:
        with changing(actor, workspace, "rotation.begin") as change:
            row.old_secret_sealed = workspace.vault.seal(secret, _place(row.id, "old_secret"))
            change.session.add(row)
            change.record(access_key, region=region, account=row.account_id)
    except IntegrityError:
        return Advance(problem=_under_way(actor, workspace, access_key, region))
    return Advance(show_rotation(actor, workspace, row.id))


@use_case
def list_rotations(actor: Actor, workspace: Workspace, *, ended: bool = False) -> list[RotationView]:
    """The rotations that are under way, the oldest first; with `ended`, all of them.

    Raises StoreError when the store cannot be read."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "rotation.list") as session:
        query = select(Rotation).order_by(col(Rotation.begun))
        rows = session.exec(query if ended else query.where(col(Rotation.ended).is_(None))).all()
        return [_view(session, row) for row in rows if _seen(session, scope, row)]


@use_case
def show_rotation(actor: Actor, workspace: Workspace, rotation: str) -> RotationView | None:
    """One rotation; None when there is none of this id."""
    with looking(actor, workspace, "rotation.show") as session:
        row = session.get(Rotation, rotation)
        return _view(session, row) if row and _seen(session, scope_of(actor, workspace), row) else None


@use_case
def advance(
    actor: Actor,
    workspace: Workspace,
    rotation: str,
    *,
    take_over: bool = False,
    delete_now: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Advance:
    """Do the next steps of a rotation until it waits for the old key's time of grace, ends, is stopped, or something
    keeps it from going on. Whoever is at a step keeps others off it for two minutes, unless they `take_over`.
    `delete_now` does not wait for the time of grace.

    Raises StoreError when the store refuses, VaultError when a secret does not open."""
    stop = stop or threading.Event()
    token = f"{actor.name} {secrets.token_hex(8)}"
    run = Run(workspace.settings, regions_for(actor, workspace), workspace.allowed, progress=progress, stop=stop)
    results: list[CheckResult] = []
    while True:
        row, problem = _claim(actor, workspace, rotation, token, take_over=take_over)
        if row is None or problem:
            return Advance(show_rotation(actor, workspace, rotation), results, problem)
        take_over = False
        work = _Work(actor, workspace, row, token, run)
        waits = row.step == "wait" and not delete_now and (row.delete_after is None or row.delete_after > now())
        try:
            if row.ended or waits or stop.is_set():
                work.release()
                return Advance(show_rotation(actor, workspace, rotation), results)
            results = _STEP_WORK[row.step](work) or results
        except _Stuck as stuck:
            work.release(stuck.problem)
            note_failure(
                actor, workspace, "rotation.step", row.old_key, stuck.problem, region=row.region, step=row.step
            )
            return Advance(show_rotation(actor, workspace, rotation), stuck.results or results, stuck.problem)
        except OutscaleError as error:
            problem = refusal("form", error)
            work.release(problem)
            note_failure(actor, workspace, "rotation.step", row.old_key, problem, region=row.region, step=row.step)
            return Advance(show_rotation(actor, workspace, rotation), results, problem)


@use_case
def bring_back(
    actor: Actor,
    workspace: Workspace,
    rotation: str,
    *,
    take_over: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Advance:
    """Undo a rotation: the old key is ACTIVE again and stands in all credentials, the new one is deleted. It can be
    stopped between two steps.

    Raises StoreError when the store refuses, VaultError when a secret does not open."""
    token = f"{actor.name} {secrets.token_hex(8)}"
    row, problem = _claim(actor, workspace, rotation, token, take_over=take_over)
    if row is None or problem:
        return Advance(show_rotation(actor, workspace, rotation), problem=problem)
    if row.ended:
        return Advance(show_rotation(actor, workspace, rotation))
    with changing(actor, workspace, "rotation.back") as change:
        _mine(change.session, rotation, token).step = "back"
        change.record(row.old_key, region=row.region, at=row.step)
    return advance(actor, workspace, rotation, take_over=True, progress=progress, stop=stop)


@dataclass
class _Work:
    """One step under way."""

    actor: Actor
    workspace: Workspace
    row: Rotation
    token: str
    run: Run

    def secret(self, which: str) -> SecretStr:
        """The old or the new secret (`old_secret`, `new_secret`), opened."""
        value = self.row.old_secret_sealed if which == "old_secret" else self.row.new_secret_sealed
        return self.workspace.vault.open(value or "", _place(self.row.id, which))

    def api(self, which: str) -> Oapi:
        """The API, signed by the `old` or the `new` key, through the proxy of the credentials that use it."""
        key = self.row.old_key if which == "old" else self.row.new_key
        if self.row.region not in self.workspace.regions:
            raise _Stuck(_unknown_region(self.row.region))
        with looking(self.actor, self.workspace, "rotation.sign") as session:
            names = [self.row.old_key, self.row.new_key or ""]
            proxy = _proxy_of(session, self.workspace, names, self.row.region)
        signed = parse_proxy(proxy) if proxy else None
        return api_with(self.workspace, self.row.region, key or "", self.secret(f"{which}_secret"), signed)

    def next(self, session: Session, step: str, **changes: Any) -> Rotation:
        """Go on to another step within the transaction of `session`, if nobody took over meanwhile."""
        row = _mine(session, self.row.id, self.token)
        row.step, row.problem, row.modified = step, "", now()
        for name, value in changes.items():
            setattr(row, name, value)
        session.add(row)
        return row

    def end(self, session: Session, outcome: str) -> Rotation:
        """End the rotation within the transaction of `session`: its secrets are forgotten here."""
        return self.next(
            session,
            self.row.step,
            ended=now(),
            outcome=outcome,
            worker=None,
            worker_until=None,
            old_secret_sealed=None,
            new_secret_sealed=None,
        )

    def release(self, problem: FieldProblem | None = None) -> None:
        """Let others at it, and leave word of what keeps it from going on."""
        with self.workspace.store.writing() as session:
            row = session.get(Rotation, self.row.id)
            if row and row.worker == self.token:
                row.worker = row.worker_until = None
                row.problem = str(problem) if problem else row.problem
                row.modified = now()
                session.add(row)


def _create(work: _Work) -> None:
    row, workspace = work.row, work.workspace
    with work.api("old") as api:
        if _adopted(work, api):
            return
        before = [key.access_key_id for key in api.read_access_keys()]
        if problem := full(before):
            raise _Stuck(problem)
        about = About(row.region, row.account_id, user_name=row.user_name, rotation_id=row.id)
        intent = key_intents.begin(work.actor, workspace, about, before)
        try:
            key = api.create_access_key(expiration=row.new_expires, tag=row.tag or None)
        except OutscaleError as error:
            if maybe_done(error):
                raise _Stuck(maybe_created(error).model_copy(update={"mend": _AGAIN})) from None
            with changing(work.actor, workspace, "access_key.refused") as change:
                key_intents.end(change.session, intent, "refused")
                trouble = error.trouble.value
                change.record(row.old_key, outcome="failed", region=row.region, trouble=trouble)
            raise
    with changing(work.actor, workspace, "access_key.created") as change:
        key_intents.end_created(change.session, workspace, intent, key)
        change.record(key.access_key_id, region=row.region, account=row.account_id, rotates=row.old_key)
    _adopt(work, intent)


def _adopted(work: _Work, api: Oapi) -> bool:
    """Resolve what an earlier try at creating left: take over a key whose secret is here, revoke one whose secret got
    lost with the answer."""
    with looking(work.actor, work.workspace, "rotation.intents") as session:
        intents = session.exec(select(KeyIntent).where(KeyIntent.rotation_id == work.row.id)).all()
    for intent in intents:
        if intent.secret_key_sealed:
            _adopt(work, intent.id)
            return True
    for intent in intents:
        if intent.ended is None:
            if problem := key_intents.under_way(work.workspace, intent):
                raise _Stuck(problem)
            lost = key_intents.lost_keys(work.actor, work.workspace, api, intent)
            for key in lost:
                key_intents.remove(work.actor, work.workspace, api, key.access_key_id, work.row.region, "")
            with changing(work.actor, work.workspace, "access_key.revoked" if lost else "access_key.absent") as change:
                revoked = lost[0].access_key_id if lost else None
                key_intents.end(change.session, intent.id, "revoked" if lost else "absent", revoked)
                change.record(revoked or work.row.old_key, region=work.row.region)
    return False


def _adopt(work: _Work, intent: str) -> None:
    """Move a new key's secret from its intention to the rotation, in one transaction."""
    with changing(work.actor, work.workspace, "rotation.created") as change:
        made = change.session.get_one(KeyIntent, intent)
        secret = work.workspace.vault.open(made.secret_key_sealed or "", key_intents.place(made.id))
        sealed_secret = work.workspace.vault.seal(secret, _place(work.row.id, "new_secret"))
        work.next(change.session, "check", new_key=made.access_key, new_secret_sealed=sealed_secret)
        key_intents.end(change.session, intent, "taken")
        change.record(work.row.old_key, region=work.row.region, new=made.access_key)


def _check(work: _Work) -> list[CheckResult]:
    """Every check that the credentials of the old key need, with the new one in its place."""
    row = work.row
    with work.api("new") as api:
        account = api.read_accounts()
    if row.account_id and [one.account_id for one in account] != [row.account_id]:
        raise _Stuck(_stuck("The new key belongs to another account.", "Bring the old key back."))
    with looking(work.actor, work.workspace, "rotation.check") as session:
        users = _users(session, row.old_key, row.region)
        drafts = [(user, _draft_with(session, work, user, row.old_key, row.new_key or "")) for user in users]
    results: list[CheckResult] = []
    for user, draft in drafts:
        found, _ = run_checks(work.actor, work.workspace, draft, work.run)
        results += [line.model_copy(update={"target": f"{user.name}: {line.target}"}) for line in found]
        if work.run.stop.is_set():
            raise _Stuck(_stuck("Stopped while the new key was checked.", "Go on when you are ready."), results)
    failed = [line for line in results if line.outcome is Outcome.FAILED]
    if failed:
        what = f"The new key failed {len(failed)} of the checks that its credentials need: {failed[0].found}"
        raise _Stuck(_stuck(what, "Mend what is named and go on, or bring the old key back."), results)
    with changing(work.actor, work.workspace, "rotation.checked") as change:
        work.next(change.session, "replace", checked={user.name: user.revision for user in users})
        change.record(row.old_key, region=row.region, checks=len(results), credentials=[user.name for user in users])
    return results


def _replace(work: _Work) -> None:
    """Put the new key into all credentials that use the old one, in one transaction: all or none."""
    row = work.row
    with changing(work.actor, work.workspace, "rotation.replaced") as change:
        users = _users(change.session, row.old_key, row.region)
        if {user.name: user.revision for user in users} != row.checked:
            work.next(change.session, "check")  # somebody changed them since the check
            change.record(row.old_key, region=row.region, again="check")
            return
        swapped = _swap(change.session, work, row.old_key, row.new_key or "", work.secret("new_secret"))
        if kept_row(change.session, row.old_key, row.region) or not swapped:
            _keep_new(change.session, work)
        work.next(change.session, "deactivate")
        for name in swapped:
            change.record(name, old=row.old_key, new=row.new_key)
        change.record(row.old_key, region=row.region, new=row.new_key, credentials=swapped)


def _deactivate(work: _Work) -> None:
    row = work.row
    with looking(work.actor, work.workspace, "rotation.users") as session:
        still = _users(session, row.old_key, row.region)
        grace = timedelta(days=policy_of(session).grace_days)
    if still:
        with changing(work.actor, work.workspace, "rotation.again") as change:
            work.next(change.session, "check")
            change.record(row.old_key, region=row.region, credentials=[user.name for user in still])
        return
    with changing(work.actor, work.workspace, "access_key.change") as change:
        change.record(row.old_key, region=row.region, state="INACTIVE", rotation=row.id)
    with work.api("new") as api:
        found = api.read_access_keys(None, [row.old_key])
        if found and found[0].state == "ACTIVE":
            api.update_access_key(row.old_key, state="INACTIVE", expiration=found[0].expiration_date)
    with changing(work.actor, work.workspace, "rotation.deactivated") as change:
        work.next(change.session, "wait", delete_after=now() + grace)
        change.record(row.old_key, region=row.region)


def _delete(work: _Work) -> None:
    row = work.row
    with looking(work.actor, work.workspace, "rotation.users") as session:
        still = _users(session, row.old_key, row.region)
    if still:
        names = ", ".join(user.name for user in still)
        raise _Stuck(_stuck(f"The old key is used again, by {names}.", "Give them another key, or bring it back."))
    with work.api("new") as api:
        key_intents.remove(work.actor, work.workspace, api, row.old_key, row.region, "")
    with changing(work.actor, work.workspace, "rotation.done") as change:
        forget_key(change.session, row.old_key, row.region)
        if not _users(change.session, row.new_key or "", row.region):
            _keep_new(change.session, work)
        work.end(change.session, "done")
        change.record(row.old_key, region=row.region, new=row.new_key)


def _back(work: _Work) -> None:
    row = work.row
    if row.new_key is None:
        with work.api("old") as api:
            if _adopted(work, api):
                with changing(work.actor, work.workspace, "rotation.back") as change:
                    work.next(change.session, "back")
                    change.record(row.old_key, region=row.region)
                return
    else:
        with work.api("new") as api:
            found = api.read_access_keys(None, [row.old_key])
            if not found:
                raise _Stuck(_stuck("The old key was deleted, so it cannot be brought back.", "Go on instead."))
            if found[0].state != "ACTIVE":
                api.update_access_key(row.old_key, state="ACTIVE", expiration=found[0].expiration_date)
        with work.api("old") as api:
            api.read_accounts()
        with changing(work.actor, work.workspace, "rotation.restored") as change:
            swapped = _swap(change.session, work, row.new_key, row.old_key, work.secret("old_secret"))
            change.record(row.old_key, region=row.region, credentials=swapped)
        with work.api("old") as api:
            key_intents.remove(work.actor, work.workspace, api, row.new_key, row.region, "")
    with changing(work.actor, work.workspace, "rotation.ended") as change:
        if row.new_key:
            forget_key(change.session, row.new_key, row.region)
        work.end(change.session, "brought_back")
        change.record(row.old_key, region=row.region)


_STEP_WORK: dict[str, Callable[[_Work], list[CheckResult] | None]] = {
    "create": _create,
    "check": _check,
    "replace": _replace,
    "deactivate": _deactivate,
    "wait": _delete,
    "back": _back,
}
_AGAIN = "Go on with the rotation in half a minute: it looks for that key, revokes it and creates another."


def _claim(
    actor: Actor, workspace: Workspace, rotation: str, token: str, *, take_over: bool
) -> tuple[Rotation | None, FieldProblem | None]:
    with changing(actor, workspace, "rotation.step") as change:
        row = change.session.get(Rotation, rotation)
        if row is None or not _seen(change.session, scope_of(actor, workspace), row):
            return None, _stuck("There is no such rotation.", "Look at the list.")
        busy = row.worker not in (None, token) and row.worker_until is not None and row.worker_until > now()
        if row.ended is None and busy and not take_over:
            name = (row.worker or "").rpartition(" ")[0]
            return row, _stuck(
                f"{name} is at the step “{row.step}” of this rotation.",
                "Wait until it is done, or take over if nobody is there any more.",
            )
        if row.ended is None:
            row.worker, row.worker_until = token, now() + LEASE
            change.session.add(row)
            change.record(row.old_key, region=row.region, step=row.step)
        return row, None


def _mine(session: Session, rotation: str, token: str) -> Rotation:
    row = session.get_one(Rotation, rotation)
    if row.worker != token:
        name = (row.worker or "").rpartition(" ")[0] or "Somebody"
        raise _Stuck(_stuck(f"{name} took over this rotation.", "Look where it stands."))
    return row


def _users(session: Session, access_key: str, region: str) -> list[Credentials]:
    """The credentials, enabled or not, that hold an access key."""
    projects = (
        select(Credentials).join(Project).where(Project.access_key == access_key, Project.region == region).distinct()
    )
    billing = select(Credentials).where(Credentials.billing_access_key == access_key)
    found = {row.id: row for row in [*session.exec(projects).all(), *session.exec(billing).all()]}
    return sorted(found.values(), key=lambda row: row.name)


def _seen(session: Session, scope: Scope, row: Rotation) -> bool:
    """Whether a rotation is in sight, with all credentials that it is for."""
    return _all_seen(session, scope, row.old_key, row.region) and _all_seen(session, scope, row.new_key, row.region)


def _all_seen(session: Session, scope: Scope, access_key: str | None, region: str) -> bool:
    names = [] if scope.everything or not access_key else [user.name for user in _users(session, access_key, region)]
    return scope.sees_key(region) and scope.names(session, names) == names


def _draft_with(session: Session, work: _Work, user: Credentials, old: str, new: str) -> CredentialsDraft:
    """The credentials' form with the new key in the old one's place; of project rows, those that change."""
    draft = sealed.take(session, work.workspace.vault, user)
    secret = work.secret("new_secret")
    if draft.billing_only:
        return draft.model_copy(update={"billing_access_key": new, "billing_secret_key": secret})
    rows = [
        row.model_copy(update={"access_key": new, "secret_key": secret})
        for row in draft.projects
        if row.access_key == old and row.region == work.row.region
    ]
    return draft.model_copy(update={"projects": rows})


def _swap(session: Session, work: _Work, old: str, new: str, secret: SecretStr) -> list[str]:
    """Replace a key in all credentials that hold it; their names."""
    users = _users(session, old, work.row.region)
    for user in users:
        sealed.swap_key(session, work.workspace.vault, user, old, new, secret, work.row.region)
        user.revision += 1
        user.modified = now()
        session.add(user)
    return [user.name for user in users]


def _keep_new(session: Session, work: _Work) -> None:
    row = work.row
    keep(session, work.workspace, row.new_key or "", work.secret("new_secret"), row.region, row.account_id)


def _secret_of(session: Session, workspace: Workspace, access_key: str, region: str) -> SecretStr | None:
    kept = kept_row(session, access_key, region)
    if kept:
        return workspace.vault.open(kept.secret_key_sealed, kept_place(kept.id))
    project = session.exec(select(Project).where(Project.access_key == access_key, Project.region == region)).first()
    if project:
        return sealed.project_secret(workspace.vault, project)
    billing = session.exec(select(Credentials).where(Credentials.billing_access_key == access_key)).first()
    return sealed.billing_secret(workspace.vault, billing) if billing else None


def _proxy_of(session: Session, workspace: Workspace, keys: list[str], region: str) -> str:
    row = session.exec(
        select(Credentials)
        .join(Project)
        .where(col(Project.access_key).in_(keys), Project.region == region, col(Credentials.proxy_sealed).is_not(None))
    ).first()
    return sealed.proxy_of(workspace.vault, row).get_secret_value() if row else ""


def _view(session: Session, row: Rotation) -> RotationView:
    users = _users(session, row.old_key, row.region)
    if row.new_key:
        users += _users(session, row.new_key, row.region)
    return RotationView(
        id=row.id,
        region=row.region,
        account_id=row.account_id,
        user_name=row.user_name,
        old_key=row.old_key,
        new_key=row.new_key or "",
        step=row.step,
        actor=row.actor,
        worker=(row.worker or "").rpartition(" ")[0],
        busy=row.worker is not None and row.worker_until is not None and row.worker_until > now(),
        problem=row.problem,
        credentials=sorted({user.name for user in users}),
        delete_after=row.delete_after,
        begun=row.begun,
        modified=row.modified,
        ended=row.ended,
        outcome=row.outcome or "",
    )


def _under_way(actor: Actor, workspace: Workspace, access_key: str, region: str) -> FieldProblem:
    with looking(actor, workspace, "rotation.begin") as session:
        row = session.exec(
            select(Rotation).where(
                Rotation.old_key == access_key, Rotation.region == region, col(Rotation.ended).is_(None)
            )
        ).first()
    who = f"{row.actor} began to rotate this key on {row.begun:%Y-%m-%d %H:%M} UTC" if row else "It was begun"
    return _stuck(f"{who}; it is under way.", "Go on with that rotation, or bring the old key back.")


def _place(row_id: str, which: str) -> Place:
    return Place(table="rotation", row=row_id, field=which)


def _stuck(what: str, mend: str) -> FieldProblem:
    return FieldProblem(field="form", what=what, mend=mend)


def _no_secret() -> FieldProblem:
    return _stuck(
        "The secret of this key is not here, so it cannot sign for its own replacement.",
        "Create a new key, put it where the old one is used, then delete the old one.",
    )


def _unknown_region(region: str) -> FieldProblem:
    return _stuck(f"The Region {region} is not known now.", "Start the sandbox if it is one of its Regions.")
