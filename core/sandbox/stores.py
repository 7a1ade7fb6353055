"""The object storages of all Regions: started together, filled, and kept to the identities that the API knows."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from core.sandbox import seed
from core.sandbox.info import REGIONS, storage_port
from core.sandbox.storage import Storage, StorageIdentity
from core.sandbox.world import World
from core.settings import Settings

_READY_SECONDS = 30


class Stores:
    """One storage a Region. Every method may take seconds: call them outside of the event loop."""

    def __init__(self, settings: Settings) -> None:
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

    def follow(self, world: World) -> None:
        """Make the identities those of the world, where they are not yet.

        Raises StorageError."""
        for region, storage in self._storages.items():
            identities = world.storage_identities(region)
            if identities != self._in_force.get(region):
                storage.sync(identities)
                self._in_force[region] = identities

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
