"""What each step of a rotation does.

    create ──► check ──► replace ──► deactivate ──► wait ──► (deleted: done)
       │         │          │            │           │
       └─────────┴──────────┴────────────┴───────────┴──► back (the old key again, the new one deleted)

Each step is recorded before and after its call, and both secrets stay sealed until the end. So a rotation can be
stopped, goes on after a crash, and goes on with another person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from sqlmodel import Session, select

from core.domain.actor import Actor
from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import FieldProblem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError
from core.outscale.oapi import Oapi
from core.services import key_intents
from core.services.access_keys import forget_key
from core.services.checks.run import Run
from core.services.kept_keys import keep, kept_row
from core.services.key_holders import draft_with, holders, proxy_of, replace_key
from core.services.key_intents import About
from core.services.key_rules import full, maybe_created
from core.services.onboarding import run_checks
from core.services.policy import policy_of
from core.services.refusals import maybe_done
from core.services.signing import api_with
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeyIntent, Rotation
from core.vault.vault import Place

STEPS = ("create", "check", "replace", "deactivate", "wait")
"""The steps in their order; `back` stands beside them."""
_AGAIN = "Go on with the rotation in half a minute: it looks for that key, revokes it and creates another."


class Stuck(Exception):  # noqa: N818 - no error, an answer
    """A step that cannot be done now, and why."""

    def __init__(self, problem: FieldProblem, results: list[CheckResult] | None = None) -> None:
        self.problem = problem
        self.results = results or []
        super().__init__(problem.what)


@dataclass
class Work:
    """One step under way."""

    actor: Actor
    workspace: Workspace
    row: Rotation
    token: str
    run: Run

    def secret(self, which: str) -> SecretStr:
        """The old or the new secret (`old_secret`, `new_secret`), opened."""
        value = self.row.old_secret_sealed if which == "old_secret" else self.row.new_secret_sealed
        return self.workspace.vault.open(value or "", place(self.row.id, which))

    def api(self, which: str) -> Oapi:
        """The API, signed by the `old` or the `new` key, through the proxy of the credentials that use it."""
        key = self.row.old_key if which == "old" else self.row.new_key
        if self.row.region not in self.workspace.regions:
            raise Stuck(unknown_region(self.row.region))
        with looking(self.actor, self.workspace, "rotation.sign") as session:
            names = [self.row.old_key, self.row.new_key or ""]
            proxy = proxy_of(session, self.workspace, names, self.row.region)
        signed = parse_proxy(proxy) if proxy else None
        return api_with(self.workspace, self.row.region, key or "", self.secret(f"{which}_secret"), signed)

    def next(self, session: Session, step: str, **changes: Any) -> Rotation:
        """Go on to another step within the transaction of `session`, if nobody took over meanwhile."""
        row = mine(session, self.row.id, self.token)
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


def _create(work: Work) -> None:
    row, workspace = work.row, work.workspace
    with work.api("old") as api:
        if _adopted(work, api):
            return
        before = [key.access_key_id for key in api.read_access_keys()]
        if problem := full(before):
            raise Stuck(problem)
        about = About(row.region, row.account_id, user_name=row.user_name, rotation_id=row.id)
        intent = key_intents.begin(work.actor, workspace, about, before)
        try:
            key = api.create_access_key(expiration=row.new_expires, tag=row.tag or None)
        except OutscaleError as error:
            if maybe_done(error):
                raise Stuck(maybe_created(error).model_copy(update={"mend": _AGAIN})) from None
            with changing(work.actor, workspace, "access_key.refused") as change:
                key_intents.end(change.session, intent, "refused")
                trouble = error.trouble.value
                change.record(row.old_key, outcome="failed", region=row.region, trouble=trouble)
            raise
    with changing(work.actor, workspace, "access_key.created") as change:
        key_intents.end_created(change.session, workspace, intent, key)
        change.record(key.access_key_id, region=row.region, account=row.account_id, rotates=row.old_key)
    _adopt(work, intent)


def _adopted(work: Work, api: Oapi) -> bool:
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
                raise Stuck(problem)
            lost = key_intents.lost_keys(work.actor, work.workspace, api, intent)
            for key in lost:
                key_intents.remove(work.actor, work.workspace, api, key.access_key_id, work.row.region, "")
            with changing(work.actor, work.workspace, "access_key.revoked" if lost else "access_key.absent") as change:
                revoked = lost[0].access_key_id if lost else None
                key_intents.end(change.session, intent.id, "revoked" if lost else "absent", revoked)
                change.record(revoked or work.row.old_key, region=work.row.region)
    return False


def _adopt(work: Work, intent: str) -> None:
    """Move a new key's secret from its intention to the rotation, in one transaction."""
    with changing(work.actor, work.workspace, "rotation.created") as change:
        made = change.session.get_one(KeyIntent, intent)
        secret = work.workspace.vault.open(made.secret_key_sealed or "", key_intents.place(made.id))
        sealed_secret = work.workspace.vault.seal(secret, place(work.row.id, "new_secret"))
        work.next(change.session, "check", new_key=made.access_key, new_secret_sealed=sealed_secret)
        key_intents.end(change.session, intent, "taken")
        change.record(work.row.old_key, region=work.row.region, new=made.access_key)


def _check(work: Work) -> list[CheckResult]:
    """Every check that the credentials of the old key need, with the new one in its place."""
    row = work.row
    with work.api("new") as api:
        account = api.read_accounts()
    if row.account_id and [one.account_id for one in account] != [row.account_id]:
        raise Stuck(stuck("The new key belongs to another account.", "Bring the old key back."))
    with looking(work.actor, work.workspace, "rotation.check") as session:
        users = holders(session, row.old_key, row.region)
        there = row.old_key, row.new_key or "", work.secret("new_secret"), row.region
        drafts = [(user, draft_with(session, work.workspace, user, *there)) for user in users]
    results: list[CheckResult] = []
    for user, draft in drafts:
        found, _ = run_checks(work.actor, work.workspace, draft, work.run)
        results += [line.model_copy(update={"target": f"{user.name}: {line.target}"}) for line in found]
        if work.run.stop.is_set():
            raise Stuck(stuck("Stopped while the new key was checked.", "Go on when you are ready."), results)
    failed = [line for line in results if line.outcome is Outcome.FAILED]
    if failed:
        what = f"The new key failed {len(failed)} of the checks that its credentials need: {failed[0].found}"
        raise Stuck(stuck(what, "Mend what is named and go on, or bring the old key back."), results)
    with changing(work.actor, work.workspace, "rotation.checked") as change:
        work.next(change.session, "replace", checked={user.name: user.revision for user in users})
        change.record(row.old_key, region=row.region, checks=len(results), credentials=[user.name for user in users])
    return results


def _replace(work: Work) -> None:
    """Put the new key into all credentials that use the old one, in one transaction: all or none."""
    row = work.row
    with changing(work.actor, work.workspace, "rotation.replaced") as change:
        users = holders(change.session, row.old_key, row.region)
        if {user.name: user.revision for user in users} != row.checked:
            work.next(change.session, "check")  # somebody changed them since the check
            change.record(row.old_key, region=row.region, again="check")
            return
        swapped = replace_key(
            change.session, work.workspace, row.old_key, row.new_key or "", work.secret("new_secret"), row.region
        )
        if kept_row(change.session, row.old_key, row.region) or not swapped:
            _keep_new(change.session, work)
        work.next(change.session, "deactivate")
        for name in swapped:
            change.record(name, old=row.old_key, new=row.new_key)
        change.record(row.old_key, region=row.region, new=row.new_key, credentials=swapped)


def _deactivate(work: Work) -> None:
    row = work.row
    with looking(work.actor, work.workspace, "rotation.users") as session:
        still = holders(session, row.old_key, row.region)
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


def _delete(work: Work) -> None:
    row = work.row
    with looking(work.actor, work.workspace, "rotation.users") as session:
        still = holders(session, row.old_key, row.region)
    if still:
        names = ", ".join(user.name for user in still)
        raise Stuck(stuck(f"The old key is used again, by {names}.", "Give them another key, or bring it back."))
    with work.api("new") as api:
        key_intents.remove(work.actor, work.workspace, api, row.old_key, row.region, "")
    with changing(work.actor, work.workspace, "rotation.done") as change:
        forget_key(change.session, row.old_key, row.region)
        if not holders(change.session, row.new_key or "", row.region):
            _keep_new(change.session, work)
        work.end(change.session, "done")
        change.record(row.old_key, region=row.region, new=row.new_key)


def _back(work: Work) -> None:
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
                raise Stuck(stuck("The old key was deleted, so it cannot be brought back.", "Go on instead."))
            if found[0].state != "ACTIVE":
                api.update_access_key(row.old_key, state="ACTIVE", expiration=found[0].expiration_date)
        with work.api("old") as api:
            api.read_accounts()
        with changing(work.actor, work.workspace, "rotation.restored") as change:
            swapped = replace_key(
                change.session, work.workspace, row.new_key, row.old_key, work.secret("old_secret"), row.region
            )
            change.record(row.old_key, region=row.region, credentials=swapped)
        with work.api("old") as api:
            key_intents.remove(work.actor, work.workspace, api, row.new_key, row.region, "")
    with changing(work.actor, work.workspace, "rotation.ended") as change:
        if row.new_key:
            forget_key(change.session, row.new_key, row.region)
        work.end(change.session, "brought_back")
        change.record(row.old_key, region=row.region)


def _keep_new(session: Session, work: Work) -> None:
    row = work.row
    keep(session, work.workspace, row.new_key or "", work.secret("new_secret"), row.region, row.account_id)


STEP_WORK: dict[str, Callable[[Work], list[CheckResult] | None]] = {
    "create": _create,
    "check": _check,
    "replace": _replace,
    "deactivate": _deactivate,
    "wait": _delete,
    "back": _back,
}
"""What does each step, by its name; the checks of the new key if it ran them."""


def mine(session: Session, rotation: str, token: str) -> Rotation:
    """The rotation, for whoever holds its lease. Raises Stuck when somebody took over."""
    row = session.get_one(Rotation, rotation)
    if row.worker != token:
        name = (row.worker or "").rpartition(" ")[0] or "Somebody"
        raise Stuck(stuck(f"{name} took over this rotation.", "Look where it stands."))
    return row


def place(row_id: str, which: str) -> Place:
    """Where the `old_secret` or the `new_secret` of a rotation is bound to."""
    return Place(table="rotation", row=row_id, field=which)


def stuck(what: str, mend: str) -> FieldProblem:
    """What keeps a rotation from going on, and what mends it."""
    return FieldProblem(field="form", what=what, mend=mend)


def unknown_region(region: str) -> FieldProblem:
    """What is said of a Region that is not known now, as one of a sandbox that does not run."""
    return stuck(f"The Region {region} is not known now.", "Start the sandbox if it is one of its Regions.")
