"""The figures that bill files are made of, and what a file of them must come to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

SEED = 20261124
ROWS = 24
_SERVICES = (("compute", "TinaOS-FCU", "RunInstances-OD"), ("storage", "TinaOS-OOS", "CreateVolume"))


@dataclass
class Figure:
    """One line of a bill."""

    day: date
    account: str
    service: tuple[str, str, str]
    title: str
    quantity: Decimal
    price: Decimal
    cost: Decimal
    currency: str = "EUR"


@dataclass
class Made:
    """A file of the corpus, and what it must come to: by currency what is accepted (XXX where none is named), how many
    lines, and what is refused."""

    name: str
    content: bytes
    sums: dict[str, Decimal]
    accepted: int
    refused: int = 0
    refused_sum: Decimal = Decimal(0)
    days: tuple[date, date] | None = None
    layout: str = ""


@dataclass
class Corpus:
    """What is being made."""

    random: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 - no secret
    files: list[Made] = field(default_factory=list)

    def figures(
        self, count: int = ROWS, *, credits: bool = False, currencies: Iterable[str] = ("EUR",)
    ) -> list[Figure]:
        """Lines of a month, no two alike."""
        told = []
        coins = list(currencies)
        for number in range(count):
            cents = self.random.randint(101, 4_999_999)
            cost = Decimal(cents) / 100
            if credits and number % 3 == 0:
                cost = -cost
            told.append(
                Figure(
                    day=date(2026, 3, 1) + timedelta(days=number % 28),
                    account=("126234412779", "141677846174")[number % 2],
                    service=_SERVICES[number % 2],
                    title=f"Instance n° {number} à la demande",
                    quantity=Decimal(self.random.randint(1, 9_999)),
                    price=Decimal(self.random.randint(1, 99_999)) / 10**5,
                    cost=cost,
                    currency=coins[number % len(coins)],
                )
            )
        return told

    def add(
        self, name: str, content: bytes, told: list[Figure], layout: str, *, named: bool = False, **more: Any
    ) -> None:
        """Note a file that must come to these lines. `named`: whether it names the currencies."""
        sums: dict[str, Decimal] = {}
        for one in told:
            currency = one.currency if named else "XXX"
            sums[currency] = sums.get(currency, Decimal(0)) + one.cost
        days = (min(one.day for one in told), max(one.day for one in told))
        self.files.append(Made(name, content, sums, len(told), days=days, layout=layout, **more))
