"""The Regions known now: the bundled ones, those of a file, and the sandbox's own while it runs."""

import json
import tomllib
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from core.domain.regions import Region, RegionCatalog
from core.settings import Settings

_BUNDLED = Path(__file__).with_name("regions.toml")


class RegionFileError(ValueError):
    """The file of Regions cannot be used. The text says which entry, and what is wrong with it."""


def load_regions(settings: Settings) -> RegionCatalog:
    """Read the Regions. An entry of the file that ONBOARDING_REGIONS names replaces a bundled one of the same name;
    its `ca_file` is relative to that file.

    Raises RegionFileError when that file cannot be read or an entry is wrong."""
    regions = {region.name: region for region in _from_toml(_BUNDLED)}
    if settings.regions:
        regions |= {region.name: region for region in _from_toml(settings.regions)}
    regions |= {region.name: region for region in _of_the_sandbox(settings.sandbox_file)}
    return RegionCatalog(list(regions.values()))


def _from_toml(path: Path) -> list[Region]:
    try:
        entries = tomllib.loads(path.read_text()).get("region", [])
    except OSError as error:
        raise RegionFileError(f"The Regions file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RegionFileError(f"The Regions file {path} is not TOML: {error}.") from None
    if not isinstance(entries, list):
        raise RegionFileError(f"The Regions file {path} must have its entries under [[region]].")
    return [_region(path, number, entry) for number, entry in enumerate(entries, 1)]


def _region(path: Path, number: int, entry: Any) -> Region:
    try:
        region = Region.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RegionFileError(f"The Regions file {path}, entry {number}, {field}: {first['msg']}.") from None
    if region.ca_file is None:
        return region
    ca_file = path.parent / region.ca_file.expanduser()
    if not ca_file.is_file():
        raise RegionFileError(f"The Regions file {path}, entry {number}, ca_file: there is no file {ca_file}.")
    return region.model_copy(update={"ca_file": ca_file})


def _of_the_sandbox(path: Path) -> list[Region]:
    try:
        info = json.loads(path.read_text())
        # A process id alone may have been given to another process since.
        if abs(psutil.Process(info["pid"]).create_time() - info["started"]) > 1:
            return []
        return [Region.model_validate(entry | {"sandbox": True}) for entry in info["regions"]]
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return []
