"""The walkthrough: a person's tour on the sandbox, from the request for an account to its costs.

What is done is told by the store: a step is done because the request, the account, the key or the credentials that it
makes are there. The tour's own row names them, so that starting over deletes these and nothing else."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.checks import CheckResult
from core.domain.credentials import FieldProblem
from core.outscale.recording import Exchange, Recorder, recording
from core.sandbox.control import ControlError, withdraw
from core.sandbox.info import read_info
from core.sandbox.places import EAST, WEST
from core.services import key_intents
from core.services.accounts import forget_account
from core.services.billing import BucketChoice
from core.services.credentials import delete_credentials
from core.services.rights import use_case, why_not
from core.services.use_case import changing, looking, refuse
from core.services.walkthrough_steps import (
    Answer,
    Progress,
    Step,
    Work,
    choice_of,
    do,
)
from core.services.walkthrough_things import Fact, Things, checks_of, facts_of, own_tour, things_of
from core.services.workspace import Workspace
from core.store.tables.access_keys import KeptKey, KeyIntent, Rotation
from core.store.tables.credentials import Credentials, Project
from core.store.tables.walkthrough import Walkthrough

AFTER: dict[Step, Step | None] = {
    Step.REQUEST: None,
    Step.GRANT: Step.REQUEST,
    Step.CONFIRM: Step.GRANT,
    Step.KEY: Step.CONFIRM,
    Step.CREDENTIALS: Step.KEY,
    Step.MISTAKE: Step.CREDENTIALS,
    Step.BILLING: None,
    Step.BUCKET: Step.BILLING,
    Step.COSTS: Step.BILLING,
}
"""Which step must be done before."""
NEEDS: dict[Step, tuple[str, ...]] = {
    Step.REQUEST: ("requests.save_draft", "requests.send"),
    Step.GRANT: ("request_answers.poll_answers",),
    Step.CONFIRM: ("doors.open_with_password",),
    Step.KEY: ("access_keys.create_key", "key_intents.take"),
    Step.CREDENTIALS: ("onboarding.add_credentials",),
    Step.MISTAKE: ("onboarding.add_credentials",),
    Step.BILLING: ("onboarding.add_credentials",),
    Step.BUCKET: ("bucket_index.refresh",),
    Step.COSTS: ("bill_pull.pull",),
}
"""What somebody must be allowed to do for a step."""
_turns: dict[str, threading.Lock] = {}
_turn = threading.Lock()


@dataclass(frozen=True)
class StepView:
    """A step as it stands. `blocked_by`: the step that comes first; `refused`: why the person's role may not do it.
    `facts`: what there is because of it, by its label; `requests`: what was sent, the first of `sent` requests, with
    every secret masked."""

    step: Step
    done: bool = False
    blocked_by: Step | None = None
    refused: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    requests: list[Exchange] = field(default_factory=list)
    sent: int = 0


@dataclass(frozen=True)
class Tour:
    """The tour of a person. `problem`: why it cannot go on as a whole; `mistaken`: the mistake was made and is not
    mended; `bills`: the first and last day of the bills that were read; `accounts`: whose they are."""

    steps: list[StepView]
    choice: BucketChoice | None = None
    problem: FieldProblem | None = None
    mistaken: bool = False
    bills: tuple[date, date] | None = None
    accounts: tuple[str, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether there is anything to start over."""
        return self.choice is not None

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(one.done for one in self.steps)

    @property
    def current(self) -> Step:
        """The step that is next; the last one when all are done."""
        waiting = [one.step for one in self.steps if not one.done and not one.refused]
        return waiting[0] if waiting else self.steps[-1].step

    def view(self, step: Step) -> StepView:
        """How a step stands."""
        return next(one for one in self.steps if one.step is step)


@use_case
def show_tour(actor: Actor, workspace: Workspace) -> Tour:
    """The person's tour as it stands.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "walkthrough.show") as session:
        row = own_tour(session, actor)
        things = things_of(session, row) if row else Things()
    told: dict[str, Any] = row.told if row else {}
    done = {
        Step.REQUEST: things.request is not None and things.request.state != "draft",
        Step.GRANT: things.request is not None and things.request.state == "granted",
        Step.CONFIRM: things.account is not None and things.account.password_confirmed is not None,
        Step.KEY: things.key_held,
        Step.CREDENTIALS: things.credentials is not None,
        Step.MISTAKE: things.credentials is not None and "mended" in told.get(Step.MISTAKE, {}),
        Step.BILLING: things.bills is not None,
        Step.BUCKET: things.bills is not None and _told(told, Step.BUCKET) and bool(things.index),
        Step.COSTS: things.bills is not None and _told(told, Step.COSTS) and bool(things.read),
    }
    facts, checks = facts_of(row, things), checks_of(told, things)
    views = []
    for step in Step:
        before = AFTER[step]
        asked = told.get(step, {})
        views.append(
            StepView(
                step,
                done[step],
                None if before is None or done[before] else before,
                next(filter(None, (why_not(actor.role, function) for function in NEEDS[step])), ""),
                facts[step],
                checks.get(step, []),
                [Exchange.model_validate(one) for one in asked.get("requests", [])],
                asked.get("sent", 0),
            )
        )
    days = [day for one in things.read for day in (one.first_day, one.last_day) if day]
    return Tour(
        views,
        choice_of(row) if row else None,
        _problem_of(workspace, things),
        done[Step.CREDENTIALS] and not done[Step.MISTAKE] and "seen" in told.get(Step.MISTAKE, {}),
        (min(days), max(days)) if days else None,
        tuple(sorted({account for one in things.read for account in one.accounts})),
    )


@use_case
def do_step(
    actor: Actor,
    workspace: Workspace,
    step: Step,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Answer:
    """Do a step, by the same services as the screens, and keep what was sent for that. One that is done is left as it
    is; one that failed can be done again.

    Raises NotAllowedError when the role may not do what the step does, StoreError when the store refuses."""
    with _turn_of(actor):
        tour = show_tour(actor, workspace)
        view = tour.view(step)
        if tour.problem or view.done:
            return Answer(tour.problem)
        if view.refused:
            raise refuse(actor, workspace, "walkthrough.do_step", step, view.refused)
        if view.blocked_by:
            return Answer(FieldProblem(field="form", what="Another step comes first.", mend="Do that one."))
        row = _begun(actor, workspace)
        work = Work(actor, workspace, row, progress or (lambda *_: None), stop or threading.Event())
        with recording() as recorder:
            answer = do(step, work)
        _keep(actor, workspace, row, step, answer, recorder)
    return answer


@use_case
def start_over(actor: Actor, workspace: Workspace) -> FieldProblem | None:
    """Delete what the person's tour made: its credentials, its key and account at the sandbox, its request. Nothing
    else is touched, and what was done stays in the audit trail. Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    with _turn_of(actor):
        with looking(actor, workspace, "walkthrough.show") as session:
            row = own_tour(session, actor)
            if row is None:
                return None
            things = things_of(session, row)
            if problem := _used_elsewhere(session, row, things):
                return problem
        try:
            if things.request and things.request.ticket:
                withdraw(workspace.settings, things.request.ticket)
        except ControlError as error:
            return FieldProblem(field="form", what=str(error), mend="Then start over again.")
        for credentials in (things.credentials, things.bills):
            if credentials:
                delete_credentials(actor, workspace, credentials.name, credentials.name)
        _forget_keys(actor, workspace, row, things)
        if things.account and (
            problem := forget_account(actor, workspace, things.account.account_id, things.account.region)
        ):
            return problem
        with changing(actor, workspace, "walkthrough.start_over") as change:
            for gone in (things.request, row):
                if gone and (found := change.session.get(type(gone), gone.id)):
                    change.session.delete(found)
            change.record(row.mark, request=row.request_id, access_key=row.access_key)
    return None


def _turn_of(actor: Actor) -> threading.Lock:
    """One step of a person's tour at a time, whatever windows they have."""
    with _turn:
        return _turns.setdefault(actor.name, threading.Lock())


def _told(told: dict[str, Any], step: Step) -> bool:
    return "done" in told.get(step, {})


def _begun(actor: Actor, workspace: Workspace) -> Walkthrough:
    with changing(actor, workspace, "walkthrough.begin") as change:
        row = own_tour(change.session, actor)
        if row is None:
            row = Walkthrough(actor=actor.name, mark=secrets.token_hex(3), region=WEST)
            change.session.add(row)
            change.record(row.mark)
    return row


def _keep(actor: Actor, workspace: Workspace, row: Walkthrough, step: Step, answer: Answer, recorder: Recorder) -> None:
    """Write down how a step ended, and what was sent for it."""
    requests = [one.model_dump(mode="json") for one in recorder.exchanges]
    with changing(actor, workspace, "walkthrough.step") as change:
        stored = change.session.get_one(Walkthrough, row.id)
        asked = stored.told.get(step, {}) | answer.told | {"requests": requests, "sent": recorder.count}
        stored.told = stored.told | {step: asked}
        problem = {"why": answer.problem.what[:500]} if answer.problem else {}
        change.record(row.mark, outcome="failed" if answer.problem else "done", step=step, **problem)


def _problem_of(workspace: Workspace, things: Things) -> FieldProblem | None:
    """Why the tour cannot go on: there is no sandbox now, or another one."""
    regions = workspace.regions
    if not all(name in regions and regions[name].sandbox for name in (WEST, EAST)):
        return FieldProblem(
            field="sandbox",
            what="The sandbox does not run, and the tour goes nowhere else.",
            mend="Start it: onboarding sandbox, or onboarding run, which starts the dashboard too.",
        )
    request = things.request
    known = [one["account_id"] for one in (read_info(workspace.settings) or {"accounts": []})["accounts"]]
    if request and request.state == "granted" and request.granted_account_id not in known:
        return FieldProblem(
            field="sandbox",
            what="The sandbox was started over since, and has forgotten the account of this tour.",
            mend="Start the tour over too.",
        )
    return None


def _used_elsewhere(session: Session, row: Walkthrough, things: Things) -> FieldProblem | None:
    """What of others depends on the tour's account or key."""
    if things.account is None:
        return None
    place = (Project.account_id == things.account.account_id, Project.region == things.account.region)
    wanted = select(Credentials.name).join(Project).where(*place, Credentials.id != row.credentials_id)
    if names := sorted(set(session.exec(wanted).all())):
        what = f"The credentials {', '.join(names)} use the tour's account."
        return FieldProblem(field="form", what=what, mend="Delete them first, or take its rows out of them.")
    rotation = select(Rotation.id).where(
        Rotation.account_id == things.account.account_id,
        Rotation.region == things.account.region,
        col(Rotation.ended).is_(None),
    )
    if session.exec(rotation).first():
        what = "A key of the tour's account is being rotated."
        return FieldProblem(field="form", what=what, mend="Finish that on the screen Access keys.")
    return None


def _forget_keys(actor: Actor, workspace: Workspace, row: Walkthrough, things: Things) -> None:
    """The account is closed, and its keys with it: what is kept of them, and what was begun, is over."""
    if things.account is None:
        return
    account_id, region, email = things.account.account_id, things.account.region, things.account.email
    with changing(actor, workspace, "walkthrough.forget_keys") as change:
        session = change.session
        for kept in session.exec(
            select(KeptKey).where(KeptKey.account_id == account_id, KeptKey.region == region)
        ).all():
            session.delete(kept)
        begun = session.exec(
            select(KeyIntent).where(
                KeyIntent.region == region,
                (col(KeyIntent.account_id) == account_id) | (col(KeyIntent.email) == email),
                col(KeyIntent.ended).is_(None) | col(KeyIntent.secret_key_sealed).is_not(None),
            )
        ).all()
        for intent in begun:
            key_intents.end(session, intent.id, "revoked")
        change.record(row.mark, account=account_id, region=region)
