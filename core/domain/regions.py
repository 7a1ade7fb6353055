"""OUTSCALE Regions: where an account lives and which addresses answer for it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_REGION = "eu-west-2"
"""Region in which OUTSCALE creates accounts unless asked otherwise (user guide, About Your Account)."""


class Region(BaseModel):
    """One Region. `api` ends in the version path (`…/api/v1`), `oos` is the object storage; both without a
    trailing slash. `ca_file` is a PEM file for Regions whose certificates no public authority signed. `from_file`: an
    administrator's file names it, so its hosts may have private addresses; `sandbox`: it is on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    label: str = Field(min_length=1)
    api: str = Field(pattern=r"^https?://\S+[^/]$")
    oos: str = Field(pattern=r"^https?://\S+[^/]$")
    ca_file: Path | None = None
    retired: bool = False
    from_file: bool = False
    sandbox: bool = False

    def __str__(self) -> str:
        """As the platform's form shows it: `eu-west-2 - Paris`."""
        return f"{self.name} - {self.label}" + (" (retired)" if self.retired else "")


class RegionCatalog(Mapping[str, Region]):
    """The Regions known to this process, by name, in the order in which a form offers them."""

    def __init__(self, regions: list[Region]) -> None:
        self._regions = {region.name: region for region in regions}

    def __getitem__(self, name: str) -> Region:
        return self._regions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)

    @property
    def open(self) -> list[Region]:
        """The Regions that accounts can still be onboarded in."""
        return [region for region in self.values() if not region.retired]
