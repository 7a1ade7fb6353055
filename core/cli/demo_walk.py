"""The walkthrough driven in Chromium, as a presenter would click through it."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

_SIZE = 1280, 900
_MILLISECONDS = 90_000
_PRIMARY = "[data-testid=stMain] [data-testid=stBaseButton-primary]"
_STILL = """before => {
  const app = document.querySelector('[data-testid=stApp]');
  const labels = [...document.querySelectorAll('button')].map(one => one.innerText.trim());
  const main = document.querySelector('[data-testid=stMain]');
  const primary = main?.querySelector('[data-testid=stBaseButton-primary]');
  return app?.getAttribute('data-test-script-state') === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && !labels.some(label => label.endsWith('Stop'))
    && main?.querySelector('h1') && (primary?.innerText ?? '') !== before;
}"""
_LATER = ("", "credentials", "billing_buckets", "costs", "activity")
"""Screens that show, after the tour, what came of it."""


class FailedError(Exception):
    """A step did not end as it should. The text says which, and what the screen said."""


def walk(address: str, browser: str, folder: Path, *, dark: bool, say: Callable[[str], None]) -> list[str]:
    """Walk from the first step to the last, then look at the screens. A picture of each is left in `folder`; returns
    their names in order. `browser` is Chromium's program; `say` is told of every picture.

    Raises FailedError when something fails on the way."""
    pictures: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser)
        page = chromium.new_page(
            viewport={"width": _SIZE[0], "height": _SIZE[1]}, color_scheme="dark" if dark else "light"
        )
        page.set_default_timeout(_MILLISECONDS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        try:
            page.goto(f"{address}/walkthrough")
            label = ""
            while True:
                _settle(page, label)
                pictures.append(_picture(page, folder, len(pictures) + 1, _step(page)))
                say(pictures[-1])
                _look(page, wrong)
                primary = page.locator(_PRIMARY)
                if not primary.count():
                    break
                label = primary.first.inner_text()
                primary.first.click()
            for screen in _LATER:
                page.goto(f"{address}/{screen}")
                _settle(page, "-")
                pictures.append(_picture(page, folder, len(pictures) + 1, screen.replace("_", "-") or "home"))
                say(pictures[-1])
                _look(page, wrong)
        except Error as error:
            said = page.locator("[data-testid=stMain]").inner_text()[:500] if not page.is_closed() else ""
            raise FailedError(f"{error.message.splitlines()[0]} The screen said: {said}") from None
        finally:
            chromium.close()
    return pictures


def _settle(page: Page, before: str) -> None:
    """Wait until everything is drawn, no work is under way, and the button that goes on is another one."""
    page.mouse.move(_SIZE[0] - 1, _SIZE[1] - 1)  # off the button, which would look pressed
    page.wait_for_function(_STILL, arg=before)
    page.wait_for_timeout(400)  # for pictures: the last fade ends


def _step(page: Page) -> str:
    """What a picture is called: the step, and how it stands."""
    heading = page.locator("[data-testid=stMain] :is(h2, h3)").first.inner_text()
    stands = {r"\bDone$": "-done", r"\bTo be mended$": "-seen"}
    ending = next((word for badge, word in stands.items() if page.get_by_text(re.compile(badge)).count()), "")
    return re.sub(r"\W+", "-", heading.split(". ", 1)[-1].lower()).strip("-") + ending


def _picture(page: Page, folder: Path, number: int, name: str) -> str:
    file = f"{number:02}-{name}.png"
    height = page.evaluate("document.querySelector('[data-testid=stMain] > div')?.scrollHeight ?? 0")
    page.set_viewport_size({"width": _SIZE[0], "height": max(_SIZE[1], min(int(height) + 20, 3_000))})
    page.wait_for_timeout(200)
    page.screenshot(path=folder / file)
    page.set_viewport_size({"width": _SIZE[0], "height": _SIZE[1]})
    return file


def _look(page: Page, wrong: list[str]) -> None:
    """What must not be on a screen of the walk."""
    if page.get_by_test_id("stException").count():
        raise FailedError(f"An exception is on the screen: {page.get_by_test_id('stException').first.inner_text()}")
    if page.get_by_role("button", name="Try again").count():
        raise FailedError(f"A step failed: {page.locator('[data-testid=stMain]').inner_text()[:500]}")
    if wrong:
        raise FailedError(f"The browser met an error: {wrong[0]}")
