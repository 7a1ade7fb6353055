"""Requests signed by foreign code (the SDK's signer, botocore's), and every answer held against the OpenAPI file."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from osc_sdk_python.authentication import Authentication
from osc_sdk_python.credentials import Profile

from core.sandbox.spec import Spec, load_spec
from tests.conftest import Sandbox

WEST, EAST = "sandbox-west-1", "sandbox-east-1"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\+0000|Z)")
ALL = '{"Statement":[{"Effect":"Allow","Action":["api:*"],"Resource":["*"]}]}'


@pytest.fixture(scope="session")
def spec(session_sandbox: Sandbox) -> Spec:
    return load_spec(session_sandbox.settings.sandbox_state)


@dataclass(frozen=True)
class Key:
    access_key_id: str
    secret_key: str


@dataclass
class Reply:
    """What came back: HTTP status, JSON and the first error's code."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def code(self) -> str | None:
        return self.body["Errors"][0]["Code"] if "Errors" in self.body else None

    @property
    def details(self) -> str:
        return self.body["Errors"][0]["Details"]


class Client:
    """Sends calls to one Region for one key, or unsigned when there is none."""

    def __init__(self, sandbox: Sandbox, spec: Spec, region: str, key: dict[str, Any] | Key | None) -> None:
        self.region = region
        self.url = sandbox.region(region)["api"]
        self.spec = spec
        self.key = Key(key["access_key_id"], key["secret_key"]) if isinstance(key, dict) else key

    def __call__(self, name: str, **parameters: Any) -> Reply:
        """A call, signed as the SDK signs."""
        auth = self.osc4() if self.key else None
        return self.send(name, json.dumps(parameters), auth=auth)

    def ok(self, name: str, **parameters: Any) -> dict[str, Any]:
        """A call that is to succeed."""
        reply = self(name, **parameters)
        assert reply.status == 200, reply.body
        return reply.body

    def send(self, name: str, body: str | bytes = "{}", method: str = "POST", **options: Any) -> Reply:
        """A request as given, its answer checked against the OpenAPI file."""
        headers = {"Content-Type": "application/json; charset=utf-8"} | options.pop("headers", {})
        url = options.pop("url", f"{self.url}/{name}")
        answer = requests.request(method, url, data=body, headers=headers, timeout=20, **options)
        reply = Reply(answer.status_code, answer.json(), answer.headers)
        assert uuid.UUID(reply.body["ResponseContext"]["RequestId"])
        assert self.spec.problems(f"{name}Response" if answer.ok else "ErrorResponse", reply.body) == []
        _check_dates(reply.body)
        return reply

    def osc4(self, host: str | None = None, **changes: Any) -> Authentication:
        """The SDK's own signer. Its host has no port."""
        assert self.key
        profile = Profile(
            access_key=self.key.access_key_id, secret_key=self.key.secret_key, region=changes.pop("region", self.region)
        )
        return Authentication(profile, host or "127.0.0.1", **changes)

    def aws4(self, name: str, body: str = "{}", url: str | None = None, service: str = "api") -> Reply:
        """A call signed by botocore."""
        assert self.key
        url = url or f"{self.url}/{name}"
        request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
        SigV4Auth(Credentials(self.key.access_key_id, self.key.secret_key), service, self.region).add_auth(request)
        return self.send(name, body, url=url, headers=dict(request.headers.items()))


def _check_dates(node: Any, name: str = "") -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            _check_dates(value, key)
    elif isinstance(node, list):
        for value in node:
            _check_dates(value, name)
    elif name.endswith("Date"):
        assert _DATE.fullmatch(node), (name, node)


ClientFor = Callable[..., Client]


@pytest.fixture
def client(sandbox: Sandbox, spec: Spec) -> ClientFor:
    """Make a client: of an account of `sandbox.json` by its index, or of a key."""

    def make(who: int | dict[str, Any] | Key | None = 0, region: str | None = None) -> Client:
        if isinstance(who, int):
            account = sandbox.account(who)
            return Client(sandbox, spec, region or account["region"], account["access_keys"][0])
        return Client(sandbox, spec, region or WEST, who)

    return make


@pytest.fixture
def special(sandbox: Sandbox, client: ClientFor) -> Callable[[str], Client]:
    """Make a client of one of the special keys."""
    return lambda kind: client(sandbox.info["special"][kind])


@pytest.fixture
def user(client: ClientFor) -> Iterator[str]:
    """A new EIM user of the third account, with all rights. Its keys go with the test."""
    root = client(2)
    name = f"test-{uuid.uuid4().hex[:12]}"
    root.ok("CreateUser", UserName=name)
    root.ok("PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=ALL)
    yield name
    for key in root.ok("ReadAccessKeys", UserName=name)["AccessKeys"]:
        root.ok("UpdateAccessKey", UserName=name, AccessKeyId=key["AccessKeyId"], State="INACTIVE")
        root.ok("DeleteAccessKey", UserName=name, AccessKeyId=key["AccessKeyId"])


def new_key(root: Client, user: str, **parameters: Any) -> Key:
    """A new access key of an EIM user."""
    key = root.ok("CreateAccessKey", UserName=user, **parameters)["AccessKey"]
    return Key(key["AccessKeyId"], key["SecretKey"])


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """A home folder for a sandbox that only one test uses."""
    return tmp_path / "own-home"
