"""How fast a table of 100,000 rows is there, takes a click and scrolls, in Chromium: costs by resource.

    .venv/bin/python -m benchmarks.tables

Starts a sandbox of its own and reads a bill of 100,000 lines, each of another resource. The peer is the smallest
Streamlit program with such a table, measured in the same run. Prints times and ratios."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.costs import BUCKET, add_credentials, client
from benchmarks.sandbox import started
from benchmarks.screens import IDLE, WATCH, redraw, server
from core.outscale.regions import load_regions

ROWS = 100_000
CLICKS = 5
ROW_HEIGHT = 35
PEER = f"""
import pandas as pd, streamlit as st
st.title("Peer")
table = pd.DataFrame({{"Resource": [f"i-{{number:08x}}" for number in range({ROWS})], "Cost": range({ROWS})}})
chosen = st.dataframe(table, key="peer", hide_index=True, on_select="rerun", selection_mode="single-row")
st.write(chosen["selection"]["rows"])
"""
SCROLL = """async () => {
  const box = document.querySelector('[data-testid=stDataFrame] .dvn-scroller');
  const gaps = [];
  let last = performance.now();
  for (let step = 1; step <= 120; step++) {
    box.scrollTop = box.scrollHeight * step / 120;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  return [Math.max(...gaps), box.scrollHeight];
}"""


def bill() -> bytes:
    """A month's bill of 100,000 lines."""
    lines = (f"2025-11-01,VM,100000000001,i-{number:08x},{number % 1000}.50\n" for number in range(ROWS))
    return "Date,Service,Account,Resource,Cost\n{}".format("".join(lines)).encode()


def measure(browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds until the table is there, milliseconds until a click has redrawn, milliseconds of the slowest frame while
    the whole table is scrolled through."""
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    begun = time.perf_counter()
    page.goto(address)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=60_000)
    page.wait_for_function(IDLE)
    first = time.perf_counter() - begun
    page.wait_for_timeout(1_000)  # the canvas takes clicks a while after it is drawn
    page.evaluate(WATCH)
    clicked = statistics.median(click(page, row) for row in range(CLICKS))
    slowest, height = page.evaluate(SCROLL)
    assert height > ROWS * ROW_HEIGHT * 0.9 or height > 1_000_000, f"the table is {height} px high"
    page.close()
    return first, clicked, slowest


def click(page: Page, row: int) -> float:
    """Milliseconds of a click on a row's box."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    return redraw(page, table, position={"x": 18, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT / 2})


def main() -> None:
    """Run both and print."""
    chromium = next(
        found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "sandbox") as settings,
        sync_playwright() as run,
    ):
        account = json.loads(settings.sandbox_file.read_text())["accounts"][0]
        region = load_regions(settings)[account["region"]]
        there = {"endpoint": region.oos, "region": region.name, "key": account["access_keys"][0]}
        storage = client(**there)
        for entry in storage.list_objects_v2(Bucket=BUCKET)["Contents"]:
            storage.delete_object(Bucket=BUCKET, Key=entry["Key"])
        storage.put_object(Bucket=BUCKET, Key="bills/2025-11.csv", Body=bill())
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        (home / "sandbox.json").symlink_to(settings.sandbox_file)
        add_credentials(home, there)
        environment = {"ONBOARDING_HOME": str(home)}
        command = [str(Path(sys.executable).with_name("onboarding")), "bills", "pull"]
        subprocess.run(command, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)
        script = Path(folder) / "peer.py"
        script.write_text(PEER)
        browser = run.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        with server(["streamlit", "run", str(script)], {}) as (address, _):
            theirs = measure(browser, address)
        with server(["dashboard.serve"], environment) as (address, _):
            days = "days=2025-11-01&days=2025-11-30"
            ours = measure(browser, f"{address}/costs?split=resource&period=Other&{days}")
        browser.close()
    what = (f"a table of {ROWS:,} rows is there, s", f"a click in it redraws, median of {CLICKS}, ms")
    for said, own, peer in zip((*what, "its slowest frame while it scrolls, ms"), ours, theirs, strict=True):
        print(f"{said}: {own:.2f}; bare Streamlit {peer:.2f}, ratio {own / peer:.2f}")


if __name__ == "__main__":
    main()
