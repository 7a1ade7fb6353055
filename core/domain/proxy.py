"""The proxy URL of the credentials form."""

from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

PROXY_FORM = "https://user:password@host:port"


class ProxyUrl(BaseModel):
    """A proxy in the form `https://user:password@host:port`, taken apart. The scheme is the protocol that is spoken
    to the proxy itself (facts, section 5)."""

    model_config = ConfigDict(frozen=True)

    user: str
    password: SecretStr
    host: str
    port: int

    def __str__(self) -> str:
        """The URL with the password masked, for screens and messages."""
        return f"https://{quote(self.user, safe='')}:***@{self.host}:{self.port}"

    def url(self) -> SecretStr:
        """The whole URL for an HTTP client, user and password percent-encoded."""
        user, password = (quote(part, safe="") for part in (self.user, self.password.get_secret_value()))
        host = f"[{self.host}]" if ":" in self.host else self.host
        return SecretStr(f"https://{user}:{password}@{host}:{self.port}")


def parse_proxy(text: str) -> ProxyUrl:
    """Read a proxy URL as typed. An `@` or `:` in the password may stand as it is; `/`, `?` and `#` must be
    percent-encoded.

    Raises ValueError with a message for the user that never repeats the password."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise ValueError(
            f"The proxy's host or port cannot be read. Write it as {PROXY_FORM}, with a port from 1 to 65535; "
            "write / ? and # in the password as %2F %3F and %23."
        ) from None
    if parts.scheme != "https":
        raise ValueError(f"The proxy URL must begin with https:// and have the form {PROXY_FORM}.")
    if not parts.username or not parts.password:
        raise ValueError(f"The proxy URL has no user and password. Its form is {PROXY_FORM}.")
    if not parts.hostname:
        raise ValueError(f"The proxy URL has no host. Its form is {PROXY_FORM}.")
    if not port:
        raise ValueError(f"The proxy URL has no port. Its form is {PROXY_FORM}.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(
            f"Nothing may follow the port. The form is {PROXY_FORM}; "
            "write / ? and # in the password as %2F %3F and %23."
        )
    return ProxyUrl(
        user=unquote(parts.username),
        password=SecretStr(unquote(parts.password)),
        host=parts.hostname,
        port=port,
    )
