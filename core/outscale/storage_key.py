"""A key that opens an object storage, as it is handed to another process."""

from dataclasses import dataclass

from pydantic import SecretStr

from core.domain.hosts import NOTHING, Allowed
from core.domain.proxy import ProxyUrl
from core.domain.regions import Region
from core.outscale.oos import Oos


@dataclass(frozen=True)
class StorageKey:
    """Who asks the object storage of which Region, and how. It can be handed to another process."""

    region: Region
    access_key: str
    secret_key: SecretStr
    proxy: ProxyUrl | None
    connect_timeout: float
    read_timeout: float
    allowed: Allowed = NOTHING

    def open(self) -> Oos:
        """The object storage; nothing is asked of it yet."""
        return Oos(
            self.region,
            self.access_key,
            self.secret_key,
            proxy=self.proxy,
            allowed=self.allowed,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )
