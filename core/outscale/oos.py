"""OUTSCALE Object Storage, through boto3 with everything explicit."""

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from pydantic import SecretStr

from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.errors import OutscaleError
from core.outscale.models import ObjectPage, StoredObject
from core.outscale.oos_errors import refusal
from core.outscale.transport import explain_transport

_CHUNK = 1 << 20
_making = threading.Lock()


@cache
def _session() -> boto3.Session:
    """One boto3 session: its loaded service model is what makes a client cheap. It looks into no file or variable."""
    # Each variable keeps its default and loses the names under which a file or the environment could set it.
    closed = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    core = botocore.session.Session(session_vars=closed)
    return boto3.Session(botocore_session=core)


class Oos:
    """The object storage of one Region for one key."""

    def __init__(
        self,
        region: Region,
        access_key: str,
        secret_key: SecretStr,
        *,
        proxy: ProxyUrl | None = None,
        connect_timeout: float = 5,
        read_timeout: float = 20,
    ) -> None:
        """Timeouts are in seconds. Nothing is sent yet. OOS has no trailing checksums, hence `when_required`
        (OUTSCALE documentation, AWS SDK and CLI Compatibility Warning)."""
        self.region = region
        self._proxy = proxy
        proxies = {}
        if proxy:
            url = proxy.url().get_secret_value()
            proxies = {"http": url, "https": url}
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": 2},
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            proxies=proxies or {"http": "", "https": ""},
            max_pool_connections=4,
        )
        with _making:  # making clients is not safe between threads (boto3 documentation, Multithreading)
            self._client: Any = _session().client(
                "s3",
                endpoint_url=region.oos,
                region_name=region.name,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key.get_secret_value(),
                verify=str(region.ca_file) if region.ca_file else True,
                config=config,
            )

    def list_buckets(self) -> list[str]:
        """The buckets that the key's account owns; shared ones are not among them.

        Raises OutscaleError."""
        answer = self._ask("list_buckets")
        return [bucket["Name"] for bucket in answer.get("Buckets", [])]

    def head_bucket(self, bucket: str) -> None:
        """Make sure that a bucket exists and is open to the key. A refused HEAD has no body that says why, so it is
        followed by one listing, which has.

        Raises OutscaleError."""
        try:
            self._client.head_bucket(Bucket=bucket)
        except botocore.exceptions.ClientError:
            self._ask("list_objects_v2", Bucket=bucket, MaxKeys=1)
        except botocore.exceptions.BotoCoreError as error:
            raise explain_transport(error, self.region.oos, self.region, self._proxy) from None

    def list_objects(
        self, bucket: str, prefix: str = "", delimiter: str = "/", limit: int = 1000, token: str | None = None
    ) -> ObjectPage:
        """One page of at most `limit` (1 to 1000) entries under a prefix. With a delimiter, what lies deeper is
        summed up as folders; with an empty one, everything is listed.

        Raises OutscaleError."""
        more = {"ContinuationToken": token} if token else {}
        answer = self._ask("list_objects_v2", Bucket=bucket, Prefix=prefix, Delimiter=delimiter, MaxKeys=limit, **more)
        return ObjectPage(
            folders=[one["Prefix"] for one in answer.get("CommonPrefixes", [])],
            objects=[
                StoredObject(
                    key=one["Key"],
                    size=one["Size"],
                    modified=one["LastModified"],
                    etag=one.get("ETag", "").strip('"'),
                    storage_class=one.get("StorageClass", "STANDARD"),
                )
                for one in answer.get("Contents", [])
            ],
            next=answer.get("NextContinuationToken") if answer.get("IsTruncated") else None,
        )

    def read(self, bucket: str, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of an object: `length` of them from `start`, or all from there.

        Raises OutscaleError."""
        end = "" if length is None else str(start + length - 1)
        part = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        try:
            answer = self._ask("get_object", Bucket=bucket, Key=key, **part)
        except OutscaleError as error:
            if error.code == "InvalidRange":  # an empty object has no first byte
                return b""
            raise
        return b"".join(self._pieces(answer["Body"]))

    def stream(self, bucket: str, key: str) -> tuple[int, Iterator[bytes]]:
        """The size of an object and its bytes, a MiB at a time.

        Raises OutscaleError, also while the pieces are read."""
        answer = self._ask("get_object", Bucket=bucket, Key=key)
        return int(answer["ContentLength"]), self._pieces(answer["Body"])

    def _pieces(self, body: Any) -> Iterator[bytes]:
        try:
            yield from body.iter_chunks(_CHUNK)
        except botocore.exceptions.BotoCoreError as error:
            raise explain_transport(error, self.region.oos, self.region, self._proxy) from None

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            raise refusal(error.response) from None
        except botocore.exceptions.BotoCoreError as error:
            raise explain_transport(error, self.region.oos, self.region, self._proxy) from None
        return answer
