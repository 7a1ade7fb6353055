"""Billing buckets: which there are, what is in them, one file."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.models import ObjectPage
from core.outscale.oos import Oos
from core.services import sealed
from core.services.preview import HEAD, Preview, UnreadableError, preview_csv
from core.services.use_case import changing, looking
from core.services.workspace import Workspace
from core.store.tables import Bucket, Credentials
from core.vault.master_key import VaultError


@dataclass(frozen=True)
class BucketChoice:
    """A bucket that enabled billing credentials name."""

    credentials: str
    bucket: str
    region: str


@dataclass(frozen=True)
class Listing:
    """One page of a folder, or what is wrong."""

    page: ObjectPage | None = None
    problem: FieldProblem | None = None


@dataclass(frozen=True)
class Download:
    """A file under way: its size in bytes and its bytes piece by piece, or what is wrong. The pieces may still raise
    OutscaleError when the connection is cut."""

    size: int = 0
    pieces: Iterator[bytes] | None = None
    problem: FieldProblem | None = None


def bucket_choices(actor: Actor, workspace: Workspace) -> list[BucketChoice]:
    """The buckets of all enabled billing credentials, in the order of names and rows.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "buckets.list") as session:
        rows = session.exec(
            select(Credentials.name, Bucket.name, Bucket.region)
            .join(Bucket, col(Bucket.credentials_id) == col(Credentials.id))
            .where(col(Credentials.enabled))
            .order_by(col(Credentials.name), col(Bucket.position))
        ).all()
    return [BucketChoice(*row) for row in rows]


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
    storage = _storage(actor, workspace, choice, "buckets.open")
    if isinstance(storage, FieldProblem):
        return Listing(problem=storage)
    try:
        delimiter = "/" if folders else ""
        page = storage.list_objects(choice.bucket, prefix=prefix, delimiter=delimiter, limit=limit, token=token)
    except OutscaleError as error:
        return Listing(problem=_refusal(error))
    return Listing(page=page)


def download(actor: Actor, workspace: Workspace, choice: BucketChoice, key: str) -> Download:
    """Begin to fetch a whole file. The download is recorded as an event.

    Raises StoreError when the store refuses."""
    storage = _storage(actor, workspace, choice, "buckets.download")
    if isinstance(storage, FieldProblem):
        return Download(problem=storage)
    try:
        size, pieces = storage.stream(choice.bucket, key)
    except OutscaleError as error:
        return Download(problem=_refusal(error))
    with changing(actor, workspace, "buckets.download") as change:
        change.record(choice.credentials, bucket=choice.bucket, region=choice.region, key=key, size=size)
    return Download(size=size, pieces=pieces)


def preview(actor: Actor, workspace: Workspace, choice: BucketChoice, key: str) -> Preview | FieldProblem:
    """The first rows of a CSV file, plain or gzip, read from its first part only.

    Raises StoreError when the store cannot be read."""
    storage = _storage(actor, workspace, choice, "buckets.preview")
    if isinstance(storage, FieldProblem):
        return storage
    try:
        return preview_csv(key, storage.read(choice.bucket, key, length=HEAD))
    except OutscaleError as error:
        return _refusal(error)
    except UnreadableError as error:
        return FieldProblem(field="key", what=str(error), mend="Download the file to look at it.")


def _storage(actor: Actor, workspace: Workspace, choice: BucketChoice, action: str) -> Oos | FieldProblem:
    with looking(actor, workspace, action) as session:
        row = _credentials(session, choice)
        if isinstance(row, FieldProblem):
            return row
        access_key = row.billing_access_key or ""
        try:
            secret_key = sealed.billing_secret(workspace.vault, row)
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
    return Oos(
        region,
        access_key,
        secret_key,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
    )


def _credentials(session: Session, choice: BucketChoice) -> Credentials | FieldProblem:
    row = session.exec(select(Credentials).where(Credentials.name == choice.credentials)).first()
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


def _refusal(error: OutscaleError) -> FieldProblem:
    quote = f" (code {error.code})" if error.code and error.code not in error.what else ""
    request = f" Request ID: {error.request_id}." if error.request_id else ""
    return FieldProblem(field="bucket", what=error.what + quote, mend=error.mend + request)
