"""A home with something of every kind, in a real Region and at the sandbox."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlmodel import SQLModel, select

from core.domain.bill_lines import Field, Mapping
from core.domain.checks import State
from core.domain.credentials import BucketDraft, CredentialsDraft, ProjectDraft
from core.sandbox.places import WEST
from core.services.billing import BucketChoice
from core.services.doors import Door
from core.services.workspace import Workspace
from core.store.columns import now
from core.store.tables.access_keys import KeptKey, KeyIntent, Rotation, SeenKey
from core.store.tables.accounts import Account, AccountRequest
from core.store.tables.audit import Event
from core.store.tables.bills import BillMapping, BillObject, BucketIndex, Budget
from core.store.tables.credentials import Bucket, Credentials, Project
from core.vault.vault import Place as VaultPlace

REAL = "real-west-1"
DAY = timedelta(days=1)
MAPPING = Mapping(layout="custom", columns={Field.DAY: "a", Field.COST: "b"})


@dataclass(frozen=True)
class Place:
    """Things of one Region to name as arguments."""

    region: str
    account: str
    access_key: str
    project: str
    """Name of project credentials."""
    billing: str
    """Name of billing credentials."""
    choice: BucketChoice
    own_choice: BucketChoice
    """A bucket of a project's key."""
    request: str
    draft: str
    intent: str
    keypair: str
    rotation: str
    budget: str
    bill: str

    @property
    def shut(self) -> Door:
        """A door whose password nobody holds."""
        return Door("gone", self.region, email="nobody@example.org")

    @property
    def door(self) -> Door:
        """One that a stored key opens."""
        return Door("", self.region, account_id=self.account, signed_by=self.access_key)

    def draft_of(self, *, billing_only: bool) -> CredentialsDraft:
        """Credentials that are well-formed but for their bucket or their secret."""
        if billing_only:
            buckets = [BucketDraft(name="Not A Bucket", region=self.region)]
            return CredentialsDraft(name="new", billing_only=True, billing_access_key="A", buckets=buckets)
        return CredentialsDraft(name="new", projects=[ProjectDraft(access_key="A", region=self.region)])


@dataclass(frozen=True)
class World:
    """A workspace that knows the sandbox and another Region, with the same things in both."""

    workspace: Workspace
    here: Place
    real: Place
    folder: Path


def put(
    workspace: Workspace, region: str, account: str, access_key: str, project: str, billing: str, bucket: str
) -> Place:
    """Things of a Region, written straight into the store."""
    place = {"region": region, "account_id": account}
    unread = {"region": region, "account_id": "555544443333"}  # no test asks OUTSCALE about it
    request = AccountRequest(
        kind="new", region=region, state="sent", company=f"Company in {region}", sent=now() - 9 * DAY
    )
    draft = AccountRequest(kind="new", region=region, company=f"Company in {region}")
    intent = KeyIntent(actor="anna", access_key=f"LOST{region}", **place)
    intent.begun = now() - DAY
    intent.secret_key_sealed = "" if region == REAL else None
    keypair = KeyIntent(kind="keypair", actor="anna", name=f"pair in {region}", begun=now() - DAY, **place)
    rotation = Rotation(old_key=f"OLD{region}", actor="anna", **place)
    budget = Budget(scope="account", name=account, currency="EUR", amount="10", actor="anna")
    bill = BillObject(
        region=region, bucket=bucket, key=f"bill of {region}.csv", etag="e", size=1, modified=now(), state="failed",
        accounts=[account], refused=1,
    )  # fmt: skip
    rows: list[SQLModel] = [
        request, draft, intent, keypair, rotation, budget, bill,
        Budget(scope="credentials", name=billing, currency="EUR", amount="20", actor="anna"),
        Budget(scope="service", name="compute", currency=f"{region[:2].upper()}X", amount="30", actor="anna"),
        BillMapping(region=region, bucket=bucket, prefix="", version=1, mapping=MAPPING.model_dump(mode="json"),
                    actor="anna", columns_seen=[f"column of {region}"]),
        BucketIndex(region=region, bucket=bucket, state="complete"),
        BucketIndex(region=region, bucket=f"own-{region}", state="failed", problem=f"own bucket of {region}"),
        KeptKey(access_key=f"KEPT{region}", secret_key_sealed="", **unread),
        SeenKey(access_key=f"SEEN{region}", state="ACTIVE", created=now() - 999 * DAY, **unread),
        Event(actor="anna", via="t", action="access_keys.open", subject=f"mail@{region}", details={"region": region}),
    ]  # fmt: skip
    if region == REAL:
        one, other = Credentials(name=project), Credentials(name=billing, billing_only=True)
        one.state = other.state = State.ERROR
        other.billing_access_key = "HIDDENBILLING000001"
        project_of = Project(credentials_id=one.id, position=0, access_key=access_key, secret_key_sealed="", **place)
        mixed = Credentials(name="hidden-mixed")
        here = Project(credentials_id=mixed.id, position=0, access_key="HIDDENMIXED0000001", secret_key_sealed="",
                       account_id="111122223333", region=WEST)  # fmt: skip
        there = Project(credentials_id=mixed.id, position=1, access_key=access_key, secret_key_sealed="", **place)
        rows += [Account(source="hand", company=f"Company in {region}", email=f"mail@{region}", **place)]
        first: list[SQLModel] = [one, other, mixed]
        rows += [project_of, here, there]
        rows += [Bucket(credentials_id=other.id, position=0, name=bucket, region=region)]
    else:
        first = []
    for row in (*first, *rows):
        if getattr(row, "secret_key_sealed", None) is not None:
            kept = VaultPlace(table=str(row.__tablename__), row=row.id, field="secret_key")  # type: ignore[attr-defined]
            row.secret_key_sealed = workspace.vault.seal(SecretStr("x"), kept)  # type: ignore[attr-defined]
    for some in (first, rows):
        with workspace.store.writing() as session:
            session.add_all(some)
    return Place(
        region, account, access_key, project, billing,
        BucketChoice(billing, bucket, region), BucketChoice(project, f"own-{region}", region, access_key),
        request.id, draft.id, intent.id, keypair.id, rotation.id, budget.id, bill.id,
    )  # fmt: skip


def rows_of(world: World, wanted: Callable[[Any], bool]) -> dict[str, dict[str, Any]]:
    """Everything in the store that is in question, but events."""
    kept = {}
    with world.workspace.store.reading() as session:
        for table in (Account, AccountRequest, BillMapping, BillObject, Bucket, BucketIndex, Budget, Credentials,
                      KeptKey, KeyIntent, Project, Rotation, SeenKey):  # fmt: skip
            for row in session.exec(select(table)).all():
                if wanted(row):
                    kept[f"{table.__name__} {row.id}"] = row.model_dump()
    return kept


def real(row: Any) -> bool:
    """Whether it is the other Region's."""
    words = " ".join(map(str, row.model_dump().values()))
    return REAL in words or "hidden" in words.lower()
