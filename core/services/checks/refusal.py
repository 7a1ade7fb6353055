"""Why a key was refused. The API answers one and the same for a wrong secret and for an unknown key (code 1); the
object storage tells them apart, and has no lock after failures."""

from pydantic import SecretStr

from core.domain.proxy import ProxyUrl
from core.domain.regions import Region, RegionCatalog
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.oos import Oos
from core.services.checks.run import Run

_KNOWN = frozenset({Trouble.SIGNATURE, Trouble.FORBIDDEN})
"""Storage answers that only a key known there can get."""


def explain(
    error: OutscaleError,
    region: Region,
    access_key: str,
    secret_key: SecretStr,
    proxy: ProxyUrl | None,
    run: Run,
) -> OutscaleError:
    """Turn a bare refusal (code 1, or an unknown key at the storage) into one that says what is wrong: the secret
    key, the Region, or the key. Other errors are given back as they are."""
    if error.trouble not in {Trouble.AUTHENTICATION, Trouble.UNKNOWN_KEY}:
        return error
    answer = _storage_says(region, access_key, secret_key, proxy, run)
    if answer is Trouble.SIGNATURE:
        return _said_again(
            error,
            Trouble.SIGNATURE,
            "The signature was refused: the secret key does not belong to this access key.",
            "Paste both again from the key's creation window.",
        )
    if answer is not Trouble.UNKNOWN_KEY:
        return error
    for other in neighbours(region, run.regions):
        said = _storage_says(other, access_key, secret_key, proxy, run)
        if said is None or said in _KNOWN:
            return _said_again(
                error,
                Trouble.UNKNOWN_KEY,
                f"This access key belongs to the Region {other.name}, not to {region.name}.",
                f"Choose {other} in this row, or paste a key of the account in {region.name}.",
            )
    return _said_again(
        error,
        Trouble.UNKNOWN_KEY,
        f"OUTSCALE knows no such active access key in {region.name}.",
        "Look for a missing or extra character, and in Cockpit whether the key is there, ACTIVE and not expired.",
    )


def neighbours(region: Region, regions: RegionCatalog) -> list[Region]:
    """The other Regions where a key or a bucket may be: the sandbox never asks the real cloud, nor the reverse."""
    return [other for other in regions.open if other.name != region.name and other.sandbox == region.sandbox]


def _storage_says(
    region: Region, access_key: str, secret_key: SecretStr, proxy: ProxyUrl | None, run: Run
) -> Trouble | None:
    storage = Oos(
        region,
        access_key,
        secret_key,
        proxy=proxy,
        allowed=run.allowed,
        connect_timeout=run.settings.connect_timeout,
        read_timeout=run.settings.read_timeout,
    )
    try:
        storage.list_buckets()
    except OutscaleError as error:
        return error.trouble
    return None


def _said_again(error: OutscaleError, trouble: Trouble, what: str, mend: str) -> OutscaleError:
    return OutscaleError(trouble, what, mend, code=error.code, request_id=error.request_id, details=error.details)
