"""A browser of one's own, for a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

# Nothing slides or fades: a machine without a graphics card would draw each step of it, with all charts and tables in
# it, and a look would have to wait for its end. Not 0: some of Streamlit waits to be told that a slide is over.
_NOTHING_MOVES = """
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`*, ::before, ::after {
        transition-duration: 1ms !important;
        transition-delay: 0s !important;
        animation-duration: 1ms !important;
        animation-delay: 0s !important;
        animation-iteration-count: 1 !important;
    }`);
    document.adoptedStyleSheets.push(sheet);
"""


@contextmanager
def visitor(browser: Browser, **options: object) -> Iterator[Page]:
    """A page of a browser in which nobody was before, and nobody is signed in."""
    usual = {"viewport": {"width": 1280, "height": 1000}, "timezone_id": "Europe/Paris"}
    context = browser.new_context(**usual | options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    context.add_init_script(_NOTHING_MOVES)
    yield context.new_page()
    context.close()
