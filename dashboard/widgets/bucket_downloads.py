"""Files of a bucket for the person: fetched with progress and saved from here, or as a link that expires."""

import threading
from collections.abc import Callable
from datetime import timedelta

import streamlit as st

from core.outscale.models import StoredObject
from core.services.billing import BucketChoice
from core.services.downloads import Link, fetch, make_link, saved_name
from core.services.fetched import Fetched, drop
from dashboard import handover
from dashboard.session import PLAIN, actor, may, workspace
from dashboard.widgets import job
from dashboard.widgets.problems import above
from dashboard.widgets.text import local, safe, size

JOB = "buckets.download"
OFFER = "buckets.offer"
_AT_ONCE = 16 << 20
"""Up to so many bytes, a file is fetched by the click that saves it; it passes through memory then."""
_LASTING = {
    "5 minutes": timedelta(minutes=5),
    "1 hour": timedelta(hours=1),
    "1 day": timedelta(days=1),
    "7 days": timedelta(days=7),
}


def show_downloads() -> None:
    """The download under way, and the one that waits to be saved."""
    fetched: Fetched | None = job.finished(JOB)
    if fetched:
        _take(fetched)
    job.watch(JOB, st.session_state.get(f"{JOB}.unit", "KB"), "Opening …")
    said: Fetched | None = st.session_state.get(f"{OFFER}.said")
    if said:
        if said.stopped:
            st.info("The download was stopped; nothing of it is left.", icon=":material/stop_circle:")
        above(said.problem)
        for note in said.notes[:20]:
            st.warning(f"{safe(note.what)} {safe(note.mend)}", icon=":material/warning:")
        if len(said.notes) > 20:
            st.warning(f"So it is with {len(said.notes) - 20} more files.", icon=":material/warning:")
    offered: handover.Offer | None = st.session_state.get(OFFER)
    if offered:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/task: **{safe(offered.name)}** is ready, {size(offered.size)}.", width="stretch")
            st.link_button("Save it", offered.address, type="primary", icon=":material/save:")
            st.button("Discard", icon=":material/delete:", on_click=forget, key=f"{OFFER}.discard")


def begin(work: Callable[[job.Advance, threading.Event], Fetched], unit: str) -> None:
    """Begin a download in the background, whose progress is counted in `unit`; what an earlier one left is removed."""
    forget()
    st.session_state[f"{JOB}.unit"] = unit
    job.begin(JOB, work)
    st.rerun()


def forget() -> None:
    """Remove the file that waits, and what was said of it."""
    st.session_state.pop(f"{OFFER}.said", None)
    if offered := st.session_state.pop(OFFER, None):
        handover.withdraw(offered)


def download_button(choice: BucketChoice, objects: Callable[[], list[StoredObject]], count: int, total: int) -> None:
    """The button for some files: `objects` gives them, in the background, once it is pressed; `total`: their bytes."""
    if not may("downloads.fetch"):
        return
    label = "Download" if count == 1 else "Download as a zip"
    if count == 1 and total <= _AT_ONCE:
        (stored,) = objects()
        who, opened = actor(), workspace()
        st.download_button(
            label,
            lambda: _whole(fetch(who, opened, choice, [stored])),
            file_name=saved_name(stored.key),
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
        )
        return
    if st.button(label, icon=":material/download:", disabled=job.running(JOB)):
        who, opened = actor(), workspace()
        by, unit = (1 << 20, "MiB") if total >= _AT_ONCE else (1 << 10, "KiB")
        begin(
            lambda advance, stop: fetch(
                who,
                opened,
                choice,
                objects(),
                progress=lambda done, whole, key: advance(done // by, whole // by, key),
                stop=stop,
            ),
            unit,
        )


@st.dialog("A link that expires")
def link_dialog(choice: BucketChoice, stored: StoredObject) -> None:
    """Make a link to a file and show it this once."""
    st.markdown(f"**{safe(saved_name(stored.key))}**, {size(stored.size)}")
    st.caption(
        "Whoever has the link can fetch the file without signing in, until it expires or the key that signs it ends. "
        "It goes straight to the object storage, so it is the way for the largest files."
    )
    lasting = st.selectbox("Lasts", list(_LASTING), index=1, key="buckets.lasting")
    if st.button("Make the link", type="primary", icon=":material/link:"):
        try:
            link = make_link(actor(), workspace(), choice, stored.key, _LASTING[lasting])
        except PLAIN as error:
            st.error(str(error), icon=":material/error:")
            return
        if isinstance(link, Link):
            st.code(link.url.get_secret_value(), language=None, wrap_lines=True)
            st.caption(f"Works until {local(link.until)}. It is shown this once: copy it now.")
        else:
            above(link)


def _take(fetched: Fetched) -> None:
    if fetched.path:
        st.session_state[OFFER] = handover.offer(fetched)
    st.session_state[f"{OFFER}.said"] = fetched


def _whole(fetched: Fetched) -> bytes:
    try:
        if fetched.path:
            return fetched.path.read_bytes()
    finally:
        drop(fetched)
    raise RuntimeError(str(fetched.problem))  # Streamlit says that it failed, and hands over nothing
