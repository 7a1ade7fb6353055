"""The proxy URL of the credentials form."""

import re
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

PROXY_FORM = "https://user:password@host:port"
PROXY_RULE = (
    f"Optional, in the form {PROXY_FORM}. "
    "An @ or : in the password may stand as it is; / ? # [ ] and % are percent-encoded."
)
_ENCODE = "in the user or password, write / ? # [ ] and % as %2F %3F %23 %5B %5D and %25, and a blank as %20."
_HOST = re.compile(r"[\w.-]+")


class ProxyUrl(BaseModel):
    """A proxy in the form `https://user:password@host:port`, taken apart. The scheme is the protocol that is spoken
    to the proxy itself (facts, section 5)."""

    model_config = ConfigDict(frozen=True)

    user: str
    password: SecretStr
    host: str
    port: int

    @property
    def address(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        """The URL with the password masked, for screens and messages."""
        return f"https://{quote(self.user, safe='')}:***@{self.address}"

    def url(self) -> SecretStr:
        """The whole URL for an HTTP client, user and password percent-encoded."""
        user, password = (quote(part, safe="") for part in (self.user, self.password.get_secret_value()))
        return SecretStr(f"https://{user}:{password}@{self.address}")


def parse_proxy(text: str) -> ProxyUrl:
    """Read a proxy URL as typed. An `@` or `:` in the password may stand as it is; `/`, `?`, `#`, `[` and `]` must
    be percent-encoded, and so must a `%` that two hexadecimal digits follow.

    Raises ValueError with a message for the user that never repeats the password."""
    text = text.strip()
    if not text.isprintable() or " " in text:
        # urlsplit would drop line ends and tabs silently.
        raise ValueError(f"The proxy URL has a blank or line end inside. Its form is {PROXY_FORM}; {_ENCODE}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(
            f"The proxy's host or port cannot be read. Write it as {PROXY_FORM}, with a port from 1 to 65535; {_ENCODE}"
        ) from None
    if parts.scheme != "https":
        raise ValueError(f"The proxy URL must begin with https:// and have the form {PROXY_FORM}.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"Nothing may follow the port. The form is {PROXY_FORM}; {_ENCODE}")
    if not parts.username or not parts.password:
        raise ValueError(f"The proxy URL has no user and password. Its form is {PROXY_FORM}.")
    if not parts.hostname:
        raise ValueError(f"The proxy URL has no host. Its form is {PROXY_FORM}.")
    if not port:
        raise ValueError(f"The proxy URL has no port. Its form is {PROXY_FORM}.")
    if ":" not in parts.hostname and not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"The proxy's host has a character that no host name has. The form is {PROXY_FORM}; {_ENCODE}")
    try:
        user, password = (unquote(part, errors="strict") for part in (parts.username, parts.password))
    except UnicodeDecodeError:
        raise ValueError(
            "The %-signs in the proxy's user or password do not encode UTF-8 text. Encode it again."
        ) from None
    return ProxyUrl(user=user, password=SecretStr(password), host=parts.hostname, port=port)
