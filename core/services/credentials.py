"""Stored credentials: seen, checked again, enabled, disabled, deleted, exported."""

import csv
import io
import threading
from collections.abc import Callable

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.audit import Ending
from core.domain.checks import CheckResult, Outcome, State
from core.domain.proxy import parse_proxy
from core.services import sealed
from core.services.checks.run import Run
from core.services.onboarding import CheckReport, missing, run_checks, store_results
from core.services.rights import use_case
from core.services.scope import Scope, regions_for, scope_of
from core.services.use_case import changing, looking, note
from core.services.views import BucketView, CredentialsDetails, CredentialsView, EventView, ProjectView
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from core.store.tables.credentials import Bucket, Check, Credentials, Project
from core.vault.master_key import VaultError

EVENTS_SHOWN = 50


@use_case
def list_credentials(actor: Actor, workspace: Workspace) -> list[CredentialsView]:
    """All stored credentials, by name."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "credentials.list") as session:
        places: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
        for owner, region, account in session.exec(
            select(Project.credentials_id, Project.region, Project.account_id).order_by(col(Project.position))
        ):
            regions, accounts = places.setdefault(owner, ({}, {}))
            regions[region] = None
            accounts[account] = None
        for owner, region in session.exec(select(Bucket.credentials_id, Bucket.region).order_by(col(Bucket.position))):
            places.setdefault(owner, ({}, {}))[0][region] = None
        rows = session.exec(select(Credentials).where(scope.credentials()).order_by(col(Credentials.name))).all()
        return [_view(row, *places.get(row.id, ({}, {}))) for row in rows]


@use_case
def show_credentials(actor: Actor, workspace: Workspace, name: str) -> CredentialsDetails | None:
    """One of them with its rows, last checks and events; None when the name is unknown."""
    scope = scope_of(actor, workspace)
    with looking(actor, workspace, "credentials.show") as session:
        row = _find(session, name, scope)
        if row is None:
            return None
        projects, buckets = sealed.projects_of(session, row), sealed.buckets_of(session, row)
        checks = session.exec(select(Check).where(Check.credentials_id == row.id).order_by(col(Check.position))).all()
        about = select(Event).where(Event.subject == name).order_by(col(Event.id).desc()).limit(EVENTS_SHOWN)
        # Others of this name, deleted since, may have been out of sight.
        events = session.exec(about if scope.everything else about.where(col(Event.at) >= row.created)).all()
        regions = dict.fromkeys([project.region for project in projects] + [bucket.region for bucket in buckets])
        view = _view(row, regions, dict.fromkeys(project.account_id for project in projects))
        return CredentialsDetails(
            **view.model_dump(),
            projects=[ProjectView.model_validate(project, from_attributes=True) for project in projects],
            proxy=_masked_proxy(workspace, row),
            billing_access_key=row.billing_access_key,
            buckets=[BucketView.model_validate(bucket, from_attributes=True) for bucket in buckets],
            checks=[CheckResult.model_validate(check, from_attributes=True) for check in checks],
            events=[EventView.model_validate(event, from_attributes=True) for event in events],
        )


@use_case
def check_again(
    actor: Actor,
    workspace: Workspace,
    names: list[str],
    *,
    progress: Callable[[int, int, CheckResult], None] | None = None,
    stop: threading.Event | None = None,
) -> list[CheckReport]:
    """Check stored credentials again and store what was found; one report each, in the order of `names`. A key that
    was refused is tried no second time in the whole run. Disabled credentials are not used, so they are not checked.
    While a check runs the state is Pending; a stopped check leaves the state that was before.

    Raises StoreError when the store refuses."""
    run = Run(
        workspace.settings,
        regions_for(actor, workspace),
        workspace.allowed,
        progress=progress,
        stop=stop or threading.Event(),
    )
    return [_check_one(actor, workspace, name, run) for name in names]


def _check_one(actor: Actor, workspace: Workspace, name: str, run: Run) -> CheckReport:
    scope = scope_of(actor, workspace)
    with changing(actor, workspace, "credentials.check") as change:
        row = _find(change.session, name, scope)
        if row is None:
            return CheckReport(name, problems=[missing(name)])
        if not row.enabled:
            return CheckReport(name, results=[run.report(_not_asked(name, "The credentials are disabled."))])
        if run.stop.is_set():
            return CheckReport(name, results=[run.report(_not_asked(name, "Stopped before it was tried."))])
        try:
            draft = sealed.take(change.session, workspace.vault, row)
        except VaultError as error:
            results = [_unopened(name, error)]
            store_results(change.session, row, results)
            change.record(name, outcome="failed", state=row.state.value)
            return CheckReport(name, results=results)
        before, row.state = row.state, State.PENDING
        revision = row.revision
        change.record(name, state=State.PENDING.value)
    known = run.regions
    gone = [
        place.region for place in (draft.buckets if draft.billing_only else draft.projects) if place.region not in known
    ]
    if gone:
        results = [run.report(_region_gone(name, region)) for region in dict.fromkeys(gone)]
        report = CheckReport(name, results=results)
    else:
        results, account_ids = run_checks(actor, workspace, draft, run)
        report = CheckReport(name, results=results, account_ids=account_ids)
    with changing(actor, workspace, "credentials.checked") as change:
        row = _find(change.session, name, scope)
        if row is None or row.revision != revision:  # deleted or edited meanwhile: this answer is of no use any more
            return report
        if report.stopped:
            row.state = before
        else:
            store_results(change.session, row, results)
        failures = len(report.failures)
        ending: Ending = "failed" if failures else "done"
        change.record(name, outcome=ending, state=row.state.value, stopped=report.stopped, failed=failures)
    return report


@use_case
def set_enabled(actor: Actor, workspace: Workspace, names: list[str], enabled: bool) -> list[str]:
    """Enable or disable credentials, all or none. Returns the names that were changed; unknown ones are left out.

    Raises StoreError when the store refuses."""
    changed = []
    wanted = select(Credentials).where(col(Credentials.name).in_(names), scope_of(actor, workspace).credentials())
    with changing(actor, workspace, "credentials.enable" if enabled else "credentials.disable") as change:
        for row in change.session.exec(wanted).all():
            if row.enabled is not enabled:
                row.enabled = enabled
                change.record(row.name)
                changed.append(row.name)
    return sorted(changed)


@use_case
def delete_credentials(actor: Actor, workspace: Workspace, name: str, typed: str) -> str | None:
    """Delete credentials with their rows, secrets and checks; the events stay. `typed` must be the name again.
    Returns None when done, else what is wrong.

    Raises StoreError when the store refuses."""
    if typed != name:
        return f"Type the name exactly: {name}"
    scope = scope_of(actor, workspace)
    with changing(actor, workspace, "credentials.delete") as change:
        row = _find(change.session, name, scope)
        if row is None:
            return str(missing(name))
        change.session.delete(row)
        change.record(name, id=row.id)
    return None


@use_case
def export_credentials(actor: Actor, workspace: Workspace, rows: list[CredentialsView]) -> str:
    """The list as CSV, see `credentials_csv`; that it was exported is recorded.

    Raises StoreError when the store refuses."""
    with looking(actor, workspace, "credentials.export"):
        note(actor, workspace, "credentials.export", "credentials", rows=len(rows))
    return credentials_csv(rows)


def credentials_csv(rows: list[CredentialsView]) -> str:
    """The list as CSV, with a header. Names, Regions and IDs can hold no formula: their rules allow no such sign at
    the beginning but a dash, which is why each cell that begins with one gets an apostrophe (OWASP, CSV Injection)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "kind", "activation", "state", "regions", "accounts", "modified", "created", "id"])
    for row in rows:
        cells = [
            row.name,
            row.kind,
            "enabled" if row.enabled else "disabled",
            row.state.value,
            " ".join(row.regions),
            " ".join(row.accounts),
            row.modified.isoformat(timespec="seconds"),
            row.created.isoformat(timespec="seconds"),
            row.id,
        ]
        writer.writerow([f"'{cell}" if cell.startswith(("-", "=", "+", "@")) else cell for cell in cells])
    return out.getvalue()


def _find(session: Session, name: str, scope: Scope) -> Credentials | None:
    return session.exec(select(Credentials).where(Credentials.name == name, scope.credentials())).first()


def _view(row: Credentials, regions: dict[str, None], accounts: dict[str, None]) -> CredentialsView:
    return CredentialsView(
        id=row.id,
        name=row.name,
        billing_only=row.billing_only,
        enabled=row.enabled,
        state=row.state,
        regions=list(regions),
        accounts=[account for account in accounts if account],
        modified=row.modified,
        created=row.created,
        checked=row.checked,
    )


def _masked_proxy(workspace: Workspace, row: Credentials) -> str | None:
    try:
        proxy = sealed.proxy_of(workspace.vault, row).get_secret_value()
        return str(parse_proxy(proxy)) if proxy else None
    except VaultError:
        return "does not open: enter it again"


def _not_asked(name: str, why: str) -> CheckResult:
    return CheckResult(target=name, check="All", outcome=Outcome.SKIPPED, found=why)


def _unopened(name: str, error: VaultError) -> CheckResult:
    mend = "Edit the credentials and paste the secret again."
    return CheckResult(target=name, check="Sealed secret", outcome=Outcome.FAILED, found=str(error), mend=mend)


def _region_gone(name: str, region: str) -> CheckResult:
    return CheckResult(
        target=name,
        check="Region",
        outcome=Outcome.FAILED,
        found=f"The Region {region} is not known now.",
        mend="Start the sandbox if it is one of its Regions, or add it to the file that ONBOARDING_REGIONS names.",
        unreachable=True,
    )
