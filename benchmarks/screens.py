"""How fast the first screen is there and how fast a click redraws, in Chromium, with 1,000 credentials stored.

    .venv/bin/python -m benchmarks.screens

The peer is the smallest Streamlit program with the same kind of table, measured in the same run: what is over it is
ours. Prints times and ratios."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Position, expect, sync_playwright
from pydantic import SecretStr

from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import CredentialsDraft, ProjectDraft
from core.services import sealed
from core.services.onboarding import store_results
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.tables.credentials import Credentials

STORED = 1_000
CLICKS = 25
ROOT = Path(__file__).parents[1]
PEER = """
import pandas as pd, streamlit as st
st.title("Peer")
word = st.selectbox("Kind", ["All", "Projects", "Billing only"])
st.dataframe(pd.DataFrame({"Name": [f"{word}-{number}" for number in range(1000)]}))
"""
QUIET_MS = 400
# A fast run begins and ends between two frames, without a state to be seen: what counts is the last change.
WATCH = """() => {
  document.addEventListener('pointerdown', () => { window.pressed = performance.now(); }, {capture: true});
  new MutationObserver((changes) => {
    const counts = (change) => change.attributeName
      ? change.target.dataset.testid === 'stApp'
      : change.target.parentElement?.closest('[data-testid=stMain]');
    if (window.pressed && changes.some(counts)) window.redrawn = performance.now();
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ['data-test-script-state'],
  });
}"""
IDLE = "() => document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'"


def fill(home: Path) -> None:
    """Store 1,000 credentials with a sealed secret and their checks each, without asking anyone."""
    workspace = open_workspace(Settings(home=home))
    with workspace.store.writing() as session:
        for number in range(STORED):
            row = Credentials(name=f"bench-{number:04}")
            session.add(row)
            project = ProjectDraft(
                access_key=f"BENCH{number:015}",
                secret_key=SecretStr("S" * 40),
                account_id=f"{number:012}",
                region="eu-west-2",
            )
            sealed.put(session, workspace.vault, row, CredentialsDraft(name=row.name, projects=[project]))
            checks = [
                CheckResult(target="Row 1", check=f"Check {line}", outcome=Outcome.PASSED, found="Fine.")
                for line in range(8)
            ]
            store_results(session, row, checks)
    workspace.close()


def free_port() -> int:
    """A free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(start: list[str], environment: dict[str, str]) -> Iterator[tuple[str, float]]:
    """A server started with `python -m …`: its address, and when it first answered (perf_counter)."""
    port = free_port()
    command = [sys.executable, "-m", *start, "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()  # noqa: S310 - loopback
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server did not start") from None
                time.sleep(0.02)
        yield address, time.perf_counter()
    finally:
        process.terminate()
        process.wait(20)


def first_screen(page: Page, address: str, since: float, heading: str) -> float:
    """Seconds from the server's first answer to the first complete screen."""
    page.goto(address)
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible(timeout=30_000)
    page.wait_for_function(IDLE)
    return time.perf_counter() - since


def redraw(page: Page, press: Locator, position: Position | None = None) -> float:
    """Milliseconds from a press to the screen's last change, seen from inside the page."""
    page.evaluate("() => { window.pressed = 0; window.redrawn = 0; }")
    press.click(position=position)
    page.wait_for_function(f"() => window.redrawn && performance.now() - window.redrawn > {QUIET_MS}", timeout=10_000)
    page.wait_for_function(IDLE)
    return float(page.evaluate("() => window.redrawn - window.pressed"))


def filters(page: Page) -> float:
    """The median redraw, in milliseconds, after a choice in the list "Kind"."""
    measured = []
    for number in range(CLICKS):
        page.get_by_role("combobox", name="Kind").click()
        name = ("Projects", "Billing only", "All")[number % 3]
        measured.append(redraw(page, page.get_by_role("option", name=name, exact=True)))
    return statistics.median(measured)


def visits(page: Page) -> float:
    """The median redraw, in milliseconds, after a click on the first screen or on another that leads back to it."""
    menu = page.get_by_test_id("stSidebarNav")
    measured = []
    for number in range(CLICKS):
        name = ("Credentials", "Home", "Add credentials", "Home")[number % 4]
        measured.append(redraw(page, menu.get_by_role("link", name=name, exact=True)))
    return statistics.median(measured)


def measure_peer(browser: Browser, script: Path) -> tuple[float, float]:
    """Bare Streamlit: seconds to the first screen, milliseconds of a redraw."""
    with server(["streamlit", "run", str(script)], {}) as (address, since):
        page = browser.new_page()
        first = first_screen(page, address, since, "Peer")
        page.evaluate(WATCH)
        chosen = filters(page)
        page.close()
    return first, chosen


def measure(browser: Browser, home: Path) -> tuple[float, float, float]:
    """Ours: seconds to the first screen, milliseconds of a click on it, of a choice among 1,000 credentials."""
    with server(["dashboard.serve"], {"ONBOARDING_HOME": str(home)}) as (address, since):
        page = browser.new_page()
        first = first_screen(page, address, since, "OUTSCALE onboarding")
        page.evaluate(WATCH)
        visited = visits(page)
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Credentials", exact=True).click()
        expect(page.get_by_role("heading", name="Credentials", exact=True, level=1)).to_be_visible()
        page.wait_for_function(IDLE)
        chosen = filters(page)
        page.close()
    return first, visited, chosen


def main() -> None:
    """Run both and print."""
    chromium = next(
        found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        fill(home)
        peer = Path(folder) / "peer.py"
        peer.write_text(PEER)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        theirs = measure_peer(browser, peer)
        ours = measure(browser, home)
        browser.close()
    say("first screen after the server's start", ours[0], theirs[0], "s", "2 s")
    say(f"a click on it redraws, median of {CLICKS}", ours[1], theirs[1], "ms", "200 ms")
    say(f"a choice among {STORED} credentials redraws, median of {CLICKS}", ours[2], theirs[1], "ms", "200 ms")


def say(what: str, own: float, peer: float, unit: str, asked: str) -> None:
    """Print one figure beside its peer's."""
    print(f"{what}: {own:.2f} {unit} (asked: {asked}); bare Streamlit {peer:.2f} {unit}, ratio {own / peer:.2f}")


if __name__ == "__main__":
    main()
