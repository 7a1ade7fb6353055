"""The OUTSCALE API: signed by the SDK's own signer, with our timeouts, proxy, retries and errors."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import requests
from osc_sdk_python.authentication import Authentication
from osc_sdk_python.credentials import Profile
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter
from urllib3.util import parse_url

from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.errors import OutscaleError, Trouble
from core.outscale.models import AccessKey, Account, CreatedAccessKey
from core.outscale.oapi_errors import refusal
from core.outscale.transport import explain_transport

_AGAIN = frozenset({Trouble.THROTTLED, Trouble.SERVER, Trouble.CONNECTION})
"""Troubles after which a read is tried again. Never one that counts towards the lock after four failures."""
_TRIES = 3


class _NoProxy(requests.Session):
    """A session that takes nothing from the environment: no proxy variables, no .netrc, no CA bundle."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False


class Oapi:
    """The API of one Region for one key, or for one account's email and password, or for nobody (`probe` only).
    Every input is explicit: profile files, environment variables and .netrc change nothing."""

    def __init__(
        self,
        region: Region,
        *,
        access_key: str | None = None,
        secret_key: SecretStr | None = None,
        email: str | None = None,
        password: SecretStr | None = None,
        proxy: ProxyUrl | None = None,
        connect_timeout: float = 5,
        read_timeout: float = 20,
    ) -> None:
        """Timeouts are in seconds. Nothing is sent yet."""
        self.region = region
        self.clock_skew: timedelta | None = None
        """This machine's clock against the last answer's; positive when ours is ahead."""
        self._proxy = proxy
        self._timeouts = (connect_timeout, read_timeout)
        self._by_password = password is not None
        self._session = _NoProxy()
        self._session.verify = str(region.ca_file) if region.ca_file else True
        if proxy:
            url = proxy.url().get_secret_value()
            self._session.proxies = {"http": url, "https": url}
        self._auth: Authentication | None = None
        if access_key is not None or email is not None:
            profile = Profile(
                access_key=access_key,
                secret_key=secret_key.get_secret_value() if secret_key else None,
                login=email,
                password=password.get_secret_value() if password else None,
                region=region.name,
            )
            # The signed host has no port, as the SDK signs it; OUTSCALE's own addresses have none.
            self._auth = Authentication(profile, parse_url(region.api).host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def probe(self) -> None:
        """Ask the API for its versions, which needs no sign-in: reached or not, and the clock.

        Raises OutscaleError when it was not reached."""
        self._send(self.region.api, {}, None)

    def call(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Make a call, such as `ReadAccounts`, and give its answer. Reads and dry runs are tried up to three times
        when throttled or cut; writes and refused sign-ins never.

        Raises OutscaleError."""
        repeatable = name.startswith("Read") or parameters.get("DryRun") is True
        url = f"{self.region.api}/{name}"
        if not repeatable:
            return self._send(url, parameters, self._auth)
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, OutscaleError) and error.trouble in _AGAIN),
            stop=stop_after_attempt(_TRIES),
            wait=wait_exponential_jitter(initial=0.2, max=3, jitter=0.3),
            reraise=True,
        )
        answer: dict[str, Any] = retrying(self._send, url, parameters, self._auth)
        return answer

    def may(self, name: str, **required: Any) -> bool:
        """Whether this key may make a call, asked with DryRun. `required` are the call's required parameters.

        Raises OutscaleError for any answer but yes or no."""
        try:
            self.call(name, DryRun=True, **required)
        except OutscaleError as error:
            if error.trouble is Trouble.FORBIDDEN:
                return False
            raise
        return True

    def read_accounts(self) -> list[Account]:
        """The account that the key belongs to (ReadAccounts)."""
        return [Account.model_validate(one) for one in self.call("ReadAccounts").get("Accounts", [])]

    def read_access_keys(self, user_name: str | None = None, ids: list[str] | None = None) -> list[AccessKey]:
        """The access keys of the root user, or of an EIM user (ReadAccessKeys). Unknown ids are left out silently."""
        parameters: dict[str, Any] = {"UserName": user_name} if user_name else {}
        if ids:
            parameters["Filters"] = {"AccessKeyIds": ids}
        answer = self.call("ReadAccessKeys", **parameters)
        return [AccessKey.model_validate(one) for one in answer.get("AccessKeys", [])]

    def create_access_key(
        self, *, expiration: datetime | None = None, tag: str | None = None, user_name: str | None = None
    ) -> CreatedAccessKey:
        """Create an access key; it is ACTIVE (CreateAccessKey). Sent once: after a cut connection a key may exist."""
        answer = self.call("CreateAccessKey", **_given(ExpirationDate=_time(expiration), Tag=tag, UserName=user_name))
        return CreatedAccessKey.model_validate(answer["AccessKey"])

    def update_access_key(
        self,
        access_key_id: str,
        *,
        state: str,
        expiration: datetime | None,
        tag: str | None = None,
        user_name: str | None = None,
    ) -> AccessKey:
        """Set state and expiration (UpdateAccessKey). The expiration is always sent, since OUTSCALE takes it away
        when only the state is given; None means that the key is not to expire."""
        answer = self.call(
            "UpdateAccessKey",
            AccessKeyId=access_key_id,
            State=state,
            **_given(ExpirationDate=_time(expiration), Tag=tag, UserName=user_name),
        )
        return AccessKey.model_validate(answer["AccessKey"])

    def delete_access_key(self, access_key_id: str, user_name: str | None = None) -> None:
        """Delete a key (DeleteAccessKey); an EIM user's must be INACTIVE."""
        self.call("DeleteAccessKey", AccessKeyId=access_key_id, **_given(UserName=user_name))

    def check_authentication(self, email: str, password: SecretStr) -> None:
        """Confirm an email and password with a signed call (CheckAuthentication).

        Raises OutscaleError when they are wrong."""
        self.call("CheckAuthentication", Login=email, Password=password.get_secret_value())

    def _send(self, url: str, parameters: dict[str, Any], auth: Authentication | None) -> dict[str, Any]:
        try:
            response = self._session.post(
                url,
                data=json.dumps(parameters),
                auth=auth,
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=self._timeouts,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise explain_transport(error, url, self.region, self._proxy) from None
        self._compare_clocks(response)
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            raise self._no_json(response) from None
        if response.ok and isinstance(answer, dict):
            return answer
        raise refusal(response.status_code, answer, by_password=self._by_password)

    def _compare_clocks(self, response: requests.Response) -> None:
        try:
            theirs = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        self.clock_skew = datetime.now(UTC) - theirs

    def _no_json(self, response: requests.Response) -> OutscaleError:
        if response.status_code == 407:
            return explain_transport(
                requests.exceptions.ProxyError("407 from the proxy"), self.region.api, self.region, self._proxy
            )
        if response.status_code >= 500:
            return refusal(response.status_code, None, by_password=False)
        return OutscaleError(
            Trouble.NOT_JSON,
            f"A web page came back instead of the API's answer (HTTP {response.status_code}).",
            "A proxy's sign-in page may stand between, or the Region's address is not the API's.",
        )


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
