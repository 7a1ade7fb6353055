"""What is looked at on every screen: whether it can be read and used, in both themes and at any width."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, TimeoutError, expect

from tests.browser.axe import DRAWN, serious
from tests.browser.conftest import PICTURES, idle
from tests.browser.visitor import visitor

Scheme = Literal["light", "dark"]
USUAL = 1280
WIDTHS = (390, USUAL, 1920)
EXTREMES = (360, 2560)
"""Widths at which a screen must fit too; no pictures are taken."""
HEIGHT = 1400
_FITS = """() => {
    const main = document.querySelector("[data-testid=stMain]");
    return document.documentElement.scrollWidth <= innerWidth && main.scrollWidth <= main.clientWidth;
}"""


@contextmanager
def still(browser: Browser) -> Iterator[Page]:
    """A page in a browser of one's own, in which little moves."""
    with visitor(browser, viewport={"width": USUAL, "height": HEIGHT}, reduced_motion="reduce") as page:
        yield page


@dataclass
class Watch:
    """A page under watch: what went wrong on it, and which hosts it asked."""

    page: Page
    host: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in {"http", "https", "ws", "wss"} and asked.netloc != self.host:
            self.wrong.append(f"asked {asked.netloc}")

    def look(self, name: str, widths: tuple[int, ...] = WIDTHS, *, extremes: bool = False) -> None:
        """Look at what is shown, in both themes and at these widths, also at the extremes when asked to: nothing
        serious is found by axe, nothing is wider than the window. Leaves pictures, and the window as it was."""
        page = self.page
        idle(page)
        others = [width for width in widths if width != USUAL]
        self._in("light", name, [USUAL, *others, *(EXTREMES if extremes else ())], widths)
        self._in("dark", name, [*reversed(others), USUAL], widths)  # as the window is, and back to where it was
        page.emulate_media(color_scheme="light")
        expect(page.get_by_test_id("stException")).to_have_count(0)

    def _in(self, scheme: Scheme, name: str, order: list[int], widths: tuple[int, ...]) -> None:
        page = self.page
        page.emulate_media(color_scheme=scheme)
        for width in order:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.evaluate(DRAWN)
            try:  # tables and charts take their new width a moment later
                page.wait_for_function(_FITS, timeout=3000)
            except TimeoutError:
                self.wrong.append(f"{name} is wider than {width} px")
            if width in widths:
                page.screenshot(path=PICTURES / "screens" / f"{name}-{width}-{scheme}.png", animations="disabled")
            if width == USUAL:
                # Only colours differ between the themes.
                found = serious(page, ["color-contrast"] if scheme == "dark" else None)
                self.wrong += [f"{name} ({scheme}): {one}" for one in found]
