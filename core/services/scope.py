"""How far a role sees: finance billing only, presenters the sandbox only, the others everything.

`core.services.rights` says what a role may do; this says to what. What is out of sight is not listed, not found when it
is asked for by its name or ID, and refused when somebody wants to make it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true, tuple_
from sqlmodel import Session, col, select

from core.domain.actor import Actor
from core.domain.credentials import CredentialsDraft
from core.domain.regions import RegionCatalog
from core.domain.requests import RequestDraft
from core.domain.roles import Role
from core.services.workspace import Workspace
from core.store.tables.bills import BillObject
from core.store.tables.credentials import Bucket, Credentials, Project


@dataclass(frozen=True)
class Scope:
    """What somebody sees: with `billing_only` no projects, accounts and keys; the `regions` named, None for all."""

    billing_only: bool = False
    regions: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is out of sight."""
        return not self.billing_only and self.regions is None

    def sees_region(self, region: str) -> bool:
        """Whether what lives in a Region is in sight."""
        return self.regions is None or region in self.regions

    def sees_key(self, region: str) -> bool:
        """Whether access keys of a Region, of no credentials, are in sight."""
        return not self.billing_only and self.sees_region(region)

    def keys(self, region: Any) -> ColumnElement[bool]:
        """The access keys of no credentials that are in sight, for `where`; `region` is what holds their Region."""
        return false() if self.billing_only else self.region(region)

    def region(self, column: Any) -> ColumnElement[bool]:
        """The rows whose Region is in sight, for `where`; `column` is what holds their Region."""
        return true() if self.regions is None else col(column).in_(self.regions)

    def credentials(self) -> ColumnElement[bool]:
        """The credentials that are in sight, for `where`: the billing-only ones, and those all of whose rows are in
        Regions in sight."""
        wanted: ColumnElement[bool] = and_(true(), col(Credentials.billing_only)) if self.billing_only else true()
        if self.regions is None:
            return wanted
        identity = col(Credentials.id)
        # The query that this stands in may name the same tables: they are not to be tied to those here.
        inside = or_(*(identity.in_(select(table.credentials_id).correlate(None)) for table in (Project, Bucket)))
        outside = or_(
            *(
                identity.in_(select(table.credentials_id).where(col(table.region).not_in(self.regions)).correlate(None))
                for table in (Project, Bucket)
            )
        )
        return and_(wanted, inside, ~outside)

    def bills(self) -> ColumnElement[bool]:
        """The bill files that are in sight, for `where`: of buckets that some billing credentials name."""
        named = tuple_(col(BillObject.region), col(BillObject.bucket)).in_(select(Bucket.region, Bucket.name))
        return and_(named, self.region(BillObject.region))

    def names(self, session: Session, names: Iterable[str]) -> list[str]:
        """Those of these names of credentials that are in sight, in their order."""
        if self.everything:
            return list(names)
        seen = set(session.exec(select(Credentials.name).where(self.credentials())).all())
        return [name for name in names if name in seen]

    def sees_bucket(self, session: Session, region: str, bucket: str) -> bool:
        """Whether a bucket is in sight; with `billing_only`, one that billing credentials name."""
        if not self.sees_region(region):
            return False
        named = select(Bucket.id).where(Bucket.region == region, Bucket.name == bucket)
        return not self.billing_only or session.exec(named).first() is not None


EVERYTHING = Scope()


def scope_of(actor: Actor, workspace: Workspace) -> Scope:
    """What somebody sees by their role.

    Raises RegionFileError when the Regions cannot be read."""
    if actor.role is Role.FINANCE:
        return Scope(billing_only=True)
    if actor.role is Role.PRESENTER:
        return Scope(regions=frozenset(region.name for region in workspace.regions.values() if region.sandbox))
    return EVERYTHING


def regions_for(actor: Actor, workspace: Workspace) -> RegionCatalog:
    """The Regions that somebody may choose.

    Raises RegionFileError when the Regions cannot be read."""
    scope = scope_of(actor, workspace)
    return RegionCatalog([region for region in workspace.regions.values() if scope.sees_region(region.name)])


def beyond(role: Role, workspace: Workspace, scope: Scope, given: Mapping[str, Any]) -> str:
    """Why a role may not use a service function with these arguments: they name a place out of its sight. Empty when
    they do not.

    Raises StoreError when the store cannot be read."""
    for region in _regions(given):
        if region and not scope.sees_region(region):
            what = f"The role {role.value} sees the sandbox's Regions only, and {region} is none of them."
            return f"{what} Choose one of those, or ask an operator."
    if not scope.billing_only:
        return ""
    draft = given.get("draft")
    if isinstance(draft, CredentialsDraft) and not draft.billing_only:
        return f"The role {role.value} may use billing-only credentials alone. For others, ask an operator."
    places = [(one.region, one.bucket, one.access_key) for one in _choices(given)]
    if places:
        with workspace.store.reading() as session:
            for region, bucket, access_key in places:
                if access_key or not scope.sees_bucket(session, region, bucket):
                    what = f"The role {role.value} sees the buckets of billing credentials only."
                    return f"{what} Add some that name this bucket, or ask an operator."
    return ""


def _choices(given: Mapping[str, Any]) -> list[Any]:
    """The buckets that are named."""
    return [*filter(None, [given.get("choice")]), *(given.get("choices") or [])]


def _regions(given: Mapping[str, Any]) -> Iterator[str]:
    """Every Region that is named."""
    if isinstance(region := given.get("region"), str):
        yield region
    for name in ("choice", "door", "share", "about"):
        if one := given.get(name):
            yield one.region
    yield from (one.region for one in _choices(given))
    draft = given.get("draft")
    if isinstance(draft, CredentialsDraft):
        yield from (row.region for row in draft.buckets)
        yield from (row.region for row in draft.projects)
    elif isinstance(draft, RequestDraft):
        yield from (draft.region, draft.from_region)
    elif region := getattr(draft, "region", ""):
        yield region
