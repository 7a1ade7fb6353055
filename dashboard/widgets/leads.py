"""The way from a line that needs attention to where it is mended."""

from core.services.attention import Attention
from dashboard.address import named
from dashboard.navigation import ACCESS_KEYS, ACCOUNTS, COSTS, CREDENTIALS, REQUEST_ACCOUNT, SCREENS, link


def lead(line: Attention) -> None:
    """Show the way, with what the line is about opened there."""
    screen = next((one for one in SCREENS if one.file == line.screen), None)
    if screen is None:
        return
    says: dict[str, str] = {}
    if screen in {ACCESS_KEYS, ACCOUNTS} and line.account_id:
        says["account"] = named(line.account_id, line.region)
    elif screen is REQUEST_ACCOUNT:
        says["opened"] = line.request
    elif screen is COSTS:
        says["view"] = "Budgets"
    elif screen is CREDENTIALS:
        says["opened"] = line.subject
    link(screen, says=says)
