"""`sandbox.json`: where the running sandbox is and which demo keys it has, so that any client can be pointed at it."""

import json
import os
from typing import Any

import psutil

from core.sandbox.free_ports import LOOPBACK
from core.sandbox.places import BILLING_BUCKETS, EAST, LABELS, WEST
from core.sandbox.world import CloudAccount, Key, World, now, write_private
from core.settings import Settings

REGIONS = (WEST, EAST)


def api_port(settings: Settings, region: str) -> int:
    """The port of a Region's API."""
    return settings.sandbox_port + REGIONS.index(region)


def storage_port(settings: Settings, region: str) -> int:
    """The port of a Region's object storage."""
    return settings.sandbox_port + len(REGIONS) + REGIONS.index(region)


def write_info(settings: Settings, world: World, token: str) -> None:
    """Write the file of the running process, mode 0600. `token` opens its control address."""
    write_private(settings.sandbox_file, json.dumps(_info(settings, world, token), indent=2) + "\n")


def read_info(settings: Settings) -> dict[str, Any] | None:
    """The file's content while its process runs; None otherwise."""
    try:
        info: dict[str, Any] = json.loads(settings.sandbox_file.read_text())
        # A process id alone may have been given to another process since.
        running = abs(psutil.Process(info["pid"]).create_time() - info["started"]) <= 1
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return info if running else None


def _info(settings: Settings, world: World, token: str) -> dict[str, Any]:
    regions = [
        {
            "name": region,
            "label": LABELS[region],
            "api": f"http://{LOOPBACK}:{api_port(settings, region)}/api/v1",
            "oos": f"http://{LOOPBACK}:{storage_port(settings, region)}",
        }
        for region in REGIONS
    ]
    buckets = [{"name": name, "region": region} for name, region in BILLING_BUCKETS]
    special = {kind: _found(world, access_key_id) for kind, access_key_id in world.special.items()}
    billing = _found(world, world.billing_key)
    return {
        "regions": regions,
        "accounts": [_account(account) for account in world.accounts],
        "billing": [billing | {"buckets": buckets}] if billing else [],
        "special": {kind: key for kind, key in special.items() if key},
        "pid": os.getpid(),
        "started": psutil.Process().create_time(),
        "control": {"url": f"http://{LOOPBACK}:{api_port(settings, WEST)}/sandbox", "token": token},
    }


def _account(account: CloudAccount) -> dict[str, Any]:
    moment = now()
    return {
        "account_id": account.account_id,
        "region": account.region,
        "email": account.email,
        "password": account.password.get_secret_value(),
        "access_keys": [_key(key) for key in account.root.keys if key.works(moment)],
    }


def _key(key: Key) -> dict[str, str]:
    return {"access_key_id": key.access_key_id, "secret_key": key.secret_key.get_secret_value()}


def _found(world: World, access_key_id: str) -> dict[str, str]:
    found = world.find_key(access_key_id)
    if found is None:
        return {}
    account, _, key = found
    return {"account_id": account.account_id, "region": account.region} | _key(key)
