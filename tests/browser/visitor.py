"""A browser of one's own, for a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

# The sidebar comes and goes without sliding: a machine without a graphics card would draw each step of it anew, with
# all charts and tables beside it, whenever the window changes. Not in 0 ms: Streamlit waits to be told that it is over.
_STILL_SIDEBAR = """
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("[data-testid=stSidebar] { transition-duration: 1ms !important; }");
    document.adoptedStyleSheets.push(sheet);
"""


@contextmanager
def visitor(browser: Browser, **options: object) -> Iterator[Page]:
    """A page of a browser in which nobody was before, and nobody is signed in."""
    usual = {"viewport": {"width": 1280, "height": 1000}, "timezone_id": "Europe/Paris"}
    context = browser.new_context(**usual | options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    context.add_init_script(_STILL_SIDEBAR)
    yield context.new_page()
    context.close()
