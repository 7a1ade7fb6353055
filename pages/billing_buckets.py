"""Billing buckets: all of them side by side, one walked and searched, its files previewed and downloaded."""

from datetime import date, datetime, timedelta
from typing import Literal

import streamlit as st

from core.outscale.models import StoredObject
from core.services.billing import BucketChoice, ProjectBuckets, project_buckets
from core.services.bucket_index import IndexView, Refreshed, changes_of, index_of, refresh
from core.services.bucket_pages import FolderRow, IndexPage, Search, object_of, page
from core.services.downloads import export_listing, saved_name, within
from dashboard import address
from dashboard.navigation import ADD_CREDENTIALS, BILLING_BUCKETS, go, sees
from dashboard.session import actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.bucket_downloads import JOB, begin, download_button, link_dialog, show_downloads
from dashboard.widgets.bucket_place import (
    FIELDS,
    KINDS,
    LIMIT,
    PARTS,
    PLACE,
    PROJECTS,
    ROWS,
    SIZES,
    SORTS,
    Place,
    choices,
    go_there,
    keep,
    unknown,
)
from dashboard.widgets.bucket_table import Picked, amount, changed_table, changes, entries, overview
from dashboard.widgets.facts import show_facts
from dashboard.widgets.mapping import show_mapping
from dashboard.widgets.preview import show_preview
from dashboard.widgets.problems import above, plainly
from dashboard.widgets.text import ago, day_begins, safe, size

LOOKING = "buckets.looking"
ASKED = "buckets.asked"
MIB = 1 << 20
_HOW = "Click a name to open it; tick several to download them together."


def main() -> None:
    """Show the screen."""
    st.title("Billing buckets")
    st.caption("The buckets that bills are delivered to: look into them, preview and download what is there.")
    if _still_looking():
        return
    if address.arrive(BILLING_BUCKETS, PARTS):
        go_there()
    place: Place | None = st.session_state.get(PLACE)
    if place is None:
        _all_buckets()
    else:
        _bucket(place)


def _still_looking() -> bool:
    """Whether the address names a bucket that may be a project key's, which is being looked for."""
    if not may("billing.project_buckets") or not unknown():
        return False
    looked: ProjectBuckets | None = job.finished(LOOKING)
    if looked:
        st.session_state[PROJECTS] = looked
        return False
    if not job.running(LOOKING):
        if ASKED in st.session_state:  # it failed, which was said
            return False
        st.session_state[ASKED] = True
        _look()
    job.watch(LOOKING, "keys", "Asking the object storage …")
    return True


def _all_buckets() -> None:
    keep(None)
    looked: ProjectBuckets | None = job.finished(LOOKING)
    if looked:
        st.session_state[PROJECTS] = looked
    offered = choices()
    if offered:
        st.caption("These are of all enabled billing credentials. Choose one.")
        chosen = overview(offered, [index_of(actor(), workspace(), one) for one in offered], "buckets.overview")
        if chosen:
            st.session_state[PLACE] = Place(chosen)
            st.rerun()
    else:
        st.info("No enabled billing credentials yet. Add some with Billing only.", icon=":material/info:")
        if sees(ADD_CREDENTIALS) and st.button("Add credentials", type="primary", icon=":material/add_circle:"):
            go(ADD_CREDENTIALS)
    if may("billing.project_buckets"):
        _project_keys()


def _project_keys() -> None:
    if st.button(
        "Look for buckets of project keys",
        icon=":material/manage_search:",
        disabled=job.running(LOOKING),
        help="Asks the object storage which buckets the access keys of project credentials own.",
    ):
        _look()
        st.rerun()
    job.watch(LOOKING, "keys", "Asking the object storage …")
    looked: ProjectBuckets | None = st.session_state.get(PROJECTS)
    if looked and not looked.choices and not looked.problems:
        st.info("No project key owns a bucket.", icon=":material/info:")
    for problem in looked.problems if looked else []:
        above(problem)


def _look() -> None:
    who, opened = actor(), workspace()
    job.begin(LOOKING, lambda advance, stop: project_buckets(who, opened, progress=advance, stop=stop))


def _bucket(place: Place) -> None:
    choice = place.choice
    name = f"buckets.refresh.{choice.region}.{choice.bucket}"
    refreshed: Refreshed | None = job.finished(name)
    if refreshed:
        place.problem = refreshed.problem
    view = index_of(actor(), workspace(), choice)
    if not place.asked:  # once a visit: what is known is shown at once, and brought up to date meanwhile
        place.asked = True
        if may("bucket_index.refresh") and (view is None or view.listed is None or view.stale):
            _refresh(place, name)
    _breadcrumb(place)
    _status(place, view, name)
    show_downloads()
    if view is None or view.listed is None:
        return
    search = _search(place)
    limit = st.session_state.get(LIMIT, ROWS)
    found = page(actor(), workspace(), choice, search, place.offset, limit)
    if place.offset and not found.folders and not found.objects:  # there are fewer pages than the address says
        place.turn(0)
        found = page(actor(), workspace(), choice, search, 0, limit)
    _found(place, search, found)


def _refresh(place: Place, name: str) -> None:
    who, opened, choice = actor(), workspace(), place.choice
    place.problem = None
    job.begin(
        name,
        lambda advance, stop: refresh(
            who, opened, choice, lambda count, total: advance(count, 0, f"{size(total)} so far"), stop
        ),
    )


def _breadcrumb(place: Place) -> None:
    parts = place.prefix.split("/")[:-1]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button("All buckets", icon=":material/database:", type="tertiary", key="crumb.all"):
            del st.session_state[PLACE]
            st.rerun()
        for depth, part in enumerate([f"{place.choice.bucket} ({place.choice.region})", *parts]):
            st.markdown("/", width="content")
            st.button(
                safe(part) or "(no name)",
                type="tertiary",
                on_click=place.walk,
                args=("".join(f"{one}/" for one in parts[:depth]),),
                key=f"crumb.{depth}",
            )


def _status(place: Place, view: IndexView | None, name: str) -> None:
    """One line on how old the listing is and what it found, the way to refresh it, and its progress."""
    if job.running(name):
        job.watch(name, "files", f"Listing {place.choice.bucket} …")
        if view is None or view.listed is None:
            st.caption("The first listing of a bucket takes a while; the next visit shows it at once.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_said(view), width="stretch")
        if view and changes(view):
            with st.popover("What changed", icon=":material/difference:"):
                changed_table(changes_of(actor(), workspace(), place.choice))
        if may("bucket_index.refresh") and st.button("Refresh", icon=":material/refresh:"):
            _refresh(place, name)
            st.rerun()
    above(place.problem)


def _said(view: IndexView | None) -> str:
    if view is None or view.listed is None:
        return ":material/hourglass_empty: Not listed yet. Press Refresh to list the bucket."
    known = f"{amount(view.objects, view.size)}, listed {ago(view.listed)}"
    if view.state == "complete":
        found = changes(view)
        said = f":material/check: {known}{f'; {found}' if found else ''}."
        return f"{said} That is a while: refresh it." if view.stale else said
    if view.state == "listing":
        return f":material/sync: {known}. Somebody is refreshing it now; what you see is from before."
    why = safe(view.problem) or ("The last refresh was stopped." if view.state == "stopped" else "The last one failed.")
    return f":material/warning: {known}. {why} What you see is from before: refresh it."


def _search(place: Place) -> Search:
    """What is looked for, and in which order. A word or a filter looks into all folders below."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search",
            placeholder="Words of the name, in all folders",
            icon=":material/search:",
            key=f"{FIELDS}.words",
        )
        order = st.selectbox("Order", list(SORTS), key=f"{FIELDS}.order", width=160)
        with st.popover("Filters", icon=":material/filter_alt:"):
            since, until, smallest, largest, kind = _filters(place)
    sort, descending = SORTS[order]
    narrowed = bool(words.strip() or since or until or smallest is not None or largest is not None or kind)
    search = Search(
        prefix=place.prefix,
        recursive=narrowed,
        words=words.strip(),
        since=since,
        until=until,
        smallest=smallest,
        largest=largest,
        kind=kind,
        sort=sort,
        descending=descending,
    )
    if search != place.search:
        first, place.search = place.search is None, search
        if not first:
            place.turn(0)
    return search


def _filters(place: Place) -> tuple[datetime | None, datetime | None, int | None, int | None, str]:
    """Since and until when a file was changed, its size in bytes, and its kind."""
    left, right = st.columns(2)
    first: date | None = left.date_input("Changed from", None, key=f"{FIELDS}.from")
    last: date | None = right.date_input("Changed until", None, key=f"{FIELDS}.until")
    least = left.number_input("At least, in MiB", 0.0, None, None, key=f"{FIELDS}.least")
    most = right.number_input("At most, in MiB", 0.0, None, None, key=f"{FIELDS}.most")
    kind = st.selectbox("Kind", list(KINDS), key=f"{FIELDS}.kind")
    st.button("Clear", icon=":material/filter_alt_off:", on_click=_clear, args=(place,), key=f"{FIELDS}.clear")
    return (
        day_begins(first) if first else None,
        day_begins(last + timedelta(days=1)) if last else None,
        int(least * MIB) if least is not None else None,
        int(most * MIB) if most is not None else None,
        KINDS[kind],
    )


def _clear(place: Place) -> None:
    """Look for everything again."""
    for field in ("from", "until", "least", "most"):
        st.session_state[f"{FIELDS}.{field}"] = None
    st.session_state[f"{FIELDS}.words"] = ""
    st.session_state[f"{FIELDS}.kind"] = next(iter(KINDS))
    place.turn(0)


def _found(place: Place, search: Search, found: IndexPage) -> None:
    """What is there, and what is chosen of it."""
    if not found.folders and not found.objects:
        keep(place)
        if search.recursive:
            st.info("Nothing matches.", icon=":material/search_off:")
            st.button("Look for everything", on_click=_clear, args=(place,), key=f"{FIELDS}.all")
        else:
            st.info("Nothing is in here." if place.prefix else "The bucket is empty.", icon=":material/folder_off:")
        return
    what = "match" if search.recursive else "in here"
    st.caption(f"{amount(found.total_objects, found.total_size, found.total_folders)} {what}. {_HOW}")
    alt = f"Folders and files of {place.choice.bucket}/{place.prefix}"
    picked = entries(found, place.prefix, f"buckets.table.{place.visit}", alt)
    if isinstance(picked.opened, FolderRow):
        place.walk(picked.opened.prefix)
        st.rerun()
    stored = _one(picked)
    chosen = stored is not None or bool(picked.objects or picked.folders)
    if chosen or place.picked:
        place.key, place.picked = stored.key if stored else "", chosen
    keep(place)
    _pages(place, search, found)
    if stored:
        _file(place.choice, stored)
    elif chosen:
        _several(place, picked)
    elif place.key:
        stored = object_of(actor(), workspace(), place.choice, place.key)
        if stored:
            _file(place.choice, stored)
        else:
            st.warning("That file is not in the bucket any more.", icon=":material/warning:")


def _one(picked: Picked) -> StoredObject | None:
    """The single file that is clicked or ticked."""
    if isinstance(picked.opened, StoredObject):
        return picked.opened
    return picked.objects[0] if len(picked.objects) == 1 and not picked.folders else None


def _pages(place: Place, search: Search, found: IndexPage) -> None:
    limit = st.session_state.get(LIMIT, ROWS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if place.offset or found.more:
            st.button(
                "Previous",
                icon=":material/chevron_left:",
                disabled=not place.offset,
                on_click=place.turn,
                args=(max(0, place.offset - limit),),
            )
            st.button(
                "Next",
                icon=":material/chevron_right:",
                disabled=not found.more,
                on_click=place.turn,
                args=(place.offset + limit,),
            )
            st.markdown(f"Page {place.offset // limit + 1}", width="content")
        st.selectbox(
            "Rows a page",
            SIZES,
            index=1,
            key=LIMIT,
            on_change=place.turn,
            args=(0,),
            width=110,
            persist_state="session",
        )
        with st.popover("Export the listing", icon=":material/table_view:"):
            st.caption("Every file that matches, on all pages." if search.recursive else "Every file from here down.")
            busy = job.running(JOB)
            if st.button("CSV", key="buckets.export.csv", disabled=busy, width="stretch"):
                _export(place.choice, search, "csv")
            if st.button("Excel", key="buckets.export.xlsx", disabled=busy, width="stretch"):
                _export(place.choice, search, "xlsx")


def _export(choice: BucketChoice, search: Search, form: Literal["csv", "xlsx"]) -> None:
    who, opened = actor(), workspace()
    begin(lambda _, __: export_listing(who, opened, choice, search, form), "files")


def _several(place: Place, picked: Picked) -> None:
    """What is ticked: totals, and all of it as a zip."""
    count = len(picked.objects) + sum(folder.objects for folder in picked.folders)
    total = sum(stored.size for stored in picked.objects) + sum(folder.size for folder in picked.folders)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{amount(count, total, len(picked.folders))}** selected.", width="stretch")
        if len(picked.folders) == 1 and not picked.objects:
            st.button("Open", icon=":material/folder_open:", on_click=place.walk, args=(picked.folders[0].prefix,))
        prefixes = [folder.prefix for folder in picked.folders]
        who, opened, choice = actor(), workspace(), place.choice
        download_button(choice, lambda: picked.objects + within(who, opened, choice, prefixes), max(2, count), total)


@st.fragment
def _file(choice: BucketChoice, stored: StoredObject) -> None:
    """One file: what it is, the ways to have it, and its beginning."""
    with plainly():
        _show_file(choice, stored)


def _show_file(choice: BucketChoice, stored: StoredObject) -> None:
    st.header(safe(saved_name(stored.key)), divider="gray")
    show_facts({"Object key": stored.key, "Size": size(stored.size), "Modified": stored.modified, "ETag": stored.etag})
    with st.container(horizontal=True):
        download_button(choice, lambda: [stored], 1, stored.size)
        if may("downloads.make_link") and st.button("Make a link", icon=":material/link:"):
            link_dialog(choice, stored)
    found = show_preview(choice, stored) if may("preview.preview") else None
    if found:
        show_mapping(choice, stored, found)


main()
