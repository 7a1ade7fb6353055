"""Billing buckets: folders walked, files seen, previewed and downloaded."""

from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from core.outscale.errors import OutscaleError
from core.outscale.models import StoredObject
from core.services.billing import BucketChoice, bucket_choices, download, list_objects, preview
from core.services.preview import Preview
from core.store.store import StoreError
from dashboard.navigation import ADD_CREDENTIALS, go
from dashboard.session import actor, workspace
from dashboard.widgets.problems import above
from dashboard.widgets.text import safe, size, time_column

PLACE = "buckets.place"
# A browser's download passes through this process's memory.
LARGEST_DOWNLOAD = 200 * 1024 * 1024
SIZES = (100, 500, 1000)


@dataclass
class Place:
    """Where the person is: a bucket, a folder, and the pages gone through. `tokens[-1]` is the page shown; `before`
    how many files and bytes stood on each page before it."""

    choice: BucketChoice
    prefix: str = ""
    tokens: list[str | None] = field(default_factory=lambda: [None])
    before: list[tuple[int, int]] = field(default_factory=list)
    visit: int = 0

    def walk(self, prefix: str) -> None:
        """Go to a folder's first page."""
        self.prefix, self.tokens, self.before = prefix, [None], []
        self.visit += 1


def main() -> None:
    """Show the screen."""
    st.title("Billing buckets")
    st.caption("The files in the buckets of enabled billing credentials, as the object storage has them now.")
    choices = bucket_choices(actor(), workspace())
    if not choices:
        st.info("No enabled billing credentials yet. Add some with Billing only.", icon=":material/info:")
        if st.button("Add credentials", type="primary", icon=":material/add_circle:"):
            go(ADD_CREDENTIALS)
        return
    place = _place(choices)
    _breadcrumb(place)
    limit = st.session_state.get("buckets.limit", SIZES[0])
    with st.spinner("Reading the bucket …"):
        listing = list_objects(
            actor(), workspace(), place.choice, prefix=place.prefix, limit=limit, token=place.tokens[-1]
        )
    above(listing.problem)
    if listing.page is None:
        return
    page = listing.page
    if not page.folders and not page.objects:
        st.info("Nothing is in here." if place.prefix else "The bucket is empty.", icon=":material/folder_off:")
        return
    chosen = _table(place, page.folders, page.objects)
    _pages(place, page.objects, page.next, len(page.folders))
    if chosen:
        _file(place.choice, chosen)


def _place(choices: list[BucketChoice]) -> Place:
    left, right = st.columns(2)
    names = list(dict.fromkeys(choice.credentials for choice in choices))
    name = left.selectbox("Credentials", names, key="buckets.credentials", persist_state="session")
    own = [choice for choice in choices if choice.credentials == name]
    choice = right.selectbox(
        "Bucket",
        own,
        format_func=lambda one: f"{one.bucket} ({one.region})",
        key=f"buckets.bucket.{name}",
        persist_state="session",
    )
    place: Place | None = st.session_state.get(PLACE)
    if place is None or place.choice != choice:
        place = Place(choice, visit=place.visit + 1 if place else 0)
        st.session_state[PLACE] = place
    return place


def _breadcrumb(place: Place) -> None:
    parts = place.prefix.split("/")[:-1]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            place.choice.bucket,
            icon=":material/database:",
            type="tertiary",
            on_click=place.walk,
            args=("",),
            key="crumb",
        )
        for depth, part in enumerate(parts, 1):
            st.markdown("/", width="content")
            st.button(
                part or "(no name)",
                type="tertiary",
                on_click=place.walk,
                args=("/".join(parts[:depth]) + "/",),
                key=f"crumb.{depth}",
            )


def _table(place: Place, folders: list[str], objects: list[StoredObject]) -> StoredObject | None:
    start = len(place.prefix)
    table = pd.DataFrame(
        {
            "Kind": ["folder"] * len(folders) + ["file"] * len(objects),
            "Name": [folder[start:] for folder in folders] + [stored.key[start:] for stored in objects],
            "Size": pd.array([None] * len(folders) + [stored.size for stored in objects], dtype="Int64"),
            "Modified": pd.to_datetime([None] * len(folders) + [stored.modified for stored in objects], utc=True),
            "Storage class": [""] * len(folders) + [stored.storage_class for stored in objects],
        }
    )
    event = st.dataframe(
        table,
        key=f"buckets.table.{place.visit}.{len(place.tokens)}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(38 + 35 * len(table), 560),
        placeholder="",
        alt=f"Folders and files of {place.choice.bucket}/{place.prefix}",
        column_config={
            "Kind": st.column_config.TextColumn(width=70),
            "Name": st.column_config.TextColumn(width="large"),
            "Size": st.column_config.NumberColumn(format="bytes"),
            "Modified": time_column(),
        },
    )
    rows = event["selection"]["rows"]
    if not rows or rows[0] >= len(table):
        return None
    if rows[0] < len(folders):
        place.walk(folders[rows[0]])
        st.rerun()
    return objects[rows[0] - len(folders)]


def _pages(place: Place, objects: list[StoredObject], token: str | None, folders: int) -> None:
    count, total = len(objects), sum(stored.size for stored in objects)
    seen, seen_bytes = sum(n for n, _ in place.before) + count, sum(n for _, n in place.before) + total
    here = f"{folders} folders, {count} files, {size(total)}"
    if len(place.tokens) > 1 or token:
        more = "more follow" if token else "this is the last page"
        here = f"Page {len(place.tokens)}: {here}. So far {seen} files, {size(seen_bytes)}; {more}."
    st.caption(f"{here} Select a folder to open it, a file to preview or download it.".replace("B Select", "B. Select"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Previous page", icon=":material/chevron_left:", disabled=len(place.tokens) == 1):
            place.tokens.pop()
            place.before.pop()
            st.rerun()
        if st.button("Next page", icon=":material/chevron_right:", disabled=token is None):
            place.tokens.append(token)
            place.before.append((count, total))
            st.rerun()
        st.selectbox(
            "Entries a page",
            SIZES,
            key="buckets.limit",
            on_change=place.walk,
            args=(place.prefix,),
            width=140,
            persist_state="session",
        )


def _file(choice: BucketChoice, chosen: StoredObject) -> None:
    st.divider()
    st.subheader(chosen.key.rsplit("/", 1)[-1])
    st.caption(f"{safe(chosen.key)} · {size(chosen.size)} · ETag {safe(chosen.etag)}")
    if chosen.size > LARGEST_DOWNLOAD:
        st.info(
            f"Files over {size(LARGEST_DOWNLOAD)} are not downloaded through the browser. "
            "Fetch it with any S3 client and the billing key.",
            icon=":material/info:",
        )
    else:
        st.download_button(
            "Download",
            lambda: _whole(choice, chosen.key),
            file_name=chosen.key.rsplit("/", 1)[-1],
            icon=":material/download:",
            on_click="ignore",
        )
    with st.spinner("Reading the first rows …"):
        answer = preview(actor(), workspace(), choice, chosen.key)
    if isinstance(answer, Preview):
        _preview(answer)
    else:
        st.info(f"{safe(answer.what)} {safe(answer.mend)}", icon=":material/visibility_off:")


def _whole(choice: BucketChoice, key: str) -> bytes:
    try:
        fetched = download(actor(), workspace(), choice, key)
        if fetched.pieces is not None:
            return b"".join(fetched.pieces)
        said = str(fetched.problem)
    except (OutscaleError, StoreError) as error:
        said = str(error)
    raise RuntimeError(said)  # Streamlit shows that the download failed, and does not hand over half a file


def _preview(answer: Preview) -> None:
    separators = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
    decimal = "comma" if answer.decimal == "," else "point"
    st.caption(
        f"First {len(answer.rows)} rows. Separator: {separators[answer.separator]}, decimals: {decimal}, "
        f"encoding: {answer.encoding}."
    )
    st.dataframe(answer.rows, hide_index=True, height=380, alt="First rows of the file")


main()
