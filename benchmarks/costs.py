"""Reading 1 GB of bills (5 million lines, 12 monthly files) and adding them up, against bare Polars and pandas.

    .venv/bin/python -m benchmarks.costs [--lines 5000000] [--rounds 2]

Starts a sandbox of its own and puts the files into a bucket of its object storage. Each round runs, each in a process
of its own that has loaded its libraries:

- ours: list the bucket, fetch every file, understand it, sum it exactly and keep the sums, then sum by month, account
  and service; after that every line is kept as Parquet, which is told too
- the same sum again in another process
- a bare Polars scan of the same objects straight from the storage, summed in floating point and nothing kept
- the same by pandas

The fastest round of each counts. Memory is that of all processes of a run together (what they share counted once),
looked at 20 times a second."""

# Each run loads its own libraries only, and so do the processes that it starts, which read this file again.
# ruff: noqa: PLC0415

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from benchmarks.sandbox import started
from core.domain.actor import Actor
from core.domain.costs import CostQuery
from core.domain.roles import Role
from core.outscale.regions import load_regions

BUCKET, FOLDER = "harbour-data", "bills/"
ACTOR = Actor(name="bench", via="benchmark", role=Role.ADMINISTRATOR)
MONTHS = 12
QUERY = CostQuery(since=date(2025, 1, 1), until=date(2026, 1, 1), by=("month", "account", "service"))


def month_file(month: int, count: int) -> bytes:
    """A month's bill in the columns of a ConsumptionEntry, the same bytes each time."""
    import polars as pl

    number = pl.int_range(count)
    hashed = number.hash(month)
    amount = (hashed % 10_000_000).cast(pl.Float64) / 1000
    price = (hashed % 977 + 1).cast(pl.Float64) / 100_000
    services = pl.Series(["TinaOS-FCU", "TinaOS-OOS", "TinaOS-LBU", "OKS"])
    frame = pl.select(
        AccountId=pl.lit("1000000000") + (hashed % 50).cast(pl.String).str.zfill(2),
        PayingAccountId=pl.lit("583767933646"),
        Category=pl.lit("compute"),
        Service=pl.lit(services).gather(hashed % 4),
        Operation=pl.lit("RunInstances-OD"),
        Type=pl.lit("BoxUsage:tinav") + (hashed % 7).cast(pl.String) + pl.lit(".c4r8p2"),
        Title=pl.lit("Instance - On demand - tina, of generation ") + (hashed % 7).cast(pl.String),
        SubregionName=pl.lit("eu-west-2a"),
        ResourceId=pl.lit("i-") + hashed.cast(pl.String).str.slice(0, 8),
        FromDate=pl.date(2025, month, 1) + pl.duration(days=hashed % 28),
        ToDate=pl.date(2025, month, 1) + pl.duration(days=hashed % 28),
        Value=amount,
        UnitPrice=price,
        Price=(amount * price).round(8),
    )
    return frame.write_csv().encode()


def client(endpoint: str, region: str, key: dict[str, str]) -> Any:
    """boto3 as anybody makes it."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_key"],
        config=config,
    )


def ours(_: dict[str, Any]) -> tuple[float, float]:
    """Seconds of the first sum, and what it comes to; those until all lines are kept go to the error output."""
    from core.services import cost_engine
    from core.services.bill_pull import pull
    from core.services.costs import costs
    from core.services.workspace import open_workspace
    from core.settings import Settings

    cost_engine.make_ready()  # as the dashboard does when it starts
    workspace, first = open_workspace(Settings()), []
    time.sleep(1)

    def look(done: int, total: int, _: str) -> None:
        if total and done == total and not first:
            found = costs(ACTOR, workspace, QUERY)
            first.append((time.perf_counter() - begun, float(found["cost"].sum())))

    begun = time.perf_counter()
    report = pull(ACTOR, workspace, progress=look)
    print(f"all lines kept:   {time.perf_counter() - begun:6.2f} s", file=sys.stderr)
    assert report.read == MONTHS, report
    assert float(costs(ACTOR, workspace, QUERY)["cost"].sum()) == first[0][1]
    return first[0]


def again(_: dict[str, Any]) -> tuple[float, float]:
    """Seconds of the same sum, of what is kept."""
    from core.services.costs import costs
    from core.services.workspace import open_workspace
    from core.settings import Settings

    workspace = open_workspace(Settings())
    begun = time.perf_counter()
    found = costs(ACTOR, workspace, QUERY)
    return time.perf_counter() - begun, float(found["cost"].sum())


def bare_polars(there: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a lazy scan of the objects."""
    import polars as pl

    options = {
        "aws_endpoint_url": there["endpoint"],
        "aws_access_key_id": there["key"]["access_key_id"],
        "aws_secret_access_key": there["key"]["secret_key"],
        "aws_region": there["region"],
        "aws_allow_http": "true",
    }
    begun = time.perf_counter()
    frame = pl.scan_csv(
        f"s3://{BUCKET}/{FOLDER}*.csv", storage_options=options, schema_overrides={"AccountId": pl.String}
    )
    month = pl.col("FromDate").str.slice(0, 7)
    found = frame.group_by(month, "AccountId", "Service").agg(pl.col("Price").sum()).collect(engine="streaming")
    return time.perf_counter() - begun, float(found["Price"].sum())


def with_pandas(there: dict[str, Any]) -> tuple[float, float]:
    """Seconds of reading each object's body as a whole frame."""
    import pandas as pd

    storage = client(there["endpoint"], there["region"], there["key"])
    begun = time.perf_counter()
    parts = []
    for entry in storage.list_objects_v2(Bucket=BUCKET, Prefix=FOLDER)["Contents"]:
        body = storage.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"]
        frame = pd.read_csv(body, dtype={"AccountId": str})
        frame["Month"] = frame["FromDate"].str.slice(0, 7)
        parts.append(frame.groupby(["Month", "AccountId", "Service"])["Price"].sum())
    found = pd.concat(parts).groupby(level=[0, 1, 2]).sum()
    return time.perf_counter() - begun, float(found.sum())


RUNS = {"ours": ours, "again": again, "polars": bare_polars, "pandas": with_pandas}


def run(name: str, there: dict[str, Any], home: Path) -> dict[str, float]:
    """One run in a process of its own: its seconds, its sum, and the memory of all its processes in MB."""
    command = [sys.executable, "-m", "benchmarks.costs", "--run", name]
    environment = os.environ | {"ONBOARDING_HOME": str(home)}
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    most = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.05):
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
                most = max(most, sum(one.memory_full_info().pss for one in family))
            except psutil.NoSuchProcess:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    told, _ = process.communicate(json.dumps(there))
    ended.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{name} failed")
    return dict(json.loads(told)) | {"memory": most / 1e6}


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        seconds, total = RUNS[asked.run](json.load(sys.stdin))
        print(json.dumps({"seconds": seconds, "sum": total}))
        return
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as settings:
        account = json.loads(settings.sandbox_file.read_text())["accounts"][0]
        region = load_regions(settings)[account["region"]]
        there = {"endpoint": region.oos, "region": region.name, "key": account["access_keys"][0]}
        storage, size = client(**there), 0
        for entry in storage.list_objects_v2(Bucket=BUCKET)["Contents"]:
            storage.delete_object(Bucket=BUCKET, Key=entry["Key"])
        for month in range(1, MONTHS + 1):
            content = month_file(month, asked.lines // MONTHS)
            size += len(content)
            storage.put_object(Bucket=BUCKET, Key=f"{FOLDER}2025-{month:02}.csv", Body=content)
        del content
        print(f"{MONTHS} files, {size / 1e9:.2f} GB, {asked.lines:,} lines", flush=True)
        rounds: list[dict[str, dict[str, float]]] = []
        for number in range(asked.rounds):
            home = Path(folder) / f"round-{number}"
            home.mkdir(mode=0o700)
            (home / "sandbox.json").symlink_to(settings.sandbox_file)
            add_credentials(home, there)
            rounds.append({name: run(name, there, home) for name in RUNS})
            sums = {name: one["sum"] for name, one in rounds[-1].items()}
            assert max(sums.values()) - min(sums.values()) < 1e-6 * max(sums.values()), sums
    best = {name: min(one[name]["seconds"] for one in rounds) for name in RUNS}
    memory = {name: max(one[name]["memory"] for one in rounds) for name in RUNS}
    own, peer, pandas = best["ours"], best["polars"], best["pandas"]
    print(f"first sum:        {own:6.2f} s, {memory['ours']:6.0f} MB (asked: under 600)")
    print(f"bare Polars scan: {peer:6.2f} s, {memory['polars']:6.0f} MB; ours takes {own / peer:.2f} times (1.3)")
    print(f"pandas:           {pandas:6.2f} s, {memory['pandas']:6.0f} MB; ours takes {own / pandas:.2f} times")
    print(f"second sum:       {best['again']:6.2f} s, {memory['again']:6.0f} MB (asked: under 1 s)")


def add_credentials(home: Path, there: dict[str, Any]) -> None:
    """Store billing credentials that name the bucket."""
    form = {
        "name": "bench",
        "billing_only": True,
        "billing_access_key": there["key"]["access_key_id"],
        "billing_secret_key": there["key"]["secret_key"],
        "buckets": [{"name": BUCKET, "region": there["region"]}],
    }
    command = [str(Path(sys.executable).with_name("onboarding")), "credentials", "add", "-", "--json"]
    subprocess.run(
        command,
        input=json.dumps(form),
        text=True,
        env=os.environ | {"ONBOARDING_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
