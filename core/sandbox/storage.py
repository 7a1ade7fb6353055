"""The object storage of one sandbox Region: a real S3 server, with the identities that the sandbox API gives it.

SeaweedFS (`weed mini`) verifies SigV4 and rights itself. Its identities and policies are small JSON files in its own
file tree, which it watches: a change is in force some milliseconds after the write. The administrator alone comes
from a file of mode 0600, with a key made anew at each start."""

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from core.sandbox.free_ports import LOOPBACK
from core.sandbox.weed import LOG_NAME, StorageError, WeedProcess, start_weed

__all__ = ["Storage", "StorageError", "StorageIdentity"]

_IDENTITIES = "/etc/iam/identities"
_POLICIES = "/etc/iam/policies"
_UPLOADS = 8
_SEE = ["s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject"]


@dataclass(frozen=True)
class StorageIdentity:
    """Who may sign, and for what. keys: the ACTIVE access keys with their secrets; owns: buckets with all rights;
    reads: buckets to list and read only."""

    name: str
    keys: list[tuple[str, SecretStr]]
    owns: list[str]
    reads: list[str]


class Storage:
    """One Region's object storage, on 127.0.0.1:port, its data under folder. Safe to use from several threads."""

    def __init__(self, region_name: str, port: int, folder: Path) -> None:
        self.region_name = region_name
        self.endpoint = f"http://{LOOPBACK}:{port}"
        self._port = port
        self._folder = folder
        self._weed: WeedProcess | None = None
        self._s3: Any = None
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy variable must not send this anywhere else
        self._lock = threading.RLock()
        self._buckets: set[str] = set()
        self._identities: list[StorageIdentity] = []
        self._files: dict[str, str] = {}  # path in the storage's tree -> digest of what it holds

    def start(self) -> None:
        """Start the server and come back at once. Raises StorageError when the port or the folder is in use."""
        key, secret = secrets.token_hex(10).upper(), SecretStr(secrets.token_hex(20).upper())
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = self._folder / "admin.json"
        _write_private(config, _admin_config(key, secret))
        self._weed = start_weed(self._folder, self._port, config)
        self._s3 = self._client(key, secret)

    def wait_ready(self, seconds: float) -> None:
        """Wait until requests are answered. Raises StorageError when the server ended or the time is over."""
        deadline = time.monotonic() + seconds
        while not self._answers():
            if not self._running.alive:
                raise StorageError(f"The object storage ended at once. Its log: {self._folder / LOG_NAME}")
            if time.monotonic() > deadline:
                raise StorageError(f"The object storage gave no answer for {seconds:g} s. Its log: {self._log}")
            time.sleep(0.05)
        with self._lock:
            self._buckets = {bucket["Name"] for bucket in self._s3.list_buckets()["Buckets"]}
            self._files = {path: "" for folder in (_IDENTITIES, _POLICIES) for path in self._list_tree(folder)}

    def sync(self, identities: Iterable[StorageIdentity]) -> None:
        """Make these, and no others, the identities of the storage. Writes only what changed; in force within 2 s."""
        with self._lock:
            self._identities = list(identities)
            self._apply()

    def create_bucket(self, name: str) -> None:
        """Create a bucket unless it is there. Nobody but its owner and readers sees into it, from its first moment."""
        with self._lock:
            if name in self._buckets:
                return
            self._buckets.add(name)
            self._apply()
            try:
                self._s3.create_bucket(Bucket=name)
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    self._buckets.discard(name)
                    raise StorageError(f"The bucket {name} was not created: {error}") from None

    def fill(self, bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
        """Put objects (key, content) into a bucket, several at a time; those already there are left alone."""
        there = self._etags(bucket)

        def put(item: tuple[str, bytes]) -> None:
            key, content = item
            if there.get(key) != hashlib.md5(content, usedforsecurity=False).hexdigest():
                self._s3.put_object(Bucket=bucket, Key=key, Body=content)

        with ThreadPoolExecutor(_UPLOADS) as pool:
            for _ in pool.map(put, objects):
                pass

    def stop(self) -> None:
        """End the server; the data stay. Does nothing when it was not started."""
        if self._weed is not None:
            self._weed.stop()
            self._weed = None

    @property
    def _running(self) -> WeedProcess:
        if self._weed is None:
            raise StorageError("The object storage is not started.")
        return self._weed

    @property
    def _log(self) -> Path:
        return self._folder / LOG_NAME

    def _client(self, key: str, secret: SecretStr) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region_name,
            aws_access_key_id=key,
            aws_secret_access_key=secret.get_secret_value(),
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                max_pool_connections=_UPLOADS,
                connect_timeout=2,
                read_timeout=20,
                retries={"total_max_attempts": 3},
                proxies={"http": "", "https": ""},
            ),
        )

    def _answers(self) -> bool:
        try:
            self._s3.list_buckets()
            return self._http.get(self._tree(""), timeout=2).status_code < 500
        except (BotoCoreError, ClientError, requests.RequestException):
            return False

    def _etags(self, bucket: str) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}

    def _apply(self) -> None:
        # A policy must be there before the identity that names it, and outlive it.
        policies, identities = {}, {}
        guarded = self._buckets | {bucket for identity in self._identities for bucket in identity.owns}
        for identity in self._identities:
            file = "sandbox-" + hashlib.sha256(identity.name.encode()).hexdigest()[:24]
            policies[f"{_POLICIES}/{file}.json"] = _policy(identity, guarded)
            identities[f"{_IDENTITIES}/{file}.json"] = _identity(file, identity)
        wanted = {**policies, **identities}
        for path, content in wanted.items():
            self._write(path, content)
        for path in sorted(set(self._files) - set(wanted)):  # identities sort before policies
            self._remove(path)

    def _write(self, path: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if self._files.get(path) != digest:
            answer = self._http.put(
                self._tree(path), data=content, headers={"Content-Type": "application/json"}, timeout=10
            )
            _check(answer, path)
            self._files[path] = digest

    def _remove(self, path: str) -> None:
        answer = self._http.delete(self._tree(path), timeout=10)
        if answer.status_code != 404:
            _check(answer, path)
        del self._files[path]

    def _list_tree(self, folder: str) -> list[str]:
        paths: list[str] = []
        last = ""
        while True:
            answer = self._http.get(
                self._tree(folder + "/"),
                params={"limit": "500", "lastFileName": last},
                headers={"Accept": "application/json"},
                timeout=10,
            )
            if answer.status_code == 404:
                return paths
            _check(answer, folder)
            entries = answer.json()["Entries"] or []
            paths += [str(entry["FullPath"]) for entry in entries]
            if len(entries) < 500:
                return paths
            last = paths[-1].rpartition("/")[2]

    def _tree(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self._running.filer_port}{path or '/'}"


def _check(answer: requests.Response, path: str) -> None:
    if not answer.ok:
        raise StorageError(f"The object storage did not take {path}: HTTP {answer.status_code}.")


def _write_private(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _admin_config(key: str, secret: SecretStr) -> bytes:
    credentials = [{"accessKey": key, "secretKey": secret.get_secret_value()}]
    admin = {
        "name": "sandbox-admin",
        "credentials": credentials,
        "actions": ["Admin", "Read", "List", "Write", "Tagging"],
    }
    return json.dumps({"identities": [admin]}).encode()


def _identity(file: str, identity: StorageIdentity) -> bytes:
    credentials = [
        {"access_key": key, "secret_key": secret.get_secret_value(), "status": "Active"}
        for key, secret in sorted(identity.keys, key=lambda pair: pair[0])
    ]
    return json.dumps({"name": file, "credentials": credentials, "policy_names": [file]}).encode()


def _policy(identity: StorageIdentity, guarded: set[str]) -> bytes:
    """All of its own, sight of what it reads, nothing of the others'.

    Sight is allowed everywhere and denied bucket by bucket: so a bucket that does not exist is answered with
    NoSuchBucket, as OUTSCALE's storage does, where a list of allowed buckets would give AccessDenied."""
    others = guarded - set(identity.owns) - set(identity.reads)
    statements: list[dict[str, object]] = [{"Effect": "Allow", "Action": _SEE, "Resource": ["arn:aws:s3:::*"]}]
    if identity.owns:
        statements.append({"Effect": "Allow", "Action": ["s3:*"], "Resource": _resources(identity.owns)})
    if others:
        statements.append({"Effect": "Deny", "Action": ["s3:*"], "Resource": _resources(others)})
    return json.dumps({"Version": "2012-10-17", "Statement": statements}).encode()


def _resources(buckets: Iterable[str]) -> list[str]:
    return [arn for bucket in sorted(buckets) for arn in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]
