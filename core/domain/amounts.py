"""How an amount of money is written, on screens and in messages."""

import unicodedata
from decimal import Decimal

from core.domain.bill_lines import NO_CURRENCY


def money(amount: Decimal, currency: str) -> str:
    """An amount with two decimal places, its thousands apart, and its currency: `1,234.50 EUR`."""
    return f"{amount:,.2f} {'' if currency == NO_CURRENCY else code(currency)}".strip()


def code(currency: str) -> str:
    """A currency as a bill tells it, without what no code and no sign of one has: a bill may hold anything there, and
    some places read Markdown."""
    return "".join(sign for sign in currency if sign.isalnum() or unicodedata.category(sign) == "Sc")
