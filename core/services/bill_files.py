"""The bill files as they were read last: what is known of each, and where its sums and lines are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import polars as pl
from sqlmodel import Session, select

from core.domain.actor import Actor
from core.services.bill_reading import Understood
from core.services.rights import use_case
from core.services.scope import Scope, scope_of
from core.services.use_case import looking
from core.services.workspace import Workspace
from core.store.tables.bills import BillObject

SEVERAL = "several"
"""Stands for the account or the month in the path of a file with lines of more than one. A file for each of them
would be 1,200 for a bill of 50 accounts and two years, which took four times as long and three times the memory."""


@dataclass(frozen=True)
class BillObjectView:
    """A bill file as it was read last. `sums`: by currency what was accepted; `refused_sum`: what was not, as far as
    its costs could be read. Times are UTC."""

    id: str
    region: str
    bucket: str
    key: str
    size: int
    modified: datetime
    read: datetime
    state: str
    layout: str
    accepted: int
    refused: int
    sums: dict[str, Decimal]
    refused_sum: Decimal
    first_day: date | None
    last_day: date | None
    accounts: list[str]
    problem: str


@use_case
def bill_objects(actor: Actor, workspace: Workspace) -> list[BillObjectView]:
    """The bill files of the buckets that credentials name, as they were read last, by bucket and object key.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "bills.list") as session:
        rows = list(known_bills(session, scope_of(actor, workspace)))
    return [_view(row) for row in sorted(rows, key=lambda row: (row.region, row.bucket, row.key))]


@use_case
def refused_lines(actor: Actor, workspace: Workspace, id: str) -> pl.DataFrame:
    """The first of a file's lines that did not fit: `line`, `reason`, `text`, `cost` (null when it cannot be read),
    `table`. Empty when there are none.

    Raises StoreError when the store cannot be read."""
    with looking(actor, workspace, "bills.refused") as session:
        row = session.get(BillObject, id)
        seen = row is not None and scope_of(actor, workspace).sees_bucket(session, row.region, row.bucket)
    if row is None or not seen or not row.refused:
        return pl.DataFrame()
    try:
        return pl.read_parquet(refused_path(workspace, row.id))
    except FileNotFoundError:
        return pl.DataFrame()


def known_bills(session: Session, scope: Scope) -> Iterable[BillObject]:
    """Those in sight whose bucket some billing credentials name; the others' costs are nobody's to see any more."""
    return session.exec(select(BillObject).where(scope.bills())).all()


def refused_path(workspace: Workspace, id: str) -> Path:
    """Where the refused lines of a file stand."""
    return workspace.settings.costs / "refused" / f"{id}.parquet"


def has_files(workspace: Workspace, row: BillObject) -> bool:
    """Whether the sums and the lines of a file are where its row says."""
    return all(name and (workspace.settings.costs / name).exists() for name in (row.file, row.summary))


def put_files(workspace: Workspace, row: BillObject, found: Understood) -> None:
    """Put what was understood of a file where it is kept, and name that in its row. What the row named before stays.

    Raises OSError when the disk does not take it."""
    place = _place(found, f"{row.id}-{row.etag[:8]}")
    row.file = place if found.lines is not None else ""
    row.summary = f"summed/{place}" if found.summary is not None else ""
    _put(found.lines, workspace.settings.costs / row.file)
    _put(found.summary, workspace.settings.costs / row.summary)
    refused_path(workspace, row.id).unlink(missing_ok=True)
    _put(found.refused_lines, refused_path(workspace, row.id))


def remove_files(workspace: Workspace, names: Iterable[str]) -> None:
    """Remove files that no row names any more; an empty name is none."""
    for name in names:
        if name:
            (workspace.settings.costs / name).unlink(missing_ok=True)


def _place(found: Understood, name: str) -> str:
    account = quote(found.accounts[0], safe="") or "unknown" if len(found.accounts) == 1 else SEVERAL
    month = f"{found.days[0]:%Y-%m}" if found.days and found.months == 1 else SEVERAL
    return f"account={account}/month={month}/{name}.parquet"


def _put(content: Path | bytes | None, path: Path) -> None:
    if content is None:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if isinstance(content, Path):
        content.replace(path)
        return
    draft = path.with_suffix(".new")
    draft.write_bytes(content)
    draft.replace(path)


def _view(row: BillObject) -> BillObjectView:
    same = {
        name: getattr(row, name) for name in BillObjectView.__dataclass_fields__ if name not in {"sums", "refused_sum"}
    }
    sums = {currency: Decimal(cost) for currency, cost in row.sums.items()}
    return BillObjectView(**same, sums=sums, refused_sum=Decimal(row.refused_sum))
