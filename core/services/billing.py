"""Billing buckets: which there are, and the keys that open them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.domain.proxy import parse_proxy
from core.outscale.errors import OutscaleError
from core.outscale.models import ObjectPage
from core.outscale.oos import Oos
from core.outscale.storage_key import StorageKey
from core.services import sealed
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.credentials import Bucket, Credentials, Project
from core.threads import KnowingThreads
from core.vault.master_key import VaultError


@dataclass(frozen=True)
class BucketChoice:
    """A bucket that enabled billing credentials name, or one that a project's key may list: `access_key` says which key
    of the credentials then, and is empty for billing credentials."""

    credentials: str
    bucket: str
    region: str
    access_key: str = ""


@dataclass(frozen=True)
class Listing:
    """One page of a folder, or what is wrong."""

    page: ObjectPage | None = None
    problem: FieldProblem | None = None


@use_case
def bucket_choices(actor: Actor, workspace: Workspace) -> list[BucketChoice]:
    """The buckets of all enabled billing credentials, in the order of names and rows.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "buckets.list") as session:
        rows = session.exec(
            select(Credentials.name, Bucket.name, Bucket.region)
            .join(Bucket, col(Bucket.credentials_id) == col(Credentials.id))
            .where(col(Credentials.enabled), scope_of(actor, workspace).credentials())
            .order_by(col(Credentials.name), col(Bucket.position))
        ).all()
    return [BucketChoice(*row) for row in rows]


@dataclass(frozen=True)
class ProjectBuckets:
    """The buckets that the keys of project credentials own, and what kept some keys from being asked."""

    choices: list[BucketChoice]
    problems: list[FieldProblem]


@use_case
def project_buckets(
    actor: Actor,
    workspace: Workspace,
    *,
    progress: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
) -> ProjectBuckets:
    """Ask the object storage which buckets the keys of all enabled project credentials own; a bucket that several keys
    own is named once. `progress` is told how many keys of how many were asked, and which one was.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "buckets.project_keys") as session:
        rows = session.exec(
            select(Credentials.name, Project.access_key, Project.region)
            .join(Project, col(Project.credentials_id) == col(Credentials.id))
            .where(col(Credentials.enabled), scope_of(actor, workspace).credentials())
            .order_by(col(Credentials.name), col(Project.position))
        ).all()
    found: dict[tuple[str, str], BucketChoice] = {}
    problems = []
    asked = list({(key, region): (name, key, region) for name, key, region in reversed(rows)}.values())[::-1]

    def ask(row: tuple[str, str, str]) -> list[BucketChoice] | FieldProblem | None:
        name, key, region = row
        if stop and stop.is_set():
            return None
        storage = open_storage(actor, workspace, BucketChoice(name, "", region, key), "buckets.project_keys")
        if isinstance(storage, FieldProblem):
            return storage
        try:
            return [BucketChoice(name, bucket, region, key) for bucket in storage.list_buckets()]
        except OutscaleError as error:
            told = refusal(error)
            return FieldProblem(field="credentials", what=f"{name}, key {key}: {told.what}", mend=told.mend)

    with KnowingThreads(workspace.settings.check_workers, thread_name_prefix="buckets") as pool:
        answers = pool.map(ask, asked)
        for number, (row, answer) in enumerate(zip(asked, answers, strict=True), 1):
            if isinstance(answer, FieldProblem):
                problems.append(answer)
            for choice in answer if isinstance(answer, list) else []:
                found.setdefault((choice.region, choice.bucket), choice)
            if progress:
                progress(number, len(asked), f"{row[0]} ({row[2]})")
    return ProjectBuckets(list(found.values()), problems)


@use_case
def list_objects(
    actor: Actor,
    workspace: Workspace,
    choice: BucketChoice,
    *,
    prefix: str = "",
    limit: int = 1000,
    token: str | None = None,
    folders: bool = True,
) -> Listing:
    """One page of a bucket's folder (`prefix` ends in `/` or is empty): at most `limit` (1 to 1000) entries from
    `token` on, which an earlier page gave as `next`. Without `folders`, everything under the prefix.

    Raises StoreError when the store cannot be read."""
    storage = open_storage(actor, workspace, choice, "buckets.open")
    if isinstance(storage, FieldProblem):
        return Listing(problem=storage)
    try:
        delimiter = "/" if folders else ""
        page = storage.list_objects(choice.bucket, prefix=prefix, delimiter=delimiter, limit=limit, token=token)
    except OutscaleError as error:
        return Listing(problem=refusal(error))
    return Listing(page=page)


@use_case
def open_storage(
    actor: Actor, workspace: Workspace, choice: BucketChoice, action: str, scope: Scope | None = None
) -> Oos | FieldProblem:
    """The object storage of a bucket's Region, signed by the key that the choice names; `action` says what for. The
    credentials must be in the person's sight, or in that of `scope`.

    Raises StoreError when the store cannot be read."""
    key = storage_key(actor, workspace, choice, action, scope)
    return key if isinstance(key, FieldProblem) else key.open()


@use_case
def storage_key(
    actor: Actor, workspace: Workspace, choice: BucketChoice, action: str, scope: Scope | None = None
) -> StorageKey | FieldProblem:
    """The key that opens a bucket; `action` and `scope` as for `open_storage`.

    Raises StoreError when the store cannot be read."""
    proxy = ""
    with looking(actor, workspace, action) as session:
        row = _credentials(session, choice, scope or scope_of(actor, workspace))
        if isinstance(row, FieldProblem):
            return row
        try:
            if isinstance(row, Project):
                access_key, secret_key = row.access_key, sealed.project_secret(workspace.vault, row)
                owner = session.get_one(Credentials, row.credentials_id)
                proxy = sealed.proxy_of(workspace.vault, owner).get_secret_value()
            else:
                access_key, secret_key = row.billing_access_key or "", sealed.billing_secret(workspace.vault, row)
        except VaultError as error:
            return FieldProblem(field="credentials", what=str(error), mend="Edit the credentials and paste it again.")
    region = workspace.regions.get(choice.region)
    if region is None:
        return FieldProblem(
            field="region",
            what=f"The Region {choice.region} is not known now.",
            mend="Start the sandbox if it is one of its Regions, or add it to the file that ONBOARDING_REGIONS names.",
        )
    settings = workspace.settings
    return StorageKey(
        region,
        access_key,
        secret_key,
        parse_proxy(proxy) if proxy else None,
        settings.connect_timeout,
        settings.read_timeout,
        workspace.allowed,
    )


def _credentials(session: Session, choice: BucketChoice, scope: Scope) -> Credentials | Project | FieldProblem:
    wanted = select(Credentials).where(Credentials.name == choice.credentials, scope.credentials())
    row = session.exec(wanted).first()
    if row is None:
        return FieldProblem(
            field="credentials", what=f"There are no credentials {choice.credentials}.", mend="Look at the list."
        )
    if not row.enabled:
        return FieldProblem(
            field="credentials",
            what=f"The credentials {choice.credentials} are disabled, so nothing uses them.",
            mend="Enable them first.",
        )
    if choice.access_key and not row.billing_only:
        for project in sealed.projects_of(session, row):
            if (project.access_key, project.region) == (choice.access_key, choice.region):
                return project
        return FieldProblem(
            field="credentials",
            what=f"{choice.credentials} has no key {choice.access_key} for {choice.region} any more.",
            mend="Look for the buckets of project keys again.",
        )
    if not row.billing_only:
        return FieldProblem(
            field="credentials",
            what=f"The credentials {choice.credentials} are not billing credentials.",
            mend="Choose billing-only credentials.",
        )
    named = [(bucket.name, bucket.region) for bucket in sealed.buckets_of(session, row)]
    if (choice.bucket, choice.region) not in named:
        known = ", ".join(f"{name} ({region})" for name, region in named)
        return FieldProblem(
            field="bucket",
            what=f"{choice.credentials} names no bucket {choice.bucket} in {choice.region or 'any Region'}.",
            mend=f"Choose one of: {known}.",
        )
    return row


def refusal(error: OutscaleError) -> FieldProblem:
    """What the object storage refused, in the user's words."""
    quote = f" (code {error.code})" if error.code and error.code not in error.what else ""
    request = f" Request ID: {error.request_id}." if error.request_id else ""
    return FieldProblem(field="bucket", what=error.what + quote, mend=error.mend + request)
