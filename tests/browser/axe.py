"""What axe-core finds on a page that would keep somebody from reading or using it."""

import re
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_COUNT = {"serious", "critical"}
# A gap in the headings is only moderate to axe, and yet what a screen reader's list of them is walked by.
_COUNT_TOO = {"heading-order", "page-has-heading-one"}
# Left out: the small chart in a figure of Home, whose marks Streamlit names nothing and lets nobody name. What it shows
# is said beside it in words.
_RUN = """async rules => {
    const without = {exclude: [["[data-testid=stMetricChart]"]]};
    const only = rules ? {runOnly: {type: "rule", values: rules}} : {};
    const found = await axe.run(without, {resultTypes: ["violations"], ...only});
    return found.violations.flatMap(one => one.nodes.map(node => ({
        rule: one.id, impact: one.impact, html: node.html,
        why: [...node.any, ...node.all, ...node.none].map(each => each.message).join("; "),
    })));
}"""


DRAWN = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const wait = time => new Promise(done => setTimeout(done, time));
    await frame();
    await frame();
    await wait(40);
    const ends = document.getAnimations().filter(
        one => one.playState === "running" && one.effect.getComputedTiming().endTime < Infinity);
    await Promise.race([Promise.allSettled(ends.map(one => one.finished)), wait(1000)]);
}"""
"""Waits until the page is drawn and no fade is under way: words that fade in are paler than they will be. A fade whose
element is taken away may never tell its end, so the wait has one of its own."""


def serious(page: Page, rules: list[str] | None = None) -> list[str]:
    """Findings on the page as it is now, of these rules or of all, in words."""
    if not page.evaluate("!!window.axe"):  # half a megabyte, and a quarter of a second each time
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(_RUN, rules)
    said = []
    for one in found:
        if one["impact"] in _COUNT or one["rule"] in _COUNT_TOO:
            html = re.sub(r' class="[^"]*"', "", one["html"])
            said.append(f"{one['rule']}, {one['why']}: {html[:200]}")
    return said


def serious_in_both_themes(page: Page) -> list[str]:
    """Findings in the light theme and, since only colours differ, those of colours in the dark one."""
    page.emulate_media(color_scheme="dark")
    page.evaluate(DRAWN)
    found = [f"dark: {one}" for one in serious(page, ["color-contrast"])]
    page.emulate_media(color_scheme="light")
    page.evaluate(DRAWN)
    return found + serious(page)
