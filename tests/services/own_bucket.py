"""A bucket that a project's key owns, to put things into and take them away."""

from pathlib import Path

import boto3
from botocore.config import Config
from sqlmodel import select

from core.domain.credentials import FieldProblem
from core.outscale.models import StoredObject
from core.services.billing import BucketChoice, open_storage, project_buckets
from core.services.downloads import Fetched, fetch
from core.services.workspace import Workspace
from core.store.tables import Event
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
