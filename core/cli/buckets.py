"""`onboarding buckets …`"""

from typing import Annotated

import typer

from core.cli.credentials import REFUSED, Name, terminal_actor
from core.cli.input import BAD_INPUT
from core.cli.output import Json, as_json, fail, opened, table
from core.outscale.models import StoredObject
from core.services.billing import BucketChoice, bucket_choices, list_objects
from core.services.credentials import show_credentials
from core.services.workspace import Workspace

app = typer.Typer(no_args_is_help=True)

PAGE = 1000
"""Objects that one call to the object storage can list."""


@app.callback()
def group() -> None:
    """Look into billing buckets."""


@app.command("list")
def list_bucket(
    name: Name,
    bucket: Annotated[str | None, typer.Argument(help="Bucket; without it the buckets themselves are listed.")] = None,
    prefix: Annotated[str, typer.Option(help="Only object keys that begin with this.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Objects at most.")] = PAGE,
    region: Annotated[str | None, typer.Option(help="Region, when two have a bucket of this name.")] = None,
    token: Annotated[str | None, typer.Option(help="Go on from the `next` of an earlier page.")] = None,
    json: Json = False,
) -> None:
    """List a billing bucket, or the buckets that credentials name."""
    with opened() as workspace:
        if bucket is None:
            _buckets(workspace, name, json)
            return
        choice = _choice(workspace, name, bucket, region)
        objects: list[StoredObject] = []
        while True:
            page_size = min(PAGE, limit - len(objects))
            listing = list_objects(
                terminal_actor(workspace),
                workspace,
                choice,
                prefix=prefix,
                limit=page_size,
                token=token,
                folders=False,
            )
            if listing.page is None:
                fail(str(listing.problem), REFUSED)
            objects += listing.page.objects
            token = listing.page.next
            if not token or len(objects) >= limit:
                break
    if json:
        as_json(
            {
                "bucket": bucket,
                "region": choice.region,
                "objects": [_object(stored) for stored in objects],
                "next": token,
            }
        )
    else:
        table(
            ["Object key", "Bytes", "Modified (UTC)"],
            [[stored.key, stored.size, f"{stored.modified:%Y-%m-%d %H:%M}"] for stored in objects],
        )


def _object(stored: StoredObject) -> dict[str, object]:
    return stored.model_dump(mode="json", include={"key", "size", "modified", "etag", "storage_class"})


def _buckets(workspace: Workspace, name: str, json: bool) -> None:
    details = show_credentials(terminal_actor(workspace), workspace, name)
    if details is None:
        fail(f"There are no credentials {name}.", BAD_INPUT)
    if json:
        as_json({"name": name, "buckets": [bucket.model_dump() for bucket in details.buckets]})
    else:
        table(["Bucket", "Region"], [[bucket.name, bucket.region] for bucket in details.buckets])


def _choice(workspace: Workspace, name: str, bucket: str, region: str | None) -> BucketChoice:
    named = [
        choice
        for choice in bucket_choices(terminal_actor(workspace), workspace)
        if choice.credentials == name and choice.bucket == bucket and region in {None, choice.region}
    ]
    if len(named) > 1:
        fail(f"{bucket} is in {' and '.join(one.region for one in named)}: say --region.", BAD_INPUT)
    # Unknown and disabled ones get their answer from the service.
    return named[0] if named else BucketChoice(name, bucket, region or "")
