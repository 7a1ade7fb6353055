"""The object storages of all Regions: started together, filled, and kept to the identities that the API knows."""

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from requests import RequestException
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from core.sandbox import seed
from core.sandbox.free_ports import LOOPBACK
from core.sandbox.info import REGIONS, storage_port
from core.sandbox.storage import Storage, StorageError, StorageIdentity
from core.sandbox.world import World
from core.settings import Settings

_READY_SECONDS = 30
_PATIENCE_SECONDS = 10


class Stores:
    """One storage a Region. Every method may take seconds: call them outside of the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.sandbox_state
        self._storages = {
            region: Storage(region, storage_port(settings, region), self._path(region)) for region in REGIONS
        }
        self._in_force: dict[str, list[StorageIdentity]] = {}

    def start(self, world: World, today: date) -> None:
        """Start all, give them their identities and fill their buckets; those filled already are left alone.

        Raises StorageError."""
        for storage in self._storages.values():
            storage.start()
        with ThreadPoolExecutor(len(REGIONS)) as pool:
            for done in [pool.submit(self._prepare, region, world, today) for region in REGIONS]:
                done.result()

    def follow(self, world: World) -> bool:
        """Make the identities those of the world, where they are not yet. Gives whether anything changed.

        Raises StorageError when a storage ended, or does not take them for some seconds."""
        changed = False
        for region, storage in self._storages.items():
            if not _listens(storage_port(self._settings, region)):
                raise StorageError(f"The object storage of {region} ended by itself. Its log: {self._path(region)}")
            identities = world.storage_identities(region)
            if identities != self._in_force.get(region):
                _patiently(storage, identities)
                self._in_force[region] = identities
                changed = True
        return changed

    def stop(self) -> None:
        """End all; their data stay."""
        with ThreadPoolExecutor(len(REGIONS)) as pool:
            list(pool.map(Storage.stop, self._storages.values()))
        self._in_force.clear()

    def erase(self) -> None:
        """Delete the data of all. They must be stopped."""
        for region in REGIONS:
            shutil.rmtree(self._path(region), ignore_errors=True)

    def _path(self, region: str) -> Path:
        return self._folder / region

    def _prepare(self, region: str, world: World, today: date) -> None:
        storage, identities = self._storages[region], world.storage_identities(region)
        storage.wait_ready(_READY_SECONDS)
        storage.sync(identities)
        self._in_force[region] = identities
        for bucket, of_region, content in seed.buckets(world, today):
            if of_region == region and world.filled.get(bucket) != content:
                storage.create_bucket(bucket)
                storage.fill(bucket, seed.files(world, bucket, today))
                world.filled[bucket] = content


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=2).close()
    except OSError:
        return False
    return True


def _patiently(storage: Storage, identities: list[StorageIdentity]) -> None:
    again = Retrying(
        retry=retry_if_exception_type((StorageError, RequestException)),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(0.2),
    )
    try:
        again(storage.sync, identities)
    except RetryError:
        raise StorageError(f"The object storage at {storage.endpoint} takes no access keys any more.") from None
