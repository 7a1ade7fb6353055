"""What the sandbox's accounts consumed: invented, but always the same for the same account and day.

Every figure is derived from a hash of account, resource and day, so nothing is stored, and any window can be asked.
Amounts are whole thousandths and prices exact decimals: the sums of days, of bill files and of the API agree to the
last digit. Shapes: the ConsumptionEntry of ReadConsumptionAccount, the CatalogEntry of ReadCatalog."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

CURRENCY = "EUR"
MONTHS = 24
"""So many full months, up to the last one, have bills."""

DEFAULT_REGION = "sandbox-west-1"
_THOUSANDTH = -3
_GROWTH_BEGINS = date(2024, 1, 1).toordinal()

How = Literal["hours", "office hours", "per month", "amount"]


@dataclass(frozen=True)
class Product:
    """Something with a price. how: what a day's amount is; most: how many resources of it an account has at most in
    a Subregion; size: how much of it one resource uses, smallest and largest; prefix: of its resources' IDs."""

    category: str
    service: str
    operation: str
    type: str
    title: str
    price: Decimal
    how: How
    most: int
    size: tuple[int, int] = (1, 1)
    prefix: str | None = None


def _product(name: str, title: str, price: str, how: How, most: int, **more: Any) -> Product:
    category, service, operation, type_ = name.split(" ")
    return Product(category, service, operation, type_, title, Decimal(price), how, most, **more)


_VM = "compute TinaOS-FCU RunInstances-OD BoxUsage:"
_BSU = "storage TinaOS-FCU CreateVolume BSU:"
PRODUCTS = (
    _product(
        _VM + "tinav4.c1r2p3",
        "Instance - On demand - tinav4.c1r2 medium - per hour",
        "0.042",
        "office hours",
        1,
        prefix="i-",
    ),
    _product(
        _VM + "tinav5.c2r4p2", "Instance - On demand - tinav5.c2r4 high - per hour", "0.106", "hours", 2, prefix="i-"
    ),
    _product(
        _VM + "tinav5.c4r8p2", "Instance - On demand - tinav5.c4r8 high - per hour", "0.212", "hours", 1, prefix="i-"
    ),
    _product(
        _VM + "tinav6.c8r32p1",
        "Instance - On demand - tinav6.c8r32 highest - per hour",
        "0.624",
        "office hours",
        1,
        prefix="i-",
    ),
    _product(
        _BSU + "VolumeUsage:standard",
        "BSU - Magnetic storage - per GiB and per month",
        "0.07",
        "per month",
        1,
        size=(50, 400),
        prefix="vol-",
    ),
    _product(
        _BSU + "VolumeUsage:gp2",
        "BSU - Performance storage - per GiB and per month",
        "0.11",
        "per month",
        2,
        size=(20, 300),
        prefix="vol-",
    ),
    _product(
        _BSU + "VolumeUsage:io1",
        "BSU - Enterprise storage - per GiB and per month",
        "0.13",
        "per month",
        1,
        size=(50, 500),
        prefix="vol-",
    ),
    _product(
        _BSU + "VolumeIOPS:io1",
        "BSU - Enterprise storage - per IOPS and per month",
        "0.01",
        "per month",
        1,
        size=(100, 3000),
        prefix="vol-",
    ),
    _product(
        "storage TinaOS-FCU CreateSnapshot BSU:SnapshotUsage",
        "Snapshot - per GiB and per month",
        "0.05",
        "per month",
        1,
        size=(20, 600),
    ),
    _product(
        "network TinaOS-FCU AssociateAddressVPC ElasticIP:AdditionalAddress",
        "Public IP - Additional address - per hour",
        "0.005",
        "hours",
        1,
        prefix="eipalloc-",
    ),
    _product(
        "network TinaOS-FCU AllocateAddress ElasticIP:IdleAddress",
        "Public IP - Idle address - per hour",
        "0.005",
        "hours",
        1,
        prefix="eipalloc-",
    ),
    _product(
        "network TinaOS-FCU CreateNatGateway NatGatewayUsage",
        "NAT service - per hour",
        "0.045",
        "hours",
        1,
        prefix="nat-",
    ),
    _product("network TinaOS-LBU CreateLoadBalancer LBU:Usage", "Load balancer - per hour", "0.03", "hours", 1),
    _product(
        "storage TinaOS-OOS PutObject OOS:StorageUsage",
        "OOS - Storage - per GiB and per month",
        "0.025",
        "per month",
        1,
        size=(200, 4000),
    ),
    _product(
        "network TinaOS-OOS GetObject OOS:DataTransfer",
        "OOS - Outgoing data - per GiB",
        "0.012",
        "amount",
        1,
        size=(1, 80),
    ),
    _product(
        "container OKS CreateCluster OKS:ControlPlane:cp.3.masters.small",
        "OKS - Control plane cp.3.masters.small - per hour",
        "0.27",
        "hours",
        1,
    ),
)


@dataclass(frozen=True)
class Resource:
    """One thing that an account uses in a Subregion. It is there for `alive` days out of every `period`."""

    product: Product
    subregion: str
    number: int
    id: str | None
    size: int
    alive: int
    period: int
    phase: int


@dataclass(frozen=True)
class Usage:
    """What one resource used on one day: `thousandths` of the unit in its product's title."""

    account_id: str
    resource: Resource
    day: date
    thousandths: int


def catalog(region: str = DEFAULT_REGION) -> list[dict[str, Any]]:
    """The price list of a Region: CatalogEntry objects, one a product and Subregion."""
    entries = []
    for product in PRODUCTS:
        for subregion in _subregions(region):
            entry = _names(product, subregion) | {"UnitPrice": float(product.price)}
            if product.how == "per month":
                entry["Flags"] = "PER_MONTH"
            entries.append(entry)
    return entries


def entries(
    account_id: str,
    paying_account_id: str,
    start: date,
    end: date,
    region: str = DEFAULT_REGION,
    *,
    resources: bool = False,
) -> list[dict[str, Any]]:
    """What an account consumed from `start` up to, without, `end`: ConsumptionEntry objects with prices.

    One a product and Subregion, or (`resources`, as ShowResourceDetails asks) one a resource. ToDate is the last day
    included. The numbers are floats of at most 15 digits: `Decimal(str(number))` is the exact figure."""
    sums: dict[tuple[Product, str, str | None], int] = {}
    for each in usage(account_id, start, end, region):
        key = (each.resource.product, each.resource.subregion, each.resource.id if resources else None)
        sums[key] = sums.get(key, 0) + each.thousandths
    return [
        entry(product, subregion, account_id, paying_account_id, start, end - timedelta(days=1))
        | figures(product, thousandths, float)
        | ({"ResourceId": resource_id} if resource_id else {})
        for (product, subregion, resource_id), thousandths in sums.items()
    ]


def usage(account_id: str, start: date, end: date, region: str = DEFAULT_REGION) -> Iterator[Usage]:
    """What every resource of an account used on each day from `start` up to, without, `end`; nothing is left out
    of it and nothing is zero."""
    owned = _resources(account_id, region)
    for ordinal in range(start.toordinal(), end.toordinal()):
        day = date.fromordinal(ordinal)
        for resource in owned:
            if (ordinal + resource.phase) % resource.period < resource.alive:
                thousandths = _amount(account_id, resource, day)
                if thousandths:
                    yield Usage(account_id, resource, day, thousandths)


def entry(
    product: Product, subregion: str, account_id: str, paying_account_id: str, first: date, last: date
) -> dict[str, Any]:
    """The part of a ConsumptionEntry that says what, whose and when."""
    return {
        "AccountId": account_id,
        "PayingAccountId": paying_account_id,
        **_names(product, subregion),
        "FromDate": timestamp(first),
        "ToDate": timestamp(last),
    }


def figures(product: Product, thousandths: int, number: type[float] | type[Decimal]) -> dict[str, Any]:
    """The part of a ConsumptionEntry that counts: Value, UnitPrice and Price, which is exactly their product."""
    value = Decimal(thousandths).scaleb(_THOUSANDTH)
    return {"Value": number(value), "UnitPrice": number(product.price), "Price": number(value * product.price)}


def timestamp(day: date) -> str:
    """Midnight of a day, as ReadConsumptionAccount writes it."""
    return f"{day.isoformat()}T00:00:00.000+0000"


def bill_months(today: date) -> list[date]:
    """The first days of the months that have bills, oldest first: the MONTHS before the running one."""
    index = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(index - MONTHS, index)]


def next_month(first: date) -> date:
    """The first day of the month after the one that begins on `first`."""
    return first + timedelta(days=monthrange(first.year, first.month)[1])


def _names(product: Product, subregion: str) -> dict[str, Any]:
    return {
        "Category": product.category,
        "Service": product.service,
        "Operation": product.operation,
        "Type": product.type,
        "Title": product.title,
        "SubregionName": subregion,
    }


def _subregions(region: str) -> tuple[str, str]:
    return f"{region}a", f"{region}b"


def _hash(*parts: object) -> int:
    return int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest())


@lru_cache(maxsize=256)
def _resources(account_id: str, region: str) -> tuple[Resource, ...]:
    found = []
    for place, subregion in enumerate(_subregions(region)):
        for product in PRODUCTS:
            # Everybody has something of each kind in the first Subregion, some have it in the second too.
            seed = _hash(account_id, subregion, product.type)
            count = 1 + seed % product.most if place == 0 else seed % (product.most + 1)
            found += [_resource(account_id, subregion, product, number) for number in range(count)]
    return tuple(found)


def _resource(account_id: str, subregion: str, product: Product, number: int) -> Resource:
    seed = _hash(account_id, subregion, product.type, number)
    smallest, largest = product.size
    period = 300 + seed % 600
    return Resource(
        product=product,
        subregion=subregion,
        number=number,
        id=f"{product.prefix}{seed:016x}"[: len(product.prefix) + 8] if product.prefix else None,
        size=smallest + (seed >> 16) % (largest - smallest + 1),
        alive=period if number == 0 else period * (40 + (seed >> 8) % 50) // 100,
        period=period,
        phase=(seed >> 24) % period,
    )


def _amount(account_id: str, resource: Resource, day: date) -> int:
    """Thousandths that a resource uses on a day."""
    noise = _hash(account_id, resource.subregion, resource.product.type, resource.number, day) % 1000
    if resource.product.how == "hours":
        return 24_000 if noise < 970 else 1_000 * (noise % 24)
    if resource.product.how == "office hours":
        return 0 if day.weekday() >= 5 else 9_000 + noise * 3
    if resource.product.how == "per month":
        return resource.size * _growth(day) // monthrange(day.year, day.month)[1]
    return resource.size * (500 + noise)


def _growth(day: date) -> int:
    """Thousandths by which what is stored has grown: 1.5 % a month, three times at most."""
    return min(3_000, 1_000 + max(0, day.toordinal() - _GROWTH_BEGINS) // 2)
