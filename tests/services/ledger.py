"""What the bills of the sandbox come to, by the figures that they are made of."""

from datetime import UTC, date, datetime
from decimal import Decimal

from core.domain.costs import months_later
from core.sandbox.consumption import figures, usage

TODAY = datetime.now(UTC).date()
THIS = TODAY.replace(day=1)
LAST = months_later(THIS, -1)


def used(account: dict, since: date, until: date) -> dict[str, Decimal]:
    """What the sandbox says that an account used, by service: the figures that its bills are made of."""
    sums: dict[str, Decimal] = {}
    for one in usage(account["account_id"], since, until, account["region"]):
        product = one.resource.product
        cost = figures(product, one.thousandths, Decimal)["Price"]
        sums[product.service] = sums.get(product.service, Decimal(0)) + cost
    return sums
