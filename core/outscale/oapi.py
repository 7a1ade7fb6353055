"""The OUTSCALE API, signed by the official SDK's signer with the credentials given here and no others."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from osc_sdk_python.authentication import DEFAULT_USER_AGENT, Authentication
from osc_sdk_python.credentials import Profile
from pydantic import BaseModel, SecretStr, ValidationError

from core.domain.hosts import NOTHING, Allowed
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import (
    AccessKey,
    Account,
    ApiAccessPolicy,
    ApiLog,
    CatalogEntry,
    Consumption,
    CreatedAccessKey,
    CreatedKeypair,
    EimUser,
    Keypair,
)
from core.outscale.oapi_errors import Asked, api_error, not_json
from core.outscale.transport import Transport, repeat_reads

_JSON = "application/json; charset=utf-8"
_USER_AGENT = f"outscale-onboarding {DEFAULT_USER_AGENT}"
_PROBE = "(reachability)"
_API_WORDS = frozenset({"Version", "Versions", "Calls", "Errors", "ResponseContext", "__type"})
_NOT_ALLOWED = frozenset({"4", "5", "7"})
Model = TypeVar("Model", bound=BaseModel)
Parsed = TypeVar("Parsed")


class Oapi:
    """The API of one Region, for one access key, or one email and password, or nobody. Use it in a `with`, in one
    thread at a time; it costs nothing to make. Every method raises OutscaleError when the call does not succeed.

    Of the SDK only the signer is used: its `Call` would read `~/.osc/config.json` and `OSC_*`, has no timeout, and
    repeats writes."""

    def __init__(
        self,
        region: Region,
        *,
        access_key: str | None = None,
        secret_key: SecretStr | None = None,
        email: str | None = None,
        password: SecretStr | None = None,
        proxy: ProxyUrl | None = None,
        allowed: Allowed = NOTHING,
        connect_timeout: float = 5,
        read_timeout: float = 20,
    ) -> None:
        if (access_key is None) is not (secret_key is None) or (email is None) is not (password is None):
            raise ValueError("An access key comes with its secret key, an email with its password.")
        if access_key is not None and email is not None:
            raise ValueError("Either an access key or an email signs, not both.")
        self.clock_skew: timedelta | None = None
        """How far this machine's clock is ahead of OUTSCALE's (negative: behind), by the last answer that said."""
        self._region = region
        self._access_key = access_key
        self._secret_key = secret_key
        self._email = email
        self._password = password
        self._transport = Transport(region, proxy, allowed, connect_timeout, read_timeout)
        self._proxy = proxy

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def call(self, name: str, **params: Any) -> dict[str, Any]:
        """Make the call `name` (as in the API's reference) and return its answer. Reads and DryRuns that were
        throttled or cut are repeated, at most three tries; writes and refused sign-ins never are."""
        if name.startswith("Read") or params.get("DryRun") is True:
            return repeat_reads(lambda: self._once(name, params))
        return self._once(name, params)

    def probe(self) -> None:
        """Ask the API for its version, unsigned, to see whether it is reached. Sets `clock_skew`."""
        repeat_reads(self._probe_once)

    def read_accounts(self) -> list[Account]:
        """The account of the key (ReadAccounts)."""
        return self._models("ReadAccounts", {}, "Accounts", Account)

    def read_access_keys(self, user_name: str | None = None, ids: list[str] | None = None) -> list[AccessKey]:
        """The access keys of whoever asks, or of an EIM user (ReadAccessKeys). Unknown `ids` are left out."""
        params = _given(UserName=user_name, Filters={"AccessKeyIds": ids} if ids is not None else None)
        return self._models("ReadAccessKeys", params, "AccessKeys", AccessKey)

    def create_access_key(
        self, *, expiration: datetime | None = None, tag: str | None = None, user_name: str | None = None
    ) -> CreatedAccessKey:
        """Create an access key, ACTIVE (CreateAccessKey). Sent once: when no answer comes, a key may exist."""
        params = _given(ExpirationDate=_iso(expiration), Tag=tag, UserName=user_name)
        return self._model("CreateAccessKey", params, "AccessKey", CreatedAccessKey)

    def update_access_key(
        self,
        access_key_id: str,
        *,
        state: str,
        expiration: datetime | None,
        tag: str | None = None,
        user_name: str | None = None,
    ) -> AccessKey:
        """Set a key's state, ACTIVE or INACTIVE, and its expiration (UpdateAccessKey). The expiration is always sent,
        because the API makes a key everlasting whose update does not name it; None means never. A `tag` of None
        leaves the tag, an empty one removes it."""
        never = True if expiration is None else None
        params = _given(
            AccessKeyId=access_key_id,
            State=state,
            ExpirationDate=_iso(expiration),
            ClearExpirationDate=never,
            Tag=tag or None,
            ClearTag=True if tag == "" else None,
            UserName=user_name,
        )
        return self._model("UpdateAccessKey", params, "AccessKey", AccessKey)

    def delete_access_key(self, access_key_id: str, user_name: str | None = None) -> None:
        """Delete a key (DeleteAccessKey). An EIM user's must be INACTIVE first."""
        self.call("DeleteAccessKey", **_given(AccessKeyId=access_key_id, UserName=user_name))

    def read_api_access_policy(self) -> ApiAccessPolicy:
        """The account's rule for the life of its keys (ReadApiAccessPolicy)."""
        return self._model("ReadApiAccessPolicy", {}, "ApiAccessPolicy", ApiAccessPolicy)

    def update_account(self, changes: dict[str, Any]) -> Account:
        """Change the account's data (UpdateAccount); `changes` in the API's own names. Sent once."""
        return self._model("UpdateAccount", changes, "Account", Account)

    def read_consumption(self, since: date, until: date, *, overall: bool = False) -> Consumption:
        """What the account consumed from `since` up to, without, `until` (ReadConsumptionAccount), with prices; with
        `overall` also what the accounts consumed that it pays for. It is indicative, and the last days may be missing:
        only invoices are binding."""
        params = {"FromDate": since.isoformat(), "ToDate": until.isoformat(), "ShowPrice": True, "Overall": overall}
        answer = self.call("ReadConsumptionAccount", **params)
        return self._parsed("ReadConsumptionAccount", lambda: Consumption.model_validate(answer))

    def read_catalog(self) -> list[CatalogEntry]:
        """The prices of the account's Region (ReadCatalog); the public ones (ReadPublicCatalog) for a key that may not
        read the account's own."""
        try:
            name, answer = "ReadCatalog", self.call("ReadCatalog")
        except OutscaleError as error:
            if error.trouble is not Trouble.FORBIDDEN:
                raise
            name, answer = "ReadPublicCatalog", self.call("ReadPublicCatalog")
        return self._parsed(
            name, lambda: [CatalogEntry.model_validate(one) for one in answer["Catalog"].get("Entries", [])]
        )

    def read_users(self) -> list[EimUser]:
        """All EIM users of the account (ReadUsers), page by page."""
        users: list[EimUser] = []
        while True:
            answer = self.call("ReadUsers", FirstItem=len(users) + 1, ResultsPerPage=100)
            page = self._parsed("ReadUsers", partial(_each, EimUser, answer, "Users"))
            users += page
            if not (page and answer.get("HasMoreItems")):
                return users

    def read_api_logs(self, access_keys: list[str], after: datetime, most: int = 1000) -> list[ApiLog]:
        """The calls that these keys signed since `after` (ReadApiLogs keeps 32 days), the newest first, at most `most`
        (1,000 is the longest page)."""
        filters = {
            "QueryAccessKeys": access_keys,
            "QueryDateAfter": _iso(after),
            "QueryDateBefore": _iso(datetime.now(UTC) + timedelta(minutes=5)),
        }
        return self._models("ReadApiLogs", {"Filters": filters, "ResultsPerPage": most}, "Logs", ApiLog)

    def read_keypairs(self, names: list[str] | None = None) -> list[Keypair]:
        """The account's keypairs (ReadKeypairs), page by page; only those of `names` when given."""
        filters = {"KeypairNames": names} if names is not None else None
        found: list[Keypair] = []
        token: str | None = None
        while True:
            answer = self.call("ReadKeypairs", **_given(Filters=filters, ResultsPerPage=1000, NextPageToken=token))
            found += self._parsed("ReadKeypairs", partial(_each, Keypair, answer, "Keypairs"))
            token = answer.get("NextPageToken")
            if not token:
                return found

    def create_keypair(self, name: str, public_key: str | None = None) -> CreatedKeypair:
        """Create a keypair, or import `public_key`, one OpenSSH line (CreateKeypair). Sent once: when no answer comes,
        it may exist."""
        encoded = base64.b64encode(public_key.encode()).decode() if public_key else None
        return self._model("CreateKeypair", _given(KeypairName=name, PublicKey=encoded), "Keypair", CreatedKeypair)

    def delete_keypair(self, name: str) -> None:
        """Delete a keypair (DeleteKeypair)."""
        self.call("DeleteKeypair", KeypairName=name)

    def check_authentication(self, email: str, password: SecretStr) -> None:
        """Ask whether email and password are an account's (CheckAuthentication, itself signed by a key). Sent once:
        four failures lock the sign-in."""
        self._once("CheckAuthentication", {"Login": email, "Password": password.get_secret_value()}, (password,))

    def may(self, call: str, **required: Any) -> bool:
        """Whether the key may make a call, asked with DryRun and the parameters that the call requires."""
        try:
            self.call(call, DryRun=True, **required)
        except OutscaleError as error:
            if error.trouble is Trouble.FORBIDDEN and error.code in _NOT_ALLOWED:
                return False
            raise
        return True

    def _models(self, call: str, params: dict[str, Any], field: str, model: type[Model]) -> list[Model]:
        answer = self.call(call, **params)
        return self._parsed(call, partial(_each, model, answer, field))

    def _model(self, call: str, params: dict[str, Any], field: str, model: type[Model]) -> Model:
        answer = self.call(call, **params)
        return self._parsed(call, lambda: model.model_validate(answer[field]))

    def _parsed(self, call: str, parse: Callable[[], Parsed]) -> Parsed:
        try:
            return parse()
        except (KeyError, TypeError, ValidationError):
            # The words of a ValidationError could quote the answer, and with it a new secret.
            raise not_json(200, "JSON of another form", Asked(call, self._region.name)) from None

    def _once(self, name: str, params: dict[str, Any], secrets: tuple[SecretStr, ...] = ()) -> dict[str, Any]:
        url = f"{self._region.api}/{name}"
        asked = Asked(name, self._region.name, by_password=self._email is not None or name == "CheckAuthentication")
        answer, body = self._send(url, json.dumps(params), self._signer(url))
        if answer.status == 200:
            content = _object(body)
            if content is None:
                raise not_json(200, answer.headers.get("Content-Type", ""), asked)
            return content
        error = api_error(answer.status, answer.headers.get("Content-Type", ""), body, asked)
        raise self._masked(error, secrets)

    def _probe_once(self) -> None:
        """`…/api/v1` names its calls, `…/api` its versions; which of them a Region answers is not documented."""
        asked = Asked(_PROBE, self._region.name)
        for url in (self._region.api, self._region.api.rpartition("/")[0]):
            answer, body = self._send(url, "{}", None)
            content = _object(body)
            if content is not None and _API_WORDS & content.keys() and answer.status < 500 and answer.status != 429:
                return
            if answer.status not in (404, 405):
                break
        raise api_error(answer.status, answer.headers.get("Content-Type", ""), body, asked)

    def _send(self, url: str, payload: str, signer: Authentication | None) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        headers = {"Content-Type": _JSON, "Accept": "application/json", "User-Agent": _USER_AGENT}
        # Prepared without a requests session: that would add cookies, proxies and .netrc of the machine.
        request = requests.Request("POST", url, data=payload, headers=headers, auth=signer).prepare()
        answer = self._transport.send("POST", request.url or url, request.headers, request.body)
        body = self._transport.read(answer, url)
        self._note_clock(answer.headers.get("Date"))
        return answer, body

    def _signer(self, url: str) -> Authentication | None:
        """The SDK's signer for what was given. Host: as the header says it, with a port that is not the usual one."""
        secret, password = self._secret_key, self._password
        if secret is None and password is None:
            return None
        profile = Profile(
            access_key=self._access_key,
            secret_key=secret.get_secret_value() if secret else None,
            login=self._email,
            password=password.get_secret_value() if password else None,
            region=self._region.name,
        )
        parts = urlsplit(url)
        usual = {"http": 80, "https": 443}[parts.scheme]
        host = parts.netloc.removesuffix(f":{usual}")
        return Authentication(profile, host, user_agent=_USER_AGENT)

    def _note_clock(self, date: str | None) -> None:
        try:
            theirs = parsedate_to_datetime(date) if date else None
        except ValueError:
            theirs = None
        if theirs is not None:
            theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
            self.clock_skew = datetime.now(UTC) - theirs

    def _masked(self, error: OutscaleError, secrets: tuple[SecretStr, ...]) -> OutscaleError:
        """The API's own words may quote what was sent."""
        own = (self._secret_key, self._password, self._proxy.password if self._proxy else None)
        for secret in (*secrets, *own):
            if secret is not None and secret.get_secret_value():
                error = error.without(secret.get_secret_value())
        return error


def _each(model: type[Model], answer: dict[str, Any], field: str) -> list[Model]:
    return [model.model_validate(entry) for entry in answer[field]]


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _iso(moment: datetime | None) -> str | None:
    """As the API's reference writes it: `2020-06-14T00:00:00.000Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
