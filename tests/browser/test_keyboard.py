"""A form is filled in and sent without a mouse."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Dashboard, idle


def test_credentials_are_added_by_keyboard_alone(page: Page, dashboard: Dashboard, sandbox) -> None:
    account = sandbox.account(0)
    key = account["access_keys"][0]
    page.goto(f"{dashboard.address}/add_credentials")
    expect(page.get_by_role("heading", name="Add credentials", level=1)).to_be_visible(timeout=60_000)
    idle(page)
    for label, value in (
        ("Credentials name *", "by-keyboard"),
        ("Access key", key["access_key_id"]),
        ("Secret key", key["secret_key"]),
        ("Account ID", account["account_id"]),
        ("Region", account["region"]),
    ):
        _tab_to(page, label)
        if label == "Region":
            page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(value)
        if label == "Region":
            expect(page.get_by_role("option")).to_have_count(1)
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
    _tab_to(page, "Add")
    page.keyboard.press("Enter")
    expect(page.get_by_text("by-keyboard was added.").first).to_be_visible(timeout=30_000)


def _tab_to(page: Page, label: str) -> None:
    """Press Tab until the control of this name has the focus; it comes after the one before it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)  # the field that was left is sent
        idle(page)
        name = page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText || ''")
        if name.strip().split("\n")[-1] == label:
            return
    raise AssertionError(f"no way to {label}")
