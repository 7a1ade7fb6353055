"""A bucket that a project's key owns, to put things into and take them away; and the same as a billing bucket."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import boto3
from botocore.config import Config
from sqlmodel import select

from core.domain.costs import CostQuery
from core.domain.credentials import CredentialsDraft, FieldProblem
from core.outscale.models import StoredObject
from core.outscale.storage_key import StorageKey
from core.services.bill_files import BillObjectView, bill_objects
from core.services.bill_pull import PullReport, pull
from core.services.bill_reading import Reading
from core.services.billing import BucketChoice, bucket_choices, open_storage, project_buckets, storage_key
from core.services.cost_engine import Task
from core.services.costs import costs
from core.services.downloads import fetch
from core.services.fetched import Fetched
from core.services.workspace import Workspace
from core.store.tables.audit import Event
from tests.bills.figures import Figure
from tests.bills.forms import outscale, written
from tests.services.conftest import ACTOR, project_row, projects, stored


class Own:
    """A bucket that a project's key owns, and a client that writes into it."""

    def __init__(self, workspace: Workspace, sandbox) -> None:
        account = sandbox.account(0)
        stored(workspace, projects(project_row(account)))
        self.workspace = workspace
        self.choice: BucketChoice = project_buckets(ACTOR, workspace).choices[0]
        key = account["access_keys"][0]
        self.s3 = boto3.client(
            "s3",
            endpoint_url=sandbox.region(account["region"])["oos"],
            region_name=account["region"],
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_key"],
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )
        self.made: list[str] = []

    def put(self, key: str, content: bytes) -> StoredObject:
        self.s3.put_object(Bucket=self.choice.bucket, Key=key, Body=content)
        self.made.append(key)
        storage = open_storage(ACTOR, self.workspace, self.choice, "test")
        assert not isinstance(storage, FieldProblem)
        (found,) = [one for one in storage.list_objects(self.choice.bucket, key, "").objects if one.key == key]
        return found

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.choice.bucket, Key=key)

    def fetch(self, *objects: StoredObject, **options) -> Fetched:
        return fetch(ACTOR, self.workspace, self.choice, list(objects), **options)

    def left(self) -> list[Path]:
        return list((self.workspace.settings.home / "downloads").glob("*"))

    def events(self, action: str) -> list[Event]:
        with self.workspace.store.reading() as session:
            return list(session.exec(select(Event).where(Event.action == action)).all())


ODD = "Kostenstelle;Wann;Wer;Summe netto\nA;01/02/2026;x;1.234,50\nB;28/02/2026;y;-10,00\n"
"""A bill whose columns nobody knows."""


class Bills(Own):
    """A bucket named by billing credentials, with bills in it."""

    def __init__(self, workspace: Workspace, sandbox) -> None:
        super().__init__(workspace, sandbox)
        account = sandbox.account(0)
        key = account["access_keys"][0]
        draft = {
            "name": "harbour",
            "billing_only": True,
            "billing_access_key": key["access_key_id"],
            "billing_secret_key": key["secret_key"],
            "buckets": [{"name": self.choice.bucket, "region": self.choice.region}],
        }
        stored(workspace, CredentialsDraft.model_validate(draft))
        (self.choice,) = bucket_choices(ACTOR, workspace)

    def bill(self, key: str, told: list[Figure]) -> Decimal:
        self.put(key, written(outscale(told)).encode())
        return sum((one.cost for one in told), Decimal(0))

    def pull(self, **how) -> PullReport:
        return pull(ACTOR, self.workspace, **how)

    def known(self) -> dict[str, BillObjectView]:
        return {one.key: one for one in bill_objects(ACTOR, self.workspace) if one.key.startswith("bills/")}

    def total(self) -> Decimal:
        query = CostQuery(since=date(2020, 1, 1), until=date(2030, 1, 1), by=())
        return sum((row["cost"] for row in costs(ACTOR, self.workspace, query).iter_rows(named=True)), Decimal(0))

    def task(self, key: str, etag: str, folder: Path | None = None) -> Task:
        found = storage_key(ACTOR, self.workspace, self.choice, "test")
        assert isinstance(found, StorageKey)
        return Task(found, self.choice.bucket, etag, Reading(key, None, None, folder))
