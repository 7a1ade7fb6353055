"""OUTSCALE Object Storage, read through boto3 with the credentials given here and no others."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import boto3
import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.credentials import Credentials as BotoCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.model import StructureShape
from botocore.parsers import create_parser
from pydantic import SecretStr

from core.domain.hosts import NOTHING, Allowed
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale import recording
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import ObjectPage, StoredObject
from core.outscale.oos_errors import not_storage, storage_error
from core.outscale.oos_pages import ListedPage, parse_page
from core.outscale.transport import Transport, repeat_reads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PIECE = 1 << 20
"""Bytes of a download that are held at a time."""

_CONFIG = Config(
    signature_version="s3v4",
    # OOS does not implement the newer default checksums (OUTSCALE: AWS SDK and CLI Compatibility Warning).
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    s3={"addressing_style": "path"},
    retries={"mode": "standard", "total_max_attempts": 1},  # `repeat_reads` repeats, for both clients alike
    proxies={},
)
_REFUSALS = create_parser("rest-xml")
_NOTHING = StructureShape("Nothing", {"type": "structure", "members": {}})
_making = threading.Lock()
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class OpenedObject:
    """An object under way: the bytes that will come, its ETag without quotes, and the bytes piece by piece. The pieces
    raise OutscaleError when the connection is cut; they are not begun again."""

    size: int
    etag: str
    pieces: Iterator[bytes]


class Oos:
    """The object storage of one Region, for one access key. Every request can be done twice without harm, so one that
    was throttled or cut is repeated, at most three tries. Every method raises OutscaleError when it does not
    succeed."""

    def __init__(
        self,
        region: Region,
        access_key: str,
        secret_key: SecretStr,
        *,
        proxy: ProxyUrl | None = None,
        allowed: Allowed = NOTHING,
        connect_timeout: float = 5,
        read_timeout: float = 20,
    ) -> None:
        self._region = region
        self._host = urlsplit(region.oos).hostname or region.oos
        self._transport = Transport(region, proxy, allowed, connect_timeout, read_timeout)
        self._client = _new_client(region, access_key, secret_key)
        pair = BotoCredentials(access_key, secret_key.get_secret_value())
        self._signer = S3SigV4Auth(pair, "s3", region.name)
        # botocore's own HTTP would follow proxy variables, and does not check the proxy's certificate for http targets.
        self._client.meta.events.register("before-send.s3", self._send)  # type: ignore[arg-type]

    def list_buckets(self) -> list[str]:
        """The names of the buckets that the key's account owns; one shared by another account is not among them."""
        answer = self._ask(self._client.list_buckets)
        return [bucket["Name"] for bucket in answer.get("Buckets", [])]

    def head_bucket(self, bucket: str) -> None:
        """Return when the bucket exists and the key may read it. A refused HEAD has no words, so a listing of one
        object is asked for them."""
        try:
            self._ask(lambda: self._client.head_bucket(Bucket=bucket), bucket)
        except OutscaleError as error:
            if error.on_the_way or (error.trouble is Trouble.NOT_FOUND and error.request_id):
                raise
            self._ask(lambda: self._client.list_objects_v2(Bucket=bucket, MaxKeys=1), bucket)

    def list_objects(
        self, bucket: str, prefix: str = "", delimiter: str = "/", limit: int = 1000, token: str | None = None
    ) -> ObjectPage:
        """One page of a bucket: at most `limit` (1 to 1000) folders and objects under `prefix`, from `token` on, which
        an earlier page gave as `next`. With an empty `delimiter`, everything under the prefix and no folders. The
        folder's own placeholder object is left out."""
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, "MaxKeys": limit}
        if token:
            asked["ContinuationToken"] = token
        answer = self._ask(lambda: self._client.list_objects_v2(**asked), bucket)
        objects = [
            StoredObject(
                key=entry["Key"],
                size=entry["Size"],
                modified=entry["LastModified"],
                etag=entry.get("ETag", "").strip('"'),
                storage_class=entry.get("StorageClass", "STANDARD"),
            )
            for entry in answer.get("Contents", [])
            if not (delimiter and entry["Key"] == prefix)
        ]
        folders = [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]
        more = answer.get("NextContinuationToken") if answer.get("IsTruncated") else None
        return ObjectPage(folders=folders, objects=objects, next=more or None)

    def list_page(
        self, bucket: str, *, prefix: str = "", delimiter: str = "", after: str = "", token: str = ""
    ) -> ListedPage:
        """A page of up to 1,000 objects under `prefix` and after the object key `after`, or from `token` on, in
        columns: what `list_objects` gives, in a fifth of its time, for who lists a whole bucket."""
        asked = {
            "list-type": "2",
            "encoding-type": "url",  # XML cannot hold every character that an object key may
            "prefix": prefix,
            "delimiter": delimiter,
            "start-after": after,
            "continuation-token": token,
        }
        query = urlencode({name: text for name, text in asked.items() if text}, quote_via=quote, safe="-_.~")
        url = f"{self._region.oos}/{quote(bucket)}?{query}"
        return repeat_reads(lambda: self._page(url, bucket))

    def size_of(self, bucket: str, key: str) -> tuple[int, str]:
        """The bytes of an object, and its ETag."""
        try:
            answer = self._ask(lambda: self._client.head_object(Bucket=bucket, Key=key), bucket, key)
        except OutscaleError as error:
            if error.on_the_way:
                raise
            self.read(bucket, key, length=1)  # a refused HEAD has no words
            raise
        return answer["ContentLength"], answer.get("ETag", "").strip('"')

    def read(self, bucket: str, key: str, *, start: int = 0, length: int | None = None, etag: str = "") -> bytes:
        """The bytes of an object from `start` on, `length` of them at most; none when `start` is at its end. With
        `etag`, only as long as the object still has it; one that was replaced raises the code PreconditionFailed."""
        if length is not None and length <= 0:
            return b""
        asked: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if start or length is not None:
            asked["Range"] = f"bytes={start}-" + (str(start + length - 1) if length is not None else "")
        if etag:
            asked["IfMatch"] = f'"{etag}"'

        def whole() -> bytes:
            return b"".join(self._open(asked).pieces)

        try:
            return repeat_reads(whole)
        except OutscaleError as error:
            if error.code == "InvalidRange":
                return b""
            raise

    def open(self, bucket: str, key: str, *, start: int = 0, etag: str = "") -> OpenedObject:
        """An object from byte `start` on, which must be before its end. With `etag`, only as long as the object still
        has it; one that was replaced raises the code PreconditionFailed."""
        asked: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if start:
            asked["Range"] = f"bytes={start}-"
        if etag:
            asked["IfMatch"] = f'"{etag}"'
        return repeat_reads(lambda: self._open(asked))

    def put(self, bucket: str, key: str, path: Path) -> None:
        """Put a file as an object, in the place of the one that has this key."""

        def once() -> None:
            with path.open("rb") as file:
                self._ask_once(lambda: self._client.put_object(Bucket=bucket, Key=key, Body=file), bucket, key)

        repeat_reads(once)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object; one that is not there is deleted already."""
        self._ask(lambda: self._client.delete_object(Bucket=bucket, Key=key), bucket, key)

    def presigned(self, bucket: str, key: str, seconds: int) -> SecretStr:
        """An address from which anyone can fetch the object for so many seconds, one to 604,800 (AWS: Signature
        Version 4 allows seven days). Nothing is asked of the storage, so the object need not be there."""
        asked = {"Bucket": bucket, "Key": key}
        return SecretStr(self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))

    def _page(self, url: str, bucket: str) -> ListedPage:
        request = AWSRequest(method="GET", url=url)
        self._signer.add_auth(request)
        answer = self._send(request.prepare())
        content = answer.content
        if answer.status_code != HTTPStatus.OK:
            said = {"status_code": answer.status_code, "headers": answer.headers, "body": content}
            raise storage_error(_REFUSALS.parse(said, _NOTHING), self._region.name, bucket)
        try:
            return parse_page(content)
        except ValueError as error:
            raise not_storage(self._region.name, str(error)) from None

    def _open(self, asked: dict[str, Any]) -> OpenedObject:
        answer = self._ask_once(lambda: self._client.get_object(**asked), asked["Bucket"], asked["Key"])
        if "ETag" not in answer:
            raise not_storage(self._region.name, "The answer has no ETag.")
        return OpenedObject(answer["ContentLength"], answer["ETag"].strip('"'), self._pieces(answer["Body"]))

    def _pieces(self, body: Any) -> Iterator[bytes]:
        with self._transport.told_apart(self._host), closing(body):
            try:
                yield from body.iter_chunks(PIECE)
            except BotoCoreError as error:  # wraps what urllib3 said
                raise error.kwargs.get("error") or ConnectionError(str(error)) from None

    def _ask(self, ask: Callable[[], Answer], bucket: str = "", key: str = "") -> Answer:
        return repeat_reads(lambda: self._ask_once(ask, bucket, key))

    def _ask_once(self, ask: Callable[[], Answer], bucket: str, key: str) -> Answer:
        try:
            return ask()
        except ClientError as error:
            raise storage_error(error.response, self._region.name, bucket, key) from None
        except BotoCoreError as error:  # what came is not what a storage says
            raise not_storage(self._region.name, type(error).__name__) from None

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {name: _text(value) for name, value in request.headers.items()}
        raw = self._transport.send(str(request.method), str(request.url), headers, request.body)
        answer = AWSResponse(str(request.url), raw.status, cast(Any, raw.headers), raw)
        if not request.stream_output:
            with self._transport.told_apart(self._host):
                content = answer.content  # read here, where a cut is told apart
            recording.answered(raw, content)
            kind = raw.headers.get("Content-Type", "")
            if raw.status < 500 and not _is_storage(kind, content):
                raise not_storage(self._region.name, f"HTTP {raw.status}, {kind or 'no content type'}")
        return answer


def _is_storage(kind: str, content: bytes) -> bool:
    """Whether an answer may be a storage's: XML or nothing. botocore would read a web page as an empty listing."""
    start = content.lstrip()[:9].lower()
    return (
        "html" not in kind and (not start or start.startswith(b"<")) and not start.startswith((b"<html", b"<!doctype"))
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def make_ready() -> None:
    """Load the description of the storage's calls, which otherwise the first client of a process does."""
    nobody = Region(name="none", label="None", api="https://api.invalid", oos="https://oos.invalid")
    _new_client(nobody, "none", SecretStr("none"))


def _new_client(region: Region, access_key: str, secret_key: SecretStr) -> "S3Client":
    with _making:  # sessions are not safe to share between threads while a client is made; clients are
        return _session().client(
            "s3",
            endpoint_url=region.oos,
            region_name=region.name,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key.get_secret_value(),
            config=_CONFIG,
        )


@lru_cache(maxsize=1)
def _session() -> boto3.session.Session:
    """One session, because it caches the service's description. It knows defaults only: no variable of the
    environment, no file of the home folder."""
    session = botocore.session.Session()
    values = {name: variable[2] for name, variable in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    values |= {"config_file": os.devnull, "credentials_file": os.devnull, "s3": None, "proxies_config": None}
    constants = {name: ConstantProvider(value) for name, value in values.items()}
    session.register_component("config_store", ConfigValueStore(mapping=constants))
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    return boto3.session.Session(botocore_session=session)
