"""`onboarding buckets …`"""

from pathlib import Path
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


@app.command("refresh")
def refresh_index(
    name: Name,
    bucket: Annotated[str | None, typer.Argument(help="Bucket; without it all that the credentials name.")] = None,
    region: Annotated[str | None, typer.Option(help="Region, when two have a bucket of this name.")] = None,
    json: Json = False,
) -> None:
    """List buckets whole and keep the listing: it is there at once when the screen asks."""
    from core.services.bucket_index import refresh  # noqa: PLC0415 - Polars takes a quarter of a second

    with opened() as workspace:
        actor = terminal_actor(workspace)
        if bucket is not None:
            choices = [_choice(workspace, name, bucket, region)]
        else:
            choices = [one for one in bucket_choices(actor, workspace) if one.credentials == name]
            if not choices:
                fail(f"There are no enabled billing credentials {name}.", BAD_INPUT)
        answers = [(choice, refresh(actor, workspace, choice)) for choice in choices]
    counts = ("objects", "size", "added", "changed", "deleted")
    rows = [
        {"bucket": choice.bucket, "region": choice.region, "state": found.view.state}
        | {count: getattr(found.view, count) for count in counts}
        | {"problem": str(found.problem or "")}
        for choice, found in answers
    ]
    if json:
        as_json(rows)
    else:
        heads = ["Bucket", "Region", "State", "Objects", "Bytes", "New", "Changed", "Deleted", "Problem"]
        table(heads, [list(row.values()) for row in rows])
    if any(found.problem for _, found in answers):
        raise typer.Exit(REFUSED)


@app.command("export")
def export_index(
    name: Name,
    bucket: Annotated[str, typer.Argument(help="Bucket.")],
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .xlsx. One that exists is not replaced.")],
    prefix: Annotated[str, typer.Option(help="Only object keys that begin with this.")] = "",
    region: Annotated[str | None, typer.Option(help="Region, when two have a bucket of this name.")] = None,
) -> None:
    """List a bucket and write the listing as a table that is safe to open in a spreadsheet."""
    from core.services.bucket_index import refresh  # noqa: PLC0415 - as above
    from core.services.bucket_pages import Search, export, page  # noqa: PLC0415

    form = file.suffix.lower().removeprefix(".")
    if form not in ("csv", "xlsx"):
        fail(f"{file.name} ends in neither .csv nor .xlsx: say which by the name.", BAD_INPUT)
    if file.exists():
        fail(f"{file} is there already: choose another name or remove it.", BAD_INPUT)
    with opened() as workspace:
        actor, choice = terminal_actor(workspace), _choice(workspace, name, bucket, region)
        found = refresh(actor, workspace, choice)
        if found.problem:
            fail(str(found.problem), REFUSED)
        search = Search(prefix=prefix, recursive=True)
        try:
            export(actor, workspace, choice, search, "csv" if form == "csv" else "xlsx", file)
        except (ValueError, OSError) as error:
            file.unlink(missing_ok=True)
            fail(str(error), REFUSED)
        written = page(actor, workspace, choice, search, 0, 0).total_objects
    typer.echo(f"{file}: {written:,} objects of {bucket}.")


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
