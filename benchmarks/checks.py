"""Checking credentials of 100 project rows against the same calls made one after another with the SDK's Gateway.

    .venv/bin/python -m benchmarks.checks [--peer-rows 10]

Starts a sandbox of its own, makes 100 access keys of 10 EIM users, and prints both times and their ratio. The peer's
time is measured on some of the rows and multiplied; `--peer-rows 100` measures all of them (about six minutes)."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osc_sdk_python import Gateway
from osc_sdk_python.credentials import Endpoint
from pydantic import SecretStr

from benchmarks.sandbox import started
from core.outscale.oapi import Oapi
from core.outscale.regions import load_regions
from core.services.checks.projects import PLATFORM_CALLS
from core.settings import Settings

ROWS = 100
KEYS_PER_USER = 10
POLICY = '{"Statement":[{"Effect":"Allow","Action":["api:*"],"Resource":["*"]}]}'
ONBOARDING = Path(sys.executable).with_name("onboarding")


def make_rows(settings: Settings) -> list[dict[str, str]]:
    """100 project rows with a key each, of 10 EIM users of the first account."""
    account = json.loads(settings.sandbox_file.read_text())["accounts"][0]
    root = account["access_keys"][0]
    rows = []
    region = load_regions(settings)[account["region"]]
    with Oapi(region, access_key=root["access_key_id"], secret_key=SecretStr(root["secret_key"])) as api:
        for user in range(ROWS // KEYS_PER_USER):
            name = f"bench-{user}"
            api.call("CreateUser", UserName=name)
            api.call("PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=POLICY)
            for _ in range(KEYS_PER_USER):
                key = api.create_access_key(user_name=name)
                rows.append(
                    {
                        "access_key": key.access_key_id,
                        "secret_key": key.secret_key.get_secret_value(),
                        "account_id": account["account_id"],
                        "region": account["region"],
                    }
                )
    return rows


def ours(settings: Settings, rows: list[dict[str, str]]) -> float:
    """Seconds of `onboarding credentials check NAME --json`, the process's start included."""
    environment = os.environ | {
        "ONBOARDING_HOME": str(settings.home),
        "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port),
    }
    form = json.dumps({"name": "bench", "projects": rows})
    subprocess.run(
        [ONBOARDING, "credentials", "add", "-", "--json"],
        input=form,
        text=True,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    begun = time.perf_counter()
    answer = subprocess.run(
        [ONBOARDING, "credentials", "check", "bench", "--json"],
        text=True,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    seconds = time.perf_counter() - begun
    report = json.loads(answer.stdout)
    assert report["state"] == "success"
    assert len(report["checks"]) == 8 * len(rows)
    return seconds


def theirs(settings: Settings, rows: list[dict[str, str]]) -> float:
    """Seconds of the same calls, row after row, with a Gateway for each key."""
    today = datetime.now(UTC).date()
    period = {"FromDate": str(today - timedelta(days=1)), "ToDate": str(today)}
    regions = load_regions(settings)
    begun = time.perf_counter()
    for row in rows:
        region = regions[row["region"]]
        gateway = Gateway(
            access_key=row["access_key"],
            secret_key=row["secret_key"],
            region=region.name,
            endpoints=Endpoint(api=region.api),
        )
        gateway.ReadAccounts()
        gateway.ReadAccessKeys()
        for call in PLATFORM_CALLS:
            gateway.raw(call, DryRun=True, **(period if call == "ReadConsumptionAccount" else {}))
    return time.perf_counter() - begun


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-rows", type=int, default=10, help="rows that the peer is measured on")
    peer_rows = parser.parse_args().peer_rows
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as settings:
        rows = make_rows(settings)
        own = ours(settings, rows)
        peer = theirs(settings, rows[:peer_rows]) * ROWS / peer_rows
    print(f"onboarding credentials check, {ROWS} rows: {own:8.2f} s")
    print(f"SDK Gateway, one call after another:   {peer:8.2f} s (measured on {peer_rows} rows)")
    print(f"ratio: {own / peer:.3f} (asked: at most 0.100)")


if __name__ == "__main__":
    main()
