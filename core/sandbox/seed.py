"""The first state: the same accounts, keys and buckets on every machine. Keys and passwords are derived by hashing,
so that none stands in the source."""

import hashlib
import string
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pydantic import SecretStr

from core.sandbox.bills import Kind, bill_files
from core.sandbox.places import BILLING_BUCKETS, COLUMNAR_BUCKET, CSV_BUCKET, EAST, EMPTY_BUCKET, WEST
from core.sandbox.world import CloudAccount, Key, Keypair, User, World

_CAPITALS = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"
_READ_ALL = '{"Statement":[{"Effect":"Allow","Action":["api:Read*"],"Resource":["*"]}]}'
_READ_COSTS = '{"Statement":[{"Effect":"Allow","Action":["api:ReadConsumptionAccount"],"Resource":["*"]}]}'


def derived(label: str, length: int, alphabet: str = _CAPITALS) -> str:
    """Letters that follow from a label alone."""
    number = int.from_bytes(hashlib.sha512(f"outscale sandbox {label}".encode()).digest())
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        letters.append(alphabet[index])
    return "".join(letters)


def first_world(moment: datetime) -> World:
    """The accounts at the beginning: one with a sister account in the other Region, another company's, and the
    paying account of them all, whose EIM user `billing` has the key of the billing buckets."""
    harbour = _account("harbour", WEST, "Harbour Robotics", ("Nantes", "44000"), ("Camille", "Martin"), moment)
    sister = _account("harbour-east", EAST, "Harbour Robotics", ("Nantes", "44000"), ("Camille", "Martin"), moment)
    meadow = _account("meadow", WEST, "Meadow Analytics", ("Lyon", "69003"), ("Noor", "Lefebvre"), moment)
    ledger = _account("ledger", WEST, "Ledger Group", ("Paris", "75009"), ("Jules", "Moreau"), moment)
    for account in (harbour, sister, meadow):
        account.paying_account_id = ledger.account_id
    harbour.owns, sister.owns, meadow.owns = ["harbour-data"], ["harbour-data-east"], ["meadow-data"]
    harbour.keypairs = [_keypair("harbour-laptop")]
    special = _special_keys(harbour, moment)
    billing = _user("billing", {"costs": _READ_COSTS}, moment)
    for bucket, region in BILLING_BUCKETS:
        billing.reads.setdefault(region, []).append(bucket)
    ledger.users.append(billing)
    ledger.root.reads = billing.reads
    return World(accounts=[harbour, sister, meadow, ledger], special=special, billing_key=billing.keys[0].access_key_id)


def buckets(world: World, today: date) -> list[tuple[str, str, str]]:
    """The buckets there are to be: name, Region, and what fills it today. A billing bucket has new files when a month
    is over."""
    owned = [(name, account.region, "data") for account in world.accounts for name in account.owns]
    return owned + [(name, region, f"{today:%Y-%m}") for name, region in BILLING_BUCKETS]


def files(world: World, bucket: str, today: date) -> Iterator[tuple[str, bytes]]:
    """The files of a bucket: (object key, content). The CSV bills are of the accounts in the first Region, the others
    of those in the second."""
    if bucket == EMPTY_BUCKET:
        return
    payer, _, _ = world.find_key(world.billing_key) or (None, None, None)
    if payer and bucket in (CSV_BUCKET, COLUMNAR_BUCKET):
        region = WEST if bucket == CSV_BUCKET else EAST
        accounts = [one.account_id for one in world.of_region(region) if one.paying_account_id == payer.account_id]
        kind: Kind = "csv" if bucket == CSV_BUCKET else "columnar"
        yield from bill_files(kind, accounts, payer.account_id, today, region)
        return
    for day in range(1, 6):
        rows = "\n".join(f"2026-01-{day:02};{derived(f'{bucket} {day} {row}', 6)};{row * day}" for row in range(50))
        yield f"measurements/2026-01-{day:02}.csv", f"day;sensor;value\n{rows}\n".encode()


def _account(
    label: str, region: str, company: str, place: tuple[str, str], contact: tuple[str, str], moment: datetime
) -> CloudAccount:
    account_id = derived(f"account {label}", 12, string.digits[1:])
    created = moment - timedelta(days=800)
    root = User(name="", created=created, modified=created, keys=[new_key(label, moment, age=timedelta(days=200))])
    return CloudAccount(
        account_id=account_id,
        region=region,
        email=f"cloud@{label}.example",
        password=new_password(label),
        details={
            "CompanyName": company,
            "City": place[0],
            "ZipCode": place[1],
            "Country": "France",
            "FirstName": contact[0],
            "LastName": contact[1],
            "JobTitle": "Cloud operator",
            "CustomerId": derived(f"customer {label}", 8, string.digits[1:]),
        },
        root=root,
        paying_account_id=account_id,
    )


def new_password(label: str) -> SecretStr:
    """A password by the rule of Cockpit: at least 17 characters, with small, large, digit and special ones."""
    groups = [string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!"]
    return SecretStr("".join(derived(f"password {label} {index}", 5, group) for index, group in enumerate(groups)))


def new_key(
    label: str, moment: datetime, *, age: timedelta, expires: datetime | None = None, tag: str | None = None
) -> Key:
    """An access key that is this old. The same label gives the same key."""
    created = moment - age
    return Key(
        access_key_id=derived(f"access key {label}", 20),
        secret_key=SecretStr(derived(f"secret key {label}", 40)),
        created=created,
        modified=created,
        expires=expires,
        tag=tag,
    )


def _user(name: str, policies: dict[str, str], moment: datetime) -> User:
    created = moment - timedelta(days=30)
    return User(
        name=name,
        user_id=derived(f"user {name}", 32),
        email=f"{name}@users.example",
        created=created,
        modified=created,
        policies=policies,
        keys=[new_key(name, moment, age=timedelta(days=30))],
    )


def _keypair(name: str) -> Keypair:
    fingerprint = ":".join(derived(f"fingerprint {name} {part}", 2, _HEX) for part in range(16))
    return Keypair(
        name=name, keypair_id="key-" + derived(f"keypair {name}", 8, _HEX), kind="ssh-rsa", fingerprint=fingerprint
    )


def _special_keys(account: CloudAccount, moment: datetime) -> dict[str, str]:
    inactive = new_key("inactive", moment, age=timedelta(days=90), tag="retired")
    inactive.state = "INACTIVE"
    expired = new_key("expired", moment, age=timedelta(days=400), expires=moment - timedelta(days=35), tag="old")
    expiring = new_key("expiring", moment, age=timedelta(days=345), expires=moment + timedelta(days=20), tag="renew")
    old = new_key("old", moment, age=timedelta(days=500), tag="legacy")
    account.root.keys += [inactive, expired, expiring, old]
    platform = _user("platform", {"read": _READ_ALL}, moment)
    reporting = _user("reporting", {"costs": _READ_COSTS}, moment)
    account.users += [platform, reporting]
    keys = {"inactive": inactive, "expired": expired, "expiring": expiring, "old": old}
    keys |= {user.name: user.keys[0] for user in (platform, reporting)}
    return {kind: key.access_key_id for kind, key in keys.items()}
