"""Onboarding: a filled form in, checks out; what passed is added, or written over what was stored."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, field

from pydantic import SecretStr
from sqlmodel import Session, select

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.checks import CheckResult, Outcome, State, state_of
from core.domain.credentials import CredentialsDraft, FieldProblem, draft_problems
from core.domain.proxy import parse_proxy
from core.services import sealed
from core.services.allowed_hosts import with_proxy_refusal
from core.services.checks.billing import BUCKET_CHECKS, REGION_CHECKS, check_billing
from core.services.checks.projects import PROJECT_CHECKS, Known, check_project
from core.services.checks.run import Progress, Run
from core.services.kept_keys import kept_secret
from core.services.registry import register
from core.services.rights import use_case
from core.services.scope import regions_for, scope_of
from core.services.use_case import changing, looking, note
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.credentials import Check, Credentials, Project
from core.threads import KnowingThreads

_SALT = secrets.token_bytes(32)


@dataclass(frozen=True)
class CheckReport:
    """The answer of a check. `problems` are the form's own (then nothing was asked of OUTSCALE); `results` the
    checks, row by row; `account_ids` the Account ID of each project row, filled in where it was left empty."""

    name: str
    problems: list[FieldProblem] = field(default_factory=list)
    results: list[CheckResult] = field(default_factory=list)
    account_ids: list[str] = field(default_factory=list)
    fingerprint: str = ""

    @property
    def state(self) -> State:
        """The sum of the results."""
        return state_of(self.results)

    @property
    def failures(self) -> list[CheckResult]:
        """The results that keep the credentials from being stored."""
        return [result for result in self.results if result.outcome is Outcome.FAILED]

    @property
    def complete(self) -> bool:
        """Whether every question was asked that could be: nothing failed and nothing was stopped midway."""
        return bool(self.results) and not self.failures and not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped before its end."""
        return any(result.outcome is Outcome.SKIPPED and result.found.startswith("Stopped") for result in self.results)

    @property
    def only_unreachable(self) -> bool:
        """Whether all failures say only that OUTSCALE was not reached from here."""
        return bool(self.failures) and not self.stopped and all(result.unreachable for result in self.failures)


@dataclass(frozen=True)
class AddResult:
    """What became of Add: the id of what was stored, or the problems that kept it from being stored."""

    id: str | None = None
    problems: list[FieldProblem] = field(default_factory=list)


@use_case
def check_draft(
    actor: Actor,
    workspace: Workspace,
    draft: CredentialsDraft,
    *,
    editing: bool = False,
    remove_proxy: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> CheckReport:
    """Check a form before it is stored. With `editing`, the name is that of stored credentials, whose sealed secrets
    stand in for blank ones (a blank proxy keeps the stored one unless `remove_proxy`). Nothing is stored but the event.

    Raises StoreError when the store cannot be read."""
    problems, draft, revision = _prepared(actor, workspace, draft, editing, remove_proxy)
    if problems:
        return CheckReport(draft.name, problems=problems)
    run = Run(
        workspace.settings,
        regions_for(actor, workspace),
        workspace.allowed,
        progress=progress,
        stop=stop or threading.Event(),
    )
    results, account_ids = run_checks(actor, workspace, draft, run)
    report = CheckReport(
        draft.name, results=results, account_ids=account_ids, fingerprint=_fingerprint(draft, revision)
    )
    ending: Ending = "failed" if report.failures else "done"
    counts = {"checks": len(results), "failed": len(report.failures)}
    note(actor, workspace, "credentials.check_form", draft.name, outcome=ending, stopped=report.stopped, **counts)
    return report


@use_case
def name_taken(actor: Actor, workspace: Workspace, name: str) -> FieldProblem | None:
    """Whether credentials of this name are stored already, as the problem that it is.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "credentials.name") as session:
        return _taken(name) if _by_name(session, name) else None


@use_case
def add_credentials(
    actor: Actor,
    workspace: Workspace,
    draft: CredentialsDraft,
    report: CheckReport,
    *,
    editing: bool = False,
    remove_proxy: bool = False,
    accept_unreachable: bool = False,
) -> AddResult:
    """Store a checked form: new credentials, or with `editing` over those of the same name. Only what was checked is
    stored, and only when nothing failed, or with `accept_unreachable` when the only failures are that OUTSCALE was
    not reached from here (state Unknown then).

    Raises StoreError when the store refuses; nothing is stored then."""
    problems, draft, revision = _prepared(actor, workspace, draft, editing, remove_proxy)
    if problems:
        return AddResult(problems=problems)
    if report.fingerprint != _fingerprint(draft, revision):
        return AddResult(problems=[_problem("The form was changed after its check.", "Check it again, then add it.")])
    if not (report.complete or (accept_unreachable and report.only_unreachable)):
        return AddResult(problems=[_problem("Not every check passed.", "Mend what failed and check again.")])
    if not draft.billing_only:
        filled = zip(draft.projects, report.account_ids, strict=True)
        rows = [row.model_copy(update={"account_id": account_id}) for row, account_id in filled]
        draft = draft.model_copy(update={"projects": rows})
    with changing(actor, workspace, "credentials.edit" if editing else "credentials.add") as change:
        credentials = _by_name(change.session, draft.name)
        if (credentials.revision if credentials else 0) != revision:  # changed since by another session
            return AddResult(problems=[_changed(draft.name) if editing else _taken(draft.name)])
        if credentials is None:
            credentials = Credentials(name=draft.name)
            change.session.add(credentials)
        else:
            credentials.revision += 1
        credentials.modified = now()
        sealed.put(change.session, workspace.vault, credentials, draft)
        store_results(change.session, credentials, report.results)
        for row in [] if draft.billing_only else draft.projects:
            if row.account_id:
                register(change.session, row.account_id, row.region, "credentials", owner=actor.name)
        change.record(
            draft.name,
            kind="billing" if draft.billing_only else "projects",
            rows=len(draft.buckets if draft.billing_only else draft.projects),
            state=credentials.state.value,
        )
        return AddResult(id=credentials.id)


@use_case
def run_checks(
    actor: Actor, workspace: Workspace, draft: CredentialsDraft, run: Run
) -> tuple[list[CheckResult], list[str]]:
    """Run the checks of a well-formed draft, all rows at once. Returns the results in the form's order, and each
    project row's Account ID."""
    with KnowingThreads(workspace.settings.check_workers, thread_name_prefix="check") as pool:
        if draft.billing_only:
            regions = {bucket.region for bucket in draft.buckets}
            run.total += 1 + len(regions) * len(REGION_CHECKS) + len(draft.buckets) * len(BUCKET_CHECKS)
            keys = (draft.billing_access_key, draft.billing_secret_key)
            return check_billing(run, *keys, draft.buckets, pool), []
        run.total += len(draft.projects) * len(PROJECT_CHECKS)
        proxy = parse_proxy(draft.proxy.get_secret_value()) if draft.proxy.get_secret_value() else None
        known = _known(actor, workspace, draft)
        rows = [
            pool.submit(
                check_project,
                run,
                row,
                f"Row {number} ({row.access_key}, {row.region})",
                proxy,
                known[number - 1],
            )
            for number, row in enumerate(draft.projects, 1)
        ]
        answers = [row.result() for row in rows]
    return [result for results, _ in answers for result in results], [account_id for _, account_id in answers]


def store_results(session: Session, credentials: Credentials, results: list[CheckResult]) -> None:
    """Put the lines of a check in place of the last one's, and sum them up as the credentials' state."""
    for old in session.exec(select(Check).where(Check.credentials_id == credentials.id)).all():
        session.delete(old)
    session.add_all(
        Check(credentials_id=credentials.id, position=position, **result.model_dump())
        for position, result in enumerate(results)
    )
    credentials.state = state_of(results)
    credentials.checked = now()


def _prepared(
    actor: Actor, workspace: Workspace, draft: CredentialsDraft, editing: bool, remove_proxy: bool
) -> tuple[list[FieldProblem], CredentialsDraft, int]:
    """The form's problems, the form with stored secrets in place of blank ones, and the revision that it is written
    over (0 for new credentials)."""
    problems, draft, revision = _filled(actor, workspace, draft, editing, remove_proxy)
    if not draft.billing_only:
        problems = with_proxy_refusal(actor, workspace, problems, draft.proxy)
    return problems, draft, revision


def _filled(
    actor: Actor, workspace: Workspace, draft: CredentialsDraft, editing: bool, remove_proxy: bool
) -> tuple[list[FieldProblem], CredentialsDraft, int]:
    draft = _with_kept_secrets(actor, workspace, draft)
    scope, regions = scope_of(actor, workspace), regions_for(actor, workspace)
    with looking(actor, workspace, "credentials.check") as session:
        stored = _by_name(session, draft.name)
        if not editing:
            taken = [_taken(draft.name)] if stored else []
            return taken + draft_problems(draft, regions), draft, 0
        if stored is None or not scope.names(session, [stored.name]):
            return [missing(draft.name)], draft, 0
        if stored.billing_only is not draft.billing_only:
            return [_problem("The kind of credentials cannot be changed.", "Add new ones instead.")], draft, 0
        draft = _with_stored_secrets(draft, sealed.take(session, workspace.vault, stored), remove_proxy)
        return draft_problems(draft, regions), draft, stored.revision


def _with_kept_secrets(actor: Actor, workspace: Workspace, draft: CredentialsDraft) -> CredentialsDraft:
    """A row whose secret is blank takes the one that was kept sealed when its key was created here."""
    rows = []
    for row in draft.projects:
        kept = kept_secret(actor, workspace, row.access_key, row.region) if _blank(row.secret_key) else None
        rows.append(row.model_copy(update={"secret_key": kept}) if kept else row)
    return draft.model_copy(update={"projects": rows})


def _with_stored_secrets(draft: CredentialsDraft, stored: CredentialsDraft, remove_proxy: bool) -> CredentialsDraft:
    """A blank secret keeps the old one: of the row with the same access key, of the same billing key, of the proxy."""
    kept = {row.access_key: row.secret_key for row in stored.projects}
    rows = [
        row.model_copy(update={"secret_key": kept[row.access_key]})
        if _blank(row.secret_key) and row.access_key in kept
        else row
        for row in draft.projects
    ]
    update: dict[str, object] = {"projects": rows}
    if _blank(draft.billing_secret_key) and draft.billing_access_key == stored.billing_access_key:
        update["billing_secret_key"] = stored.billing_secret_key
    if _blank(draft.proxy) and not remove_proxy:
        update["proxy"] = stored.proxy
    return draft.model_copy(update=update)


def _blank(secret: SecretStr) -> bool:
    return not secret.get_secret_value()


def _by_name(session: Session, name: str) -> Credentials | None:
    return session.exec(select(Credentials).where(Credentials.name == name)).first()


def _known(actor: Actor, workspace: Workspace, draft: CredentialsDraft) -> list[Known]:
    """For each row, a look at the other rows and at all other credentials."""
    with looking(actor, workspace, "credentials.check") as session:
        rows = session.exec(
            select(Project.access_key, Project.account_id, Project.region, Credentials.name)
            .join(Credentials)
            .where(Credentials.name != draft.name, scope_of(actor, workspace).credentials())
        ).all()
    keys: dict[str, list[str]] = {}
    accounts: dict[tuple[str, str], list[str]] = {}
    for access_key, account_id, region, name in rows:
        keys.setdefault(access_key, []).append(name)
        accounts.setdefault((account_id, region), []).append(name)

    def for_row(index: int) -> Known:
        same_key = [
            f"row {number}"
            for number, row in enumerate(draft.projects, 1)
            if number <= index and row.access_key == draft.projects[index].access_key
        ]
        return Known(
            key=lambda access_key: same_key + keys.get(access_key, []),
            account=lambda account_id, region: accounts.get((account_id, region), []),
        )

    return [for_row(index) for index in range(len(draft.projects))]


def _fingerprint(draft: CredentialsDraft, revision: int) -> str:
    """Names the exact form that was checked, and what it is written over, without holding it; good within this
    process only."""
    parts = [str(revision), draft.name, str(draft.billing_only), draft.proxy.get_secret_value()]
    for row in draft.projects:
        parts += [row.access_key, row.secret_key.get_secret_value(), row.account_id, row.region]
    parts += [draft.billing_access_key, draft.billing_secret_key.get_secret_value()]
    for bucket in draft.buckets:
        parts += [bucket.name, bucket.region]
    return hashlib.blake2b("\x1f".join(parts).encode(), key=_SALT).hexdigest()


def _problem(what: str, mend: str) -> FieldProblem:
    return FieldProblem(field="form", what=what, mend=mend)


def _taken(name: str) -> FieldProblem:
    return FieldProblem(field="name", what=f"The name {name} is taken.", mend="Choose another one.")


def missing(name: str) -> FieldProblem:
    """The problem of a name that nothing is stored under."""
    return FieldProblem(field="name", what=f"There are no credentials {name}.", mend="Look at the list.")


def _changed(name: str) -> FieldProblem:
    return _problem(f"{name} was changed or deleted by someone else meanwhile.", "Open it again and repeat your edit.")
