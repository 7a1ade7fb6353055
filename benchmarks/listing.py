"""Listing a bucket whole, against awscli, rclone and the bare requests, and a page of the index afterwards.

    .venv/bin/python -m benchmarks.listing [--objects 50000] [--prefixes 100] [--rounds 3]

Starts a sandbox of its own, fills a bucket of its object storage, and in each round lists it by each of them in turn;
the fastest round of each counts. Needs rclone (Debian: `apt install rclone`). awscli and rclone are whole programs, so
`onboarding buckets refresh` stands beside them as one too; its figures come from `/usr/bin/time`'s source, rusage.
"The bare requests" are the same pages asked for one after another and not read: what the storage itself takes. The
index of 1,000,000 objects is written, not listed."""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import boto3
import polars as pl
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from sqlmodel import select
from urllib3 import HTTPConnectionPool

from benchmarks.sandbox import started
from core.domain.actor import Actor
from core.domain.roles import Role
from core.outscale.regions import load_regions
from core.services import bucket_index, bucket_pages
from core.services.billing import BucketChoice
from core.services.bucket_pages import Search
from core.services.workspace import open_workspace
from core.settings import Settings
from core.store.columns import now
from core.store.tables.bills import BucketIndex

BUCKET, LARGE = "harbour-data", "harbour-large"
LARGE_OBJECTS = 1_000_000
LSL = ("lsl", f":s3:{BUCKET}", "--use-server-modtime")
"""Without the option rclone asks for every object's own metadata, which takes it twenty times as long."""
ACTOR = Actor(name="bench", via="benchmark", role=Role.ADMINISTRATOR)
PAGES = {
    "folders": Search(),
    "one folder": Search(prefix="part-007/"),
    "words in all names": Search(recursive=True, words="00042"),
    "the largest of all": Search(recursive=True, sort="size", descending=True),
}


def fill(endpoint: str, key: dict[str, str], objects: int, prefixes: int) -> None:
    """Put small objects into the bucket, spread over the prefixes."""
    config = Config(
        s3={"addressing_style": "path"}, request_checksum_calculation="when_required", max_pool_connections=16
    )
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-2",
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_key"],
        config=config,
    )

    def put(number: int) -> None:
        name = f"part-{number % prefixes:03}/object-{number // prefixes:08}.csv"
        client.put_object(Bucket=BUCKET, Key=name, Body=b"x" * (number % 97))

    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(put, range(objects), chunksize=100):
            pass


def bare(endpoint: str, region: str, key: dict[str, str]) -> float:
    """Seconds of the requests alone: each page is fetched and only its token looked for."""
    signer = S3SigV4Auth(Credentials(key["access_key_id"], key["secret_key"]), "s3", region)
    host, _, port = endpoint.removeprefix("http://").partition(":")
    pool, token = HTTPConnectionPool(host, int(port)), ""
    begun = time.perf_counter()
    while True:
        target = f"/{BUCKET}?list-type=2" + (f"&continuation-token={token}" if token else "")
        request = AWSRequest(method="GET", url=endpoint + target)
        signer.add_auth(request)
        answer = pool.request("GET", target, headers=dict(request.headers.items()))
        assert answer.status == 200, answer.data
        _, found, rest = answer.data.partition(b"<NextContinuationToken>")
        if not found:
            return time.perf_counter() - begun
        token = rest.partition(b"<")[0].decode().replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")


def program(*command: str, **more: str) -> float:
    """Seconds of a program from its start to its end."""
    begun = time.perf_counter()
    # rclone refuses to begin where this is set; the sandbox's storage is plain HTTP on this machine.
    environment = {name: text for name, text in os.environ.items() if name != "AWS_CA_BUNDLE"} | more
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def ours(settings: Settings, choice: BucketChoice) -> dict[str, float]:
    """Seconds of the first listing in a process that stands, as the dashboard's does, and the process's memory."""
    with open_workspace(settings).store.writing() as session:  # it is the first each time
        for row in session.exec(select(BucketIndex)).all():
            session.delete(row)
    shutil.rmtree(settings.home / "index", ignore_errors=True)
    environment = os.environ | {"ONBOARDING_HOME": str(settings.home)}
    command = [sys.executable, "-m", "benchmarks.listing", "--child", choice.bucket, choice.region]
    answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(answer.stdout))


def child(bucket: str, region: str) -> None:
    """One listing; prints its seconds and the most memory this process ever had."""
    workspace = open_workspace(Settings())
    begun = time.perf_counter()
    found = bucket_index.refresh(ACTOR, workspace, BucketChoice("bench", bucket, region))
    seconds = time.perf_counter() - begun
    assert found.problem is None, found.problem
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "objects": found.view.objects}))


def write_large(settings: Settings, region: str) -> None:
    """An index of 1,000,000 objects over 1,000 folders, as a refresh would have left it."""
    keys = [f"part-{number // 1000:03}/object-{number % 1000:08}.csv" for number in range(LARGE_OBJECTS)]
    frame = pl.DataFrame({"key": keys}).with_columns(
        pl.int_range(LARGE_OBJECTS, dtype=pl.Int64()).alias("size"),
        pl.lit(datetime(2026, 11, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("modified"),
        pl.col("key").hash().cast(pl.String()).alias("etag"),
        pl.lit("STANDARD").alias("storage_class"),
    )
    row = BucketIndex(region=region, bucket=LARGE, state="complete", listed=now(), objects=LARGE_OBJECTS)
    frame.write_parquet(settings.home / "index" / f"{row.id}.parquet", compression="zstd", row_group_size=50_000)
    with open_workspace(settings).store.writing() as session:
        session.add(row)


def visits(settings: Settings, choice: BucketChoice) -> dict[str, float]:
    """Milliseconds of a second visit's pages, each the first of its kind in a process that stands."""
    workspace, taken = open_workspace(settings), {}
    for name, search in PAGES.items():
        begun = time.perf_counter()
        view = bucket_index.index_of(ACTOR, workspace, choice)
        found = bucket_pages.page(ACTOR, workspace, choice, search, 0, 100)
        taken[name] = (time.perf_counter() - begun) * 1000
        assert view, choice
        assert found.folders or found.objects, search
    return taken


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--prefixes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child)
        return
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as settings:
        account = json.loads(settings.sandbox_file.read_text())["accounts"][0]
        key, region = account["access_keys"][0], load_regions(settings)[account["region"]]
        choice = BucketChoice("bench", BUCKET, region.name)
        form = {
            "name": "bench",
            "billing_only": True,
            "billing_access_key": key["access_key_id"],
            "billing_secret_key": key["secret_key"],
            "buckets": [{"name": BUCKET, "region": region.name}],
        }
        ports = {"ONBOARDING_HOME": str(settings.home), "ONBOARDING_SANDBOX_PORT": str(settings.sandbox_port)}
        onboarding = str(Path(sys.executable).with_name("onboarding"))
        subprocess.run(
            [onboarding, "credentials", "add", "-", "--json"],
            input=json.dumps(form),
            text=True,
            env=os.environ | ports,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        begun = time.perf_counter()
        fill(region.oos, key, asked.objects, asked.prefixes)
        print(f"{asked.objects:,} objects put in {time.perf_counter() - begun:.0f} s", flush=True)
        aws = {
            "AWS_ACCESS_KEY_ID": key["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": key["secret_key"],
            "AWS_DEFAULT_REGION": region.name,
        }
        clone = {
            "RCLONE_S3_PROVIDER": "Other",
            "RCLONE_S3_ENDPOINT": region.oos,
            "RCLONE_S3_ACCESS_KEY_ID": key["access_key_id"],
            "RCLONE_S3_SECRET_ACCESS_KEY": key["secret_key"],
            "RCLONE_S3_REGION": region.name,
            "RCLONE_CONFIG": "/notfound",
        }
        tool = str(Path(sys.executable).with_name("aws"))
        rounds = []
        for _ in range(asked.rounds):
            first = ours(settings, choice)
            assert first["objects"] >= asked.objects, first
            rounds.append(
                {
                    "bare": bare(region.oos, region.name, key),
                    "own": first["seconds"],
                    "memory": first["memory"],
                    "program": program(onboarding, "buckets", "refresh", "bench", BUCKET, "--json", **ports),
                    "aws": program(
                        tool, "s3", "ls", "--recursive", f"s3://{BUCKET}", "--endpoint-url", region.oos, **aws
                    ),
                    "lsl": program("rclone", *LSL, "--fast-list", **clone),
                    "lsl by folders": program("rclone", *LSL, **clone),
                }
            )
        best = {name: min(one[name] for one in rounds) for name in rounds[0]}
        own, rclone, memory = (
            best["own"],
            min(best["lsl"], best["lsl by folders"]),
            max(one["memory"] for one in rounds),
        )
        print(f"the bare requests:          {best['bare']:6.2f} s")
        print(f"first listing, indexed:     {own:6.2f} s, {memory:.0f} MB (asked: under 300)")
        print(f"onboarding buckets refresh: {best['program']:6.2f} s (a program's start included)")
        print(
            f"awscli s3 ls --recursive:   {best['aws']:6.2f} s, {best['aws'] / own:.1f} times ours (asked: at least 3)"
        )
        print(f"rclone lsl, faster way:     {rclone:6.2f} s, {rclone / own:.1f} times ours (asked: at least 1)")
        print(f"against the bare requests:  {own / best['bare']:6.2f} (aimed at: below 1.5)")
        write_large(settings, region.name)
        for name, bucket in (("listed", BUCKET), (f"{LARGE_OBJECTS:,}", LARGE)):
            for what, taken in visits(settings, BucketChoice("bench", bucket, region.name)).items():
                print(f"second visit, {name}, {what}: {taken:.0f} ms (asked: under 300)")


if __name__ == "__main__":
    main()
