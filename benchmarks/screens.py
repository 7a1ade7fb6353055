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

from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydantic import SecretStr

from core.domain.checks import CheckResult, Outcome
from core.domain.credentials import CredentialsDraft, ProjectDraft
from core.services import sealed
from core.services.onboarding import store_results
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.tables import Credentials

STORED = 1_000
CLICKS = 25
ROOT = Path(__file__).parents[1]
PEER = """
import pandas as pd, streamlit as st
st.title("Peer")
word = st.selectbox("Kind", ["All", "Projects", "Billing only"])
st.dataframe(pd.DataFrame({"Name": [f"{word}-{number}" for number in range(1000)]}))
"""
WATCH = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  document.addEventListener('pointerdown', () => { window.pressed = performance.now(); }, {capture: true});
  let ran = false;
  new MutationObserver(() => {
    const idle = app.getAttribute('data-test-script-state') === 'notRunning';
    if (window.pressed && !idle) ran = true;
    if (ran && idle) { ran = false; window.redrawn = performance.now(); }
  }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
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
def server(script: Path, environment: dict[str, str]) -> Iterator[tuple[str, float]]:
    """A Streamlit server: its address, and when it first answered (perf_counter)."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
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


def clicks(page: Page) -> list[float]:
    """Milliseconds from each choice in the list "Kind" to the screen's end of work, seen from inside the page."""
    page.evaluate(WATCH)
    measured = []
    for number in range(CLICKS):
        page.get_by_role("combobox", name="Kind").click()
        name = ("Projects", "Billing only", "All")[number % 3]
        page.evaluate("() => { window.pressed = 0; window.redrawn = 0; }")
        page.get_by_role("option", name=name, exact=True).click()
        page.wait_for_function("() => window.redrawn > 0", timeout=10_000)
        measured.append(page.evaluate("() => window.redrawn - window.pressed"))
    return measured


def measure(
    browser: Browser, script: Path, environment: dict[str, str], heading: str, screen: str | None
) -> tuple[float, float]:
    """Seconds to the first screen, and the median of a click's redraw in milliseconds."""
    with server(script, environment) as (address, since):
        page = browser.new_page()
        first = first_screen(page, address, since, heading)
        if screen:
            page.get_by_test_id("stSidebarNav").get_by_role("link", name=screen, exact=True).click()
            expect(page.get_by_role("heading", name=screen, exact=True, level=1)).to_be_visible()
            page.wait_for_function(IDLE)
        median = statistics.median(clicks(page))
        page.close()
    return first, median


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
        theirs = measure(browser, peer, {}, "Peer", None)
        ours = measure(
            browser,
            ROOT / "dashboard" / "app.py",
            {"ONBOARDING_HOME": str(home)},
            "OUTSCALE onboarding",
            "Credentials",
        )
        browser.close()
    say("first screen after the server's start", ours[0], theirs[0], "s", "2 s")
    say(f"a click redraws, median of {CLICKS}", ours[1], theirs[1], "ms", "200 ms")


def say(what: str, own: float, peer: float, unit: str, asked: str) -> None:
    """Print one figure beside its peer's."""
    print(f"{what}: {own:.2f} {unit} (asked: {asked}); bare Streamlit {peer:.2f} {unit}, ratio {own / peer:.2f}")


if __name__ == "__main__":
    main()
