"""The sandbox's object storage, as boto3 sees it: a real server on a temporary folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from pydantic import SecretStr

from core.sandbox.storage import Storage, StorageError, StorageIdentity
from tests.conftest import free_ports

REGION = "sandbox-west-1"
SOON = 2.0


def client(storage: Storage, key: str, secret: str) -> Any:
    config = Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"total_max_attempts": 1},
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=storage.endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=config,
    )


def answer(call: Callable[..., Any], **arguments: Any) -> str:
    """`ok`, or the storage's error code."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def soon(wanted: str, call: Callable[..., Any], **arguments: Any) -> float:
    """Seconds until the answer is the wanted one; fails after the 2 s that are promised."""
    began = time.monotonic()
    while (got := answer(call, **arguments)) != wanted:
        assert time.monotonic() - began < SOON, f"{got} instead of {wanted} after {SOON} s"
    return time.monotonic() - began


def identity(name: str, *keys: str, owns: tuple[str, ...] = (), reads: tuple[str, ...] = ()) -> StorageIdentity:
    return StorageIdentity(name, [(key, SecretStr(f"secret-of-{key}")) for key in keys], list(owns), list(reads))


def signer(storage: Storage, key: str) -> Any:
    return client(storage, key, f"secret-of-{key}")


OWNER = identity("100000000001", "OWNER", owns=("bills-a", "bills-b"))
READER = identity("100000000002/billing@example.com", "READER", reads=("bills-a",))
STRANGER = identity("100000000003", "STRANGER")


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    storage = Storage(REGION, free_ports(1), tmp_path_factory.mktemp("storage"))
    storage.start()
    storage.wait_ready(20)
    try:
        yield storage
    finally:
        storage.stop()


@pytest.fixture
def seeded(storage: Storage) -> Storage:
    storage.sync([OWNER, READER, STRANGER])
    for bucket in ("bills-a", "bills-b"):
        storage.create_bucket(bucket)
        storage.fill(bucket, [("2025-11/bill.csv", b"a;b\n1;2\n")])
    for each in (OWNER, READER, STRANGER):
        soon("ok", signer(storage, each.keys[0][0]).list_buckets)
    return storage


def test_each_refusal_is_told_by_its_own_code(seeded: Storage) -> None:
    assert answer(client(seeded, "READER", "wrong").list_objects_v2, Bucket="bills-a") == "SignatureDoesNotMatch"
    assert answer(client(seeded, "NOBODY", "wrong").list_objects_v2, Bucket="bills-a") == "InvalidAccessKeyId"
    assert answer(signer(seeded, "READER").list_objects_v2, Bucket="bills-b") == "AccessDenied"
    assert answer(signer(seeded, "READER").get_object, Bucket="bills-b", Key="2025-11/bill.csv") == "AccessDenied"


def test_a_missing_bucket_is_missing_for_everybody(seeded: Storage) -> None:
    for key in ("OWNER", "READER", "STRANGER"):
        s3 = signer(seeded, key)
        assert answer(s3.list_objects_v2, Bucket="no-such") == "NoSuchBucket"
        assert answer(s3.head_bucket, Bucket="no-such") == "404"
        assert answer(s3.get_object, Bucket="no-such", Key="x") == "NoSuchBucket"


def test_a_reader_reads_its_bucket_and_nothing_more(seeded: Storage) -> None:
    s3 = signer(seeded, "READER")
    assert answer(s3.head_bucket, Bucket="bills-a") == "ok"
    assert answer(s3.head_bucket, Bucket="bills-b") == "403"
    assert answer(s3.get_bucket_location, Bucket="bills-a") == "ok"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="bills-a")["Contents"]] == ["2025-11/bill.csv"]
    assert s3.get_object(Bucket="bills-a", Key="2025-11/bill.csv")["Body"].read() == b"a;b\n1;2\n"
    assert answer(s3.head_object, Bucket="bills-a", Key="2025-11/bill.csv") == "ok"
    assert answer(s3.put_object, Bucket="bills-a", Key="mine", Body=b"x") == "AccessDenied"
    assert answer(s3.delete_object, Bucket="bills-a", Key="2025-11/bill.csv") == "AccessDenied"
    assert answer(s3.create_bucket, Bucket="bills-new") == "AccessDenied"
    assert answer(s3.put_object, Bucket="no-such", Key="mine", Body=b"x") != "ok"


def test_an_owner_does_everything_in_its_buckets(seeded: Storage) -> None:
    s3 = signer(seeded, "OWNER")
    assert answer(s3.put_object, Bucket="bills-b", Key="mine", Body=b"x") == "ok"
    assert answer(s3.delete_object, Bucket="bills-b", Key="mine") == "ok"


def test_the_list_of_buckets_holds_only_what_the_key_may_see(seeded: Storage) -> None:
    def listed(key: str) -> list[str]:
        return [bucket["Name"] for bucket in signer(seeded, key).list_buckets()["Buckets"]]

    assert listed("OWNER") == ["bills-a", "bills-b"]
    assert listed("READER") == ["bills-a"]
    assert listed("STRANGER") == []


def test_keys_are_accepted_and_refused_within_two_seconds(seeded: Storage) -> None:
    others = [OWNER, STRANGER]
    first, second = signer(seeded, "READER"), signer(seeded, "SECOND")
    both = identity(READER.name, "READER", "SECOND", reads=("bills-a",))
    only_second = identity(READER.name, "SECOND", reads=("bills-a",))
    assert answer(second.list_objects_v2, Bucket="bills-a") == "InvalidAccessKeyId"
    seeded.sync([*others, both])
    soon("ok", second.list_objects_v2, Bucket="bills-a")
    assert answer(first.list_objects_v2, Bucket="bills-a") == "ok"
    seeded.sync([*others, only_second])
    soon("InvalidAccessKeyId", first.list_objects_v2, Bucket="bills-a")
    assert answer(second.list_objects_v2, Bucket="bills-a") == "ok"
    seeded.sync([*others, identity(READER.name, reads=("bills-a",))])
    soon("InvalidAccessKeyId", second.list_objects_v2, Bucket="bills-a")
    seeded.sync([*others, both])
    soon("ok", first.list_objects_v2, Bucket="bills-a")
    seeded.sync(others)
    soon("InvalidAccessKeyId", first.list_objects_v2, Bucket="bills-a")
    assert answer(signer(seeded, "OWNER").list_objects_v2, Bucket="bills-a") == "ok"


def test_a_right_that_is_taken_back_is_gone(seeded: Storage) -> None:
    s3 = signer(seeded, "READER")
    seeded.sync([OWNER, STRANGER, identity(READER.name, "READER", reads=("bills-b",))])
    soon("AccessDenied", s3.list_objects_v2, Bucket="bills-a")
    soon("ok", s3.list_objects_v2, Bucket="bills-b")


def test_a_new_bucket_is_closed_to_others_from_the_start(seeded: Storage) -> None:
    s3 = signer(seeded, "STRANGER")
    seeded.create_bucket("bills-late")
    soon("AccessDenied", s3.list_objects_v2, Bucket="bills-late")
    assert answer(signer(seeded, "OWNER").list_objects_v2, Bucket="bills-late") == "AccessDenied"


def test_a_hundred_accounts_are_in_force_together(seeded: Storage) -> None:
    many = [identity(f"2{number:011}", f"KEY{number}", reads=("bills-a",)) for number in range(100)]
    seeded.sync([OWNER, READER, STRANGER, *many])
    soon("ok", signer(seeded, "KEY99").list_objects_v2, Bucket="bills-a")
    assert answer(signer(seeded, "KEY0").list_objects_v2, Bucket="bills-a") == "ok"
    seeded.sync([OWNER, READER, STRANGER])
    soon("InvalidAccessKeyId", signer(seeded, "KEY99").list_objects_v2, Bucket="bills-a")


def test_filling_again_writes_only_what_differs(seeded: Storage) -> None:
    s3 = signer(seeded, "OWNER")
    before = s3.head_object(Bucket="bills-a", Key="2025-11/bill.csv")["LastModified"]
    time.sleep(1.1)  # LastModified counts whole seconds
    seeded.fill("bills-a", [("2025-11/bill.csv", b"a;b\n1;2\n"), ("2025-12/bill.csv", b"new")])
    assert s3.head_object(Bucket="bills-a", Key="2025-11/bill.csv")["LastModified"] == before
    assert s3.get_object(Bucket="bills-a", Key="2025-12/bill.csv")["Body"].read() == b"new"
    s3.delete_object(Bucket="bills-a", Key="2025-12/bill.csv")


def test_no_secret_is_in_a_log_or_a_command_line_and_files_are_private(seeded: Storage) -> None:
    folder = seeded._folder
    admin = json.loads((folder / "admin.json").read_text())["identities"][0]["credentials"][0]["secretKey"]
    process = psutil.Process(seeded._running.process.pid)
    said = (folder / "weed.log").read_text(errors="replace") + " ".join(process.cmdline())
    for secret in (admin, "secret-of-OWNER", "secret-of-READER"):
        assert secret not in said
    assert (folder / "admin.json").stat().st_mode & 0o077 == 0
    assert (folder / "weed.log").stat().st_mode & 0o077 == 0


def test_it_listens_on_loopback_only(seeded: Storage) -> None:
    process = psutil.Process(seeded._running.process.pid)
    listening = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    assert {each.laddr.port for each in listening} <= set(seeded._running.ports)
    assert max(seeded._running.ports) < 32_768  # those from there on are given to whoever connects at that moment


def test_data_and_rights_survive_a_restart(tmp_path: Path) -> None:
    port = free_ports(1)
    first = Storage(REGION, port, tmp_path)
    first.start()
    first.wait_ready(20)
    try:
        first.sync([OWNER, READER])
        first.create_bucket("bills-a")
        first.fill("bills-a", [("k", b"kept")])
    finally:
        first.stop()
    second = Storage(REGION, port, tmp_path)
    second.start()
    try:
        second.wait_ready(20)
        second.sync([OWNER, STRANGER])
        s3 = signer(second, "OWNER")
        soon("ok", s3.head_object, Bucket="bills-a", Key="k")
        assert s3.get_object(Bucket="bills-a", Key="k")["Body"].read() == b"kept"
        soon("InvalidAccessKeyId", signer(second, "READER").list_buckets)
        soon("AccessDenied", signer(second, "STRANGER").list_objects_v2, Bucket="bills-a")
        second.create_bucket("bills-a")
    finally:
        second.stop()


PARENT = """
import sys, threading, time
from pathlib import Path
from core.sandbox.storage import Storage
storage = Storage("sandbox-west-1", int(sys.argv[1]), Path(sys.argv[2]))
thread = threading.Thread(target=storage.start)
thread.start(); thread.join()
storage.wait_ready(20)
storage.create_bucket("bills-a")
storage.fill("bills-a", [("small", b"kept"), ("large", b"kept" * 250_000)])
print(storage._running.process.pid, flush=True)
time.sleep(600)
"""


def test_it_outlives_its_starting_thread_and_dies_with_a_killed_parent(tmp_path: Path) -> None:
    port = free_ports(1)
    command = [sys.executable, "-c", PARENT, str(port), str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        with pytest.raises(StorageError, match=f"in use by process {parent.pid}"):
            Storage(REGION, port, tmp_path).start()
        old_grpc = json.loads((tmp_path / "weed.pid").read_text())["ports"][2]
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        with suppress(psutil.NoSuchProcess):
            child.wait(5)
        assert not child.is_running()
    finally:
        parent.kill()
        parent.wait()
    again = Storage(REGION, port, tmp_path)
    again.start()
    try:
        again.wait_ready(20)
        again.sync([OWNER])
        s3 = signer(again, "OWNER")
        soon("ok", s3.head_object, Bucket="bills-a", Key="small")
        assert s3.get_object(Bucket="bills-a", Key="small")["Body"].read() == b"kept"
        assert s3.get_object(Bucket="bills-a", Key="large")["Body"].read() == b"kept" * 250_000
        assert not list(Path("/tmp").glob(f"seaweedfs-*-{old_grpc}.sock"))  # noqa: S108 - where SeaweedFS puts them
    finally:
        again.stop()


def test_a_child_left_behind_is_ended_first(tmp_path: Path) -> None:
    left = subprocess.Popen(["sleep", "600"])
    try:
        birth = psutil.Process(left.pid).create_time()
        gone = subprocess.Popen(["true"])
        gone.wait()
        record = {"child": [left.pid, birth], "owner": [gone.pid, birth - 1], "ports": []}
        (tmp_path / "weed.pid").write_text(json.dumps(record))
        storage = Storage(REGION, free_ports(1), tmp_path)
        storage.start()
        storage.stop()
        assert left.poll() is not None
    finally:
        left.kill()
        left.wait()


def test_a_reused_process_id_is_left_alone(tmp_path: Path) -> None:
    record = {"child": [os.getpid(), 1.0], "owner": [os.getpid(), 1.0], "ports": []}
    (tmp_path / "weed.pid").write_text(json.dumps(record))
    storage = Storage(REGION, free_ports(1), tmp_path)
    storage.start()
    storage.stop()


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StorageError, match=f"Port {port}.*taken"):
            Storage(REGION, port, tmp_path).start()
