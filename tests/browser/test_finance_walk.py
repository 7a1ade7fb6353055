"""What a finance user does: a bucket, a preview, costs down to a file, held against OUTSCALE, exported."""

import csv
import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from core.services.workspace import open_workspace
from core.settings import Settings
from tests.browser.conftest import Dashboard, click, fill, idle, pick, picture, press, visit
from tests.services.conftest import billing, project_row, projects, stored


def test_finance_from_bucket_to_export(page: Page, dashboard: Dashboard, settings: Settings, sandbox) -> None:
    workspace = open_workspace(settings)
    stored(workspace, billing(sandbox.info))
    stored(workspace, projects(project_row(sandbox.account(0))))
    workspace.close()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(dashboard.address)
    expect(page.get_by_role("heading", name="OUTSCALE onboarding")).to_be_visible(timeout=30_000)

    _bucket_and_preview(page)
    _costs_down_to_a_file(page)
    _reconcile(page, sandbox.account(0))
    _budget(page, sandbox.account(0))
    _export(page)
    for scheme, width in (("dark", 1280), ("light", 390), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 1400})
        picture(page, f"29-costs-{width}-{scheme}")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert problems == []


def _bucket_and_preview(page: Page) -> None:
    visit(page, "Billing buckets")
    picture(page, "20-buckets")
    click(page.get_by_test_id("stDataFrame").first, 1)
    expect(page.get_by_text(re.compile("24 folders"))).to_be_visible()
    page.get_by_placeholder("Words of the name, in all folders").fill("parquet")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("match"))).to_be_visible()
    picture(page, "21-search")
    click(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_text(re.compile(r"The first 100 rows, \d+ columns. Parquet"))).to_be_visible()
    page.get_by_text("Read as OUTSCALE consumption").click()
    expect(page.get_by_text(re.compile("Of these 100 rows, 100 are lines"))).to_be_visible()
    picture(page, "22-preview-and-mapping")


def _costs_down_to_a_file(page: Page) -> None:
    visit(page, "Costs")
    picture(page, "23-costs-empty")
    press(page, "Read bills")
    expect(page.get_by_text(re.compile(r"Bill files: \d+ read"))).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Forecast of")).to_be_visible()
    picture(page, "24-costs")
    pick(page.get_by_test_id("stDataFrame").first, 0)
    expect(page.get_by_role("heading", name="Where TinaOS-FCU comes from")).to_be_visible()
    idle(page)
    pick(page.get_by_test_id("stDataFrame").last, 0)
    expect(page.get_by_text(re.compile(r"lines, [\d.\s]+"))).to_be_visible()
    picture(page, "25-drill-down")


def _view(page: Page, name: str) -> None:
    page.get_by_test_id("stButtonGroup").first.get_by_text(name, exact=True).click()
    idle(page)


def _reconcile(page: Page, account: dict) -> None:
    _view(page, "Reconcile")
    page.get_by_role("combobox", name="Account ID").click()
    page.get_by_role("option", name=account["account_id"]).click()
    press(page, "Reconcile")
    expect(page.get_by_text(re.compile(r"^\d+ .*agreed"))).to_be_visible()
    picture(page, "26-reconciled")


def _budget(page: Page, account: dict) -> None:
    _view(page, "Budgets")
    page.get_by_role("combobox", name="Which").click()
    page.get_by_role("option", name=account["account_id"]).click()
    fill(page, "Amount a month", "100")
    press(page, "Set")
    expect(page.get_by_text(re.compile("so far in"))).to_be_visible()
    picture(page, "27-budgets")


def _export(page: Page) -> None:
    _view(page, "Costs")
    press(page, "Export")
    picture(page, "28-export")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="These sums as CSV").click()
    with waiting.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = page.get_by_test_id("stMetricValue").first.inner_text()
    total = sum(Decimal(row["cost"]) for row in rows)
    assert f"{total:.2f}" == re.sub(r"[^\d.]", "", shown)
    page.keyboard.press("Escape")
