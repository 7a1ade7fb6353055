"""The Regions this process knows: the public ones, those of a file, and the sandbox's own while it runs."""

import json
import ssl
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from pydantic import ValidationError

from core.domain.hosts import literal_refusal
from core.domain.regions import Region, RegionCatalog
from core.settings import Settings

_BUNDLED = Path(__file__).with_name("regions.toml")
_KEYS = ("name", "label", "api", "oos", "ca_file", "retired")
_START_TOLERANCE = 2.0
"""Seconds: a process's start is computed from the machine's, which may be set a little meanwhile."""


class RegionFileError(ValueError):
    """A Regions file that cannot be used. One line for the user: the file, the entry, what is wrong."""


def load_regions(settings: Settings) -> RegionCatalog:
    """The Regions known now, in the order in which a form offers them: the public ones, those of the file that
    `ONBOARDING_REGIONS` names (an entry with a public one's name takes its place), then the sandbox's.

    Raises RegionFileError when that file cannot be used."""
    regions = list(_region_file(_BUNDLED))
    if settings.regions is not None:
        regions += [region.model_copy(update={"from_file": True}) for region in _region_file(settings.regions)]
    return RegionCatalog(regions + _sandbox_regions(settings.sandbox_file))


def _region_file(file: Path) -> tuple[Region, ...]:
    """Every use case asks for the Regions, so a file is read again only when it was changed."""
    try:
        status = file.stat()
    except OSError as error:
        raise RegionFileError(f"The Regions file {file} cannot be read: {error.strerror}.") from None
    return _read(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(file: Path, _changed: int, _size: int) -> tuple[Region, ...]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegionFileError(f"The Regions file {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RegionFileError(f"The Regions file {file} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise RegionFileError(f"The Regions file {file} is not TOML: {error}.") from None
    entries = content.pop("region", [])
    if content or not isinstance(entries, list):
        odd = ", ".join(sorted(content)) or "region"
        raise RegionFileError(f"The Regions file {file} has {odd} where only [[region]] entries may stand.")
    regions: dict[str, Region] = {}
    for number, entry in enumerate(entries, 1):
        region = _entry(file, number, entry)
        if region.name in regions:
            raise RegionFileError(f"The Regions file {file} has two entries named {region.name}.")
        regions[region.name] = region
    return tuple(regions.values())


def _entry(file: Path, number: int, entry: object) -> Region:
    where = f"The Regions file {file}, entry {number}"
    if not isinstance(entry, dict):
        raise RegionFileError(f"{where}: write it as [[region]].")
    where += f" ({entry['name']})" if isinstance(entry.get("name"), str) else ""
    odd = sorted(set(entry) - set(_KEYS))
    if odd:
        raise RegionFileError(f"{where}: {', '.join(odd)} is not known there. An entry has {', '.join(_KEYS)}.")
    fields = dict(entry)
    if isinstance(fields.get("ca_file"), str):
        fields["ca_file"] = _ca_file(where, file.parent / Path(fields["ca_file"]).expanduser())
    try:
        region = Region.model_validate(fields)
    except ValidationError as error:
        raise RegionFileError(f"{where}: {'; '.join(_problems(error))}.") from None
    for field in ("api", "oos"):
        if problem := _address_problem(getattr(region, field)):
            raise RegionFileError(f"{where}: {field} {problem}")
    return region


def _address_problem(address: str) -> str:
    """What is wrong with the host of an address; empty when nothing is."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        return "has no host or port that can be read."
    if "@" in parts.netloc or "\\" in address:
        return "must be a host alone, without user, password or backslash."
    refused = literal_refusal(host)
    return f"cannot be used: {refused.what}" if refused else ""


def _problems(error: ValidationError) -> Iterator[str]:
    rules = {
        "name": "name must be lowercase letters, digits and hyphens",
        "label": "label must be text that is not empty",
        "api": "api must be an address like https://api.region.example.com/api/v1, without a slash at its end",
        "oos": "oos must be an address like https://oos.region.example.com, without a slash at its end",
        "ca_file": "ca_file must be the path of a PEM file",
        "retired": "retired must be true or false",
    }
    for problem in error.errors(include_input=False, include_url=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        yield f"{field} is missing" if problem["type"] == "missing" else rules.get(field, problem["msg"])


def _ca_file(where: str, ca_file: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except ssl.SSLError:
        raise RegionFileError(f"{where}: ca_file {ca_file} has no certificate in PEM form.") from None
    except OSError as error:
        raise RegionFileError(f"{where}: ca_file {ca_file} cannot be read: {error.strerror}.") from None
    return ca_file


def _sandbox_regions(file: Path) -> list[Region]:
    """The sandbox's Regions while the process that wrote the file lives, else none. A file that is half written or
    from something else is as good as none: no account of the real cloud depends on it."""
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
        process = psutil.Process(content["pid"])
        alive = process.status() != psutil.STATUS_ZOMBIE
        if not alive or abs(process.create_time() - content["started"]) > _START_TOLERANCE:
            return []
        return [
            Region(**{key: entry[key] for key in ("name", "label", "api", "oos")}, sandbox=True)
            for entry in content["regions"]
        ]
    except (OSError, psutil.Error, ValueError, KeyError, TypeError):
        return []
