"""Help: what a word, a check or an error code means, and what to do."""

import streamlit as st

from core.services.help import Entry, Kind, find_help, pages
from dashboard.session import actor, workspace
from dashboard.widgets.text import safe

_SHOWN = 40
_SECTIONS = {
    "Terms": Kind.TERM,
    "Checks": Kind.CHECK,
    "On the way": Kind.WAY,
    "API codes": Kind.API,
    "Storage codes": Kind.STORAGE,
}


def main() -> None:
    """Show the screen."""
    st.title("Help")
    st.caption("What a word, a check or an error code of OUTSCALE means, and what to do about it.")
    search = st.text_input(
        "Search",
        type="search",
        key="q",
        bind="query-params",
        placeholder="A code, such as 14 or NoSuchBucket, or any words",
        max_chars=100,
    )
    found = find_help(actor(), workspace(), search)
    if not search.strip():
        section = st.segmented_control(
            "Section", list(_SECTIONS), default="Terms", key="help.section", required=True, label_visibility="collapsed"
        )
        _section(_SECTIONS[section], found)
    elif found:
        st.caption(f"{len(found)} {'entry' if len(found) == 1 else 'entries'} found.")
        for entry in found[:_SHOWN]:
            _entry(entry, searched=True)
        if len(found) > _SHOWN:
            st.caption(f"And {len(found) - _SHOWN} more: add a word to narrow the search.")
    else:
        st.info(
            f"Nothing here has **{safe(search.strip())}** in it. Try fewer words, or the code alone.",
            icon=":material/search_off:",
        )
    _pages()


def _section(kind: Kind, found: list[Entry]) -> None:
    for entry in found:
        if entry.kind is kind:
            _entry(entry)
    if kind is Kind.API:
        st.caption("OUTSCALE has some 300 more codes, which say exactly what was wrong. A search finds each of them.")


def _entry(entry: Entry, *, searched: bool = False) -> None:
    with st.container(border=True, gap="xsmall"):
        tags = [entry.kind if searched else "", entry.name, f"HTTP {entry.http}" if entry.http else ""]
        named = "".join(f" :gray-badge[{safe(tag)}]" for tag in tags if tag)
        st.markdown(f"**{safe(entry.title)}**{named}")
        st.markdown(safe(entry.what))
        if entry.rule:
            st.markdown(f":material/rule: {safe(entry.rule)}")
        if entry.mend:
            st.markdown(f":material/build: {safe(entry.mend)}")
        if entry.page:
            st.markdown(f":small[[{safe(entry.page.title)}]({entry.page.url})]")


def _pages() -> None:
    with st.expander("OUTSCALE's own pages", icon=":material/open_in_new:"):
        st.markdown("\n".join(f"- [{safe(page.title)}]({page.url})" for page in pages()))


main()
