"""Rotation: an access key replaced by a new one. It is begun, goes on step by step, or is brought back.

What each step does, and in which order, stands in `rotation_steps`."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.checks import CheckResult
from core.domain.credentials import FieldProblem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError
from core.services.checks.run import Progress, Run
from core.services.key_holders import holders, proxy_of, secret_of
from core.services.key_rules import DEFAULT_LIFE, expiry_problem, full, gone, latest_day, longest_life
from core.services.refusals import refusal
from core.services.rights import use_case
from core.services.rotation_steps import STEP_WORK, Stuck, Work, mine, place, stuck, unknown_region
from core.services.scope import Scope, regions_for, scope_of
from core.services.signing import api_with
from core.services.use_case import changing, looking, note_failure
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import Rotation

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
        return Advance(problem=unknown_region(region))
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "rotation.begin") as session:
        if not _all_seen(session, scope, access_key, region):
            return Advance(problem=_no_secret())
        secret = secret_of(session, workspace, access_key, region)
        proxy = proxy_of(session, workspace, [access_key], region)
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
            row.old_secret_sealed = workspace.vault.seal(secret, place(row.id, "old_secret"))
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
        work = Work(actor, workspace, row, token, run)
        waits = row.step == "wait" and not delete_now and (row.delete_after is None or row.delete_after > now())
        try:
            if row.ended or waits or stop.is_set():
                work.release()
                return Advance(show_rotation(actor, workspace, rotation), results)
            results = STEP_WORK[row.step](work) or results
        except Stuck as stuck:
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
        mine(change.session, rotation, token).step = "back"
        change.record(row.old_key, region=row.region, at=row.step)
    return advance(actor, workspace, rotation, take_over=True, progress=progress, stop=stop)


def _claim(
    actor: Actor, workspace: Workspace, rotation: str, token: str, *, take_over: bool
) -> tuple[Rotation | None, FieldProblem | None]:
    with changing(actor, workspace, "rotation.step") as change:
        row = change.session.get(Rotation, rotation)
        if row is None or not _seen(change.session, scope_of(actor, workspace), row):
            return None, stuck("There is no such rotation.", "Look at the list.")
        busy = row.worker not in (None, token) and row.worker_until is not None and row.worker_until > now()
        if row.ended is None and busy and not take_over:
            name = (row.worker or "").rpartition(" ")[0]
            return row, stuck(
                f"{name} is at the step “{row.step}” of this rotation.",
                "Wait until it is done, or take over if nobody is there any more.",
            )
        if row.ended is None:
            row.worker, row.worker_until = token, now() + LEASE
            change.session.add(row)
            change.record(row.old_key, region=row.region, step=row.step)
        return row, None


def _seen(session: Session, scope: Scope, row: Rotation) -> bool:
    """Whether a rotation is in sight, with all credentials that it is for."""
    return _all_seen(session, scope, row.old_key, row.region) and _all_seen(session, scope, row.new_key, row.region)


def _all_seen(session: Session, scope: Scope, access_key: str | None, region: str) -> bool:
    names = [] if scope.everything or not access_key else [user.name for user in holders(session, access_key, region)]
    return scope.sees_key(region) and scope.names(session, names) == names


def _view(session: Session, row: Rotation) -> RotationView:
    users = holders(session, row.old_key, row.region)
    if row.new_key:
        users += holders(session, row.new_key, row.region)
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
    return stuck(f"{who}; it is under way.", "Go on with that rotation, or bring the old key back.")


def _no_secret() -> FieldProblem:
    return stuck(
        "The secret of this key is not here, so it cannot sign for its own replacement.",
        "Create a new key, put it where the old one is used, then delete the old one.",
    )
