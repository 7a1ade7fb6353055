"""Tables of buckets, and of the folders and files in one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import polars as pl
import streamlit as st

from core.outscale.models import StoredObject
from core.services.billing import BucketChoice
from core.services.bucket_index import NAMED, IndexView
from core.services.bucket_pages import FolderRow, IndexPage
from dashboard.widgets.states import bad, doubtful, good, neutral, state_column, under_way
from dashboard.widgets.text import size, sized, time_column

_STATES = {
    "empty": neutral("Not listed yet", "hourglass_empty"),
    "listing": under_way("Being listed", "sync"),
    "complete": good("Listed"),
    "old": doubtful("Listed long ago", "schedule"),
    "stopped": doubtful("Stopped midway", "stop_circle"),
    "failed": bad("Failed"),
}
_ROW, _HEAD = 35, 38
_TALLEST = 460
_TIMES = "datetime64[us, UTC]"


@dataclass(frozen=True)
class Picked:
    """What was clicked (a folder or a file), and what was ticked."""

    opened: FolderRow | StoredObject | None = None
    folders: list[FolderRow] = field(default_factory=list)
    objects: list[StoredObject] = field(default_factory=list)


def overview(choices: Sequence[BucketChoice], views: Sequence[IndexView | None], key: str) -> BucketChoice | None:
    """All buckets side by side; the one that was clicked."""
    table = pd.DataFrame(
        {
            "Bucket": [choice.bucket for choice in choices],
            "Region": [choice.region for choice in choices],
            "Files": pd.array([_known(view, "objects") for view in views], dtype="Int64"),
            "Size": pd.array([_known(view, "size") for view in views], dtype="Int64"),
            "Listed": pd.Series([view.listed if view else None for view in views], dtype=_TIMES),
            "State": [state_of(view) for view in views],
            "Credentials": [choice.credentials for choice in choices],
        }
    )
    event = st.dataframe(
        sized(table),
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        height=min(_HEAD + _ROW * len(table), _TALLEST),
        placeholder="",
        alt="Buckets of all credentials",
        column_config={
            "Bucket": st.column_config.TextColumn(width="medium"),
            "Files": st.column_config.NumberColumn(format="localized"),
            "Listed": time_column(),
            "State": state_column(_STATES.values()),
        },
    )
    rows = _rows(event["selection"])
    return choices[rows[0]] if rows and rows[0] < len(choices) else None


def entries(page: IndexPage, prefix: str, key: str, alt: str) -> Picked:
    """The folders and files of a page, named from `prefix` on. A click opens one; ticks choose several."""
    folders, objects = page.folders, page.objects
    start = len(prefix)
    table = pd.DataFrame(
        {
            "Name": [folder.prefix[start:] for folder in folders] + [stored.key[start:] for stored in objects],
            "Size": [folder.size for folder in folders] + [stored.size for stored in objects],
            "Modified": pd.Series(
                [folder.modified for folder in folders] + [stored.modified for stored in objects], dtype=_TIMES
            ),
            "Kind": ["folder"] * len(folders) + [_kind(stored.key) for stored in objects],
            "Files": pd.array([folder.objects for folder in folders] + [None] * len(objects), dtype="Int64"),
            "Storage class": [""] * len(folders) + [stored.storage_class for stored in objects],
        }
    )
    shown = ["Name", "Size", "Modified", "Kind"]
    shown += ["Files"] if folders else []
    shown += ["Storage class"] if any(stored.storage_class != "STANDARD" for stored in objects) else []
    event = st.dataframe(
        sized(table),
        key=key,
        hide_index=True,
        column_order=shown,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        height=min(_HEAD + _ROW * len(table), _TALLEST),
        placeholder="",
        alt=alt,
        column_config={
            "Name": st.column_config.TextColumn(width="large"),
            "Modified": time_column(),
            "Files": st.column_config.NumberColumn(format="localized"),
        },
    )
    selection = event["selection"]
    ticked = [row for row in selection["rows"] if row < len(table)]
    clicked = [row for row, _ in selection.get("cells", []) if row < len(table)]
    both = [*folders, *objects]
    return Picked(
        both[clicked[0]] if clicked and not ticked else None,
        [folders[row] for row in ticked if row < len(folders)],
        [objects[row - len(folders)] for row in ticked if row >= len(folders)],
    )


def changed_table(found: pl.DataFrame) -> None:
    """The objects that the last refresh found new, changed or deleted."""
    st.dataframe(
        sized(
            found.rename({"change": "Change", "key": "Object key", "size": "Size", "modified": "Modified"}).to_pandas()
        ),
        hide_index=True,
        height=min(_HEAD + _ROW * len(found), _TALLEST),
        alt="What changed",
        column_config={"Modified": time_column()},
    )
    if len(found) >= NAMED:
        st.caption(f"The first {NAMED:,} of each are named.")


def state_of(view: IndexView | None) -> str:
    """The state of a bucket's listing in a word or two."""
    state = view.state if view else "empty"
    return _STATES["old" if view and state == "complete" and view.stale else state].word


def amount(count: int, total: int, folders: int = 0) -> str:
    """`3 folders, 1,203 files, 1.2 GiB`."""
    parts = [f"{folders:,} folder{'s' if folders != 1 else ''}"] if folders else []
    return ", ".join([*parts, f"{count:,} file{'s' if count != 1 else ''}", size(total)])


def changes(view: IndexView) -> str:
    """What the last refresh found, in words; empty when nothing changed."""
    counts = ((view.added, "new"), (view.changed, "changed"), (view.deleted, "deleted"))
    return ", ".join(f"{count:,} {word}" for count, word in counts if count)


def _known(view: IndexView | None, what: str) -> int | None:
    return getattr(view, what) if view and view.listed else None


def _rows(selection: Any) -> list[int]:
    return [*selection["rows"], *(row for row, _ in selection.get("cells", []))]


def _kind(key: str) -> str:
    suffixes = [suffix.lower().lstrip(".") for suffix in PurePosixPath(key).suffixes]
    if len(suffixes) > 1 and suffixes[-1] in ("gz", "zst", "zip"):
        return ".".join(suffixes[-2:])
    return suffixes[-1] if suffixes else "file"
