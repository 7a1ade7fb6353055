"""The lines of bills in a bucket of one's own: they are there when the home folder is lost or a machine is new.

The Parquet files of the home folder stay what is asked; the bucket follows them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import col, select

from core.domain.actor import Actor
from core.domain.credentials import FieldProblem
from core.outscale.errors import OutscaleError
from core.outscale.oos import Oos
from core.outscale.resumed import pieces_of
from core.services.billing import BucketChoice, open_storage, refusal
from core.services.rights import use_case
from core.services.scope import EVERYTHING, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.audit import AuditKey
from core.store.tables.credentials import Credentials, Project

AT_ONCE = 8


@dataclass(frozen=True)
class LineKeeper:
    """The bucket, and the folder of this installation in it."""

    storage: Oos
    region: str
    bucket: str
    prefix: str

    def holds(self, choice: BucketChoice, key: str) -> bool:
        """Whether an object is one of the lines themselves, where bills come from the same bucket."""
        return (choice.region, choice.bucket) == (self.region, self.bucket) and key.startswith(self.prefix)

    def fetch(self, folder: Path, files: set[str]) -> FieldProblem | None:
        """Bring those of these files (paths in `folder`) that are not there. What the bucket has not is left to be
        read again."""
        missing = {file for file in files if not (folder / file).exists()}
        try:
            wanted = missing & self._there() if missing else set()
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lines") as pool:
                list(pool.map(lambda file: self._bring(folder, file), wanted))
        except OutscaleError as error:
            return _told(error, "could not be fetched from")
        return None

    def follow(self, folder: Path, files: set[str]) -> FieldProblem | None:
        """Put what the bucket has not of these files, and delete of it what is none of them."""
        try:
            there = self._there()
            new = [file for file in files - there if (folder / file).exists()]
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lines") as pool:
                list(pool.map(lambda file: self.storage.put(self.bucket, self._key(file), folder / file), new))
                list(pool.map(lambda file: self.storage.delete(self.bucket, self._key(file)), there - files))
        except OutscaleError as error:
            return _told(error, "could not be put into")
        return None

    def _key(self, file: str) -> str:
        return f"{self.prefix}{file}"

    def _there(self) -> set[str]:
        return set(self._listed())

    def _listed(self) -> Iterator[str]:
        token = ""
        while True:
            page = self.storage.list_page(self.bucket, prefix=self.prefix, token=token)
            yield from (key.removeprefix(self.prefix) for key in page.keys)
            token = page.token
            if not token:
                return

    def _bring(self, folder: Path, file: str) -> None:
        path = folder / file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".fetched")
        try:
            with draft.open("wb") as out:
                for piece in pieces_of(self.storage, self.bucket, self._key(file)):
                    out.write(piece)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


@use_case
def line_keeper(actor: Actor, workspace: Workspace) -> LineKeeper | FieldProblem | None:
    """The bucket that the settings name; None when they name none, or one that the person must not reach.

    Raises StoreError when the store cannot be read."""
    if workspace.settings.costs_bucket is None:
        return None
    name, region, bucket = workspace.settings.costs_bucket.split("/")
    if not scope_of(actor, workspace).sees_region(region):
        return None
    with looking(actor, workspace, "costs.keep") as session:
        row = session.exec(
            select(Project)
            .join(Credentials)
            .where(Credentials.name == name, Project.region == region)
            .order_by(col(Project.position))
        ).first()
        installation = session.exec(select(AuditKey.id)).first()  # stays while the database does
    if row is None:
        return FieldProblem(
            field="costs_bucket",
            what=f"There are no project credentials {name} with a key of {region}.",
            mend="Correct ONBOARDING_COSTS_BUCKET, or add them.",
        )
    # The bucket is the program's own: whoever reads bills need not see its credentials, only reach its Region.
    choice = BucketChoice(name, bucket, region, row.access_key)
    storage = open_storage(actor, workspace, choice, "costs.keep", EVERYTHING)
    if isinstance(storage, FieldProblem):
        return storage
    return LineKeeper(storage, region, bucket, f"costs/{installation}/")


def _told(error: OutscaleError, what: str) -> FieldProblem:
    told = refusal(error)
    return FieldProblem(
        field="costs_bucket", what=f"Lines of bills {what} the bucket of your own: {told.what}", mend=told.mend
    )
